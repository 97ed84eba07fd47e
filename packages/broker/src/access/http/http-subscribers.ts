import { topicMatches } from '@cauldron/codec';
import type { Principal } from '../../core/ports/access.js';

/** Of all clients together: beyond that, those who subscribed first are forgotten. */
const MAX_FILTERS = 200_000;

/** What a client was allowed to subscribe to, and as whom. */
interface Subscriber {
  readonly username: string | undefined;
  readonly filters: Set<string>;
}

/** What clients were allowed to subscribe to: it decides about each message that a subscription brings. */
export class HttpSubscribers {
  /** By client id: what one user subscribed to is not for another one who takes over his client id. */
  readonly #subscribers = new Map<string, Subscriber>();
  #filters = 0;

  /** Returns what is new with that: the user of the client id, the filter, or nothing. */
  add({ clientId, username }: Principal, filter: string): 'user' | 'filter' | 'nothing' {
    let subscriber = this.#subscribers.get(clientId);
    const isOther = subscriber !== undefined && subscriber.username !== username;
    if (subscriber === undefined || isOther) {
      if (subscriber !== undefined) this.#forget(clientId, subscriber);
      subscriber = { username, filters: new Set() };
      this.#subscribers.set(clientId, subscriber);
    }
    if (subscriber.filters.has(filter)) return 'nothing';
    subscriber.filters.add(filter);
    this.#filters++;
    this.#makeRoom();
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

  #makeRoom(): void {
    for (const [oldest, one] of this.#subscribers) {
      if (this.#filters <= MAX_FILTERS) return;
      this.#forget(oldest, one);
    }
  }

  #forget(clientId: string, { filters }: Subscriber): void {
    this.#subscribers.delete(clientId);
    this.#filters -= filters.size;
  }
}
