/** Tags of ASN.1 that certificates and revocation lists are made of. */
export const Tag = {
  BOOLEAN: 0x01,
  INTEGER: 0x02,
  BIT_STRING: 0x03,
  OCTET_STRING: 0x04,
  OBJECT_ID: 0x06,
  UTC_TIME: 0x17,
  GENERALIZED_TIME: 0x18,
  SEQUENCE: 0x30,
} as const;

/** The tag of a field that is marked with a number: `[0]`, `[1]` ... */
export function contextTag(number: number, isConstructed: boolean): number {
  return (isConstructed ? 0xa0 : 0x80) | number;
}

/** Bytes that are not the DER that was expected. */
export class DerError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'DerError';
  }
}

/** One value. Its bytes are views of those that are read. */
export interface DerValue {
  readonly tag: number;
  readonly content: Buffer;
  /** With tag and length. */
  readonly whole: Buffer;
}

const LONG_LENGTH = 0x80;
const MAX_LENGTH_BYTES = 4;

/** Reads the values of a sequence one after the other. Everything it throws is a `DerError`. */
export class DerReader {
  readonly #bytes: Buffer;
  #position = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#position === this.#bytes.length;
  }

  /** The tag of what comes next; -1 at the end. */
  get nextTag(): number {
    return this.isAtEnd ? -1 : this.#bytes[this.#position];
  }

  next(expected?: number): DerValue {
    const start = this.#position;
    const tag = this.#byte();
    if (expected !== undefined && tag !== expected)
      throw new DerError(`the tag ${tag} stands where ${expected} should`);
    let length = this.#byte();
    if (length >= LONG_LENGTH) {
      const count = length - LONG_LENGTH;
      if (count === 0 || count > MAX_LENGTH_BYTES) throw new DerError('a length is too long');
      length = 0;
      for (let i = 0; i < count; i++) length = length * 256 + this.#byte();
    }
    const from = this.#position;
    const end = from + length;
    if (end > this.#bytes.length) throw new DerError('it ends too early');
    this.#position = end;
    return { tag, content: this.#bytes.subarray(from, end), whole: this.#bytes.subarray(start, end) };
  }

  /** The value if it has this tag; otherwise null, and it is still to be read. */
  nextIf(tag: number): DerValue | null {
    return this.nextTag === tag ? this.next() : null;
  }

  /** A reader of the values within the next one. */
  enter(tag: number = Tag.SEQUENCE): DerReader {
    return new DerReader(this.next(tag).content);
  }

  #byte(): number {
    if (this.isAtEnd) throw new DerError('it ends too early');
    return this.#bytes[this.#position++];
  }
}

/** As `1.2.840.113549`. */
export function readObjectId({ content }: DerValue): string {
  const numbers: number[] = [];
  let number = 0;
  for (const byte of content) {
    number = number * 128 + (byte & 0x7f);
    if (!Number.isSafeInteger(number)) throw new DerError('an object identifier is too long');
    if ((byte & 0x80) !== 0) continue;
    if (numbers.length > 0) numbers.push(number);
    else {
      const first = Math.min(2, Math.floor(number / 40));
      numbers.push(first, number - first * 40);
    }
    number = 0;
  }
  return numbers.join('.');
}

/** Milliseconds since 1970. RFC 5280 wants all times in UTC, with seconds. */
export function readTime({ tag, content }: DerValue): number {
  const match = /^(\d{2}|\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(content.toString('latin1'));
  const yearDigits = tag === Tag.UTC_TIME ? 2 : 4;
  if (match === null || match[1].length !== yearDigits || (tag !== Tag.UTC_TIME && tag !== Tag.GENERALIZED_TIME)) {
    throw new DerError('a time is not one');
  }
  const [written, month, day, hour, minute, second] = match.slice(1).map(Number);
  const year = yearDigits === 4 ? written : written + (written < 50 ? 2000 : 1900);
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

/** Of a certificate, as both sides of a comparison have to write it: hexadecimal, without zeros in front. */
export function serialNumberOf(hex: string): string {
  return hex.toUpperCase().replace(/^0+(?=.)/, '');
}

export interface Extension {
  readonly id: string;
  readonly isCritical: boolean;
  readonly value: Buffer;
}

/** What stands in `Extensions` of RFC 5280: of a certificate, a revocation list, or an entry in one. */
export function readExtensions(sequence: DerReader): Extension[] {
  const extensions: Extension[] = [];
  while (!sequence.isAtEnd) {
    const parts = sequence.enter();
    const id = readObjectId(parts.next(Tag.OBJECT_ID));
    const critical = parts.nextIf(Tag.BOOLEAN);
    const value = parts.next(Tag.OCTET_STRING).content;
    extensions.push({ id, isCritical: critical !== null && critical.content[0] !== 0, value });
  }
  return extensions;
}
