import { deepStrictEqual } from 'node:assert';
import { inspect } from 'node:util';
import { ConformanceFailure } from '../raw/raw-peer.js';
import { Trace } from '../raw/trace.js';
import type { Level } from '../statements/index.js';

/** What tests of both sides have: what went over the wire, and the ways to demand something. */
export abstract class Judgement {
  readonly level: Level;
  readonly trace = new Trace();

  constructor(level: Level) {
    this.level = level;
  }

  /** Where a test has to wait for time to pass, which is what it proves. Never used to wait for the other side's work. */
  async pass(ms: number): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, ms));
  }

  /** Demands that two values are deeply equal. */
  equal(actual: unknown, expected: unknown, what: string): void {
    try {
      deepStrictEqual(actual, expected);
    } catch {
      throw new ConformanceFailure(`${what}: ${inspect(actual)} instead of ${inspect(expected)}`);
    }
  }

  /** Demands that something is true; `what` says what is not. */
  ok(condition: boolean, what: string): void {
    if (!condition) throw new ConformanceFailure(what);
  }

  /** Called when the test is over. Closes everything that it opened. */
  abstract close(): Promise<void>;
}
