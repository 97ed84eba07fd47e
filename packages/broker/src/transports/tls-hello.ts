/** What a client says first. Numbers are those of IANA. */
export interface ClientHello {
  /** The host name that it asks for (SNI); null: it does not say. */
  readonly serverName: string | null;
  /** `0x0303` is TLS 1.2, `0x0304` TLS 1.3. */
  readonly versions: readonly number[];
  readonly ciphers: readonly number[];
}

/** The type of a record that is part of a handshake: the first byte of a TLS connection. */
export const TLS_HANDSHAKE = 0x16;

const RECORD_HEADER_BYTES = 5;
const CLIENT_HELLO = 1;
const MESSAGE_HEADER_BYTES = 4;
const MAX_RECORD_BYTES = 16_384 + 256;
/** Several times what any client says. What is longer is not waited for: reading it again and again would cost too much. */
const MAX_HELLO_BYTES = 16_384;
const MAX_RECORDS = 64;

const SERVER_NAME = 0;
const SUPPORTED_VERSIONS = 43;

/** False: more has to come before it is whole. True also for what is none: who reads it will say so. */
export function isWholeHello(bytes: Buffer): boolean {
  return bodyOf(bytes) !== 'incomplete';
}

/** What the client said, from the first bytes of its connection; null: they are not that, or not all of it. */
export function readClientHello(bytes: Buffer): ClientHello | null {
  const body = bodyOf(bytes);
  if (body === 'incomplete' || body === 'none') return null;
  try {
    return readBody(new ByteReader(body));
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

/** The message may be spread over several records. */
function bodyOf(bytes: Buffer): Buffer | 'incomplete' | 'none' {
  const parts: Buffer[] = [];
  let gathered = 0;
  let wanted = MESSAGE_HEADER_BYTES;
  for (let at = 0; gathered < wanted; ) {
    if (at < bytes.length && bytes[at] !== TLS_HANDSHAKE) return 'none';
    if (at + RECORD_HEADER_BYTES > bytes.length) return 'incomplete';
    const length = bytes.readUInt16BE(at + 3);
    if (length === 0 || length > MAX_RECORD_BYTES) return 'none';
    at += RECORD_HEADER_BYTES;
    const part = bytes.subarray(at, at + length);
    parts.push(part);
    if (parts.length > MAX_RECORDS) return 'none';
    gathered += part.length;
    at += length;
    if (gathered >= MESSAGE_HEADER_BYTES && wanted === MESSAGE_HEADER_BYTES) {
      const start = Buffer.concat(parts);
      if (start[0] !== CLIENT_HELLO) return 'none';
      wanted += start.readUIntBE(1, 3);
      if (wanted > MAX_HELLO_BYTES) return 'none';
    }
  }
  return Buffer.concat(parts).subarray(MESSAGE_HEADER_BYTES, wanted);
}

/** Throws RangeError where something is missing. */
class ByteReader {
  readonly #bytes: Buffer;
  #position = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#position >= this.#bytes.length;
  }

  number(size: number): number {
    const value = this.#bytes.readUIntBE(this.#position, size);
    this.#position += size;
    return value;
  }

  take(length: number): Buffer {
    const end = this.#position + length;
    if (end > this.#bytes.length) throw new RangeError('a part is missing');
    const part = this.#bytes.subarray(this.#position, end);
    this.#position = end;
    return part;
  }

  /** What follows its own length, which is this many bytes long. */
  vector(lengthSize: number): ByteReader {
    return new ByteReader(this.take(this.number(lengthSize)));
  }

  /** The rest as numbers of two bytes. */
  numbers(): number[] {
    const numbers: number[] = [];
    while (!this.isAtEnd) numbers.push(this.number(2));
    return numbers;
  }
}

function readBody(hello: ByteReader): ClientHello {
  const version = hello.number(2);
  hello.take(32); // random
  hello.vector(1); // session id
  const ciphers = hello.vector(2).numbers();
  hello.vector(1); // compression
  let serverName: string | null = null;
  let versions: readonly number[] = [version];
  const extensions = hello.isAtEnd ? null : hello.vector(2);
  while (extensions !== null && !extensions.isAtEnd) {
    const type = extensions.number(2);
    const content = extensions.vector(2);
    if (type === SUPPORTED_VERSIONS) versions = content.vector(1).numbers();
    if (type !== SERVER_NAME || content.isAtEnd) continue;
    const names = content.vector(2);
    const isHostName = names.number(1) === 0;
    const name = names.take(names.number(2)).toString('latin1');
    if (isHostName) serverName = name;
  }
  return { serverName, versions, ciphers };
}
