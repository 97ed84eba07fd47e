import { ByteSink } from '../command-line/byte-sink.js';
import { jsonNumberText } from './decimal-text.js';
import type { JsonWriter } from './json-writer.js';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const MINUS = 0x2d;
const COLON = 0x3a;
const NUL = 0;
/** Deeper JSON is refused, as by cJSON. */
const MAX_DEPTH = 1_000;

const LITERALS = ['null', 'false', 'true'];
/** What a letter behind a backslash stands for. */
const UNESCAPED: Readonly<Record<number, number>> = {
  98: 8,
  102: 12,
  110: 10,
  114: 13,
  116: 9,
  34: 34,
  47: 47,
  92: 92,
};

/** The payload is no JSON. */
export class NotJson extends Error {
  override readonly name = 'NotJson';
}

/**
 * Reads JSON and writes it in the layout of a writer. Names keep their order and may come twice, and what cJSON takes
 * beyond the standard is taken, too: numbers such as `01` and `1.`, control characters in strings.
 */
export class JsonTranscoder {
  readonly #bytes: Uint8Array;
  readonly #writer: JsonWriter;
  readonly #string = new ByteSink();
  #at = 0;
  #depth = 0;

  private constructor(bytes: Uint8Array, writer: JsonWriter) {
    this.#bytes = bytes;
    this.#writer = writer;
  }

  /** @throws NotJson; the beginning may have been written by then */
  static write(bytes: Uint8Array, writer: JsonWriter): void {
    if (bytes.includes(NUL)) throw new NotJson();
    const transcoder = new JsonTranscoder(bytes, writer);
    if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) transcoder.#at = 3; // a byte order mark
    transcoder.#value();
    if (transcoder.#next() !== undefined) throw new NotJson();
  }

  /** The next byte that is no space. */
  #next(): number | undefined {
    while (this.#at < this.#bytes.length && this.#bytes[this.#at] <= 0x20) this.#at++;
    return this.#bytes[this.#at];
  }

  #value(): void {
    const first = this.#next();
    if (first === 0x7b) this.#object();
    else if (first === 0x5b) this.#array();
    else if (first === QUOTE) this.#writer.string(this.#readString());
    else if (first === MINUS || isDigit(first)) this.#number();
    else this.#literal();
  }

  #object(): void {
    this.#enter();
    this.#writer.openObject();
    if (this.#next() === 0x7d) {
      this.#at++;
    } else {
      do {
        if (this.#next() !== QUOTE) throw new NotJson();
        this.#writer.keyBytes(this.#readString());
        if (this.#next() !== COLON) throw new NotJson();
        this.#at++;
        this.#value();
      } while (this.#continues(0x7d));
    }
    this.#depth--;
    this.#writer.closeObject();
  }

  #array(): void {
    this.#enter();
    this.#writer.openArray();
    if (this.#next() === 0x5d) {
      this.#at++;
    } else {
      do {
        this.#writer.element();
        this.#value();
      } while (this.#continues(0x5d));
    }
    this.#depth--;
    this.#writer.closeArray();
  }

  #enter(): void {
    this.#at++;
    if (++this.#depth > MAX_DEPTH) throw new NotJson();
  }

  /** Behind a value: a comma goes on, the bracket ends it. */
  #continues(bracket: number): boolean {
    const byte = this.#next();
    this.#at++;
    if (byte === COMMA) return true;
    if (byte === bracket) return false;
    throw new NotJson();
  }

  #number(): void {
    const text = this.#ascii(this.#at, this.#at + 63);
    const [found] = /^-?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?/.exec(text) ?? [];
    if (found === undefined) throw new NotJson();
    this.#at += found.length;
    this.#writer.literal(jsonNumberText(Number(found)));
  }

  #literal(): void {
    const text = this.#ascii(this.#at, this.#at + 5);
    const found = LITERALS.find((literal) => text.startsWith(literal));
    if (found === undefined) throw new NotJson();
    this.#at += found.length;
    this.#writer.literal(found);
  }

  #ascii(start: number, end: number): string {
    return String.fromCharCode(...this.#bytes.subarray(start, end));
  }

  /** From its quote to behind the other one. The bytes are valid until the next call. */
  #readString(): Uint8Array {
    const bytes = this.#bytes;
    const string = this.#string;
    string.length = 0;
    let at = this.#at + 1;
    for (; at < bytes.length && bytes[at] !== QUOTE; at++) {
      if (bytes[at] !== BACKSLASH) {
        string.byte(bytes[at]);
        continue;
      }
      const letter = bytes[++at];
      if (letter === 0x75) {
        at += this.#unicode(at + 1);
        continue;
      }
      const unescaped = UNESCAPED[letter];
      if (unescaped === undefined) throw new NotJson();
      string.byte(unescaped);
    }
    if (at >= bytes.length) throw new NotJson();
    this.#at = at + 1;
    return string.view();
  }

  /** What stands behind `\u`. @returns the number of bytes that it took */
  #unicode(at: number): number {
    const first = this.#hex(at);
    if (first < 0xd800 || first > 0xdfff) {
      this.#string.text(String.fromCharCode(first));
      return 4;
    }
    const isPair = first < 0xdc00 && this.#bytes[at + 4] === BACKSLASH && this.#bytes[at + 5] === 0x75;
    const second = isPair ? this.#hex(at + 6) : 0;
    if (second < 0xdc00 || second > 0xdfff) throw new NotJson();
    this.#string.text(String.fromCharCode(first, second));
    return 10;
  }

  #hex(at: number): number {
    const text = this.#ascii(at, at + 4);
    if (!/^[\da-fA-F]{4}$/.test(text)) throw new NotJson();
    return Number.parseInt(text, 16);
  }
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39;
}
