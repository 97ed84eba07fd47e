import { randomBytes } from 'node:crypto';
import { ReasonCode } from '@cauldron/codec';
import type { Admission, Credentials } from '../../core/ports/access.js';
import type { Gate } from '../gate.js';
import { decoySalt } from '../passwords/decoy-salt.js';
import type { PasswordChecker } from '../passwords/password-checker.js';
import type { PasswordHash } from '../passwords/password-hash.js';
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
  readonly #checker: PasswordChecker;
  readonly #key = randomBytes(32);
  /** Of this change index; null: nobody has a password. */
  #usual: { readonly changeIndex: number; readonly hash: PasswordHash | null } | null = null;

  /** `state`: what holds now. */
  constructor(state: () => DynsecState, path: string, checker: PasswordChecker) {
    this.name = `dynamic security ${path}`;
    this.#state = state;
    this.#path = path;
    this.#checker = checker;
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
      const decoy = { ...usual, salt: decoySalt(this.#key, username, usual.salt.length) };
      return this.#check(decoy, password, () => null);
    }
    return this.#check(client.password, password, (isRight) => {
      if (!isRight) return refusal(`${rule}: wrong password`);
      return verdictOn(client, clientId, rule) ?? { admitted: true, username, rule };
    });
  }

  async #check(
    hash: PasswordHash,
    password: Uint8Array,
    conclude: (isRight: boolean) => Admission | null,
  ): Promise<Admission | null> {
    try {
      const verdict = await this.#checker.check(hash, password);
      if (verdict !== 'busy') return conclude(verdict === 'right');
      return unable(ReasonCode.SERVER_BUSY, `${this.#path}: too many passwords wait to be checked`);
    } catch (error) {
      return unable(
        ReasonCode.SERVER_UNAVAILABLE,
        `${this.#path}: a password could not be checked: ${(error as Error).message}`,
      );
    }
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

function unable(reasonCode: ReasonCode, rule: string): Admission {
  return { admitted: false, reasonCode, reason: 'passwords cannot be checked just now: try again later', rule };
}
