/** What a password file keeps of one password. All but `scram-sha-256` are Mosquitto's. */
export type PasswordHash = Sha512Hash | Pbkdf2Hash | Argon2Hash | ScramHash;

/** SHA-512 of the password followed by the salt, as Mosquitto 1.6 wrote it: cheap to guess. */
export interface Sha512Hash {
  readonly kind: 'sha512';
  readonly salt: Uint8Array;
  /** 64 bytes. */
  readonly hash: Uint8Array;
}

/** PBKDF2 with HMAC-SHA-512, as Mosquitto 2.0 writes it. */
export interface Pbkdf2Hash {
  readonly kind: 'sha512-pbkdf2';
  readonly iterations: number;
  readonly salt: Uint8Array;
  /** 64 bytes. */
  readonly hash: Uint8Array;
}

/** Argon2id, version 19 (RFC 9106), as Mosquitto 2.1 writes it: each guess takes memory, too. */
export interface Argon2Hash {
  readonly kind: 'argon2id';
  readonly memoryKiB: number;
  readonly passes: number;
  readonly lanes: number;
  readonly salt: Uint8Array;
  readonly hash: Uint8Array;
}

/** What a server keeps for SCRAM-SHA-256 (RFC 5802, RFC 7677). It knows a password that is sent as it is, too. */
export interface ScramHash {
  readonly kind: 'scram-sha-256';
  readonly iterations: number;
  readonly salt: Uint8Array;
  /** 32 bytes: what a client's proof is checked against. */
  readonly storedKey: Uint8Array;
  /** 32 bytes: what proves to the client that this server knows its password. */
  readonly serverKey: Uint8Array;
}

export type HashKind = PasswordHash['kind'];

/** In the order in which they are to be preferred. */
export const HASH_KINDS: readonly HashKind[] = ['argon2id', 'scram-sha-256', 'sha512-pbkdf2', 'sha512'];

/** More would hold up one thread for seconds at each login. */
export const MAX_PBKDF2_ITERATIONS = 5_000_000;
/** RFC 7677, section 4. */
export const MIN_SCRAM_ITERATIONS = 4096;
/** Clients, which do the work here, refuse more. */
export const MAX_SCRAM_ITERATIONS = 1_000_000;

const SHA512_BYTES = 64;
const SHA256_BYTES = 32;
const MAX_SALT_BYTES = 512;
const MAX_ARGON2_HASH_BYTES = 512;
const MIN_ARGON2_HASH_BYTES = 16;
/** Of Argon2. */
const MIN_ARGON2_SALT_BYTES = 8;
const MAX_ARGON2_MEMORY_KIB = 1024 * 1024;
const MAX_ARGON2_PASSES = 64;
const MAX_ARGON2_LANES = 16;
const ARGON2_PARAMETERS = /^m=(\d{1,10}),t=(\d{1,10}),p=(\d{1,10})$/;

/** What is wrong with the text of a hash, without the text itself: a clause, such as `its salt is not Base64`. */
export class PasswordHashError extends Error {
  override readonly name = 'PasswordHashError';
}

/** Whether a line's second part is meant to be a hash; otherwise it is a password that was never hashed. */
export function looksHashed(text: string): boolean {
  return /^\$(?:6|7|argon2(?:id?|d)|scram-sha-256)\$/.test(text);
}

/**
 * Reads `$6$SALT$HASH`, `$7$ITERATIONS$SALT$HASH`, `$argon2id$v=19$m=KIB,t=PASSES,p=LANES$SALT$HASH` or
 * `$scram-sha-256$ITERATIONS$SALT$STOREDKEY$SERVERKEY`, all bytes in Base64.
 * @throws PasswordHashError
 */
export function parsePasswordHash(text: string): PasswordHash {
  const [before, kind, ...fields] = text.split('$');
  const parser = before === '' ? PARSERS[kind ?? ''] : undefined;
  if (parser === undefined || !Object.hasOwn(PARSERS, kind ?? '')) {
    if (kind === 'argon2i' || kind === 'argon2d') throw new PasswordHashError(`of Argon2, only argon2id is known`);
    throw new PasswordHashError('it begins with none of $argon2id$, $7$, $6$, $scram-sha-256$');
  }
  if (fields.length !== parser.fields) {
    throw new PasswordHashError(`behind $${kind}$ come ${parser.fields} parts with a $ between them`);
  }
  return parser.parse(fields);
}

/** The text that `parsePasswordHash` reads. */
export function encodePasswordHash(hash: PasswordHash): string {
  switch (hash.kind) {
    case 'sha512':
      return `$6$${base64(hash.salt)}$${base64(hash.hash)}`;
    case 'sha512-pbkdf2':
      return `$7$${hash.iterations}$${base64(hash.salt)}$${base64(hash.hash)}`;
    case 'argon2id': {
      const parameters = `v=19$m=${hash.memoryKiB},t=${hash.passes},p=${hash.lanes}`;
      return `$argon2id$${parameters}$${unpadded(hash.salt)}$${unpadded(hash.hash)}`;
    }
    case 'scram-sha-256': {
      const keys = `${base64(hash.storedKey)}$${base64(hash.serverKey)}`;
      return `$scram-sha-256$${hash.iterations}$${base64(hash.salt)}$${keys}`;
    }
  }
}

interface Parser {
  /** How many there have to be. */
  readonly fields: number;
  readonly parse: (fields: readonly string[]) => PasswordHash;
}

const PARSERS: Readonly<Record<string, Parser>> = {
  '6': {
    fields: 2,
    parse: ([salt, hash]) => ({
      kind: 'sha512',
      salt: bytesOf('salt', salt, 1, MAX_SALT_BYTES),
      hash: bytesOf('hash', hash, SHA512_BYTES),
    }),
  },
  '7': {
    fields: 3,
    parse: ([iterations, salt, hash]) => ({
      kind: 'sha512-pbkdf2',
      iterations: numberOf('number of iterations', iterations, 1, MAX_PBKDF2_ITERATIONS),
      salt: bytesOf('salt', salt, 1, MAX_SALT_BYTES),
      hash: bytesOf('hash', hash, SHA512_BYTES),
    }),
  },
  argon2id: {
    fields: 4,
    parse: ([version, parameters, salt, hash]) => {
      const [, memory, passes, lanes] = ARGON2_PARAMETERS.exec(parameters) ?? [];
      if (version !== 'v=19' || memory === undefined) {
        throw new PasswordHashError('behind $argon2id$ comes v=19$m=KIB,t=PASSES,p=LANES$');
      }
      const laneCount = numberOf('number of lanes', lanes, 1, MAX_ARGON2_LANES);
      return {
        kind: 'argon2id',
        memoryKiB: numberOf('memory in KiB', memory, 8 * laneCount, MAX_ARGON2_MEMORY_KIB),
        passes: numberOf('number of passes', passes, 1, MAX_ARGON2_PASSES),
        lanes: laneCount,
        salt: bytesOf('salt', salt, MIN_ARGON2_SALT_BYTES, MAX_SALT_BYTES),
        hash: bytesOf('hash', hash, MIN_ARGON2_HASH_BYTES, MAX_ARGON2_HASH_BYTES),
      };
    },
  },
  'scram-sha-256': {
    fields: 4,
    parse: ([iterations, salt, storedKey, serverKey]) => ({
      kind: 'scram-sha-256',
      iterations: numberOf('number of iterations', iterations, MIN_SCRAM_ITERATIONS, MAX_SCRAM_ITERATIONS),
      salt: bytesOf('salt', salt, 1, MAX_SALT_BYTES),
      storedKey: bytesOf('stored key', storedKey, SHA256_BYTES),
      serverKey: bytesOf('server key', serverKey, SHA256_BYTES),
    }),
  },
};

function numberOf(what: string, text: string | undefined, lowest: number, highest: number): number {
  const value = text !== undefined && /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= lowest && value <= highest) return value;
  throw new PasswordHashError(`its ${what} has to be from ${lowest} to ${highest}`);
}

function bytesOf(what: string, text: string, lowest: number, highest = lowest): Uint8Array {
  const bytes = Buffer.from(text, 'base64');
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text) || unpadded(bytes) !== text.replace(/=+$/, '')) {
    throw new PasswordHashError(`its ${what} is not Base64`);
  }
  if (bytes.length >= lowest && bytes.length <= highest) return bytes;
  const wanted = lowest === highest ? `${lowest}` : `${lowest} to ${highest}`;
  throw new PasswordHashError(`its ${what} has ${bytes.length} bytes, not ${wanted}`);
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}

/** As the format of Argon2 has it. */
function unpadded(bytes: Uint8Array): string {
  return base64(bytes).replace(/=+$/, '');
}
