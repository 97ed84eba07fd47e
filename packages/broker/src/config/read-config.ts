import { resolve } from 'node:path';
import { DEFAULT_LOG } from '../admin/log.js';
import { DEFAULT_LISTENER } from '../core/settings.js';
import { abuseOf } from './abuse-options.js';
import { type AccessParts, accessPartsOf } from './access-config.js';
import { finishBridge } from './bridge-draft.js';
import type { BrokerConfig, ListenerConfig } from './config.js';
import { type ConfigFile, readConfigFile, readConfigFolder } from './config-files.js';
import { ConfigReader, type Draft } from './config-reader.js';
import { type ConfigDraft, type ListenerDraft, newListenerDraft } from './draft.js';
import { httpAccessOf } from './http-options.js';
import { jwtOf } from './jwt-options.js';
import { usernameSourceOf } from './listener-options.js';
import type { PluginConfig, PluginDraft } from './plugin-config.js';
import { tlsOf } from './tls-options.js';
import { proxyOf, socketModeOf, webSocketOf } from './transport-options.js';

/** The addresses of a broker that nobody configured: reachable from this machine only. */
const LOOPBACK_ADDRESSES = [
  { address: '127.0.0.1', family: 'ipv4' },
  { address: '::1', family: 'ipv6' },
];

/** A configuration, and the lines that it came from. */
export interface ConfigReading {
  readonly config: BrokerConfig;
  readonly draft: Draft;
}

/** Reads a configuration file, and those of its `include_dir`s. @throws ConfigError naming file, line, option, and what was expected. */
export function loadConfig(file: string): BrokerConfig {
  return readConfigFrom(readConfigFile(file)).config;
}

/** What applies when there is no configuration file. */
export function defaultConfig(): BrokerConfig {
  return finish(new ConfigReader(() => []).finish(), null);
}

/**
 * The ports of the command line, open to this machine only. They stand in for listeners, so they say nothing where the
 * configuration has listeners, as with Mosquitto; the caller has to say so (`localOnly` is false then).
 */
export function withPorts(config: BrokerConfig, ports: readonly number[]): BrokerConfig {
  if (ports.length === 0 || !config.localOnly) return config;
  const [local] = config.listeners;
  return { ...config, listeners: ports.flatMap((port) => localListeners({ ...local, port })) };
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
  const reader = new ConfigReader(folder);
  reader.read(main);
  const draft = reader.finish();
  return { config: finish(draft, main.file), draft };
}

function finish(read: Draft, file: string | null): BrokerConfig {
  const { config: draft, isLocalOnly, listeners, warnings } = read;
  return {
    file,
    localOnly: isLocalOnly,
    listeners: isLocalOnly
      ? localListeners(finishListener(listeners[0] ?? newListenerDraft(), draft, isLocalOnly))
      : listeners.map((listener) => finishListener(listener, draft, isLocalOnly)),
    bridges: read.bridges.map(finishBridge),
    plugins: read.plugins.map((plugin) => finishPlugin(plugin, listeners)),
    access: accessOf(read),
    hasControlApi: draft.hasControlApi,
    jwt: jwtOf(draft),
    httpAccess: httpAccessOf(draft),
    authOrder: draft.authOrder,
    abuse: abuseOf(draft),
    settings: draft.settings,
    persistence: draft.isPersistent ? { ...draft.persistence, folder: resolve(draft.persistence.folder) } : null,
    log: {
      destinations: draft.logDestinations ?? DEFAULT_LOG.destinations,
      types: draft.logTypes ?? DEFAULT_LOG.types,
      timestamp: draft.logTimestamp,
      timestampFormat: draft.logTimestampFormat,
      format: draft.logFormat,
      facility: draft.logFacility,
    },
    pidFile: draft.pidFile === null ? null : resolve(draft.pidFile),
    user: draft.user,
    tlsKeyLogFile: null,
    noDelay: draft.noDelay,
    sysIntervalMs: draft.sysIntervalMs,
    warnings,
  };
}

function finishListener(listener: ListenerDraft, draft: ConfigDraft, localOnly: boolean): ListenerConfig {
  const { security } = draft;
  const { origin, port, address, path, family, device, maxConnections, policy } = listener;
  // What is not said about a listener holds for all of them.
  const { allowAnonymous, allowEmptyClientId, autoIdPrefix } = listener.security;
  return {
    origin,
    port,
    address,
    path,
    family,
    device,
    socketMode: socketModeOf(listener),
    isHttpApi: listener.protocol === 'http_api',
    proxy: proxyOf(listener),
    webSocket: webSocketOf(listener, draft),
    maxConnections,
    tls: tlsOf(listener, security),
    policy: {
      ...policy,
      access: draft.perListenerSettings ? accessName(listener) : policy.access,
      // Who opens a port to others has to say whom it is for; this machine needs no password for itself.
      allowAnonymous: allowAnonymous ?? security.allowAnonymous ?? localOnly,
      allowEmptyClientId: allowEmptyClientId ?? security.allowEmptyClientId ?? policy.allowEmptyClientId,
      usernameFrom: usernameSourceOf(listener),
      assignedClientIdPrefix: autoIdPrefix ?? security.autoIdPrefix ?? policy.assignedClientIdPrefix,
    },
  };
}

/** By `ListenerPolicy.access`. What is said about access is the broker's, or with `per_listener_settings` each listener's. */
function accessOf({ config, listeners, plugins }: Draft): Map<string, AccessParts> {
  const { perListenerSettings, security } = config;
  if (!perListenerSettings) return new Map([[DEFAULT_LISTENER.access, accessPartsOf(null, security, plugins)]]);
  const all = listeners.length === 0 ? [newListenerDraft()] : listeners;
  return new Map(all.map((one) => [accessName(one), accessPartsOf(one, one.security, plugins)]));
}

/** The same after a reload, for as long as the listener is there. */
function accessName({ address, path, port }: ListenerDraft): string {
  return path ?? `${address ?? '*'} ${port}`;
}

function finishPlugin({ listeners: users, ...plugin }: PluginDraft, listeners: readonly ListenerDraft[]): PluginConfig {
  return { ...plugin, listeners: users?.map((listener) => listeners.indexOf(listener)) ?? null };
}

function localListeners(local: ListenerConfig): ListenerConfig[] {
  return LOOPBACK_ADDRESSES.filter(({ family }) => local.family === null || local.family === family).map(
    ({ address }) => ({ ...local, address }),
  );
}
