// A broker process under measurement, and the folder of its files. Both go with the runner, however that ends.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { pinned } from './cores.js';

const START_TIMEOUT_MS = 120_000; // with a million messages on disk, and nothing is known of the disk
const STOP_TIMEOUT_MS = 5_000;
const START_POLL_MS = 2;

/**
 * @typedef {import('./targets.js').Target} Target
 * @typedef {import('./targets.js').Wishes} Wishes
 */

/** @returns {Promise<number>} */
function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

/**
 * @param {number} port
 * @returns {Promise<boolean>}
 */
function accepts(port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}

/** @type {Set<() => void>} */
const cleanUps = new Set();
process.on('exit', () => {
  for (const cleanUp of [...cleanUps].reverse()) cleanUp(); // a broker ends before its files go
});
for (const [signal, number] of /** @type {const} */ ([
  ['SIGINT', 2],
  ['SIGTERM', 15],
])) {
  process.on(signal, () => process.exit(128 + number));
}

/** A directory for the files of brokers. It goes with the runner, however that ends. */
export class Directory {
  path;
  #remove = () => rmSync(this.path, { recursive: true, force: true });

  /** @param {string} parent */
  constructor(parent) {
    this.path = mkdtempSync(join(parent, 'cauldron-bench-'));
    cleanUps.add(this.#remove);
  }

  remove() {
    cleanUps.delete(this.#remove);
    this.#remove();
  }
}

/** A broker process. It ends with the runner, however that ends. */
export class RunningBroker {
  port = 0;
  /** From the start of the process to an open port. */
  startMs = 0;
  #name;
  #stderr = '';
  /** @type {import('node:child_process').ChildProcess} */
  #process;
  /** @type {Promise<void>} */
  #ended;
  #hasEnded = false;
  #kill = () => {
    this.#process.kill('SIGKILL');
  };

  /**
   * @param {Target} target
   * @param {number} port
   * @param {number | undefined} core
   * @param {Wishes} wishes
   */
  constructor(target, port, core, wishes) {
    this.#name = target.name;
    this.port = port;
    // `exec` keeps the process id, so that /proc/<pid> speaks of the broker and not of the shell.
    const raiseFileLimit = 'ulimit -n "$(ulimit -H -n)"; exec "$@"';
    const command = ['sh', '-c', raiseFileLimit, 'sh', ...target.command(port, wishes)];
    const [program, ...args] = pinned(core, command);
    const child = spawn(program, args, {
      cwd: wishes.directory,
      env: { ...process.env, ...target.environment?.(wishes) },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.#process = child;
    child.stderr.on('data', (chunk) => {
      this.#stderr = (this.#stderr + chunk).slice(-2000);
    });
    this.#ended = new Promise((resolve) => {
      child.on('error', (error) => {
        this.#stderr += error.message;
        this.#hasEnded = true;
        resolve();
      });
      child.on('close', () => {
        this.#hasEnded = true;
        resolve();
      });
    });
    cleanUps.add(this.#kill);
  }

  /**
   * Starts a broker and waits until it accepts connections. Between choosing a port and listening on it another program
   * may take it: then it is tried once more.
   * @param {Target} target
   * @param {number | undefined} core
   * @param {Wishes} wishes what it should be like
   */
  static async start(target, core, wishes) {
    try {
      return await RunningBroker.#start(target, core, wishes);
    } catch (error) {
      if (!/address (already )?in use|EADDRINUSE|listening sockets/i.test(String(error))) throw error;
      return RunningBroker.#start(target, core, wishes);
    }
  }

  /**
   * @param {Target} target
   * @param {number | undefined} core
   * @param {Wishes} wishes
   */
  static async #start(target, core, wishes) {
    const port = await freePort();
    const startedMs = performance.now();
    const broker = new RunningBroker(target, port, core, wishes);
    const giveUp = performance.now() + START_TIMEOUT_MS;
    while (!(await accepts(broker.port))) {
      broker.assertRunning();
      if (performance.now() > giveUp) {
        await broker.stop();
        throw new Error(`${target.name} did not listen within ${START_TIMEOUT_MS / 1000} s\n${broker.#stderr}`);
      }
      await new Promise((resolve) => setTimeout(resolve, START_POLL_MS));
    }
    broker.startMs = performance.now() - startedMs;
    return broker;
  }

  get pid() {
    const { pid } = this.#process;
    if (pid === undefined) throw new Error(`${this.#name} has no process`);
    return pid;
  }

  /**
   * Throws if the broker has ended, with its last words.
   * @param {unknown} [cause] what made the caller ask
   */
  assertRunning(cause) {
    if (!this.#hasEnded) return;
    const how = this.#process.signalCode ?? `exit code ${this.#process.exitCode}`;
    const seen = cause instanceof Error ? `; ${cause.message}` : '';
    throw new Error(`${this.#name} ended (${how})${seen}\n${this.#stderr}`.trimEnd(), { cause });
  }

  /**
   * Resident memory in bytes; `VmRSS` is all of it, `RssAnon` all but files, which the system takes back as it needs.
   * @param {'VmRSS' | 'RssAnon'} [field] of `/proc/<pid>/status`
   */
  residentBytes(field = 'VmRSS') {
    this.assertRunning();
    const resident = new RegExp(`^${field}:\\s*(\\d+) kB`, 'm').exec(readFileSync(`/proc/${this.pid}/status`, 'utf8'));
    if (resident === null) throw new Error(`/proc/${this.pid}/status has no ${field}`);
    return Number(resident[1]) * 1024;
  }

  /**
   * Ends it with SIGTERM, or SIGKILL if that is not enough.
   * @param {number} [patienceMs]
   */
  async stop(patienceMs = STOP_TIMEOUT_MS) {
    const impatience = setTimeout(() => this.#process.kill('SIGKILL'), patienceMs);
    this.#process.kill('SIGTERM');
    await this.#ended;
    clearTimeout(impatience);
    cleanUps.delete(this.#kill);
  }

  /** Ends it with SIGKILL: it can write nothing more. */
  async kill() {
    this.#kill();
    await this.#ended;
    cleanUps.delete(this.#kill);
  }
}
