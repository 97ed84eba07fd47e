import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Timer, TimerWheel } from './timer-wheel.js';

interface Recording {
  /** The names of the timers that fired, in order. */
  readonly fired: string[];
  /** Makes a timer that notes its name when it fires, and then does what a test wants done. */
  timer(name: string, whenFired?: (nowMs: number) => void): Timer;
}

function recording(): Recording {
  const fired: string[] = [];
  const timer = (name: string, whenFired?: (nowMs: number) => void): Timer =>
    new Timer({
      fire(nowMs) {
        fired.push(name);
        whenFired?.(nowMs);
      },
    });
  return { fired, timer };
}

const START_MS = 1_700_000_000_123;
const LONGEST_MS = 0xffffffff * 1000;

describe('TimerWheel', () => {
  it('fires a timer at the first advance at or after its time, and once', () => {
    const { fired, timer } = recording();
    const wheel = new TimerWheel(START_MS);
    wheel.schedule(timer('a'), START_MS + 250);
    wheel.advance(START_MS + 249);
    expect(fired).toEqual([]);
    wheel.advance(START_MS + 250);
    wheel.advance(START_MS + 100_000_000);
    expect(fired).toEqual(['a']);
    expect(wheel.size).toBe(0);
  });

  it('tells the time of the last advance, which never goes back', () => {
    const wheel = new TimerWheel(START_MS);
    expect(wheel.now).toBe(START_MS);
    wheel.advance(START_MS + 7);
    wheel.advance(START_MS);
    expect(wheel.now).toBe(START_MS + 7);
  });

  it('fires at its latest time only when it is scheduled twice', () => {
    const { fired, timer } = recording();
    const wheel = new TimerWheel(START_MS);
    const a = timer('a');
    wheel.schedule(a, START_MS + 100);
    wheel.schedule(a, START_MS + 1000);
    expect(wheel.size).toBe(1);
    wheel.advance(START_MS + 999);
    expect(fired).toEqual([]);
    expect(a.isScheduled).toBe(true);
    wheel.advance(START_MS + 1000);
    expect(fired).toEqual(['a']);
    expect(a.isScheduled).toBe(false);
  });

  it('does not fire a timer that is cancelled', () => {
    const { fired, timer } = recording();
    const wheel = new TimerWheel(START_MS);
    const timers = ['a', 'b', 'c'].map((name) => timer(name));
    for (const each of timers) wheel.schedule(each, START_MS + 100);
    wheel.cancel(timers[1]);
    wheel.cancel(timers[1]);
    expect(wheel.size).toBe(2);
    wheel.advance(START_MS + 100);
    expect(fired).toEqual(['a', 'c']);
  });

  it('fires in the order of due times, also after a jump over many rounds', () => {
    const { fired, timer } = recording();
    const wheel = new TimerWheel(START_MS);
    const delaysMs = [5_000_000, 100, 409_600, 99, 5_000_001, 820_000, 0, 150];
    for (const delayMs of delaysMs) wheel.schedule(timer(`${delayMs}`), START_MS + delayMs);
    wheel.advance(START_MS + 10_000_000);
    expect(fired).toEqual(['0', '99', '100', '150', '409600', '820000', '5000000', '5000001']);
  });

  it('tells the owner of several timers which one fired, and when', () => {
    const calls: [number, Timer][] = [];
    const owner = { fire: (nowMs: number, timer: Timer) => calls.push([nowMs, timer]) };
    const wheel = new TimerWheel(START_MS);
    const timers = [new Timer(owner), new Timer(owner)];
    for (const timer of timers) wheel.schedule(timer, START_MS + 10);
    wheel.advance(START_MS + 20);
    expect(calls).toEqual(timers.map((timer) => [START_MS + 20, timer]));
    expect(calls.map(([, timer]) => timers.indexOf(timer))).toEqual([0, 1]);
  });

  it('keeps a delay of 136 years', () => {
    const { fired, timer } = recording();
    const wheel = new TimerWheel(START_MS);
    wheel.schedule(timer('a'), START_MS + LONGEST_MS);
    for (let ms = 0; ms < 10_000_000; ms += 50_000) wheel.advance(START_MS + ms);
    wheel.advance(START_MS + LONGEST_MS - 1);
    expect(fired).toEqual([]);
    wheel.advance(START_MS + LONGEST_MS);
    expect(fired).toEqual(['a']);
  });

  it('lets a timer schedule itself again, for a later advance even if it is due at once', () => {
    const { fired, timer } = recording();
    const wheel = new TimerWheel(START_MS);
    const a: Timer = timer('a', (nowMs) => wheel.schedule(a, nowMs));
    wheel.schedule(a, START_MS);
    for (const ms of [1, 2, 3]) {
      wheel.advance(START_MS + ms);
      expect(fired).toHaveLength(ms);
    }
    expect(wheel.size).toBe(1);
  });

  it('lets a timer cancel or move others that are due with it', () => {
    const { fired, timer } = recording();
    const wheel = new TimerWheel(START_MS);
    const cancelled = timer('cancelled');
    const moved = timer('moved');
    const first = timer('first', (nowMs) => {
      wheel.cancel(cancelled);
      wheel.schedule(moved, nowMs + 500);
    });
    wheel.schedule(first, START_MS + 10);
    wheel.schedule(cancelled, START_MS + 11);
    wheel.schedule(moved, START_MS + 12);
    wheel.schedule(timer('last'), START_MS + 13);
    wheel.advance(START_MS + 100);
    expect(fired).toEqual(['first', 'last']);
    expect(wheel.size).toBe(1);
    wheel.advance(START_MS + 600);
    expect(fired).toEqual(['first', 'last', 'moved']);
  });

  it('fires the others at the next advance when an owner throws', () => {
    const { fired, timer } = recording();
    const wheel = new TimerWheel(START_MS);
    const faulty = timer('faulty', () => {
      throw new Error('a fault of the owner');
    });
    wheel.schedule(faulty, START_MS + 10);
    wheel.schedule(timer('a'), START_MS + 20);
    wheel.schedule(timer('b'), START_MS + 30);
    expect(() => wheel.advance(START_MS + 1000)).toThrow('a fault of the owner');
    expect(wheel.size).toBe(2);
    wheel.advance(START_MS + 1001);
    expect(fired).toEqual(['faulty', 'a', 'b']);
  });

  it('fires exactly what a list of due times says, after any use', () => {
    const delay = fc.oneof(fc.nat(1000), fc.nat(900_000), fc.constantFrom(409_600, 409_599, LONGEST_MS));
    const command = fc.oneof(
      fc.record({ kind: fc.constant('schedule' as const), at: fc.nat(9), delayMs: delay }),
      fc.record({ kind: fc.constant('cancel' as const), at: fc.nat(9) }),
      fc.record({ kind: fc.constant('advance' as const), byMs: fc.oneof(fc.nat(300), delay) }),
    );
    fc.assert(
      fc.property(fc.array(command, { maxLength: 60 }), (commands) => {
        const { fired, timer } = recording();
        const wheel = new TimerWheel(START_MS);
        const timers = Array.from({ length: 10 }, (_, i) => timer(`${i}`));
        const dueMs = new Map<number, number>();
        for (const step of commands) {
          if (step.kind === 'schedule') {
            wheel.schedule(timers[step.at], wheel.now + step.delayMs);
            dueMs.set(step.at, wheel.now + step.delayMs);
          } else if (step.kind === 'cancel') {
            wheel.cancel(timers[step.at]);
            dueMs.delete(step.at);
          } else {
            const before = wheel.now;
            wheel.advance(before + step.byMs);
            const due = [...dueMs].filter(([, ms]) => ms <= before + step.byMs);
            for (const [at] of due) dueMs.delete(at);
            const times = new Map(due.map(([at, ms]) => [`${at}`, ms]));
            const order = fired.map((name) => times.get(name));
            expect(order).toEqual(due.map(([, ms]) => ms).sort((a, b) => a - b));
            expect(new Set(fired).size).toBe(fired.length);
            fired.length = 0;
          }
          expect(wheel.size).toBe(dueMs.size);
          expect(timers.map((each) => each.isScheduled)).toEqual(timers.map((_, at) => dueMs.has(at)));
        }
      }),
      { numRuns: 300 },
    );
  });
});
