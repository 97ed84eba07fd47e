/** Who wants to know of which event. `Events` maps the names to what is told. */
export class Listeners<Events> {
  readonly #lists = new Map<keyof Events, Set<(value: never) => void>>();

  /**
   * What a listener throws becomes an uncaught exception.
   * @returns a function that takes the listener away again
   */
  on<Name extends keyof Events>(name: Name, listener: (value: Events[Name]) => void): () => void {
    const list = this.#lists.get(name) ?? new Set();
    this.#lists.set(name, list);
    list.add(listener);
    return () => list.delete(listener);
  }

  /**
   * @returns what the next event of this name tells
   * @throws (rejects) the reason of `signal`, which ends the waiting
   */
  once<Name extends keyof Events>(name: Name, { signal }: { signal?: AbortSignal } = {}): Promise<Events[Name]> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason);
        return;
      }
      const settle = (done: () => void) => {
        forget();
        signal?.removeEventListener('abort', abort);
        done();
      };
      const abort = () => settle(() => reject(signal?.reason));
      const forget = this.on(name, (value) => settle(() => resolve(value)));
      signal?.addEventListener('abort', abort);
    });
  }

  tell<Name extends keyof Events>(name: Name, value: Events[Name]): void {
    const list = this.#lists.get(name) as Set<(value: Events[Name]) => void> | undefined;
    if (list === undefined) return;
    for (const listener of [...list]) {
      try {
        listener(value);
      } catch (error) {
        throwLater(error);
      }
    }
  }
}

/**
 * Throws outside of the current call: an error in somebody's handler is neither swallowed nor does it disturb the
 * connection in the middle of a packet.
 */
export function throwLater(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
