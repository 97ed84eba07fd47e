import { createCipheriv, createHash, createHmac, randomBytes } from 'node:crypto';

const Tag = { INTEGER: 0x02, OCTET_STRING: 0x04, NULL: 0x05, OID: 0x06, BMP_STRING: 0x1e, SEQUENCE: 0x30, SET: 0x31 };
/** What is context-specific, with structure or without. */
const EXPLICIT_0 = 0xa0;
const IMPLICIT_0 = 0x80;

const Oid = {
  data: '1.2.840.113549.1.7.1',
  encryptedData: '1.2.840.113549.1.7.6',
  friendlyName: '1.2.840.113549.1.9.20',
  localKeyId: '1.2.840.113549.1.9.21',
  x509Certificate: '1.2.840.113549.1.9.22.1',
  // The only way of locking that every telephone can open; what it is worth is the password's length.
  shaAnd3KeyTripleDes: '1.2.840.113549.1.12.1.3',
  shroudedKeyBag: '1.2.840.113549.1.12.10.1.2',
  certificateBag: '1.2.840.113549.1.12.10.1.3',
  sha1: '1.3.14.3.2.26',
};

/** What a derived key is for (RFC 7292, appendix B.3). */
const Purpose = { KEY: 1, IV: 2, MAC: 3 };
const ITERATIONS = 10_000;
const SALT_BYTES = 16;
const SHA1_BYTES = 20;
const SHA1_BLOCK_BYTES = 64;

export interface Pkcs12Content {
  /** What the certificate is called in a list of them. */
  readonly name: string;
  /** In DER: the client's own first, then the CA's. */
  readonly certificates: readonly Uint8Array[];
  /** That of the first certificate, PKCS #8 in DER. */
  readonly privateKey: Uint8Array;
  readonly password: string;
}

/** A file with a certificate and its key, locked with a password, as telephones and browsers take it (RFC 7292). */
export function pkcs12({ name, certificates, privateKey, password }: Pkcs12Content): Uint8Array {
  const secret = bmpString(`${password}\0`);
  const keyId = createHash('sha1').update(certificates[0]).digest();
  const attributes = der(
    Tag.SET,
    der(Tag.SEQUENCE, oid(Oid.friendlyName), der(Tag.SET, der(Tag.BMP_STRING, bmpString(name)))),
    der(Tag.SEQUENCE, oid(Oid.localKeyId), der(Tag.SET, der(Tag.OCTET_STRING, keyId))),
  );
  const certificateBags = certificates.map((certificate, index) =>
    bag(
      Oid.certificateBag,
      der(Tag.SEQUENCE, oid(Oid.x509Certificate), der(EXPLICIT_0, der(Tag.OCTET_STRING, certificate))),
      index === 0 ? attributes : null,
    ),
  );
  const locked = lock(privateKey, secret);
  const keyBag = bag(
    Oid.shroudedKeyBag,
    der(Tag.SEQUENCE, locked.algorithm, der(Tag.OCTET_STRING, locked.bytes)),
    attributes,
  );
  const safe = der(
    Tag.SEQUENCE,
    lockedContent(der(Tag.SEQUENCE, ...certificateBags), secret),
    plainContent(der(Tag.SEQUENCE, keyBag)),
  );
  return der(Tag.SEQUENCE, integer(3), plainContent(safe), seal(safe, secret));
}

function bag(kind: string, value: Buffer, attributes: Buffer | null): Buffer {
  return der(Tag.SEQUENCE, oid(kind), der(EXPLICIT_0, value), ...(attributes === null ? [] : [attributes]));
}

function plainContent(content: Buffer): Buffer {
  return der(Tag.SEQUENCE, oid(Oid.data), der(EXPLICIT_0, der(Tag.OCTET_STRING, content)));
}

function lockedContent(content: Buffer, secret: Buffer): Buffer {
  const { algorithm, bytes } = lock(content, secret);
  const locked = der(Tag.SEQUENCE, oid(Oid.data), algorithm, der(IMPLICIT_0, bytes));
  return der(Tag.SEQUENCE, oid(Oid.encryptedData), der(EXPLICIT_0, der(Tag.SEQUENCE, integer(0), locked)));
}

function lock(content: Uint8Array, secret: Buffer): { algorithm: Buffer; bytes: Buffer } {
  const salt = randomBytes(SALT_BYTES);
  const cipher = createCipheriv(
    'des-ede3-cbc',
    derive(secret, salt, Purpose.KEY, 24),
    derive(secret, salt, Purpose.IV, 8),
  );
  const parameters = der(Tag.SEQUENCE, der(Tag.OCTET_STRING, salt), integer(ITERATIONS));
  return {
    algorithm: der(Tag.SEQUENCE, oid(Oid.shaAnd3KeyTripleDes), parameters),
    bytes: Buffer.concat([cipher.update(content), cipher.final()]),
  };
}

function seal(content: Buffer, secret: Buffer): Buffer {
  const salt = randomBytes(SALT_BYTES);
  const mac = createHmac('sha1', derive(secret, salt, Purpose.MAC, SHA1_BYTES))
    .update(content)
    .digest();
  const algorithm = der(Tag.SEQUENCE, oid(Oid.sha1), der(Tag.NULL));
  const digest = der(Tag.SEQUENCE, algorithm, der(Tag.OCTET_STRING, mac));
  return der(Tag.SEQUENCE, digest, der(Tag.OCTET_STRING, salt), integer(ITERATIONS));
}

/** The way of RFC 7292, appendix B.2, from a password to a key. */
function derive(secret: Buffer, salt: Buffer, purpose: number, length: number): Buffer {
  const diversifier = Buffer.alloc(SHA1_BLOCK_BYTES, purpose);
  const input = Buffer.concat([filled(salt), filled(secret)]);
  const blocks: Buffer[] = [];
  for (let at = 0; at < length; at += SHA1_BYTES) {
    let block = createHash('sha1').update(diversifier).update(input).digest();
    for (let round = 1; round < ITERATIONS; round++) block = createHash('sha1').update(block).digest();
    blocks.push(block);
    const step = Buffer.alloc(SHA1_BLOCK_BYTES, block);
    for (let start = 0; start < input.length; start += SHA1_BLOCK_BYTES) addWithOne(input, start, step);
  }
  return Buffer.concat(blocks).subarray(0, length);
}

/** Repeated until it fills whole blocks. */
function filled(bytes: Buffer): Buffer {
  return Buffer.alloc(Math.ceil(bytes.length / SHA1_BLOCK_BYTES) * SHA1_BLOCK_BYTES, bytes);
}

/** The block of `input` at `start`, a number, becomes itself + `step` + 1. */
function addWithOne(input: Buffer, start: number, step: Buffer): void {
  let carry = 1;
  for (let at = SHA1_BLOCK_BYTES - 1; at >= 0; at--) {
    const sum = input[start + at] + step[at] + carry;
    input[start + at] = sum & 0xff;
    carry = sum >> 8;
  }
}

function bmpString(text: string): Buffer {
  return Buffer.from(text, 'utf16le').swap16();
}

function integer(value: number): Buffer {
  const hex = value.toString(16);
  const bytes = Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex');
  return der(Tag.INTEGER, bytes[0] < 0x80 ? bytes : Buffer.concat([Buffer.alloc(1), bytes]));
}

function oid(dotted: string): Buffer {
  const [first, second, ...others] = dotted.split('.').map(Number);
  return der(Tag.OID, Buffer.from([40 * first + second, ...others.flatMap(base128)]));
}

function base128(value: number): number[] {
  const digits = [value & 0x7f];
  for (let rest = value >> 7; rest > 0; rest >>= 7) digits.unshift((rest & 0x7f) | 0x80);
  return digits;
}

function der(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(contents);
  const { length } = content;
  const header = length < 0x80 ? [tag, length] : [tag, 0x80 | lengthBytes(length).length, ...lengthBytes(length)];
  return Buffer.concat([Buffer.from(header), content]);
}

function lengthBytes(length: number): number[] {
  const bytes = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return bytes;
}
