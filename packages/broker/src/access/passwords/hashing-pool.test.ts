import { describe, expect, it } from 'vitest';
import { HashingPool } from './hashing-pool.js';

async function settled(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise<void>((resolve) => setImmediate(resolve));
}

/** Work that lasts until the test ends it. */
function work() {
  const started: string[] = [];
  const ends = new Map<string, (error?: Error) => void>();
  const named = (name: string) => () => {
    started.push(name);
    return new Promise<string>((resolve, reject) => {
      ends.set(name, (error) => (error === undefined ? resolve(name) : reject(error)));
    });
  };
  const end = async (name: string, error?: Error) => {
    ends.get(name)?.(error);
    await settled();
  };
  return { started, named, end };
}

describe('a pool for hashing', () => {
  it('does so much at once, the rest in turn, and refuses what would wait too long', async () => {
    const pool = new HashingPool({ threads: 2, maxWaiting: 2 });
    const { started, named, end } = work();
    const results = ['a', 'b', 'c', 'd', 'e'].map((name) => pool.run(named(name)));
    expect(results[4]).toBeNull();
    expect(started).toEqual(['a', 'b']);
    await end('b');
    expect(started).toEqual(['a', 'b', 'c']);
    await end('a');
    expect(started).toEqual(['a', 'b', 'c', 'd']);
    await end('c');
    await end('d');
    expect(await Promise.all(results)).toEqual(['a', 'b', 'c', 'd', null]);
  });

  it('goes on after work that failed, and gives nobody a place that is promised', async () => {
    const pool = new HashingPool({ threads: 1, maxWaiting: 2 });
    const { started, named, end } = work();
    const failed = pool.run(named('a'))?.catch((error: Error) => error.message);
    const waiting = pool.run(named('b'));
    // In the same turn as the end of `a`, before `b` begins.
    void failed?.then(() => pool.run(named('late')));
    await end('a', new Error('no memory'));
    expect(await failed).toBe('no memory');
    expect(started).toEqual(['a', 'b']);
    await end('b');
    expect(await waiting).toBe('b');
    expect(started).toEqual(['a', 'b', 'late']);
    await end('late');
  });

  it('leaves a processor to the event loop, and a thread to files', async () => {
    const pool = new HashingPool();
    const { started, named } = work();
    for (const name of ['a', 'b', 'c', 'd']) void pool.run(named(name));
    expect(started.length).toBeGreaterThanOrEqual(1);
    expect(started.length).toBeLessThanOrEqual(3);
  });
});
