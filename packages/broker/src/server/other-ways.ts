import type { AccessSet } from '../access/access-control.js';
import { AccessFileError } from '../access/access-file-error.js';
import type { Gate } from '../access/gate.js';
import { readHttpFiles } from '../access/http/http-files.js';
import { HttpGate } from '../access/http/http-gate.js';
import { HttpRules } from '../access/http/http-rules.js';
import { HttpService } from '../access/http/http-service.js';
import { HttpSubscribers } from '../access/http/http-subscribers.js';
import { JwtGate } from '../access/jwt/jwt-gate.js';
import { readJwtKeys } from '../access/jwt/jwt-keys.js';
import { JwtRules } from '../access/jwt/jwt-rules.js';
import type { TopicRules } from '../access/topic-rules.js';
import type { BrokerConfig } from '../config/config.js';
import { systemClock } from '../system.js';
import { StartError } from './start-error.js';

export type WaysConfig = Pick<BrokerConfig, 'jwt' | 'httpAccess' | 'authOrder'>;

/** What the configuration says now, before it holds. */
export interface WaysChange {
  /** The same set with tokens and the HTTP service in their places. */
  addTo(set: AccessSet): AccessSet;
  apply(): void;
}

/** The ways in beside files of users: tokens, and an HTTP service. They are the same for all listeners. */
export class OtherWays {
  readonly #subscribers = new HttpSubscribers();
  #service: HttpService | null = null;
  /** Others take the places of these ways. */
  #leave = (): void => {};

  /** Reads all files. Nothing changes. @throws StartError with all that is wrong with them */
  prepare({ jwt, httpAccess, authOrder }: WaysConfig): WaysChange {
    const problems: string[] = [];
    const keys = jwt === null ? [] : reading(problems, [], () => readJwtKeys(jwt));
    const files = httpAccess === null ? null : reading(problems, null, () => readHttpFiles(httpAccess));
    if (problems.length > 0) throw new StartError(problems);
    const service = httpAccess === null || files === null ? null : new HttpService(httpAccess, files);
    const { authUrl = null, aclUrl = null, cacheMs = 0 } = httpAccess ?? {};
    const jwtGate = jwt === null ? [] : [new JwtGate(jwt, keys, systemClock.wallMs)];
    const httpGate = service === null || authUrl === null ? [] : [new HttpGate(authUrl, service, cacheMs, systemClock)];
    const httpRules: HttpRules[] = [];
    const subscribers = this.#subscribers;
    const clock = systemClock;
    return {
      addTo({ gates, rules, exchanges }) {
        const ways: Readonly<Record<string, readonly Gate[]>> = { users: gates, jwt: jwtGate, http: httpGate };
        const first: TopicRules[] = [];
        if (jwt !== null) first.push(new JwtRules(rules.length === 0 && aclUrl === null));
        if (service !== null && aclUrl !== null) {
          const asked = new HttpRules(aclUrl, service, { cacheMs, clock, isAlone: rules.length === 0, subscribers });
          httpRules.push(asked);
          first.push(asked);
        }
        return { gates: authOrder.flatMap((way) => ways[way]), rules: [...first, ...rules], exchanges };
      },
      apply: () => {
        this.#leave();
        this.#leave = () => {
          for (const rules of httpRules) rules.close();
          service?.retire();
        };
        this.#service = service;
      },
    };
  }

  /** Nobody is asked any more. */
  close(): void {
    this.#leave();
    this.#service?.close();
  }
}

/** What is read; `otherwise` if something is wrong with it, which is added to `problems`. */
function reading<Read>(problems: string[], otherwise: Read, read: () => Read): Read {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof AccessFileError)) throw error;
    problems.push(...error.problems);
    return otherwise;
  }
}
