/** What came on one topic. */
export interface Tally {
  messages: number;
  bytes: number;
}

/** It bounds the memory that endless topics can take: what comes on further ones is put together. */
const MAX_TOPICS = 500_000;
/** No topic has this name: it would be a filter. */
const OTHERS = '#';

/** Counts messages and bytes by topic. */
export class TopicTallies {
  readonly #byTopic = new Map<string, Tally>();

  get size(): number {
    return this.#byTopic.size;
  }

  add(topic: string, bytes: number): void {
    const tally = this.#byTopic.get(topic) ?? this.#begin(topic);
    tally.messages++;
    tally.bytes += bytes;
  }

  /** Most messages first, then by name. */
  sorted(): [topic: string, tally: Tally][] {
    return [...this.#byTopic].sort(
      ([topic, { messages }], [other, { messages: otherMessages }]) =>
        otherMessages - messages || (topic < other ? -1 : 1),
    );
  }

  #begin(topic: string): Tally {
    const name = this.#byTopic.size < MAX_TOPICS ? topic : OTHERS;
    const tally = this.#byTopic.get(name) ?? { messages: 0, bytes: 0 };
    this.#byTopic.set(name, tally);
    return tally;
  }
}
