import { AccessControl, type AccessSet } from '../access/access-control.js';
import { AccessFileError } from '../access/access-file-error.js';
import { AccessRecord, RecordedAuthorizer } from '../access/access-record.js';
import type { DynamicSecurity } from '../access/dynsec/dynamic-security.js';
import type { Gate } from '../access/gate.js';
import { HashingPool } from '../access/passwords/hashing-pool.js';
import { PasswordChecker } from '../access/passwords/password-checker.js';
import type { PasswordFile } from '../access/passwords/password-file.js';
import { PasswordGate } from '../access/passwords/password-gate.js';
import { encodePasswordHash } from '../access/passwords/password-hash.js';
import { ScramAuthenticator } from '../access/passwords/scram-authenticator.js';
import type { TopicRules } from '../access/topic-rules.js';
import type { AccessPart, AccessParts, DynsecPart } from '../config/access-config.js';
import type { BrokerConfig } from '../config/config.js';
import type { Broker } from '../core/broker.js';
import type { Principal } from '../core/ports/access.js';
import type { Log } from '../core/ports/log.js';
import { systemClock, systemRandom } from '../system.js';
import { type AccessFiles, readAccessFiles } from './access-files.js';
import { loadHttpWay, loadJwtWay, OtherWays } from './other-ways.js';
import { StartError } from './start-error.js';

/** What the configuration and its files say now, before it holds. */
export interface AccessChange {
  /** What somebody should know. */
  readonly warnings: readonly string[];
  apply(): void;
  /** Why a client that is connected may not stay; null: it may. To be asked after `apply`. */
  objectionTo(client: Principal): string | null;
}

/** How something is opened that the broker has to be able to change later: perhaps with other rights than now. */
export type OpenAsBroker = <T>(open: () => Promise<T>) => Promise<T>;

/** Everything about users and rights that the configuration asks for, and how it follows the configuration. */
export class Access {
  readonly control = new AccessControl();
  /** Who did what in the last hour, for `cauldron acl simulate`. */
  readonly record = new AccessRecord(systemClock.wallMs);
  readonly authorizer = new RecordedAuthorizer(this.control, this.record);
  readonly #others = new OtherWays();
  readonly #log: Log;
  readonly #firstPassword: string | undefined;
  readonly #pool = new HashingPool();
  readonly #checker = new PasswordChecker(this.#pool);
  /** By `ListenerPolicy.access`. */
  #users: ReadonlyMap<string, readonly PasswordFile[]> = new Map();
  /** It is administered while the broker runs, so it lives as long as the configuration has it, and is not read again. */
  #dynsec: OpenDynsec | null = null;
  #broker: Broker | null = null;

  /** `firstPassword`: of the administrator, if dynamic security has to begin. */
  constructor(log: Log, firstPassword: string | undefined) {
    this.#log = log;
    this.#firstPassword = firstPassword;
  }

  /**
   * Reads all files, and opens dynamic security if it is wanted and not open. What holds does not change.
   * @throws (rejects) StartError with all that is wrong
   */
  async prepare(config: BrokerConfig, open: OpenAsBroker): Promise<AccessChange> {
    const { access } = config;
    const files = readAccessFiles(access);
    if (files.problems.length > 0) throw new StartError(files.problems);
    const others = await this.#others.prepare(config);
    const dynsec = await this.#dynsecFor(access, open);
    const sets = new Map([...access].map(([name, parts]) => [name, others.addTo(this.#setOf(parts, files, dynsec))]));
    const users = new Map(
      [...access].map(([name, parts]) => [name, parts.flatMap((part) => passwordsOf(part, files))]),
    );
    const before = this.#users;
    return {
      warnings: [...files.warnings, ...(dynsec === this.#dynsec ? [] : (dynsec?.security.warnings ?? []))],
      apply: () => {
        this.#users = users;
        this.control.replace(sets);
        others.apply();
        if (dynsec !== this.#dynsec) this.#dynsec?.close();
        this.#dynsec = dynsec;
        if (this.#broker !== null) dynsec?.attach(this.#broker);
      },
      objectionTo: ({ access: name = '', username }) => {
        if (username === undefined) return null;
        const was = hashOf(before.get(name), username);
        if (was === null) return null;
        const is = hashOf(users.get(name), username);
        if (is === null) return `the user ${username} is not in the password file any more`;
        return is === was ? null : `the password of ${username} has been changed`;
      },
    };
  }

  /** The broker is there: what is administered by messages hears of them from now on. */
  attach(broker: Broker): void {
    this.#broker = broker;
    this.#dynsec?.attach(broker);
  }

  /** Nobody outside is asked any more. */
  close(): void {
    this.#others.close();
  }

  #setOf(parts: AccessParts, files: AccessFiles, dynsec: OpenDynsec | null): AccessSet {
    const gates: Gate[] = [];
    const rules: TopicRules[] = [];
    const passwords = parts.flatMap((part) => passwordsOf(part, files));
    for (const part of parts) {
      for (const file of passwordsOf(part, files)) gates.push(new PasswordGate(file, this.#checker));
      const aclRules = part.kind === 'acl-file' ? files.rules.get(part.path) : undefined;
      if (aclRules !== undefined) rules.push(aclRules);
      if (part.kind !== 'dynamic-security' || dynsec === null) continue;
      gates.push(dynsec.security.gate);
      rules.push(dynsec.rules);
    }
    return { gates, rules, exchanges: [new ScramAuthenticator(passwords)] };
  }

  /** Null: it is not wanted. */
  async #dynsecFor(access: ReadonlyMap<string, AccessParts>, open: OpenAsBroker): Promise<OpenDynsec | null> {
    const part = [...access.values()].flat().find((one) => one.kind === 'dynamic-security');
    if (part === undefined) return null;
    if (this.#dynsec?.isFor(part) === true) return this.#dynsec;
    const options = {
      configFile: part.path,
      passwordInitFile: part.passwordInitFile,
      firstPassword: this.#firstPassword,
      checker: this.#checker,
      pool: this.#pool,
      random: systemRandom,
      log: this.#log,
    };
    try {
      const { DynamicSecurity } = await loadDynamicSecurity();
      return new OpenDynsec(await open(() => DynamicSecurity.open(options)), part);
    } catch (error) {
      if (!(error instanceof AccessFileError)) throw error;
      throw new StartError(error.problems, { cause: error });
    }
  }
}

/** Few brokers use it, so it is loaded when the configuration asks for it. */
const loadDynamicSecurity = () => import('../access/dynsec/dynamic-security.js');

/** Loads all that a later configuration may ask for: to be called before the rights to read it are given up. */
export async function loadAccess(): Promise<void> {
  await Promise.all([loadDynamicSecurity(), loadJwtWay(), loadHttpWay()]);
}

/** Dynamic security as the configuration asked for it. */
class OpenDynsec {
  readonly security: DynamicSecurity;
  readonly rules: TopicRules;
  readonly #part: DynsecPart;
  #end: (() => void) | null = null;

  constructor(security: DynamicSecurity, part: DynsecPart) {
    this.security = security;
    this.rules = security.rules(part.deniesSpecialChars);
    this.#part = part;
  }

  isFor({ path, deniesSpecialChars }: DynsecPart): boolean {
    return path === this.#part.path && deniesSpecialChars === this.#part.deniesSpecialChars;
  }

  /** May be called again. */
  attach(broker: Broker): void {
    if (this.#end !== null) return;
    this.security.attach(broker);
    this.#end = broker.control(this.security.topic, this.security);
  }

  close(): void {
    this.#end?.();
    this.#end = null;
  }
}

function passwordsOf({ kind, path }: AccessPart, { passwords }: AccessFiles): PasswordFile[] {
  const file = kind === 'password-file' ? passwords.get(path) : undefined;
  return file === undefined ? [] : [file];
}

function hashOf(files: readonly PasswordFile[] = [], username: string): string | null {
  for (const { users } of files) {
    const user = users.get(username);
    if (user !== undefined) return encodePasswordHash(user.hash);
  }
  return null;
}
