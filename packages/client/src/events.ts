import type { Connack, Disconnect, ReasonCode } from '@cauldron/codec';
import type { ClientError } from './errors.js';
import type { Message } from './subscriptions/message.js';

/**
 * - `connecting`: a server is being reached, or asked
 * - `online`
 * - `offline`: waits before it connects again
 * - `closing`: the program has asked for the end; what has begun is ended first
 * - `closed`: for good
 */
export type ClientState = 'connecting' | 'online' | 'offline' | 'closing' | 'closed';

/** What a client tells of itself. */
export interface ClientEvents {
  /** A server has accepted. Without `sessionPresent` it knew nothing of an earlier connection. */
  online: { readonly connack: Connack; readonly sessionPresent: boolean };
  /** A connection, or an attempt, has ended; the next attempt follows in `retryInMs`. */
  offline: { readonly error: ClientError; readonly retryInMs: number };
  /** Each change of `Client.state`. */
  state: ClientState;
  /** The server said that it ends the connection, and why (5.0). */
  serverDisconnect: Disconnect;
  /** A server has sent the client to another one, which is connected to next (5.0). */
  redirect: { readonly from: string; readonly to: string };
  /** The client is over: null when the program wanted that, else why it does not connect again. */
  close: ClientError | null;
  /** A payload that the codec of its subscription cannot decode; the message was refused. */
  undecodable: { readonly message: Message; readonly error: unknown };
  /** A request whose answer could not be published: its sender chose a topic that the server refuses, for example. */
  unanswered: { readonly message: Message<unknown, unknown>; readonly error: ClientError };
  /** So many messages with QoS 0 were not delivered, because far too much waited for the program. */
  dropped: { readonly count: number };
  /** A message of `presence` or `birth` was not taken. */
  birthFailed: { readonly topic: string; readonly error: unknown };
  /** The server had lost the session, and has taken these subscriptions again. */
  resubscribed: { readonly filters: readonly string[] };
  /** It does not take this one any more; there is none from now on. */
  subscriptionLost: { readonly filter: string; readonly reasonCode: ReasonCode };
}
