import { describe, expect, it } from 'vitest';
import { Board, Slot } from './board.js';
import { brokenPromises, outcomeOf } from './outcome.js';
import { type BenchValues, type Plan, planOf } from './plan.js';
import type { WorkerReport } from './worker-messages.js';

const CLEAN = { received: 0, duplicated: 0, outOfOrder: 0, stray: 0, missing: 0, damaged: 0 };

function plan(values: BenchValues): Plan {
  return planOf({ workers: 2, publishers: 2, ...values });
}

function boardOf({ workers, publishers, topics }: Plan): Board {
  return new Board(Board.memory(workers, publishers * topics), workers, publishers * topics);
}

function report(more: Partial<WorkerReport> = {}): WorkerReport {
  return { verification: CLEAN, errors: [], utilisation: 0.5, ...more };
}

describe('the outcome of a run', () => {
  it('adds up what all workers have counted, measured and found', () => {
    const values = plan({ qos: 1 });
    const board = boardOf(values);
    const begin = { atUs: 1e6, counts: board.counts() };
    for (const worker of [0, 1]) {
      const counts = board.countsOf(worker);
      counts[Slot.published] = counts[Slot.settled] = counts[Slot.due] = counts[Slot.delivered] = 100;
      counts[Slot.publishedBytes] = 6_400;
      board.timesOf(worker).delivery.record(1_000 * (worker + 1));
    }
    const reports = [0, 1].map((worker) =>
      report({ verification: { ...CLEAN, received: 100, duplicated: worker }, errors: [['cut', worker + 1]] }),
    );
    const outcome = outcomeOf(values, board, reports, 5, begin, { atUs: 3e6, counts: board.counts() }, 4);
    expect(outcome).toMatchObject({
      measuredMs: 2_000,
      published: { messages: 200, perSecond: 100, bytesPerSecond: 6_400 },
      delivered: { messages: 200 },
      expected: 200,
      lost: 0,
      verification: { received: 200, duplicated: 1 },
      errors: [['cut', 3]],
      broken: [],
      limit: null,
    });
    expect([0, 100].map((percent) => outcome.times.delivery.percentile(percent))).toEqual([1_000, 2_000]);
  });

  it('does not call lost what the broker has not taken', () => {
    const values = plan({ qos: 1 });
    const board = boardOf(values);
    const counts = board.countsOf(1);
    [counts[Slot.published], counts[Slot.settled], counts[Slot.due], counts[Slot.delivered]] = [10, 10, 10, 6];
    [counts[Slot.refused], counts[Slot.refusedDeliveries]] = [3, 3];
    const reports = [report(), report({ verification: { ...CLEAN, received: 6, missing: 4 } })];
    const now = { atUs: 0, counts: board.counts() };
    const outcome = outcomeOf(values, board, reports, 5, now, now, 4);
    expect(outcome).toMatchObject({ expected: 7, lost: 1, broken: ['1 lost, although QoS 1 promises delivery'] });
    expect(board.isQuiet).toBe(false);
  });

  it.each<[string, number | null, number, RegExp | null]>([
    ['a worker with time to spare', 0.9, 0, null],
    [
      'a worker without',
      0.99,
      0,
      /^this tool was at its limit: 1 of its 2 workers had no time left\. .*--workers 4\.$/,
    ],
    ['messages that are sent on time', null, 900, null],
    ['messages that are sent late', null, 20_000, /it sent one message in a hundred 20 ms late or more\./],
  ])('tells of %s whether the tool itself was the limit', (_, utilisation, latenessUs, expected) => {
    const values = plan({});
    const board = boardOf(values);
    if (utilisation === null) board.timesOf(0).lateness.record(latenessUs);
    const now = { atUs: 0, counts: board.counts() };
    const { limit } = outcomeOf(values, board, [report({ utilisation }), report()], 5, now, now, 4);
    if (expected === null) expect(limit).toBeNull();
    else expect(limit).toMatch(expected);
  });
});

describe('what a broker must not do', () => {
  const found = (more: Partial<typeof CLEAN & { lost: number; unacknowledged: number }>) => {
    const { lost = 0, unacknowledged = 0, ...verification } = more;
    return { lost, unacknowledged, verification: { ...CLEAN, ...verification } };
  };

  it.each([
    [{ lost: 1 }, [false, true, true]],
    [{ duplicated: 1 }, [true, false, true]],
    [{ outOfOrder: 1 }, [true, true, true]],
    [{ stray: 1 }, [true, true, true]],
    [{ damaged: 1 }, [true, true, true]],
    [{ unacknowledged: 1 }, [true, true, true]],
    [{ received: 1, missing: 1 }, [false, false, false]],
  ])('depends on the QoS: %j', (what, expected) => {
    expect([0, 1, 2].map((qos) => brokenPromises(qos, found(what)).length > 0)).toEqual(expected);
  });
});
