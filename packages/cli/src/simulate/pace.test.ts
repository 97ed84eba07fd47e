import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { readDescription } from './description-reader.js';
import { Pace } from './pace.js';
import { Simulation } from './simulation.js';

const EVERY_SECOND = readDescription(
  '{ "groups": { "g": { "messages": [{ "topic": "t", "payload": "x", "every": 1, "jitter": 0 }] } } }',
  'x',
);

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

function playing(speed: number, endMs: number) {
  const times: number[] = [];
  const end = new AbortController();
  let isOver = false;
  const beganMs = Date.now();
  const pace = new Pace(0, speed, () => Date.now());
  const played = pace
    .play(new Simulation(EVERY_SECOND, 1, 0), endMs, end.signal, (event) => {
      times.push(Date.now() - beganMs - event.atMs / speed);
    })
    .then(() => {
      isOver = true;
    });
  return { times, end, played, pace, isOver: () => isOver };
}

describe('the pace of a simulation', () => {
  it.each([1, 10])('lets events happen at their times, at speed %d, and ends when it should', async (speed) => {
    const { times, isOver } = playing(speed, 10_000);
    await vi.advanceTimersByTimeAsync(9_990 / speed);
    expect([times.length, isOver()]).toEqual([10, false]);
    for (const lateMs of times) {
      expect(lateMs).toBeGreaterThanOrEqual(0);
      expect(lateMs).toBeLessThanOrEqual(1);
    }
    await vi.advanceTimersByTimeAsync(11);
    expect(isOver()).toBe(true);
  });

  it('catches up when it was held up, and says how late it is', async () => {
    const { times, pace, end, played } = playing(1, Number.POSITIVE_INFINITY);
    await vi.advanceTimersByTimeAsync(2_000);
    vi.setSystemTime(Date.now() + 5_000);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(times).toHaveLength(8);
    expect(Math.max(...times)).toBeGreaterThan(3_900);
    expect(pace.latenessMs).toBeLessThan(1_000);
    end.abort();
    await played;
  });

  it('ends at once when it is told to', async () => {
    const { times, end, played } = playing(1, Number.POSITIVE_INFINITY);
    await vi.advanceTimersByTimeAsync(2_500);
    end.abort();
    await played;
    expect(times.length).toBeLessThanOrEqual(3);
    expect(vi.getTimerCount()).toBe(0);
  });
});
