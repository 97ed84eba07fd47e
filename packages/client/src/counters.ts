import type { Session } from './session/session.js';

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
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  /** Messages that wait to be sent, now. */
  get queuedMessages(): number {
    return this.#session.queueLength;
  }

  /** Bytes of topic and payload of these. */
  get queuedBytes(): number {
    return this.#session.queuedBytes;
  }

  /** Messages with QoS 1 and 2 that were sent and not acknowledged, now. */
  get inflight(): number {
    return this.#session.inflight.size;
  }
}
