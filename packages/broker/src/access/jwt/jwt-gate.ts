import { decodeProtectedHeader, errors, type JWTPayload, jwtVerify } from 'jose';
import type { JwtConfig } from '../../config/jwt-options.js';
import type { Admission, Credentials } from '../../core/ports/access.js';
import type { Gate } from '../gate.js';
import { refusal } from '../refusal.js';
import { grantsIn, type JwtClient, type JwtGrants } from './jwt-grants.js';
import type { JwtKey } from './jwt-keys.js';

/** A token with a thousand filters is longer than any that should be. */
const MAX_TOKEN_BYTES = 32 * 1024;
/** Keys that one token is tried with: it may not name one. */
const MAX_TRIES = 10;

/** Sets of rights that are remembered. */
const MAX_GRANTS = 1000;

/** Three parts in base64url, the last of which is empty in one that nobody signed; the first is JSON, so it begins so. */
const TOKEN = /^eyJ[\w-]*\.[\w-]*\.[\w-]*$/;

/** Why a token does not let its client in, as a clause. It says nothing of the token that could not be in a log. */
class Refused extends Error {}

/**
 * JSON Web Tokens as passwords. A password that does not look like one is for the next gate; one that does is decided here.
 * Nothing of a token is believed before a key has proven it, not even which algorithm to use.
 */
export class JwtGate implements Gate {
  readonly name = 'tokens (jwt)';
  readonly #config: JwtConfig;
  readonly #keys: readonly JwtKey[];
  readonly #wallMs: () => number;
  /** What tokens said before, by what it is: who comes again with the same rights is known to have them. */
  readonly #grants = new Map<string, JwtGrants>();

  constructor(config: JwtConfig, keys: readonly JwtKey[], wallMs: () => number) {
    this.#config = config;
    this.#keys = keys;
    this.#wallMs = wallMs;
  }

  authenticate(credentials: Credentials): Admission | null | Promise<Admission | null> {
    const { password, provenBy } = credentials;
    if (password === undefined || provenBy !== null) return null;
    const token = new TextDecoder('latin1').decode(password);
    if (!TOKEN.test(token)) return null;
    return this.#admit(credentials, token).catch((error: unknown) => {
      if (error instanceof Refused) return refusal(`jwt: ${error.message}`);
      return refusal(`jwt: the token could not be checked: ${(error as Error).message}`);
    });
  }

  /** @throws (rejects) Refused */
  async #admit({ clientId, username: claimed }: Credentials, token: string): Promise<Admission> {
    if (token.length > MAX_TOKEN_BYTES) throw new Refused(`the token is longer than ${MAX_TOKEN_BYTES} bytes`);
    const { payload, key } = await this.#verify(token);
    const { usernameClaim, toleranceS } = this.#config;
    const username = payload[usernameClaim];
    if (typeof username !== 'string' || username === '') {
      throw new Refused(`the token has no user name (claim ${usernameClaim})`);
    }
    if (claimed !== undefined && claimed !== '' && claimed !== username) {
      throw new Refused(`the user name is not that of the token (claim ${usernameClaim})`);
    }
    const grants = this.#grantsOf(payload, { clientId, username });
    return {
      admitted: true,
      username,
      rule: `a token that ${key.origin} proves`,
      ...(payload.exp !== undefined && { untilMs: (payload.exp + toleranceS) * 1000 }),
      ...(grants !== null && { grants }),
    };
  }

  /** @throws Refused */
  #grantsOf(payload: JWTPayload, client: JwtClient): JwtGrants | null {
    const grants = readGrants(payload, client);
    if (grants === null) return null;
    const key = JSON.stringify(grants);
    const known = this.#grants.get(key);
    if (known !== undefined) return known;
    if (this.#grants.size >= MAX_GRANTS) this.#grants.clear();
    this.#grants.set(key, grants);
    return grants;
  }

  /** @throws (rejects) Refused */
  async #verify(token: string): Promise<{ payload: JWTPayload; key: JwtKey }> {
    const { issuer, audiences, toleranceS, requiresExpiry } = this.#config;
    for (const key of this.#keysFor(token)) {
      try {
        const { payload } = await jwtVerify(token, key.key, {
          algorithms: [...key.algorithms],
          clockTolerance: toleranceS,
          currentDate: new Date(this.#wallMs()),
          ...(issuer !== null && { issuer }),
          ...(audiences.length > 0 && { audience: [...audiences] }),
          ...(requiresExpiry && { requiredClaims: ['exp'] }),
        });
        return { payload, key };
      } catch (error) {
        // Another key may be the right one.
        if (error instanceof errors.JWSSignatureVerificationFailed) continue;
        throw new Refused(explained(error, this.#wallMs()));
      }
    }
    throw new Refused('no key proves the signature of the token');
  }

  /** @throws Refused */
  #keysFor(token: string): readonly JwtKey[] {
    const { alg, kid } = headerOf(token);
    const name = alg === undefined ? 'none' : printable(alg);
    const fitting = this.#keys.filter(({ algorithms }) => alg !== undefined && algorithms.includes(alg));
    if (fitting.length === 0) throw new Refused(`no key is there for tokens with the algorithm ${name}`);
    const named = fitting.filter(({ id }) => id !== null && id === kid);
    const candidates = named.length > 0 ? named : fitting.filter(({ id }) => id === null || kid === undefined);
    if (candidates.length === 0) throw new Refused(`there is no key with the id ${printable(kid ?? '')} (kid)`);
    return candidates.slice(0, MAX_TRIES);
  }
}

function headerOf(token: string): { alg?: string; kid?: string } {
  try {
    const { alg, kid } = decodeProtectedHeader(token);
    return { ...(typeof alg === 'string' && { alg }), ...(typeof kid === 'string' && { kid }) };
  } catch {
    throw new Refused('the token has no header that can be read');
  }
}

/** @throws Refused */
function readGrants(payload: JWTPayload, client: JwtClient): JwtGrants | null {
  try {
    return grantsIn(payload, client);
  } catch (error) {
    throw new Refused(`the token is good, but ${(error as Error).message}`);
  }
}

function explained(error: unknown, nowMs: number): string {
  if (error instanceof errors.JWTExpired) return `the token has expired (exp${ageOf(error.payload.exp, nowMs)})`;
  if (error instanceof errors.JWTClaimValidationFailed) {
    const { claim, reason } = error;
    if (reason === 'missing') return `the token has no claim ${printable(claim)}`;
    if (claim === 'nbf') return 'the token does not hold yet (nbf)';
    return `the claim ${printable(claim)} of the token is not what it has to be`;
  }
  return 'the token is not well-formed';
}

function ageOf(exp: number | undefined, nowMs: number): string {
  return exp === undefined ? '' : `, ${Math.max(0, Math.round(nowMs / 1000 - exp))} s ago`;
}

/** What a stranger wrote, as it may stand in a log. */
function printable(text: string): string {
  return JSON.stringify(text.slice(0, 40));
}
