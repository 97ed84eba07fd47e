import { closeSync, openSync } from 'node:fs';
import { copyBytes } from '@cauldron/codec';
import { type Database, open, type RootDatabase, type Transaction } from 'lmdb';

/** What is kept apart, each sorted by its keys; see keys.ts and records.ts. */
export const TABLES = [
  'meta',
  'sessions',
  'subscriptions',
  'inflight',
  'inbound',
  'queues',
  'messages',
  'references',
  'retained',
  'leaving',
  'log',
] as const;
export type Table = (typeof TABLES)[number];

/**
 * Both are valid until the next read of any table: who wants to keep them copies them. Of a value, no more may be trusted
 * than its `length` and the bytes up to that: it lies in a larger piece of memory, which loops and copies would run
 * through (see `copyOf`).
 */
export interface KeyValue {
  readonly key: Buffer;
  readonly value: Uint8Array;
}

export interface EnvironmentOptions {
  /** The data file; LMDB puts its lock file beside it. */
  readonly path: string;
  /** For tools that look on while a broker writes: sees the state of the moment of opening, and never anything newer. */
  readonly readOnly: boolean;
  /** Commits do not wait for the disk: a power cut may leave a file that cannot be read. */
  readonly noSync: boolean;
}

type Bytes = Database<Uint8Array, Buffer>;

/** The changes of one commit, in their order. A key and a value that are put must not change until it is done. */
export interface Batch {
  put(table: Table, key: Buffer, value: Uint8Array): void;
  remove(table: Table, key: Buffer): void;
}

interface Change {
  readonly table: Table;
  readonly key: Buffer;
  /** Null: removed. */
  readonly value: Uint8Array | null;
}

/** The LMDB environment: tables of bytes, read at once, changed by commits that are on the disk when they resolve. */
export class Environment implements Batch {
  readonly isReadOnly: boolean;
  readonly #root: RootDatabase<Uint8Array, Buffer>;
  readonly #tables: ReadonlyMap<Table, Bytes>;
  /** Of every read: nothing, or the transaction that pins what is seen. */
  readonly #pinned: { readonly transaction?: Transaction };
  /** What LMDB counts would be of the present, not of what is pinned. */
  readonly #pinnedCounts: ReadonlyMap<Table, number> | null;
  readonly #pageBytes: number;
  /** Since the last commit. */
  #changes: Change[] = [];

  /** @throws Error of LMDB: no LMDB file, another version of it, no permission. */
  constructor({ path, readOnly, noSync }: EnvironmentOptions) {
    this.isReadOnly = readOnly;
    if (!readOnly) for (const file of [path, path + LOCK_SUFFIX]) makePrivate(file);
    this.#root = open<Uint8Array, Buffer>({
      path,
      noSubdir: true,
      readOnly,
      noSync,
      // Each commit waits for its own fsync: data first, then the page that makes them count.
      overlappingSync: false,
      maxDbs: TABLES.length,
      // With it, the process ends when a commit fails: for that it makes a promise that nobody gets.
      eventTurnBatching: false,
      ...BINARY,
    });
    this.#tables = new Map(TABLES.map((name) => [name, this.#root.openDB<Uint8Array, Buffer>({ name, ...BINARY })]));
    this.#pinned = readOnly ? { transaction: this.#root.useReadTransaction() } : {};
    const tables = [...this.#tables];
    this.#pinnedCounts = readOnly ? new Map(tables.map(([name, table]) => [name, statsOf(table).entryCount])) : null;
    this.#pageBytes = statsOf(this.#root).pageSize;
  }

  /** Valid until the next read of any table. */
  get(table: Table, key: Buffer): Uint8Array | undefined {
    return this.#of(table).get(key, this.#pinned);
  }

  has(table: Table, key: Buffer): boolean {
    return this.get(table, key) !== undefined;
  }

  /** What has keys from `start` up to but not including `end`, in order. */
  range(table: Table, start: Buffer, end: Buffer): Iterable<KeyValue> {
    return this.#of(table).getRange({ ...this.#pinned, start, end });
  }

  /**
   * The whole table. @throws Error in the end, when there were fewer records than there should be: at a damaged page, LMDB may
   * stop as if it were the last
   */
  *all(table: Table): Generator<KeyValue> {
    const count = this.count(table);
    let seen = 0;
    for (const record of this.#of(table).getRange({ ...this.#pinned, start: FIRST_KEY })) {
      seen++;
      yield record;
    }
    if (seen !== count) throw new Error(`${count - seen} of ${count} records of ${table} cannot be reached`);
  }

  /** The table from its end, as far as it can be read. */
  allBackwards(table: Table): Iterable<KeyValue> {
    return this.#of(table).getRange({ ...this.#pinned, end: FIRST_KEY, reverse: true });
  }

  /** The key that is the last one up to and including `key`; valid until the next read, as those of `keys` are. */
  keyUpTo(table: Table, key: Buffer): Buffer | undefined {
    const keys = this.#of(table).getKeys({ ...this.#pinned, start: key, end: FIRST_KEY, reverse: true, limit: 1 });
    for (const found of keys) return found;
    return undefined;
  }

  keys(table: Table, start: Buffer, end: Buffer): Iterable<Buffer> {
    return this.#of(table).getKeys({ ...this.#pinned, start, end });
  }

  count(table: Table): number {
    return this.#pinnedCounts?.get(table) ?? statsOf(this.#of(table)).entryCount;
  }

  put(table: Table, key: Buffer, value: Uint8Array): void {
    this.#changes.push({ table, key, value });
  }

  remove(table: Table, key: Buffer): void {
    // It may be one that was lent.
    this.#changes.push({ table, key: Buffer.from(key), value: null });
  }

  /** Forgets what was put and removed since the last commit. */
  discard(): void {
    this.#changes = [];
  }

  /**
   * Commits what was put and removed since the last commit. Resolves when it is on the disk. Rejects when none of it is.
   */
  async commit(): Promise<void> {
    const changes = this.#changes;
    if (changes.length === 0) return;
    this.#changes = [];
    try {
      await this.#root.batch(() => {
        for (const { table, key, value } of changes) {
          if (value === null) this.#of(table).remove(key);
          else this.#of(table).put(key, value);
        }
      });
    } catch (error) {
      throw await causeOf(error);
    }
    // Reads in this turn may have begun before the commit.
    this.#root.resetReadTxn();
  }

  /** Several changes at once, on the disk when it returns. For the start. */
  commitNow(change: (batch: Batch) => void): void {
    const batch: Batch = {
      put: (table, key, value) => this.#of(table).putSync(key, value),
      remove: (table, key) => {
        this.#of(table).removeSync(key);
      },
    };
    this.#root.transactionSync(() => change(batch));
    this.#root.resetReadTxn();
  }

  /** Bytes of the pages that hold something; the file may have free ones besides. */
  get usedBytes(): number {
    let pages = 0;
    for (const table of this.#tables.values()) {
      const { treeBranchPageCount, treeLeafPageCount, overflowPages } = statsOf(table);
      pages += treeBranchPageCount + treeLeafPageCount + overflowPages;
    }
    return pages * this.#pageBytes;
  }

  /** Writes a consistent copy without free pages to a new file, while commits go on. */
  copyTo(path: string): Promise<void> {
    return this.#root.backup(path, true);
  }

  async close(): Promise<void> {
    this.#pinned.transaction?.done();
    await this.#root.close();
  }

  #of(table: Table): Bytes {
    const found = this.#tables.get(table);
    if (found === undefined) throw new RangeError(`There is no table ${table}`);
    return found;
  }
}

/** A copy of a value that LMDB lends, for longer. */
export function copyOf(value: Uint8Array): Uint8Array {
  return Uint8Array.prototype.slice.call(value, 0, value.length);
}

/** What LMDB calls the file that it puts beside a data file. */
export const LOCK_SUFFIX = '-lock';

/** Makes the file, if there is none, so that only its owner can read what is in it. */
function makePrivate(path: string): void {
  closeSync(openSync(path, 'a', 0o600));
}

/** At or before all others. */
export const FIRST_KEY = Buffer.of(0);

/** By length: the key that was read last. An object for each would be the greater part of reading a table. */
const KEYS: Buffer[] = [];

/** Bytes as they are, without a copy of what LMDB lends. */
const BINARY = {
  encoding: 'binary',
  encoder: { encode: (value: Uint8Array): Uint8Array => value, decode: (value: Uint8Array): Uint8Array => value },
  keyEncoder: {
    writeKey(key: Uint8Array, target: Uint8Array, start: number): number {
      copyBytes(key, 0, key.length, target, start);
      return start + key.length;
    },
    readKey(target: Uint8Array, start: number, end: number): Buffer {
      const length = end - start;
      KEYS[length] ??= Buffer.alloc(length);
      copyBytes(target, start, end, KEYS[length], 0);
      return KEYS[length];
    },
  },
  cache: false,
} as const;

interface Stats {
  readonly pageSize: number;
  readonly entryCount: number;
  readonly treeBranchPageCount: number;
  readonly treeLeafPageCount: number;
  readonly overflowPages: number;
}

function statsOf(database: Bytes): Stats {
  return database.getStats() as Stats;
}

/** LMDB says "commit failed" to all who wait, and why in another promise. */
async function causeOf(reason: unknown): Promise<unknown> {
  if (!(reason instanceof Error) || !('commitError' in reason)) return reason;
  try {
    await reason.commitError;
    return reason;
  } catch (cause) {
    return cause;
  }
}
