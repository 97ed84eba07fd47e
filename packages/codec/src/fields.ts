import { copyBytes } from './byte-copy.js';
import { writeUtf8 } from './utf8.js';

// The fields that packets are made of. Each writes at `at` and returns the offset after the field; the caller has checked
// the value and sees to the room.

export function writeUint16(out: Uint8Array, at: number, value: number): number {
  out[at] = value >>> 8;
  out[at + 1] = value;
  return at + 2;
}

export function writeUint32(out: Uint8Array, at: number, value: number): number {
  out[at] = value >>> 24;
  out[at + 1] = value >>> 16;
  out[at + 2] = value >>> 8;
  out[at + 3] = value;
  return at + 4;
}

/** A string behind its length. */
export function writeText(out: Uint8Array, at: number, text: string): number {
  const end = writeUtf8(out, at + 2, text);
  writeUint16(out, at, end - at - 2);
  return end;
}

/** Bytes behind their length. */
export function writeBinary(out: Uint8Array, at: number, bytes: Uint8Array): number {
  writeUint16(out, at, bytes.length);
  copyBytes(bytes, 0, bytes.length, out, at + 2);
  return at + 2 + bytes.length;
}
