/** How long an ended connection may take to send what is left and to be closed by its peer, before it is cut. */
export const LINGER_MS = 5000;
const CHECK_INTERVAL_MS = 1000;

interface Destroyable {
  destroy(): void;
}

/**
 * Connections that were ended and are not closed yet. A peer that reads nothing and closes nothing could hold them for
 * ever. One timer serves all of them, and runs only while there are any.
 */
class LingeringLinks {
  /** In the order of their deadlines, because all of them wait equally long. */
  readonly #deadlines = new Map<Destroyable, number>();
  #timer: NodeJS.Timeout | null = null;

  add(link: Destroyable): void {
    this.#deadlines.set(link, performance.now() + LINGER_MS);
    this.#timer ??= setInterval(() => this.#check(), CHECK_INTERVAL_MS).unref();
  }

  delete(link: Destroyable): void {
    this.#deadlines.delete(link);
  }

  #check(): void {
    const now = performance.now();
    for (const [link, deadline] of this.#deadlines) {
      if (deadline > now) break;
      this.#deadlines.delete(link);
      link.destroy();
    }
    if (this.#deadlines.size === 0 && this.#timer !== null) {
      clearInterval(this.#timer);
      this.#timer = null;
    }
  }
}

export const lingeringLinks = new LingeringLinks();
