import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inspectDataFile } from './lmdb/data-file.js';
import { Environment, LOCK_SUFFIX } from './lmdb/environment.js';
import { codeOf, messageOf } from './lmdb/failures.js';
import { FolderInUseError, FolderLock } from './lmdb/folder-lock.js';
import { bringUpToDate, FormatError } from './lmdb/format.js';
import { examine, isProblem, SAVED_TABLES } from './lmdb/integrity.js';
import { LmdbStore, type LmdbStoreSettings } from './lmdb-store.js';

/** The data file in the store's folder. */
export const DATA_FILE = 'data';
/** Is there while a store is being opened: if it is found, the last start did not get far. */
const OPENING_SUFFIX = '.opening';

const SALVAGE_PROCESS = fileURLToPath(new URL('./lmdb/salvage-process.js', import.meta.url));

/** Why a store cannot be opened, in words for the person who starts it. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
}

export interface LmdbStoreOptions extends LmdbStoreSettings {
  /** Where the data file is, or will be; made if it does not exist. */
  readonly folder: string;
  /** A damaged store is an error, instead of being moved aside. */
  readonly strict: boolean;
  /** The last one who opened it met damage: it is read to its end first. */
  readonly isSuspect?: boolean;
}

/**
 * Opens the store in a folder, or begins one. A file that is damaged, foreign or of a later version is moved aside as
 * `data.damaged-DATE`, and what can be read of it is in the new one.
 * @throws (rejects) StoreError: the folder cannot be used, another broker works in it, or, with `strict`, the file is not good
 */
export async function openLmdbStore(options: LmdbStoreOptions): Promise<LmdbStore> {
  const folder = resolve(options.folder);
  makeFolder(folder);
  const lock = await takeLock(folder, options.onWarning);
  try {
    return await new Opening(join(folder, DATA_FILE), options, async () => lock?.release()).run();
  } catch (error) {
    await lock?.release();
    throw error;
  }
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new StoreError(`The folder of the store cannot be made: ${messageOf(error)}. See persistence_location.`);
  }
}

/** Null where the file system has no sockets. */
async function takeLock(folder: string, onWarning: (message: string) => void): Promise<FolderLock | null> {
  try {
    return await FolderLock.take(folder);
  } catch (error) {
    if (error instanceof FolderInUseError) {
      throw new StoreError(`${error.message}. Stop that one, or give this one another persistence_location.`);
    }
    if (codeOf(error) === 'EACCES' || codeOf(error) === 'EROFS') {
      throw new StoreError(
        `The store's folder ${folder} cannot be written: ${messageOf(error)}. Give its owner the right, or choose another persistence_location.`,
      );
    }
    onWarning(`Nothing keeps a second broker from working in ${folder}: ${messageOf(error)}`);
    return null;
  }
}

/** One attempt to open a data file, and a second one with what is saved of it. */
class Opening {
  readonly #path: string;
  readonly #options: LmdbStoreOptions;
  readonly #onClose: () => Promise<void>;

  constructor(path: string, options: LmdbStoreOptions, onClose: () => Promise<void>) {
    this.#path = path;
    this.#options = options;
    this.#onClose = onClose;
  }

  async run(): Promise<LmdbStore> {
    const why = await this.#whyNot();
    if (why !== null) return this.#replace(why);
    const marker = this.#path + OPENING_SUFFIX;
    try {
      writeFileSync(marker, '');
    } catch (error) {
      throw this.#denied(error);
    }
    // When this turn is over, all has been read: whoever opens a store reads it at once.
    const unmark = setImmediate(() => rmSync(marker, { force: true }));
    try {
      return await this.#open();
    } catch (error) {
      clearImmediate(unmark);
      rmSync(marker, { force: true });
      if (isOfSystem(error) && !isForbidden(error)) throw this.#denied(error);
      return this.#replace({ why: messageOf(error), isReadable: !(error instanceof FormatError) });
    }
  }

  /** Looks before LMDB does; null: nothing speaks against it. */
  async #whyNot(): Promise<Fault | null> {
    const path = this.#path;
    try {
      const state = inspectDataFile(path);
      if (state.kind === 'foreign') return { why: state.why, isReadable: false };
      if (state.kind === 'torn') return { why: state.why, isReadable: true };
      // If the last start ended while it read the file, that was perhaps because of the file.
      const isSuspect = this.#options.isSuspect === true || existsSync(path + OPENING_SUFFIX);
      if (state.kind === 'new' || (state.kind === 'sound' && !isSuspect)) return null;
      const { isGood, how } = await readToTheEnd(path);
      if (isGood) return null;
      if (state.kind === 'short') return { why: state.why, isReadable: true, bytes: state.bytes };
      return { why: `it cannot be read to its end (${how})`, isReadable: true };
    } catch (error) {
      if (error instanceof StoreError) throw error;
      if (isOfSystem(error) && !isForbidden(error)) throw this.#denied(error);
      return { why: messageOf(error), isReadable: false };
    }
  }

  /** Nothing is wrong with the file: it stays where it is. */
  #denied(error: unknown): StoreError {
    return new StoreError(`The store ${this.#path} cannot be opened: ${messageOf(error)}.`);
  }

  async #open(): Promise<LmdbStore> {
    const { sync } = this.#options;
    const environment = new Environment({ path: this.#path, readOnly: false, noSync: sync === 'never' });
    try {
      bringUpToDate(environment);
      return new LmdbStore(environment, this.#path, this.#options, this.#onClose);
    } catch (error) {
      await environment.close();
      throw error;
    }
  }

  /** Begins a new file, with what can be saved of the one that is there. */
  async #replace(fault: Fault): Promise<LmdbStore> {
    const { strict, onWarning } = this.#options;
    const path = this.#path;
    if (strict) {
      throw new StoreError(
        `The store ${path} is not good: ${fault.why}. Without --strict-store it is moved aside, and what can be read of it is saved.`,
      );
    }
    const aside = freeName(`${path}.damaged-${new Date().toISOString().slice(0, 19).replaceAll(':', '')}`);
    try {
      renameSync(path, aside);
      rmSync(path + LOCK_SUFFIX, { force: true });
      rmSync(path + OPENING_SUFFIX, { force: true });
    } catch (error) {
      throw new StoreError(
        `The store ${path} is not good (${fault.why}) and cannot be moved aside: ${messageOf(error)}`,
      );
    }
    onWarning(`The store ${path} is not good: ${fault.why}. It is kept as ${basename(aside)}.`);
    if (!fault.isReadable) return this.#open();
    if (fault.bytes !== undefined && fault.bytes > statSync(aside).size) truncateSync(aside, fault.bytes);
    for (const table of SAVED_TABLES) {
      const { said } = await salvage(['copy', table, aside, path]);
      if (said !== 'good') await salvage(['copy-back', table, aside, path]);
    }
    rmSync(aside + LOCK_SUFFIX, { force: true });
    let store: LmdbStore;
    try {
      await this.#mend();
      store = await this.#open();
    } catch (error) {
      onWarning(`Nothing could be saved from it: ${messageOf(error)}.`);
      rmSync(path, { force: true });
      return this.#open();
    }
    const { sessions, subscriptions, queuedMessages, inflight, retained } = store.stats;
    onWarning(
      `Saved from it: ${sessions} sessions with ${subscriptions} subscriptions and ${queuedMessages + inflight} messages, ${retained} retained messages.`,
    );
    return store;
  }

  /** Of what was saved, leaves out what does not fit together. */
  async #mend(): Promise<void> {
    const environment = new Environment({ path: this.#path, readOnly: false, noSync: false });
    bringUpToDate(environment);
    for (const found of examine(environment, environment)) if (!isProblem(found)) await environment.commit();
    await environment.commit();
    await environment.close();
  }
}

interface Fault {
  readonly why: string;
  /** Something may be saved. */
  readonly isReadable: boolean;
  /** How long the file should be. */
  readonly bytes?: number;
}

/**
 * Whether all of a file can be read, and fits together. Done by another process: LMDB may take it down.
 * @throws (rejects) StoreError: that process could not do its work, which says nothing about the file
 */
export async function readToTheEnd(path: string): Promise<{ readonly isGood: boolean; readonly how: string }> {
  const { said, signal, how } = await salvage(['check', path]);
  const isDamaged = said === 'damaged' || (said === '' && signal !== null && !STOPPING.includes(signal));
  if (said !== 'good' && !isDamaged) throw new StoreError(`The store ${path} cannot be checked (${how}).`);
  return { isGood: said === 'good', how };
}

/** Signals that others send; those of a damaged file are of other kinds. */
const STOPPING: readonly NodeJS.Signals[] = ['SIGKILL', 'SIGTERM', 'SIGINT', 'SIGHUP'];

interface Ended {
  /** `good` or `damaged`; empty: it did not come to its end. */
  readonly said: string;
  readonly signal: NodeJS.Signals | null;
  /** In words. */
  readonly how: string;
}

/** Runs the process that may die of a damaged file. */
function salvage(args: readonly string[]): Promise<Ended> {
  return new Promise((done) => {
    const child = spawn(process.execPath, [SALVAGE_PROCESS, ...args], { stdio: ['ignore', 'pipe', 'ignore'] });
    let said = '';
    child.stdout.on('data', (bytes: Buffer) => {
      said += bytes;
    });
    child.on('error', (error) => done({ said: '', signal: null, how: error.message }));
    child.on('close', (code, signal) => done({ said, signal, how: said || (signal ?? `exit status ${code}`) }));
  });
}

function freeName(wanted: string): string {
  let name = wanted;
  for (let n = 2; existsSync(name); n++) name = `${wanted}-${n}`;
  return name;
}

/** Somebody else's file: one without the rights to it goes aside like a damaged one, and the start goes on. */
function isForbidden(error: unknown): boolean {
  return codeOf(error) === 'EACCES' || codeOf(error) === 'EPERM';
}

/** Whether the file cannot be reached, as opposed to one that is reached and damaged: no permission, no room, no memory. */
function isOfSystem(error: unknown): boolean {
  const code = codeOf(error);
  return typeof code === 'string' && /^E[A-Z]+$/.test(code) && code !== 'EIO';
}
