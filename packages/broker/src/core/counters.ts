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
  connections = 0;
  sessionsExpired = 0;
}
