import { execFile } from 'node:child_process';

const PROGRAM = 'systemd-notify';

/** How long one notification may take. */
const LIMIT_MS = 5000;

/** How many may wait for those before them; more only if the program hangs. */
const MOST_WAITING = 16;

export interface ServiceManagerOptions {
  readonly environment: NodeJS.ProcessEnv;
  /** Words for the log, once, if the manager cannot be told anything. */
  onWarning(message: string): void;
}

/**
 * What systemd, or whoever else waits at NOTIFY_SOCKET, is told about this process. Node has no datagram sockets of that
 * kind, so a program of systemd's is run, one for each notification; where nobody waits, nothing is done.
 */
export class ServiceManager {
  readonly #environment: NodeJS.ProcessEnv;
  readonly #onWarning: (message: string) => void;
  readonly #isThere: boolean;
  readonly #watchdogMs: number | null;
  #last: Promise<void> = Promise.resolve();
  #waiting = 0;
  #hasWarned = false;
  #stopWatchdog: () => void = () => {};

  /** The variables are for this process alone, so they leave its environment. */
  constructor({ environment, onWarning }: ServiceManagerOptions) {
    this.#environment = { ...environment };
    this.#onWarning = onWarning;
    this.#isThere = (environment.NOTIFY_SOCKET ?? '') !== '';
    this.#watchdogMs = watchdogMs(environment);
    for (const name of ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID']) delete environment[name];
  }

  /** The broker takes connections. `status`: one line for `systemctl status`. */
  ready(status: string): void {
    this.#tell('READY=1', `STATUS=${status}`);
  }

  /** The configuration is read again; `ready` follows, whatever comes of it. */
  reloading(): void {
    const monotonicUs = process.hrtime.bigint() / 1000n;
    this.#tell('RELOADING=1', `MONOTONIC_USEC=${monotonicUs}`, 'STATUS=Reading the configuration again');
  }

  stopping(): void {
    this.#stopWatchdog();
    this.#tell('STOPPING=1', 'STATUS=Stopping');
  }

  /**
   * If the manager wants to hear now and then that all is well: tells it, twice as often as it asks for, while `isWell`
   * resolves. What does not resolve in time is silence, and the manager starts the broker anew.
   */
  watch(isWell: () => Promise<unknown>): void {
    if (!this.#isThere || this.#watchdogMs === null) return;
    let isAsking = false;
    const timer = setInterval(() => {
      if (isAsking) return;
      isAsking = true;
      void isWell().then(() => {
        isAsking = false;
        this.#tell('WATCHDOG=1');
      });
    }, this.#watchdogMs / 2);
    timer.unref();
    this.#stopWatchdog = () => clearInterval(timer);
  }

  /** Resolves when all is told, after a bounded time. */
  flush(): Promise<void> {
    return this.#last;
  }

  #tell(...assignments: readonly string[]): void {
    if (!this.#isThere || this.#waiting >= MOST_WAITING) return;
    this.#waiting++;
    this.#last = this.#last.then(() => this.#run(assignments));
  }

  #run(assignments: readonly string[]): Promise<void> {
    const argv = [`--pid=${process.pid}`, ...assignments];
    return new Promise((resolve) => {
      execFile(PROGRAM, argv, { env: this.#environment, timeout: LIMIT_MS }, (error) => {
        this.#waiting--;
        if (error !== null) this.#warn(error);
        resolve();
      });
    });
  }

  #warn(error: Error): void {
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    const why = 'code' in error && error.code === 'ENOENT' ? `there is no program ${PROGRAM}` : error.message.trim();
    this.#onWarning(
      `systemd cannot be told that the broker runs: ${why}. Install the program, or write Type=exec into the unit.`,
    );
  }
}

/** Null: nobody wants to hear from this process. */
function watchdogMs({ WATCHDOG_USEC = '', WATCHDOG_PID }: NodeJS.ProcessEnv): number | null {
  const isOurs = WATCHDOG_PID === undefined || WATCHDOG_PID === String(process.pid);
  return isOurs && /^[1-9]\d*$/.test(WATCHDOG_USEC) ? Number(WATCHDOG_USEC) / 1000 : null;
}
