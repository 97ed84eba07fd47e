import { type Properties, type Publish, ReasonCode } from '@cauldron/codec';
import { Deferred } from './deferred.js';
import { PacketIds } from './packet-ids.js';

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

/** A message with QoS 1 or 2, from `publish` to the end of its handshake. */
export class OutgoingMessage extends Deferred<PublishResult> {
  readonly packet: Publish;
  /** Bytes that the message counts for in `Session.queuedBytes`. */
  readonly size: number;
  progress: Progress = Progress.QUEUED;

  constructor(packet: Publish) {
    super();
    this.packet = packet;
    this.size = packet.topic.length + packet.payload.length;
  }
}

/** Used-up places at the head of the queue are given back when there are this many, and they are half of it. */
const COMPACT_AT = 1_024;

/**
 * What survives a connection: the messages with QoS 1 and 2 that the server has not acknowledged, those that wait for
 * their turn, and the packet ids of messages received with QoS 2. Give the same object to the next `connect` with
 * `clean: false`, and these handshakes go on where they stopped. It lives in memory only, and serves one client at a time.
 * A session that the server does not keep either (a clean one of 3.1.1, an expiry interval of 0) is empty afterwards.
 */
export class Session {
  /** The id that the server knows the session by; set by the first connection, also when the server chose it. */
  clientId = '';
  readonly packetIds = new PacketIds();
  /**
   * Messages that have a packet id: those without PUBREC in the order in which they were first sent [MQTT-4.6.0-1], those
   * that are released in the order of their PUBRECs [MQTT-4.6.0-4].
   */
  readonly inflight = new Map<number, OutgoingMessage>();
  /** Ids of QoS 2 messages that were delivered and not released yet: a PUBLISH with one of them is a repetition. */
  readonly received = new Set<number>();
  /** Bytes of topic and payload in the queue. */
  queuedBytes = 0;
  /** Whether the last connection took the session with it, so that no server can still have it. */
  hasEnded = false;

  #queue: OutgoingMessage[] = [];
  #head = 0;
  #attached = false;

  /** Whether every handshake in both directions is over, and nothing waits. */
  get idle(): boolean {
    return this.inflight.size === 0 && this.received.size === 0 && this.#head === this.#queue.length;
  }

  /** Called when a connection begins to use the session. */
  attach(): void {
    if (this.#attached) throw new TypeError('This session is in use by another client');
    this.#attached = true;
  }

  /**
   * Called when the connection is gone. Everybody who waits for a message is told; the messages themselves stay, for a
   * next connection, unless the session ends with this one.
   */
  detach(error: Error, isKept: boolean): void {
    this.#attached = false;
    for (const message of this.inflight.values()) message.reject(error);
    for (let i = this.#head; i < this.#queue.length; i++) this.#queue[i].reject(error);
    if (isKept) return;
    this.clear(); // [MQTT-3.1.2-6] of 3.1.1
    this.hasEnded = true;
  }

  enqueue(message: OutgoingMessage): void {
    this.#queue.push(message);
    this.queuedBytes += message.size;
  }

  /** Takes the message whose turn it is; null when none waits. */
  dequeue(): OutgoingMessage | null {
    if (this.#head === this.#queue.length) return null;
    const message = this.#queue[this.#head++];
    this.queuedBytes -= message.size;
    if (this.#head === this.#queue.length || (this.#head >= COMPACT_AT && this.#head * 2 >= this.#queue.length)) {
      this.#queue = this.#queue.slice(this.#head);
      this.#head = 0;
    }
    return message;
  }

  /** Puts a message back to the head of the queue: there was no packet id for it. */
  requeue(message: OutgoingMessage): void {
    this.#prepend([message]);
  }

  /** The server has taken a QoS 2 message over. */
  release(packetId: number, message: OutgoingMessage): void {
    message.progress = Progress.RELEASED;
    this.inflight.delete(packetId);
    this.inflight.set(packetId, message);
  }

  /** Ends the handshake of a message: its id is free again. The caller settles its promise. */
  complete(packetId: number): void {
    this.inflight.delete(packetId);
    this.packetIds.giveBack(packetId);
  }

  /** Ends the handshake of a message on this side alone: the server may still know the id, so it is not used again. */
  abandon(packetId: number): void {
    this.inflight.delete(packetId);
  }

  /**
   * The server still has the session: what was sent and not acknowledged waits at the head of the queue, to be sent
   * again under its old id [MQTT-4.4.0-1].
   * @returns ids whose PUBREL is to be sent again, in the order of their PUBRECs
   */
  resume(): number[] {
    const released: number[] = [];
    const again: OutgoingMessage[] = [];
    for (const [packetId, message] of this.inflight) {
      if (message.progress === Progress.RELEASED) {
        released.push(packetId);
      } else if (message.progress === Progress.SENT) {
        message.progress = Progress.QUEUED;
        message.packet.dup = true; // [MQTT-3.3.1-1]
        again.push(message);
      }
    }
    this.#prepend(again);
    this.#forgetAliases();
    return released;
  }

  /**
   * The server has no session (any more): ids and handshakes are void [MQTT-3.2.2-5]. Messages that it had not taken
   * over are sent as new ones; those it had (QoS 2 after PUBREC) are done.
   */
  restart(): void {
    const again: OutgoingMessage[] = [];
    for (const [packetId, message] of this.inflight) {
      this.packetIds.giveBack(packetId);
      if (message.progress === Progress.SENT) again.push(message);
      else if (message.progress === Progress.RELEASED) message.resolve({ reasonCode: ReasonCode.SUCCESS });
    }
    this.inflight.clear();
    this.received.clear();
    this.#prepend(again);
    for (let i = this.#head; i < this.#queue.length; i++) {
      const message = this.#queue[i];
      message.progress = Progress.QUEUED;
      message.packet.dup = false;
      delete message.packet.packetId;
    }
    this.#forgetAliases();
  }

  /** Forgets everything: a clean start, or the end of a session that does not outlive its connection. */
  clear(): void {
    for (const packetId of this.inflight.keys()) this.packetIds.giveBack(packetId);
    this.inflight.clear();
    this.received.clear();
    this.#queue = [];
    this.#head = 0;
    this.queuedBytes = 0;
  }

  /** Topic aliases are those of one connection [MQTT-3.3.2-7]. */
  #forgetAliases(): void {
    for (let i = this.#head; i < this.#queue.length; i++) delete this.#queue[i].packet.properties?.topicAlias;
  }

  #prepend(messages: OutgoingMessage[]): void {
    if (messages.length === 0) return;
    this.#queue = messages.concat(this.#queue.slice(this.#head));
    this.#head = 0;
    for (const message of messages) this.queuedBytes += message.size;
  }
}
