import { PacketType } from '@cauldron/codec';

/** What the broker did since it began. Plain numbers that the hot path adds to once for a run; read by whoever reports. */
export class Counters {
  bytesReceived = 0;
  bytesSent = 0;
  /** Packets by their type, the number in the first half of the first byte; 0: not a type that MQTT knows. */
  readonly received = new Float64Array(16);
  readonly sent = new Float64Array(16);
  /** Bytes of the payloads in PUBLISH alone. */
  publishBytesReceived = 0;
  publishBytesSent = 0;
  /** Messages that a client should have got and did not: its queue or its socket was full, it was too large for it, or for all. */
  publishDropped = 0;
  /** Messages of QoS 1 and 2 that outlived their message expiry interval while they waited. */
  publishExpired = 0;
  /** Messages of QoS 1 and 2 that still waited for a lasting session, or were in flight to it, when it ended. */
  publishDiscarded = 0;
  /** Messages that a receiver refused, with an error in PUBACK or PUBREC. */
  publishRejected = 0;
  /** Messages, subscriptions and sessions that were refused because the store takes nothing new, or memory is short. */
  storeRefusals = 0;
  /** Retained messages of QoS 0 that were given out, but not kept, for the same reason. */
  retainedNotKept = 0;
  /** Retained messages that were cleared because they outlived their message expiry interval. */
  retainedExpired = 0;
  /** Network connections, whatever became of them. */
  sockets = 0;
  /** Clients that were let in. */
  connections = 0;
  /** Connections that were ended before their client was let in, because it may not come in, or not so. */
  connectionsRefused = 0;
  sessionsExpired = 0;
  /** The most sessions, connected or not, that there were at once. */
  sessionsMaximum = 0;

  get packetsReceived(): number {
    return sumOf(this.received);
  }

  get packetsSent(): number {
    return sumOf(this.sent);
  }

  /** Also those that went nowhere: the client may not publish them, or sent them twice. */
  get publishReceived(): number {
    return this.received[PacketType.PUBLISH];
  }

  get publishSent(): number {
    return this.sent[PacketType.PUBLISH];
  }
}

function sumOf(counts: Float64Array): number {
  return counts.reduce((sum, count) => sum + count, 0);
}
