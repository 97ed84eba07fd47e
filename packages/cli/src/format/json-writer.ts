import type { ByteSink } from '../command-line/byte-sink.js';

const TAB = 0x09;
const NEWLINE = 0x0a;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const SPACE = 0x20;

/** What stands behind a backslash for control characters that have a letter; the others are `\u0001`. */
const LETTERS: Readonly<Record<number, number>> = { 8: 0x62, 9: 0x74, 10: 0x6e, 12: 0x66, 13: 0x72 };

const encoder = new TextEncoder();

/**
 * Writes JSON in the two layouts of cJSON, on which Mosquitto's tools build: on one line without spaces, or with tabs.
 * Values follow `key` or `element`.
 */
export class JsonWriter {
  readonly #sink: ByteSink;
  readonly #isPretty: boolean;
  #depth = 0;
  /** Nothing stands yet in the object or array that was opened last. */
  #isFirst = true;

  constructor(sink: ByteSink, isPretty: boolean) {
    this.#sink = sink;
    this.#isPretty = isPretty;
  }

  openObject(): void {
    this.#open(0x7b);
    if (this.#isPretty) this.#sink.byte(NEWLINE);
  }

  closeObject(): void {
    if (this.#isPretty) {
      if (!this.#isFirst) this.#sink.byte(NEWLINE);
      this.#sink.fill(TAB, this.#depth - 1);
    }
    this.#close(0x7d);
  }

  openArray(): void {
    this.#open(0x5b);
  }

  closeArray(): void {
    this.#close(0x5d);
  }

  key(name: string): void {
    this.#beforeKey();
    this.text(name);
    this.#afterKey();
  }

  keyBytes(name: Uint8Array): void {
    this.#beforeKey();
    this.string(name);
    this.#afterKey();
  }

  #beforeKey(): void {
    if (!this.#isFirst) {
      this.#sink.byte(COMMA);
      if (this.#isPretty) this.#sink.byte(NEWLINE);
    }
    if (this.#isPretty) this.#sink.fill(TAB, this.#depth);
  }

  #afterKey(): void {
    this.#sink.byte(COLON);
    if (this.#isPretty) this.#sink.byte(TAB);
  }

  element(): void {
    if (!this.#isFirst) {
      this.#sink.byte(COMMA);
      if (this.#isPretty) this.#sink.byte(SPACE);
    }
  }

  /** A number, true, false or null. */
  literal(text: string): void {
    this.#sink.text(text);
    this.#isFirst = false;
  }

  text(text: string): void {
    const sink = this.#sink;
    sink.reserve(text.length + 2);
    const { buffer } = sink;
    let at = sink.length;
    buffer[at++] = QUOTE;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code < 0x20 || code >= 0x80 || code === QUOTE || code === BACKSLASH) {
        this.string(encoder.encode(text));
        return;
      }
      buffer[at++] = code;
    }
    buffer[at++] = QUOTE;
    sink.length = at;
    this.#isFirst = false;
  }

  /** @param bytes UTF-8; what is none stays as it is */
  string(bytes: Uint8Array): void {
    const sink = this.#sink;
    sink.reserve(bytes.length * 6 + 2);
    const { buffer } = sink;
    let at = sink.length;
    buffer[at++] = QUOTE;
    for (let i = 0; i < bytes.length; i++) {
      const byte = bytes[i];
      if (byte >= 0x20 && byte !== QUOTE && byte !== BACKSLASH) buffer[at++] = byte;
      else at = writeEscaped(buffer, at, byte);
    }
    buffer[at++] = QUOTE;
    sink.length = at;
    this.#isFirst = false;
  }

  #open(bracket: number): void {
    this.#sink.byte(bracket);
    this.#depth++;
    this.#isFirst = true;
  }

  #close(bracket: number): void {
    this.#sink.byte(bracket);
    this.#depth--;
    this.#isFirst = false;
  }
}

/** @returns the place behind it */
function writeEscaped(buffer: Uint8Array, start: number, byte: number): number {
  let at = start;
  buffer[at++] = BACKSLASH;
  const letter = byte >= 0x20 ? byte : LETTERS[byte];
  if (letter !== undefined) {
    buffer[at++] = letter;
    return at;
  }
  const digits = byte.toString(16).padStart(4, '0');
  buffer[at++] = 0x75;
  for (let digit = 0; digit < 4; digit++) buffer[at++] = digits.charCodeAt(digit);
  return at;
}
