import type { Message } from '../message.js';

/**
 * What one broker process tells the others: which filters somebody here wants, messages for theirs, and who moved.
 * Calls are many and small; an implementation gathers them into frames and sends those at `flush`, which the broker
 * calls once after each batch of reads.
 */
export interface Peers {
  /** How many others there are; 0 costs nothing anywhere. */
  readonly count: number;
  /** Somebody here subscribed; called for each subscription, the implementation counts. */
  interestAdded(filter: string): void;
  /** The reverse, once for each `interestAdded`. */
  interestRemoved(filter: string): void;
  /** A message that came from a client of this process. Borrowed: what is kept must be copied (`message.keep()`). */
  publish(message: Message): void;
  /**
   * A client connects here: whoever serves it elsewhere lets go of it and hands over its session. Null: nobody else
   * can have it.
   */
  takeOver(clientId: string): Promise<void> | null;
  flush(): void;
}
