import type { Simulation, SimulationEvent } from './simulation.js';

/** A timer takes no longer delay. */
const LONGEST_DELAY_MS = 2 ** 31 - 1;
/** So many events in one turn; then the network has its own. */
const MOST_IN_A_TURN = 500;

/** Lets the events of a simulation happen at their times. */
export class Pace {
  readonly #startMs: number;
  readonly #speed: number;
  readonly #nowMs: () => number;
  readonly #beganMs: number;
  #latenessMs = 0;

  /** @param startMs when the simulation begins, in its own time. @param nowMs a clock, whatever its zero is */
  constructor(startMs: number, speed: number, nowMs: () => number) {
    this.#startMs = startMs;
    this.#speed = speed;
    this.#nowMs = nowMs;
    this.#beganMs = nowMs();
  }

  /** By how much the last event was behind its time, on the clock. */
  get latenessMs(): number {
    return this.#latenessMs;
  }

  /** @returns at `endMs`, in the time of the simulation; when there are no more events; or when the signal is aborted */
  async play(
    simulation: Simulation,
    endMs: number,
    signal: AbortSignal,
    happen: (event: SimulationEvent) => void,
  ): Promise<void> {
    while (!signal.aborted) {
      const nowMs = this.#simulatedMs();
      let count = 0;
      for (const event of simulation.until(Math.min(nowMs, endMs))) {
        this.#latenessMs = (nowMs - event.atMs) / this.#speed;
        happen(event);
        if (++count === MOST_IN_A_TURN) break;
      }
      if (count === MOST_IN_A_TURN) await new Promise((resolve) => setImmediate(resolve));
      else {
        const { nextMs } = simulation;
        if (nextMs === null || nowMs >= endMs) return;
        await pause((Math.min(nextMs, endMs) - nowMs) / this.#speed, signal);
      }
    }
  }

  #simulatedMs(): number {
    return this.#startMs + (this.#nowMs() - this.#beganMs) * this.#speed;
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, Math.min(Math.ceil(ms), LONGEST_DELAY_MS));
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }
    signal.addEventListener('abort', done);
  });
}
