import { crc32 } from 'node:zlib';
import { OutboxDamaged } from './outbox-error.js';
import { RecordReader, writeNumber } from './record-codec.js';

// The file of an outbox: its name and version, a mark of four random bytes, then one frame for each commit. A frame is the
// mark, the length of what follows the checksum (32 bits, the lowest byte first), the checksum of length and content
// (CRC-32 that begins with the mark), and the content: records, each behind its length as `writeNumber` writes it.
//
// A commit begins when the one before is durable, so only the last frame can be incomplete after a crash.

const MAGIC = new TextEncoder().encode('cauldron-outbox1');

export const MARK_SIZE = 4;
const FRAME_HEADER = MARK_SIZE + 8;

/** Bytes before the first frame. */
export const HEADER_SIZE = MAGIC.length + MARK_SIZE;

/** The beginning of a file. */
export function headerWith(mark: Uint8Array): Uint8Array {
  return Uint8Array.of(...MAGIC, ...mark);
}

/** Where a record lies in the file, with its length before it. */
export interface RecordPlace {
  /** From the beginning of the file; NaN as long as it has not been written. */
  offset: number;
  /** Bytes, its length included. */
  readonly size: number;
}

/** A record as it lies in a frame. */
export function withLength(record: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(8 + record.length);
  const at = writeNumber(bytes, 0, record.length);
  bytes.set(record, at);
  return bytes.subarray(0, at + record.length);
}

/** A frame of records that have their length before them, and the offset of each of them in it. */
export function frameOf(mark: Uint8Array, records: readonly Uint8Array[]): { frame: Buffer; offsets: number[] } {
  const length = records.reduce((sum, record) => sum + record.length, 0);
  const frame = Buffer.allocUnsafe(FRAME_HEADER + length);
  frame.set(mark);
  frame.writeUInt32LE(length, MARK_SIZE);
  const offsets: number[] = [];
  let at = FRAME_HEADER;
  for (const record of records) {
    offsets.push(at);
    frame.set(record, at);
    at += record.length;
  }
  frame.writeUInt32LE(checksum(frame, 0, frame.length), MARK_SIZE + 4);
  return { frame, offsets };
}

export interface LogContent {
  readonly mark: Uint8Array;
  /** The records in their order; their bytes are views. */
  readonly records: readonly { readonly bytes: Uint8Array; readonly place: RecordPlace }[];
  /** Where the last frame ends that is complete: what follows was never durable. */
  readonly end: number;
}

/**
 * What a whole file holds.
 * @param path of the file, for errors
 * @throws OutboxDamaged for another kind of file, and for a frame that was damaged after it had been written
 */
export function readLog(bytes: Buffer, path: string): LogContent {
  if (bytes.length < HEADER_SIZE || bytes.compare(MAGIC, 0, MAGIC.length, 0, MAGIC.length) !== 0) {
    throw new OutboxDamaged(`${path} is not an outbox, or one of another version`);
  }
  const mark = bytes.subarray(MAGIC.length, HEADER_SIZE);
  const records: { bytes: Uint8Array; place: RecordPlace }[] = [];
  let at = HEADER_SIZE;
  for (;;) {
    const end = frameEnd(bytes, at, mark);
    if (end === 0) break;
    readFrame(bytes, at + FRAME_HEADER, end, path, records);
    at = end;
  }
  for (let next = bytes.indexOf(mark, at + 1); next !== -1; next = bytes.indexOf(mark, next + 1)) {
    if (frameEnd(bytes, next, mark) === 0) continue;
    throw new OutboxDamaged(
      `${path} is damaged at byte ${at}: what follows from byte ${next} on is as it was written. ` +
        'Messages are missing; move the file away to begin a new one',
    );
  }
  return { mark: Uint8Array.from(mark), records, end: at };
}

/** Where the frame at `start` ends; 0 if it is not complete. */
function frameEnd(bytes: Buffer, start: number, mark: Uint8Array): number {
  const content = start + FRAME_HEADER;
  if (content > bytes.length || bytes.compare(mark, 0, MARK_SIZE, start, start + MARK_SIZE) !== 0) return 0;
  const end = content + bytes.readUInt32LE(start + MARK_SIZE);
  if (end > bytes.length) return 0;
  return checksum(bytes, start, end) === bytes.readUInt32LE(start + MARK_SIZE + 4) ? end : 0;
}

/** That of a frame, leaving out the place where it stands. */
function checksum(bytes: Buffer, start: number, end: number): number {
  const header = crc32(bytes.subarray(start, start + MARK_SIZE + 4));
  return crc32(bytes.subarray(start + FRAME_HEADER, end), header);
}

function readFrame(
  bytes: Uint8Array,
  start: number,
  end: number,
  path: string,
  records: { bytes: Uint8Array; place: RecordPlace }[],
): void {
  const reader = new RecordReader(bytes.subarray(start, end));
  try {
    while (reader.at < end - start) {
      const offset = start + reader.at;
      const record = reader.bytes(reader.number());
      records.push({ bytes: record, place: { offset, size: start + reader.at - offset } });
    }
  } catch (error) {
    throw damagedAt(path, start + reader.at, error);
  }
}

/** An error about what a record says, with the place where it stands. */
export function damagedAt(path: string, offset: number, cause: unknown): OutboxDamaged {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new OutboxDamaged(`${path} cannot be read at byte ${offset}: ${reason}`, { cause });
}
