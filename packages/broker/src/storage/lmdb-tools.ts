import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { inspectDataFile } from './lmdb/data-file.js';
import { Environment } from './lmdb/environment.js';
import { messageOf } from './lmdb/failures.js';
import { FolderInUseError, FolderLock } from './lmdb/folder-lock.js';
import { FORMAT_VERSION, formatOf } from './lmdb/format.js';
import { examine } from './lmdb/integrity.js';
import { LmdbStore } from './lmdb-store.js';
import { DATA_FILE, readToTheEnd, StoreError } from './open-lmdb-store.js';

export { type Examined, isProblem, type Problem } from './lmdb/integrity.js';

/** A store that is only looked at, as it was at the moment of opening; a broker may be at work in it meanwhile. */
export interface StoreView {
  /** Nothing may be appended to it. */
  readonly store: LmdbStore;
  readonly formatVersion: number;
  /** What the file takes on the disk. */
  readonly fileBytes: number;
  /** Reads all of it, and tells what does not fit together. */
  examine(): ReturnType<typeof examine>;
  /** Writes a copy without free pages to a new file: a store, once it lies as `data` in a folder of its own. */
  copyTo(file: string): Promise<void>;
  close(): Promise<void>;
}

/** Opens the store in a folder for looking. @throws (rejects) StoreError: there is none, or it cannot be read */
export async function viewLmdbStore(folder: string): Promise<StoreView> {
  const path = join(resolve(folder), DATA_FILE);
  await assertSound(path);
  const environment = openReadOnly(path);
  try {
    const formatVersion = formatOf(environment);
    if (formatVersion !== FORMAT_VERSION) {
      throw new StoreError(`${path} has format version ${formatVersion}, this program knows ${FORMAT_VERSION}.`);
    }
    const settings = {
      sync: 'always',
      syncIntervalMs: 0,
      maxBytes: Number.POSITIVE_INFINITY,
      onWarning: () => {},
    } as const;
    const store = new LmdbStore(environment, path, settings);
    return {
      store,
      formatVersion,
      fileBytes: statSync(path).size,
      examine: () => examine(environment),
      copyTo: (file) => copyTo(environment, file),
      close: () => store.close(),
    };
  } catch (error) {
    await environment.close();
    if (error instanceof StoreError) throw error;
    throw new StoreError(
      `${path} cannot be read: ${messageOf(error)}. A broker that starts with it saves what it can.`,
    );
  }
}

/**
 * Writes the store in a folder anew, without its free pages.
 * @returns the bytes of the file before and after
 * @throws (rejects) StoreError: there is none, a broker works in it, or there is no room for the copy
 */
export async function compactLmdbStore(folder: string): Promise<{ readonly before: number; readonly after: number }> {
  const path = join(resolve(folder), DATA_FILE);
  await assertSound(path);
  const lock = await takeLock(resolve(folder));
  const copy = `${path}.compact`;
  try {
    const before = statSync(path).size;
    rmSync(copy, { force: true });
    const environment = openReadOnly(path);
    try {
      await copyTo(environment, copy);
    } finally {
      await environment.close();
    }
    renameSync(copy, path);
    syncFolder(folder);
    return { before, after: statSync(path).size };
  } finally {
    rmSync(copy, { force: true });
    await lock.release();
  }
}

async function takeLock(folder: string): Promise<FolderLock> {
  try {
    return await FolderLock.take(folder);
  } catch (error) {
    const what = error instanceof FolderInUseError ? `${error.message}; stop it first` : messageOf(error);
    throw new StoreError(`${what}.`);
  }
}

/** @throws (rejects) StoreError */
async function assertSound(path: string): Promise<void> {
  let state: ReturnType<typeof inspectDataFile>;
  try {
    state = inspectDataFile(path);
  } catch (error) {
    throw new StoreError(`${path} cannot be read: ${messageOf(error)}.`);
  }
  if (state.kind === 'new')
    throw new StoreError(`There is no store in ${path.slice(0, -DATA_FILE.length)}: no file ${path}.`);
  if (state.kind === 'short' && (await readToTheEnd(path)).isGood) return;
  if (state.kind !== 'sound') {
    throw new StoreError(`${path} is not good: ${state.why}. A broker that starts with it saves what it can.`);
  }
}

function openReadOnly(path: string): Environment {
  try {
    return new Environment({ path, readOnly: true, noSync: false });
  } catch (error) {
    throw new StoreError(`${path} cannot be opened: ${messageOf(error)}.`);
  }
}

async function copyTo(environment: Environment, file: string): Promise<void> {
  if (existsSync(file)) throw new StoreError(`${file} exists already.`);
  try {
    await environment.copyTo(file);
    const descriptor = openSync(file, 'r');
    fsyncSync(descriptor);
    closeSync(descriptor);
  } catch (error) {
    rmSync(file, { force: true });
    throw new StoreError(`${file} cannot be written: ${messageOf(error)}.`);
  }
}

/** The new name is on the disk, too. Windows has no such thing. */
function syncFolder(folder: string): void {
  if (process.platform === 'win32') return;
  const descriptor = openSync(folder, 'r');
  fsyncSync(descriptor);
  closeSync(descriptor);
}
