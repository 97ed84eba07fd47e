import type { Gate } from '../access/gate.js';
import { readHttpFiles } from '../access/http/http-files.js';
import { HttpGate } from '../access/http/http-gate.js';
import { HttpRules } from '../access/http/http-rules.js';
import { HttpService } from '../access/http/http-service.js';
import type { HttpSubscribers } from '../access/http/http-subscribers.js';
import type { TopicRules } from '../access/topic-rules.js';
import type { BrokerConfig } from '../config/config.js';
import { systemClock } from '../system.js';

/** An HTTP service that is asked who may come in, and who may do what. */
export class HttpWay {
  /** Null: it is not asked who may come in. */
  readonly gate: Gate | null;
  readonly #config: NonNullable<BrokerConfig['httpAccess']>;
  readonly #subscribers: HttpSubscribers;
  readonly #service: HttpService;
  readonly #rules: HttpRules[] = [];

  /** Reads the files. @throws AccessFileError */
  constructor(config: NonNullable<BrokerConfig['httpAccess']>, subscribers: HttpSubscribers) {
    const { authUrl, cacheMs } = config;
    this.#config = config;
    this.#subscribers = subscribers;
    this.#service = new HttpService(config, readHttpFiles(config));
    this.gate = authUrl === null ? null : new HttpGate(authUrl, this.#service, cacheMs, systemClock);
  }

  /** `isAlone`: nobody else knows anything about topics. Null: the service is not asked about them. */
  rules(isAlone: boolean): TopicRules | null {
    const { aclUrl, cacheMs } = this.#config;
    if (aclUrl === null) return null;
    const subscribers = this.#subscribers;
    const rules = new HttpRules(aclUrl, this.#service, { cacheMs, clock: systemClock, isAlone, subscribers });
    this.#rules.push(rules);
    return rules;
  }

  /** Another configuration holds: what has been asked is still answered. */
  leave(): void {
    for (const rules of this.#rules) rules.close();
    this.#service.retire();
  }

  /** Nobody is asked any more. */
  close(): void {
    this.#service.close();
  }
}
