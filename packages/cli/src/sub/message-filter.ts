import { createHash } from 'node:crypto';
import { topicMatches } from '@cauldron/codec';
import { payloadTimeMs } from '../decode/payload-times.js';
import type { PrintedMessage } from '../format/printed-message.js';

export interface FilterFlags {
  /** `-T` */
  readonly filterOut?: readonly string[] | undefined;
  /** `-R` */
  readonly noRetained?: boolean | undefined;
  /** `--since`, in ms since 1970. */
  readonly sinceMs?: number | undefined;
  /** `--changes` */
  readonly changes?: boolean | undefined;
}

/** Says which messages are printed. */
export class MessageFilter {
  readonly #filterOut: readonly string[];
  readonly #noRetained: boolean;
  readonly #sinceMs: number | null;
  readonly #last: LastPayloads | null;

  constructor({ filterOut = [], noRetained = false, sinceMs, changes = false }: FilterFlags) {
    this.#filterOut = filterOut;
    this.#noRetained = noRetained;
    this.#sinceMs = sinceMs ?? null;
    this.#last = changes ? new LastPayloads() : null;
  }

  /** Whether its topic is one of those that are left out. */
  excludes(topic: string): boolean {
    for (const filter of this.#filterOut) if (topicMatches(filter, topic)) return true;
    return false;
  }

  /** To be asked once for each message, of a topic that is not excluded. */
  takes(message: PrintedMessage): boolean {
    if (this.#noRetained && message.retain) return false;
    if (this.#sinceMs !== null && !isAsNew(message, this.#sinceMs)) return false;
    return this.#last === null || this.#last.differs(message);
  }
}

/**
 * By the time in the payload, where it says one (`tst` of OwnTracks, and others). Otherwise what is retained is old: nobody
 * knows its time; and all else is published just now.
 */
function isAsNew({ payload, retain }: PrintedMessage, sinceMs: number): boolean {
  const timeMs = payloadTimeMs(payload);
  return timeMs === null ? !retain && Date.now() >= sinceMs : timeMs >= sinceMs;
}

/** Payloads up to this size are kept as they are, larger ones as a hash. */
const LARGEST_KEPT = 64;
/** It bounds the memory that endless topics can take; the one that has not changed for the longest time is forgotten. */
const MAX_TOPICS = 500_000;

class LastPayloads {
  readonly #byTopic = new Map<string, Buffer>();

  /** Whether the payload is another one than that of the last message of its topic, as which it counts from now on. */
  differs({ topic, payload }: PrintedMessage): boolean {
    const now =
      payload.length <= LARGEST_KEPT ? Buffer.from(payload) : createHash('sha512').update(payload).update(':').digest();
    const last = this.#byTopic.get(topic);
    if (last?.equals(now)) return false;
    this.#byTopic.delete(topic);
    this.#byTopic.set(topic, now);
    if (this.#byTopic.size > MAX_TOPICS) {
      for (const [oldest] of this.#byTopic) {
        this.#byTopic.delete(oldest);
        break;
      }
    }
    return true;
  }
}
