import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { DEFAULT_LOG } from '../admin/log.js';
import { nearestName } from '../nearest-name.js';
import { type BrokerConfig, ConfigError, type ListenerConfig } from './config.js';
import { type ConfigDraft, DEFAULT_PORT, type ListenerDraft, newDraft, newListenerDraft } from './draft.js';
import { NOT_YET, NOT_YET_PREFIXES } from './not-yet.js';
import type { Option } from './option.js';
import { OPTIONS } from './options.js';
import { type ConfigLine, parseConfig } from './parse.js';
import { tlsMismatches, tlsOf } from './tls-options.js';

const LISTENER = 'listener';
const byName = new Map<string, Option>();
for (const option of OPTIONS) for (const name of [option.name, ...option.aliases]) byName.set(name, option);

/** The addresses of a broker that nobody configured: reachable from this machine only. */
const LOOPBACK_ADDRESSES = ['127.0.0.1', '::1'];

/** Reads a configuration file. @throws ConfigError naming file, line, option, and what was expected. */
export function loadConfig(file: string): BrokerConfig {
  let source: string;
  try {
    source = readFileSync(file, 'utf8');
  } catch (error) {
    throw new ConfigError([`Unable to open configuration file ${file}: ${(error as Error).message}.`], {
      cause: error,
    });
  }
  return readConfig(source, file);
}

/** What applies when there is no configuration file. */
export function defaultConfig(): BrokerConfig {
  return finish(newDraft(), [], null);
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
export function readConfig(source: string, file: string): BrokerConfig {
  const draft = newDraft();
  const listeners: ListenerDraft[] = [];
  const problems: string[] = [];
  let current: ListenerDraft | null = null;
  for (const line of parseConfig(source)) {
    const say = (problem: string) => problems.push(`${file}:${line.line}: ${problem}`);
    if (line.name === LISTENER) {
      const begun = readListener(line);
      if (typeof begun === 'string') {
        say(begun);
        // What follows belongs to it all the same.
        current = newListenerDraft();
      } else {
        current = begun;
        listeners.push(begun);
      }
      continue;
    }
    const option = byName.get(line.name);
    if (option === undefined) {
      say(unknownOption(line.name));
      continue;
    }
    if (option.scope === 'listener' && current === null) {
      // The first option of a listener without one: the default listener exists.
      current = newListenerDraft();
      listeners.push(current);
    }
    if (option.scope === 'listener') current?.lines.set(option.name, line.line);
    const applied = option.apply(line.value, draft, current ?? newListenerDraft());
    if (typeof applied === 'string') say(`${line.name} ${applied}.`);
    else if (!applied) say(`${line.name} must be ${option.expects}, ${given(line.value)}.`);
  }
  for (const listener of listeners) {
    for (const { option, text } of tlsMismatches(listener))
      problems.push(`${file}:${listener.lines.get(option)}: ${text}`);
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return finish(draft, listeners, file);
}

function given(value: string): string {
  if (value === '') return 'and there is no value';
  const hint = value.includes('#') ? ' (a comment needs a line of its own)' : '';
  return `not '${value}'${hint}`;
}

/** @returns a text that says what is wrong with the line */
function readListener({ value }: ConfigLine): ListenerDraft | string {
  const [port, address, ...more] = value.split(/\s+/);
  if (address?.startsWith('/')) return `${LISTENER} does not support Unix sockets yet (${address}).`;
  if (!/^\d+$/.test(port) || Number(port) > 65_535 || more.length > 0) {
    return `${LISTENER} must be a port from 0 to 65535 and, if wanted, an address: 'listener 1883 127.0.0.1', ${given(value)}.`;
  }
  return newListenerDraft(Number(port), address ?? null);
}

function unknownOption(name: string): string {
  if (name.startsWith('#')) return "a comment has to begin in the first column: there is a space before this '#'.";
  if (NOT_YET.has(name) || NOT_YET_PREFIXES.some((prefix) => name.startsWith(prefix))) {
    return `${name} is not supported yet. Remove the line if the broker may run without it.`;
  }
  const nearest = nearestName(name, [LISTENER, ...byName.keys(), ...NOT_YET]);
  return `'${name}' is not an option.${nearest === undefined ? '' : ` Did you mean '${nearest}'?`}`;
}

function finish(draft: ConfigDraft, drafts: readonly ListenerDraft[], file: string | null): BrokerConfig {
  const localOnly = drafts.length === 0;
  // Who opens a port to others has to say whom it is for; this machine needs no password for itself.
  const allowAnonymous = draft.allowAnonymous ?? localOnly;
  return {
    file,
    localOnly,
    listeners: localOnly
      ? localListeners(DEFAULT_PORT, { ...newListenerDraft().policy, allowAnonymous })
      : drafts.map((listener) => finishListener(listener, allowAnonymous)),
    settings: draft.settings,
    persistence: draft.isPersistent ? { ...draft.persistence, folder: resolve(draft.persistence.folder) } : null,
    log: {
      destinations: draft.logDestinations ?? DEFAULT_LOG.destinations,
      types: draft.logTypes ?? DEFAULT_LOG.types,
      timestamp: draft.logTimestamp,
      timestampFormat: draft.logTimestampFormat,
    },
    pidFile: draft.pidFile,
    noDelay: draft.noDelay,
  };
}

function finishListener(draft: ListenerDraft, allowAnonymous: boolean): ListenerConfig {
  const { port, address, family, maxConnections, policy } = draft;
  const anonymous = draft.allowAnonymous ?? allowAnonymous;
  return {
    port,
    address,
    family,
    maxConnections,
    tls: tlsOf(draft),
    policy: { ...policy, allowAnonymous: anonymous },
  };
}

function localListeners(port: number, policy: ListenerConfig['policy']): ListenerConfig[] {
  return LOOPBACK_ADDRESSES.map((address) => ({
    port,
    address,
    family: null,
    maxConnections: Number.POSITIVE_INFINITY,
    tls: null,
    policy,
  }));
}
