import { randomBytes } from 'node:crypto';
import { ReasonCode } from '@cauldron/codec';
import type { Admission } from '../../core/ports/access.js';
import { decoySalt } from './decoy-salt.js';
import type { PasswordChecker } from './password-checker.js';
import type { PasswordHash } from './password-hash.js';

/** How a gate has passwords checked: at the same cost for names that it knows and for those that it does not. */
export class PasswordVerdict {
  readonly #path: string;
  readonly #checker: PasswordChecker;
  readonly #key = randomBytes(32);

  /** `path`: the file that the gate's passwords are in, for what is logged. */
  constructor(path: string, checker: PasswordChecker) {
    this.#path = path;
    this.#checker = checker;
  }

  /** What follows from whether the password is right; a refusal if that cannot be found out now. */
  async on(
    hash: PasswordHash,
    password: Uint8Array,
    conclude: (isRight: boolean) => Admission | null,
  ): Promise<Admission | null> {
    try {
      const verdict = await this.#checker.check(hash, password);
      if (verdict !== 'busy') return conclude(verdict === 'right');
      return unable(ReasonCode.SERVER_BUSY, `${this.#path}: too many passwords wait to be checked`);
    } catch (error) {
      const rule = `${this.#path}: a password could not be checked: ${(error as Error).message}`;
      return unable(ReasonCode.SERVER_UNAVAILABLE, rule);
    }
  }

  /**
   * For a name that the gate does not know: the work of a wrong password, against a hash that no password has. It is another
   * one for each name, so that nothing is found out by asking for two at once either. `usual`: of the kind that most have.
   */
  onUnknown(username: string, password: Uint8Array, usual: PasswordHash): Promise<Admission | null> {
    const decoy = { ...usual, salt: decoySalt(this.#key, username, usual.salt.length) };
    return this.on(decoy, password, () => null);
  }
}

function unable(reasonCode: ReasonCode, rule: string): Admission {
  return { admitted: false, reasonCode, reason: 'passwords cannot be checked just now: try again later', rule };
}
