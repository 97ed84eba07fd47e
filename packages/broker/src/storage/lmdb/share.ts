import type { Position, QueuedFor } from '../../core/ports/store.js';
import type { StoredMessage } from './stored-messages.js';

/** One session's part in a stored message: waiting in its queue, or in flight. */
export class Share {
  readonly position: Position;
  readonly target: QueuedFor;
  /** What it counts in its queue. */
  readonly bytes: number;
  /** The disk has it where it is now, or will with the commit under way. */
  isWritten: boolean;
  /** Its message, where that came in this process. */
  readonly stored: StoredMessage | null;
  /** The commit that it was waiting for when it came; 0: it came from the disk. */
  readonly commit: number;

  constructor(
    position: Position,
    target: QueuedFor,
    bytes: number,
    isWritten: boolean,
    stored: StoredMessage | null = null,
    commit = 0,
  ) {
    this.stored = stored;
    this.commit = commit;
    this.position = position;
    this.target = target;
    this.bytes = bytes;
    this.isWritten = isWritten;
  }

  /** Whether a crash would leave it, or something of it. */
  get isOnDisk(): boolean {
    const { stored } = this;
    return this.isWritten || (stored !== null && (stored.isLogged || stored.writtenReferences > 0));
  }
}
