import type { BrokerConfig } from '../config/config.js';
import { LogType } from '../core/ports/log.js';
import { loadAccess } from '../server/access.js';
import { shownEndpoint } from '../server/listen-addresses.js';
import { type Server, type StartOptions, startServer } from '../server/server.js';
import { StartError } from '../server/start-error.js';
import { DATA_FILE } from '../storage/open-lmdb-store.js';
import { loadWebSocket } from '../transports/listener.js';
import { chooseAccount, umaskFrom } from './accounts.js';
import { type ActivatedSocket, activatedSockets, endpointOfPlace, socketsOf } from './activated-sockets.js';
import type { Administration } from './administration.js';
import { makeControlFolder } from './control-folder.js';
import { ControlCommands, ControlServer } from './control-server.js';
import { PidFile } from './pid-file.js';
import { isRoot, Privileges } from './privileges.js';
import { ServiceManager } from './service-manager.js';

/**
 * What is around a broker that is a process of its own: whose rights it has, its pid file, what its service manager gives
 * it and hears from it, and the socket through which it can be asked for things. `start`, `settle` and `stop` follow each
 * other.
 */
export class ProcessFrame {
  readonly manager: ServiceManager;
  /** What can be asked for through the control socket; parts of the broker may add to it. */
  readonly commands = new ControlCommands();
  readonly #config: BrokerConfig;
  readonly #environment: NodeJS.ProcessEnv;
  readonly #privileges: Privileges | null = null;
  readonly #sockets: readonly ActivatedSocket[];
  readonly #warnings: string[] = [];
  #server: Server | null = null;
  #pidFile: PidFile | null = null;
  #control: ControlServer | null = null;

  /** @throws AccountError: there is nobody whose rights the broker could go on with, or the environment makes no sense */
  constructor(config: BrokerConfig, environment: NodeJS.ProcessEnv) {
    this.#config = config;
    this.#environment = environment;
    this.manager = new ServiceManager({ environment, onWarning: (message) => this.#warn(message) });
    this.#sockets = activatedSockets(environment, (fd) => {
      this.#warnings.push(`Descriptor ${fd}, which the service manager has given, is no socket that listens.`);
    });
    const umask = umaskFrom(environment);
    if (umask !== null) process.umask(umask);
    if (!isRoot()) return;
    const { account, warning } = chooseAccount(config.user, environment);
    if (warning !== null) this.#warnings.push(warning);
    if (account !== null) this.#privileges = new Privileges(account);
  }

  /** Opens the store with the rights that the broker will have, and ports, logs and keys with those that it has now. */
  async start(): Promise<Server> {
    const privileges = this.#privileges;
    const { log, persistence } = this.#config;
    const start: StartOptions = { sockets: this.#sockets };
    if (privileges === null) {
      this.#server = await startServer(this.#config, {}, start);
      return this.#server;
    }
    for (const destination of log.destinations) {
      if (destination.kind === 'file') privileges.prepareFile(destination.path);
    }
    if (persistence !== null) privileges.prepareFolder(persistence.folder, DATA_FILE);
    this.#server = await startServer(this.#config, {}, { ...start, openStore: (open) => privileges.without(open) });
    return this.#server;
  }

  /**
   * The ports are open: writes the pid file, gives up what is no longer needed, and says that the broker runs.
   * @throws (rejects) StartError: the pid file cannot be written, or the rights of root not be given up
   */
  async settle(administration: Administration): Promise<void> {
    const { broker } = this.#serverNow;
    for (const warning of [...this.#warnings, ...this.#unusedSockets()]) this.#warn(warning);
    this.#writePidFile();
    const folder = this.#makeControlFolder();
    if (this.#privileges !== null) await Promise.all([loadWebSocket(), loadAccess()]);
    this.#drop();
    administration.addTo(this.commands);
    if (folder !== null) await this.#openControl(folder);
    this.manager.ready(administration.summary);
    this.manager.watch(() => broker.save());
  }

  /** Ends all. Resolves after a bounded time. */
  async stop(): Promise<void> {
    this.manager.stopping();
    this.#control?.close();
    await this.#server?.stop();
    await this.manager.flush();
    this.#pidFile?.remove();
  }

  get #serverNow(): Server {
    if (this.#server === null) throw new Error('The broker has not been started');
    return this.#server;
  }

  #unusedSockets(): string[] {
    const { listeners } = this.#config;
    return this.#sockets
      .filter((socket) => listeners.every((listener) => socketsOf(listener, [socket]).length === 0))
      .map(({ place }) => {
        const { address, port } = endpointOfPlace(place);
        return `No listener is configured for the socket that the service manager has opened on ${shownEndpoint({ address, port })}; nobody answers there.`;
      });
  }

  #writePidFile(): void {
    const { pidFile } = this.#config;
    if (pidFile === null) return;
    try {
      this.#pidFile = new PidFile(pidFile);
    } catch (error) {
      throw this.#failed(`The pid_file cannot be written: ${(error as Error).message}.`, error);
    }
  }

  #drop(): void {
    const privileges = this.#privileges;
    if (privileges === null) return;
    for (const { path } of this.#config.listeners) if (path !== null) privileges.giveSocket(path);
    try {
      privileges.drop();
    } catch (error) {
      throw this.#failed(`The broker cannot go on as ${privileges.shown}: ${(error as Error).message}.`, error);
    }
    this.#serverNow.log.write(LogType.INFORMATION, `Running as ${privileges.shown}.`);
  }

  #makeControlFolder(): string | null {
    const uid = process.geteuid?.();
    const gid = process.getegid?.();
    if (uid === undefined || gid === undefined) return null;
    try {
      return makeControlFolder(this.#privileges?.account ?? { uid, gid }, this.#environment);
    } catch (error) {
      this.#warnOfNoControl(error);
      return null;
    }
  }

  async #openControl(folder: string): Promise<void> {
    try {
      this.#control = await ControlServer.open(folder, this.commands);
    } catch (error) {
      this.#warnOfNoControl(error);
    }
  }

  #warnOfNoControl(error: unknown): void {
    this.#warn(
      `The broker cannot be reached by 'cauldron reload' and the like, only by signals: ${(error as Error).message}.`,
    );
  }

  #warn(message: string): void {
    this.#server?.log.write(LogType.WARNING, `Warning: ${message}`);
  }

  #failed(message: string, cause: unknown): StartError {
    this.#serverNow.log.write(LogType.ERROR, `Error: ${message}`);
    return new StartError(message, { cause });
  }
}
