import type { Context } from './context.js';
import type { Message } from './message.js';
import { LogType } from './ports/log.js';
import type { Session } from './session.js';
import type { Targets } from './targets.js';

/** Why something is refused, in the log; the store's own reason follows. */
const STORE_TAKES_NOTHING = 'the store takes nothing new';

/** The same for the memory of the process; how much is in use follows. */
const MEMORY_LIMIT = 'memory_limit is reached';

const REFUSED = 'messages, subscriptions and sessions that have to be stored';

/**
 * What the broker does while its store takes nothing new (`Store.fault`), or while its memory is at its limit. What would
 * have to be stored is refused, before anybody gets it: messages, subscriptions of lasting sessions, new lasting sessions.
 * Without memory, all new sessions are. What was promised before is appended all the same and waits for room: wills, and
 * messages of a shared subscription whose member ended. All else goes on.
 */
export class StoreShortage {
  readonly #context: Context;
  #isFaultKnown = false;
  /** How much is in use, while the limit is reached. */
  #memoryUsage: string | null = null;

  constructor(context: Context) {
    this.#context = context;
  }

  /** Whether nothing that has to be stored is taken now. */
  get isShort(): boolean {
    return this.#memoryUsage !== null || this.#context.store.fault !== null;
  }

  /** Why, in a few words that stay the same while it lasts. */
  get summary(): string {
    return this.#context.store.fault === null ? MEMORY_LIMIT : STORE_TAKES_NOTHING;
  }

  /** Why nothing that has to be stored is taken now; null: all is well. */
  get reason(): string | null {
    const { fault } = this.#context.store;
    if (fault !== null) return `${STORE_TAKES_NOTHING}: ${fault}`;
    return this.#memoryUsage === null ? null : `${MEMORY_LIMIT}: ${this.#memoryUsage} are in use`;
  }

  /** Why the message is refused now; null: it is not. To be asked before anybody gets it. */
  reasonAgainst(message: Message, targets: Targets, origin: Session | null): string | null {
    const { reason } = this;
    if (reason === null) return null;
    if (message.retain && message.payload.length > 0) return reason;
    return message.qos > 0 && this.#context.router.needsStore(targets, message.topic, origin) ? reason : null;
  }

  /**
   * Why a client's session cannot begin or go on; null: it can. `known`: the one that the client has. `isNewToStore`: it
   * would have to be stored, and is not yet.
   */
  reasonAgainstSession(known: Session | undefined, isNewToStore: boolean): string | null {
    const isRefused = known === undefined ? isNewToStore || this.#memoryUsage !== null : isNewToStore;
    return isRefused ? this.reason : null;
  }

  /** Called by the store when its fault has changed. */
  faultChanged(fault: string | null): void {
    const { hooks } = this.#context;
    const isFault = fault !== null;
    // Only its words changed.
    if (isFault === this.#isFaultKnown) return;
    this.#isFaultKnown = isFault;
    if (isFault) {
      this.#logBegin(
        `The store takes nothing new: ${fault}. ${capitalized(REFUSED)} are refused, all else goes on. It recovers without a restart when there is room again.`,
      );
    } else this.#recover('the store takes new data again');
    hooks.storeFaultChanged(fault);
    this.#context.flush();
  }

  /** Called when the memory in use has reached its limit, or is well below it again. `usage`: how much it is. */
  memoryChanged(isReached: boolean, usage: string): void {
    this.#memoryUsage = isReached ? usage : null;
    if (isReached) {
      this.#logBegin(
        `memory_limit is reached: ${usage} are in use. New clients are refused, and ${REFUSED}; all else goes on. It recovers without a restart when clients take what waits for them, or when memory_limit is raised.`,
      );
    } else this.#recover(`memory in use is below memory_limit again: ${usage}`);
    this.#context.flush();
  }

  #logBegin(text: string): void {
    const { log } = this.#context;
    if (log.types & LogType.ERROR) log.write(LogType.ERROR, `Error: ${text}`);
  }

  /** Clients before 5.0 could not be told that messages were refused: they send them again on a new connection. */
  #recover(what: string): void {
    const { connections, log } = this.#context;
    const waiting = this.isShort ? [] : [...connections].filter(({ awaitsAnswers }) => awaitsAnswers);
    if (log.types & LogType.NOTICE) {
      const who = `${waiting.length} client${waiting.length === 1 ? ' is' : 's are'} disconnected`;
      const consequence = waiting.length === 0 ? '' : ` ${who}, to send again what was not acknowledged.`;
      log.write(LogType.NOTICE, `${capitalized(what)}.${consequence}`);
    }
    if (this.isShort) return;
    const why = `${what}, and the client is to send again what was not acknowledged`;
    for (const connection of waiting) connection.close({ reason: 'administrative action', why, publishWill: true });
    // Retained messages that waited for room.
    for (const { session } of [...connections]) session?.pump();
  }
}

function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
