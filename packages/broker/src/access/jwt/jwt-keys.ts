import { createPublicKey, createSecretKey, type JsonWebKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import type { JwtConfig } from '../../config/jwt-options.js';
import { AccessFileError } from '../access-file-error.js';

const MAX_FILE_BYTES = 1024 * 1024;
const MAX_KEYS = 100;
/** RFC 7518, section 3.2: a secret is at least as long as the hash. */
const MIN_SECRET_BYTES = 32;
/** RFC 7518, section 3.3. */
const MIN_RSA_BITS = 2048;

const WITH_SECRET = ['HS256', 'HS384', 'HS512'];
const WITH_RSA = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'];
const OF_CURVE: Readonly<Record<string, readonly string[]>> = {
  prime256v1: ['ES256'],
  secp384r1: ['ES384'],
  secp521r1: ['ES512'],
};

/** A key that proves tokens. */
export interface JwtKey {
  /** Null: tokens that name any key, or none, are tried with it. */
  readonly id: string | null;
  readonly key: KeyObject;
  /** Those that fit this kind of key, and no others: what is public for one must not become a secret for another. */
  readonly algorithms: readonly string[];
  /** Where it comes from: `FILE:LINE`, or `FILE: key 2`. */
  readonly origin: string;
}

/**
 * The keys in all files that the configuration names.
 * @throws AccessFileError with all that is wrong with them
 */
export function readJwtKeys({ keyFiles, secretFile, jwksFile }: JwtConfig): JwtKey[] {
  const problems: string[] = [];
  const reading = (file: string, read: (bytes: Buffer) => JwtKey[]): JwtKey[] => {
    try {
      return read(bytesOf(file));
    } catch (error) {
      problems.push(...(error instanceof AccessFileError ? error.problems : [`${file}: ${(error as Error).message}.`]));
      return [];
    }
  };
  const keys = [
    ...keyFiles.flatMap((file) => reading(file, (bytes) => keysInPem(file, bytes.toString('utf8')))),
    ...(secretFile === null ? [] : reading(secretFile, (bytes) => [secretIn(secretFile, bytes)])),
    ...(jwksFile === null ? [] : reading(jwksFile, (bytes) => keysInSet(jwksFile, bytes.toString('utf8')))),
  ];
  if (keys.length > MAX_KEYS) problems.push(`There are ${keys.length} keys for tokens; at most ${MAX_KEYS} are taken.`);
  if (problems.length > 0) throw new AccessFileError(problems);
  return keys;
}

function bytesOf(file: string): Buffer {
  let size: number;
  try {
    size = statSync(file).size;
    if (size <= MAX_FILE_BYTES) return readFileSync(file);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const what = code === 'ENOENT' ? 'there is no such file' : code === 'EACCES' ? 'it may not be read' : message;
    throw new Error(what, { cause: error });
  }
  throw new Error(`it has ${size} bytes, which no file of keys has`);
}

function keysInPem(file: string, text: string): JwtKey[] {
  const keys: JwtKey[] = [];
  const problems: string[] = [];
  for (const match of text.matchAll(/-----BEGIN ([A-Z0-9 ]+)-----[^-]*-----END \1-----/g)) {
    const [pem, label] = match;
    const origin = `${file}:${text.slice(0, match.index).split('\n').length}`;
    try {
      if (label.endsWith('PRIVATE KEY')) {
        throw new Error(
          "it is a private key, which only those may have who make tokens. Give its public part: 'openssl pkey -in KEY -pubout'",
        );
      }
      const key = label.endsWith('CERTIFICATE') ? new X509Certificate(pem).publicKey : createPublicKey(pem);
      keys.push({ id: null, key, algorithms: algorithmsOf(key), origin });
    } catch (error) {
      problems.push(`${origin}: ${(error as Error).message}.`);
    }
  }
  if (keys.length === 0 && problems.length === 0) {
    problems.push(`${file}:1: there is no public key or certificate in PEM form ('-----BEGIN PUBLIC KEY-----').`);
  }
  if (problems.length > 0) throw new AccessFileError(problems);
  return keys;
}

function secretIn(file: string, bytes: Buffer): JwtKey {
  let end = bytes.length;
  while (end > 0 && (bytes[end - 1] === 0x0a || bytes[end - 1] === 0x0d)) end--;
  if (end < MIN_SECRET_BYTES) {
    const text = `${file}:1: the secret has ${end} bytes, and can be guessed; it needs at least ${MIN_SECRET_BYTES}: 'openssl rand -hex 32'.`;
    throw new AccessFileError([text]);
  }
  return { id: null, key: createSecretKey(bytes.subarray(0, end)), algorithms: WITH_SECRET, origin: file };
}

function keysInSet(file: string, text: string): JwtKey[] {
  let set: unknown;
  try {
    set = JSON.parse(text);
  } catch {
    throw new AccessFileError([`${file}:1: it is not JSON.`]);
  }
  if (!isRecord(set) || !Array.isArray(set.keys)) {
    throw new AccessFileError([`${file}:1: a key set is an object with a list of keys: {"keys": [...]}.`]);
  }
  const keys: JwtKey[] = [];
  const problems: string[] = [];
  for (const [index, entry] of set.keys.entries()) {
    const origin = `${file}: key ${index + 1}`;
    try {
      const key = keyInSet(entry, origin);
      if (key !== null) keys.push(key);
    } catch (error) {
      problems.push(`${origin}: ${(error as Error).message}.`);
    }
  }
  if (keys.length === 0 && problems.length === 0) problems.push(`${file}:1: none of its keys can prove tokens.`);
  if (problems.length > 0) throw new AccessFileError(problems);
  return keys;
}

/** Null: it is for something else, or of a kind that is not known. */
function keyInSet(entry: unknown, origin: string): JwtKey | null {
  if (!isRecord(entry)) throw new Error('a key is an object');
  const { kty, kid, alg, use, k, d } = entry;
  if (use !== undefined && use !== 'sig') return null;
  if (d !== undefined) throw new Error('it has its private part (d), which only those may have who make tokens');
  const id = typeof kid === 'string' ? kid : null;
  let key: KeyObject;
  let algorithms: readonly string[];
  if (kty === 'oct' && typeof k === 'string') {
    const secret = Buffer.from(k, 'base64url');
    if (secret.length < MIN_SECRET_BYTES) throw new Error(`its secret has less than ${MIN_SECRET_BYTES} bytes`);
    key = createSecretKey(secret);
    algorithms = WITH_SECRET;
  } else if (kty === 'RSA' || kty === 'EC' || kty === 'OKP') {
    key = createPublicKey({ key: entry as JsonWebKey, format: 'jwk' });
    algorithms = algorithmsOf(key);
  } else return null;
  if (typeof alg === 'string') algorithms = algorithms.filter((name) => name === alg);
  return algorithms.length === 0 ? null : { id, key, algorithms, origin };
}

/** @throws Error when nothing good can be proven with such a key */
function algorithmsOf({ asymmetricKeyType, asymmetricKeyDetails = {} }: KeyObject): readonly string[] {
  const { modulusLength = 0, namedCurve = '' } = asymmetricKeyDetails;
  if (asymmetricKeyType === 'rsa') {
    if (modulusLength >= MIN_RSA_BITS) return WITH_RSA;
    throw new Error(`an RSA key of ${modulusLength} bits can be broken; it needs at least ${MIN_RSA_BITS}`);
  }
  if (asymmetricKeyType === 'ed25519') return ['EdDSA', 'Ed25519'];
  const ofCurve = asymmetricKeyType === 'ec' ? OF_CURVE[namedCurve] : undefined;
  if (ofCurve !== undefined) return ofCurve;
  throw new Error(
    `keys of the kind ${namedCurve || asymmetricKeyType} do not prove tokens; RSA, P-256, P-384, P-521 and Ed25519 do`,
  );
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
