import type { Connack, Disconnect, Packet, Publish } from '@cauldron/codec';
import type { ClientError } from './errors.js';

/** What a connection tells its owner. */
export interface ConnectionOwner {
  /** The server has accepted. */
  opened(connack: Connack): void;
  /** A message was received. It is acknowledged when this returns. It must not throw. */
  message(message: Publish): void;
  /** The server sent a DISCONNECT; `closed` follows. */
  serverDisconnected(packet: Disconnect): void;
  /** The end; `error` is null when the client asked for it. Exactly once, nothing else is called after it. */
  closed(error: ClientError | null): void;
  /** Each packet that is sent or received, for logs; null when nobody looks. */
  readonly trace: ((direction: 'sent' | 'received', packet: Packet) => void) | null;
}
