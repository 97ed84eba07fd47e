/** More than a core can bring to an end in half a second. Each takes some 30 KB. */
const MAX_HANDSHAKES = 1000;

interface Abortable {
  /** Ends the connection, for this reason. */
  abort(reason: string): void;
}

/**
 * TLS handshakes that have begun and are not done. A handshake takes memory long before it is known who asks for it, so
 * their number is bounded: the oldest gives way to a new one. Those who mean it are through long before it is their turn.
 */
export class Handshakes {
  readonly #limit: number;
  /** In the order in which they began. */
  readonly #pending = new Set<Abortable>();

  constructor(limit: number = MAX_HANDSHAKES) {
    this.#limit = limit;
  }

  get pending(): number {
    return this.#pending.size;
  }

  begin(link: Abortable): void {
    if (this.#pending.size >= this.#limit) {
      const [oldest] = this.#pending;
      this.#pending.delete(oldest);
      oldest.abort(`TLS: ${this.#limit} others began a handshake before this one was done`);
    }
    this.#pending.add(link);
  }

  /** It is done, or its connection is gone. */
  finish(link: Abortable): void {
    this.#pending.delete(link);
  }
}
