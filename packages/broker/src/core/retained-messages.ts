import type { Context } from './context.js';
import type { Message } from './message.js';
import { PayloadSlabs } from './payload-slabs.js';
import type { Principal } from './ports/access.js';
import { LogType } from './ports/log.js';
import { RetainedRecord } from './retained-record.js';
import { type RetainedSearch, RetainedTree } from './retained-tree.js';

/** Levels of topics that a search looks at in one go: a tenth of a millisecond or two. */
const SEARCH_SLICE = 500;

/** The last retained message of each topic. */
export class RetainedMessages {
  readonly #context: Context;
  readonly #tree = new RetainedTree<RetainedRecord>();
  readonly #slabs = new PayloadSlabs();
  #bytes = 0;

  constructor(context: Context) {
    this.#context = context;
  }

  get size(): number {
    return this.#tree.size;
  }

  /** The sum of `Message.bytes`. */
  get bytes(): number {
    return this.#bytes;
  }

  /** For the start: what the store kept. */
  restore(message: Message): void {
    this.#set(message);
  }

  /**
   * Takes a message that came with RETAIN: it replaces the one of its topic, or, when it is empty, clears it. `source`: who
   * published it; null for the broker itself.
   */
  accept(message: Message, source: Principal | null): void {
    const { shortage, store } = this.#context;
    if (message.payload.length === 0) {
      // [MQTT-3.3.1-6] [MQTT-3.3.1-7]
      if (this.#remove(message.topic)) store.append({ kind: 'retainedCleared', topic: message.topic });
      return;
    }
    // What the broker says of itself is not true any more once it has ended.
    const isStored = message.publisher !== '' || !message.topic.startsWith('$SYS/');
    // With QoS 1 and 2 it was refused before, or promised before.
    if (isStored && message.qos === 0 && shortage.isShort) {
      this.#forgo(message);
      return;
    }
    message.publishedAtMs = this.#context.clock.wallMs();
    message.source = source;
    message.keep();
    this.#set(message); // [MQTT-3.3.1-5]
    if (isStored) store.append({ kind: 'retained', message });
  }

  /** See `RetainedTree.levels`. */
  *levels(): Generator<{ readonly depth: number; readonly level: string; readonly value: Message | null }> {
    for (const { depth, level, value } of this.#tree.levels())
      yield { depth, level, value: value?.toMessage() ?? null };
  }

  /** Takes one away that the store does not have: nobody is told. */
  withdraw(topic: string): void {
    this.#remove(topic);
  }

  #forgo({ publisher, topic }: Message): void {
    const { counters, log, sessions, shortage } = this.#context;
    counters.retainedNotKept++;
    if ((log.types & LogType.NOTICE) === 0 || sessions.get(publisher)?.mayReport('not kept') === false) return;
    log.write(
      LogType.NOTICE,
      `Not keeping the retained message of client ${publisher} for '${topic}': ${shortage.summary}.`,
    );
  }

  /**
   * Those that match a filter, found one at a time; expired ones are cleared instead [MQTT-3.3.2-5]. Null: nothing was found
   * in a slice of the search, which may be long.
   */
  *match(filter: string): Generator<Message | null> {
    const { clock } = this.#context;
    const search = this.#tree.match(filter);
    for (let record = search.step(SEARCH_SLICE); !search.done || record !== null; record = search.step(SEARCH_SLICE)) {
      if (record === null) yield null;
      else if (record.isExpired(clock)) this.expire(record);
      else yield record.toMessage();
    }
  }

  /** See `RetainedTree.searches`. What they find may have expired. */
  searches(): RetainedSearch<RetainedRecord>[] {
    return this.#tree.searches();
  }

  /** Clears a message in here that has expired. */
  expire({ topic }: RetainedRecord): void {
    const { counters, store } = this.#context;
    counters.retainedExpired++;
    this.#remove(topic);
    store.append({ kind: 'retainedCleared', topic });
  }

  #set(message: Message): void {
    const record = new RetainedRecord(message, this.#slabs);
    const before = this.#tree.set(message.topic, record);
    this.#bytes += record.bytes;
    if (before !== null) this.#release(before);
  }

  /** False: there was none. */
  #remove(topic: string): boolean {
    const record = this.#tree.get(topic);
    if (record === undefined) return false;
    this.#tree.delete(topic);
    this.#release(record);
    return true;
  }

  #release(record: RetainedRecord): void {
    this.#bytes -= record.bytes;
    record.release(this.#slabs);
  }
}
