import { readFileSync } from 'node:fs';
import { type Entry, entriesFrom, MosquittoDbError, readMosquittoDb, type Store } from '@cauldron/broker';
import { ExportReader } from './export-reader.js';
import { FormatError } from './json-fields.js';
import { firstBytesOf, readLines } from './json-lines-file.js';
import { StoreWriter } from './store-writer.js';

/** A file cannot be imported; the message says where and why. */
export class ImportError extends Error {
  override readonly name = 'ImportError';
}

/** A file that can be imported: all of it has been read once and found good. */
export interface ImportSource {
  /** For people: what kind of file it is. */
  readonly what: string;
  /** Its entries. Each has to be appended before the next one is asked for. */
  entries(positions: Pick<Store, 'nextPosition'>): Iterable<Entry> | AsyncIterable<Entry>;
}

/** What an import has brought along so far. */
export interface ImportCounts {
  readonly sessions: number;
  readonly subscriptions: number;
  readonly messages: number;
  readonly retained: number;
}

/** Mosquitto's file begins with a byte that no text does, and this. */
const MOSQUITTO_MAGIC = 'mosquitto db';
const MOSQUITTO_MAGIC_AT = 3;

/**
 * Reads a file through: an export of a store, or a mosquitto.db.
 * @throws (rejects) ImportError; the system's error when it cannot be read
 */
export async function openImport(file: string): Promise<ImportSource> {
  const begin = firstBytesOf(file, MOSQUITTO_MAGIC_AT + MOSQUITTO_MAGIC.length);
  if (Buffer.from(begin).toString('latin1', MOSQUITTO_MAGIC_AT) === MOSQUITTO_MAGIC) return openMosquittoDb(file);
  // Once without a store: a file with a fault must not leave half of what it has in one.
  for await (const _ of exportEntries(file, { nextPosition: () => 1 }));
  return { what: 'an export of a store', entries: (positions) => exportEntries(file, positions) };
}

function openMosquittoDb(file: string): ImportSource {
  try {
    const db = readMosquittoDb(readFileSync(file));
    return { what: `Mosquitto's data, version ${db.version}`, entries: (positions) => entriesFrom(db, positions) };
  } catch (error) {
    if (!(error instanceof MosquittoDbError)) throw error;
    throw new ImportError(`${file}: ${error.message}`, { cause: error });
  }
}

/** @throws (rejects) ImportError that names file and line */
async function* exportEntries(file: string, positions: Pick<Store, 'nextPosition'>): AsyncGenerator<Entry> {
  const reader = new ExportReader(positions);
  let line = 0;
  try {
    for await (const text of readLines(file)) {
      line++;
      yield* reader.read(parse(text));
    }
    reader.end();
  } catch (error) {
    throw importError(file, line, error);
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new FormatError('this line is no JSON');
  }
}

function importError(file: string, line: number, error: unknown): unknown {
  if (error instanceof FormatError) return new ImportError(`${file}:${line}: ${error.message}.`, { cause: error });
  // What zlib says about a file that is packed and damaged.
  if (error instanceof Error && 'code' in error && String(error.code).startsWith('Z_')) {
    return new ImportError(`${file}: it cannot be unpacked: ${error.message}.`, { cause: error });
  }
  return error;
}

/**
 * Brings all that a source has into a store. Resolves when it is on the disk.
 * @throws (rejects) StoreFull; what came before is in the store
 */
export async function importInto(
  store: Store,
  source: ImportSource,
  onProgress: (counts: ImportCounts) => void,
): Promise<ImportCounts> {
  const writer = new StoreWriter(store);
  const counts = { sessions: 0, subscriptions: 0, messages: 0, retained: 0 };
  for await (const entry of source.entries(store)) {
    writer.append(entry);
    const counted = COUNTED[entry.kind];
    if (counted !== undefined) counts[counted]++;
    if (!writer.isFull) continue;
    await writer.settle();
    onProgress(counts);
  }
  await writer.settle();
  return counts;
}

const COUNTED: Readonly<Partial<Record<Entry['kind'], keyof ImportCounts>>> = {
  session: 'sessions',
  subscribed: 'subscriptions',
  queued: 'messages',
  retained: 'retained',
};
