import type { Connack, Disconnect, Packet } from '@cauldron/codec';
import type { ClientError } from '../errors.js';
import type { Message } from '../subscriptions/message.js';

/** What a connection tells its owner. */
export interface ConnectionOwner {
  /** The server has accepted. What is published and subscribed in this call is sent before what waits in the session. */
  opened(connack: Connack): void;
  /**
   * A message was received. With QoS 1 and 2 it has a receipt, and is acknowledged when all are done with that, at once
   * or at any later time. It must not throw.
   */
  message(message: Message): void;
  /** The server sent a DISCONNECT; `closed` follows. */
  serverDisconnected(packet: Disconnect): void;
  /** The end; `error` is null when the client asked for it. Exactly once, nothing else is called after it. */
  closed(error: ClientError | null): void;
  /** Each packet that is sent or received, for logs; null when nobody looks. */
  readonly trace: ((direction: 'sent' | 'received', packet: Packet) => void) | null;
}
