import { dirname, resolve } from 'node:path';
import { DEFAULT_LOG } from '../admin/log.js';
import { nearestName } from '../nearest-name.js';
import { type BrokerConfig, ConfigError, type ListenerConfig } from './config.js';
import { type ConfigFile, readConfigFile, readConfigFolder } from './config-files.js';
import { type ConfigDraft, DEFAULT_PORT, type ListenerDraft, newDraft, newListenerDraft } from './draft.js';
import { listenerDoubts, usernameSourceOf } from './listener-options.js';
import { NOT_YET, NOT_YET_PREFIXES } from './not-yet.js';
import type { Option } from './option.js';
import { OPTIONS } from './options.js';
import { type ConfigLine, parseConfig, shownOrigin } from './parse.js';
import { tlsMismatches, tlsOf } from './tls-options.js';

const LISTENER = 'listener';
const INCLUDE_DIR = 'include_dir';
const PER_LISTENER_SETTINGS = 'per_listener_settings';

const byName = new Map<string, Option>();
for (const option of OPTIONS) for (const name of [option.name, ...option.aliases]) byName.set(name, option);

/** The addresses of a broker that nobody configured: reachable from this machine only. */
const LOOPBACK_ADDRESSES = ['127.0.0.1', '::1'];

/** What a line of a configuration said, of an option that there is. */
export interface Statement {
  readonly option: Option;
  readonly line: ConfigLine;
  /** What it belongs to: a listener; null: the broker. */
  readonly listener: ListenerDraft | null;
}

/** A configuration, and the lines that it came from. */
export interface ConfigReading {
  readonly config: BrokerConfig;
  readonly statements: readonly Statement[];
  readonly listeners: readonly ListenerDraft[];
}

/** Reads a configuration file, and those of its `include_dir`s. @throws ConfigError naming file, line, option, and what was expected. */
export function loadConfig(file: string): BrokerConfig {
  return readConfigFrom(readConfigFile(file)).config;
}

/** What applies when there is no configuration file. */
export function defaultConfig(): BrokerConfig {
  return finish(newDraft(), [], newListenerDraft(), [], null);
}

/**
 * The ports of the command line, open to this machine only. They stand in for listeners, so they say nothing where the
 * configuration has listeners, as with Mosquitto; the caller has to say so (`localOnly` is false then).
 */
export function withPorts(config: BrokerConfig, ports: readonly number[]): BrokerConfig {
  if (ports.length === 0 || !config.localOnly) return config;
  const [{ policy }] = config.listeners;
  return { ...config, listeners: ports.flatMap((port) => localListeners(port, policy)) };
}

/** With `--strict-store`: a damaged store is a reason not to start. */
export function withStrictStore(config: BrokerConfig): BrokerConfig {
  return config.persistence === null ? config : { ...config, persistence: { ...config.persistence, strict: true } };
}

/** As `loadConfig`, for a text that is there already. */
export function readConfig(text: string, file: string): BrokerConfig {
  return readConfigFrom({ file, text }).config;
}

/** As `loadConfig`, with what each line said. `folder` reads the files of an `include_dir`. @throws ConfigError */
export function readConfigFrom(
  main: ConfigFile,
  folder: (path: string) => readonly ConfigFile[] = readConfigFolder,
): ConfigReading {
  const reader = new Reader(folder);
  reader.read(main);
  return reader.finish(main.file);
}

/** Goes through the lines of all files, and gathers what is wrong with them. */
class Reader {
  readonly #folder: (path: string) => readonly ConfigFile[];
  readonly #draft = newDraft();
  readonly #listeners: ListenerDraft[] = [];
  readonly #statements: Statement[] = [];
  readonly #problems: string[] = [];
  readonly #warnings: string[] = [];
  /** It exists once an option asks for it. */
  #defaultListener: ListenerDraft | null = null;
  /** The block that the present line belongs to; null: it is in none. */
  #current: ListenerDraft | null = null;

  constructor(folder: (path: string) => readonly ConfigFile[]) {
    this.#folder = folder;
  }

  read(main: ConfigFile): void {
    const lines = parseConfig(main.text, main.file);
    this.#findPerListenerSettings(lines);
    for (const line of lines) {
      if (line.name === INCLUDE_DIR) this.#include(line);
      else this.#readLine(line);
    }
  }

  /** @throws ConfigError */
  finish(file: string): ConfigReading {
    for (const listener of this.#listeners) {
      for (const { option, text } of tlsMismatches(listener)) {
        const origin = listener.origins.get(option);
        this.#problems.push(origin === undefined ? text : `${shownOrigin(origin)}: ${text}`);
      }
    }
    if (this.#problems.length > 0) throw new ConfigError(this.#problems);
    this.#warnOfUnusedAccess();
    for (const listener of this.#listeners) {
      for (const { option, text } of listenerDoubts(listener)) {
        const origin = listener.origins.get(option);
        this.#warnings.push(origin === undefined ? text : `${shownOrigin(origin)}: ${text}`);
      }
    }
    const local = this.#defaultListener ?? newListenerDraft();
    const config = finish(this.#draft, this.#listeners, local, this.#warnings, file);
    return { config, statements: this.#statements, listeners: this.#listeners };
  }

  #warnOfUnusedAccess(): void {
    const unused = this.#defaultListener;
    if (unused === null || this.#listeners.length === 0 || this.#listeners.includes(unused)) return;
    for (const [name, origin] of unused.origins) {
      const text = `${name} has no effect: with ${PER_LISTENER_SETTINGS} it belongs below the listener that it is for.`;
      this.#warnings.push(`${shownOrigin(origin)}: ${text}`);
    }
  }

  /** It decides what other lines belong to, so it has to be known before them. */
  #findPerListenerSettings(lines: readonly ConfigLine[]): void {
    const last = lines.findLast(({ name }) => name === PER_LISTENER_SETTINGS);
    this.#draft.perListenerSettings = last?.value === 'true';
  }

  /** The files of the folder, each for itself; afterwards the block goes on that the line stands in. */
  #include({ origin, value }: ConfigLine): void {
    if (value === '') {
      this.#problems.push(`${shownOrigin(origin)}: ${INCLUDE_DIR} must be a folder, and there is no value.`);
      return;
    }
    const block = this.#current;
    try {
      for (const { file, text } of this.#folder(resolve(dirname(origin.file), value))) {
        this.#current = null;
        for (const line of parseConfig(text, file)) this.#readIncluded(line);
      }
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      this.#problems.push(...error.problems.map((problem) => `${shownOrigin(origin)}: ${problem}`));
    }
    this.#current = block;
  }

  #readIncluded(line: ConfigLine): void {
    if (line.name !== INCLUDE_DIR) {
      this.#readLine(line);
      return;
    }
    this.#say(line, `${INCLUDE_DIR} counts in the main file only. Move the line there.`);
  }

  #readLine(line: ConfigLine): void {
    if (line.name === LISTENER) {
      this.#beginListener(line);
      return;
    }
    const option = byName.get(line.name);
    if (option === undefined) {
      this.#say(line, unknownOption(line.name));
      return;
    }
    const isOfListener =
      option.scope === 'listener' || (option.scope === 'security' && this.#draft.perListenerSettings);
    const listener = isOfListener ? this.#listener(option) : null;
    listener?.origins.set(option.name, line.origin);
    this.#statements.push({ option, line, listener });
    this.#apply(option, line, listener);
  }

  #apply(option: Option, line: ConfigLine, listener: ListenerDraft | null): void {
    const { status } = option;
    if (status.kind === 'refused') {
      this.#say(line, `${line.name} ${status.instead}`);
      return;
    }
    const applied = option.apply(line.value, {
      config: this.#draft,
      security: listener === null ? this.#draft.security : listener.security,
      listener: listener ?? newListenerDraft(),
    });
    if (typeof applied === 'string') this.#say(line, `${line.name} ${applied}.`);
    else if (!applied) this.#say(line, `${line.name} must be ${option.expects}, ${given(line.value)}.`);
    else if (status.kind === 'planned') {
      const text = `${line.name} has no effect yet: this version has no ${status.part}.`;
      this.#warnings.push(`${shownOrigin(line.origin)}: ${text}`);
    }
  }

  #beginListener(line: ConfigLine): void {
    const begun = readListener(line);
    if (typeof begun === 'string') {
      this.#say(line, begun);
      // What follows belongs to it all the same.
      this.#current = newListenerDraft();
      return;
    }
    this.#current = begun;
    this.#listeners.push(begun);
  }

  /**
   * What an option of a listener belongs to. Before any `listener` line that is the default one, which is opened because
   * of what is said about it; what is said about access alone does not open it.
   */
  #listener({ scope }: Option): ListenerDraft {
    if (this.#current !== null) return this.#current;
    this.#defaultListener ??= newListenerDraft();
    if (scope === 'listener' && !this.#listeners.includes(this.#defaultListener)) {
      this.#listeners.push(this.#defaultListener);
    }
    return this.#defaultListener;
  }

  #say({ origin }: ConfigLine, problem: string): void {
    this.#problems.push(`${shownOrigin(origin)}: ${problem}`);
  }
}

function given(value: string): string {
  if (value === '') return 'and there is no value';
  const hint = value.includes('#') ? ' (a comment needs a line of its own)' : '';
  return `not '${value}'${hint}`;
}

/** @returns a text that says what is wrong with the line */
function readListener({ origin, value }: ConfigLine): ListenerDraft | string {
  const [port, ...rest] = value.split(/\s+/);
  const isPort = /^\d+$/.test(port) && Number(port) <= 65_535;
  // A path may have spaces in it.
  const place = value.slice(port.length).trim();
  if (isPort && place.startsWith('/')) {
    if (Number(port) === 0) return newListenerDraft({ origin, port: 0, path: place });
    return `${LISTENER} with a Unix socket has no port: '${LISTENER} 0 ${place}'.`;
  }
  if (!isPort || rest.length > 1) {
    return `${LISTENER} must be a port from 0 to 65535 and, if wanted, an address, or 0 and the path of a Unix socket: 'listener 1883 127.0.0.1', ${given(value)}.`;
  }
  return newListenerDraft({ origin, port: Number(port), address: rest[0] ?? null });
}

function unknownOption(name: string): string {
  if (name.startsWith('#')) return "a comment has to begin in the first column: there is a space before this '#'.";
  if (NOT_YET.has(name) || NOT_YET_PREFIXES.some((prefix) => name.startsWith(prefix))) {
    return `${name} is not supported yet. Remove the line if the broker may run without it.`;
  }
  const nearest = nearestName(name, [LISTENER, INCLUDE_DIR, ...byName.keys(), ...NOT_YET]);
  return `'${name}' is not an option.${nearest === undefined ? '' : ` Did you mean '${nearest}'?`}`;
}

/** `local`: the listener of a broker that no listener was configured for. */
function finish(
  draft: ConfigDraft,
  drafts: readonly ListenerDraft[],
  local: ListenerDraft,
  warnings: readonly string[],
  file: string | null,
): BrokerConfig {
  const localOnly = drafts.length === 0;
  return {
    file,
    localOnly,
    listeners: localOnly
      ? localListeners(DEFAULT_PORT, finishListener(local, draft, localOnly).policy)
      : drafts.map((listener) => finishListener(listener, draft, localOnly)),
    settings: draft.settings,
    persistence: draft.isPersistent ? { ...draft.persistence, folder: resolve(draft.persistence.folder) } : null,
    log: {
      destinations: draft.logDestinations ?? DEFAULT_LOG.destinations,
      types: draft.logTypes ?? DEFAULT_LOG.types,
      timestamp: draft.logTimestamp,
      timestampFormat: draft.logTimestampFormat,
    },
    pidFile: draft.pidFile === null ? null : resolve(draft.pidFile),
    user: draft.user,
    tlsKeyLogFile: null,
    noDelay: draft.noDelay,
    sysIntervalMs: draft.sysIntervalMs,
    warnings,
  };
}

function finishListener(listener: ListenerDraft, { security }: ConfigDraft, localOnly: boolean): ListenerConfig {
  const { origin, port, address, path, family, maxConnections, policy } = listener;
  // What is not said about a listener holds for all of them.
  const { allowAnonymous, allowEmptyClientId, autoIdPrefix } = listener.security;
  return {
    origin,
    port,
    address,
    path,
    family,
    maxConnections,
    tls: tlsOf(listener),
    policy: {
      ...policy,
      // Who opens a port to others has to say whom it is for; this machine needs no password for itself.
      allowAnonymous: allowAnonymous ?? security.allowAnonymous ?? localOnly,
      allowEmptyClientId: allowEmptyClientId ?? security.allowEmptyClientId ?? policy.allowEmptyClientId,
      usernameFrom: usernameSourceOf(listener),
      assignedClientIdPrefix: autoIdPrefix ?? security.autoIdPrefix ?? policy.assignedClientIdPrefix,
    },
  };
}

function localListeners(port: number, policy: ListenerConfig['policy']): ListenerConfig[] {
  return LOOPBACK_ADDRESSES.map((address) => ({
    origin: null,
    port,
    address,
    path: null,
    family: null,
    maxConnections: Number.POSITIVE_INFINITY,
    tls: null,
    policy,
  }));
}
