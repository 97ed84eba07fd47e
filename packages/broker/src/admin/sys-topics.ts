import type { Broker } from '../core/broker.js';
import type { Clock } from '../core/ports/clock.js';
import { SysTree } from './sys-tree.js';
import type { SysState } from './sys-values.js';

/** What is asked of the broker. */
export type SysSource = Pick<Broker, 'counters' | 'gauges' | 'publishStatus' | 'withdrawStatus'>;

/**
 * Publishes the topics below `$SYS/broker` of a broker (`sys_interval`): all of them at first, then what has changed, when
 * the wall clock comes to a multiple of the interval, as Mosquitto does. Between two updates it costs nothing.
 */
export class SysTopics {
  readonly #broker: SysSource;
  readonly #version: string;
  readonly #clock: Pick<Clock, 'wallMs' | 'monotonicMs'>;
  readonly #startedMs: number;
  #maximumMemoryBytes = 0;
  #intervalMs = 0;
  /** Null: nothing is published. */
  #tree: SysTree | null = null;
  #timer: NodeJS.Timeout | null = null;

  /** The uptime begins to count. Nothing is published before `configure`. `version`: `cauldron version 1.2.3`. */
  constructor(broker: SysSource, version: string, clock: Pick<Clock, 'wallMs' | 'monotonicMs'>) {
    this.#broker = broker;
    this.#version = version;
    this.#clock = clock;
    this.#startedMs = clock.monotonicMs();
  }

  /**
   * Publishes at once, and from now on at multiples of `intervalMs`; if it did so already, only the times change. 0: takes
   * back what was published.
   */
  configure(intervalMs: number): void {
    if (intervalMs === this.#intervalMs) return;
    this.#intervalMs = intervalMs;
    this.stop();
    if (intervalMs === 0) {
      if (this.#tree !== null) this.#broker.withdrawStatus(this.#tree.topics);
      this.#tree = null;
      return;
    }
    if (this.#tree === null) {
      const state = this.#state();
      this.#tree = new SysTree(this.#version, state);
      this.#broker.publishStatus(this.#tree.update(state));
    }
    this.#schedule(Math.floor(this.#clock.wallMs() / intervalMs) + 1);
  }

  /** Publishes nothing any more. What was published stays, for a broker that ends with it. */
  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  /** `multiple`: of the interval, when the next update is due. */
  #schedule(multiple: number): void {
    const delayMs = Math.max(0, multiple * this.#intervalMs - this.#clock.wallMs());
    this.#timer = setTimeout(() => this.#update(), delayMs).unref();
  }

  #update(): void {
    if (this.#tree !== null) this.#broker.publishStatus(this.#tree.update(this.#state()));
    // A timer may be early by a moment: what is due next is not what was due now.
    this.#schedule(Math.round(this.#clock.wallMs() / this.#intervalMs) + 1);
  }

  #state(): SysState {
    const { heapUsed, external } = process.memoryUsage();
    const memoryBytes = heapUsed + external;
    this.#maximumMemoryBytes = Math.max(this.#maximumMemoryBytes, memoryBytes);
    return {
      counters: this.#broker.counters,
      gauges: this.#broker.gauges,
      uptimeS: (this.#clock.monotonicMs() - this.#startedMs) / 1000,
      memoryBytes,
      maximumMemoryBytes: this.#maximumMemoryBytes,
    };
  }
}
