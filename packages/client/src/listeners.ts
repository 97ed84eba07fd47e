/** Who wants to know of which event. `Events` maps the names to what is told. */
export class Listeners<Events> {
  readonly #lists = new Map<keyof Events, Set<(value: never) => void>>();

  /** @returns a function that takes the listener away again */
  add<Name extends keyof Events>(name: Name, listener: (value: Events[Name]) => void): () => void {
    const list = this.#lists.get(name) ?? new Set();
    this.#lists.set(name, list);
    list.add(listener);
    return () => list.delete(listener);
  }

  tell<Name extends keyof Events>(name: Name, value: Events[Name]): void {
    const list = this.#lists.get(name) as Set<(value: Events[Name]) => void> | undefined;
    if (list === undefined) return;
    for (const listener of list) {
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
