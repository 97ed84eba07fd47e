import type { ReasonCode } from '@cauldron/codec';
import type { Client } from '../client.js';
import type { Message, NoParams } from './message.js';

/**
 * Called for each message, with the client that received it. A message with QoS 1 or 2 is acknowledged when the call
 * returns, or when the promise that it returns is settled; the next message does not wait for that. What a handler throws,
 * or its promise is rejected with, becomes an uncaught exception, after the acknowledgement.
 */
export type MessageHandler<T = Uint8Array, P = NoParams> = (message: Message<T, P>, client: Client) => unknown;

/**
 * What `subscribe` returns. Without a handler the messages wait here for a loop:
 *
 *     for await (const message of await client.subscribe('a/#')) { ... }
 *
 * A message with QoS 1 or 2 is acknowledged when the loop asks for the next one. To leave the loop, by `break`, `return` or
 * an error, acknowledges the last message, and unsubscribes. The loop ends when the subscription does: by `unsubscribe`, by
 * the signal of the options, or because the client disconnects. What the client ended with, if it did not mean to, is
 * thrown in the loop, after the messages that had come before.
 */
export interface Subscription<T = Uint8Array, P = NoParams> extends AsyncIterable<Message<T, P>>, AsyncDisposable {
  /** As they were asked for. */
  readonly filters: readonly string[];
  /** For each filter the granted QoS, or a code of 0x80 and above where the server refused it. */
  readonly reasonCodes: readonly ReasonCode[];
  /**
   * Ends the subscription: at once for the program, which gets no message any more, and then for the server, if no other
   * subscription of the client has the filters too. Messages that waited for the loop are acknowledged.
   * @returns when the server has answered
   * @throws (rejects) what `Client.unsubscribe` rejects with
   */
  unsubscribe(): Promise<void>;
}
