import type { Context } from './context.js';
import type { Message } from './message.js';
import { LogType } from './ports/log.js';
import type { Session } from './session.js';
import type { Targets } from './targets.js';

/** Why something is refused, in the log; the store's own reason follows. */
export const STORE_TAKES_NOTHING = 'the store takes nothing new';

/**
 * What the broker does while its store takes nothing new (`Store.fault`). What would have to be stored is refused, before
 * anybody gets it: messages, subscriptions of lasting sessions, new lasting sessions. What was promised before is appended
 * all the same and waits for room: wills, and messages of a shared subscription whose member ended. All else goes on.
 */
export class StoreShortage {
  readonly #context: Context;
  #isKnown = false;

  constructor(context: Context) {
    this.#context = context;
  }

  /** Why nothing that has to be stored is taken now; null: all is well. */
  get reason(): string | null {
    const { fault } = this.#context.store;
    return fault === null ? null : `${STORE_TAKES_NOTHING}: ${fault}`;
  }

  /** Why the message is refused now; null: it is not. To be asked before anybody gets it. */
  reasonAgainst(message: Message, targets: Targets, origin: Session | null): string | null {
    const { reason } = this;
    if (reason === null) return null;
    if (message.retain && message.payload.length > 0) return reason;
    return message.qos > 0 && this.#context.router.needsStore(targets, message.topic, origin) ? reason : null;
  }

  /** Called by the store when its fault has changed. */
  faultChanged(fault: string | null): void {
    const { hooks, log } = this.#context;
    const isFault = fault !== null;
    // Only its words changed.
    if (isFault === this.#isKnown) return;
    this.#isKnown = isFault;
    if (isFault && log.types & LogType.ERROR) {
      log.write(
        LogType.ERROR,
        `Error: The store takes nothing new: ${fault}. Messages, subscriptions and sessions that have to be stored are refused, all else goes on. It recovers without a restart when there is room again.`,
      );
    }
    if (!isFault) this.#recover();
    hooks.storeFaultChanged(fault);
    this.#context.flush();
  }

  /** Clients before 5.0 could not be told that messages were refused: they send them again on a new connection. */
  #recover(): void {
    const { connections, log } = this.#context;
    const waiting = [...connections].filter(({ awaitsAnswers }) => awaitsAnswers);
    if (log.types & LogType.NOTICE) {
      const who = `${waiting.length} client${waiting.length === 1 ? ' is' : 's are'} disconnected`;
      const consequence = waiting.length === 0 ? '' : ` ${who}, to send again what was not acknowledged.`;
      log.write(LogType.NOTICE, `The store takes new data again.${consequence}`);
    }
    const why = 'the store takes new data again, and the client is to send again what was not acknowledged';
    for (const connection of waiting) connection.close({ reason: 'administrative action', why, publishWill: true });
    // Retained messages that waited for room.
    for (const { session } of [...connections]) session?.pump();
  }
}
