import { type QoS, topicMatches } from '@cauldron/codec';
import type { Decision, Principal } from '../../core/ports/access.js';
import type { Clock } from '../../core/ports/clock.js';
import type { TopicRules } from '../topic-rules.js';
import { AnswerCache } from './answer-cache.js';
import { type HttpService, NoAnswer, type Question } from './http-service.js';

/** As other services of this kind have it. */
const ACCESS_PUBLISH = 2;
const ACCESS_SUBSCRIBE = 4;

/** Of all clients together: beyond that, those who subscribed first are forgotten. */
const MAX_FILTERS = 200_000;

/** What a client was allowed to subscribe to, and as whom. */
interface Subscriber {
  readonly username: string | undefined;
  readonly filters: Set<string>;
}

/**
 * Asks a service what clients may publish, and what they may subscribe to. What a subscription brings follows the answer for
 * it: nobody can be asked for each message, so a client gets what it was allowed to subscribe to.
 */
export class HttpRules implements TopicRules {
  readonly name: string;
  onChange: () => void = () => {};
  readonly #url: string;
  readonly #service: HttpService;
  readonly #cacheMs: number;
  readonly #clock: Clock;
  readonly #answers: AnswerCache<Decision | null>;
  readonly #isAlone: boolean;
  /** By client id: what one user subscribed to is not for another one who takes over his client id. */
  readonly #subscribers = new Map<string, Subscriber>();
  #filters = 0;
  /** Ends the waiting for answers to become too old; null: none is remembered. */
  #stopForgetting: (() => void) | null = null;

  /** `isAlone`: there are no other rules. */
  constructor(url: string, service: HttpService, cacheMs: number, clock: Clock, isAlone: boolean) {
    this.name = `http_acl_url ${url}`;
    this.#url = url;
    this.#service = service;
    this.#cacheMs = cacheMs;
    this.#clock = clock;
    this.#isAlone = isAlone;
    this.#answers = new AnswerCache(cacheMs, () => clock.monotonicMs());
  }

  mayPublish(client: Principal, topic: string): Decision | null | Promise<Decision | null> {
    return this.#ask(client, topic, { action: 'publish', acc: ACCESS_PUBLISH });
  }

  maySubscribe(client: Principal, filter: string, qos: QoS): Promise<Decision | null> {
    return this.#ask(client, filter, { action: 'subscribe', acc: ACCESS_SUBSCRIBE, qos }).then((decision) => {
      if (decision?.allowed === true) this.#remember(client, filter);
      return decision;
    });
  }

  mayReceive({ access, clientId, username }: Principal, topic: string): Decision | null {
    const subscriber = this.#subscribers.get(clientId);
    if (subscriber !== undefined && subscriber.username !== username) {
      return { allowed: false, rule: `${this.name}: another user subscribed to it with this client id` };
    }
    if (access === undefined) return { allowed: true, rule: 'the client is away, and is asked about when it comes' };
    const filters = subscriber?.filters ?? [];
    // Of what it subscribed to before the broker started, nothing is known here: others may know something.
    for (const filter of filters) if (topicMatches(filter, topic)) return this.#mayRead();
    return this.#isAlone ? this.#mayRead() : null;
  }

  #mayRead(): Decision {
    return { allowed: true, rule: `${this.name}: it may subscribe to it` };
  }

  /** No more questions follow. */
  close(): void {
    this.#stopForgetting?.();
    this.#stopForgetting = null;
  }

  async #ask(client: Principal, topic: string, action: Question): Promise<Decision | null> {
    const { address, clientId, username = '' } = client;
    const question = { username, clientid: clientId, ipaddress: address, topic, ...action };
    const key = JSON.stringify(question);
    const known = this.#answers.get(key);
    if (known !== undefined) return known;
    try {
      const verdict = await this.#service.ask(this.#url, question);
      const rule = `${this.name} says ${verdict === 'allow' ? 'yes' : 'no'}`;
      const decision = verdict === 'ignore' ? null : { allowed: verdict === 'allow', rule };
      this.#answers.set(key, decision);
      return decision;
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      return { allowed: false, rule: `http_acl_url ${error.message}` };
    } finally {
      this.#forgetInTime();
    }
  }

  /** Whoever asks remembers answers, too, until it is told that they may have changed. */
  #forgetInTime(): void {
    if (this.#stopForgetting !== null) return;
    const stop = this.#clock.every(Math.max(this.#cacheMs, 1), () => {
      stop();
      this.#stopForgetting = null;
      this.onChange();
    });
    this.#stopForgetting = stop;
  }

  #remember({ clientId, username }: Principal, filter: string): void {
    let subscriber = this.#subscribers.get(clientId);
    if (subscriber !== undefined && subscriber.username !== username) {
      this.#forget(clientId, subscriber);
      subscriber = undefined;
    }
    if (subscriber === undefined) {
      subscriber = { username, filters: new Set() };
      this.#subscribers.set(clientId, subscriber);
    }
    this.#filters -= subscriber.filters.size;
    this.#filters += subscriber.filters.add(filter).size;
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
