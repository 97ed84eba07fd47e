import type { Position } from '../../core/ports/store.js';
import { SHARDS } from '../../core/ports/store.js';
import type { Batch, Environment } from './environment.js';
import { RecordWriter } from './record-writer.js';
import { readerOf, readUint } from './records.js';

/** What the tables look like. Raised by every change of keys or records, together with a migration. */
export const FORMAT_VERSION = 2;

/** Brings the tables from one version to the next. */
export type Migration = (environment: Environment, batch: Batch) => void;

/** Since version 2, messages may have a source. Older ones have none, and are read as they are. */
const toVersion2: Migration = () => {};

/** The first leads from version 1 to 2, and so on. */
const MIGRATIONS: readonly Migration[] = [toVersion2];

export const FORMAT_KEY = Buffer.from('format');
export const POSITIONS_KEY = Buffer.from('positions');

/** The file is of a version that this program does not know. */
export class FormatError extends Error {
  override readonly name = 'FormatError';
}

/** The version of a file; null: it is new and has none. */
export function formatOf(environment: Environment): number | null {
  const value = environment.get('meta', FORMAT_KEY);
  return value === undefined ? null : readUint(readerOf(value, 'the format'), 'the version');
}

/**
 * Makes a file one of `version`, step by step; each step is on the disk before the next begins.
 * @returns the version that it had; null for a new file
 * @throws FormatError when it is of a later one
 */
export function bringUpToDate(
  environment: Environment,
  version = FORMAT_VERSION,
  migrations: readonly Migration[] = MIGRATIONS,
): number | null {
  const found = formatOf(environment);
  if (found !== null && found > version) {
    throw new FormatError(
      `it has format version ${found}; this program knows up to ${version}, so a later one wrote it`,
    );
  }
  if (found === null) environment.commitNow((batch) => batch.put('meta', FORMAT_KEY, versionValue(version)));
  for (let from = found ?? version; from < version; from++) {
    environment.commitNow((batch) => {
      migrations[from - 1](environment, batch);
      batch.put('meta', FORMAT_KEY, versionValue(from + 1));
    });
  }
  return found;
}

/** Of each shard, the position up to which none is given out again. */
export function readPositions(value: Uint8Array | undefined): Position[] {
  if (value === undefined) return new Array(SHARDS).fill(0);
  const reader = readerOf(value, 'the positions');
  const positions = Array.from({ length: SHARDS }, () => readUint(reader, 'a position'));
  reader.expectEnd();
  return positions;
}

export function writePositions(positions: readonly Position[]): Uint8Array {
  const writer = new RecordWriter();
  for (const position of positions) writer.uint(position);
  return writer.take();
}

function versionValue(version: number): Uint8Array {
  const writer = new RecordWriter();
  writer.uint(version);
  return writer.take();
}
