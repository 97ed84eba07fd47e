import { topicMatches } from '@cauldron/codec';
import { describe, expect, it } from 'vitest';
import { type Population, SHAPES, shareOf, Topology } from './shape.js';

const POPULATIONS: readonly Population[] = SHAPES.flatMap<Population>((shape) =>
  [1, 3].flatMap<Population>((topics) =>
    shape === 'pair'
      ? [{ shape, publishers: 12, subscribers: 12, topics }]
      : [
          { shape, publishers: 1, subscribers: 5, topics },
          { shape, publishers: 12, subscribers: 9, topics },
        ],
  ),
);

const named = (population: Population) => [JSON.stringify(population), population] as const;

describe('a topology', () => {
  it.each(POPULATIONS.map(named))('expects for each subscriber what its filter matches: %s', (_, population) => {
    const topology = new Topology('x', population);
    const topics = Array.from({ length: population.publishers }, (_, n) => topology.topicsOf(n)).flat();
    expect(new Set(topics).size).toBe(topology.streams);
    const counts = topics.map(() => 0);
    for (let subscriber = 0; subscriber < population.subscribers; subscriber++) {
      const filter = topology.filterOf(subscriber);
      const matched = topics.flatMap((topic, stream) => (topicMatches(filter, topic) ? [stream] : []));
      expect(topology.streamsOf(subscriber)).toEqual(matched);
      expect(matched.length).toBeGreaterThan(0);
      for (const stream of matched) counts[stream]++;
    }
    expect([...topology.receivers()]).toEqual(counts);
  });

  it('of a tree has all kinds of wildcards', () => {
    const topology = new Topology('x', { shape: 'tree', publishers: 20, subscribers: 8, topics: 2 });
    const filters = [0, 1, 2, 3, 7].map((subscriber) => topology.filterOf(subscriber));
    expect(filters).toEqual(['x/a0/#', 'x/+/d0/+', 'x/a0/+/m0', 'x/+/+/m0', 'x/+/+/m1']);
    expect(topology.topicsOf(13)).toEqual(['x/a3/d13/m0', 'x/a3/d13/m1']);
  });
});

describe('the clients of the workers', () => {
  it.each(POPULATIONS.map(named))('are all clients, each once: %s', (_, population) => {
    for (const workers of [1, 2, 5]) {
      const shares = Array.from({ length: workers }, (_, n) => shareOf(population, 7, n, workers));
      const all = (of: 'publishers' | 'subscribers' | 'idle') =>
        shares.flatMap((share) => share[of]).sort((a, b) => a - b);
      expect(all('publishers')).toEqual(Array.from({ length: population.publishers }, (_, n) => n));
      expect(all('subscribers')).toEqual(Array.from({ length: population.subscribers }, (_, n) => n));
      expect(all('idle')).toEqual([0, 1, 2, 3, 4, 5, 6]);
    }
  });

  it('keep pairs together, and give a lone publisher a worker with few others', () => {
    const pairs = shareOf({ shape: 'pair', publishers: 4, subscribers: 4, topics: 1 }, 0, 1, 2);
    expect(pairs).toEqual({ publishers: [1, 3], subscribers: [1, 3], idle: [] });
    const lone = shareOf({ shape: 'fan-in', publishers: 1, subscribers: 1, topics: 1 }, 0, 0, 2);
    expect(lone).toEqual({ publishers: [0], subscribers: [], idle: [] });
  });
});
