import type { Entry } from '../../core/ports/store.js';
import { EntryEncoder, readEntries } from './entry-records.js';
import { type Batch, copyOf, type Environment, FIRST_KEY } from './environment.js';
import { logKey } from './keys.js';
import type { RecordWriter } from './record-writer.js';
import type { StoredMessage } from './stored-messages.js';

/** What an entry takes in a record besides its message, roughly. */
const ENTRY_BYTES = 16;

/** When it is looked for entries that are of no use any more, at the earliest. */
const TRIM_AT = 2048;

interface Pending {
  readonly entry: Entry;
  /** The message that it is about; null: it is about something else, or about one that the tables have. */
  readonly stored: StoredMessage | null;
}

/** Whether it would be missed after a crash. Entries about a message that came and went before it was written would not. */
function isNeeded({ stored }: Pending): boolean {
  if (stored === null || stored.isPinned) return true;
  return stored.references > 0 || stored.isLogged || stored.writtenReferences > 0;
}

/**
 * Entries in the order in which they were appended: where there is much to do, commits write them in one record, which
 * costs far less than changing the tables. The tables follow now and then, and the records are removed in the same commit.
 * After a crash the records are applied to what the tables have.
 */
export class EntryLog {
  /** Bytes of the records on the disk. */
  bytes = 0;
  /** When the oldest of them was written, ms; `Infinity`: there is none. */
  sinceMs = Number.POSITIVE_INFINITY;
  /** Bytes that the next record would have, roughly; at least as many as it will have but for long texts. */
  pendingBytes = 0;
  #pending: Pending[] = [];
  #committing: Pending[] = [];
  #committingBytes = 0;
  #trimAt = TRIM_AT;
  /** Of the next record. */
  #number = 0;

  /** Applies what the records on the disk have, oldest first. @throws ProtocolError when one is damaged */
  replay(environment: Environment, apply: (entry: Entry) => void): void {
    for (const { key, value } of environment.all('log')) {
      this.#number = Number(key.readBigUInt64BE()) + 1;
      this.bytes += value.length;
      // What it leads to may read other tables, and a record is lent until then.
      for (const entry of readEntries(copyOf(value))) apply(entry);
    }
  }

  /** Entries that wait for a commit. */
  get length(): number {
    return this.#pending.length;
  }

  add(entry: Entry, stored: StoredMessage | null): void {
    this.#pending.push({ entry, stored });
    this.pendingBytes += sizeOf(entry);
    if (this.#pending.length >= this.#trimAt) this.#trim();
  }

  /** Writes all that waits as one record. */
  write(batch: Batch, writer: RecordWriter, nowMs: number): void {
    const encoder = new EntryEncoder(writer);
    for (const pending of this.#pending) if (isNeeded(pending)) encoder.write(pending.entry);
    const record = writer.take();
    if (record.length > 0) {
      batch.put('log', logKey(this.#number++), record);
      this.sinceMs = Math.min(this.sinceMs, nowMs);
    }
    this.#committingBytes = record.length;
    this.#begin();
  }

  /** The tables get all, so no record is needed. */
  clear(environment: Environment): void {
    if (this.bytes > 0) {
      for (const key of environment.keys('log', FIRST_KEY, logKey(this.#number))) environment.remove('log', key);
    }
    this.#committingBytes = -this.bytes;
    this.#begin();
  }

  settle(isCommitted: boolean): void {
    if (isCommitted) {
      this.bytes += this.#committingBytes;
      if (this.bytes === 0) this.sinceMs = Number.POSITIVE_INFINITY;
    } else {
      this.#pending = [...this.#committing, ...this.#pending];
      for (const { entry } of this.#committing) this.pendingBytes += sizeOf(entry);
    }
    this.#committing = [];
  }

  #begin(): void {
    this.#committing = this.#pending;
    this.#pending = [];
    this.pendingBytes = 0;
    this.#trimAt = TRIM_AT;
  }

  #trim(): void {
    this.#pending = this.#pending.filter(isNeeded);
    this.pendingBytes = 0;
    for (const { entry } of this.#pending) this.pendingBytes += sizeOf(entry);
    this.#trimAt = Math.max(TRIM_AT, 2 * this.#pending.length);
  }
}

function sizeOf(entry: Entry): number {
  if (entry.kind !== 'queued' && entry.kind !== 'retained') return ENTRY_BYTES;
  const { topic, publisher, payload } = entry.message;
  return ENTRY_BYTES + topic.length + publisher.length + payload.length;
}
