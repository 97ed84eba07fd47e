import { randomBytes } from 'node:crypto';
import { ReasonCode } from '@cauldron/codec';
import type { Admission, Credentials } from '../../core/ports/access.js';
import type { Gate } from '../gate.js';
import { refusal } from '../refusal.js';
import { decoySalt } from './decoy-salt.js';
import type { PasswordChecker } from './password-checker.js';
import type { PasswordFile } from './password-file.js';
import type { PasswordHash } from './password-hash.js';
import { usualHash } from './usual-hash.js';

/**
 * Lets in the users of a password file. A name that it does not know is none of its business, but costs the same work as a
 * wrong password of the kind that most of its users have, so that names cannot be found out by the clock.
 */
export class PasswordGate implements Gate {
  readonly name: string;
  readonly #file: PasswordFile;
  readonly #checker: PasswordChecker;
  readonly #usual: PasswordHash | null;
  readonly #key = randomBytes(32);

  constructor(file: PasswordFile, checker: PasswordChecker) {
    this.name = `password_file ${file.path}`;
    this.#file = file;
    this.#checker = checker;
    this.#usual = usualHash([...file.users.values()].map(({ hash }) => hash));
  }

  authenticate({ username, password, provenBy }: Credentials): Admission | null | Promise<Admission | null> {
    if (username === undefined) return null;
    const user = this.#file.users.get(username);
    if (user === undefined) {
      // Without a password nobody has work, whether the name is known or not.
      if (provenBy !== null || password === undefined || this.#usual === null) return null;
      return this.#check(this.#decoy(this.#usual, username), password, () => null);
    }
    const { rule, hash } = user;
    if (provenBy !== null) return { admitted: true, username, rule };
    if (password === undefined) return refusal(`${rule}: no password was given`);
    return this.#check(hash, password, (isRight) =>
      isRight ? { admitted: true, username, rule } : refusal(`${rule}: wrong password`),
    );
  }

  async #check(
    hash: PasswordHash,
    password: Uint8Array,
    conclude: (isRight: boolean) => Admission | null,
  ): Promise<Admission | null> {
    try {
      const verdict = await this.#checker.check(hash, password);
      if (verdict !== 'busy') return conclude(verdict === 'right');
      return unable(ReasonCode.SERVER_BUSY, `${this.#file.path}: too many passwords wait to be checked`);
    } catch (error) {
      const rule = `${this.#file.path}: a password could not be checked: ${(error as Error).message}`;
      return unable(ReasonCode.SERVER_UNAVAILABLE, rule);
    }
  }

  /** A hash that no password has, another for each name: nothing is found out by asking for two at once either. */
  #decoy(usual: PasswordHash, username: string): PasswordHash {
    return { ...usual, salt: decoySalt(this.#key, username, usual.salt.length) };
  }
}

function unable(reasonCode: ReasonCode, rule: string): Admission {
  return { admitted: false, reasonCode, reason: 'passwords cannot be checked just now: try again later', rule };
}
