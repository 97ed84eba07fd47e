import {
  decodePublish,
  encodedLength,
  encodePacket,
  Framer,
  isValidUtf8,
  PacketType,
  ProtocolError,
  type Publish,
} from '@cauldron/codec';
import type { OutboxRecord } from '../outbox.js';
import { OutboxDamaged } from './outbox-error.js';

// A record is a byte that says what it is, then its numbers (seven bits a byte, the lowest first; the highest bit: more
// follow), then its text or its packet, up to the end. The values are on disks: they are never used for anything else.
const SESSION = 1;
const QUEUED = 2;
const SENT = 3;
const RELEASED = 4;
const DONE = 5;
const RECEIVED = 6;
const FORGOTTEN = 7;
const RESTARTED = 8;
const CLEARED = 9;

/** The version of MQTT whose PUBLISH has room for everything. */
const VERSION = 5;
/** Stands in the PUBLISH for the id that a message does not have yet. */
const NO_PACKET_ID = 1;
/** Bytes of the kind and the longest two numbers. */
const HEADER_ROOM = 17;

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/**
 * A record in bytes.
 * @throws ProtocolError for a packet or a client id that MQTT cannot carry
 */
export function encodeRecord(record: OutboxRecord): Uint8Array {
  switch (record.kind) {
    case 'session':
      encodedLength(record.clientId, 'the client identifier');
      return withNumbers(SESSION, [], encoder.encode(record.clientId));
    case 'queued':
      return withNumbers(QUEUED, [record.position, record.queuedAtMs], encodeMessage(record.packet));
    case 'sent':
      return withNumbers(SENT, [record.position, record.packetId]);
    case 'released':
      return withNumbers(RELEASED, [record.packetId]);
    case 'done':
      return withNumbers(DONE, [record.position]);
    case 'received':
      return withNumbers(RECEIVED, [record.packetId]);
    case 'forgotten':
      return withNumbers(FORGOTTEN, [record.packetId]);
    case 'restarted':
      return withNumbers(RESTARTED, []);
    case 'cleared':
      return withNumbers(CLEARED, []);
  }
}

/**
 * The record that `encodeRecord` made these bytes of; its packet shares their memory.
 * @throws OutboxDamaged for any others
 */
export function decodeRecord(bytes: Uint8Array): OutboxRecord {
  const reader = new RecordReader(bytes);
  const kind = reader.number();
  switch (kind) {
    case SESSION:
      return { kind: 'session', clientId: reader.text() };
    case QUEUED:
      return { kind: 'queued', position: reader.number(), queuedAtMs: reader.number(), packet: reader.message() };
    case SENT:
      return reader.last({ kind: 'sent', position: reader.number(), packetId: reader.packetId() });
    case RELEASED:
      return reader.last({ kind: 'released', packetId: reader.packetId() });
    case DONE:
      return reader.last({ kind: 'done', position: reader.number() });
    case RECEIVED:
      return reader.last({ kind: 'received', packetId: reader.packetId() });
    case FORGOTTEN:
      return reader.last({ kind: 'forgotten', packetId: reader.packetId() });
    case RESTARTED:
      return reader.last({ kind: 'restarted' });
    case CLEARED:
      return reader.last({ kind: 'cleared' });
    default:
      throw new OutboxDamaged(`There is no record of kind ${kind}`);
  }
}

/** Writes `value` (0 to 2^53 - 1) and returns the offset after it. The caller sees to the room: eight bytes. */
export function writeNumber(out: Uint8Array, at: number, value: number): number {
  let rest = value;
  let end = at;
  while (rest >= 0x80) {
    out[end++] = (rest % 0x80) | 0x80;
    rest = Math.floor(rest / 0x80);
  }
  out[end++] = rest;
  return end;
}

const NOTHING = new Uint8Array(0);

function withNumbers(kind: number, numbers: readonly number[], rest: Uint8Array = NOTHING): Uint8Array {
  const bytes = new Uint8Array(HEADER_ROOM + rest.length);
  bytes[0] = kind;
  let end = 1;
  for (const number of numbers) end = writeNumber(bytes, end, number);
  bytes.set(rest, end);
  return bytes.subarray(0, end + rest.length);
}

function encodeMessage(packet: Publish): Uint8Array {
  return encodePacket(packet.qos === 0 ? packet : { ...packet, packetId: NO_PACKET_ID }, VERSION);
}

/** Reads the parts of one record, or of what holds records. */
export class RecordReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Offset of the next part. */
  get at(): number {
    return this.#at;
  }

  /** @throws OutboxDamaged where there is no number, or not in its shortest form */
  number(): number {
    let value = 0;
    for (let unit = 1; ; unit *= 0x80) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) throw new OutboxDamaged('A record ends within a number');
      value += (byte & 0x7f) * unit;
      if (value > Number.MAX_SAFE_INTEGER) throw new OutboxDamaged('A number in a record is too large');
      if (byte < 0x80) {
        if (byte === 0 && unit > 1) throw new OutboxDamaged('A number in a record is longer than it needs to be');
        return value;
      }
    }
  }

  packetId(): number {
    const packetId = this.number();
    if (packetId === 0 || packetId > 0xffff) throw new OutboxDamaged(`There is no packet id ${packetId}`);
    return packetId;
  }

  /** The next `length` bytes, a view. */
  bytes(length: number): Uint8Array {
    if (this.#at + length > this.#bytes.length) throw new OutboxDamaged('A record is longer than what holds it');
    const start = this.#at;
    this.#at += length;
    return this.#bytes.subarray(start, this.#at);
  }

  /** All that is left, as text. */
  text(): string {
    const bytes = this.bytes(this.#bytes.length - this.#at);
    if (!isValidUtf8(bytes, 0, bytes.length)) throw new OutboxDamaged('The client id in a record is no text');
    return decoder.decode(bytes);
  }

  /** All that is left, as a message. */
  message(): Publish {
    const bytes = this.bytes(this.#bytes.length - this.#at);
    try {
      const framer = new Framer();
      framer.feed(bytes, bytes.length);
      if (!framer.next() || framer.end !== bytes.length || bytes[0] >> 4 !== PacketType.PUBLISH) {
        throw new OutboxDamaged('The message in a record is not a PUBLISH packet');
      }
      const packet = decodePublish(bytes, framer.start, framer.body, framer.end, VERSION);
      delete packet.packetId;
      return packet;
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      throw new OutboxDamaged(`The message in a record cannot be read: ${error.message}`, { cause: error });
    }
  }

  /** @throws OutboxDamaged if something is left after `record` */
  last<Record extends OutboxRecord>(record: Record): Record {
    if (this.#at < this.#bytes.length) throw new OutboxDamaged(`There is something behind a record (${record.kind})`);
    return record;
  }
}
