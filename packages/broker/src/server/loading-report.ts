import type { Loaded } from '../core/broker.js';
import type { Clock } from '../core/ports/clock.js';

/** Between two lines, and before the first: a start that takes less says nothing until it is done. */
const LINE_INTERVAL_MS = 1000;

/** Says in the log how far a start is that reads back what the store kept. */
export class LoadingReport {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #write: (line: string) => void;
  readonly #startedMs: number;
  #nextLineMs: number;

  /** The time begins to count. `write` is called while the event loop stands still. */
  constructor(clock: Pick<Clock, 'monotonicMs'>, write: (line: string) => void) {
    this.#clock = clock;
    this.#write = write;
    this.#startedMs = clock.monotonicMs();
    this.#nextLineMs = this.#startedMs + LINE_INTERVAL_MS;
  }

  progress(loaded: Loaded): void {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs < this.#nextLineMs) return;
    this.#nextLineMs = nowMs + LINE_INTERVAL_MS;
    this.#write(`Loading: ${counts(loaded)} ...`);
  }

  /** All is loaded. A store with nothing in it is not worth a line. */
  done(loaded: Loaded): void {
    if (loaded.retained + loaded.sessions === 0) return;
    const seconds = (this.#clock.monotonicMs() - this.#startedMs) / 1000;
    this.#write(`Loaded: ${counts(loaded)}, in ${seconds.toFixed(1)} s.`);
  }
}

function counts({ retained, sessions }: Loaded): string {
  return `${counted(retained, 'retained message')}, ${counted(sessions, 'session')}`;
}

function counted(count: number, what: string): string {
  return `${count.toLocaleString('en')} ${what}${count === 1 ? '' : 's'}`;
}
