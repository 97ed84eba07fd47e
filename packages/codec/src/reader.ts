import { ProtocolError } from './protocol-error.js';
import { ReasonCode } from './reason-codes.js';
import { decodeUtf8 } from './utf8.js';

/** Reads the fields of one packet in their order. Every read throws ProtocolError MALFORMED_PACKET past the end. */
export class Reader {
  readonly bytes: Uint8Array;
  /** Offset of the next byte. */
  at: number;
  /** Offset after the last byte; narrowed while a part with its own length is read. */
  end: number;
  /** The packet that is read, for errors: 'SUBSCRIBE'. */
  readonly packet: string;

  constructor(bytes: Uint8Array, at: number, end: number, packet: string) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
    this.packet = packet;
  }

  byte(field: string): number {
    this.#need(1, field);
    return this.bytes[this.at++];
  }

  uint16(field: string): number {
    this.#need(2, field);
    const at = this.at;
    this.at = at + 2;
    return (this.bytes[at] << 8) | this.bytes[at + 1];
  }

  uint32(field: string): number {
    this.#need(4, field);
    const { bytes, at } = this;
    this.at = at + 4;
    return ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0;
  }

  varint(field: string): number {
    let value = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.byte(field);
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        // [MQTT-1.5.5-1]
        if (byte === 0 && shift > 0) throw this.malformed(`${field} is not in its shortest form`);
        return value;
      }
    }
    throw this.malformed(`${field} has more than four bytes`);
  }

  text(field: string): string {
    const length = this.uint16(field);
    this.#need(length, field);
    const start = this.at;
    this.at = start + length;
    return decodeUtf8(this.bytes, start, this.at, `${this.packet}: ${field}`);
  }

  /** A view into the bytes, not a copy. */
  binary(field: string): Uint8Array {
    const length = this.uint16(field);
    this.#need(length, field);
    const start = this.at;
    this.at = start + length;
    return viewOf(this.bytes, start, this.at);
  }

  /** To be called after the last field. */
  expectEnd(): void {
    if (this.at !== this.end) throw this.malformed(`${this.end - this.at} bytes follow after the last field`);
  }

  malformed(message: string): ProtocolError {
    return new ProtocolError(ReasonCode.MALFORMED_PACKET, `${this.packet}: ${message}`);
  }

  #need(count: number, field: string): void {
    if (this.end - this.at < count) throw this.malformed(`ends before the end of ${field}`);
  }
}

/** A plain Uint8Array on the same memory, whatever subclass `bytes` is: `subarray` would make one of the subclass, slower. */
export function viewOf(bytes: Uint8Array, start: number, end: number): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset + start, end - start);
}
