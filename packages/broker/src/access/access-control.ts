import type { QoS } from '@cauldron/codec';
import type {
  Admission,
  AuthenticationExchange,
  Authenticator,
  Authorizer,
  Credentials,
  Decision,
  EnhancedAuthenticator,
  Principal,
} from '../core/ports/access.js';
import type { Gate } from './gate.js';
import { refusal } from './refusal.js';
import type { TopicRules } from './topic-rules.js';

/** What decides about the clients of some listeners. */
export interface AccessSet {
  /** In the order in which they are asked. */
  readonly gates: readonly Gate[];
  readonly rules: readonly TopicRules[];
  /** For clients that name an authentication method, in the order in which they are asked for it. */
  readonly exchanges: readonly EnhancedAuthenticator[];
}

const ALL_ALLOWED: Decision = { allowed: true, rule: 'no access rules are configured' };
const FREE: Decision = { allowed: true, rule: 'no rule speaks against it' };
const NOT_MENTIONED: Decision = { allowed: false, rule: 'no rule allows it' };

/**
 * Who gets in, and who may do what with which topic, as the configuration says: what the core asks through its ports. A
 * reload gives it other sets; those who were let in stay, and what they may do is asked anew.
 */
export class AccessControl implements Authenticator, EnhancedAuthenticator, Authorizer {
  version = 0;
  #sets: ReadonlyMap<string, AccessSet> = new Map();
  #isUnrestricted = true;
  #answersAtOnce = true;

  /** `sets`: by `ListenerPolicy.access`. */
  replace(sets: ReadonlyMap<string, AccessSet>): void {
    for (const rules of rulesOf(this.#sets)) rules.onChange = () => {};
    this.#sets = sets;
    const all = rulesOf(sets);
    for (const rules of all) rules.onChange = () => this.#changed();
    this.#isUnrestricted = all.length === 0;
    this.#answersAtOnce = all.every(({ answersAtOnce }) => answersAtOnce);
    this.#changed();
  }

  get unrestricted(): boolean {
    return this.#isUnrestricted;
  }

  get answersAtOnce(): boolean {
    return this.#answersAtOnce;
  }

  authenticate(credentials: Credentials): Admission | Promise<Admission> {
    const gates = this.#sets.get(credentials.listener.access)?.gates ?? [];
    return firstOf(
      gates,
      (gate) => gate.authenticate(credentials),
      () => withoutGate(credentials, gates.length > 0),
    );
  }

  begin(credentials: Credentials, method: string): AuthenticationExchange | null {
    for (const offered of this.#sets.get(credentials.listener.access)?.exchanges ?? []) {
      const exchange = offered.begin(credentials, method);
      if (exchange !== null) return exchange;
    }
    return null;
  }

  mayPublish(client: Principal, topic: string): Decision | Promise<Decision> {
    return this.#decide(client, (rules) => rules.mayPublish(client, topic));
  }

  maySubscribe(client: Principal, filter: string, qos: QoS): Decision | Promise<Decision> {
    return this.#decide(client, (rules) => rules.maySubscribe(client, filter, qos));
  }

  mayUnsubscribe(client: Principal, filter: string): Decision {
    const rules = this.#rulesFor(client);
    for (const set of rules) {
      // Whoever does not ask about it lets everybody.
      if (set.mayUnsubscribe === undefined) return FREE;
      const decision = set.mayUnsubscribe(client, filter);
      if (decision !== null) return decision;
    }
    return rules.length === 0 ? ALL_ALLOWED : NOT_MENTIONED;
  }

  mayReceive(client: Principal, topic: string): Decision {
    const rules = this.#rulesFor(client);
    for (const set of rules) {
      const decision = set.mayReceive(client, topic);
      if (decision !== null) return decision;
    }
    return rules.length === 0 ? ALL_ALLOWED : NOT_MENTIONED;
  }

  #decide(
    client: Principal,
    ask: (rules: TopicRules) => Decision | null | Promise<Decision | null>,
  ): Decision | Promise<Decision> {
    const rules = this.#rulesFor(client);
    return firstOf(rules, ask, () => (rules.length === 0 ? ALL_ALLOWED : NOT_MENTIONED));
  }

  #rulesFor({ access }: Principal): readonly TopicRules[] {
    return this.#sets.get(access ?? '')?.rules ?? [];
  }

  #changed(): void {
    this.version++;
  }
}

/** The first answer that is one, without a promise where none is needed. */
function firstOf<Asked, Answer>(
  all: readonly Asked[],
  ask: (one: Asked) => Answer | null | Promise<Answer | null>,
  otherwise: () => Answer,
  from = 0,
): Answer | Promise<Answer> {
  for (let i = from; i < all.length; i++) {
    const answer = ask(all[i]);
    if (answer instanceof Promise) {
      return answer.then((found) => found ?? firstOf(all, ask, otherwise, i + 1));
    }
    if (answer !== null) return answer;
  }
  return otherwise();
}

/** What becomes of a client that no gate knows. `isGuarded`: there are gates. */
function withoutGate({ listener, username, provenBy }: Credentials, isGuarded: boolean): Admission {
  const rule = `listener ${listener.name}: allow_anonymous ${listener.allowAnonymous}`;
  if (provenBy !== null && !isGuarded)
    return { admitted: true, username, rule: `the user name is proven by ${provenBy}` };
  // Who gives a name where names are asked for has to be known by it.
  if (listener.allowAnonymous && (username === undefined || !isGuarded)) return { admitted: true, username, rule };
  return refusal(username === undefined || !isGuarded ? rule : `no user is called ${username}`);
}

function rulesOf(sets: ReadonlyMap<string, AccessSet>): TopicRules[] {
  return [...new Set([...sets.values()].flatMap(({ rules }) => rules))];
}
