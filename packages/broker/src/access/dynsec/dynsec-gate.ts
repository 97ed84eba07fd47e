import type { Admission, Credentials } from '../../core/ports/access.js';
import type { Gate } from '../gate.js';
import type { PasswordChecker } from '../passwords/password-checker.js';
import type { PasswordHash } from '../passwords/password-hash.js';
import { PasswordVerdict } from '../passwords/password-verdict.js';
import { usualHash } from '../passwords/usual-hash.js';
import { refusal } from '../refusal.js';
import type { Client, DynsecState } from './dynsec-state.js';

/**
 * Lets in the clients of dynamic security who have a password and are not disabled. One that it does not know is none of
 * its business, and costs the same work.
 */
export class DynsecGate implements Gate {
  readonly name: string;
  readonly #state: () => DynsecState;
  readonly #path: string;
  readonly #verdict: PasswordVerdict;
  /** Of this change index; null: nobody has a password. */
  #usual: { readonly changeIndex: number; readonly hash: PasswordHash | null } | null = null;

  /** `state`: what holds now. */
  constructor(state: () => DynsecState, path: string, checker: PasswordChecker) {
    this.name = `dynamic security ${path}`;
    this.#state = state;
    this.#path = path;
    this.#verdict = new PasswordVerdict(path, checker);
  }

  authenticate({ username, password, provenBy, clientId }: Credentials): Admission | null | Promise<Admission | null> {
    if (username === undefined) return null;
    const client = this.#state().clients.get(username);
    const rule = `${this.#path}: client '${username}'`;
    if (provenBy !== null) {
      if (client === undefined) return null;
      return verdictOn(client, clientId, rule) ?? { admitted: true, username, rule };
    }
    if (password === undefined) return null;
    if (client === undefined || client.password === null) {
      const usual = this.#usualHash();
      if (usual === null) return null;
      return this.#verdict.onUnknown(username, password, usual);
    }
    return this.#verdict.on(client.password, password, (isRight) => {
      if (!isRight) return refusal(`${rule}: wrong password`);
      return verdictOn(client, clientId, rule) ?? { admitted: true, username, rule };
    });
  }

  #usualHash(): PasswordHash | null {
    const { changeIndex, clients } = this.#state();
    if (this.#usual?.changeIndex !== changeIndex) {
      const hashes = [...clients.values()].flatMap(({ password }) => (password === null ? [] : [password]));
      this.#usual = { changeIndex, hash: usualHash(hashes) };
    }
    return this.#usual.hash;
  }
}

/** Why a client whose name is proven does not get in all the same; null: it does. */
function verdictOn({ clientId: wanted, disabled }: Client, clientId: string, rule: string): Admission | null {
  if (disabled) return refusal(`${rule} is disabled`);
  if (wanted !== null && wanted !== clientId) return refusal(`${rule} may only come with client id '${wanted}'`);
  return null;
}
