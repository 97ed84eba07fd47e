import { randomBytes } from 'node:crypto';
import {
  type BigIntStats,
  closeSync,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  lstatSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

const NEW_FILE_MODE = 0o600;
const PERMISSIONS = 0o7777;
const OTHERS_NAMES = 'MOSQUITTO_UNSAFE_ALLOW_SYMLINKS';

/** The file cannot be worked on; the message is a sentence for the person. */
export class PasswordFileFailure extends Error {
  override readonly name = 'PasswordFileFailure';
}

/**
 * A password file that is changed line by line: what is not meant stays as it is, byte for byte, with comments and all.
 * Nothing is written before `save`, which replaces the file as a whole.
 */
export class PasswordFileEditor {
  readonly path: string;
  /** Null: it is a new file. */
  readonly #before: BigIntStats | null;
  /** Bytes as characters, each with the end of its line. */
  #lines: string[];

  private constructor(path: string, before: BigIntStats | null, text: string) {
    this.path = path;
    this.#before = before;
    this.#lines = text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
  }

  /** @throws PasswordFileFailure */
  static open(path: string): PasswordFileEditor {
    const real = resolved(path);
    return attempt(`Unable to open password file ${path}`, () => {
      const file = openSync(real, 'r');
      try {
        const stats = fstatSync(file, { bigint: true });
        if (!stats.isFile()) throw new PasswordFileFailure(`${path} is not a file.`);
        return new PasswordFileEditor(real, stats, readFileSync(file, 'latin1'));
      } finally {
        closeSync(file);
      }
    });
  }

  /**
   * An empty file in the place of one that may be there, whose mode and owner are kept.
   * @throws PasswordFileFailure
   */
  static create(path: string): PasswordFileEditor {
    const real = resolved(path);
    const before = attempt(`Unable to open password file ${path}`, () => statsOf(real));
    if (before !== null && !before.isFile()) throw new PasswordFileFailure(`${path} is not a file.`);
    return new PasswordFileEditor(real, before, '');
  }

  /** @returns whether the user had a line, which is replaced; else there is a new one at the end */
  set(name: string, hash: string): boolean {
    const line = `${bytesOf(name)}:${hash}\n`;
    const at = this.#lines.findIndex((candidate) => nameIn(candidate) === bytesOf(name));
    if (at >= 0) {
      this.#lines[at] = line;
      return true;
    }
    const last = this.#lines.at(-1);
    if (last !== undefined && !last.endsWith('\n')) this.#lines[this.#lines.length - 1] = `${last}\n`;
    this.#lines.push(line);
    return false;
  }

  /** @returns whether the user had a line */
  delete(name: string): boolean {
    const left = this.#lines.filter((line) => nameIn(line) !== bytesOf(name));
    const isFound = left.length < this.#lines.length;
    this.#lines = left;
    return isFound;
  }

  /**
   * Gives each line with a user what `hash` makes of what stands behind the name; null leaves it as it is.
   * @returns how many were changed
   * @throws (rejects) PasswordFileFailure if a line is none of a user
   */
  async mapHashes(hash: (text: Buffer) => Promise<string> | null): Promise<number> {
    let changed = 0;
    for (const [index, line] of this.#lines.entries()) {
      if (line.startsWith('#') || trimmed(line) === '') continue;
      const name = nameIn(line);
      const text = trimmed(line.slice(line.indexOf(':') + 1));
      if (name === null || name === '' || text === '') {
        throw new PasswordFileFailure(`${this.path}:${index + 1}: a line is a name, a colon and a password.`);
      }
      const made = hash(Buffer.from(text, 'latin1'));
      if (made === null) continue;
      this.#lines[index] = `${name}:${await made}\n`;
      changed++;
    }
    return changed;
  }

  /**
   * Replaces the file at once and durably: whoever reads it finds all of the old one or all of the new one.
   * @throws PasswordFileFailure; then the file is as it was
   */
  save(): void {
    const folder = dirname(this.path);
    const draft = join(folder, `.${randomBytes(9).toString('base64url')}.passwords`);
    attempt(`Unable to write ${this.path}`, () => {
      const file = openSync(draft, 'wx', NEW_FILE_MODE);
      try {
        try {
          writeFileSync(file, this.#lines.join(''), 'latin1');
          if (this.#before !== null) this.#keepRights(file, this.#before);
          fsyncSync(file);
        } finally {
          closeSync(file);
        }
        if (!isSame(this.#before, statsOf(this.path))) {
          throw new PasswordFileFailure(`${this.path} was changed by somebody else meanwhile. Try again.`);
        }
        renameSync(draft, this.path);
      } catch (error) {
        rmSync(draft, { force: true });
        throw error;
      }
      syncFolder(folder);
    });
  }

  #keepRights(file: number, { uid, gid, mode }: BigIntStats): void {
    const own = fstatSync(file);
    if (own.uid !== Number(uid) || own.gid !== Number(gid)) fchownSync(file, Number(uid), Number(gid));
    // After the owner, whose change takes some of them away.
    fchmodSync(file, Number(mode) & PERMISSIONS);
  }
}

/** Where the file really is. A link may be somebody else's trap, and is followed only where the environment says so. */
function resolved(path: string): string {
  return attempt(`Unable to open password file ${path}`, () => {
    if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() !== true) return path;
    if (process.env[OTHERS_NAMES] !== undefined) return realpathSync(path);
    throw new PasswordFileFailure(
      `${path} is a symbolic link. Name the file itself, or set ${OTHERS_NAMES}=1 to follow it.`,
    );
  });
}

function statsOf(path: string): BigIntStats | null {
  return lstatSync(path, { bigint: true, throwIfNoEntry: false }) ?? null;
}

function isSame(before: BigIntStats | null, now: BigIntStats | null): boolean {
  if (before === null || now === null) return before === now;
  return before.ino === now.ino && before.mtimeNs === now.mtimeNs && before.size === now.size;
}

function syncFolder(folder: string): void {
  const handle = openSync(folder, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/** The name in a line, as bytes; null: it has none. */
function nameIn(line: string): string | null {
  if (line.startsWith('#')) return null;
  const colon = line.indexOf(':');
  return colon < 0 ? null : trimmed(line.slice(0, colon));
}

/** Blanks as C knows them: other characters are bytes of a name. */
function trimmed(text: string): string {
  return text.replace(/^[ \t\n\v\f\r]+|[ \t\n\v\f\r]+$/g, '');
}

function bytesOf(name: string): string {
  return Buffer.from(name).toString('latin1');
}

/** @throws PasswordFileFailure in the place of the system's errors */
function attempt<T>(what: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (error instanceof PasswordFileFailure) throw error;
    throw new PasswordFileFailure(`${what}: ${(error as Error).message}.`, { cause: error });
  }
}
