import type { ReasonCode } from '@cauldron/codec';
import type { Message } from './message.js';
import type { Principal } from './ports/access.js';
import type { SubscriptionRecord } from './ports/store.js';

/** What a `publish` hook may answer: nothing (go on), another message instead, or a refusal that the publisher is told. */
export type PublishAnswer = undefined | Message | { readonly refuse: ReasonCode; readonly reason: string };

/**
 * What a program that embeds the broker can hear of, and for some events decide. Handlers are called in the order in
 * which they were added, at once: they must not block. An error that a handler throws is logged and goes no further.
 */
export interface HookHandlers {
  /** A client is connected: its CONNACK is on the way. */
  connect: (client: Principal, sessionPresent: boolean) => void;
  /** Its connection is over. `reason` is what the log says. */
  disconnect: (client: Principal, reason: string) => void;
  subscribe: (client: Principal, subscription: SubscriptionRecord) => void;
  unsubscribe: (client: Principal, filter: string) => void;
  /** A client published, and may. `message` is lent: call `keep()` to hold it. */
  publish: (message: Message, client: Principal) => PublishAnswer;
  /**
   * A message is about to go to a client. False withholds it from that client. It must not publish: the message is being
   * given out; `queueMicrotask` is early enough.
   */
  deliver: (message: Message, client: Principal) => boolean | undefined;
  /** The store takes nothing new, for this reason: what has to be stored is refused. Null: it does again. */
  storeFault: (fault: string | null) => void;
}

type HandlerLists = { [Event in keyof HookHandlers]: readonly HookHandlers[Event][] };

export class Hooks {
  readonly #lists: HandlerLists = {
    connect: [],
    disconnect: [],
    subscribe: [],
    unsubscribe: [],
    publish: [],
    deliver: [],
    storeFault: [],
  };
  readonly #onError: (event: string, error: unknown) => void;

  constructor(onError: (event: string, error: unknown) => void) {
    this.#onError = onError;
  }

  /** Adds a handler; the function that is returned takes it away again. Neither changes an event that is under way. */
  on<Event extends keyof HookHandlers>(event: Event, handler: HookHandlers[Event]): () => void {
    const present: readonly HookHandlers[Event][] = this.#lists[event];
    this.#lists[event] = [...present, handler] as HandlerLists[Event];
    return () => {
      const left: readonly HookHandlers[Event][] = this.#lists[event];
      const at = left.indexOf(handler);
      if (at >= 0) this.#lists[event] = left.toSpliced(at, 1) as HandlerLists[Event];
    };
  }

  /** Whether somebody wants each message: then they are handled one by one. */
  get perMessage(): boolean {
    return this.#lists.publish.length > 0 || this.#lists.deliver.length > 0;
  }

  connected(client: Principal, sessionPresent: boolean): void {
    for (const handler of this.#lists.connect) this.#call('connect', () => handler(client, sessionPresent));
  }

  disconnected(client: Principal, reason: string): void {
    for (const handler of this.#lists.disconnect) this.#call('disconnect', () => handler(client, reason));
  }

  subscribed(client: Principal, subscription: SubscriptionRecord): void {
    for (const handler of this.#lists.subscribe) this.#call('subscribe', () => handler(client, subscription));
  }

  unsubscribed(client: Principal, filter: string): void {
    for (const handler of this.#lists.unsubscribe) this.#call('unsubscribe', () => handler(client, filter));
  }

  /** What becomes of a message after all handlers: the message to route, or the refusal. */
  published(message: Message, client: Principal): Exclude<PublishAnswer, undefined> {
    let current = message;
    for (const handler of this.#lists.publish) {
      const answer = this.#call('publish', () => handler(current, client));
      if (answer === undefined) continue;
      if ('refuse' in answer) return answer;
      current = answer;
    }
    return current;
  }

  /** Whether the client is to get the message. */
  mayDeliver(message: Message, client: Principal): boolean {
    for (const handler of this.#lists.deliver) {
      if (this.#call('deliver', () => handler(message, client)) === false) return false;
    }
    return true;
  }

  storeFaultChanged(fault: string | null): void {
    for (const handler of this.#lists.storeFault) this.#call('storeFault', () => handler(fault));
  }

  #call<Result>(event: string, run: () => Result): Result | undefined {
    try {
      return run();
    } catch (error) {
      this.#onError(event, error);
      return undefined;
    }
  }
}
