import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  copyFileSync,
  fchmodSync,
  fchownSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { explaining } from './setup-error.js';

/** For what is secret: keys, passwords, who may do what. */
export const OWNER_ONLY = 0o600;
export const READABLE = 0o644;

/** Numbers of a user and a group. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** The text of a file; null: it is not there. @throws SetupError: it cannot be read */
export function textOf(path: string): string | null {
  return explaining(`${path} cannot be read`, () => {
    try {
      return readFileSync(path, 'utf8');
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
      throw error;
    }
  });
}

/**
 * Puts a file in its place, whole or not at all: whoever reads it meanwhile has the former one.
 * @param owner null: who runs this; a file that was there keeps its own
 * @throws SetupError
 */
export function replaceFile(path: string, content: string | Uint8Array, mode: number, owner: Owner | null): void {
  explaining(`${path} cannot be written`, () => {
    const heir = owner ?? ownerOf(path);
    const draft = join(dirname(path), `.${basename(path)}.${process.pid}`);
    rmSync(draft, { force: true });
    const file = openSync(draft, 'wx', OWNER_ONLY);
    try {
      writeFileSync(file, content);
      if (heir !== null && process.geteuid?.() === 0) fchownSync(file, heir.uid, heir.gid);
      fchmodSync(file, mode);
      fsyncSync(file);
      renameSync(draft, path);
    } catch (error) {
      rmSync(draft, { force: true });
      throw error;
    } finally {
      closeSync(file);
    }
  });
}

/** Makes a folder, unless it is there already. @throws SetupError */
export function makeFolder(path: string, mode: number, owner: Owner | null): void {
  explaining(`The folder ${path} cannot be made`, () => {
    if (mkdirSync(path, { recursive: true, mode }) === undefined) return;
    chmodSync(path, mode);
    if (owner !== null && process.geteuid?.() === 0) chownSync(path, owner.uid, owner.gid);
  });
}

/**
 * Copies a file to its name with the time, `mosquitto.conf-20261121-141500`, with its mode and owner.
 * @returns the copy's path; null: there is nothing to save
 * @throws SetupError
 */
export function saveFormer(path: string, now: Date): string | null {
  return explaining(`${path} cannot be saved`, () => {
    const stats = statSync(path, { throwIfNoEntry: false });
    if (stats === undefined) return null;
    const wanted = `${path}-${stampOf(now)}`;
    let copy = wanted;
    for (let nth = 2; statSync(copy, { throwIfNoEntry: false }) !== undefined; nth++) copy = `${wanted}-${nth}`;
    copyFileSync(path, copy, constants.COPYFILE_EXCL);
    chmodSync(copy, stats.mode & 0o777);
    if (process.geteuid?.() === 0) chownSync(copy, stats.uid, stats.gid);
    return copy;
  });
}

function ownerOf(path: string): Owner | null {
  return statSync(path, { throwIfNoEntry: false }) ?? null;
}

/** Local time, as file names have it. */
function stampOf(date: Date): string {
  const two = (number: number): string => String(number).padStart(2, '0');
  const day = `${date.getFullYear()}${two(date.getMonth() + 1)}${two(date.getDate())}`;
  return `${day}-${two(date.getHours())}${two(date.getMinutes())}${two(date.getSeconds())}`;
}
