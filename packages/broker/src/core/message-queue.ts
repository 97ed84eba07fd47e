const SMALLEST_RING = 16;

/**
 * First in, first out: the messages that one session, or one shared group, has to wait for. A ring that doubles when it
 * is full, halves when three quarters of it are empty, and is let go with the last message: who waits for nothing pays
 * for nothing.
 */
export class MessageQueue<M extends { readonly bytes: number }> {
  /** Its length is a power of two; null where no message is. */
  #ring: (M | null)[] | null = null;
  #head = 0;
  #length = 0;
  #bytes = 0;

  get length(): number {
    return this.#length;
  }

  /** The sum of `bytes` of all messages. It must not change while a message is in here. */
  get bytes(): number {
    return this.#bytes;
  }

  push(message: M): void {
    if (this.#ring === null) this.#ring = new Array<M | null>(SMALLEST_RING).fill(null);
    else if (this.#length === this.#ring.length) this.#ring = this.#resized(this.#ring, this.#length * 2);
    this.#ring[(this.#head + this.#length) & (this.#ring.length - 1)] = message;
    this.#length++;
    this.#bytes += message.bytes;
  }

  /** Takes the oldest message out; undefined if there is none. */
  shift(): M | undefined {
    const ring = this.#ring;
    const message = ring?.[this.#head];
    if (ring === null || message === null || message === undefined) return undefined;
    ring[this.#head] = null;
    this.#head = (this.#head + 1) & (ring.length - 1);
    this.#length--;
    this.#bytes -= message.bytes;
    this.#shrink(ring);
    return message;
  }

  #shrink(ring: (M | null)[]): void {
    if (this.#length === 0) {
      this.#ring = null;
      this.#head = 0;
      return;
    }
    let size = ring.length;
    while (size > SMALLEST_RING && this.#length <= size / 4) size /= 2;
    if (size < ring.length) this.#ring = this.#resized(ring, size);
  }

  #resized(ring: (M | null)[], size: number): (M | null)[] {
    const resized = new Array<M | null>(size).fill(null);
    for (let i = 0; i < this.#length; i++) resized[i] = ring[(this.#head + i) & (ring.length - 1)];
    this.#head = 0;
    return resized;
  }
}
