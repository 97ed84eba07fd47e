import type { Authentication, AuthenticationExchange } from './authentication.js';

export interface ScramOptions {
  username: string;
  password: string;
  /**
   * The number of iterations that the server may ask for, at least and at most: fewer would make the password easy to guess
   * for whoever plays the server, more would keep this client busy. Default 4096 (RFC 7677) to 1,000,000.
   */
  iterations?: { least: number; most: number };
  /** Makes nonces. Default: 18 bytes of `crypto.getRandomValues`, in Base64. */
  makeNonce?: () => string;
}

const DEFAULT_ITERATIONS = { least: 4096, most: 1_000_000 };
const NONCE_BYTES = 18;
const KEY_BITS = 256;
const MAX_SALT_BYTES = 1024;
/** No channel binding, and nobody else's rights. */
const GS2_HEADER = 'n,,';
const HEADER_BASE64 = btoa(GS2_HEADER);
const PRINTABLE_ASCII = /^[ -~]*$/;

/**
 * SCRAM-SHA-256 (RFC 5802, RFC 7677) without channel binding, for `ConnectOptions.authentication`: the password is not sent,
 * and a server that does not know it is left with AuthenticationFailed. Needs Web Crypto, which browsers have on pages
 * that came over HTTPS.
 *
 * `begin` is rejected with a TypeError if SASLprep (RFC 4013) does not take the name or the password.
 */
export function scramSha256(options: ScramOptions): Authentication {
  const { iterations = DEFAULT_ITERATIONS, makeNonce = randomNonce } = options;
  return {
    method: 'SCRAM-SHA-256',
    async begin() {
      const username = await prepared('user name', options.username);
      const password = await prepared('password', options.password);
      return new ScramExchange(username, password, makeNonce(), iterations);
    },
  };
}

class ScramExchange implements AuthenticationExchange {
  readonly data: Uint8Array;
  readonly #password: string;
  readonly #nonce: string;
  readonly #iterations: { least: number; most: number };
  readonly #bare: string;
  /** Null: the server has not asked yet. */
  #expected: string | null = null;

  constructor(username: string, password: string, nonce: string, iterations: { least: number; most: number }) {
    this.#password = password;
    this.#nonce = nonce;
    this.#iterations = iterations;
    this.#bare = `n=${username.replaceAll('=', '=3D').replaceAll(',', '=2C')},r=${nonce}`;
    this.data = bytesOf(GS2_HEADER + this.#bare);
  }

  async respond(question: Uint8Array | undefined): Promise<Uint8Array> {
    if (this.#expected !== null) throw new Error('The server asks a second time, which SCRAM does not know');
    const challenge = textOf(question);
    const { nonce, salt, iterations } = this.#parse(challenge);
    const salted = await saltedPassword(this.#password, salt, iterations);
    const clientKey = await hmac(salted, 'Client Key');
    const withoutProof = `c=${HEADER_BASE64},r=${nonce}`;
    const message = `${this.#bare},${challenge},${withoutProof}`;
    const storedKey = new Uint8Array(await crypto.subtle.digest('SHA-256', clientKey));
    const clientSignature = await hmac(storedKey, message);
    const proof = clientKey.map((byte, at) => byte ^ clientSignature[at]);
    this.#expected = `v=${base64(await hmac(await hmac(salted, 'Server Key'), message))}`;
    return bytesOf(`${withoutProof},p=${base64(proof)}`);
  }

  finish(data: Uint8Array | undefined): void {
    const [signature] = textOf(data).split(',', 1);
    // Both sides know it from here on: nothing is lost by a comparison that stops early.
    if (this.#expected === null || signature !== this.#expected) {
      throw new Error('The server has not proven that it knows the password: it is not the right one');
    }
  }

  /** What the server asks, if it may ask that. */
  #parse(challenge: string): { nonce: string; salt: Uint8Array<ArrayBuffer>; iterations: number } {
    const [, nonce, encoded, digits] = /^r=([^,]+),s=([A-Za-z0-9+/]+={0,2}),i=(\d{1,10})(?:,|$)/.exec(challenge) ?? [];
    if (nonce === undefined) throw new Error('What the server asks is not SCRAM');
    if (!nonce.startsWith(this.#nonce) || nonce === this.#nonce) {
      throw new Error('The server answers with a nonce that is not made for this client');
    }
    const iterations = Number(digits);
    const { least, most } = this.#iterations;
    if (iterations < least || iterations > most) {
      throw new Error(`The server asks for ${iterations} iterations; this client does ${least} to ${most}`);
    }
    return { nonce, salt: saltOf(encoded), iterations };
  }
}

function saltOf(encoded: string): Uint8Array<ArrayBuffer> {
  const length = (encoded.length * 3) / 4;
  if (encoded.length % 4 !== 0 || length > MAX_SALT_BYTES) throw new Error('The server sends a salt that is none');
  return Uint8Array.from(atob(encoded), (character) => character.charCodeAt(0));
}

async function saltedPassword(
  password: string,
  salt: Uint8Array<ArrayBuffer>,
  iterations: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const key = await crypto.subtle.importKey('raw', bytesOf(password), 'PBKDF2', false, ['deriveBits']);
  const algorithm = { name: 'PBKDF2', hash: 'SHA-256', salt, iterations };
  return new Uint8Array(await crypto.subtle.deriveBits(algorithm, key, KEY_BITS));
}

async function hmac(key: Uint8Array<ArrayBuffer>, text: string): Promise<Uint8Array<ArrayBuffer>> {
  const algorithm = { name: 'HMAC', hash: 'SHA-256' };
  const imported = await crypto.subtle.importKey('raw', key, algorithm, false, ['sign']);
  return new Uint8Array(await crypto.subtle.sign('HMAC', imported, bytesOf(text)));
}

async function prepared(what: string, text: string): Promise<string> {
  if (text === '') throw new TypeError(`The ${what} is empty, which SCRAM does not know`);
  if (PRINTABLE_ASCII.test(text)) return text;
  // Few need its tables.
  const { saslPrepared } = await import('./saslprep.js');
  const form = saslPrepared(text);
  if (form === null) throw new TypeError(`The ${what} has characters that SCRAM does not take (RFC 4013)`);
  return form;
}

function randomNonce(): string {
  return base64(crypto.getRandomValues(new Uint8Array(NONCE_BYTES)));
}

function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

function textOf(data: Uint8Array | undefined): string {
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(data);
}

function base64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}
