import { ProtocolError, type Publish, ReasonCode } from '@cauldron/codec';

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
  resolve(publish: Publish): void {
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
