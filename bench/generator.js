// Builds and runs the load generator, bench/load.c.
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pinned } from './cores.js';

const here = dirname(fileURLToPath(import.meta.url));
const source = join(here, 'load.c');
const program = join(here, '.build', 'load');

/** @param {string} file */
function changedAt(file) {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/**
 * Builds the generator unless it is newer than its source.
 * @returns {string | undefined} why there is none on this machine
 */
export function buildGenerator() {
  if (process.platform !== 'linux') return 'the load generator needs Linux (epoll, /proc)';
  if (changedAt(program) > changedAt(source)) return undefined;
  mkdirSync(dirname(program), { recursive: true });
  const args = ['-O2', '-Wall', '-Wextra', '-o', program, source];
  const { status, error } = spawnSync('cc', args, { stdio: ['ignore', 2, 2] });
  if (error) return `no C compiler: cc cannot be started (apt install gcc libc6-dev): ${error.message}`;
  if (status !== 0) throw new Error(`cc ${args.join(' ')} failed with exit code ${status}`);
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

/** One run of the generator. It prints one line: at the end, or with idle clients as soon as all are connected. */
export class LoadRun {
  #process;
  #stdout = '';
  #stderr = '';
  /** @type {Promise<LoadReport>} */
  report;
  /** @type {Promise<void>} */
  #ended;

  /**
   * @param {string[]} args
   * @param {number | undefined} core
   * @param {number} timeoutMs
   */
  constructor(args, core, timeoutMs) {
    const [command, ...rest] = pinned(core, [program, ...args]);
    const child = spawn(command, rest, {
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: timeoutMs,
      killSignal: 'SIGKILL',
    });
    this.#process = child;
    child.stderr.on('data', (chunk) => {
      this.#stderr += chunk;
    });
    this.#ended = new Promise((resolve) => {
      child.on('error', () => resolve());
      child.on('close', () => resolve());
    });
    this.report = new Promise((resolve, reject) => {
      child.stdout.on('data', (chunk) => {
        this.#stdout += chunk;
        if (this.#stdout.endsWith('\n')) resolve(JSON.parse(this.#stdout));
      });
      child.on('error', reject);
      child.on('close', (code, signal) => {
        const how = signal === null ? `exit code ${code}` : `${signal}, after ${timeoutMs} ms at most`;
        reject(new LoadError(this.#stderr.trim() || `load ended without a report (${how})`, code));
      });
    });
  }

  /** Throws if the run has ended, with its last words: idle clients must stay while the broker is measured. */
  assertRunning() {
    if (this.#process.exitCode !== null) throw new Error(this.#stderr.trim() || 'load ended too early');
  }

  async stop() {
    this.#process.kill('SIGTERM');
    await this.#ended;
  }
}
