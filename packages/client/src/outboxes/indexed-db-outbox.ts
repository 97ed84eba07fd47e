import type { Outbox, OutboxRecord } from '../outbox.js';
import { GroupCommit } from './group-commit.js';
import { RecordTable } from './indexed-db.js';
import { LiveRecords } from './live-records.js';
import { OutboxDamaged, OutboxError } from './outbox-error.js';
import { decodeRecord, encodeRecord } from './record-codec.js';
import { takeWebLock } from './web-lock.js';

/**
 * An outbox in a browser's IndexedDB. The messages of a client with a lasting session survive its page: a reload, a crash,
 * a closed tab. A record is durable (in a transaction with strict durability) before anything is sent that rests on it;
 * what is over is deleted. One page uses it at a time, which a Web Lock sees to where the browser has them (pages that
 * came by https:, and those of localhost).
 *
 * Its methods reject with OutboxError: another page has it, the browser does not let the page store anything, or not so
 * much; and with OutboxDamaged when something else is in the database.
 * @param name of the database, one for each client of the page's origin
 */
export function indexedDbOutbox(name: string): Outbox {
  return new IndexedDbOutbox(name);
}

interface RecordKey {
  /** Null: it is not in the database (yet). */
  key: number | null;
  /** Nobody needs it any more. */
  isDead: boolean;
}

interface PendingRecord {
  readonly bytes: Uint8Array;
  readonly place: RecordKey;
}

class IndexedDbOutbox implements Outbox {
  readonly #name: string;
  #table: RecordTable | null = null;
  #unlock: () => void = () => {};
  #wasOpened = false;
  readonly #live = new LiveRecords<RecordKey>();
  #pending: PendingRecord[] = [];
  /** What is to be deleted. */
  #dead: RecordKey[] = [];
  readonly #commits = new GroupCommit(() => this.#write(this.#openTable()));

  constructor(name: string) {
    this.#name = name;
  }

  async open(): Promise<readonly OutboxRecord[]> {
    if (this.#wasOpened) throw new TypeError(`The outbox ${this.#name} can be opened once`);
    this.#wasOpened = true;
    try {
      this.#unlock = await takeWebLock(this.#name);
      const table = await RecordTable.open(this.#name);
      this.#table = table;
      return this.#taken(await table.read());
    } catch (error) {
      this.#end();
      throw this.#explained('cannot be opened', error);
    }
  }

  append(record: OutboxRecord): void {
    this.#openTable();
    const bytes = encodeRecord(record);
    const place: RecordKey = { key: null, isDead: false };
    for (const dead of this.#live.add(record, place)) {
      dead.isDead = true;
      // What only says that others are over need not be stored: these go in the same transaction.
      if (dead !== place) this.#dead.push(dead);
    }
    if (!place.isDead) this.#pending.push({ bytes, place });
  }

  commit(): Promise<void> {
    return this.#commits.commit(this.#pending.length > 0 || this.#dead.length > 0);
  }

  async close(): Promise<void> {
    this.#openTable();
    try {
      await this.commit();
    } finally {
      await this.#commits.rest;
      this.#end();
    }
  }

  #openTable(): RecordTable {
    if (this.#table === null) throw new OutboxError(`The outbox ${this.#name} is not open`);
    return this.#table;
  }

  #end(): void {
    this.#table?.close();
    this.#table = null;
    this.#unlock();
  }

  /** All of what earlier pages left is alive, because they deleted the rest. */
  #taken(rows: readonly { key: number; bytes: Uint8Array }[]): readonly OutboxRecord[] {
    return rows.map(({ key, bytes }) => {
      if (!(bytes instanceof Uint8Array)) throw new OutboxDamaged(`The database ${this.#name} is not an outbox`);
      const record = decodeRecord(bytes);
      this.#live.add(record, { key, isDead: false });
      return record;
    });
  }

  /** What could not be written stays, for the next time. */
  async #write(table: RecordTable): Promise<void> {
    const pending = this.#pending.filter(({ place }) => !place.isDead);
    const dead = this.#dead;
    this.#pending = [];
    this.#dead = [];
    try {
      const keys = await table.write(
        pending.map(({ bytes }) => bytes),
        dead.map(({ key }) => key).filter((key) => key !== null),
      );
      pending.forEach(({ place }, i) => {
        place.key = keys[i];
      });
    } catch (error) {
      this.#pending = pending.concat(this.#pending);
      this.#dead = dead.concat(this.#dead);
      throw this.#explained('cannot be written', error);
    }
  }

  #explained(what: string, error: unknown): Error {
    if (error instanceof OutboxError) return error;
    const reason = error instanceof Error ? (REASONS[error.name] ?? error.message) : String(error);
    return new OutboxError(`The outbox ${this.#name} ${what}: ${reason}`, { cause: error });
  }
}

const REASONS: Readonly<Record<string, string>> = {
  QuotaExceededError: 'the browser gives the page no more room',
  SecurityError: 'the browser does not let the page store anything',
  VersionError: 'a later version has written it',
};
