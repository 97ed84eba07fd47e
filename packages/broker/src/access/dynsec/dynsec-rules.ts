import { hasWildcard } from '@cauldron/codec';
import type { Decision, Principal } from '../../core/ports/access.js';
import type { TopicRules } from '../topic-rules.js';
import type { Acl, Acls, DefaultType, DynsecState, Role } from './dynsec-state.js';
import type { Ranked } from './ranking.js';

/** What is given by name only, whatever the defaults say. */
const CONTROL = '$CONTROL';
const SPECIAL = /[+#]/;
/** What would mean more than one level, or any, where a pattern has a name in its place. */
const NO_LEVEL = /[+#/]/;

/** The client that a question is about, as far as roles can mean it. */
type Asker = Pick<Principal, 'clientId' | 'username'>;

/** What is asked of one role. Null: none of its ACLs is about it. */
type Question = (role: Role) => Verdict | null;

interface Verdict {
  readonly allowed: boolean;
  readonly why: string;
}

export interface DynsecRulesOptions {
  /** For messages: the file. */
  readonly path: string;
  /** `auth_plugin_deny_special_chars`: clients with + or # in their names may do nothing. */
  readonly deniesSpecialChars: boolean;
}

/**
 * Asks the roles of the client by their priorities, the highest first, then those of its groups by theirs, and last the
 * defaults. Clients without a user name have the roles of the anonymous group. Of a role, the ACL of the highest priority
 * that matches decides. A client that dynamic security does not know is none of its business.
 */
export class DynsecRules implements TopicRules {
  readonly name: string;
  readonly answersAtOnce = true;
  onChange = (): void => {};
  readonly #state: () => DynsecState;
  readonly #path: string;
  readonly #deniesSpecialChars: boolean;

  /** `state`: what holds now. */
  constructor(state: () => DynsecState, { path, deniesSpecialChars }: DynsecRulesOptions) {
    this.name = `dynamic security ${path}`;
    this.#state = state;
    this.#path = path;
    this.#deniesSpecialChars = deniesSpecialChars;
  }

  mayPublish(client: Principal, topic: string): Decision | null {
    return this.#decide(client, topic, 'publishClientSend', this.#onTopic(client, topic, 'publishClientSend'));
  }

  mayReceive(client: Principal, topic: string): Decision | null {
    return this.#decide(client, topic, 'publishClientReceive', this.#onTopic(client, topic, 'publishClientReceive'));
  }

  maySubscribe(client: Principal, filter: string): Decision | null {
    const onFilter = this.#onFilter(client, filter, 'subscribeLiteral', 'subscribePattern');
    const isWild = hasWildcard(filter);
    return this.#decide(client, filter, 'subscribe', (role) => {
      if (isWild && !role.allowsWildcards) return { allowed: false, why: 'allowwildcardsubs false' };
      return onFilter(role);
    });
  }

  mayUnsubscribe(client: Principal, filter: string): Decision | null {
    const question = this.#onFilter(client, filter, 'unsubscribeLiteral', 'unsubscribePattern');
    return this.#decide(client, filter, 'unsubscribe', question);
  }

  #onTopic(client: Asker, topic: string, type: 'publishClientSend' | 'publishClientReceive'): Question {
    const levels = topic.split('/');
    return ({ acls }) => firstMatch(acls, type, levels, client);
  }

  #onFilter(client: Asker, filter: string, literal: keyof Acls, pattern: keyof Acls): Question {
    const levels = filter.split('/');
    return ({ acls }) => {
      const same = acls[literal].find(({ topic }) => topic === filter);
      return same === undefined ? firstMatch(acls, pattern, levels, client) : verdictOf(literal, same);
    };
  }

  #decide(client: Asker, topic: string, type: DefaultType, question: Question): Decision | null {
    const { clientId, username } = client;
    if (this.#deniesSpecialChars && (SPECIAL.test(clientId) || (username !== undefined && SPECIAL.test(username)))) {
      return { allowed: false, rule: `${this.#path}: + or # in a name (auth_plugin_deny_special_chars)` };
    }
    const { anonymousGroup, clients, defaults } = this.#state();
    let decision: Decision | null = null;
    if (username === undefined) {
      if (anonymousGroup !== null) {
        decision = this.#ask(anonymousGroup.roles.all, question, `anonymous group '${anonymousGroup.name}', `);
      }
    } else {
      const known = clients.get(username);
      if (known === undefined) return null;
      decision = this.#ask(known.roles.all, question, '');
      for (const { item: group, priority } of known.groups.all) {
        if (decision !== null) break;
        decision = this.#ask(group.roles.all, question, `group '${group.name}' (priority ${priority}), `);
      }
    }
    if (decision !== null) return decision;
    if (!defaults[type] || topic.startsWith(CONTROL)) return null;
    return { allowed: true, rule: `${this.#path}: default access for ${type}: allow` };
  }

  #ask(roles: readonly Ranked<Role>[], question: Question, whose: string): Decision | null {
    for (const { item: role, priority } of roles) {
      const verdict = question(role);
      if (verdict === null) continue;
      const { allowed, why } = verdict;
      return { allowed, rule: `${this.#path}: ${whose}role '${role.name}' (priority ${priority}): ${why}` };
    }
    return null;
  }
}

function firstMatch(acls: Acls, type: keyof Acls, levels: readonly string[], client: Asker): Verdict | null {
  for (const acl of acls[type]) if (covers(acl.levels, levels, client)) return verdictOf(type, acl);
  return null;
}

function verdictOf(type: keyof Acls, { allow, priority, topic }: Acl): Verdict {
  return { allowed: allow, why: `${type} ${topic} ${allow ? 'allow' : 'deny'} (priority ${priority})` };
}

/**
 * Whether all that `asked` means is meant by the pattern: a topic, or a filter, which is then part of it as a whole. A
 * level `%c` or `%u` is the client id or the user name.
 */
export function covers(pattern: readonly string[], asked: readonly string[], { clientId, username }: Asker): boolean {
  // A topic that begins with $ is meant only by patterns that begin so by themselves.
  if (asked[0].startsWith('$') !== pattern[0].startsWith('$')) return false;
  for (let i = 0; i < pattern.length; i++) {
    const level = pattern[i];
    // `a/#` means `a`, too.
    if (level === '#') return true;
    if (i === asked.length) return false;
    if (level === '+') {
      if (asked[i] === '#') return false;
      continue;
    }
    const wanted = level === '%c' ? nameAsLevel(clientId) : level === '%u' ? nameAsLevel(username) : level;
    if (wanted !== asked[i]) return false;
  }
  return asked.length === pattern.length;
}

/** Null: no level is meant by it. */
function nameAsLevel(name: string | undefined): string | null {
  return name === undefined || name === '' || NO_LEVEL.test(name) ? null : name;
}
