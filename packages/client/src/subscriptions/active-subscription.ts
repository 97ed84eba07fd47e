import { parseSharedFilter, ReasonCode, topicMatches } from '@cauldron/codec';
import type { Client } from '../client.js';
import { Deferred } from '../deferred.js';
import { throwLater } from '../listeners.js';
import type { Decoder } from '../payload.js';
import type { Receipt } from '../session/receipt.js';
import type { Inbox, Receiver } from './inbox.js';
import { Message, NO_PARAMS, receiptOf } from './message.js';
import type { MessageHandler, Subscription } from './subscription.js';

/** What a subscription does with messages. */
export interface Delivery<T, P> {
  /** Null: `value` is the payload. */
  readonly codec: Decoder<T> | null;
  /** Null: a message has no parameters. */
  readonly paramsOf: ((topic: string) => P) | null;
  /** Null: messages wait for the iterator. */
  readonly handler: MessageHandler<T, P> | null;
}

/** A filter that messages may come by. */
interface Pattern {
  /** As it was subscribed. */
  readonly filter: string;
  /** Without `$share/group/`: what the topics match. */
  readonly topics: string;
}

/**
 * - `open`
 * - `left`: the program wants no message any more, or the server sends none
 * - `abandoned`: the client has ended
 */
type State = 'open' | 'left' | 'abandoned';

const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined };

/** Used-up places at the head of the queue are given back when there are this many, and they are half of it. */
const COMPACT_AT = 1_024;

/** A subscription from the call of `subscribe` to its end: decodes messages, and gives them to the handler or the loop. */
export class ActiveSubscription<T, P> implements Subscription<T, P>, Receiver {
  readonly filters: readonly string[];
  reasonCodes: readonly ReasonCode[] = [];

  readonly #client: Client;
  readonly #inbox: Inbox;
  readonly #codec: Delivery<T, P>['codec'];
  readonly #paramsOf: Delivery<T, P>['paramsOf'];
  readonly #handler: Delivery<T, P>['handler'];
  readonly #leave: (subscription: ActiveSubscription<T, P>) => Promise<void>;
  #patterns: readonly Pattern[];
  #state: State = 'open';
  #left: Promise<void> | null = null;
  /** What the client ended with, until the loop has been told. */
  #failure: Error | null = null;
  /** Messages that wait for the loop, from `#head` on; what is before that has been taken. */
  #queue: (Message<T, P> | null)[] = [];
  #head = 0;
  /** Loops that wait for messages: one, or several if the program asks ahead. */
  readonly #waiters: Deferred<IteratorResult<Message<T, P>, undefined>>[] = [];
  /** What is owed for the messages that the loop works on. */
  #given: Receipt[] = [];
  #iterator: AsyncIterator<Message<T, P>, undefined> | null = null;
  /** A message is being decoded that takes time, and these came after it. */
  #behind: Message[] | null = null;
  /** Handlers that have returned a promise which is not settled. */
  #running = 0;
  #forgetSignal: () => void = () => {};

  /** @param leave tells the server, and resolves when it has answered */
  constructor(
    filters: readonly string[],
    delivery: Delivery<T, P>,
    client: Client,
    inbox: Inbox,
    leave: (subscription: ActiveSubscription<T, P>) => Promise<void>,
  ) {
    this.filters = filters;
    this.#codec = delivery.codec;
    this.#paramsOf = delivery.paramsOf;
    this.#handler = delivery.handler;
    this.#client = client;
    this.#inbox = inbox;
    this.#leave = leave;
    this.#patterns = filters.map((filter) => ({ filter, topics: parseSharedFilter(filter)?.filter ?? filter }));
  }

  /** The filters that messages may still come by. */
  get activeFilters(): readonly string[] {
    return this.#patterns.map(({ filter }) => filter);
  }

  /**
   * These filters are not subscribed to any more; without any the subscription is over.
   * @param error why, where the loop is to throw it
   * @returns whether the subscription goes on
   */
  withdraw(filters: readonly string[], error: Error | null): boolean {
    this.#patterns = this.#patterns.filter(({ filter }) => !filters.includes(filter));
    if (this.#patterns.length > 0) return true;
    if (error === null) this.#finish();
    else this.end(error);
    return false;
  }

  /** Ends the subscription when the signal says so. */
  endWith(signal: AbortSignal): void {
    if (this.#state !== 'open') return;
    const abort = () => this.#abandon();
    signal.addEventListener('abort', abort, { once: true });
    this.#forgetSignal = () => signal.removeEventListener('abort', abort);
    if (signal.aborted) abort();
  }

  unsubscribe(): Promise<void> {
    if (this.#left === null) {
      const isOver = this.#state !== 'open';
      this.#finish();
      this.#left = isOver ? Promise.resolve() : this.#leave(this);
    }
    return this.#left;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.unsubscribe();
  }

  [Symbol.asyncIterator](): AsyncIterator<Message<T, P>, undefined> {
    if (this.#handler !== null) throw new TypeError('This subscription has a handler');
    this.#iterator ??= {
      next: () => this.#next(),
      return: async () => {
        this.#acknowledgeGiven();
        this.#abandon();
        return DONE;
      },
    };
    return this.#iterator;
  }

  matches(topic: string): boolean {
    for (const { topics } of this.#patterns) if (topicMatches(topics, topic)) return true;
    return false;
  }

  take(message: Message): void {
    if (this.#state !== 'open') {
      this.#discard(message);
    } else if (this.#codec === null && this.#paramsOf === null) {
      this.#give(message as Message<unknown, unknown> as Message<T, P>);
    } else if (this.#behind === null) {
      this.#decode(message);
    } else if (this.#inbox.hasRoom(message)) {
      this.#inbox.hold(message);
      this.#behind.push(message);
    }
  }

  /**
   * The client has ended. With QoS 1 and 2 the server has what waits, as long as it keeps the session: nothing is
   * acknowledged. After a failure the loop still gets what had come, but not with QoS 2, which would come twice then.
   */
  end(error: Error | null): void {
    if (this.#state !== 'open') return;
    this.#state = 'abandoned';
    this.#forgetSignal();
    const waiting = this.#takeQueue();
    this.#discardWaiting(waiting);
    if (error !== null) {
      this.#failure = error;
      const left = waiting.filter(({ qos }) => qos < 2);
      for (const message of left) this.#inbox.hold(message);
      this.#queue = left;
    }
    this.#tellWaiters();
  }

  /** Decodes, and goes on with what came meanwhile if that takes time. */
  #decode(message: Message): void {
    let value: T | Promise<T>;
    try {
      value = this.#valueOf(message);
    } catch (error) {
      this.#refuse(message, error);
      return;
    }
    if (isPromise(value)) void this.#decodeInTurn(message, value);
    else this.#give(this.#decoded(message, value));
  }

  /** Messages keep their order, also where one is decoded faster than the one before. */
  async #decodeInTurn(first: Message, pending: Promise<T>): Promise<void> {
    const behind: Message[] = [];
    this.#behind = behind;
    let message: Message | undefined = first;
    let value: T | Promise<T> | null = pending;
    this.#inbox.hold(first);
    while (message !== undefined) {
      try {
        const decoded: Message<T, P> = this.#decoded(message, await (value ?? this.#valueOf(message)));
        this.#inbox.release(message);
        this.#give(decoded);
      } catch (error) {
        this.#inbox.release(message);
        this.#refuse(message, error);
      }
      message = behind.shift();
      value = null;
    }
    this.#behind = null;
  }

  #valueOf({ payload }: Message): T | Promise<T> {
    return this.#codec === null ? (payload as Uint8Array & T) : this.#codec.decode(payload);
  }

  #decoded(message: Message, value: T): Message<T, P> {
    const params = this.#paramsOf === null ? (NO_PARAMS as P) : this.#paramsOf(message.topic);
    return new Message(message, receiptOf(message), value, params);
  }

  #refuse(message: Message, error: unknown): void {
    const receipt = receiptOf(message);
    if (receipt !== null) receipt.refusal ??= { reasonCode: ReasonCode.PAYLOAD_FORMAT_INVALID };
    receipt?.done();
    if (this.#state === 'open') this.#inbox.undecodable(message, error);
  }

  #give(message: Message<T, P>): void {
    if (this.#state !== 'open') this.#discard(message);
    else if (this.#handler === null) this.#enqueue(message);
    else this.#handle(this.#handler, message);
  }

  #handle(handler: MessageHandler<T, P>, message: Message<T, P>): void {
    if (this.#running > 0 && !this.#inbox.hasRoom(message)) return;
    let result: unknown;
    try {
      result = handler(message, this.#client);
    } catch (error) {
      throwLater(error);
    }
    if (isPromise(result)) void this.#await(result, message);
    else if (message.qos > 0) receiptOf(message)?.done();
  }

  async #await(result: Promise<unknown>, message: Message<T, P>): Promise<void> {
    this.#running++;
    this.#inbox.hold(message);
    try {
      await result;
    } catch (error) {
      throwLater(error);
    }
    this.#running--;
    this.#inbox.release(message);
    receiptOf(message)?.done();
  }

  #enqueue(message: Message<T, P>): void {
    const waiter = this.#waiters.shift();
    if (waiter !== undefined) {
      this.#markGiven(message);
      waiter.resolve({ done: false, value: message });
    } else if (this.#inbox.hasRoom(message)) {
      this.#inbox.hold(message);
      this.#queue.push(message);
    }
  }

  #next(): Promise<IteratorResult<Message<T, P>, undefined>> {
    this.#acknowledgeGiven();
    const message = this.#queue[this.#head] ?? null;
    if (message !== null) {
      this.#queue[this.#head++] = null;
      if (this.#head >= COMPACT_AT && this.#head * 2 >= this.#queue.length) {
        this.#queue.splice(0, this.#head);
        this.#head = 0;
      }
      this.#inbox.release(message);
      this.#markGiven(message);
      return Promise.resolve({ done: false, value: message });
    }
    const failure = this.#failure;
    this.#failure = null;
    if (failure !== null) return Promise.reject(failure);
    if (this.#state !== 'open') return Promise.resolve(DONE);
    const waiter = new Deferred<IteratorResult<Message<T, P>, undefined>>();
    this.#waiters.push(waiter);
    return waiter.promise;
  }

  #markGiven(message: Message<T, P>): void {
    const receipt = receiptOf(message);
    if (receipt !== null) this.#given.push(receipt);
  }

  /** The loop is done with what it was given. */
  #acknowledgeGiven(): void {
    if (this.#given.length === 0) return;
    const given = this.#given;
    this.#given = [];
    for (const receipt of given) receipt.done();
  }

  /** Unsubscribes without waiting for the server: a loop that is left is left at once, also while nothing is connected. */
  #abandon(): void {
    // If the server could not be told, the connection is gone, and `closed` of the client says why.
    this.unsubscribe().catch(() => {});
  }

  /** The program wants no more: what waits is seen as done. */
  #finish(): void {
    if (this.#state === 'left') return;
    this.#state = 'left';
    this.#failure = null;
    this.#forgetSignal();
    this.#discardWaiting(this.#takeQueue());
    this.#tellWaiters();
  }

  /** A message that comes although nobody waits for it any more. */
  #discard(message: Message<unknown, unknown>): void {
    // The server has not heard yet that the subscription is over. From a client that has ended it hears nothing.
    if (this.#state === 'left') receiptOf(message)?.done();
  }

  #discardWaiting(queue: readonly Message<T, P>[]): void {
    for (const message of [...queue, ...(this.#behind?.splice(0) ?? [])]) {
      this.#inbox.release(message);
      this.#discard(message);
    }
  }

  #takeQueue(): Message<T, P>[] {
    const waiting = this.#queue.filter((message) => message !== null);
    this.#queue = [];
    this.#head = 0;
    return waiting;
  }

  /** There is nothing to wait for any more. */
  #tellWaiters(): void {
    for (const waiter of this.#waiters.splice(0)) {
      this.#next().then(waiter.resolve, waiter.reject);
    }
  }
}

function isPromise<T>(value: T | Promise<T>): value is Promise<T> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function';
}
