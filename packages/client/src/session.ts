import { type Properties, type Publish, ReasonCode } from '@cauldron/codec';
import { Deferred } from './deferred.js';
import { PacketIds } from './packet-ids.js';
import type { Receipt } from './receipt.js';

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

  /** @param nowMs since 1970; the message expiry interval of the packet, if it has one, counts from here */
  constructor(packet: Publish, nowMs: number) {
    super();
    this.packet = packet;
    this.size = packet.topic.length + packet.payload.length;
    const { messageExpiryInterval } = packet.properties ?? {};
    this.expiresAtMs =
      messageExpiryInterval === undefined ? Number.POSITIVE_INFINITY : nowMs + messageExpiryInterval * 1_000;
  }
}

/** Used-up places at the head of the queue are given back when there are this many, and they are half of it. */
const COMPACT_AT = 1_024;

/**
 * What survives a connection: the messages with QoS 1 and 2 that the server has not acknowledged, all that wait for
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
  /** QoS 2 messages that the program is not done with, by id: a PUBLISH with one of them is a repetition, too. */
  readonly processing = new Map<number, Receipt>();
  /** Bytes of topic and payload in the queue. */
  queuedBytes = 0;
  /** Messages with QoS 0 in the queue. */
  queuedAtMostOnce = 0;
  /** Whether the last connection took the session with it, so that no server can still have it. */
  hasEnded = false;

  #queue: OutgoingMessage[] = [];
  #head = 0;
  #attached = false;

  /** Whether every handshake in both directions is over, and nothing waits. */
  get idle(): boolean {
    return this.inflight.size === 0 && this.received.size === 0 && this.#head === this.#queue.length;
  }

  /** Messages that wait for their turn. */
  get queueLength(): number {
    return this.#queue.length - this.#head;
  }

  /** Called when a client begins to use the session. */
  attach(): void {
    if (this.#attached) throw new TypeError('This session is in use by another client');
    this.#attached = true;
  }

  /**
   * Called when the client is over. Everybody who waits for a message is told; the messages themselves stay, for a next
   * client, unless the session has ended.
   */
  detach(error: Error): void {
    this.#attached = false;
    // Who gets them again will be done with them.
    this.processing.clear();
    for (const message of this.inflight.values()) message.reject(error);
    for (let i = this.#head; i < this.#queue.length; i++) this.#queue[i].reject(error);
    if (this.hasEnded) this.clear(); // [MQTT-3.1.2-6] of 3.1.1
  }

  enqueue(message: OutgoingMessage): void {
    this.#queue.push(message);
    this.queuedBytes += message.size;
    if (message.packet.qos === 0) this.queuedAtMostOnce++;
  }

  /** Before all that wait. */
  enqueueFirst(message: OutgoingMessage): void {
    this.#prepend([message]);
  }

  /** Takes the message whose turn it is; null when none waits. */
  dequeue(): OutgoingMessage | null {
    if (this.#head === this.#queue.length) return null;
    const message = this.#queue[this.#head++];
    this.queuedBytes -= message.size;
    if (message.packet.qos === 0) this.queuedAtMostOnce--;
    if (this.#head === this.#queue.length || (this.#head >= COMPACT_AT && this.#head * 2 >= this.#queue.length)) {
      this.#queue = this.#queue.slice(this.#head);
      this.#head = 0;
    }
    return message;
  }

  /**
   * The message that was taken from the queue, one with QoS 1 or 2, is about to be sent.
   * @returns its packet id; 0 when there is none for it: then it is at the head of the queue again
   */
  assign(message: OutgoingMessage): number {
    const packetId = message.packet.packetId ?? this.packetIds.take();
    if (packetId === 0) {
      this.#prepend([message]);
      return 0;
    }
    message.packet.packetId = packetId;
    message.progress = Progress.SENT;
    this.inflight.set(packetId, message);
    return packetId;
  }

  /** A message that was taken from the queue and never had a packet id is given up. */
  drop(_message: OutgoingMessage): void {}

  /** The program is done with a QoS 2 message that came in; if it has taken it, PUBREL will come. */
  processed(packetId: number, isTaken: boolean): void {
    this.processing.delete(packetId);
    if (isTaken) this.received.add(packetId);
  }

  /** The PUBREL has come. @returns whether the message is known */
  forget(packetId: number): boolean {
    return this.received.delete(packetId);
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
    this.processing.clear();
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
    this.processing.clear();
    this.#queue = [];
    this.#head = 0;
    this.queuedBytes = 0;
    this.queuedAtMostOnce = 0;
  }

  /** Topic aliases are those of one connection [MQTT-3.3.2-7]. */
  #forgetAliases(): void {
    for (let i = this.#head; i < this.#queue.length; i++) delete this.#queue[i].packet.properties?.topicAlias;
  }

  #prepend(messages: OutgoingMessage[]): void {
    if (messages.length === 0) return;
    this.#queue = messages.concat(this.#queue.slice(this.#head));
    this.#head = 0;
    for (const message of messages) {
      this.queuedBytes += message.size;
      if (message.packet.qos === 0) this.queuedAtMostOnce++;
    }
  }
}
