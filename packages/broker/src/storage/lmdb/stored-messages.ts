import type { Message } from '../../core/message.js';
import type { Position, Ticket } from '../../core/ports/store.js';
import { SHARDS } from '../../core/ports/store.js';
import type { Batch, Environment } from './environment.js';
import { messageKey } from './keys.js';
import type { RecordWriter } from './record-writer.js';
import { readerOf, readMessage, readUint, writeMessage } from './records.js';

/** A message that is in memory because the disk does not have it yet, or has another number of references. */
export class StoredMessage {
  readonly shard: number;
  readonly position: Position;
  /** Null: the disk has it. */
  message: Message | null;
  /** Of the entry that brought it. */
  readonly ticket: Ticket;
  /** When that was, in ms. */
  readonly sinceMs: number;
  /** Sessions that are not done with it. */
  references = 0;
  /** What the disk says of that, or will with the commit under way; 0: it does not have the message. */
  writtenReferences: number;
  /** It is in a list of what the disk has to be told. */
  isListed = false;
  /** The commit under way is about it. */
  isCommitting = false;
  /** A record of the log has it, or will with the commit under way. */
  isLogged = false;
  /** Its entries did something else besides, so the log has to have them even if it came and went. */
  isPinned = false;

  constructor(
    shard: number,
    position: Position,
    message: Message | null,
    ticket: Ticket,
    sinceMs: number,
    writtenReferences: number,
  ) {
    this.shard = shard;
    this.position = position;
    this.message = message;
    this.ticket = ticket;
    this.sinceMs = sinceMs;
    this.references = writtenReferences;
    this.writtenReferences = writtenReferences;
  }

  /** Somebody waits for it, and the tables do not have it. */
  get isUnwritten(): boolean {
    return this.references > 0 && this.writtenReferences === 0;
  }

  /** Somebody waits for it, and the disk does not have it at all. */
  get isHeld(): boolean {
    return !this.isLogged && this.isUnwritten;
  }
}

interface Written {
  readonly stored: StoredMessage;
  readonly before: number;
}

/** The messages that sessions wait for or have in flight, by shard and position, each once with a reference count. */
export class StoredMessages {
  /** How many there are. */
  count: number;
  readonly #environment: Environment;
  /** Those that are listed, or in the commit under way. */
  readonly #shards: readonly Map<Position, StoredMessage>[] = Array.from({ length: SHARDS }, () => new Map());
  /** The highest position of each shard that an entry used. */
  readonly lastPositions: Position[] = new Array(SHARDS).fill(0);
  /** In order of their tickets: those that the disk did not have when they came. */
  #held: StoredMessage[] = [];
  /** Where those begin that may still be held. */
  #firstHeld = 0;
  /** Those that the log has and the tables do not. */
  #logged: StoredMessage[] = [];
  /** Of them, those that came to the log with the commit under way. */
  #logging: StoredMessage[] = [];
  /** Those that the disk has, with another number of references. */
  #changed: StoredMessage[] = [];
  #committing: Written[] = [];

  constructor(environment: Environment) {
    this.#environment = environment;
    this.count = environment.count('messages');
  }

  get held(): number {
    return this.#held.length - this.#firstHeld;
  }

  /** The oldest that somebody waits for and the disk does not have. */
  get oldestHeld(): StoredMessage | undefined {
    const held = this.#held;
    while (this.#firstHeld < held.length && !held[this.#firstHeld].isHeld) this.#firstHeld++;
    if (this.#firstHeld > 4096 && this.#firstHeld * 2 > held.length) {
      this.#held = held.slice(this.#firstHeld);
      this.#firstHeld = 0;
    }
    return this.#held[this.#firstHeld];
  }

  /** A message for this position, or the one that is there already. It has no references of the new entry yet. */
  add(shard: number, position: Position, message: Message, ticket: Ticket, nowMs: number): StoredMessage {
    const known = this.#shards[shard].get(position) ?? this.#known(shard, position);
    if (known !== undefined) {
      // The commit under way may be removing it from the disk.
      known.message ??= message;
      return known;
    }
    return new StoredMessage(shard, position, message, ticket, nowMs, 0);
  }

  /** One session more waits for it. */
  retain(stored: StoredMessage): void {
    stored.references++;
    if (stored.references === 1) this.count++;
    if (stored.isListed) return;
    stored.isListed = true;
    this.#shards[stored.shard].set(stored.position, stored);
    if (stored.writtenReferences === 0) this.#held.push(stored);
    else this.#changed.push(stored);
  }

  /** One session is done with it. True: the disk never had it. */
  release(shard: number, position: Position): boolean {
    const messages = this.#shards[shard];
    let stored = messages.get(position);
    if (stored === undefined) {
      stored = new StoredMessage(shard, position, null, 0, 0, this.#referencesOnDisk(shard, position));
      messages.set(position, stored);
    }
    stored.references--;
    if (stored.references <= 0) this.count--;
    if (stored.writtenReferences === 0) {
      if (stored.references === 0) {
        stored.isListed = false;
        this.#forgetIfSettled(stored);
      }
      return !stored.isLogged;
    }
    if (!stored.isListed) {
      stored.isListed = true;
      this.#changed.push(stored);
    }
    return false;
  }

  /** Undefined: it is not there. */
  read(shard: number, position: Position): Message | undefined {
    const message = this.#shards[shard].get(position)?.message;
    if (message !== undefined && message !== null) return message;
    const value = this.#environment.get('messages', messageKey(shard, position));
    return value === undefined ? undefined : readMessage(readerOf(value, 'a message'));
  }

  /** The commit that begins now brings those that are held to the log. */
  log(): void {
    for (let i = this.#firstHeld; i < this.#held.length; i++) {
      const stored = this.#held[i];
      if (!stored.isHeld) continue;
      stored.isLogged = true;
      this.#logging.push(stored);
      this.#logged.push(stored);
    }
    this.#held = [];
    this.#firstHeld = 0;
  }

  /** Brings all to the tables. */
  write(batch: Batch, writer: RecordWriter): void {
    for (const stored of this.#logged) if (stored.isUnwritten) this.#write(stored, batch, writer);
    this.#logged = [];
    for (let i = this.#firstHeld; i < this.#held.length; i++) {
      const stored = this.#held[i];
      if (stored.isHeld) this.#write(stored, batch, writer);
    }
    for (const stored of this.#changed) {
      if (stored.references !== stored.writtenReferences) this.#write(stored, batch, writer);
      else {
        stored.isListed = false;
        this.#forgetIfSettled(stored);
      }
    }
    this.#held = [];
    this.#firstHeld = 0;
    this.#changed = [];
  }

  settle(isCommitted: boolean): void {
    if (!isCommitted && this.#logging.length > 0) {
      for (const stored of this.#logging) stored.isLogged = false;
      this.#logged = this.#logged.filter(({ isLogged }) => isLogged);
      this.#held = [...this.#logging, ...this.#held.slice(this.#firstHeld)];
      this.#firstHeld = 0;
    }
    this.#logging = [];
    const written = this.#committing;
    this.#committing = [];
    for (const { stored } of written) stored.isCommitting = false;
    if (!isCommitted) this.#restoreUnwritten(written);
    for (const { stored } of written) this.#forgetIfSettled(stored);
  }

  #write(stored: StoredMessage, batch: Batch, writer: RecordWriter): void {
    const { shard, position, message, references, writtenReferences } = stored;
    const key = messageKey(shard, position);
    this.#committing.push({ stored, before: writtenReferences });
    stored.writtenReferences = references;
    stored.isListed = false;
    stored.isCommitting = true;
    if (references === 0) {
      batch.remove('messages', key);
      if (writtenReferences > 1) batch.remove('references', key);
      return;
    }
    if (writtenReferences === 0 && message !== null) {
      writeMessage(writer, message);
      batch.put('messages', key, writer.take());
    }
    if (references > 1) {
      writer.uint(references);
      batch.put('references', key, writer.take());
    } else if (writtenReferences > 1) batch.remove('references', key);
  }

  /** The disk did not take them: they are as they were before, and come before those that came meanwhile. */
  #restoreUnwritten(written: readonly Written[]): void {
    const held: StoredMessage[] = [];
    const changed: StoredMessage[] = [];
    for (const { stored, before } of written) {
      stored.writtenReferences = before;
      stored.isListed = stored.references !== before;
      if (stored.isListed && before === 0 && stored.isLogged) this.#logged.push(stored);
      else if (stored.isListed) (before === 0 ? held : changed).push(stored);
    }
    const restored = new Set(written.map(({ stored }) => stored));
    const others = (stored: StoredMessage): boolean => !restored.has(stored);
    this.#held = [...held, ...this.#held.slice(this.#firstHeld).filter(others)];
    this.#firstHeld = 0;
    this.#changed = [...changed, ...this.#changed.filter(others)];
  }

  /** If the disk has all that is known of it, it is not kept in memory. */
  #forgetIfSettled(stored: StoredMessage): void {
    if (!stored.isListed && !stored.isCommitting) this.#shards[stored.shard].delete(stored.position);
  }

  /** A message at a position that is not new: an entry that was held back, or one for further sessions. */
  #known(shard: number, position: Position): StoredMessage | undefined {
    if (position > this.lastPositions[shard]) {
      this.lastPositions[shard] = position;
      return undefined;
    }
    if (!this.#environment.has('messages', messageKey(shard, position))) return undefined;
    const references = this.#referencesOnDisk(shard, position);
    return new StoredMessage(shard, position, null, 0, 0, references);
  }

  #referencesOnDisk(shard: number, position: Position): number {
    const value = this.#environment.get('references', messageKey(shard, position));
    return value === undefined ? 1 : readUint(readerOf(value, 'a number of references'), 'the number');
  }
}
