import { resolve } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { TreePrinter, treeText } from '../admin/tree-print.js';
import { ConfigError } from '../config/config.js';
import type { EffectiveBlock } from '../config/effective-options.js';
import { LogType } from '../core/ports/log.js';
import { shownEndpoint } from '../server/listen-addresses.js';
import type { Server } from '../server/server.js';
import { StartError } from '../server/start-error.js';
import { VERSION } from '../version.js';
import { addAccessCommands } from './access-commands.js';
import type { GivenConfig } from './command-line.js';
import { configChanges, waitingForStart } from './config-changes.js';
import type { ControlCommands } from './control-server.js';
import { addDoorCommands } from './door-commands.js';
import type { ServiceManager } from './service-manager.js';

/** Lines of the trees that are made before others have their turn. */
const LINES_IN_ONE_GO = 200;

/** What a reload has done. */
export interface Reloaded {
  /** What the configuration says now that it did not say before, a line for each. */
  readonly changes: readonly string[];
  /** Options with other values than at the start that count at the next one only. */
  readonly nextStart: readonly string[];
}

/** What is asked of a broker that runs, by signals and through the control socket. */
export class Administration {
  readonly #server: Server;
  readonly #readConfig: () => GivenConfig;
  readonly #manager: ServiceManager;
  readonly #atStart: readonly EffectiveBlock[];
  #blocks: readonly EffectiveBlock[];
  readonly #trees: TreePrinter;
  readonly #startedMs = performance.now();

  /** `blocks`: what the configuration says that the broker was started with. `readConfig`: reads what the broker was started with again; throws ConfigError. */
  constructor(
    server: Server,
    blocks: readonly EffectiveBlock[],
    readConfig: () => GivenConfig,
    manager: ServiceManager,
  ) {
    this.#server = server;
    this.#atStart = this.#blocks = blocks;
    this.#readConfig = readConfig;
    this.#manager = manager;
    this.#trees = new TreePrinter(server.broker, process.stdout);
  }

  /** One line for whoever looks after the process. */
  get summary(): string {
    return `Listening on ${this.#server.endpoints.map(shownEndpoint).join(', ')}`;
  }

  /**
   * Reads the configuration again, and takes it over. One with a fault changes nothing: a broker that runs is worth more
   * than a file that is half right. Both outcomes are logged.
   * @throws (rejects) ConfigError or StartError: why it was refused
   */
  async reload(): Promise<Reloaded> {
    const { log } = this.#server;
    log.write(LogType.INFORMATION, 'Reloading config.');
    this.#manager.reloading();
    try {
      const { config, blocks } = this.#readConfig();
      await this.#server.reload(config);
      const nextStart = waitingForStart(this.#atStart, blocks);
      const changes = configChanges(this.#blocks, blocks);
      this.#blocks = blocks;
      log.write(LogType.INFORMATION, 'Configuration reloaded.');
      if (nextStart.length > 0) log.write(LogType.NOTICE, `Takes effect at the next start: ${nextStart.join(', ')}.`);
      return { changes, nextStart };
    } catch (error) {
      for (const problem of problemsOf(error)) log.write(LogType.ERROR, `Error: ${problem}`);
      log.write(LogType.ERROR, 'Error: the configuration was not reloaded; everything goes on as before.');
      throw error;
    } finally {
      this.#manager.ready(this.summary);
    }
  }

  /** Brings all that the store has to its final form. Both outcomes are logged. @throws (rejects) Error */
  async save(): Promise<void> {
    const { broker, config, log } = this.#server;
    const { persistence } = config;
    if (persistence === null) {
      log.write(LogType.INFORMATION, 'There is nothing to save: the configuration says persistence false.');
      return;
    }
    log.write(LogType.INFORMATION, `Saving in-memory database to ${persistence.folder}.`);
    const why = await broker.save();
    if (why === null) return;
    log.write(LogType.ERROR, `Error: The store cannot be saved: ${why}.`);
    throw new Error(`The store cannot be saved: ${why}.`);
  }

  /** Opens log files again, because somebody has moved them away. */
  rotateLog(): void {
    this.#server.log.write(LogType.INFORMATION, 'Opening log files again.');
    this.#server.reopenLog();
  }

  /** Writes the trees of subscriptions and retained messages to the standard output. */
  printTrees(): Promise<void> {
    return this.#trees.print();
  }

  /** Says them line by line. In between, the broker goes on. */
  async #sayTrees(say: (line: string) => Promise<void>): Promise<void> {
    let rest = '';
    let count = 0;
    for (const piece of treeText(this.#server.broker)) {
      rest += piece;
      if (!piece.endsWith('\n')) continue;
      await say(rest.slice(0, -1));
      rest = '';
      if (++count % LINES_IN_ONE_GO === 0) await setImmediate();
    }
  }

  /** Lets these things be asked for by name. */
  addTo(commands: ControlCommands): void {
    commands.add('reload', async () => ({ ...(await this.reload()) }));
    commands.add('save', async () => {
      await this.save();
      return {};
    });
    commands.add('rotate-log', () => {
      this.rotateLog();
      return {};
    });
    commands.add('tree', async (_request, say) => {
      await this.#sayTrees(say);
      return {};
    });
    addDoorCommands(commands, this.#server);
    commands.add('status', () => this.#status());
    addAccessCommands(commands, this.#server);
  }

  #status() {
    const { broker, config, endpoints } = this.#server;
    return {
      version: VERSION,
      pid: process.pid,
      uptimeS: Math.floor((performance.now() - this.#startedMs) / 1000),
      configFile: config.file === null ? null : resolve(config.file),
      listeners: endpoints.map(shownEndpoint),
      clients: broker.gauges.clientsConnected,
      sessions: broker.gauges.sessions,
    };
  }
}

/** @throws the error itself when it is none that a reload may have */
function problemsOf(error: unknown): readonly string[] {
  if (error instanceof ConfigError || error instanceof StartError) return error.problems;
  throw error;
}
