import type { ProtocolVersion } from '@cauldron/codec';
import type { Board, Times } from './board.js';
import type { ErrorTally } from './error-tally.js';
import type { SizeRange } from './payload.js';

/** What the publishers and the receivers of one worker have in common. */
export interface LoadSetting {
  readonly board: Board;
  /** Those of the worker. */
  readonly counts: Float64Array;
  readonly times: Times;
  readonly errors: ErrorTally;
  readonly clock: () => number;
  readonly mark: number;
  readonly size: SizeRange;
  readonly version: ProtocolVersion;
  /** Time from which on messages are measured (microseconds of the run). */
  measureFromUs: number;
}
