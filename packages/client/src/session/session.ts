import { ReasonCode } from '@cauldron/codec';
import type { Journal } from './journal.js';
import { type OutgoingMessage, Progress } from './outgoing-message.js';
import { PacketIds } from './packet-ids.js';
import type { Receipt } from './receipt.js';

/** Used-up places at the head of the queue are given back when there are this many, and they are half of it. */
const COMPACT_AT = 1_024;

/**
 * What survives a connection: the messages with QoS 1 and 2 that the server has not acknowledged, all that wait for
 * their turn, and the packet ids of messages received with QoS 2. Give the same object to the next `connect` with
 * `clean: false`, and these handshakes go on where they stopped. Without an outbox it lives in memory only. It serves one
 * client at a time.
 * A session that the server does not keep either (a clean one of 3.1.1, an expiry interval of 0) is empty afterwards.
 */
export class Session {
  /** The id that the server knows the session by; set by the first connection, also when the server chose it. */
  clientId = '';
  readonly packetIds = new PacketIds();
  /** Where everything is written down that is to survive the process; null: it does not. */
  journal: Journal | null = null;
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

  /** The server knows the session by this id. */
  identify(clientId: string): void {
    if (clientId === this.clientId) return;
    this.clientId = clientId;
    this.journal?.append({ kind: 'session', clientId });
  }

  /**
   * Called when the client is over. Everybody who waits for a message is told; the messages with QoS 1 and 2 stay, for a
   * next client, unless the session has ended. What is in the outbox stays even then.
   */
  detach(error: Error): void {
    this.#attached = false;
    // Who gets them again will be done with them.
    this.processing.clear();
    for (const message of this.inflight.values()) message.reject(error);
    for (const message of this.takeQueue()) {
      message.reject(error);
      if (message.packet.qos > 0) this.enqueue(message);
    }
    if (this.hasEnded && this.journal === null) this.clear(); // [MQTT-3.1.2-6] of 3.1.1
  }

  /** Takes a new message, to be sent when its turn comes. @param nowMs since 1970 */
  publish(message: OutgoingMessage, nowMs: number): void {
    this.#write(message, nowMs);
    this.enqueue(message);
  }

  /** The same, before all that wait. */
  publishFirst(message: OutgoingMessage, nowMs: number): void {
    this.#write(message, nowMs);
    this.#prepend([message]);
  }

  enqueue(message: OutgoingMessage): void {
    this.#queue.push(message);
    this.queuedBytes += message.size;
    if (message.packet.qos === 0) this.queuedAtMostOnce++;
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
    if (message.packet.packetId === undefined) {
      message.packet.packetId = packetId;
      if (message.position > 0) this.journal?.append({ kind: 'sent', position: message.position, packetId });
    }
    message.progress = Progress.SENT;
    this.inflight.set(packetId, message);
    return packetId;
  }

  /** A message that was taken from the queue and never had a packet id is given up. */
  drop({ position }: OutgoingMessage): void {
    if (position > 0) this.journal?.appendLazily({ kind: 'done', position });
  }

  /** The program is done with a QoS 2 message that came in; if it has taken it, PUBREL will come. */
  processed(packetId: number, isTaken: boolean): void {
    this.processing.delete(packetId);
    if (!isTaken) return;
    this.received.add(packetId);
    this.journal?.append({ kind: 'received', packetId });
  }

  /** The PUBREL has come. @returns whether the message is known */
  forget(packetId: number): boolean {
    const isKnown = this.received.delete(packetId);
    // Before PUBCOMP: after that the server may use the id for another message.
    if (isKnown) this.journal?.append({ kind: 'forgotten', packetId });
    return isKnown;
  }

  /** The server has taken a QoS 2 message over. */
  release(packetId: number, message: OutgoingMessage): void {
    message.progress = Progress.RELEASED;
    this.inflight.delete(packetId);
    this.inflight.set(packetId, message);
    if (message.position > 0) this.journal?.append({ kind: 'released', packetId });
  }

  /** Ends the handshake of a message: its id is free again. The caller settles its promise. */
  complete(packetId: number): void {
    this.abandon(packetId);
    this.packetIds.giveBack(packetId);
  }

  /** Ends the handshake of a message on this side alone: the server may still know the id, so it is not used again. */
  abandon(packetId: number): void {
    const message = this.inflight.get(packetId);
    this.inflight.delete(packetId);
    if (message !== undefined) this.drop(message);
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
    if (this.inflight.size > 0 || this.received.size > 0) this.journal?.append({ kind: 'restarted' });
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
    this.takeQueue();
    this.journal?.append({ kind: 'cleared' });
  }

  /** Takes all that wait. */
  takeQueue(): OutgoingMessage[] {
    const waiting = this.#queue.slice(this.#head);
    this.#queue = [];
    this.#head = 0;
    this.queuedBytes = 0;
    this.queuedAtMostOnce = 0;
    return waiting;
  }

  #write(message: OutgoingMessage, nowMs: number): void {
    if (message.packet.qos > 0) this.journal?.queued(message, nowMs);
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
