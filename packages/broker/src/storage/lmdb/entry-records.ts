import type { Reader } from '@cauldron/codec';
import type { Entry, QueuedFor } from '../../core/ports/store.js';
import { RecordWriter } from './record-writer.js';
import {
  readerOf,
  readMessage,
  readSession,
  readSubscription,
  readTarget,
  readUint,
  writeMessage,
  writeSession,
  writeSubscription,
  writeTarget,
} from './records.js';

/** What each kind of entry begins with on the disk. */
const KINDS: readonly Entry['kind'][] = [
  'session',
  'sessionRemoved',
  'subscribed',
  'unsubscribed',
  'queued',
  'sent',
  'received',
  'completed',
  'dropped',
  'inboundHeld',
  'inboundReleased',
  'retained',
  'retainedCleared',
];
const NUMBERS = new Map(KINDS.map((kind, number) => [kind, number]));

/** Writes entries, one after the other, into one record. Client ids are written once and then named by their numbers. */
export class EntryEncoder {
  readonly #writer: RecordWriter;
  readonly #clients = new Map<string, number>();
  /** For the few parts that have no length of their own. */
  readonly #parts = new RecordWriter();

  constructor(writer: RecordWriter) {
    this.#writer = writer;
  }

  write(entry: Entry): void {
    const writer = this.#writer;
    writer.byte(NUMBERS.get(entry.kind) ?? 0);
    switch (entry.kind) {
      case 'session':
        writeSession(this.#parts, 0, entry.record);
        this.#part();
        break;
      case 'sessionRemoved':
        this.#client(entry.clientId);
        break;
      case 'subscribed':
        this.#client(entry.clientId);
        writeSubscription(this.#parts, entry.subscription);
        this.#part();
        break;
      case 'unsubscribed':
        this.#client(entry.clientId);
        writer.text(entry.filter);
        break;
      case 'queued':
        writer.byte(entry.shard);
        writer.uint(entry.position);
        writer.uint(entry.message.payload.length);
        writeMessage(writer, entry.message);
        writer.uint(entry.sessions.length);
        for (const target of entry.sessions) {
          this.#client(target.clientId);
          writeTarget(writer, target);
        }
        break;
      case 'sent':
        this.#client(entry.clientId);
        writer.uint(entry.position);
        writer.uint16(entry.packetId);
        break;
      case 'dropped':
        this.#client(entry.clientId);
        writer.uint(entry.position);
        break;
      case 'received':
      case 'completed':
      case 'inboundHeld':
      case 'inboundReleased':
        this.#client(entry.clientId);
        writer.uint16(entry.packetId);
        break;
      case 'retained':
        writer.uint(entry.message.payload.length);
        writeMessage(writer, entry.message);
        break;
      case 'retainedCleared':
        writer.text(entry.topic);
        break;
      default:
        entry satisfies never;
    }
  }

  /** Its number; 0 for one that is new, and then its id. */
  #client(clientId: string): void {
    const number = this.#clients.get(clientId);
    this.#writer.uint(number ?? 0);
    if (number !== undefined) return;
    this.#clients.set(clientId, this.#clients.size + 1);
    this.#writer.text(clientId);
  }

  #part(): void {
    const bytes = this.#parts.take();
    this.#writer.uint(bytes.length);
    this.#writer.bytes(bytes);
    this.#parts.reset();
  }
}

/** What `EntryEncoder` wrote. @throws ProtocolError when the record is damaged */
export function* readEntries(record: Uint8Array): Generator<Entry> {
  const reader = readerOf(record, 'a record of the log');
  const clients: string[] = [];
  const client = (): string => {
    const number = readUint(reader, 'a client');
    if (number === 0) clients.push(reader.text('a client id'));
    const clientId = clients.at(number - 1);
    if (clientId === undefined) throw reader.malformed(`there is no client ${number}`);
    return clientId;
  };
  while (reader.at < reader.end) yield readEntry(reader, client);
}

function readEntry(reader: Reader, client: () => string): Entry {
  const number = reader.byte('the kind of an entry');
  const kind = KINDS[number];
  switch (kind) {
    case 'session':
      return { kind, record: readSession(readPart(reader)).record };
    case 'sessionRemoved':
      return { kind, clientId: client() };
    case 'subscribed': {
      const clientId = client();
      return { kind, clientId, subscription: readSubscription(readPart(reader)) };
    }
    case 'unsubscribed': {
      const clientId = client();
      return { kind, clientId, filter: reader.text('a filter') };
    }
    case 'queued': {
      const shard = reader.byte('a shard');
      const position = readUint(reader, 'a position');
      const message = readMessage(reader, readUint(reader, 'the length of a payload'));
      const sessions: QueuedFor[] = [];
      for (let left = readUint(reader, 'the receivers'); left > 0; left--) sessions.push(readTarget(reader, client()));
      return { kind, shard, position, message, sessions };
    }
    case 'sent': {
      const clientId = client();
      const position = readUint(reader, 'a position');
      return { kind, clientId, position, packetId: reader.uint16('a packet id') };
    }
    case 'dropped': {
      const clientId = client();
      return { kind, clientId, position: readUint(reader, 'a position') };
    }
    case 'received':
    case 'completed':
    case 'inboundHeld':
    case 'inboundReleased': {
      const clientId = client();
      return { kind, clientId, packetId: reader.uint16('a packet id') };
    }
    case 'retained':
      return { kind, message: readMessage(reader, readUint(reader, 'the length of a payload')) };
    case 'retainedCleared':
      return { kind, topic: reader.text('a topic') };
    default:
      throw reader.malformed(`there is no kind ${number} of entries`);
  }
}

function readPart(reader: Reader): Uint8Array {
  const length = readUint(reader, 'the length of a part');
  const start = reader.at;
  if (reader.end - start < length) throw reader.malformed('a part is longer than the record');
  reader.at = start + length;
  return reader.bytes.subarray(start, reader.at);
}
