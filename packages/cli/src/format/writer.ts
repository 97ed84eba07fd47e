import type { ByteSink } from '../command-line/byte-sink.js';
import type { Moment } from './moment.js';
import type { PrintedMessage } from './printed-message.js';

/** Writes one part of a format. */
export type Writer = (sink: ByteSink, message: PrintedMessage, moment: Moment) => void;

/** What may stand between `%` and its letter. */
export interface Field {
  /** `-`: to the left, and then there are no zeros. */
  readonly isLeft: boolean;
  /** `0` */
  readonly hasZeros: boolean;
  /** In bytes; 0: none is given. */
  readonly width: number;
  /** Behind a dot: bytes at most, decimals, or hexadecimal digits of a group. Undefined: none is given. */
  readonly precision: number | undefined;
  /** Between groups of hexadecimal digits, as a byte. */
  readonly separator: number;
}
