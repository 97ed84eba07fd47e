import {
  copyBytes,
  decodeProperties,
  PacketType,
  type ProtocolVersion,
  type QoS,
  Reader,
  type RetainHandling,
  viewOf,
} from '@cauldron/codec';
import { Message } from '../../core/message.js';
import type { Principal } from '../../core/ports/access.js';
import type { QueuedFor, SessionRecord, SubscriptionRecord } from '../../core/ports/store.js';
import type { RecordWriter } from './record-writer.js';

// The values of the tables, as they stand on the disk: a change here needs a new format version and a migration
// (see format.ts). Reading throws ProtocolError, the codec's, where a value ends early or cannot be.

const HAS_EXPIRY = 1 << 3;
const HAS_PROPERTIES = 1 << 4;
const HAS_PUBLICATION = 1 << 5;
const HAS_SOURCE = 1 << 6; // since format version 2
const HAS_IDENTIFIERS = 1 << 3;
const HAS_SHARED_FILTER = 1 << 4;
const HAS_USERNAME = 1;
const IS_CONNECTED = 2;
const HAS_WILL = 4;

export function readerOf(bytes: Uint8Array, record: string): Reader {
  return new Reader(bytes, 0, bytes.length, record);
}

/** What `RecordWriter.uint` wrote. */
export function readUint(reader: Reader, field: string): number {
  let value = 0;
  let scale = 1;
  for (let count = 0; count < 8; count++) {
    const byte = reader.byte(field);
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return value;
    scale *= 0x80;
  }
  throw reader.malformed(`${field} has more than eight bytes`);
}

function readFloat64(reader: Reader, field: string): number {
  const { bytes, at } = reader;
  if (reader.end - at < 8) throw reader.malformed(`ends before the end of ${field}`);
  reader.at = at + 8;
  return new DataView(bytes.buffer, bytes.byteOffset + at, 8).getFloat64(0);
}

export function writeMessage(writer: RecordWriter, message: Message): void {
  const { topic, payload, qos, retain, properties, publisher, expiresAtMs, publishedAtMs, source } = message;
  const expires = expiresAtMs !== Number.POSITIVE_INFINITY;
  writer.byte(
    qos |
      (retain ? 4 : 0) |
      (expires ? HAS_EXPIRY : 0) |
      (properties === null ? 0 : HAS_PROPERTIES) |
      (publishedAtMs === 0 ? 0 : HAS_PUBLICATION) |
      (source === null ? 0 : HAS_SOURCE),
  );
  if (expires) writer.float64(expiresAtMs);
  if (publishedAtMs !== 0) writer.float64(publishedAtMs);
  writer.text(topic);
  writer.text(publisher);
  if (source !== null) writeSource(writer, source);
  if (properties !== null) writer.properties(properties);
  writer.bytes(payload);
}

/** Its client id stands before it, as the publisher's. */
function writeSource(writer: RecordWriter, { username, address }: Principal): void {
  writer.byte(username === undefined ? 0 : HAS_USERNAME);
  if (username !== undefined) writer.text(username);
  writer.text(address);
}

function readSource(reader: Reader, clientId: string): Principal {
  const flags = reader.byte('the flags of the source');
  const username = flags & HAS_USERNAME ? reader.text("the source's user name") : undefined;
  return { clientId, username, address: reader.text("the source's address") };
}

/** How `readMessage` makes payloads that outlive what they are read from. */
export type CopyBytes = (bytes: Uint8Array, start: number, end: number) => Uint8Array;

const copyAlone: CopyBytes = (bytes, start, end) => Uint8Array.prototype.slice.call(bytes, start, end);

/** Largest payload that shares a piece of memory with others. */
const SHARED_BYTES = 1024;
const PIECE_BYTES = 64 * 1024;

/**
 * For reading many messages at once, which will be held: their payloads lie together in larger pieces, because one piece
 * of memory for each of a million is slow to make and large to keep. A piece lives as long as any of its payloads.
 */
export function copyTogether(): CopyBytes {
  let piece = new Uint8Array(0);
  let at = 0;
  return (bytes, start, end) => {
    const length = end - start;
    if (length > SHARED_BYTES) return copyAlone(bytes, start, end);
    if (at + length > piece.length) {
      piece = new Uint8Array(PIECE_BYTES);
      at = 0;
    }
    copyBytes(bytes, start, end, piece, at);
    at += length;
    return viewOf(piece, at - length, at);
  };
}

/**
 * The message does not need `reader.bytes` any more. `payloadBytes`: how long its payload is; without it, as long as there
 * is something.
 */
export function readMessage(reader: Reader, payloadBytes?: number, copy: CopyBytes = copyAlone): Message {
  const flags = reader.byte('the flags');
  const expiresAtMs = flags & HAS_EXPIRY ? readFloat64(reader, 'the expiry') : Number.POSITIVE_INFINITY;
  const publishedAtMs = flags & HAS_PUBLICATION ? readFloat64(reader, 'the time of publication') : 0;
  const topic = reader.text('the topic');
  const publisher = reader.text('the publisher');
  const source = flags & HAS_SOURCE ? readSource(reader, publisher) : null;
  const properties = flags & HAS_PROPERTIES ? (decodeProperties(reader, PacketType.PUBLISH) ?? {}) : null;
  if (properties?.correlationData !== undefined) {
    properties.correlationData = copyAlone(properties.correlationData, 0, properties.correlationData.length);
  }
  const end = payloadBytes === undefined ? reader.end : reader.at + payloadBytes;
  if (end > reader.end) throw reader.malformed('the payload is longer than the record');
  const payload = copy(reader.bytes, reader.at, end);
  reader.at = end;
  const qos = (flags & 3) as QoS;
  const message = new Message(topic, payload, qos, (flags & 4) !== 0, properties, publisher, expiresAtMs, true);
  message.publishedAtMs = publishedAtMs;
  message.source = source;
  return message;
}

/** `number`: what the keys of the session's other tables begin with, after the shard. */
export function writeSession(writer: RecordWriter, number: number, record: SessionRecord): void {
  const { clientId, username, address, protocolVersion, expiryIntervalS, disconnectedAtMs, will } = record;
  writer.uint(number);
  writer.text(clientId);
  writer.byte(
    (username === undefined ? 0 : HAS_USERNAME) |
      (disconnectedAtMs === null ? IS_CONNECTED : 0) |
      (will === null ? 0 : HAS_WILL),
  );
  if (username !== undefined) writer.text(username);
  writer.text(address);
  writer.byte(protocolVersion);
  writer.uint(expiryIntervalS);
  if (disconnectedAtMs !== null) writer.float64(disconnectedAtMs);
  if (will === null) return;
  writer.uint(will.delayS);
  writeMessage(writer, will.message);
}

export interface NumberedSession {
  readonly number: number;
  readonly record: SessionRecord;
}

export function readSession(bytes: Uint8Array): NumberedSession {
  const reader = readerOf(bytes, 'a session');
  const number = readUint(reader, 'the number');
  const clientId = reader.text('the client id');
  const flags = reader.byte('the flags');
  const username = flags & HAS_USERNAME ? reader.text('the user name') : undefined;
  const address = reader.text('the address');
  const protocolVersion = reader.byte('the protocol version') as ProtocolVersion;
  const expiryIntervalS = readUint(reader, 'the expiry');
  const disconnectedAtMs = flags & IS_CONNECTED ? null : readFloat64(reader, 'the end of its connection');
  const will =
    flags & HAS_WILL ? { delayS: readUint(reader, 'the delay of its will'), message: readMessage(reader) } : null;
  reader.expectEnd();
  return {
    number,
    record: { clientId, username, address, protocolVersion, expiryIntervalS, disconnectedAtMs, will },
  };
}

export function writeSubscription(writer: RecordWriter, subscription: SubscriptionRecord): void {
  const { filter, qos, noLocal, retainAsPublished, retainHandling, identifier } = subscription;
  writer.text(filter);
  writer.byte(qos | (noLocal ? 4 : 0) | (retainAsPublished ? 8 : 0) | (retainHandling << 4));
  writer.uint(identifier);
}

export function readSubscription(bytes: Uint8Array): SubscriptionRecord {
  const reader = readerOf(bytes, 'a subscription');
  const filter = reader.text('the filter');
  const flags = reader.byte('the options');
  const identifier = readUint(reader, 'the identifier');
  reader.expectEnd();
  return {
    filter,
    qos: (flags & 3) as QoS,
    noLocal: (flags & 4) !== 0,
    retainAsPublished: (flags & 8) !== 0,
    retainHandling: (flags >> 4) as RetainHandling,
    identifier,
  };
}

/** One session's part in a message, without position and client id. */
export function writeTarget(writer: RecordWriter, target: QueuedFor): void {
  const { qos, retain, identifiers, sharedFilter } = target;
  writer.byte(
    qos |
      (retain ? 4 : 0) |
      (identifiers === null ? 0 : HAS_IDENTIFIERS) |
      (sharedFilter === null ? 0 : HAS_SHARED_FILTER),
  );
  if (identifiers !== null) {
    writer.uint(identifiers.length);
    for (const identifier of identifiers) writer.uint(identifier);
  }
  if (sharedFilter !== null) writer.text(sharedFilter);
}

export function readTarget(reader: Reader, clientId: string): QueuedFor {
  const flags = reader.byte('the flags');
  let identifiers: number[] | null = null;
  if (flags & HAS_IDENTIFIERS) {
    identifiers = [];
    for (let left = readUint(reader, 'the identifiers'); left > 0; left--) {
      identifiers.push(readUint(reader, 'an identifier'));
    }
  }
  const sharedFilter = flags & HAS_SHARED_FILTER ? reader.text('the shared filter') : null;
  return { clientId, qos: (flags & 3) as QoS, retain: (flags & 4) !== 0, identifiers, sharedFilter };
}
