import { randomBytes, timingSafeEqual } from 'node:crypto';
import { ReasonCode } from '@cauldron/codec';
import type {
  AuthenticationExchange,
  AuthenticationStep,
  Credentials,
  EnhancedAuthenticator,
} from '../../core/ports/access.js';
import { decoySalt } from './decoy-salt.js';
import type { PasswordFile, PasswordUser } from './password-file.js';
import type { ScramHash } from './password-hash.js';
import { saslPrepared } from './saslprep.js';
import { hmac, sha256 } from './scram-keys.js';
import { type ClientFinal, parseClientFinal, parseClientFirst, ScramMessageError } from './scram-messages.js';

/** As clients name it in CONNECT. */
export const SCRAM_METHOD = 'SCRAM-SHA-256';

const NONCE_BYTES = 18;

type Refusal = Extract<AuthenticationStep, { readonly admitted: false }>;

/** What a client is checked against. `rule`: where it stands; if nobody passes, why. */
interface Candidate {
  readonly user: PasswordUser | null;
  readonly hash: ScramHash;
  readonly rule: string;
}

/**
 * SCRAM-SHA-256 (RFC 5802, RFC 7677) without channel binding, for the users of password files whose hash is of that kind:
 * the password itself is never sent, and the client learns that the broker knows it, too. Without such users the method is
 * not offered. A name that is not there is asked for a proof like any other, with a salt that stays the same.
 */
export class ScramAuthenticator implements EnhancedAuthenticator {
  readonly #files: readonly PasswordFile[];
  readonly #random: (size: number) => Buffer;
  /** Whose costs and salts decoys look like; null: there is no user for SCRAM. */
  readonly #model: ScramHash | null = null;
  readonly #decoyKey: Buffer = Buffer.alloc(0);

  /**
   * @param files in the order in which they are asked: the first that knows a name decides
   * @param random for nonces
   */
  constructor(files: readonly PasswordFile[], random: (size: number) => Buffer = randomBytes) {
    this.#files = files;
    this.#random = random;
    const [first] = files.flatMap(({ scramUsers }) => scramUsers.values().next().value ?? []);
    if (first?.hash.kind !== 'scram-sha-256') return;
    this.#model = first.hash;
    // The first user's line mostly stays as it is while others come and go, and the broker restarts.
    this.#decoyKey = hmac(first.hash.serverKey, 'salts of users that there are not');
  }

  begin(credentials: Credentials, method: string): AuthenticationExchange | null {
    if (method !== SCRAM_METHOD || this.#model === null) return null;
    const model = this.#model;
    const nonce = this.#random(NONCE_BYTES).toString('base64');
    return new ScramExchange(credentials, nonce, (username) => this.#candidate(username, model));
  }

  /** `username` as the client sent it. */
  #candidate(username: string, model: ScramHash): Candidate {
    const prepared = saslPrepared(username, false) ?? username;
    const hash = { ...model, salt: decoySalt(this.#decoyKey, prepared, model.salt.length) };
    for (const { path, users, scramUsers } of this.#files) {
      const user = scramUsers.get(prepared);
      if (user?.hash.kind === 'scram-sha-256') return { user, hash: user.hash, rule: user.rule };
      const other = users.get(prepared);
      if (other === undefined) continue;
      const how = `'cauldron passwd -H scram-sha-256 ${path} ${other.name}'`;
      return { user: null, hash, rule: `${other.rule}: SCRAM needs a hash of its own: ${how}` };
    }
    const paths = this.#files.map(({ path }) => path).join(', ');
    return { user: null, hash, rule: `${paths}: no user is called ${username}` };
  }
}

type Find = (username: string) => Candidate;

/** What was said up to the challenge. */
interface Asked {
  readonly candidate: Candidate;
  readonly gs2Header: string;
  readonly nonce: string;
  /** The messages that client and server sign, but for the last. */
  readonly signed: string;
}

class ScramExchange implements AuthenticationExchange {
  readonly #credentials: Credentials;
  readonly #serverNonce: string;
  readonly #find: Find;
  #isInvited = false;
  #asked: Asked | null = null;

  constructor(credentials: Credentials, serverNonce: string, find: Find) {
    this.#credentials = credentials;
    this.#serverNonce = serverNonce;
    this.#find = find;
  }

  next(data: Uint8Array | undefined): AuthenticationStep {
    try {
      if (this.#asked !== null) return this.#finish(this.#asked, parseClientFinal(data ?? new Uint8Array()));
      if ((data === undefined || data.length === 0) && !this.#isInvited) {
        // It wants to be asked before it says who it is.
        this.#isInvited = true;
        return { challenge: undefined };
      }
      return this.#begin(data ?? new Uint8Array());
    } catch (error) {
      if (!(error instanceof ScramMessageError)) throw error;
      return refusal(`SCRAM: ${error.message}`, `SCRAM-SHA-256: ${error.message}`);
    }
  }

  #begin(data: Uint8Array): AuthenticationStep {
    const { gs2Header, username, nonce, bare } = parseClientFirst(data);
    const candidate = this.#find(username);
    const { salt, iterations } = candidate.hash;
    const both = `${nonce}${this.#serverNonce}`;
    const challenge = `r=${both},s=${Buffer.from(salt).toString('base64')},i=${iterations}`;
    this.#asked = { candidate, gs2Header, nonce: both, signed: `${bare},${challenge}` };
    return { challenge: Buffer.from(challenge) };
  }

  #finish(
    { candidate, gs2Header, nonce, signed }: Asked,
    { channelBinding, nonce: given, proof, withoutProof }: ClientFinal,
  ): AuthenticationStep {
    const { user, hash, rule } = candidate;
    const message = `${signed},${withoutProof}`;
    const clientSignature = hmac(hash.storedKey, message);
    const clientKey = proof.map((byte, at) => byte ^ clientSignature[at]);
    const isProven = timingSafeEqual(sha256(clientKey), hash.storedKey);
    if (given !== nonce || channelBinding !== Buffer.from(gs2Header).toString('base64')) {
      throw new ScramMessageError('the last message does not belong to the first one');
    }
    if (user === null || !isProven) return refusal('not authorised', user === null ? rule : `${rule}: wrong password`);
    // A name in CONNECT, or in a certificate, is not to be another one than what was proven.
    const { username = user.name } = this.#credentials;
    if (username !== user.name) {
      return refusal('another user than in CONNECT', `${rule}: the user name in CONNECT is ${username}`);
    }
    const data = Buffer.from(`v=${hmac(hash.serverKey, message).toString('base64')}`);
    return { admitted: true, username: user.name, rule, data };
  }
}

function refusal(reason: string, rule: string): Refusal {
  return { admitted: false, reasonCode: ReasonCode.NOT_AUTHORIZED, reason, rule };
}
