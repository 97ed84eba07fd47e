import type { DoorGuard } from '../access/abuse/door-guard.js';
import type { AccessRecord } from '../access/access-record.js';
import { BrokerLog } from '../admin/log.js';
import { SysTopics } from '../admin/sys-topics.js';
import type { BrokerConfig } from '../config/config.js';
import type { Broker } from '../core/broker.js';
import type { Decision } from '../core/ports/access.js';
import { type Log, LogType } from '../core/ports/log.js';
import type { ActivatedSocket } from '../process/activated-sockets.js';
import { systemClock } from '../system.js';
import { TlsKeyLog } from '../transports/tls-key-log.js';
import { VERSION } from '../version.js';
import { Access, type AccessChange } from './access.js';
import { ControlApi } from './control-api.js';
import { openDoor, prepareDoor } from './door.js';
import { type AccessQuestion, explainAccess } from './explain-access.js';
import type { Endpoint } from './listen-addresses.js';
import { Listeners, type ListenersChange } from './listeners.js';
import { type AccessPorts, openBroker } from './open-broker.js';
import { StartError } from './start-error.js';

const LOG_LINE_EXPIRY_S = 20;

/** A broker with its ports open. */
export interface Server {
  readonly broker: Broker;
  readonly log: Log;
  /** Where it listens, with the real ports where 0 was asked for. */
  readonly endpoints: readonly Endpoint[];
  /** What holds now. */
  readonly config: BrokerConfig;
  /** Who did what in the last hour. */
  readonly accesses: AccessRecord;
  /** Who is banned, and who has to wait. */
  readonly door: DoorGuard;
  /**
   * Whether a client may do something, and what decides; nothing is recorded.
   * @throws (rejects) StartError when it is not clear which listener's rules are meant
   */
  explain(question: AccessQuestion): Promise<Decision>;
  /**
   * Takes over a changed configuration in one step: settings, listeners, certificates, what is logged and where. Clients
   * who do not lose a right by it stay connected. Reloads follow each other. What the
   * table of options says no reload changes has to wait for the next start.
   * @throws StartError when something of it is not possible; then everything is as it was.
   */
  reload(config: BrokerConfig): Promise<void>;
  /** Opens log files again, because somebody moved them away. */
  reopenLog(): void;
  /** Closes ports, then connections, then the log. Resolves after a bounded time. */
  stop(): Promise<void>;
}

/** What the process that the broker runs in has to say about its start. */
export interface StartOptions {
  /** Opens the store, perhaps with other rights than those that ports and keys are opened with. */
  readonly openStore?: <T>(open: () => Promise<T>) => Promise<T>;
  /** Sockets that are open already; a listener takes those of its address and port. */
  readonly sockets?: readonly ActivatedSocket[];
}

/**
 * Starts a broker. Resolves when all its ports are open.
 * @throws StartError when one of them, or the log file, cannot be opened; those that were are closed again.
 */
export async function startServer(
  config: BrokerConfig,
  access: AccessPorts = {},
  options: StartOptions = {},
): Promise<Server> {
  const log = openLog(config);
  try {
    announceStart(config, log);
    return await RunningServer.start(config, log, access, options);
  } catch (error) {
    const problems = error instanceof StartError ? error.problems : [String(error)];
    for (const problem of problems) log.write(LogType.ERROR, `Error: ${problem}`);
    await log.close();
    throw error;
  }
}

interface ServerParts {
  readonly access: Access;
  readonly door: DoorGuard;
  readonly broker: Broker;
  /** Null: nobody gets the secrets of TLS connections. */
  readonly keyLog: TlsKeyLog | null;
  readonly listeners: Listeners;
  readonly log: BrokerLog;
}

class RunningServer implements Server {
  readonly broker: Broker;
  readonly log: BrokerLog;
  readonly door: DoorGuard;
  readonly #access: Access;
  readonly #controlApi: ControlApi;
  readonly #listeners: Listeners;
  readonly #keyLog: TlsKeyLog | null;
  readonly #sys: SysTopics;
  readonly #stopRecord: () => void;
  #config: BrokerConfig;
  /** The end of the reload that was asked for last. */
  #reloaded: Promise<unknown> = Promise.resolve();

  private constructor(config: BrokerConfig, { access, broker, door, keyLog, listeners, log }: ServerParts) {
    this.broker = broker;
    this.log = log;
    this.door = door;
    this.#access = access;
    this.#config = config;
    this.#keyLog = keyLog;
    this.#listeners = listeners;
    this.#sys = new SysTopics(broker, `cauldron version ${VERSION}`, systemClock);
    this.#sys.configure(config.sysIntervalMs);
    this.#controlApi = new ControlApi(broker, log, () => this.#config);
    this.#controlApi.configure(config);
    this.#stopRecord = access.authorizer.keepFresh();
    log.publishTo((topic, line) => publishLine(broker, topic, line));
  }

  static async start(
    config: BrokerConfig,
    log: BrokerLog,
    ports: AccessPorts,
    { openStore = (open) => open(), sockets = [] }: StartOptions,
  ): Promise<RunningServer> {
    const access = new Access(log, process.env.MOSQUITTO_DYNSEC_PASSWORD);
    const users = await access.prepare(config, openStore);
    const door = openDoor(config.abuse, log);
    warn(log, users.warnings);
    users.apply();
    const keyLog = openKeyLog(config, log);
    const { authorizer, control } = access;
    const own: AccessPorts = { authenticator: control, enhancedAuthenticator: control, authorizer, doorkeeper: door };
    const all = { ...own, ...ports };
    const broker = await openStore(() => openBroker(config, log, all));
    access.attach(broker);
    const listeners = new Listeners(broker, log, sockets, keyLog);
    const server = new RunningServer(config, { access, broker, door, keyLog, listeners, log });
    try {
      const problem = broker.problemWithMemory();
      if (problem !== null) throw new StartError(problem);
      const opened = await listeners.prepare(config.listeners, config.noDelay);
      opened.commit();
    } catch (error) {
      await server.#close();
      throw error;
    }
    log.write(LogType.INFORMATION, `cauldron version ${VERSION} running`);
    return server;
  }

  get endpoints(): readonly Endpoint[] {
    return this.#listeners.endpoints;
  }

  get config(): BrokerConfig {
    return this.#config;
  }

  get accesses(): AccessRecord {
    return this.#access.record;
  }

  explain(question: AccessQuestion): Promise<Decision> {
    return explainAccess(this.#access.control, this.#config, question);
  }

  reload(config: BrokerConfig): Promise<void> {
    const reloaded = this.#reloaded.then(() => this.#reload(config));
    this.#reloaded = reloaded.catch(() => {});
    return reloaded;
  }

  reopenLog(): void {
    this.log.reopen();
  }

  async stop(): Promise<void> {
    this.log.write(LogType.INFORMATION, `cauldron version ${VERSION} terminating`);
    await this.#reloaded;
    await this.#close();
    await this.log.close();
  }

  /** All that can fail comes first; what follows then happens at once. */
  async #reload(config: BrokerConfig): Promise<void> {
    const { broker, log } = this;
    const { memoryLimitBytes } = config.settings;
    // A broker that is short of memory already is not to be kept from other changes.
    const isLess = memoryLimitBytes < broker.settings.memoryLimitBytes;
    const memoryProblem = isLess ? broker.problemWithMemory(memoryLimitBytes) : null;
    if (memoryProblem !== null) throw new StartError(memoryProblem);
    const newLog = prepareLog(log, config);
    let users: AccessChange;
    let applyDoor: () => void;
    let listeners: ListenersChange;
    try {
      users = await this.#access.prepare(config, (open) => open());
      applyDoor = prepareDoor(this.door, config.abuse);
      listeners = await this.#listeners.prepare(config.listeners, config.noDelay);
    } catch (error) {
      newLog.cancel();
      throw error;
    }
    newLog.apply();
    Object.assign(broker.settings, config.settings);
    broker.settingsChanged();
    this.#sys.configure(config.sysIntervalMs);
    users.apply();
    applyDoor();
    this.#controlApi.configure(config);
    listeners.commit();
    broker.replacePolicies(listeners.policies, listeners.objectionTo);
    broker.expel(users.objectionTo);
    broker.reviewClients();
    warn(log, [...config.warnings, ...users.warnings]);
    this.#config = config;
  }

  async #close(): Promise<void> {
    this.#sys.stop();
    this.#stopRecord();
    this.#listeners.close();
    this.log.publishTo(null);
    await this.broker.stop();
    this.#access.close();
    this.#keyLog?.close();
  }
}

/** @throws StartError */
function openKeyLog({ tlsKeyLogFile }: BrokerConfig, log: Log): TlsKeyLog | null {
  if (tlsKeyLogFile === null) return null;
  try {
    const keyLog = new TlsKeyLog(tlsKeyLogFile);
    log.write(
      LogType.WARNING,
      `Warning: the secrets of TLS connections are written to ${tlsKeyLogFile} (--tls-keylog). Who has them can read all that these connections carry: it is for looking into faults only.`,
    );
    return keyLog;
  } catch (error) {
    throw new StartError((error as Error).message, { cause: error });
  }
}

function warn(log: Log, warnings: readonly string[]): void {
  for (const warning of warnings) log.write(LogType.WARNING, `Warning: ${warning}`);
}

function openLog({ log }: BrokerConfig): BrokerLog {
  try {
    return new BrokerLog(log, systemClock.wallMs);
  } catch (error) {
    throw logProblem(error);
  }
}

function prepareLog(log: BrokerLog, config: BrokerConfig): ReturnType<BrokerLog['prepare']> {
  try {
    return log.prepare(config.log);
  } catch (error) {
    throw logProblem(error);
  }
}

/** A line of the log for those who subscribe to it, as Mosquitto sends it: who comes later is not told old news. */
function publishLine(broker: Broker, topic: string, line: string): void {
  const properties = { messageExpiryInterval: LOG_LINE_EXPIRY_S };
  // While the store is full, who is away misses lines.
  broker.publish(topic, line, { qos: 2, properties }).catch(() => {});
}

function logProblem(error: unknown): StartError {
  return new StartError(`The log file cannot be opened: ${(error as Error).message}.`, { cause: error });
}

function announceStart({ file, localOnly, warnings }: BrokerConfig, log: Log): void {
  log.write(LogType.INFORMATION, `cauldron version ${VERSION} starting`);
  log.write(LogType.INFORMATION, file === null ? 'Using default config.' : `Config loaded from ${file}.`);
  warn(log, warnings);
  if (!localOnly) return;
  log.write(
    LogType.INFORMATION,
    "No listener is configured: only programs on this machine can connect. 'listener 1883' in a configuration file opens the port to others.",
  );
}
