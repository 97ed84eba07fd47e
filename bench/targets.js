// The brokers that are measured side by side, and how each is started.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pinned } from './cores.js';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const START_TIMEOUT_MS = 120_000; // with a million messages on disk, and nothing is known of the disk
const STOP_TIMEOUT_MS = 5_000;

/**
 * @typedef {object} Target
 * @property {string} name
 * @property {() => string | undefined} prepare builds what must be built; returns why the target cannot run, if so
 * @property {() => string} version
 * @property {boolean} [isOpen] whether it gets no access rules where others do
 * @property {(port: number, directory: string, settings: string[]) => string[]} command its files go into the
 *   directory; the settings are lines for its configuration file
 * @property {(directory: string, sync: Sync) => string[]} [keep] settings with which it keeps everything on disk
 */

/**
 * When the disk has what the product acknowledges; `none`: the product keeps nothing on disk.
 * @typedef {'always' | 'interval' | 'never' | 'none'} Sync
 */

/** @param {string[]} command */
function firstLine(command) {
  const [program, ...args] = command;
  return spawnSync(program, args, { encoding: 'utf8', timeout: 10_000 }).stdout?.split('\n')[0].trim() ?? '';
}

// The same file for both brokers that read it. Everything that is not named keeps its default, in Mosquitto too:
// no persistence, 1,000 queued messages for each client, 20 in flight, and Nagle's algorithm on. The last is in its
// favour: measured in turns, `set_tcp_nodelay true` cost Mosquitto 2.0.11 a quarter of its QoS 0 throughput and never
// helped at QoS 1, where its default wavers between one and two times the other's figure from run to run.
/**
 * @param {number} port
 * @param {string[]} settings
 */
function configuration(port, settings) {
  return [
    `listener ${port} 127.0.0.1`, // the load comes over loopback
    'allow_anonymous true', // the load has no password; a listener refuses it otherwise
    'log_type error', // no line for each of 10,000 connections
    ...settings,
    '',
  ].join('\n');
}

/**
 * @param {number} port
 * @param {string} directory
 * @param {string[]} settings
 */
function writeConfiguration(port, directory, settings) {
  const file = join(directory, 'broker.conf');
  writeFileSync(file, configuration(port, settings));
  return file;
}

const cauldronBin = join(root, 'bin', 'cauldron.js');

// As `npm start` does, and as the README says for a broker under load: fewer collections of what lives shortly.
const FOR_LOAD = '--max-semi-space-size=32';

/** @type {Target} */
const cauldron = {
  name: 'cauldron',
  prepare() {
    if (!existsSync(cauldronBin)) return 'bin/cauldron.js is missing';
    const { status, error } = spawnSync('npm', ['run', '--silent', 'build'], { cwd: root, stdio: ['ignore', 2, 2] });
    if (error) return `the build could not be started: ${error.message}`;
    if (status !== 0) return 'the build failed (npm run build)';
    return undefined;
  },
  version: () => JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version,
  command(port, directory, settings) {
    const configuration = writeConfiguration(port, directory, settings);
    return [process.execPath, FOR_LOAD, cauldronBin, 'broker', '-c', configuration];
  },
  keep(directory, sync) {
    if (sync === 'none') return [];
    return ['persistence true', `persistence_location ${directory}/data/`, `persistence_sync ${sync}`, ...stayRoot()];
  },
};

/** @type {Target} */
const yardstick = {
  name: 'yardstick',
  prepare: () => undefined,
  version: () => `Node ${process.version}`,
  command: (port) => [process.execPath, join(root, 'bench', 'hot-path.mjs'), String(port)],
};

// Debian installs it where the PATH of an ordinary user does not look.
const mosquittoBin =
  ['/usr/sbin/mosquitto', '/usr/local/sbin/mosquitto'].find((file) => existsSync(file)) ?? 'mosquitto';

/** @type {Target} */
const mosquitto = {
  name: 'mosquitto',
  prepare: () =>
    spawnSync(mosquittoBin, ['-h']).error ? 'mosquitto is not installed (apt install mosquitto)' : undefined,
  version: () => firstLine([mosquittoBin, '-h']).replace(/^mosquitto version /, ''),
  command: (port, directory, settings) => [mosquittoBin, '-c', writeConfiguration(port, directory, settings)],
  // Everything else by default: it writes its file every half an hour and when it ends, and syncs nothing.
  keep(directory) {
    const data = join(directory, 'data');
    mkdirSync(data, { recursive: true });
    return ['persistence true', `persistence_location ${data}/`, ...stayRoot()];
  },
};

/** Started by root, a broker would become another user, who cannot write into the folder of the benchmark. */
function stayRoot() {
  return process.getuid?.() === 0 ? ['user root'] : [];
}

/**
 * The product as it is without access rules, to see what they cost it.
 * @type {Target}
 */
const open = { ...cauldron, name: 'open', isOpen: true };

/** @type {Target[]} */
export const targets = [cauldron, open, yardstick, mosquitto];

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
   * @param {string} directory
   * @param {string[]} settings
   */
  constructor(target, port, core, directory, settings) {
    this.#name = target.name;
    this.port = port;
    // `exec` keeps the process id, so that /proc/<pid> speaks of the broker and not of the shell.
    const raiseFileLimit = 'ulimit -n "$(ulimit -H -n)"; exec "$@"';
    const command = ['sh', '-c', raiseFileLimit, 'sh', ...target.command(port, directory, settings)];
    const [program, ...args] = pinned(core, command);
    const child = spawn(program, args, { cwd: directory, stdio: ['ignore', 'ignore', 'pipe'] });
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
   * Starts a broker and waits until it accepts connections.
   * @param {Target} target
   * @param {number | undefined} core
   * @param {string} directory for its files, which stay there
   * @param {string[]} [settings] lines for its configuration file
   */
  static async start(target, core, directory, settings = []) {
    const port = await freePort();
    const startedMs = performance.now();
    const broker = new RunningBroker(target, port, core, directory, settings);
    const giveUp = performance.now() + START_TIMEOUT_MS;
    while (!(await accepts(broker.port))) {
      broker.assertRunning();
      if (performance.now() > giveUp) {
        await broker.stop();
        throw new Error(`${target.name} did not listen within ${START_TIMEOUT_MS / 1000} s\n${broker.#stderr}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
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
