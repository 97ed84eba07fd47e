import type { Decision, Principal } from '../core/ports/access.js';
import { type AclFile, type AclLine, shownAclLine } from './acl-file.js';
import { type AclQuestion, AclTree } from './acl-tree.js';
import type { TopicRules } from './topic-rules.js';

/** The one topic below `$SYS` that a file can let clients write to: bridges tell there whether they are connected. */
const BRIDGE_STATE = /^\$SYS\/broker\/connection\/[^/]+\/state$/;

/** The client that a question is about, as far as lines of a file can mean it. */
export type AclClient = Pick<Principal, 'clientId' | 'username'>;

/**
 * The lines of an ACL file, made ready for being asked: a decision takes about a microsecond, however many lines and users
 * there are.
 *
 * First the client's own lines decide: those of its user name, or, without one, those before the first `user` line. If
 * none of them matches, pattern lines do. In each of the two a denial goes before a grant. What no line mentions may not
 * be. Subscribing is free, as it is with Mosquitto: what comes of it is decided message by message.
 */
export class AclRules implements TopicRules {
  readonly name: string;
  readonly answersAtOnce = true;
  readonly file: AclFile;
  onChange = (): void => {};
  readonly #users = new Map<string | null, AclTree>();
  readonly #patterns: AclTree | null = null;
  /** Whether a pattern denies by the user name, or by the client id. */
  readonly #deniesByUser: boolean;
  readonly #deniesByClient: boolean;
  readonly #notMentioned: Decision;
  readonly #notMeant: Decision;
  readonly #reserved: Decision;
  readonly #subscribing: Decision;
  // Scratch of a decision: the same topic is asked about for many clients in a row.
  #topic = '';
  readonly #question: AclQuestion = { levels: [], username: null, clientId: null, wants: 'read' };

  constructor(file: AclFile) {
    const { path, lines } = file;
    this.file = file;
    this.name = `acl_file ${path}`;
    const decision = (allowed: boolean, why: string): Decision => ({ allowed, rule: `${path}: ${why}` });
    this.#notMentioned = decision(false, 'no line allows it');
    this.#notMeant = decision(false, 'pattern lines are not for a user name or client id with +, # or / in it');
    this.#reserved = decision(false, '$SYS and $share cannot be written to, whatever a line says');
    this.#subscribing = decision(true, 'subscribing is free; each message is asked about when it comes');
    for (const line of lines) {
      const rule = { allowed: line.access !== 'deny', rule: ruleOf(file, line) };
      if (line.kind === 'pattern') {
        this.#patterns ??= new AclTree(true);
        this.#patterns.add(line, rule);
        continue;
      }
      let tree = this.#users.get(line.user);
      if (tree === undefined) {
        tree = new AclTree(false);
        this.#users.set(line.user, tree);
      }
      tree.add(line, rule);
    }
    this.#deniesByUser = hasDenial(lines, '%u');
    this.#deniesByClient = hasDenial(lines, '%c');
  }

  mayPublish(client: AclClient, topic: string): Decision {
    return isReserved(topic) ? this.#reserved : this.#decide(client, topic, 'write');
  }

  maySubscribe(): Decision {
    return this.#subscribing;
  }

  mayReceive(client: AclClient, topic: string): Decision {
    return this.#decide(client, topic, 'read');
  }

  #decide({ username, clientId }: AclClient, topic: string, wants: 'read' | 'write'): Decision {
    const question = this.#question;
    if (topic !== this.#topic) {
      this.#topic = topic;
      question.levels = topic.split('/');
    }
    question.wants = wants;
    const own = this.#users.get(username ?? null)?.decide(question);
    if (own !== undefined && own !== null) return own;
    const patterns = this.#patterns;
    if (patterns === null) return this.#notMentioned;
    const names = namesForPatterns(username, clientId, this.#deniesByUser, this.#deniesByClient);
    if (names === null) return this.#notMeant;
    question.username = names.username;
    question.clientId = names.clientId;
    return patterns.decide(question) ?? this.#notMentioned;
  }
}

/** What decided, for logs: `/etc/cauldron/acl:3: topic read a/#`. */
export function ruleOf({ path }: AclFile, line: AclLine): string {
  return `${path}:${line.number}: ${shownAclLine(line)}`;
}

/** Whether nobody may write to the topic, whatever a file says. As Mosquitto sees it: by the first characters. */
export function isReserved(topic: string): boolean {
  return (
    topic.startsWith('$') && (topic.startsWith('$share') || (topic.startsWith('$SYS') && !BRIDGE_STATE.test(topic)))
  );
}

/**
 * A client must not get further by what it calls itself. With + or # in a name it gets nothing from pattern lines. With a
 * / in one, which cannot be a level, it gets nothing from the lines that use that name; and nothing from any, if one of
 * them would deny by it. Null: no pattern line is for this client.
 */
export function namesForPatterns(
  username: string | undefined,
  clientId: string,
  deniesByUser: boolean,
  deniesByClient: boolean,
): Pick<AclQuestion, 'username' | 'clientId'> | null {
  const isUserLevel = username === undefined || !username.includes('/');
  const isClientLevel = !clientId.includes('/');
  if (hasWildcard(clientId) || (username !== undefined && hasWildcard(username))) return null;
  if ((deniesByUser && !isUserLevel) || (deniesByClient && !isClientLevel)) return null;
  return { username: isUserLevel ? (username ?? null) : null, clientId: isClientLevel ? clientId : null };
}

function hasWildcard(name: string): boolean {
  return name.includes('+') || name.includes('#');
}

/** Whether a pattern line denies by this placeholder. */
export function hasDenial(lines: readonly AclLine[], placeholder: '%u' | '%c'): boolean {
  return lines.some(
    ({ kind, access, topic }) => kind === 'pattern' && access === 'deny' && topic.includes(placeholder),
  );
}
