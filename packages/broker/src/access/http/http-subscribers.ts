import { topicMatches } from '@cauldron/codec';
import type { Principal } from '../../core/ports/access.js';

/** Characters of filters of all clients together: beyond that, clients who subscribed first are forgotten. */
const MAX_TEXT = 64 * 1024 * 1024;
/** The same of one client: beyond that, what it subscribed to first is forgotten. */
const MAX_TEXT_OF_ONE = 1024 * 1024;

/** What a client was allowed to subscribe to, and as whom. */
interface Subscriber {
  readonly username: string | undefined;
  readonly filters: Set<string>;
  /** Characters of them. */
  text: number;
}

/** What clients were allowed to subscribe to: it decides about each message that a subscription brings. */
export class HttpSubscribers {
  /** By client id: what one user subscribed to is not for another one who takes over his client id. */
  readonly #subscribers = new Map<string, Subscriber>();
  /** Characters of all filters. */
  #text = 0;

  /** Returns what is new with that: the user of the client id, the filter, or nothing. */
  add({ clientId, username }: Principal, filter: string): 'user' | 'filter' | 'nothing' {
    let subscriber = this.#subscribers.get(clientId);
    const isOther = subscriber !== undefined && subscriber.username !== username;
    if (subscriber === undefined || isOther) {
      if (subscriber !== undefined) this.#forget(clientId, subscriber);
      subscriber = { username, filters: new Set(), text: 0 };
      this.#subscribers.set(clientId, subscriber);
    }
    if (subscriber.filters.has(filter)) return 'nothing';
    subscriber.filters.add(filter);
    this.#count(subscriber, filter.length);
    this.#makeRoom(subscriber);
    return isOther ? 'user' : 'filter';
  }

  /** Whether this user of the client id subscribed to something that brings the topic. */
  find(clientId: string, username: string | undefined, topic: string): 'yes' | 'no' | 'other user' {
    const subscriber = this.#subscribers.get(clientId);
    if (subscriber === undefined) return 'no';
    if (subscriber.username !== username) return 'other user';
    for (const filter of subscriber.filters) if (topicMatches(filter, topic)) return 'yes';
    return 'no';
  }

  #makeRoom(subscriber: Subscriber): void {
    for (const oldest of subscriber.filters) {
      if (subscriber.text <= MAX_TEXT_OF_ONE) break;
      subscriber.filters.delete(oldest);
      this.#count(subscriber, -oldest.length);
    }
    for (const [clientId, one] of this.#subscribers) {
      if (this.#text <= MAX_TEXT) return;
      this.#forget(clientId, one);
    }
  }

  #count(subscriber: Subscriber, characters: number): void {
    subscriber.text += characters;
    this.#text += characters;
  }

  #forget(clientId: string, { text }: Subscriber): void {
    this.#subscribers.delete(clientId);
    this.#text -= text;
  }
}
