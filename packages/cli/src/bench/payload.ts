/**
 * What is at the beginning of each payload: the mark of the run, the stream, the number in it, and the time when the message
 * should have been sent, in microseconds of the clock of the run (it goes around after 71 minutes).
 */
export const HEAD_SIZE = 16;

const STREAM_AT = 4;
const SEQUENCE_AT = 8;
const TIME_AT = 12;

/** Bytes: all payloads between the two are as frequent. */
export interface SizeRange {
  readonly smallest: number;
  readonly largest: number;
}

/** The size of a message: the same whoever asks. */
export function payloadSize({ smallest, largest }: SizeRange, stream: number, sequence: number): number {
  if (smallest === largest) return smallest;
  let mixed = Math.imul(stream + 1, 0x9e3779b1) ^ Math.imul(sequence + 1, 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x2c1b3c6d);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0x297a2d39);
  return smallest + (((mixed ^ (mixed >>> 16)) >>> 0) % (largest - smallest + 1));
}

/** @param at where the payload begins */
export function writeHead(
  bytes: Uint8Array,
  at: number,
  mark: number,
  stream: number,
  sequence: number,
  timeUs: number,
): void {
  writeUint32(bytes, at, mark);
  writeUint32(bytes, at + STREAM_AT, stream);
  writeUint32(bytes, at + SEQUENCE_AT, sequence);
  writeUint32(bytes, at + TIME_AT, timeUs % 2 ** 32);
}

/** Whether the payload `bytes[at..end)` is one of this run. */
export function hasMark(bytes: Uint8Array, at: number, end: number, mark: number): boolean {
  return end - at >= HEAD_SIZE && readUint32(bytes, at) === mark;
}

export function streamOf(bytes: Uint8Array, at: number): number {
  return readUint32(bytes, at + STREAM_AT);
}

export function sequenceOf(bytes: Uint8Array, at: number): number {
  return readUint32(bytes, at + SEQUENCE_AT);
}

/** How many microseconds ago the message should have been sent. */
export function ageUs(bytes: Uint8Array, at: number, nowUs: number): number {
  return ((nowUs % 2 ** 32) - readUint32(bytes, at + TIME_AT)) >>> 0;
}

function writeUint32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

function readUint32(bytes: Uint8Array, at: number): number {
  return ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0;
}
