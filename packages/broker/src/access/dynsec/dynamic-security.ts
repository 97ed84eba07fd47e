import { existsSync, readFileSync } from 'node:fs';
import type { Principal } from '../../core/ports/access.js';
import type { ControlCommand, ControlEndpoint, ControlOutcome } from '../../core/ports/control.js';
import { type Log, LogType } from '../../core/ports/log.js';
import type { Random } from '../../core/ports/random.js';
import { AccessFileError } from '../access-file-error.js';
import type { Gate } from '../gate.js';
import { hashPassword } from '../passwords/hashing.js';
import type { HashingPool } from '../passwords/hashing-pool.js';
import type { PasswordChecker } from '../passwords/password-checker.js';
import type { PasswordHash } from '../passwords/password-hash.js';
import type { TopicRules } from '../topic-rules.js';
import { CLIENT_COMMANDS } from './client-commands.js';
import { type Command, type CommandContext, CommandError, Effects } from './command-context.js';
import { replaceFile } from './durable-file.js';
import { dynsecFileText, parseDynsecFile, readDynsecFile } from './dynsec-file.js';
import { DynsecGate } from './dynsec-gate.js';
import { DynsecRules } from './dynsec-rules.js';
import type { DynsecState } from './dynsec-state.js';
import { type FirstPasswords, firstState, madeUpPassword } from './first-state.js';
import { GENERAL_COMMANDS } from './general-commands.js';
import { GROUP_COMMANDS } from './group-commands.js';
import { ROLE_COMMANDS } from './role-commands.js';

/** As Mosquitto demands of MOSQUITTO_DYNSEC_PASSWORD. */
const MIN_PASSWORD_LENGTH = 12;

/** By their names in lower case: Mosquitto does not tell `listclients` from `listClients`. */
const COMMANDS: ReadonlyMap<string, Command> = new Map(
  Object.entries({ ...GENERAL_COMMANDS, ...CLIENT_COMMANDS, ...GROUP_COMMANDS, ...ROLE_COMMANDS }).map(
    ([name, command]) => [name.toLowerCase(), command],
  ),
);

export interface DynamicSecurityOptions {
  /** `plugin_opt_config_file`. If it is not there, it is made. */
  readonly configFile: string;
  /** `plugin_opt_password_init_file`: the first line of this file is the administrator's password in a new file. */
  readonly passwordInitFile: string | null;
  /** `MOSQUITTO_DYNSEC_PASSWORD`: the same, if there is no such file; undefined: one is made up. */
  readonly firstPassword: string | undefined;
  readonly checker: PasswordChecker;
  /** New passwords are hashed in it. */
  readonly pool: HashingPool;
  readonly random: Random;
  readonly log: Log;
}

/** The clients of the broker, as far as dynamic security has to do with them. */
export interface DynsecClients {
  clients(): Iterable<Principal>;
  disconnect(clientId: string, reason: string): boolean;
}

const NOBODY: DynsecClients = { clients: () => [], disconnect: () => false };

/**
 * Clients, groups and roles that are administered while the broker runs, by messages to `topic`, as Mosquitto's
 * plugin of that name does it, and in its file. A change is on the disk before it is answered.
 */
export class DynamicSecurity implements ControlEndpoint {
  /** Where its commands are published to. */
  readonly topic = '$CONTROL/dynamic-security/v1';
  readonly path: string;
  /** What stands in the file and does not count, for the log. */
  readonly warnings: readonly string[];
  readonly gate: Gate;
  readonly #pool: HashingPool;
  readonly #log: Log;
  readonly #rules: TopicRules[] = [];
  #state: DynsecState;
  /** What is in the file. */
  #saved: string;
  #effects = new Effects();
  #clients = NOBODY;

  private constructor(
    { checker, configFile, log, pool }: DynamicSecurityOptions,
    state: DynsecState,
    warnings: readonly string[],
  ) {
    this.path = configFile;
    this.warnings = warnings;
    this.gate = new DynsecGate(() => this.#state, configFile, checker);
    this.#pool = pool;
    this.#log = log;
    this.#state = state;
    this.#saved = dynsecFileText(state);
  }

  /**
   * Reads the file, or makes it: with the client `admin`, whose password is in `FILE.pw` then, together with that of a
   * client to try things with, unless the options say what it is.
   * @throws (rejects) AccessFileError
   */
  static async open(options: DynamicSecurityOptions): Promise<DynamicSecurity> {
    const { configFile } = options;
    if (!existsSync(configFile)) await makeFile(options);
    const { state, warnings } = readDynsecFile(configFile);
    return new DynamicSecurity(options, state, warnings);
  }

  /** From now on it knows who is connected, and can have clients connect again. */
  attach(clients: DynsecClients): void {
    this.#clients = clients;
  }

  /** Rules for some listeners. `deniesSpecialChars`: see `DynsecRulesOptions`. */
  rules(deniesSpecialChars: boolean): TopicRules {
    const rules = new DynsecRules(() => this.#state, { path: this.path, deniesSpecialChars });
    this.#rules.push(rules);
    return rules;
  }

  async run({ name, fields }: ControlCommand, client: Principal): Promise<ControlOutcome> {
    const command = COMMANDS.get(name.toLowerCase());
    if (command === undefined) return { error: 'Unknown command' };
    try {
      return await command(this.#contextFor(name, client), fields);
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      return { error: error.message };
    }
  }

  async settle(): Promise<() => void> {
    const { changed, kicked } = this.#effects;
    this.#effects = new Effects();
    if (!changed) return () => {};
    this.#state.changeIndex++;
    const text = dynsecFileText(this.#state);
    try {
      await replaceFile(this.path, text);
      this.#saved = text;
    } catch (error) {
      // What is not on the disk does not hold.
      this.#state = parseDynsecFile(this.path, this.#saved).state;
      this.#rulesChanged();
      const why = `${this.path} cannot be written: ${(error as Error).message}`;
      if (this.#log.types & LogType.ERROR) this.#log.write(LogType.ERROR, `Error: dynsec: ${why}`);
      throw new Error(`Nothing was changed: ${why}`, { cause: error });
    }
    this.#rulesChanged();
    return () => this.#kick(kicked);
  }

  #contextFor(name: string, { clientId, username }: Principal): CommandContext {
    const log = this.#log;
    // A list asks for each client.
    let connected: ReadonlyMap<string, readonly Principal[]> | null = null;
    return {
      state: this.#state,
      effects: this.#effects,
      hash: (password) => this.#hash(password),
      addressesOf: (user, onlyClientId) => {
        connected ??= this.#clientsByUser();
        const own = connected.get(user) ?? [];
        return own
          .filter((one) => onlyClientId === null || one.clientId === onlyClientId)
          .map(({ address }) => address);
      },
      say: (details) => {
        if ((log.types & LogType.INFORMATION) === 0) return;
        const line = `dynsec: ${clientId}/${username ?? '(null)'} | ${name}${details === '' ? '' : ` | ${details}`}`;
        log.write(LogType.INFORMATION, line, { client: clientId, username });
      },
    };
  }

  #clientsByUser(): Map<string, Principal[]> {
    const byUser = new Map<string, Principal[]>();
    for (const client of this.#clients.clients()) {
      if (client.username === undefined) continue;
      const known = byUser.get(client.username);
      if (known === undefined) byUser.set(client.username, [client]);
      else known.push(client);
    }
    return byUser;
  }

  async #hash(password: string): Promise<PasswordHash> {
    const work = this.#pool.run(() => hashPassword(Buffer.from(password), { kind: 'sha512-pbkdf2' }));
    if (work === null) throw new CommandError('Too many passwords wait to be checked: try again');
    return work;
  }

  #rulesChanged(): void {
    for (const rules of this.#rules) rules.onChange();
  }

  /** They come back with what holds now, or not at all. */
  #kick(usernames: ReadonlySet<string | undefined>): void {
    if (usernames.size === 0) return;
    const leaving = [...this.#clients.clients()].filter(({ username }) => usernames.has(username));
    for (const { clientId } of leaving) this.#clients.disconnect(clientId, 'its rights were changed: connect again');
  }
}

/** @throws (rejects) AccessFileError */
async function makeFile(options: DynamicSecurityOptions): Promise<void> {
  const { configFile, firstPassword, log, passwordInitFile } = options;
  const say = (line: string): void => {
    if (log.types & LogType.INFORMATION) log.write(LogType.INFORMATION, line);
  };
  say(`dynsec: ${configFile} is not there: it is made, with the client admin.`);
  const given = passwordInitFile === null ? firstPassword : passwordIn(passwordInitFile);
  if (passwordInitFile === null && given !== undefined && given.length < MIN_PASSWORD_LENGTH) {
    throw new AccessFileError([
      `${configFile}: is not made: MOSQUITTO_DYNSEC_PASSWORD has fewer than ${MIN_PASSWORD_LENGTH} characters. Choose a longer password.`,
    ]);
  }
  try {
    if (given !== undefined) {
      await writeFirst(options, { admin: await hashFor(given), demo: null });
      return;
    }
    const make = (): string => madeUpPassword((length) => options.random.bytes(length));
    const [admin, demo] = [make(), make()];
    const passwordFile = `${configFile}.pw`;
    await replaceFile(passwordFile, `admin ${admin}\ndemoclient ${demo}\n`);
    say(`dynsec: The passwords of admin and democlient are in ${passwordFile}: change them, and remove the file.`);
    await writeFirst(options, { admin: await hashFor(admin), demo: await hashFor(demo) });
  } catch (error) {
    const { message } = error as Error;
    throw new AccessFileError([`${configFile}: cannot be made: ${message}. The broker's user needs the right to.`], {
      cause: error,
    });
  }
}

function writeFirst({ configFile }: DynamicSecurityOptions, passwords: FirstPasswords): Promise<void> {
  return replaceFile(configFile, dynsecFileText(firstState(passwords)));
}

function hashFor(password: string): Promise<PasswordHash> {
  return hashPassword(Buffer.from(password), { kind: 'sha512-pbkdf2' });
}

/** @throws AccessFileError */
function passwordIn(path: string): string {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new AccessFileError([`${path}: cannot be read for the first password: ${(error as Error).message}.`]);
  }
  const password = text.split('\n', 1)[0].trimEnd();
  if (password !== '') return password;
  throw new AccessFileError([`${path}: is empty. Its first line is the first password of the client admin.`]);
}
