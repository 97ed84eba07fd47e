import type { Entry, Store } from '@cauldron/broker';

/** As many entries, or bytes in them, may wait for the disk. */
const MAX_WAITING_ENTRIES = 5000;
const MAX_WAITING_BYTES = 16 * 1024 * 1024;

/** The store takes nothing more; the message says why. */
export class StoreFull extends Error {
  override readonly name = 'StoreFull';
}

/** Brings many entries into a store that no broker uses, no faster than the disk takes them. */
export class StoreWriter {
  readonly #store: Store;
  #waitingEntries = 0;
  #waitingBytes = 0;
  #wake: () => void = () => {};

  /** The store's callbacks are this object's from now on. */
  constructor(store: Store) {
    this.#store = store;
    store.onCommit = () => this.#wake();
    store.onFault = () => this.#wake();
  }

  append(entry: Entry): void {
    this.#store.append(entry);
    this.#waitingEntries++;
    if (entry.kind === 'queued' || entry.kind === 'retained') this.#waitingBytes += entry.message.bytes;
  }

  /** Whether so much waits that `settle` is due. */
  get isFull(): boolean {
    return this.#waitingEntries >= MAX_WAITING_ENTRIES || this.#waitingBytes >= MAX_WAITING_BYTES;
  }

  /** Resolves when everything is on the disk. @throws (rejects) StoreFull */
  async settle(): Promise<void> {
    const store = this.#store;
    while (store.committed < store.appended) {
      if (store.fault !== null) throw new StoreFull(store.fault);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    this.#waitingEntries = 0;
    this.#waitingBytes = 0;
  }
}
