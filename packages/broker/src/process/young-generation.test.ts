import { PacketType } from '@cauldron/codec';
import { describe, expect, it } from 'vitest';
import { Counters } from '../core/counters.js';
import { YoungGeneration } from './young-generation.js';

/** A clock that says when the next second is over. */
function manualClock() {
  let nowMs = 0;
  let tick = (): void => {};
  return {
    monotonicMs: () => nowMs,
    every(_intervalMs: number, action: () => void) {
      tick = action;
      return () => {};
    },
    pass(ms: number) {
      nowMs += ms;
      tick();
    },
  };
}

function followed() {
  const factors: number[] = [];
  const counters = new Counters();
  const clock = manualClock();
  new YoungGeneration((factor) => factors.push(factor)).follow({ counters }, clock);
  return { factors, counters, clock };
}

describe('the young generation', () => {
  it('stays as it is from before the broker is there, however many clients connect', () => {
    const { factors, counters, clock } = followed();
    counters.connections += 20_000;
    counters.received[PacketType.CONNECT] += 20_000;
    clock.pass(1000);
    expect(factors).toEqual([1]);
  });

  it('may grow while many messages come in or go out, and not after that', () => {
    for (const side of ['received', 'sent'] as const) {
      const { factors, counters, clock } = followed();
      counters[side][PacketType.PUBLISH] += 12_000;
      clock.pass(1000);
      expect(factors).toEqual([1, 8]);
      counters[side][PacketType.PUBLISH] += 12_000;
      clock.pass(1000);
      expect(factors).toEqual([1, 8]);
      clock.pass(1000);
      expect(factors).toEqual([1, 8, 1]);
    }
  });

  it('does not take messages of a longer time for many', () => {
    const { factors, counters, clock } = followed();
    counters.received[PacketType.PUBLISH] += 12_000;
    clock.pass(2000);
    expect(factors).toEqual([1]);
  });
});
