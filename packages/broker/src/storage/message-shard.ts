import type { Message } from '../core/message.js';
import type { Position } from '../core/ports/store.js';
import { PositionList } from './position-list.js';

/** A message that sessions of one shard wait for, or have in flight; it stays until the last of them is done with it. */
export class StoredMessage {
  readonly position: Position;
  readonly message: Message;
  /** Sessions that are not done with it. */
  references = 0;
  readonly #shard: MessageShard;

  constructor(shard: MessageShard, position: Position, message: Message) {
    this.#shard = shard;
    this.position = position;
    this.message = message;
  }

  /** One session is done with it. */
  release(): void {
    this.references--;
    if (this.references === 0) this.#shard.messages.remove(this.position);
  }
}

/** The messages of one shard, each held once, and the positions that it gives out. */
export class MessageShard {
  readonly messages = new PositionList<StoredMessage>();
  #lastPosition: Position = 0;

  nextPosition(): Position {
    this.#lastPosition++;
    return this.#lastPosition;
  }

  /** An entry used this position, which another store may have given out: it is not given out again. */
  passPosition(position: Position): void {
    if (position > this.#lastPosition) this.#lastPosition = position;
  }
}
