import { AccessControl, type AccessSet } from '../access/access-control.js';
import { AccessRecord, RecordedAuthorizer } from '../access/access-record.js';
import { AclFileError, readAclFile } from '../access/acl-file.js';
import { AclRules } from '../access/acl-rules.js';
import { HashingPool } from '../access/passwords/hashing-pool.js';
import { PasswordChecker } from '../access/passwords/password-checker.js';
import { type PasswordFile, PasswordFileError, readPasswordFile } from '../access/passwords/password-file.js';
import { PasswordGate } from '../access/passwords/password-gate.js';
import { encodePasswordHash } from '../access/passwords/password-hash.js';
import { ScramAuthenticator } from '../access/passwords/scram-authenticator.js';
import type { AccessPart, AccessParts } from '../config/access-config.js';
import type { Principal } from '../core/ports/access.js';
import { systemClock } from '../system.js';
import { StartError } from './start-error.js';

/** What the files say now, before it holds. */
export interface AccessChange {
  /** What somebody should know. */
  readonly warnings: readonly string[];
  apply(): void;
  /** Why a client that is connected may not stay; null: it may. To be asked after `apply`. */
  objectionTo(client: Principal): string | null;
}

/** Everything about users and rights that the configuration asks for, and how it follows the configuration. */
export class Access {
  readonly control = new AccessControl();
  /** Who did what in the last hour, for `cauldron acl simulate`. */
  readonly record = new AccessRecord(systemClock.wallMs);
  readonly authorizer = new RecordedAuthorizer(this.control, this.record);
  readonly #checker = new PasswordChecker(new HashingPool());
  /** By `ListenerPolicy.access`. */
  #users: ReadonlyMap<string, readonly PasswordFile[]> = new Map();

  /**
   * Reads all files. Nothing changes.
   * @throws StartError with all that is wrong with them
   */
  prepare(access: ReadonlyMap<string, AccessParts>): AccessChange {
    const reader = new FileReader();
    const sets = new Map<string, AccessSet>();
    const users = new Map<string, readonly PasswordFile[]>();
    for (const [name, parts] of access) {
      const files = parts.flatMap((part) => reader.passwordFile(part) ?? []);
      users.set(name, files);
      sets.set(name, {
        gates: files.map((file) => new PasswordGate(file, this.#checker)),
        rules: parts.flatMap((part) => reader.aclRules(part) ?? []),
        exchanges: files.map((file) => new ScramAuthenticator(file)),
      });
    }
    if (reader.problems.length > 0) throw new StartError(reader.problems);
    const before = this.#users;
    return {
      warnings: reader.warnings,
      apply: () => {
        this.#users = users;
        this.control.replace(sets);
      },
      objectionTo: ({ access: name = '', username }) => {
        if (username === undefined) return null;
        const was = hashOf(before.get(name), username);
        if (was === null) return null;
        const is = hashOf(users.get(name), username);
        if (is === null) return `the user ${username} is not in the password file any more`;
        return is === was ? null : `the password of ${username} has been changed`;
      },
    };
  }
}

/** Reads each file once, however many listeners it is for, and gathers what is wrong. */
class FileReader {
  readonly problems: string[] = [];
  readonly warnings: string[] = [];
  readonly #passwordFiles = new Map<string, PasswordFile | null>();
  readonly #aclRules = new Map<string, AclRules | null>();

  /** Null: it is another part, or cannot be used. */
  passwordFile({ kind, path }: AccessPart): PasswordFile | null {
    if (kind !== 'password-file') return null;
    return this.#once(this.#passwordFiles, path, () => {
      const file = readPasswordFile(path);
      this.warnings.push(...file.warnings);
      return file;
    });
  }

  /** The same. */
  aclRules({ kind, path }: AccessPart): AclRules | null {
    if (kind !== 'acl-file') return null;
    return this.#once(this.#aclRules, path, () => new AclRules(readAclFile(path)));
  }

  #once<File>(known: Map<string, File | null>, path: string, read: () => File): File | null {
    const found = known.get(path);
    if (found !== undefined) return found;
    let file: File | null = null;
    try {
      file = read();
    } catch (error) {
      if (!(error instanceof PasswordFileError) && !(error instanceof AclFileError)) throw error;
      this.problems.push(...error.problems);
    }
    known.set(path, file);
    return file;
  }
}

function hashOf(files: readonly PasswordFile[] = [], username: string): string | null {
  for (const { users } of files) {
    const user = users.get(username);
    if (user !== undefined) return encodePasswordHash(user.hash);
  }
  return null;
}
