import type { Context } from './context.js';
import type { Message } from './message.js';
import { LogType } from './ports/log.js';
import { RetainedTree } from './retained-tree.js';
import { STORE_TAKES_NOTHING } from './store-shortage.js';

/** The last retained message of each topic. */
export class RetainedMessages {
  readonly #context: Context;
  readonly #tree = new RetainedTree<Message>();

  constructor(context: Context) {
    this.#context = context;
  }

  get size(): number {
    return this.#tree.size;
  }

  /** For the start: what the store kept. */
  restore(message: Message): void {
    this.#tree.set(message.topic, message);
  }

  /** Takes a message that came with RETAIN: it replaces the one of its topic, or, when it is empty, clears it. */
  accept(message: Message): void {
    const { store } = this.#context;
    if (message.payload.length === 0) {
      // [MQTT-3.3.1-6] [MQTT-3.3.1-7]
      if (this.#tree.delete(message.topic)) store.append({ kind: 'retainedCleared', topic: message.topic });
      return;
    }
    // With QoS 1 and 2 it was refused before, or promised before.
    if (message.qos === 0 && store.fault !== null) {
      this.#forgo(message);
      return;
    }
    message.publishedAtMs = this.#context.clock.wallMs();
    this.#tree.set(message.topic, message.keep()); // [MQTT-3.3.1-5]
    // What the broker says of itself is not true any more once it has ended.
    if (message.publisher !== '' || !message.topic.startsWith('$SYS/')) store.append({ kind: 'retained', message });
  }

  #forgo({ publisher, topic }: Message): void {
    const { counters, log, sessions } = this.#context;
    counters.retainedNotKept++;
    if ((log.types & LogType.NOTICE) === 0 || sessions.get(publisher)?.mayReport('not kept') === false) return;
    log.write(
      LogType.NOTICE,
      `Not keeping the retained message of client ${publisher} for '${topic}': ${STORE_TAKES_NOTHING}.`,
    );
  }

  /** Those that match a filter, found one at a time; expired ones are cleared instead [MQTT-3.3.2-5]. */
  *match(filter: string): Generator<Message> {
    const { clock, store } = this.#context;
    for (const message of this.#tree.match(filter)) {
      if (message.isExpired(clock)) {
        this.#tree.delete(message.topic);
        store.append({ kind: 'retainedCleared', topic: message.topic });
      } else yield message;
    }
  }
}
