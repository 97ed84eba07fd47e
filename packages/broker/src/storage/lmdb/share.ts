import type { Position, QueuedFor } from '../../core/ports/store.js';

/** One session's part in a stored message: waiting in its queue, or in flight. */
export class Share {
  readonly position: Position;
  readonly target: QueuedFor;
  /** What it counts in its queue. */
  readonly bytes: number;
  /** The disk has it where it is now, or will with the commit under way. */
  isWritten: boolean;

  constructor(position: Position, target: QueuedFor, bytes: number, isWritten: boolean) {
    this.position = position;
    this.target = target;
    this.bytes = bytes;
    this.isWritten = isWritten;
  }
}
