/** What the aliases of one client stand for, as it defined them on this connection (MQTT 5.0, section 3.3.2.3.4). */
export class InboundAliases {
  readonly #topics: (Uint8Array | undefined)[];

  /** @param maximum the largest alias that the client was allowed; the caller sees to it. */
  constructor(maximum: number) {
    this.#topics = new Array<Uint8Array | undefined>(maximum + 1).fill(undefined);
  }

  /** Defines an alias, or gives it another meaning. */
  set(alias: number, topic: Uint8Array): void {
    this.#topics[alias] = topic;
  }

  /** The bytes of the topic; undefined: the alias was not defined. */
  resolve(alias: number): Uint8Array | undefined {
    return this.#topics[alias];
  }
}

/** The aliases that the broker uses towards one client: the first topics get them, and keep them. */
export class OutboundAliases {
  readonly #maximum: number;
  readonly #aliases = new Map<string, number>();

  constructor(maximum: number) {
    this.#maximum = maximum;
  }

  /** The alias that the client knows for this topic; 0: none. */
  known(topic: string): number {
    return this.#aliases.get(topic) ?? 0;
  }

  /** Gives a topic without one an alias, which has to go out together with the topic; 0: all are taken. */
  assign(topic: string): number {
    if (this.#aliases.size >= this.#maximum) return 0; // [MQTT-3.1.2-26]
    const alias = this.#aliases.size + 1;
    this.#aliases.set(topic, alias);
    return alias;
  }
}
