import type { Properties, Publish, ReasonCode } from '@cauldron/codec';
import { Deferred } from '../deferred.js';

/** What the server said to a message. */
export interface PublishResult {
  /** SUCCESS, or NO_MATCHING_SUBSCRIBERS where a 5.0 server tells. */
  readonly reasonCode: ReasonCode;
  /** What a 5.0 server added. */
  readonly properties?: Properties;
}

/** How far a message with QoS 1 or 2 has come. */
export const Progress = {
  /** Not sent on this connection; it has a packet id if an earlier connection sent it. */
  QUEUED: 0,
  /** PUBLISH sent; waits for PUBACK or PUBREC. */
  SENT: 1,
  /** PUBREC received, PUBREL sent; waits for PUBCOMP. The server has the message. */
  RELEASED: 2,
} as const;
export type Progress = (typeof Progress)[keyof typeof Progress];

/** A message from `publish` to the end of its handshake: one with QoS 1 or 2, or any that waits for a connection. */
export class OutgoingMessage extends Deferred<PublishResult> {
  readonly packet: Publish;
  /** Bytes that the message counts for in `Session.queuedBytes`. */
  readonly size: number;
  /** When it loses its value, in milliseconds since 1970; infinite for most messages. */
  readonly expiresAtMs: number;
  progress: Progress = Progress.QUEUED;
  /** Where the message stands in the outbox; 0 as long as it does not. */
  position = 0;

  /** @param nowMs since 1970; the message expiry interval of the packet, if it has one, counts from here */
  constructor(packet: Publish, nowMs: number) {
    super();
    this.packet = packet;
    // Who publishes with QoS 0 need not care what becomes of it.
    if (packet.qos === 0) this.promise.catch(() => {});
    this.size = packet.topic.length + packet.payload.length;
    const { messageExpiryInterval } = packet.properties ?? {};
    this.expiresAtMs =
      messageExpiryInterval === undefined ? Number.POSITIVE_INFINITY : nowMs + messageExpiryInterval * 1_000;
  }
}
