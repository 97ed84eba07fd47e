import { type ChildProcess, spawn } from 'node:child_process';

export interface Outcome {
  readonly stdout: Buffer;
  readonly stderr: string;
  /** Null when a signal ended it. */
  readonly exitCode: number | null;
}

const running = new Set<RunningProgram>();

/** A program that runs: its output and its end can be waited for. */
export class RunningProgram {
  readonly process: ChildProcess;
  /** Resolved when the program has ended and all its output is here. */
  readonly ended: Promise<Outcome>;
  readonly #stdout: Buffer[] = [];
  #shown = '';
  #stderr = '';
  #hasEnded = false;
  #wake: (() => void)[] = [];

  /** `input` is all of its standard input; without it, that stays open. */
  constructor(command: string, argv: readonly string[], input?: string | Uint8Array, env = process.env) {
    const child = spawn(command, argv, { env });
    this.process = child;
    running.add(this);
    child.stdout.on('data', (bytes: Buffer) => {
      this.#stdout.push(bytes);
      this.#changed(bytes.toString());
    });
    child.stderr.on('data', (bytes: Buffer) => {
      this.#stderr += bytes;
      this.#changed(bytes.toString());
    });
    child.stdin.on('error', () => {}); // it may end before it has read everything
    if (input !== undefined) child.stdin.end(input);
    this.ended = new Promise<Outcome>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (exitCode) => {
        resolve({ stdout: Buffer.concat(this.#stdout), stderr: this.#stderr, exitCode });
      });
    }).finally(() => {
      running.delete(this);
      this.#hasEnded = true;
      this.#changed('');
    });
  }

  /** What both outputs have had so far. */
  get shown(): string {
    return this.#shown;
  }

  /** Waits until its output has this. @throws (rejects) Error when it ends without */
  async shows(text: string): Promise<void> {
    await this.#wait(text, () => (this.#shown.includes(text) ? text : null));
  }

  /** The same for a pattern, whose match is returned. */
  showsMatch(pattern: RegExp): Promise<RegExpExecArray> {
    return this.#wait(pattern, () => pattern.exec(this.#shown));
  }

  /** The same for what is shown again and again: waits for its n-th time. `pattern` has the flag g. */
  showsNth(pattern: RegExp, nth: number): Promise<RegExpExecArray> {
    return this.#wait(pattern, () => [...this.#shown.matchAll(pattern)].at(nth - 1) ?? null);
  }

  /** Ends it, and resolves when it has ended. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Outcome> {
    this.process.kill(signal);
    return this.ended;
  }

  async #wait<T>(wanted: string | RegExp, look: () => T | null): Promise<T> {
    for (;;) {
      const seen = look();
      if (seen !== null) return seen;
      if (this.#hasEnded) throw new Error(`It ended without showing ${wanted}: ${this.#shown}`);
      await new Promise<void>((resolve) => this.#wake.push(resolve));
    }
  }

  #changed(text: string): void {
    this.#shown += text;
    const waiting = this.#wake;
    this.#wake = [];
    for (const wake of waiting) wake();
  }
}

/** Ends what a failed test has left behind. For `afterEach` and `afterAll`. */
export async function killAll(): Promise<void> {
  await Promise.allSettled([...running].map((program) => program.stop('SIGKILL')));
}
