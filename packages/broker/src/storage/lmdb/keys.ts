import { createHash } from 'node:crypto';

// Keys of the tables. Each begins with the shard, a byte. What belongs to a session goes on with the session's number
// (six bytes); positions have eight. All numbers are big-endian, so that keys sort as the numbers do.

/** Names that are longer in UTF-8 are hashed: LMDB's keys cannot have any length. Their values have them in full. */
const LONGEST_NAME_BYTES = 400;
/** Begins no UTF-8 text. */
const HASHED = 0xff;

const SESSION_BYTES = 7;
const POSITION_BYTES = 8;

/** Of the number that follows the shard in the keys of a session. */
export const LARGEST_SESSION_NUMBER = 2 ** 48 - 1;

/** What stands for a client id, filter or topic in a key. */
function nameBytes(name: string): Uint8Array {
  const bytes = Buffer.from(name);
  if (bytes.length <= LONGEST_NAME_BYTES) return bytes;
  return Buffer.concat([Uint8Array.of(HASHED), createHash('sha256').update(bytes).digest()]);
}

/** A client id's session, a topic's retained message. */
export function nameKey(shard: number, name: string): Buffer {
  return Buffer.concat([Uint8Array.of(shard), nameBytes(name)]);
}

/** What the keys of all that belongs to a session begin with. */
export function sessionPrefix(shard: number, number: number): Buffer {
  const key = Buffer.allocUnsafe(SESSION_BYTES);
  key[0] = shard;
  key.writeUIntBE(number, 1, 6);
  return key;
}

export function subscriptionKey(prefix: Uint8Array, filter: string): Buffer {
  return Buffer.concat([prefix, nameBytes(filter)]);
}

/** A part of a session's packet ids. */
export function partKey(prefix: Uint8Array, part: number): Buffer {
  const key = Buffer.allocUnsafe(SESSION_BYTES + 2);
  key.set(prefix);
  key.writeUInt16BE(part, SESSION_BYTES);
  return key;
}

export function partOf(key: Buffer): number {
  return key.readUInt16BE(SESSION_BYTES);
}

/** A chunk of a session's queue. */
export function chunkKey(prefix: Uint8Array, position: number): Buffer {
  const key = Buffer.allocUnsafe(SESSION_BYTES + POSITION_BYTES);
  key.set(prefix);
  writePosition(key, SESSION_BYTES, position);
  return key;
}

export function chunkPosition(key: Buffer): number {
  return readPosition(key, SESSION_BYTES);
}

/** A stored message. */
export function messageKey(shard: number, position: number): Buffer {
  const key = Buffer.allocUnsafe(1 + POSITION_BYTES);
  key[0] = shard;
  writePosition(key, 1, position);
  return key;
}

export function messagePosition(key: Buffer): number {
  return readPosition(key, 1);
}

/** A record of the log. It is of no shard: what it has goes to tables that are. */
export function logKey(number: number): Buffer {
  const key = Buffer.allocUnsafe(POSITION_BYTES);
  writePosition(key, 0, number);
  return key;
}

/** The number of the session that the key belongs to. */
export function sessionNumber(key: Buffer): number {
  return key.readUIntBE(1, 6);
}

export function belongsTo(key: Buffer, prefix: Uint8Array): boolean {
  return key.length >= prefix.length && key.compare(prefix, 0, prefix.length, 0, prefix.length) === 0;
}

/** The first key behind all that begin with the prefix. */
export function endOf(prefix: Uint8Array): Buffer {
  const end = Buffer.from(prefix);
  for (let at = end.length - 1; at >= 0; at--) {
    end[at] = (end[at] + 1) & 0xff;
    if (end[at] !== 0) break;
  }
  return end;
}

function writePosition(key: Buffer, at: number, position: number): void {
  key.writeUInt32BE(Math.floor(position / 2 ** 32), at);
  key.writeUInt32BE(position % 2 ** 32, at + 4);
}

function readPosition(key: Buffer, at: number): number {
  return key.readUInt32BE(at) * 2 ** 32 + key.readUInt32BE(at + 4);
}
