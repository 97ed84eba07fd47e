/**
 * The topic aliases that a client set, for one connection [MQTT-3.3.2-7]. `V` is what the broker keeps for a topic.
 * Nothing is allocated before the first alias, and memory follows the aliases in use, not the maximum.
 */
export class InboundAliases<V> {
  /** The Topic Alias Maximum of the CONNACK: aliases are 1 to this, 0 to 65,535. */
  readonly maximum: number;
  #values: Map<number, V> | null = null;

  constructor(maximum: number) {
    this.maximum = maximum;
  }

  /** What `alias` stands for; undefined if it was not set: a protocol error of the client. */
  resolve(alias: number): V | undefined {
    return this.#values?.get(alias);
  }

  /**
   * Lets `alias` stand for `value` from now on. False, and nothing is set, for an alias that the client may not use: 0
   * [MQTT-3.3.2-8], or one above the maximum [MQTT-3.3.2-9].
   */
  set(alias: number, value: V): boolean {
    if (alias < 1 || alias > this.maximum) return false;
    this.#values ??= new Map();
    this.#values.set(alias, value);
    return true;
  }
}

/**
 * The topic aliases that the broker gives to the topics it sends to one client, for one connection: the first topics
 * get one, until the maximum is reached, and keep it.
 */
export class OutboundAliases {
  /**
   * How many there may be: not above the Topic Alias Maximum of the client's CONNECT [MQTT-3.3.2-11], and bounded by
   * the broker too, since every topic that has an alias is held in memory. 0 to 65,535.
   */
  readonly maximum: number;
  #aliases: Map<string, number> | null = null;

  constructor(maximum: number) {
    this.maximum = maximum;
  }

  /**
   * The alias of `topic`, as one number. Above 0: the client knows the alias, it alone is sent. Below 0: minus the
   * alias, which is new, so topic and alias are sent. 0: there is no alias to be had. A new alias counts as known from
   * here on, so call this only when nothing can stop the packet any more.
   */
  aliasFor(topic: string): number {
    const known = this.#aliases?.get(topic);
    if (known !== undefined) return known;
    const count = this.#aliases?.size ?? 0;
    if (count >= this.maximum) return 0;
    this.#aliases ??= new Map();
    this.#aliases.set(topic, count + 1);
    return -(count + 1);
  }
}
