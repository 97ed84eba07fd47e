// IndexedDB with promises: what an outbox needs of it. Browsers have it; the types say of it what is used here.

interface Failable {
  readonly error: Error | null;
}

interface Request<T> extends Failable {
  readonly result: T;
  onsuccess: (() => void) | null;
  onerror: (() => void) | null;
}

interface OpenRequest extends Request<Database> {
  onupgradeneeded: (() => void) | null;
}

interface Factory {
  open(name: string, version: number): OpenRequest;
}

interface ObjectStore {
  add(value: Uint8Array): Request<unknown>;
  delete(key: number): Request<unknown>;
  getAll(): Request<unknown[]>;
  getAllKeys(): Request<unknown[]>;
}

interface Transaction extends Failable {
  oncomplete: (() => void) | null;
  onabort: (() => void) | null;
  abort(): void;
  objectStore(name: string): ObjectStore;
}

interface Database {
  createObjectStore(name: string, options: { autoIncrement: boolean }): ObjectStore;
  transaction(store: string, mode: 'readonly' | 'readwrite', options?: { durability: 'strict' }): Transaction;
  close(): void;
}

const VERSION = 1;
const STORE = 'records';

/** One list of bytes, each with a number that grows from one to the next. */
export class RecordTable {
  readonly #database: Database;

  private constructor(database: Database) {
    this.#database = database;
  }

  /** @throws (rejects) what the browser says, which may be that it has no such thing */
  static async open(name: string): Promise<RecordTable> {
    const { indexedDB } = globalThis as { indexedDB?: Factory };
    if (indexedDB === undefined) throw new Error('there is no IndexedDB');
    const request = indexedDB.open(name, VERSION);
    request.onupgradeneeded = () => {
      request.result.createObjectStore(STORE, { autoIncrement: true });
    };
    return new RecordTable(await resultOf(request));
  }

  /** All that is there, in the order of its keys. */
  async read(): Promise<{ key: number; bytes: Uint8Array }[]> {
    const store = this.#database.transaction(STORE, 'readonly').objectStore(STORE);
    const [keys, values] = await Promise.all([resultOf(store.getAllKeys()), resultOf(store.getAll())]);
    return values.map((bytes, i) => ({ key: keys[i] as number, bytes: bytes as Uint8Array }));
  }

  /**
   * Adds and removes in one transaction: all of it is on the disk when this resolves, and none of it when it rejects.
   * @returns the keys of what was added
   */
  write(added: readonly Uint8Array[], removed: readonly number[]): Promise<number[]> {
    return new Promise((resolve, reject) => {
      const transaction = this.#database.transaction(STORE, 'readwrite', { durability: 'strict' });
      transaction.onabort = () => reject(transaction.error ?? new Error('the transaction was aborted'));
      const store = transaction.objectStore(STORE);
      try {
        const requests = added.map((bytes) => store.add(bytes));
        for (const key of removed) store.delete(key);
        transaction.oncomplete = () => resolve(requests.map(({ result }) => result as number));
      } catch (error) {
        reject(error);
        transaction.abort();
      }
    });
  }

  close(): void {
    this.#database.close();
  }
}

function resultOf<T>(request: Request<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
