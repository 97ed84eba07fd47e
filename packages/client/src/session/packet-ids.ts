const HIGHEST = 65_535;

/**
 * The packet identifiers of one session: a PUBLISH, a SUBSCRIBE and an UNSUBSCRIBE each take one that is not in use, and
 * give it back when their handshake is over [MQTT-2.2.1-3]. An id is used again as late as possible, which keeps traces
 * readable.
 */
export class PacketIds {
  readonly #used = new Set<number>();
  #last = 0;

  /** An id from 1 to 65535; 0 when all are in use. */
  take(): number {
    if (this.#used.size === HIGHEST) return 0;
    let id = this.#last;
    do id = id === HIGHEST ? 1 : id + 1;
    while (this.#used.has(id));
    this.#last = id;
    this.#used.add(id);
    return id;
  }

  /** The id is in use: it was taken by an earlier process. */
  reserve(id: number): void {
    this.#used.add(id);
    this.#last = Math.max(this.#last, id);
  }

  giveBack(id: number): void {
    this.#used.delete(id);
  }
}
