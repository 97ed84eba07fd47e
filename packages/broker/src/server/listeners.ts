import type { ListenerConfig } from '../config/config.js';
import type { Broker } from '../core/broker.js';
import type { TlsSession } from '../core/ports/link.js';
import { type Log, LogType } from '../core/ports/log.js';
import type { ListenerPolicy, Settings } from '../core/settings.js';
import { type ActivatedSocket, endpointOfPlace, socketsOf } from '../process/activated-sockets.js';
import { type ConnectionCount, Listener, type ListenerPlace, type ListenerSettings } from '../transports/listener.js';
import type { TlsKeyLog } from '../transports/tls-key-log.js';
import type { ListenerTls } from '../transports/tls-socket.js';
import {
  type Binding,
  bindingsOf,
  collide,
  type Endpoint,
  isMissingAddress,
  isPath,
  listenProblem,
  shownEndpoint,
} from './listen-addresses.js';
import { listenerTls, TlsConfigError } from './listener-tls.js';
import { StartError } from './start-error.js';

/** Largest WebSocket message if packets may be as large as MQTT lets them be. */
const MAX_WEBSOCKET_MESSAGE_BYTES = 512 * 1024 * 1024;
const MIN_WEBSOCKET_MESSAGE_BYTES = 1024 * 1024;

/** A socket that a configuration asks for. */
interface WantedSocket {
  /** The same for the socket of the next configuration that it may stay open for. */
  readonly key: string;
  readonly binding: Binding;
  readonly config: ListenerConfig;
  readonly tls: ListenerTls | undefined;
  readonly noDelay: boolean;
  /** All sockets of one `listener` line. */
  readonly group: SocketGroup;
}

/** What the sockets of one listener have in common: the bound on their connections and, if it is a free one, the port. */
interface SocketGroup {
  count: ConnectionCount | null;
  port: number;
}

/** What the clients of a socket are accepted by. Read for each of them, so that a reload can change it. */
interface Reception {
  policy: ListenerPolicy;
  readonly count: ConnectionCount;
}

/** A socket that is open. */
interface OpenSocket {
  wanted: WantedSocket;
  /** Another one after it had to give way to a socket that could not be opened after all. */
  listener: Listener;
  readonly reception: Reception;
}

/** What a new configuration makes of the listeners. Either `commit` or `cancel` is called, once. */
export interface ListenersChange {
  /** What changes for those who are connected: the policy that they came by, and the new one; null: none, it is closed. */
  readonly policies: ReadonlyMap<ListenerPolicy, ListenerPolicy | null>;
  /** Why somebody who came by this policy, and told this by TLS, may not stay; null: they may. */
  objectionTo(before: ListenerPolicy, session: TlsSession | null): string | null;
  commit(): void;
  /** Everything is as it was. */
  cancel(): Promise<void>;
}

/** The open listeners of a broker, and how they follow its configuration: at the start, and at each reload. */
export class Listeners {
  readonly #broker: Broker;
  readonly #log: Log;
  readonly #keyLog: TlsKeyLog | null;
  #open: readonly OpenSocket[] = [];
  /** Those that the process was given open, and that have not been closed since. */
  readonly #given: Set<ActivatedSocket>;

  /** `keyLog` gets the secrets of all connections with TLS. */
  constructor(broker: Broker, log: Log, given: readonly ActivatedSocket[] = [], keyLog: TlsKeyLog | null = null) {
    this.#broker = broker;
    this.#keyLog = keyLog;
    this.#log = log;
    this.#given = new Set(given);
  }

  /** With the real ports where 0 was asked for. */
  get endpoints(): Endpoint[] {
    return this.#open.map(endpointOf);
  }

  /** Accepts nothing more. Connections stay. */
  close(): void {
    for (const socket of this.#open) this.#closeSocket(socket);
    this.#open = [];
  }

  /**
   * Reads certificates, looks addresses up and opens what is not open yet. Sockets that the configuration still asks for
   * stay open, and so do all connections.
   * @throws StartError when something of it is not possible; then everything is as it was
   */
  async prepare(configs: readonly ListenerConfig[], noDelay: boolean): Promise<ListenersChange> {
    const wanted = await this.#wanted(configs, noDelay);
    const kept = new Map<WantedSocket, OpenSocket>();
    const gone = new Set(this.#open);
    for (const socket of wanted) {
      const match = [...gone].find((open) => open.wanted.key === socket.key);
      if (match === undefined) continue;
      kept.set(socket, match);
      gone.delete(match);
      socket.group.count ??= match.reception.count;
      socket.group.port ||= match.listener.localPort;
    }
    const opened = new Map<WantedSocket, OpenSocket>();
    const moved = new Set<OpenSocket>();
    const cancel = async (): Promise<void> => {
      for (const { listener } of opened.values()) listener.close();
      for (const open of moved) open.listener = await this.#listen(open.wanted, open.reception);
    };
    try {
      for (const socket of wanted) {
        if (kept.has(socket)) continue;
        for (const open of gone) {
          if (moved.has(open) || !collide(endpointOf(open), socket.binding)) continue;
          this.#closeSocket(open);
          moved.add(open);
        }
        const open = await this.#tryToOpen(socket);
        if (open !== null) opened.set(socket, open);
      }
    } catch (error) {
      await cancel();
      throw error;
    }
    const policies = new Map<ListenerPolicy, ListenerPolicy | null>();
    const changedTls = new Map<ListenerPolicy, { before: ListenerTls | undefined; after: ListenerTls }>();
    for (const [{ tls: after }, { reception, wanted }] of kept) {
      if (after !== undefined) changedTls.set(reception.policy, { before: wanted.tls, after });
    }
    const objectionTo = (policy: ListenerPolicy, session: TlsSession | null): string | null => {
      const change = changedTls.get(policy);
      if (change === undefined) return null;
      // Handshakes that are under way are judged when they are done.
      return session === null && change.before !== undefined ? null : change.after.objectionTo(session);
    };
    for (const { reception } of gone) policies.set(reception.policy, null);
    for (const [socket, { reception }] of kept) policies.set(reception.policy, policyOf(socket));
    const commit = (): void => {
      for (const socket of gone) this.#closeSocket(socket);
      for (const [socket, open] of kept) {
        open.wanted = socket;
        open.reception.policy = policies.get(open.reception.policy) ?? open.reception.policy;
      }
      this.#open = wanted.flatMap((socket) => kept.get(socket) ?? opened.get(socket) ?? []);
      for (const { listener, wanted } of this.#open) listener.reconfigure(this.#settingsOf(wanted));
    };
    return { policies, objectionTo, commit, cancel };
  }

  async #wanted(configs: readonly ListenerConfig[], noDelay: boolean): Promise<WantedSocket[]> {
    const wanted: WantedSocket[] = [];
    for (const config of configs) {
      if (config.isHttpApi) continue;
      const tls = this.#tlsOf(config);
      const group: SocketGroup = { count: null, port: config.port };
      for (const binding of this.#givenFor(config) ?? (await bindingsOf(config))) {
        wanted.push({ key: keyOf(binding, config), binding, config, tls, noDelay, group });
      }
    }
    return wanted;
  }

  /** What the process was given for this listener, which opens nothing else then; null: nothing. */
  #givenFor(config: ListenerConfig): Binding[] | null {
    const given = socketsOf(config, [...this.#given]);
    if (given.length === 0) return null;
    return given.map((socket) => ({ ...endpointOfPlace(socket.place), isOptional: false, given: socket }));
  }

  #closeSocket({ listener, wanted }: OpenSocket): void {
    listener.close();
    const { given } = wanted.binding;
    // Its descriptor is gone, and may soon be another's.
    if (given !== undefined) this.#given.delete(given);
  }

  /** Reads certificates and keys, before a port is open that cannot do without them. */
  #tlsOf({ tls }: ListenerConfig): ListenerTls | undefined {
    if (tls === null) return undefined;
    try {
      const warn = (message: string): void => this.#log.write(LogType.WARNING, `Warning: ${message}`);
      return listenerTls(tls, warn, this.#keyLog);
    } catch (error) {
      if (!(error instanceof TlsConfigError)) throw error;
      throw new StartError(error.problems, { cause: error });
    }
  }

  /** Null: the machine has no such address, and the listener has others. @throws StartError */
  async #tryToOpen(wanted: WantedSocket): Promise<OpenSocket | null> {
    const { binding, group } = wanted;
    group.count ??= { live: 0 };
    const reception: Reception = { policy: policyOf(wanted), count: group.count };
    try {
      const listener = await this.#listen(wanted, reception);
      group.port ||= listener.localPort;
      return { wanted, listener, reception };
    } catch (error) {
      if (!binding.isOptional || !isMissingAddress(error)) {
        throw new StartError(listenProblem(binding, error), { cause: error });
      }
      this.#log.write(
        LogType.INFORMATION,
        `This machine has no address ${binding.address}; the listener does without it.`,
      );
      return null;
    }
  }

  async #listen(wanted: WantedSocket, reception: Reception): Promise<Listener> {
    const { binding, group } = wanted;
    const log = this.#log;
    const endpoint = { address: binding.address, port: group.port };
    const given = binding.given !== undefined && this.#given.has(binding.given) ? binding.given : null;
    log.write(LogType.INFORMATION, given === null ? openingLine(endpoint) : takingLine(endpoint, given));
    const listener = await Listener.open(
      {
        ...placeOf(endpoint, wanted.config, given),
        ...this.#settingsOf(wanted),
        count: reception.count,
        onWarning: (message) => log.write(LogType.WARNING, `Warning: ${message}`),
        onRejected: (message) => {
          if (this.#broker.settings.connectionMessages) log.write(LogType.NOTICE, message);
        },
      },
      (link) => this.#broker.accept(link, reception.policy),
    );
    const { localPort } = listener;
    if (localPort !== endpoint.port) {
      log.write(LogType.INFORMATION, `Listening on ${shownEndpoint({ ...endpoint, port: localPort })}.`);
    }
    return listener;
  }

  #settingsOf({ config, noDelay, tls }: WantedSocket): ListenerSettings {
    const { maxConnections, proxy, webSocket } = config;
    const { connectTimeoutMs } = this.#broker.settings;
    return {
      maxConnections,
      noDelay,
      tls,
      proxy: proxy === null ? undefined : { ...proxy, timeoutMs: connectTimeoutMs },
      webSocket,
      maxWebSocketMessageBytes: () => webSocketMessageBytes(this.#broker.settings),
    };
  }
}

/** `given`: a socket that is open already. */
function placeOf({ address, port }: Endpoint, config: ListenerConfig, given: ActivatedSocket | null): ListenerPlace {
  if (given !== null) return { fd: given.fd, path: isPath(address) ? address : null };
  return isPath(address) ? { path: address, mode: config.socketMode } : { address, port };
}

function openingLine({ address, port }: Endpoint): string {
  if (isPath(address)) return `Opening unix listen socket on path ${address}.`;
  return `Opening ${address.includes(':') ? 'ipv6' : 'ipv4'} listen socket on port ${port}.`;
}

function takingLine(endpoint: Endpoint, { fd, name }: ActivatedSocket): string {
  const shownName = name === '' ? '' : ` (${name})`;
  return `Taking over the listen socket on ${shownEndpoint(endpoint)} from the service manager: descriptor ${fd}${shownName}.`;
}

function keyOf({ address, port }: Endpoint, { socketMode }: ListenerConfig): string {
  return isPath(address) ? `${address} ${socketMode}` : `${address} ${port}`;
}

function policyOf({ binding, config, group }: WantedSocket): ListenerPolicy {
  return { ...config.policy, name: shownEndpoint({ address: binding.address, port: group.port }) };
}

function endpointOf({ listener, wanted }: OpenSocket): Endpoint {
  return { address: wanted.binding.address, port: listener.localPort };
}

/** A message may carry several packets; room for two of the largest keeps batching clients going. */
function webSocketMessageBytes({ maximumPacketSize }: Settings): number {
  return Math.max(MIN_WEBSOCKET_MESSAGE_BYTES, Math.min(MAX_WEBSOCKET_MESSAGE_BYTES, 2 * maximumPacketSize));
}
