import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RouteCache } from './route-cache.js';

const bytesOf = (topic: string): Uint8Array => new TextEncoder().encode(topic);

function add(cache: RouteCache, topic: string) {
  const bytes = bytesOf(topic);
  return cache.add(bytes, 0, bytes.length, topic);
}

function find(cache: RouteCache, topic: string) {
  const bytes = bytesOf(topic);
  return cache.find(bytes, 0, bytes.length);
}

describe('RouteCache', () => {
  it('finds a topic in the midst of other bytes, and keeps a copy of its own', () => {
    const cache = new RouteCache();
    const bytes = bytesOf('..a/topic..');
    const route = cache.add(bytes, 2, 9, 'a/topic');
    bytes.fill(0);
    expect(cache.find(bytesOf('a/topic'), 0, 7)).toBe(route);
    expect(cache.find(bytesOf('---a/topic'), 3, 7)).toBe(route);
  });

  it('takes neither a part of a topic for it, nor one that is longer', () => {
    const cache = new RouteCache();
    add(cache, 'a/b');
    for (const topic of ['', 'a', 'a/', 'a/b/', 'a/bc', 'A/b']) expect(find(cache, topic)).toBeNull();
  });

  it('tells topics with equal hashes apart', () => {
    const cache = new RouteCache();
    // In a polynomial hash of base 31, these pairs are the same.
    const topics = ['AaAa', 'BBBB', 'AaBB', 'BBAa'];
    const routes = topics.map((topic) => add(cache, topic));
    expect(topics.map((topic) => find(cache, topic))).toEqual(routes);
    expect(find(cache, 'AaCB')).toBeNull();
  });

  it('keeps all topics while it grows', () => {
    const cache = new RouteCache();
    const topics = Array.from({ length: 20_000 }, (_, i) => `site/${i % 7}/device/${i}`);
    const routes = topics.map((topic) => add(cache, topic));
    expect(cache.size).toBe(20_000);
    expect(topics.every((topic, i) => find(cache, topic) === routes[i])).toBe(true);
  });

  it('is bounded: while it is full it keeps what it has, and topics that come once are passed through', () => {
    const cache = new RouteCache();
    for (let i = 0; i < 200_000; i++) expect(add(cache, `t/${i}`).topic).toBe(`t/${i}`);
    expect(cache.size).toBe(65_536);
    expect(find(cache, 't/0')).not.toBeNull();
    expect(find(cache, 't/199999')).toBeNull();
  });

  it('begins anew with a topic that comes again soon, and takes topics as before', () => {
    const cache = new RouteCache();
    for (let i = 0; i <= 65_536; i++) add(cache, `t/${i}`);
    const route = add(cache, 't/65536');
    expect(find(cache, 't/65536')).toBe(route);
    expect([find(cache, 't/0'), cache.size]).toEqual([null, 1]);
    const others = Array.from({ length: 1000 }, (_, i) => add(cache, `u/${i}`));
    expect(others.every(({ topic }, i) => find(cache, topic) === others[i])).toBe(true);
  });

  it('is bounded in memory, however long topics are', () => {
    const cache = new RouteCache();
    for (let i = 0; i < 1000; i++) add(cache, `${i}/${'x'.repeat(60_000)}`);
    expect(cache.size).toBe(139);
  });

  it('agrees with a map, whatever the topics', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme', maxLength: 6 }), { maxLength: 200 }), (topics) => {
        const cache = new RouteCache();
        const model = new Map<string, unknown>();
        for (const topic of topics) {
          expect(find(cache, topic)).toBe(model.get(topic) ?? null);
          if (!model.has(topic)) model.set(topic, add(cache, topic));
        }
        expect(cache.size).toBe(model.size);
      }),
    );
  });

  it('knows of each topic who may publish to it, however many take turns, until it is to forget them', () => {
    const route = add(new RouteCache(), 'a');
    expect(route.admits(1)).toBe(false);
    for (const serial of [1, 2, 3]) route.admit(serial);
    expect([1, 2, 3, 1, 4].map((serial) => route.admits(serial))).toEqual([true, true, true, true, false]);
    // The last one is known at first sight.
    expect(route.admits(2)).toBe(true);
    expect(route.writer).toBe(2);
    route.forgetWriters();
    expect([1, 2, 3].some((serial) => route.admits(serial))).toBe(false);
  });

  it('knows a bounded number of them', () => {
    const route = add(new RouteCache(), 'a');
    for (let serial = 1; serial <= 10_000; serial++) route.admit(serial);
    const known = Array.from({ length: 10_000 }, (_, i) => route.admits(i + 1)).filter((admits) => admits);
    expect(known.length).toBeLessThanOrEqual(4096);
    expect(known.length).toBeGreaterThan(0);
  });
});
