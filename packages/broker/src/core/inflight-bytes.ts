/**
 * How many bytes of payload are in flight to one client, for `max_inflight_bytes`: a number for each packet id, because
 * sessions that end with their connection keep no messages. Made only where that limit is set.
 */
export class InflightBytes {
  readonly #byId = new Map<number, number>();
  #total = 0;

  get total(): number {
    return this.#total;
  }

  /** The message was sent with this id, which is not in here. */
  add(id: number, bytes: number): void {
    this.#byId.set(id, bytes);
    this.#total += bytes;
  }

  /** The id is free again. One that was sent before the limit was set is not in here. */
  remove(id: number): void {
    this.#total -= this.#byId.get(id) ?? 0;
    this.#byId.delete(id);
  }
}
