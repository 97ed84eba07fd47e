import { beforeEach, describe, expect, it } from 'vitest';
import { ReadTurns } from './read-turns.js';

describe('what reads produce', () => {
  let flushed = 0;
  let endTurn: (() => void) | null = null;
  let turns: ReadTurns;

  beforeEach(() => {
    flushed = 0;
    endTurn = null;
    const clock = {
      wallMs: () => 0,
      monotonicMs: () => 0,
      every: () => () => {},
      soon: () => {},
      afterReads: (action: () => void) => {
        expect(endTurn).toBeNull();
        endTurn = action;
      },
    };
    turns = new ReadTurns(clock, () => flushed++);
  });

  /** A turn with so many reads. Returns how often something left during it, and at its end. */
  function turn(reads: number, bytes = 100): readonly [number, number] {
    const before = flushed;
    for (let i = 0; i < reads; i++) turns.readDone(bytes);
    const during = flushed - before;
    const end = endTurn;
    endTurn = null;
    end?.();
    return [during, flushed - before - during];
  }

  it('leaves together once all are handled that were ready', () => {
    for (let i = 0; i < 1000; i++) expect(turn(5)).toEqual([0, 1]);
  });

  it('leaves at once when a read was large', () => {
    expect(turn(3, 60_000)).toEqual([3, 0]);
  });

  it('leaves at once while reads come one by one, apart from trials', () => {
    const waited = Array.from({ length: 5440 }, () => turn(1)[1]).reduce((sum, count) => sum + count);
    expect(waited).toBe(320);
  });

  it('leaves together again when many come at once again', () => {
    for (let i = 0; i < 40; i++) turn(1);
    let reads = 0;
    while (turn(4)[0] > 0) reads += 4;
    expect(reads).toBeLessThanOrEqual(512);
    expect(turn(4)).toEqual([0, 1]);
  });
});
