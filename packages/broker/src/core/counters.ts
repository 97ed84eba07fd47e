/** What the broker did since it began. Plain numbers that the hot path adds to once for a run; read by whoever reports. */
export class Counters {
  bytesReceived = 0;
  bytesSent = 0;
  packetsReceived = 0;
  packetsSent = 0;
  publishReceived = 0;
  publishSent = 0;
  /** Messages that a client should have got and did not: its queue or its socket was full, or it was too large for it. */
  publishDropped = 0;
  /** Messages of QoS 1 and 2 that outlived their message expiry interval while they waited. */
  publishExpired = 0;
  /** Messages of QoS 1 and 2 that still waited for a lasting session, or were in flight to it, when it ended. */
  publishDiscarded = 0;
  /** Messages that a receiver refused, with an error in PUBACK or PUBREC. */
  publishRejected = 0;
  /** Messages, subscriptions and sessions that were refused because the store takes nothing new. */
  storeRefusals = 0;
  /** Retained messages of QoS 0 that were given out, but not kept, for the same reason. */
  retainedNotKept = 0;
  connections = 0;
  sessionsExpired = 0;
}
