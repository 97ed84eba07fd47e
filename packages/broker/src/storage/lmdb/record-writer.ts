import {
  PacketType,
  type Properties,
  propertiesSize,
  utf8Length,
  viewOf,
  writeProperties,
  writeUtf8,
} from '@cauldron/codec';

const PIECE_BYTES = 256 * 1024;

const NOTHING = new Uint8Array(0);

/** A number above this is not exact: counts, sizes and positions end there. */
const LARGEST = Number.MAX_SAFE_INTEGER;

/**
 * Encodes the values of one commit, one after the other, into large pieces of memory. Each value stays where it is until
 * `reset`, which is called when the commit is done: LMDB reads the values on a thread of its own.
 */
export class RecordWriter {
  /** Those in use come first. The first is made when there is something to write. */
  readonly #pieces: Uint8Array[] = [];
  #piece = -1;
  #bytes: Uint8Array = NOTHING;
  #view = viewFor(this.#bytes);
  /** Where the value that is being written begins, and where its next byte goes. */
  #start = 0;
  #at = 0;

  /** Nobody needs the values any more. */
  reset(): void {
    // A piece for one huge value is not kept.
    const kept = this.#pieces.filter((piece) => piece.length === PIECE_BYTES);
    this.#pieces.length = 0;
    this.#pieces.push(...kept.slice(0, 16));
    this.#piece = -1;
    this.#use(NOTHING);
  }

  /** Ends a value and returns it; the next one begins. */
  take(): Uint8Array {
    const value = viewOf(this.#bytes, this.#start, this.#at);
    this.#start = this.#at;
    return value;
  }

  byte(value: number): void {
    this.#need(1);
    this.#bytes[this.#at++] = value;
  }

  uint16(value: number): void {
    this.#need(2);
    this.#view.setUint16(this.#at, value);
    this.#at += 2;
  }

  /** Any number, infinity included. */
  float64(value: number): void {
    this.#need(8);
    this.#view.setFloat64(this.#at, value);
    this.#at += 8;
  }

  /** A whole number from 0 to 2^53 - 1, in as few bytes as it needs: seven bits each, the lowest first. */
  uint(value: number): void {
    this.#need(8);
    const bytes = this.#bytes;
    let rest = value;
    // Bit operations are for 32 bits.
    while (rest >= 0x80 && rest <= LARGEST) {
      bytes[this.#at++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    bytes[this.#at++] = rest;
  }

  text(value: string): void {
    const length = utf8Length(value);
    this.#need(2 + length);
    this.#view.setUint16(this.#at, length);
    this.#at = writeUtf8(this.#bytes, this.#at + 2, value);
  }

  bytes(value: Uint8Array): void {
    this.#need(value.length);
    this.#bytes.set(value, this.#at);
    this.#at += value.length;
  }

  /** Those of a PUBLISH, as MQTT 5.0 writes them. */
  properties(properties: Properties): void {
    const size = propertiesSize(properties, PacketType.PUBLISH);
    this.#need(4 + size);
    this.#at = writeProperties(this.#bytes, this.#at, properties, size);
  }

  #need(bytes: number): void {
    if (this.#at + bytes <= this.#bytes.length) return;
    const begun = this.#bytes.subarray(this.#start, this.#at);
    this.#piece++;
    const next = this.#pieces[this.#piece];
    if (next !== undefined && next.length >= begun.length + bytes) this.#use(next);
    else {
      const piece = new Uint8Array(Math.max(PIECE_BYTES, 2 * (begun.length + bytes)));
      this.#pieces.splice(this.#piece, 0, piece);
      this.#use(piece);
    }
    this.#bytes.set(begun);
    this.#at = begun.length;
  }

  #use(piece: Uint8Array): void {
    this.#bytes = piece;
    this.#view = viewFor(piece);
    this.#start = 0;
    this.#at = 0;
  }
}

function viewFor(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
