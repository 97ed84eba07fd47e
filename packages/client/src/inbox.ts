import type { Publish } from '@cauldron/codec';
import { type Acknowledger, Delivery } from './delivery.js';
import type { Refusal } from './handshakes.js';
import { deliveryOf, type Message } from './message.js';

/** Somebody whom messages are for: a subscription. */
export interface Receiver {
  matches(topic: string): boolean;
  /**
   * A message for it. What it cannot be done with at once raises `delivery.pending`, and later calls `delivery.done`.
   * It must not throw.
   * @param delivery null at QoS 0
   */
  take(packet: Publish, delivery: Delivery | null): void;
  /** The client has ended, for good: with null because the program wanted that. */
  end(error: Error | null): void;
}

/** Whom the inbox belongs to. */
export interface InboxOwner {
  /** Whether more waits for the program than is wanted in memory, so that reading had better pause. Called on changes. */
  congested(isCongested: boolean): void;
  /** A payload that the codec of a subscription cannot decode. */
  undecodable(message: Message, error: unknown): void;
  /** Messages with QoS 0 were dropped, because far too much waits. */
  dropped(count: number): void;
}

/** Topics whose receivers are remembered. It bounds the memory that a server with endless topics can take. */
const REMEMBERED_TOPICS = 1_024;
/** Messages with QoS 0 are dropped when this many times more waits than is wanted. */
const OVERFLOW_FACTOR = 64;
/** What a message takes in memory beside its payload, about. */
const MESSAGE_BYTES = 128;

const NOBODY: readonly Receiver[] = [];

/**
 * Between the connections of a client and its subscriptions: finds out whom a message is for, and has it acknowledged when
 * all of them are done with it, in the order of receipt. It outlives connections: a message that was in the hands of the
 * program when its connection was lost, and that the server sends again on the next one, is not delivered twice.
 */
export class Inbox {
  readonly #owner: InboxOwner;
  readonly #maximumBytes: number;
  readonly #receivers = new Set<Receiver>();
  readonly #remembered = new Map<string, readonly Receiver[]>();
  /** The topic of the last message: often the next one has the same. */
  #lastTopic = '';
  #lastReceivers = NOBODY;
  /** What is not acknowledged, by packet id, in the order of receipt. */
  readonly #open = new Map<number, Delivery>();
  #waitingBytes = 0;
  #isCongested = false;
  #hasEnded = false;
  #fallback: Receiver | null = null;

  /** @param maximumBytes of messages that wait for the program, before it wants reading to pause */
  constructor(owner: InboxOwner, maximumBytes: number) {
    this.#owner = owner;
    this.#maximumBytes = maximumBytes;
  }

  /** Takes what no subscription matches. */
  set fallback(receiver: Receiver) {
    this.#fallback = receiver;
  }

  add(receiver: Receiver): void {
    this.#receivers.add(receiver);
    this.rematch();
  }

  remove(receiver: Receiver): void {
    this.#receivers.delete(receiver);
    this.rematch();
  }

  /** A receiver matches other topics than before. */
  rematch(): void {
    this.#remembered.clear();
    this.#lastTopic = '';
  }

  /** A message was received; `packet` and its bytes belong to the inbox from now on. */
  receive(packet: Publish, origin: Acknowledger): void {
    if (this.#hasEnded) return;
    if (packet.qos === 0) {
      const receivers = this.#receiversOf(packet.topic);
      for (let i = 0; i < receivers.length; i++) receivers[i].take(packet, null);
      return;
    }
    if (packet.dup && this.#isAtWork(packet, origin)) return;
    const delivery = new Delivery(packet, origin, this.#acknowledge);
    const { packetId = 0 } = packet;
    // One with the same id is void: the server would not use the id if it still waited for that message.
    this.#open.delete(packetId);
    this.#open.set(packetId, delivery);
    for (const receiver of this.#receiversOf(packet.topic)) receiver.take(packet, delivery);
    delivery.done();
  }

  /** The server has no session any more: it does not wait for any acknowledgement. */
  forget(): void {
    this.#open.clear();
  }

  /** @throws TypeError for a message that has been acknowledged, or is not of this client */
  refuse(message: Message<unknown, unknown>, refusal: Refusal): void {
    const delivery = deliveryOf(message);
    if (delivery === null) return;
    if (delivery.acknowledged) throw new TypeError('A message that has been acknowledged cannot be refused any more');
    delivery.refusal = refusal;
  }

  /** The client has ended, for good: nothing is delivered any more. Called again, it does nothing. */
  end(error: Error | null): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    for (const receiver of [...this.#receivers]) receiver.end(error);
  }

  /** Called by receivers: a message waits in memory. @returns false when there is no room, so that it is to be dropped */
  hold({ payload, qos }: Pick<Publish, 'payload' | 'qos'>): boolean {
    if (qos === 0 && this.#waitingBytes > this.#maximumBytes * OVERFLOW_FACTOR) {
      this.#owner.dropped(1);
      return false;
    }
    this.#waitingBytes += payload.length + MESSAGE_BYTES;
    if (!this.#isCongested && this.#waitingBytes > this.#maximumBytes) {
      this.#isCongested = true;
      this.#owner.congested(true);
    }
    return true;
  }

  /** Called by receivers: what was held waits no longer. */
  release({ payload }: Pick<Publish, 'payload'>): void {
    this.#waitingBytes -= payload.length + MESSAGE_BYTES;
    // Not at the first gap: pausing and resuming for each message would cost more than it brings.
    if (this.#isCongested && this.#waitingBytes <= this.#maximumBytes / 2) {
      this.#isCongested = false;
      this.#owner.congested(false);
    }
  }

  /** Called by receivers. */
  undecodable(message: Message, error: unknown): void {
    this.#owner.undecodable(message, error);
  }

  #receiversOf(topic: string): readonly Receiver[] {
    if (topic === this.#lastTopic) return this.#lastReceivers;
    let receivers = this.#remembered.get(topic);
    if (receivers === undefined) {
      receivers = [...this.#receivers].filter((receiver) => receiver.matches(topic));
      if (receivers.length === 0) receivers = this.#fallback === null ? NOBODY : [this.#fallback];
      if (this.#remembered.size >= REMEMBERED_TOPICS) this.#remembered.clear();
      this.#remembered.set(topic, receivers);
    }
    this.#lastTopic = topic;
    this.#lastReceivers = receivers;
    return receivers;
  }

  /** Whether the program has this message at hand. It is then acknowledged where it came by last. */
  #isAtWork(packet: Publish, origin: Acknowledger): boolean {
    const delivery = this.#open.get(packet.packetId ?? 0);
    if (delivery === undefined || !isSame(delivery.packet, packet)) return false;
    delivery.packet = packet;
    delivery.origin = origin;
    if (delivery.pending === 0) this.#acknowledge();
    return true;
  }

  /** Acknowledges, in the order of receipt, what is done with. What waits for its connection in vain holds nothing up. */
  readonly #acknowledge = (): void => {
    for (const [packetId, delivery] of this.#open) {
      const { origin } = delivery;
      if (!origin.acknowledges) continue;
      if (delivery.pending > 0) return;
      this.#open.delete(packetId);
      delivery.acknowledged = true;
      origin.acknowledge(delivery.packet, delivery.refusal);
    }
  };
}

function isSame(a: Publish, b: Publish): boolean {
  if (a.qos !== b.qos || a.topic !== b.topic || a.payload.length !== b.payload.length) return false;
  return a.payload.every((byte, i) => byte === b.payload[i]);
}
