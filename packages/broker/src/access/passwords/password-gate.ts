import type { Admission, Credentials } from '../../core/ports/access.js';
import type { Gate } from '../gate.js';
import { refusal } from '../refusal.js';
import type { PasswordChecker } from './password-checker.js';
import type { PasswordFile } from './password-file.js';
import type { PasswordHash } from './password-hash.js';
import { PasswordVerdict } from './password-verdict.js';
import { usualHash } from './usual-hash.js';

/**
 * Lets in the users of a password file. A name that it does not know is none of its business, but costs the same work as a
 * wrong password of the kind that most of its users have, so that names cannot be found out by the clock.
 */
export class PasswordGate implements Gate {
  readonly name: string;
  readonly #file: PasswordFile;
  readonly #verdict: PasswordVerdict;
  readonly #usual: PasswordHash | null;

  constructor(file: PasswordFile, checker: PasswordChecker) {
    this.name = `password_file ${file.path}`;
    this.#file = file;
    this.#verdict = new PasswordVerdict(file.path, checker);
    this.#usual = usualHash([...file.users.values()].map(({ hash }) => hash));
  }

  authenticate({ username, password, provenBy }: Credentials): Admission | null | Promise<Admission | null> {
    if (username === undefined) return null;
    const user = this.#file.users.get(username);
    if (user === undefined) {
      // Without a password nobody has work, whether the name is known or not.
      if (provenBy !== null || password === undefined || this.#usual === null) return null;
      return this.#verdict.onUnknown(username, password, this.#usual);
    }
    const { rule, hash } = user;
    if (provenBy !== null) return { admitted: true, username, rule };
    if (password === undefined) return refusal(`${rule}: no password was given`);
    return this.#verdict.on(hash, password, (isRight) =>
      isRight ? { admitted: true, username, rule } : refusal(`${rule}: wrong password`),
    );
  }
}
