import { createHash, pbkdf2, randomBytes, timingSafeEqual } from 'node:crypto';
import { createRequire } from 'node:module';
import { promisify } from 'node:util';
import type { Argon2Hash, HashKind, PasswordHash } from './password-hash.js';
import { saslPrepared } from './saslprep.js';
import { scramKeysOf } from './scram-keys.js';

const require = createRequire(import.meta.url);
const deriveBits = promisify(pbkdf2);

const SHA512_BYTES = 64;
/** The length that every version of Mosquitto reads. */
const MOSQUITTO_SALT_BYTES = 12;
const SALT_BYTES = 16;
/** Those of Mosquitto 2.1, and one of the sets that OWASP's cheat sheet on storing passwords recommends. */
const ARGON2 = { memoryKiB: 47_104, passes: 1, lanes: 1, hashBytes: 32 } as const;
/** Mosquitto, which checks on its only thread, takes some 50 ms for them; its own default is 101 in 2.0, 1000 in 2.1. */
const PBKDF2_ITERATIONS = 100_000;
/** Four times what RFC 7677 asks for at least: the client does the work, which may be a small device. */
const SCRAM_ITERATIONS = 16_384;

/** The password cannot be kept in this way; the message is a clause. */
export class PasswordRefused extends Error {
  override readonly name = 'PasswordRefused';
}

/** @param iterations of `sha512-pbkdf2` and `scram-sha-256`; the others have none, and pay no heed to it */
export interface HashChoice {
  readonly kind: HashKind;
  readonly iterations?: number | undefined;
}

/**
 * A new hash, with a new salt. Its work is done in Node's thread pool.
 * @throws (rejects) PasswordRefused for `scram-sha-256`, if SASLprep does not take the password
 */
export async function hashPassword(
  password: Uint8Array,
  { kind, iterations }: HashChoice,
  random: (size: number) => Uint8Array = randomBytes,
): Promise<PasswordHash> {
  switch (kind) {
    case 'sha512': {
      const salt = random(MOSQUITTO_SALT_BYTES);
      return { kind, salt, hash: saltedSha512(password, salt) };
    }
    case 'sha512-pbkdf2': {
      const salt = random(MOSQUITTO_SALT_BYTES);
      const times = iterations ?? PBKDF2_ITERATIONS;
      return { kind, iterations: times, salt, hash: await deriveBits(password, salt, times, SHA512_BYTES, 'sha512') };
    }
    case 'argon2id': {
      const { hashBytes, ...costs } = ARGON2;
      const salt = random(SALT_BYTES);
      return { kind, ...costs, salt, hash: await argon2id(password, { ...costs, salt }, hashBytes) };
    }
    case 'scram-sha-256': {
      const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(password);
      if (text.includes('\uFFFD') || !saslPrepared(text, true)) {
        throw new PasswordRefused('it is empty, or has characters that SCRAM does not take (RFC 4013)');
      }
      const salt = random(SALT_BYTES);
      const times = iterations ?? SCRAM_ITERATIONS;
      return { kind, iterations: times, salt, ...(await scramKeysOf(password, salt, times)) };
    }
  }
}

/**
 * Whether `hash` is that of `password`, compared in a time that does not tell how far they agree. What takes long is done
 * in Node's thread pool: see `PasswordChecker` for how much of it at once.
 */
export async function verifyPassword(hash: PasswordHash, password: Uint8Array): Promise<boolean> {
  switch (hash.kind) {
    case 'sha512':
      return timingSafeEqual(hash.hash, saltedSha512(password, hash.salt));
    case 'sha512-pbkdf2':
      return timingSafeEqual(hash.hash, await deriveBits(password, hash.salt, hash.iterations, SHA512_BYTES, 'sha512'));
    case 'argon2id':
      return timingSafeEqual(hash.hash, await argon2id(password, hash, hash.hash.length));
    case 'scram-sha-256': {
      const { storedKey } = await scramKeysOf(password, hash.salt, hash.iterations);
      return timingSafeEqual(hash.storedKey, storedKey);
    }
  }
}

/** Why argon2id cannot be had on this machine; null: it can. */
export function argon2Fault(): string | null {
  try {
    argon2();
    return null;
  } catch (error) {
    return (error as Error).message.split('\n', 1)[0];
  }
}

function saltedSha512(password: Uint8Array, salt: Uint8Array): Buffer {
  return createHash('sha512').update(password).update(salt).digest();
}

type Argon2Costs = Pick<Argon2Hash, 'memoryKiB' | 'passes' | 'lanes' | 'salt'>;

function argon2id(
  password: Uint8Array,
  { memoryKiB, passes, lanes, salt }: Argon2Costs,
  hashBytes: number,
): Promise<Buffer> {
  const { hashRaw } = argon2();
  return hashRaw(password, {
    algorithm: ARGON2ID,
    version: VERSION_19,
    memoryCost: memoryKiB,
    timeCost: passes,
    parallelism: lanes,
    salt,
    outputLen: hashBytes,
  });
}

/** The package declares them as `const enum`, which cannot be used where each file is compiled alone. */
const ARGON2ID = 2;
const VERSION_19 = 1;

/** Native code, which is loaded where there is a hash of that kind only. */
function argon2(): typeof import('@node-rs/argon2') {
  return require('@node-rs/argon2') as typeof import('@node-rs/argon2');
}
