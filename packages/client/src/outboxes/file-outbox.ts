import { randomBytes } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import type { Outbox, OutboxRecord } from '../outbox.js';
import { openExisting, readAt, realPathOf, reasonOf, replaceFile, syncFolder, writeAt } from './durable-file.js';
import { FileLock } from './file-lock.js';
import { GroupCommit } from './group-commit.js';
import { LiveRecords } from './live-records.js';
import { OutboxError } from './outbox-error.js';
import {
  damagedAt,
  frameOf,
  HEADER_SIZE,
  headerWith,
  MARK_SIZE,
  type RecordPlace,
  readLog,
  withLength,
} from './outbox-log.js';
import { decodeRecord, encodeRecord } from './record-codec.js';

/** The file is rewritten when more than this (bytes) of it says nothing any more, and that is more than half of it. */
const COMPACT_AT = 1_048_576;
/** Bytes of a frame when the file is rewritten. */
const COPIED_FRAME = 1_048_576;
/** Only its owner may read what is in there: messages. */
const MODE = 0o600;

/**
 * An outbox in a file, for Node. The messages of a client with a lasting session survive its process, and a loss of power:
 * a record is durable (written, and flushed by `fdatasync`) before anything is sent that rests on it. The file grows by
 * what is published, and is rewritten when it is mostly of no use any more. A client uses it alone; a lock, a socket beside
 * the file, sees to that, and is free again when its process is gone.
 *
 * Its methods reject with OutboxError: another process has the file, permissions, a full disk; and with OutboxDamaged,
 * which names file and byte, when the file is not as it was written. An end that was not written completely is none of
 * that: nobody was told that it was stored, so it is cut off.
 * @param path of the file; its folder must exist. The file can be read by its owner only
 */
export function fileOutbox(path: string): Outbox {
  return new FileOutbox(path);
}

interface PendingRecord {
  readonly bytes: Uint8Array;
  readonly place: RecordPlace;
}

/** A file that is open, and has its lock. */
interface OpenFile {
  readonly lock: FileLock;
  /** With no symbolic link in it. */
  readonly path: string;
  handle: FileHandle;
  mark: Uint8Array;
  /** Bytes; where the next frame goes. */
  size: number;
}

class FileOutbox implements Outbox {
  readonly #givenPath: string;
  #file: OpenFile | null = null;
  #wasOpened = false;
  readonly #live = new LiveRecords<RecordPlace>();
  /** Bytes of the records that still say something; the rest of the file is of no use. */
  #liveBytes = 0;
  #compactAt = COMPACT_AT;
  #pending: PendingRecord[] = [];
  readonly #commits = new GroupCommit(
    () => this.#write(this.#openFile()),
    () => this.#compactIfWorthIt(this.#openFile()),
  );
  /** Whether a power failure could bring the file back that was there before the last rewriting. */
  #mustSyncFolder = false;

  constructor(path: string) {
    this.#givenPath = path;
  }

  async open(): Promise<readonly OutboxRecord[]> {
    if (this.#wasOpened) throw new TypeError(`The outbox ${this.#givenPath} can be opened once`);
    this.#wasOpened = true;
    let lock: FileLock | null = null;
    try {
      const path = await realPathOf(this.#givenPath);
      lock = await FileLock.take(path);
      return await this.#read(lock, path);
    } catch (error) {
      await this.#file?.handle.close();
      this.#file = null;
      await lock?.release();
      throw this.#explained('cannot be opened', error);
    }
  }

  append(record: OutboxRecord): void {
    this.#openFile();
    const bytes = withLength(encodeRecord(record));
    const place = { offset: Number.NaN, size: bytes.length };
    this.#add(record, place);
    this.#pending.push({ bytes, place });
  }

  commit(): Promise<void> {
    return this.#commits.commit(this.#pending.length > 0);
  }

  async close(): Promise<void> {
    const file = this.#openFile();
    try {
      await this.commit();
    } finally {
      await this.#commits.rest;
      this.#file = null;
      await file.handle.close();
      await file.lock.release();
    }
  }

  #openFile(): OpenFile {
    if (this.#file === null) throw new OutboxError(`The outbox ${this.#givenPath} is not open`);
    return this.#file;
  }

  async #read(lock: FileLock, path: string): Promise<readonly OutboxRecord[]> {
    const handle = await openExisting(path);
    const bytes = handle === null ? Buffer.alloc(0) : await handle.readFile();
    if (handle === null || bytes.length === 0) {
      await handle?.close();
      const mark = randomBytes(MARK_SIZE);
      const created = await replaceFile(path, MODE, [headerWith(mark)]);
      this.#file = { lock, path, handle: created, mark, size: HEADER_SIZE };
      await syncFolder(path);
      return [];
    }
    const file: OpenFile = { lock, path, handle, mark: new Uint8Array(0), size: bytes.length };
    this.#file = file;
    const { mark, records, end } = readLog(bytes, path);
    file.mark = mark;
    const left = new Map<RecordPlace, OutboxRecord>();
    for (const { bytes, place } of records) {
      const record = decodedAt(path, place, bytes);
      left.set(place, record);
      for (const dead of this.#add(record, place)) left.delete(dead);
    }
    if (end < bytes.length) {
      await handle.truncate(end);
      await handle.datasync();
    }
    file.size = end;
    return [...left.values()];
  }

  /** @returns where the records are that say nothing any more from now on */
  #add(record: OutboxRecord, place: RecordPlace): readonly RecordPlace[] {
    const dead = this.#live.add(record, place);
    this.#liveBytes += place.size;
    for (const { size } of dead) this.#liveBytes -= size;
    return dead;
  }

  /** One frame for all that is pending. What could not be written stays pending, and is written over the next time. */
  async #write(file: OpenFile): Promise<void> {
    const written = this.#pending;
    this.#pending = [];
    try {
      if (this.#mustSyncFolder) await this.#syncFolder(file);
      const { frame, offsets } = frameOf(
        file.mark,
        written.map(({ bytes }) => bytes),
      );
      await writeAt(file.handle, frame, file.size);
      await file.handle.datasync();
      written.forEach(({ place }, i) => {
        place.offset = file.size + offsets[i];
      });
      file.size += frame.length;
    } catch (error) {
      this.#pending = written.concat(this.#pending);
      throw this.#explained('cannot be written', error);
    }
  }

  async #compactIfWorthIt(file: OpenFile): Promise<void> {
    const dead = file.size - this.#liveBytes;
    if (dead > this.#compactAt && dead * 2 > file.size) await this.#compact(file);
  }

  async #syncFolder(file: OpenFile): Promise<void> {
    await syncFolder(file.path);
    this.#mustSyncFolder = false;
  }

  /**
   * Writes a new file with the records that still say something, and puts it in the place of the old one. If that does not
   * succeed (a full disk), the old one is as good as before, and it is tried again when more of it is of no use.
   */
  async #compact(file: OpenFile): Promise<void> {
    // Those that are still pending go to the new file like any others.
    const places = [...this.#live.places()].filter(({ offset }) => !Number.isNaN(offset));
    places.sort((a, b) => a.offset - b.offset);
    const mark = randomBytes(MARK_SIZE);
    const pieces: Uint8Array[] = [headerWith(mark)];
    const moved: { place: RecordPlace; offset: number }[] = [];
    let size = HEADER_SIZE;
    let handle: FileHandle;
    try {
      for (const group of groupsOf(places)) {
        const records = await Promise.all(group.map(({ offset, size }) => readAt(file.handle, offset, size)));
        const { frame, offsets } = frameOf(mark, records);
        group.forEach((place, i) => {
          moved.push({ place, offset: size + offsets[i] });
        });
        pieces.push(frame);
        size += frame.length;
      }
      handle = await replaceFile(file.path, MODE, pieces);
    } catch {
      this.#compactAt = file.size - this.#liveBytes + COMPACT_AT;
      return;
    }
    const before = file.handle;
    file.handle = handle;
    file.mark = mark;
    file.size = size;
    for (const { place, offset } of moved) place.offset = offset;
    this.#compactAt = COMPACT_AT;
    this.#mustSyncFolder = true;
    await before.close().catch(() => {}); // has nothing left to write
    await this.#syncFolder(file).catch(() => {}); // the next commit tries again, and tells if it cannot
  }

  #explained(what: string, error: unknown): Error {
    if (error instanceof OutboxError) return error;
    const reason = error instanceof Error ? reasonOf(error) : String(error);
    return new OutboxError(`The outbox ${this.#givenPath} ${what}: ${reason}`, { cause: error });
  }
}

/** @throws OutboxDamaged that says where */
function decodedAt(path: string, { offset }: RecordPlace, bytes: Uint8Array): OutboxRecord {
  try {
    return decodeRecord(bytes);
  } catch (error) {
    throw damagedAt(path, offset, error);
  }
}

/** Groups of records for one frame each. */
function* groupsOf(places: readonly RecordPlace[]): Iterable<readonly RecordPlace[]> {
  let group: RecordPlace[] = [];
  let size = 0;
  for (const place of places) {
    group.push(place);
    size += place.size;
    if (size < COPIED_FRAME) continue;
    yield group;
    group = [];
    size = 0;
  }
  if (group.length > 0) yield group;
}
