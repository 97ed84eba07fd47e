import { ProtocolError, type Publish, ReasonCode } from '@cauldron/codec';

/** Topics with fewer characters are sent as they are: an alias is a property of three bytes, and the topic comes once. */
const SHORTEST_ALIASED = 24;
/** Topics whose first message is remembered, so that the second gets an alias. */
const REMEMBERED = 1_024;

/** The topic aliases that a server has set on one connection [MQTT-3.3.2-7]. */
export class TopicAliases {
  readonly #maximum: number;
  readonly #topics = new Map<number, string>();

  /** @param maximum the Topic Alias Maximum of our CONNECT; each alias up to it is taken [MQTT-3.3.2-10] */
  constructor(maximum: number) {
    this.#maximum = maximum;
  }

  /**
   * Sets or looks up the alias of a PUBLISH, and gives the packet its topic.
   * @throws ProtocolError TOPIC_ALIAS_INVALID above the maximum, PROTOCOL_ERROR for an alias that was never set
   */
  resolve(publish: Pick<Publish, 'topic' | 'properties'>): void {
    const alias = publish.properties?.topicAlias;
    if (alias === undefined) return;
    if (alias > this.#maximum) {
      throw new ProtocolError(
        ReasonCode.TOPIC_ALIAS_INVALID,
        `Topic alias ${alias} is above the maximum of ${this.#maximum}`,
      );
    }
    if (publish.topic !== '') {
      this.#topics.set(alias, publish.topic);
      return;
    }
    const topic = this.#topics.get(alias);
    if (topic === undefined) throw new ProtocolError(ReasonCode.PROTOCOL_ERROR, `Topic alias ${alias} was never set`);
    publish.topic = topic;
  }
}

/** What an alias stands for, in a PUBLISH. */
export interface SentAlias {
  readonly alias: number;
  /** Whether the server knows it already, so that the topic is left out. */
  readonly isKnown: boolean;
}

/**
 * The topic aliases that a client sets by itself on one connection [MQTT-3.3.2-17] [MQTT-3.3.2-18]: a topic that comes for the
 * second time gets one, as long as there are any.
 */
export class AutomaticAliases {
  readonly #maximum: number;
  readonly #aliases = new Map<string, number>();
  /** Topics that came once. */
  readonly #once = new Set<string>();

  /** @param maximum that of the CONNACK */
  constructor(maximum: number) {
    this.#maximum = maximum;
  }

  /** What to send for the topic of a message that is about to be sent; null: the topic itself. */
  of(topic: string): SentAlias | null {
    if (topic.length < SHORTEST_ALIASED) return null;
    const known = this.#aliases.get(topic);
    if (known !== undefined) return { alias: known, isKnown: true };
    if (this.#aliases.size === this.#maximum) return null;
    if (!this.#once.delete(topic)) {
      if (this.#once.size === REMEMBERED) this.#once.clear();
      this.#once.add(topic);
      return null;
    }
    const alias = this.#aliases.size + 1;
    this.#aliases.set(topic, alias);
    return { alias, isKnown: false };
  }
}
