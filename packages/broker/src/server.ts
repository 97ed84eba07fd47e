import { lookup } from 'node:dns/promises';
import { existsSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { BrokerLog } from './admin/log.js';
import type { BrokerConfig, ListenerConfig } from './config/config.js';
import { Broker, type BrokerOptions } from './core/broker.js';
import { type Log, LogType } from './core/ports/log.js';
import type { Store } from './core/ports/store.js';
import type { Settings } from './core/settings.js';
import { publishDrops } from './drops-topic.js';
import { listenerTls } from './listener-tls.js';
import { LoadingReport } from './loading-report.js';
import { DamagedStoreError } from './storage/lmdb-store.js';
import { MemoryStore } from './storage/memory-store.js';
import { DATA_FILE, openLmdbStore, StoreError } from './storage/open-lmdb-store.js';
import { systemClock, systemRandom } from './system.js';
import { Listener } from './transports/listener.js';
import type { ListenerTls } from './transports/tls-socket.js';
import { VERSION } from './version.js';

/** Largest WebSocket message if packets may be as large as MQTT lets them be. */
const MAX_WEBSOCKET_MESSAGE_BYTES = 512 * 1024 * 1024;
const MIN_WEBSOCKET_MESSAGE_BYTES = 1024 * 1024;

/** How often the broker publishes what it has to say of itself. */
const SYS_INTERVAL_MS = 10_000;

/** Why a broker could not start, in words for the person who starts it. */
export class StartError extends Error {
  constructor(message: string, options: ErrorOptions) {
    super(message, options);
    this.name = 'StartError';
  }
}

/** A broker with its ports open. */
export interface Server {
  readonly broker: Broker;
  readonly log: Log;
  /** Where it listens, with the real ports where 0 was asked for. */
  readonly endpoints: readonly Endpoint[];
  /** Takes over what may change while the broker runs: settings and what is logged. Log files are opened again. */
  reload(config: BrokerConfig): void;
  /** Closes ports, then connections, then the log. Resolves after a bounded time. */
  stop(): Promise<void>;
}

export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/** One socket to open. `isOptional`: if the machine has no such addresses, the others will do. */
interface Binding extends Endpoint {
  readonly isOptional: boolean;
}

/** Who decides about clients, where the configuration does not: for a program that embeds the broker. */
export type AccessPorts = Pick<BrokerOptions, 'authenticator' | 'enhancedAuthenticator' | 'authorizer'>;

/**
 * Starts a broker. Resolves when all its ports are open.
 * @throws StartError when one of them, or the log file, cannot be opened; those that were are closed again.
 */
export async function startServer(config: BrokerConfig, access: AccessPorts = {}): Promise<Server> {
  const log = openLog(config);
  announceStart(config, log);
  const broker = await openBroker(config, log, access);
  const listeners: Listener[] = [];
  const endpoints: Endpoint[] = [];
  const stopPublishing = publishDrops(broker, SYS_INTERVAL_MS);
  const closeAll = async (): Promise<void> => {
    stopPublishing();
    for (const listener of listeners) listener.close();
    await broker.stop();
    await log.close();
  };
  try {
    for (const listenerConfig of config.listeners) {
      for (const listener of await openListener(listenerConfig, config.noDelay, broker, log)) {
        listeners.push(listener.listener);
        endpoints.push(listener.endpoint);
      }
    }
  } catch (error) {
    log.write(LogType.ERROR, `Error: ${error instanceof Error ? error.message : String(error)}`);
    await closeAll();
    throw error;
  }
  log.write(LogType.INFORMATION, `cauldron version ${VERSION} running`);
  const reload = (changed: BrokerConfig): void => {
    Object.assign(broker.settings, changed.settings);
    broker.settingsChanged();
    log.configure(changed.log);
  };
  const stop = (): Promise<void> => {
    log.write(LogType.INFORMATION, `cauldron version ${VERSION} terminating`);
    return closeAll();
  };
  return { broker, log, endpoints, reload, stop };
}

function openLog({ log }: BrokerConfig): BrokerLog {
  try {
    return new BrokerLog(log, systemClock.wallMs);
  } catch (error) {
    throw new StartError(`The log file cannot be opened: ${(error as Error).message}.`, { cause: error });
  }
}

/** The broker, with all that its store kept. @throws StartError when the store cannot be opened; the log is closed then. */
async function openBroker(config: BrokerConfig, log: BrokerLog, access: AccessPorts): Promise<Broker> {
  const sayNow = (line: string): void => {
    log.write(LogType.INFORMATION, line);
    log.flush();
  };
  try {
    const loading = new LoadingReport(systemClock, sayNow);
    const load = (store: Store): Broker =>
      new Broker({
        settings: config.settings,
        store,
        clock: systemClock,
        random: systemRandom,
        log,
        onProgress: (loaded) => loading.progress(loaded),
        ...access,
      });
    const broker = await loadOrSave(config, log, load);
    loading.done(broker.gauges);
    return broker;
  } catch (error) {
    log.write(LogType.ERROR, `Error: ${error instanceof Error ? error.message : String(error)}`);
    await log.close();
    throw error;
  }
}

/** Loads what the store kept. If damage shows only then, what can be read of it is saved, and loaded. @throws StartError */
async function loadOrSave(config: BrokerConfig, log: Log, load: (store: Store) => Broker): Promise<Broker> {
  const store = await openStore(config, log, false);
  try {
    return load(store);
  } catch (error) {
    await store.close();
    if (!(error instanceof DamagedStoreError)) throw error;
  }
  return load(await openStore(config, log, true));
}

/** `isSuspect`: what is there has to be read to its end before it is used. @throws StartError */
async function openStore({ persistence }: BrokerConfig, log: Log, isSuspect: boolean): Promise<Store> {
  if (persistence === null) return new MemoryStore();
  const { mosquittoFile, ...options } = persistence;
  const { folder } = options;
  log.write(LogType.INFORMATION, `Sessions and messages are kept in ${folder}.`);
  const warn = (message: string): void => log.write(LogType.WARNING, `Warning: ${message}`);
  const mosquittoDb = join(folder, mosquittoFile);
  if (existsSync(mosquittoDb) && !existsSync(join(folder, DATA_FILE))) {
    warn(
      `Mosquitto's data in ${mosquittoDb} are not in use. To take them over, stop the broker and run 'cauldron store import ${mosquittoDb} --dir ${folder}'.`,
    );
  }
  try {
    return await openLmdbStore({ ...options, isSuspect, onWarning: warn });
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    throw new StartError(error.message, { cause: error });
  }
}

function announceStart({ file, localOnly }: BrokerConfig, log: Log): void {
  log.write(LogType.INFORMATION, `cauldron version ${VERSION} starting`);
  log.write(LogType.INFORMATION, file === null ? 'Using default config.' : `Config loaded from ${file}.`);
  if (!localOnly) return;
  log.write(
    LogType.INFORMATION,
    "No listener is configured: only programs on this machine can connect. 'listener 1883' in a configuration file opens the port to others.",
  );
}

async function openListener(
  config: ListenerConfig,
  noDelay: boolean,
  broker: Broker,
  log: Log,
): Promise<{ listener: Listener; endpoint: Endpoint }[]> {
  const opened: { listener: Listener; endpoint: Endpoint }[] = [];
  const count = { live: 0 };
  const tls = openTls(config, log);
  for (const { address, port, isOptional } of await bindingsOf(config)) {
    // All addresses of a listener with a free port share that port.
    const wanted = port === 0 && opened.length > 0 ? opened[0].endpoint.port : port;
    const policy = { ...config.policy, name: shownEndpoint(address, wanted) };
    log.write(
      LogType.INFORMATION,
      `Opening ${address.includes(':') ? 'ipv6' : 'ipv4'} listen socket on port ${wanted}.`,
    );
    try {
      const listener = await Listener.open(
        {
          address,
          port: wanted,
          maxConnections: config.maxConnections,
          count,
          noDelay,
          tls,
          maxWebSocketMessageBytes: () => webSocketMessageBytes(broker.settings),
          onWarning: (message) => log.write(LogType.WARNING, `Warning: ${message}`),
        },
        (link) => broker.accept(link, policy),
      );
      opened.push({ listener, endpoint: { address, port: listener.localPort } });
      if (wanted === 0) log.write(LogType.INFORMATION, `Listening on ${shownEndpoint(address, listener.localPort)}.`);
    } catch (error) {
      const code = codeOf(error);
      if (isOptional && (code === 'EAFNOSUPPORT' || code === 'EADDRNOTAVAIL')) {
        log.write(LogType.INFORMATION, `This machine has no address ${address}; the listener does without it.`);
        continue;
      }
      for (const { listener } of opened) listener.close();
      throw new StartError(listenProblem(code, address, wanted, error), { cause: error });
    }
  }
  return opened;
}

/** Reads certificates and keys, before a port is open that cannot do without them. */
function openTls({ tls }: ListenerConfig, log: Log): ListenerTls | undefined {
  if (tls === null) return undefined;
  try {
    return listenerTls(tls, (message) => log.write(LogType.WARNING, `Warning: ${message}`));
  } catch (error) {
    throw new StartError((error as Error).message, { cause: error });
  }
}

/** Address and port as people write them. */
export function shownEndpoint(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

async function bindingsOf({ address, port, family }: ListenerConfig): Promise<Binding[]> {
  if (address === null) {
    const all: Binding[] = [
      { address: '0.0.0.0', port, isOptional: false },
      { address: '::', port, isOptional: family === null },
    ];
    return all.filter((binding) => family === null || familyOf(binding.address) === family);
  }
  // `::1` is what a broker without configuration asks for, wherever it runs.
  if (isIP(address) !== 0) return [{ address, port, isOptional: address === '::1' }];
  try {
    const found = await lookup(address, { all: true });
    const usable = found.filter((entry) => family === null || familyOf(entry.address) === family);
    if (usable.length === 0) throw new Error(`it has no ${family} address`);
    return usable.map((entry) => ({ address: entry.address, port, isOptional: usable.length > 1 }));
  } catch (error) {
    throw new StartError(`The listener address '${address}' cannot be found: ${(error as Error).message}.`, {
      cause: error,
    });
  }
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 6 ? 'ipv6' : 'ipv4';
}

/** A message may carry several packets; room for two of the largest keeps batching clients going. */
function webSocketMessageBytes({ maximumPacketSize }: Settings): number {
  return Math.max(MIN_WEBSOCKET_MESSAGE_BYTES, Math.min(MAX_WEBSOCKET_MESSAGE_BYTES, 2 * maximumPacketSize));
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

function listenProblem(code: string, address: string, port: number, error: unknown): string {
  switch (code) {
    case 'EADDRINUSE':
      return `Port ${port} on ${address} is in use, perhaps by another broker. Stop that one, or choose another port: -p ${port + 1}, or 'listener' in the configuration.`;
    case 'EACCES':
      return `No permission to open port ${port}: ports below 1024 need the right to do so. Choose a higher one: -p 1883.`;
    case 'EADDRNOTAVAIL':
    case 'EAFNOSUPPORT':
      return `${address} is not an address of this machine, so no listener can be opened on it.`;
    default:
      return `Port ${port} on ${address} cannot be opened: ${error instanceof Error ? error.message : String(error)}.`;
  }
}
