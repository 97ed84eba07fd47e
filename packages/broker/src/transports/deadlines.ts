const CHECK_INTERVAL_MS = 1000;

/**
 * Things that all may last equally long. One timer serves all of them, and runs only while there are any; what is due is
 * found within a second.
 */
export class Deadlines<T> {
  readonly #lifeMs: number;
  readonly #expire: (item: T) => void;
  /** In the order of their deadlines, because all of them last equally long. */
  readonly #deadlines = new Map<T, number>();
  #timer: NodeJS.Timeout | null = null;

  /** `expire` is called once for each item that is still there when its time is over; it is no longer in here then. */
  constructor(lifeMs: number, expire: (item: T) => void) {
    this.#lifeMs = lifeMs;
    this.#expire = expire;
  }

  get size(): number {
    return this.#deadlines.size;
  }

  /** All of them, the oldest first. */
  items(): IterableIterator<T> {
    return this.#deadlines.keys();
  }

  add(item: T): void {
    this.#deadlines.set(item, performance.now() + this.#lifeMs);
    this.#timer ??= setInterval(() => this.#check(), CHECK_INTERVAL_MS).unref();
  }

  delete(item: T): void {
    this.#deadlines.delete(item);
  }

  #check(): void {
    const now = performance.now();
    for (const [item, deadline] of this.#deadlines) {
      if (deadline > now) break;
      this.#deadlines.delete(item);
      this.#expire(item);
    }
    if (this.#deadlines.size === 0 && this.#timer !== null) {
      clearInterval(this.#timer);
      this.#timer = null;
    }
  }
}
