import { createHash, createHmac, pbkdf2 } from 'node:crypto';
import { promisify } from 'node:util';
import { saslPrepared } from './saslprep.js';

const deriveBits = promisify(pbkdf2);
const SHA256_BYTES = 32;

/** What the server keeps of a password (RFC 5802, section 3). */
export interface ScramKeys {
  readonly storedKey: Buffer;
  readonly serverKey: Buffer;
}

/** Derived in the thread pool. A password that SASLprep does not take is used as it is: it fits no key that was made of it. */
export async function scramKeysOf(password: Uint8Array, salt: Uint8Array, iterations: number): Promise<ScramKeys> {
  const text = saslPrepared(new TextDecoder().decode(password), false);
  const salted = await deriveBits(text ?? password, salt, iterations, SHA256_BYTES, 'sha256');
  return { storedKey: sha256(hmac(salted, 'Client Key')), serverKey: hmac(salted, 'Server Key') };
}

export function hmac(key: Uint8Array, data: string | Uint8Array): Buffer {
  return createHmac('sha256', key).update(data).digest();
}

export function sha256(data: Uint8Array): Buffer {
  return createHash('sha256').update(data).digest();
}
