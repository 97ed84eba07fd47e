import type { Clock } from '../core/ports/clock.js';
import type { Server } from '../server/server.js';

type Broker = Pick<Server['broker'], 'counters'>;

/** Below this, collecting what they leave behind costs less than a hundredth of a core, however small the place for it is. */
const MANY_MESSAGES_PER_S = 10_000;
const CHECK_INTERVAL_MS = 500;

/** From the size that it has at first to one that is good for messages, in one step. */
const GROWING = 8;
const STAYING = 1;

/** See `growYoungGenerationBy`. */
export type GrowBy = (factor: number) => void;

/**
 * Decides when V8's young generation may grow: while many messages flow, and not when many clients connect. V8 makes it
 * larger when much in it survives. That is so when clients connect, whose objects stay; then the room is of no use, and V8
 * does not give it back: 15,000 idle clients would cost twice as much as they have to. What messages leave behind is
 * garbage, which costs less to collect the larger the place is where it gathers: with QoS 1, a quarter of the CPU time.
 */
export class YoungGeneration {
  readonly #growBy: GrowBy;

  /** It stays as it is from now on. To be made before the broker. */
  constructor(growBy: GrowBy) {
    this.#growBy = growBy;
    growBy(STAYING);
  }

  /** Lets it grow when this broker needs it, for as long as the clock's timers run. */
  follow({ counters }: Broker, clock: Pick<Clock, 'every' | 'monotonicMs'>): void {
    let factor = STAYING;
    let messages = messagesOf(counters);
    let atMs = clock.monotonicMs();
    clock.every(CHECK_INTERVAL_MS, () => {
      const before = { messages, atMs };
      messages = messagesOf(counters);
      atMs = clock.monotonicMs();
      const messagesPerS = ((messages - before.messages) * 1000) / Math.max(1, atMs - before.atMs);
      const wanted = messagesPerS >= MANY_MESSAGES_PER_S ? GROWING : STAYING;
      if (wanted === factor) return;
      factor = wanted;
      this.#growBy(factor);
    });
  }
}

function messagesOf({ publishReceived, publishSent }: Broker['counters']): number {
  return publishReceived + publishSent;
}
