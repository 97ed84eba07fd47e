import { createHash } from 'node:crypto';
import type { QoS } from '@cauldron/codec';
import type { Decision, Principal } from '../../core/ports/access.js';
import type { Clock } from '../../core/ports/clock.js';
import type { TopicRules } from '../topic-rules.js';
import { AnswerCache } from './answer-cache.js';
import { type HttpService, NoAnswer, type Question } from './http-service.js';
import type { HttpSubscribers } from './http-subscribers.js';

/** As other services of this kind have it. */
const ACCESS_PUBLISH = 2;
const ACCESS_SUBSCRIBE = 4;

export interface HttpRulesOptions {
  readonly cacheMs: number;
  readonly clock: Clock;
  readonly isAlone: boolean;
  readonly subscribers: HttpSubscribers;
}

/**
 * Asks a service what clients may publish, and what they may subscribe to. What a subscription brings follows the answer for
 * it: nobody can be asked for each message, so a client gets what it was allowed to subscribe to.
 */
export class HttpRules implements TopicRules {
  readonly name: string;
  readonly answersAtOnce = false;
  onChange: () => void = () => {};
  readonly #url: string;
  readonly #service: HttpService;
  readonly #cacheMs: number;
  readonly #clock: Clock;
  readonly #answers: AnswerCache<Decision | null>;
  readonly #isAlone: boolean;
  readonly #subscribers: HttpSubscribers;
  /** Ends the waiting for answers to become too old; null: none is remembered. */
  #stopForgetting: (() => void) | null = null;

  /** `isAlone`: there are no other rules. `subscribers` outlives these rules, and goes on with others for the same. */
  constructor(url: string, service: HttpService, { cacheMs, clock, isAlone, subscribers }: HttpRulesOptions) {
    this.name = `http_acl_url ${url}`;
    this.#url = url;
    this.#service = service;
    this.#cacheMs = cacheMs;
    this.#clock = clock;
    this.#isAlone = isAlone;
    this.#subscribers = subscribers;
    this.#answers = new AnswerCache(cacheMs, () => clock.monotonicMs());
  }

  mayPublish(client: Principal, topic: string): Decision | null | Promise<Decision | null> {
    return this.#ask(client, topic, { action: 'publish', acc: ACCESS_PUBLISH });
  }

  maySubscribe(client: Principal, filter: string, qos: QoS): Promise<Decision | null> {
    return this.#ask(client, filter, { action: 'subscribe', acc: ACCESS_SUBSCRIBE, qos }).then((decision) => {
      if (decision?.allowed === true) {
        const added = this.#subscribers.add(client, filter);
        // What was said before about messages to this client is not true any more.
        if (added === 'user' || (added === 'filter' && !this.#isAlone)) this.onChange();
      }
      return decision;
    });
  }

  mayReceive({ access, clientId, username }: Principal, topic: string): Decision | null {
    const found = this.#subscribers.find(clientId, username, topic);
    if (found === 'other user') {
      return { allowed: false, rule: `${this.name}: another user subscribed to it with this client id` };
    }
    if (access === undefined) return { allowed: true, rule: 'the client is away, and is asked about when it comes' };
    // Of what it subscribed to before the broker started, nothing is known here: others may know something.
    return found === 'yes' || this.#isAlone ? this.#mayRead() : null;
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
    // Topics may be long, and many are remembered.
    const key = createHash('sha256').update(JSON.stringify(question)).digest('base64');
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
}
