import { readFileSync, statSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import { AccessFileError } from '../access-file-error.js';
import { argon2Fault } from './hashing.js';
import { looksHashed, type PasswordHash, PasswordHashError, parsePasswordHash } from './password-hash.js';
import { saslPrepared } from './saslprep.js';

/** More would not be read. */
const MAX_PROBLEMS = 20;
/** A quarter of a million users, and more than anybody keeps in a file. */
const MAX_FILE_BYTES = 64 * 1024 * 1024;
/** Of a string in MQTT. */
const MAX_NAME_BYTES = 65_535;
const READABLE_BY_ALL = 0o004;

/** One line of a password file. */
export interface PasswordUser {
  readonly name: string;
  readonly hash: PasswordHash;
  /** `FILE:LINE`: what decided. */
  readonly rule: string;
}

/** The users of a password file, as they were when it was read. */
export class PasswordFile {
  readonly path: string;
  readonly users: ReadonlyMap<string, PasswordUser>;
  /** Those whose hash is for SCRAM, by their names as SASLprep has them. */
  readonly scramUsers: ReadonlyMap<string, PasswordUser>;
  /** What is not wrong, but not good either. */
  readonly warnings: readonly string[];

  constructor(
    path: string,
    users: ReadonlyMap<string, PasswordUser>,
    scramUsers: ReadonlyMap<string, PasswordUser>,
    warnings: readonly string[],
  ) {
    this.path = path;
    this.users = users;
    this.scramUsers = scramUsers;
    this.warnings = warnings;
  }
}

/**
 * Reads the lines `NAME:HASH` of a password file; empty ones and those that begin with # say nothing.
 * @throws AccessFileError
 */
export function readPasswordFile(path: string): PasswordFile {
  const { text, mode } = read(path);
  const reader = new Reader(path);
  for (const [index, line] of text
    .replace(/^\uFEFF/, '')
    .split('\n')
    .entries()) {
    reader.take(line, index + 1);
  }
  const warnings =
    (mode & READABLE_BY_ALL) === 0
      ? []
      : [`password_file ${path} can be read by every user of this machine: chmod o-r ${path}`];
  return reader.finish(warnings);
}

/** What cannot be a name in a password file, as a clause; null: it can. */
export function userNameProblem(name: string): string | null {
  if (name === '') return 'it is empty';
  if (name.includes(':')) return "it has a ':', which ends the name in a password file";
  if (name.startsWith('#')) return "it begins with '#', as comments in a password file do";
  if (name.trim() !== name) return 'it begins or ends with a blank';
  if (/\p{Cc}/u.test(name)) return 'it has control characters';
  if (name.includes('\uFFFD')) return 'it is not UTF-8';
  return Buffer.byteLength(name) > MAX_NAME_BYTES ? `it has more than ${MAX_NAME_BYTES} bytes` : null;
}

/** Takes the lines one after the other. */
class Reader {
  readonly #path: string;
  readonly #users = new Map<string, PasswordUser>();
  readonly #scramUsers = new Map<string, PasswordUser>();
  readonly #problems: string[] = [];
  #argon2Fault: string | null | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  take(raw: string, number: number): void {
    if (raw.startsWith('#')) return;
    const line = raw.trim();
    if (line === '') return;
    const rule = `${this.#path}:${number}`;
    const problem = this.#add(line, rule);
    if (problem !== null) this.#problems.push(`${rule}: ${problem}`);
  }

  /** @throws AccessFileError */
  finish(warnings: readonly string[]): PasswordFile {
    const left = this.#problems.length - MAX_PROBLEMS;
    if (left > 0) this.#problems.splice(MAX_PROBLEMS, left, `${this.#path}: ${left} more lines are wrong.`);
    if (this.#problems.length > 0) throw new AccessFileError(this.#problems);
    return new PasswordFile(this.#path, this.#users, this.#scramUsers, warnings);
  }

  /** What is wrong, and what to do; null: nothing. Never shows what stands where a password may. */
  #add(line: string, rule: string): string | null {
    const colon = line.indexOf(':');
    if (colon < 0) return `a line is a name, a colon and a hash. ${this.#setAgain('NAME')} writes one.`;
    const name = line.slice(0, colon).trim();
    const text = line.slice(colon + 1).trim();
    const nameProblem = userNameProblem(name);
    if (nameProblem !== null) return `the name before the colon cannot be one: ${nameProblem}.`;
    const earlier = this.#users.get(name);
    if (earlier !== undefined) return `'${name}' has a password already, at ${earlier.rule}. Remove one of the lines.`;
    if (text === '') return `'${name}' has no password. ${this.#setAgain(name)} sets one.`;
    if (!text.startsWith('$')) {
      return `the password of '${name}' is not hashed. 'cauldron passwd -U ${this.#path}' does that for all lines.`;
    }
    try {
      return this.#addUser({ name, hash: parsePasswordHash(text), rule });
    } catch (error) {
      if (!(error instanceof PasswordHashError)) throw error;
      const what = looksHashed(text) ? 'is damaged' : 'is of an unknown kind';
      return `the hash of '${name}' ${what}: ${error.message}. ${this.#setAgain(name)} sets the password anew.`;
    }
  }

  #addUser(user: PasswordUser): string | null {
    const { name, hash } = user;
    if (hash.kind === 'argon2id') {
      if (this.#argon2Fault === undefined) this.#argon2Fault = argon2Fault();
      if (this.#argon2Fault !== null) {
        return `argon2id is not to be had on this machine (${this.#argon2Fault}). Set the password with -H sha512-pbkdf2.`;
      }
    }
    if (hash.kind === 'scram-sha-256') {
      const prepared = saslPrepared(name, true);
      if (prepared === null)
        return `'${name}' has characters that SCRAM does not take (RFC 4013). Choose another name.`;
      const other = this.#scramUsers.get(prepared);
      if (other !== undefined) {
        return `'${name}' is the same name for SCRAM as '${other.name}' at ${other.rule} (RFC 4013). Rename one of them.`;
      }
      this.#scramUsers.set(prepared, user);
    }
    this.#users.set(name, user);
    return null;
  }

  #setAgain(name: string): string {
    return `'cauldron passwd ${this.#path} ${name}'`;
  }
}

function read(path: string): { text: string; mode: number } {
  try {
    const stats = statSync(path);
    if (!stats.isFile()) throw new AccessFileError([`${path}: is not a file. Name the file of passwords itself.`]);
    if (stats.size > MAX_FILE_BYTES) {
      throw new AccessFileError([`${path}: has more than ${MAX_FILE_BYTES} bytes. Is it a password file?`]);
    }
    return { text: readFileSync(path, 'utf8'), mode: stats.mode };
  } catch (error) {
    if (error instanceof AccessFileError) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    const hints: Readonly<Record<string, string>> = {
      EACCES: 'The user that the broker runs as needs the right to read it.',
      ENOENT: isAbsolute(path)
        ? `'cauldron passwd -c ${path} NAME' makes one.`
        : `The path counts from ${process.cwd()}, where the broker was started.`,
    };
    const hint = hints[code ?? ''] ?? 'Mend that, or remove the line.';
    throw new AccessFileError([`${path}: cannot be read: ${message}. ${hint}`], { cause: error });
  }
}
