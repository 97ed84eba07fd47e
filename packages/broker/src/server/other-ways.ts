import type { AccessSet } from '../access/access-control.js';
import { AccessFileError } from '../access/access-file-error.js';
import type { Gate } from '../access/gate.js';
import { HttpSubscribers } from '../access/http/http-subscribers.js';
import type { TopicRules } from '../access/topic-rules.js';
import type { BrokerConfig } from '../config/config.js';
import type { HttpWay } from './http-way.js';
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
  #http: HttpWay | null = null;

  /** Reads all files. Nothing changes. @throws (rejects) StartError with all that is wrong with them */
  async prepare({ jwt, httpAccess, authOrder }: WaysConfig): Promise<WaysChange> {
    const subscribers = this.#subscribers;
    const problems: string[] = [];
    const tokens = jwt === null ? null : await reading(problems, async () => new (await loadJwtWay()).JwtWay(jwt));
    const http =
      httpAccess === null
        ? null
        : await reading(problems, async () => new (await loadHttpWay()).HttpWay(httpAccess, subscribers));
    if (problems.length > 0) {
      http?.close();
      throw new StartError(problems);
    }
    return {
      addTo({ gates, rules, exchanges }) {
        const ways: Readonly<Record<string, readonly Gate[]>> = {
          users: gates,
          jwt: tokens === null ? [] : [tokens.gate],
          http: http === null || http.gate === null ? [] : [http.gate],
        };
        const ofService = http?.rules(rules.length === 0) ?? null;
        const first: TopicRules[] = [];
        if (tokens !== null) first.push(tokens.rules(rules.length === 0 && ofService === null));
        if (ofService !== null) first.push(ofService);
        return { gates: authOrder.flatMap((way) => ways[way]), rules: [...first, ...rules], exchanges };
      },
      apply: () => {
        this.#http?.leave();
        this.#http = http;
      },
    };
  }

  /** Nobody is asked any more. */
  close(): void {
    this.#http?.leave();
    this.#http?.close();
  }
}

/** Few brokers use them, so they are loaded when the configuration asks for them. */
export const loadJwtWay = () => import('./jwt-way.js');
export const loadHttpWay = () => import('./http-way.js');

/** What is read; null if something is wrong with it, which is added to `problems`. */
async function reading<Read>(problems: string[], read: () => Promise<Read>): Promise<Read | null> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof AccessFileError)) throw error;
    problems.push(...error.problems);
    return null;
  }
}
