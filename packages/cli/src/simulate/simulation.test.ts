import { describe, expect, it } from 'vitest';
import { readDescription } from './description-reader.js';
import { EXAMPLES } from './examples.js';
import { listing } from './listing.js';
import { Simulation, type SimulationEvent } from './simulation.js';

const START_MS = Date.parse('2026-07-01T06:00:00Z');
const MINUTE_MS = 60_000;

function simulated(text: string, minutes = 10, seed = 1): SimulationEvent[] {
  return [...new Simulation(readDescription(text, 'x'), seed, START_MS).until(START_MS + minutes * MINUTE_MS)];
}

const described = (group: string) => `{ "groups": { "g": { ${group} } } }`;

describe('a simulation', () => {
  it.each(Object.keys(EXAMPLES))(
    'of the example %s is the same with the same seed, and another with another',
    (name) => {
      const lines = (seed: number) => {
        const simulation = new Simulation(readDescription(EXAMPLES[name], name), seed, START_MS);
        return [...listing(simulation, START_MS + 10_000)];
      };
      expect(lines(1)).toEqual(lines(1));
      expect(lines(2)).not.toEqual(lines(1));
    },
  );

  it('is in the order of time', () => {
    const times = simulated(EXAMPLES.fleet, 0.25).map(({ atMs }) => atMs);
    expect(times.length).toBeGreaterThan(2_500);
    expect(times).toEqual([...times].sort((a, b) => a - b));
  });

  it('gives the same events, however it is cut into pieces', () => {
    const description = readDescription(EXAMPLES.owntracks, 'x');
    const whole = [...new Simulation(description, 3, START_MS).until(START_MS + 30 * MINUTE_MS)];
    const pieces = new Simulation(description, 3, START_MS);
    const parts: SimulationEvent[] = [];
    for (let at = 0; at <= 30 * MINUTE_MS; at += 777) {
      for (const event of pieces.until(START_MS + at)) {
        parts.push(event);
        if (parts.length % 3 === 0) break;
      }
    }
    parts.push(...pieces.until(START_MS + 30 * MINUTE_MS));
    expect(parts).toEqual(whole);
  });

  it('lets devices do the same, whoever else there is', () => {
    const text = (count: number) =>
      described(
        `"count": ${count}, "values": { "v": { "walk": [0, 100] } }, "messages": [{ "topic": "t/{n}", "payload": "{v}", "every": 5 }]`,
      );
    const ofFirst = (count: number) => simulated(text(count)).filter(({ device }) => device === 0);
    expect(ofFirst(50)).toEqual(ofFirst(1));
  });

  it('publishes at intervals that differ by the jitter at most, and not all at once', () => {
    const text = described(
      '"count": 100, "messages": [{ "topic": "t/{n}", "payload": "x", "every": "10s", "jitter": "2s" }]',
    );
    const events = simulated(text, 5);
    const first = events.filter(({ device }) => device === 0).map(({ atMs }) => atMs);
    const intervals = first.slice(1).map((atMs, at) => atMs - first[at]);
    expect(Math.min(...intervals)).toBeGreaterThanOrEqual(8_000);
    expect(Math.max(...intervals)).toBeLessThanOrEqual(12_000);
    expect(new Set(intervals).size).toBeGreaterThan(10);
    const inFirstSecond = events.filter(({ atMs }) => atMs < START_MS + 1_000).length;
    expect(inFirstSecond).toBeGreaterThan(2);
    expect(inFirstSecond).toBeLessThan(25);
  });

  it('writes a value that stands twice in a message the same both times, and keeps types', () => {
    const text = described(`"values": { "c": { "counter": 1 }, "s": { "choice": [true, null] } },
      "messages": [{ "topic": "t/{c}", "payload": { "c": "{c}", "text": "no {c}", "s": "{s}", "list": [1, "{c}"] }, "every": 1, "jitter": 0 }]`);
    const [first, second] = simulated(text, 1);
    if (first.kind !== 'publish' || second.kind !== 'publish') throw new Error('They are messages');
    expect(first.publication.topic).toBe('t/1');
    expect(first.publication.payload).toMatch(/^\{"c":1,"text":"no 1","s":(true|null),"list":\[1,1\]\}$/);
    expect(second.publication.topic).toBe('t/2');
  });

  it.each([
    ['lost', false],
    ['kept', true],
  ])('cuts devices off: messages that are due meanwhile are %s', (what, areKept) => {
    const text = described(`"messages": [{ "topic": "t", "payload": "x", "every": 1, "jitter": 0 }],
      "dropouts": { "probability": 0.1, "for": ["5s", "9s"], "messages": "${what}" }`);
    const events = simulated(text, 10);
    let untilMs = 0;
    let cuts = 0;
    let meanwhile = 0;
    for (const event of events) {
      if (event.kind === 'cut') {
        expect(event.atMs).toBeGreaterThanOrEqual(untilMs);
        ({ untilMs } = event);
        expect(untilMs - event.atMs).toBeGreaterThanOrEqual(5_000);
        expect(untilMs - event.atMs).toBeLessThanOrEqual(9_000);
        cuts += 1;
      } else if (event.kind === 'return') expect(event.atMs).toBe(untilMs);
      else if (event.atMs < untilMs) meanwhile += 1;
    }
    expect(cuts).toBeGreaterThan(20);
    expect(meanwhile > 0).toBe(areKept);
  });

  it('publishes what is to be said at transitions when regions are entered and left', () => {
    const events = simulated(EXAMPLES.owntracks, 24 * 60);
    const said = events.flatMap((event) =>
      event.kind === 'publish' && event.publication.topic.endsWith('/event')
        ? [JSON.parse(event.publication.payload)]
        : [],
    );
    expect(said.length).toBeGreaterThan(20);
    for (const one of said) {
      expect(one).toMatchObject({ _type: 'transition', event: expect.stringMatching(/^(enter|leave)$/) });
      expect(['Home', 'Work']).toContain(one.desc);
    }
  });
});

describe('a device', () => {
  it('has ids, credentials, a will and a birth of its own', () => {
    const text = described(`"count": 2, "id": "d{n}", "username": "u-{id}", "password": "p{n}",
      "messages": [{ "topic": "t", "payload": "x", "every": 1 }],
      "will": { "topic": "{id}/s", "payload": "off", "qos": 1, "retain": true },
      "birth": { "topic": "{id}/s", "payload": { "on": "{n}", "tid": "{tid}" } }`);
    const [, second] = new Simulation(readDescription(text, 'x'), 1, START_MS).devices;
    expect(second).toMatchObject({
      id: 'd2',
      username: 'u-d2',
      password: 'p2',
      will: { topic: 'd2/s', payload: 'off', qos: 1, retain: true },
      birth: { topic: 'd2/s', payload: '{"on":2,"tid":"d2"}', qos: 0, retain: false },
    });
  });
});
