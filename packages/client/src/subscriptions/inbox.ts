import { type Message, receiptOf } from './message.js';

/** Somebody whom messages are for: a subscription. */
export interface Receiver {
  matches(topic: string): boolean;
  /** A message for it; it calls `done` of its receipt once, now or later. It must not throw. */
  take(message: Message): void;
  /** The client has ended, for good: with null because the program wanted that. */
  end(error: Error | null): void;
}

/** Whom the inbox belongs to. */
export interface InboxOwner {
  /** `Inbox.isCongested` has changed. */
  congested(): void;
  /** A payload that the codec of a subscription cannot decode. */
  undecodable(message: Message, error: unknown): void;
  /** Messages with QoS 0 were dropped, because far too much waits. */
  dropped(count: number): void;
}

/** What waits in memory, as far as it counts. */
type Held = Readonly<Pick<Message, 'payload' | 'qos'>>;

/** Topics whose receivers are remembered. It bounds the memory that a server with endless topics can take. */
const REMEMBERED_TOPICS = 1_024;
/** Messages with QoS 0 are dropped when this many times more waits than is wanted. */
const OVERFLOW_FACTOR = 64;
/** What a message takes in memory beside its payload, about. */
const MESSAGE_BYTES = 128;

const NOBODY: readonly Receiver[] = [];

/** Whom received messages are for, and how much waits until the program has time for it. It outlives connections. */
export class Inbox {
  /** Takes what no subscription matches. */
  fallback: Receiver | null = null;
  /** Whether more waits for the program than is wanted in memory, so that reading had better pause. */
  isCongested = false;

  readonly #owner: InboxOwner;
  readonly #maximumBytes: number;
  readonly #receivers = new Set<Receiver>();
  readonly #remembered = new Map<string, readonly Receiver[]>();
  /** The topic of the last message: often the next one has the same. */
  #lastTopic = '';
  #lastReceivers = NOBODY;
  #heldBytes = 0;
  #hasEnded = false;

  /** @param maximumBytes of messages that may wait for the program before reading had better pause */
  constructor(owner: InboxOwner, maximumBytes: number) {
    this.#owner = owner;
    this.#maximumBytes = maximumBytes;
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

  /** A message was received. After the end it stays without acknowledgement. */
  receive(message: Message): void {
    if (this.#hasEnded) return;
    const receivers = this.#receiversOf(message.topic);
    if (receivers.length !== 1 && message.qos > 0) {
      const receipt = receiptOf(message);
      if (receivers.length === 0) receipt?.done();
      else receipt?.expect(receivers.length);
    }
    for (let i = 0; i < receivers.length; i++) receivers[i].take(message);
  }

  /** The client has ended, for good: nothing is delivered any more. Called again, it does nothing. */
  end(error: Error | null): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    for (const receiver of [...this.#receivers]) receiver.end(error);
  }

  /** Called by receivers. @returns false when far too much waits, so that the message, which has QoS 0, is to be dropped */
  hasRoom({ qos }: Held): boolean {
    if (qos > 0 || this.#heldBytes <= this.#maximumBytes * OVERFLOW_FACTOR) return true;
    this.#owner.dropped(1);
    return false;
  }

  /** Called by receivers: a message waits in memory. */
  hold({ payload }: Held): void {
    this.#heldBytes += payload.length + MESSAGE_BYTES;
    if (!this.isCongested && this.#heldBytes > this.#maximumBytes) {
      this.isCongested = true;
      this.#owner.congested();
    }
  }

  /** Called by receivers: what was held waits no longer. */
  release({ payload }: Held): void {
    this.#heldBytes -= payload.length + MESSAGE_BYTES;
    // Not at the first gap: pausing and resuming for each message would cost more than it brings.
    if (this.isCongested && this.#heldBytes <= this.#maximumBytes / 2) {
      this.isCongested = false;
      this.#owner.congested();
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
      if (receivers.length === 0 && this.fallback !== null) receivers = [this.fallback];
      if (this.#remembered.size >= REMEMBERED_TOPICS) this.#remembered.clear();
      this.#remembered.set(topic, receivers);
    }
    this.#lastTopic = topic;
    this.#lastReceivers = receivers;
    return receivers;
  }
}
