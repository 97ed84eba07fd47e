import type { Clock } from '@cauldron/broker';

/** A clock that stands until it is moved. */
export class ManualClock implements Clock {
  #nowMs = 1_700_000_000_000;
  readonly #ticks = new Set<{ readonly intervalMs: number; nextMs: number; readonly tick: () => void }>();

  wallMs(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  every(intervalMs: number, tick: () => void): () => void {
    const entry = { intervalMs, nextMs: this.#nowMs + intervalMs, tick };
    this.#ticks.add(entry);
    return () => this.#ticks.delete(entry);
  }

  /** It takes no time. */
  soon(action: () => void): void {
    setImmediate(action);
  }

  /** Each read of an in-process connection is alone. */
  afterReads(action: () => void): void {
    action();
  }

  /** Time passes while the program is busy: nothing that is due happens. */
  pass(ms: number): void {
    this.#nowMs += ms;
  }

  /** Moves on, in steps: everything that is due on the way happens at its time. */
  advance(ms: number): void {
    const endMs = this.#nowMs + ms;
    for (;;) {
      const due = [...this.#ticks].filter(({ nextMs }) => nextMs <= endMs).sort((a, b) => a.nextMs - b.nextMs)[0];
      if (due === undefined) break;
      this.#nowMs = Math.max(this.#nowMs, due.nextMs);
      due.nextMs += due.intervalMs;
      due.tick();
    }
    this.#nowMs = Math.max(this.#nowMs, endMs);
  }
}
