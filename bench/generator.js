// Builds and runs the programs of bench/load: the load generator, and the client that only pings.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { pinned } from './cores.js';

const here = dirname(fileURLToPath(import.meta.url));
const sources = join(here, 'load');
const built = join(here, '.build');
const PROGRAMS = ['load', 'ping'];
/** What `cc` needs for TLS. */
const WITH_TLS = { flags: ['-DWITH_TLS'], libraries: ['-lssl', '-lcrypto'] };

/** @param {string} file */
function changedAt(file) {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** Whether the generator speaks TLS: where OpenSSL's headers are. */
export function speaksTls() {
  const folders = ['/usr/include', '/usr/local/include'];
  return folders.some((folder) => existsSync(join(folder, 'openssl', 'ssl.h')));
}

/**
 * Builds the programs unless they are newer than their sources.
 * @returns {string | undefined} why there are none on this machine
 */
export function buildGenerator() {
  if (process.platform !== 'linux') return 'the load generator needs Linux (epoll, /proc)';
  const newest = Math.max(...readdirSync(sources).map((name) => changedAt(join(sources, name))));
  mkdirSync(built, { recursive: true });
  for (const name of PROGRAMS) {
    const program = join(built, name);
    if (changedAt(program) > newest) continue;
    const { flags, libraries } = speaksTls() ? WITH_TLS : { flags: [], libraries: [] };
    const files = [`${name}.c`, 'link.c'].map((file) => join(sources, file));
    const args = ['-O2', '-Wall', '-Wextra', ...flags, '-o', program, ...files, ...libraries];
    const { status, error } = spawnSync('cc', args, { stdio: ['ignore', 2, 2] });
    if (error) return `no C compiler: cc cannot be started (apt install gcc libc6-dev): ${error.message}`;
    if (status !== 0) throw new Error(`cc ${args.join(' ')} failed with exit code ${status}`);
  }
  return undefined;
}

/**
 * What one line of the generator says; `null` where there is nothing to say.
 * @typedef {Record<string, number | string | null>} LoadReport
 */

/** The generator's exit code when a subscriber returned to a session that the broker does not know. */
export const FORGOT = 5;

/** Why a run has no report. */
export class LoadError extends Error {
  /**
   * @param {string} message
   * @param {number | null} exitCode null: it was killed
   */
  constructor(message, exitCode) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** One run of a program that reports by lines of JSON, and goes on by lines that it gets. */
class Program {
  #process;
  #stderr = '';
  #lines;
  /** @type {Promise<void>} */
  #ended;

  /**
   * @param {string} name
   * @param {string[]} args
   * @param {number | undefined} core
   * @param {number} timeoutMs
   */
  constructor(name, args, core, timeoutMs) {
    const [command, ...rest] = pinned(core, [join(built, name), ...args]);
    const child = spawn(command, rest, { stdio: 'pipe', timeout: timeoutMs, killSignal: 'SIGKILL' });
    this.#process = child;
    child.stderr.on('data', (chunk) => {
      this.#stderr += chunk;
    });
    child.stdin.on('error', () => {}); // a program that has ended says why on stderr
    this.#ended = new Promise((resolve) => {
      child.on('error', () => resolve());
      child.on('close', () => resolve());
    });
    this.#lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  }

  /**
   * The next line. Throws with the program's last words if there is none.
   * @returns {Promise<LoadReport>}
   */
  async next() {
    const { value, done } = await this.#lines.next();
    if (!done) return JSON.parse(value);
    await this.#ended;
    const { exitCode, signalCode } = this.#process;
    const how = signalCode === null ? `exit code ${exitCode}` : `${signalCode}, because it took too long`;
    throw new LoadError(this.#stderr.trim() || `the generator ended without a report (${how})`, exitCode);
  }

  /** Lets the program go on. */
  go() {
    this.#process.stdin.write('\n');
  }

  /** Throws if the run has ended, with its last words: idle clients must stay while the broker is measured. */
  assertRunning() {
    if (this.#process.exitCode !== null) throw new Error(this.#stderr.trim() || 'the generator ended too early');
  }

  async stop() {
    this.#process.kill('SIGTERM');
    await this.#ended;
  }
}

/** One run of the generator. */
export class LoadRun extends Program {
  /**
   * @param {string[]} args
   * @param {number | undefined} core
   * @param {number} timeoutMs
   */
  constructor(args, core, timeoutMs) {
    super('load', args, core, timeoutMs);
  }
}

/** A client that asks every millisecond whether the broker is there. */
export class Pinger extends Program {
  /**
   * @param {number} port
   * @param {string} user whose password is the same; '-' for none
   * @param {number | undefined} core
   * @param {number} timeoutMs
   */
  static async start(port, user, core, timeoutMs) {
    const pinger = new Pinger('ping', [String(port), user], core, timeoutMs);
    await pinger.next();
    return pinger;
  }

  /** The longest time that an answer took since this was asked the last time, in milliseconds. */
  async longestMs() {
    this.go();
    const { longest_ms: longestMs } = await this.next();
    if (typeof longestMs !== 'number') throw new Error('the pinging client reported nothing');
    return longestMs;
  }
}
