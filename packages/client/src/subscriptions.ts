import { type Publish, parseSharedFilter, topicMatches } from '@cauldron/codec';
import type { Client } from './client.js';

/** A message as it was received; payload and properties belong to the receiver. */
export type Message = Readonly<Omit<Publish, 'type'>>;

/**
 * Called for each message, with the client that received it. The message is acknowledged when the call returns, unless
 * the connection has ended by then; what it throws becomes an uncaught exception, after the acknowledgement.
 */
export type MessageHandler = (message: Message, client: Client) => void;

interface Subscription {
  /** As it was subscribed. */
  readonly filter: string;
  /** Without `$share/group/`: what the topics match. */
  readonly pattern: string;
  readonly handler: MessageHandler;
}

/** Topics whose handlers are remembered. It bounds the memory that a server with endless topics can take. */
const REMEMBERED_TOPICS = 1_024;

const NOBODY: readonly MessageHandler[] = [];

/** Which handlers a message is for. */
export class Subscriptions {
  #subscriptions: Subscription[] = [];
  readonly #remembered = new Map<string, readonly MessageHandler[]>();

  add(filter: string, handler: MessageHandler): void {
    const pattern = parseSharedFilter(filter)?.filter ?? filter;
    this.#subscriptions.push({ filter, pattern, handler });
    this.#remembered.clear();
  }

  /** Takes one handler away from a filter, or all when none is named. */
  remove(filter: string, handler?: MessageHandler): void {
    this.#subscriptions = this.#subscriptions.filter(
      (one) => one.filter !== filter || (handler !== undefined && one.handler !== handler),
    );
    this.#remembered.clear();
  }

  /** Each handler once, however many of its filters match. */
  handlersOf(topic: string): readonly MessageHandler[] {
    let handlers = this.#remembered.get(topic);
    if (handlers === undefined) {
      handlers = this.#match(topic);
      if (this.#remembered.size >= REMEMBERED_TOPICS) this.#remembered.clear();
      this.#remembered.set(topic, handlers);
    }
    return handlers;
  }

  #match(topic: string): readonly MessageHandler[] {
    const handlers = new Set<MessageHandler>();
    for (const { pattern, handler } of this.#subscriptions) {
      if (topicMatches(pattern, topic)) handlers.add(handler);
    }
    return handlers.size === 0 ? NOBODY : [...handlers];
  }
}
