/** What a client has done since it began, over all of its connections. Numbers only go up, but for those of the queue. */
export class Counters {
  /** Connections that a server has accepted. */
  connects = 0;
  packetsSent = 0;
  packetsReceived = 0;
  /** As handed to the network: without what TLS or WebSockets add. */
  bytesSent = 0;
  bytesReceived = 0;
  /** Messages that `publish` has taken. */
  messagesPublished = 0;
  /** Messages that were delivered to the program; what a server repeats is not counted again where it is known. */
  messagesReceived = 0;
  /** Messages received with QoS 0 and not delivered, because too many waited for the program. */
  messagesDropped = 0;
  /** Messages that wait to be sent, now. */
  queuedMessages = 0;
  /** Bytes of topic and payload of these. */
  queuedBytes = 0;
  /** Messages with QoS 1 and 2 that were sent and not acknowledged, now. */
  inflight = 0;
}
