import type { Clock } from './ports/clock.js';
import type { Session } from './session.js';

/** How long sessions go on in one turn, ms: what comes from the network meanwhile waits for so long. */
const TURN_MS = 5;

/**
 * Sessions that have more to send than is good to do at once: retained messages for a new subscription, a long queue. Each
 * goes on by a slice in its turn, and in between the broker reads what others send.
 */
export class Backlog {
  readonly #clock: Clock;
  readonly #flush: () => void;
  /** In the order of their turns. */
  readonly #sessions = new Set<Session>();
  #isScheduled = false;

  constructor(clock: Clock, flush: () => void) {
    this.#clock = clock;
    this.#flush = flush;
  }

  /** Has `session.pump` called in a later turn; once, however often this is said. */
  add(session: Session): void {
    this.#sessions.add(session);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#clock.soon(this.#goOn);
  }

  readonly #goOn = (): void => {
    this.#isScheduled = false;
    const endMs = this.#clock.monotonicMs() + TURN_MS;
    // One that adds itself again comes behind the others.
    for (let left = this.#sessions.size; left > 0; left--) {
      const [session] = this.#sessions;
      this.#sessions.delete(session);
      session.pump();
      if (this.#clock.monotonicMs() >= endMs) break;
    }
    if (this.#sessions.size > 0) this.#schedule();
    this.#flush();
  };
}
