import { type ChildProcess, spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';

/** The broker could not be started, or has ended by itself; the message has what it said last. */
export class BrokerFailure extends Error {
  override readonly name = 'BrokerFailure';
}

const START_TIMEOUT_MS = 30_000;
const STOP_TIMEOUT_MS = 30_000;
const TAIL_CHARACTERS = 1_500;

export interface BrokerChildOptions {
  /** Program and arguments of a broker that listens on one port of 127.0.0.1, and says which. */
  readonly command: readonly string[];
  /** What it says goes there. */
  readonly logFile: string;
  /** Added to this process' environment. */
  readonly environment: Readonly<Record<string, string>>;
  /** It has ended without being told to. */
  onDeath(failure: BrokerFailure): void;
}

/** A broker in a process of its own, which can be killed and started again. */
export class BrokerChild {
  readonly #options: BrokerChildOptions;
  #child: ChildProcess | null = null;
  #exited: Promise<number | null> = Promise.resolve(null);
  #isExpected = false;
  #tail = '';

  constructor(options: BrokerChildOptions) {
    this.#options = options;
    // Whatever ends this process, the broker does not stay behind.
    process.on('exit', () => this.#signal('SIGKILL'));
  }

  /** Resolves with the port, when it takes connections there. @throws (rejects) BrokerFailure */
  start(): Promise<number> {
    const { command, environment } = this.#options;
    const [program, ...args] = command;
    const env = { ...process.env, ...environment };
    // In a group of its own: Ctrl-C is for this process, which then stops the broker.
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true, env });
    this.#child = child;
    this.#isExpected = false;
    this.#tail = '';
    return new Promise((resolve, reject) => {
      let isStarting = true;
      const fail = (why: string): void => {
        const said = this.#tail.trim();
        const failure = new BrokerFailure(said === '' ? why : `${why}; it said:\n${said}`);
        if (isStarting) reject(failure);
        else if (!this.#isExpected) this.#options.onDeath(failure);
      };
      const timeout = setTimeout(() => {
        this.#signal('SIGKILL');
        fail(`the broker has not started within ${START_TIMEOUT_MS / 1000} s`);
      }, START_TIMEOUT_MS);
      const read = (bytes: Buffer): void => {
        appendFileSync(this.#options.logFile, bytes);
        this.#tail = (this.#tail + bytes.toString()).slice(-TAIL_CHARACTERS);
        const port = /^Listening on 127\.0\.0\.1:(\d+)\.\n[\s\S]*running\n/m.exec(this.#tail)?.[1];
        if (!isStarting || port === undefined) return;
        isStarting = false;
        clearTimeout(timeout);
        resolve(Number(port));
      };
      child.stdout.on('data', read);
      child.stderr.on('data', read);
      this.#exited = new Promise((exited) => {
        child.on('error', (error) => {
          clearTimeout(timeout);
          fail(`the broker cannot be run: ${error.message}`);
          exited(null);
        });
        child.on('close', (code, signal) => {
          clearTimeout(timeout);
          this.#child = null;
          fail(`the broker has ended by itself (${signal ?? `exit status ${code}`})`);
          exited(code);
        });
      });
    });
  }

  /** Starts it and kills it after that time, whether it takes connections by then or not. @throws as `start` does */
  async startBriefly(ms: number): Promise<void> {
    const failure = this.start().then(
      () => null,
      (error: unknown) => error,
    );
    const early = await Promise.race([failure, wait(ms, null)]);
    if (early !== null) throw early;
    await this.kill();
  }

  /** Ends it at once, with all processes that it has started. Resolves when they are gone. */
  async kill(): Promise<void> {
    const pid = this.#child?.pid;
    this.#signal('SIGKILL');
    if (pid !== undefined) while (signalGroup(pid, 'SIGKILL')) await wait(1);
    await this.#exited;
  }

  /** Ends it in good order. Resolves with its exit status; null if it had to be killed. */
  async stop(): Promise<number | null> {
    this.#signal('SIGTERM');
    const timeout = setTimeout(() => this.#signal('SIGKILL'), STOP_TIMEOUT_MS);
    const code = await this.#exited;
    clearTimeout(timeout);
    return code;
  }

  #signal(signal: NodeJS.Signals): void {
    this.#isExpected = true;
    this.#child?.kill(signal);
  }
}

/** @returns whether anybody is left in the group */
function signalGroup(leader: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(-leader, signal);
  } catch {
    return false;
  }
}
