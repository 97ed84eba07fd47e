import type { Properties, QoS, RetainHandling } from '@cauldron/codec';
import { assertTopicFilter, assertTopicName, MAX_VARINT, parseSharedFilter } from '@cauldron/codec';
import { Fields, MosquittoDbError } from './mosquitto-db-fields.js';

export { MosquittoDbError } from './mosquitto-db-fields.js';

/** What Mosquitto calls the states of a message on its way to or from a client. Numbers of its file format. */
export const MosquittoState = {
  PUBLISH_QOS0: 1,
  PUBLISH_QOS1: 2,
  WAIT_FOR_PUBACK: 3,
  PUBLISH_QOS2: 4,
  WAIT_FOR_PUBREC: 5,
  RESEND_PUBREL: 6,
  WAIT_FOR_PUBREL: 7,
  RESEND_PUBCOMP: 8,
  WAIT_FOR_PUBCOMP: 9,
  SEND_PUBREC: 10,
  QUEUED: 11,
} as const;

/** A session. */
export interface MosquittoClient {
  readonly clientId: string;
  /** Always undefined in version 5, which has no user names. See `usernameOf` for what version 6 makes of them. */
  readonly username: string | undefined;
  /** Seconds; 4,294,967,295: for ever, as all sessions of 3.1 and 3.1.1 have it. */
  readonly expiryIntervalS: number;
  /** Seconds since 1970: when it ends; 0: not known, or never. */
  readonly expiresAtS: number;
  /** The packet id that Mosquitto used last. */
  readonly lastPacketId: number;
  /** Of the listener that the client came by; 0: not known. */
  readonly port: number;
}

export interface MosquittoSubscription {
  readonly clientId: string;
  readonly filter: string;
  readonly qos: QoS;
  readonly noLocal: boolean;
  readonly retainAsPublished: boolean;
  readonly retainHandling: RetainHandling;
  /** The three above and perhaps more, as the byte of SUBSCRIBE without its QoS. */
  readonly options: number;
  /** 0: none. */
  readonly identifier: number;
}

/** A message that retained topics and sessions refer to. */
export interface MosquittoMessage {
  readonly id: bigint;
  readonly topic: string;
  /** A view into the file. */
  readonly payload: Uint8Array;
  readonly qos: QoS;
  readonly retain: boolean;
  readonly properties: Properties | null;
  /** The publisher's client id; empty when it was the broker. */
  readonly publisher: string;
  /** The publisher's user name. */
  readonly username: string | undefined;
  /** Seconds since 1970; 0: never. */
  readonly expiresAtS: number;
  /** Of the publisher's PUBLISH. */
  readonly sourcePacketId: number;
  /** Of the listener that the publisher came by. */
  readonly sourcePort: number;
}

/** One session's part in a message. */
export interface MosquittoClientMessage {
  readonly clientId: string;
  /** A message that expired while Mosquitto ran may be missing. */
  readonly messageId: bigint;
  readonly isOutbound: boolean;
  /** 0 where none was given. */
  readonly packetId: number;
  readonly qos: QoS;
  /** One of `MosquittoState`. */
  readonly state: number;
  readonly retain: boolean;
  readonly dup: boolean;
  readonly identifiers: readonly number[] | null;
}

/** What a mosquitto.db says. Lists have the order of the file; that of a client's messages is the order of sending. */
export interface MosquittoDb {
  readonly version: 5 | 6;
  readonly clients: readonly MosquittoClient[];
  readonly subscriptions: readonly MosquittoSubscription[];
  readonly messages: ReadonlyMap<bigint, MosquittoMessage>;
  /** Ids of messages. */
  readonly retained: readonly bigint[];
  readonly clientMessages: readonly MosquittoClientMessage[];
}

/** A part of the file, as it comes, for those who want to see how the file is made. */
export type MosquittoChunk = {
  /** Bytes without those of its header. */
  readonly length: number;
} & (
  | {
      readonly kind: 'configuration';
      readonly lastMessageId: bigint;
      /** Whether Mosquitto wrote the file when it stopped. */
      readonly isOrderlyEnd: boolean;
      /** Bytes of a message id. */
      readonly idBytes: number;
    }
  | { readonly kind: 'message'; readonly message: MosquittoMessage }
  | { readonly kind: 'clientMessage'; readonly clientMessage: MosquittoClientMessage }
  | { readonly kind: 'retained'; readonly messageId: bigint }
  | { readonly kind: 'subscription'; readonly subscription: MosquittoSubscription }
  | { readonly kind: 'client'; readonly client: MosquittoClient }
);

/** Without what all chunks have. */
type ChunkContent = MosquittoChunk extends infer Chunk
  ? Chunk extends MosquittoChunk
    ? Omit<Chunk, 'length'>
    : never
  : never;

/** 00 B5 00 'mosquitto db' */
const MAGIC = Uint8Array.of(0, 0xb5, 0, ...new TextEncoder().encode('mosquitto db'));
/** Magic, a checksum that is always zero, version. */
const HEADER_BYTES = MAGIC.length + 8;

interface ChunkKind {
  readonly name: string;
  /** Reads it, adds to the draft what belongs there, and says what it was. */
  readonly read: (fields: Fields, db: Draft) => ChunkContent;
}

/** The kinds of chunks, by the number that begins each. */
const CHUNKS = new Map<number, ChunkKind>([
  [1, { name: 'the configuration chunk', read: readConfiguration }],
  [2, { name: 'a message chunk', read: readMessage }],
  [3, { name: 'a client message chunk', read: readClientMessage }],
  [4, { name: 'a retain chunk', read: readRetained }],
  [5, { name: 'a subscription chunk', read: readSubscription }],
  [6, { name: 'a client chunk', read: readClient }],
]);

interface Draft {
  readonly version: 5 | 6;
  readonly clients: MosquittoClient[];
  readonly subscriptions: MosquittoSubscription[];
  readonly messages: Map<bigint, MosquittoMessage>;
  readonly retained: bigint[];
  readonly clientMessages: MosquittoClientMessage[];
}

/**
 * Reads the file that Mosquitto 1.6 (version 5), 2.0 and 2.1 (version 6) keep with `persistence true`: all of it, in
 * place, so that what is damaged is noticed before anything is taken over. Payloads are views; `bytes` must not change
 * while the result is in use. A file that was cut off between two chunks cannot be told from a complete one.
 * @param see told of each part of the file, in its order
 * @throws MosquittoDbError for another file, another version, and damage
 */
export function readMosquittoDb(bytes: Uint8Array, see: (chunk: MosquittoChunk) => void = () => {}): MosquittoDb {
  const fields = new Fields(bytes);
  const version = readVersion(bytes, fields);
  const db: Draft = {
    version,
    clients: [],
    subscriptions: [],
    messages: new Map(),
    retained: [],
    clientMessages: [],
  };
  for (let at = HEADER_BYTES; at < bytes.length; ) {
    fields.open(at, bytes.length, 'the header of a chunk');
    const number = fields.uint32('its kind');
    const length = fields.uint32('its length');
    const kind = CHUNKS.get(number);
    if (kind === undefined) throw new MosquittoDbError(at, `there is no kind of chunk with the number ${number}`);
    if (length > fields.left) {
      throw new MosquittoDbError(at, `${kind.name} has ${length} bytes, but only ${fields.left} are left in the file`);
    }
    const start = fields.at;
    at = start + length;
    fields.open(start, at, kind.name);
    const content = kind.read(fields, db);
    fields.expectEnd();
    see({ length, ...content });
  }
  return db;
}

function readVersion(bytes: Uint8Array, fields: Fields): 5 | 6 {
  if (bytes.length < HEADER_BYTES || MAGIC.some((byte, i) => bytes[i] !== byte)) {
    throw new MosquittoDbError(0, 'this is not a mosquitto.db: it does not begin like one');
  }
  fields.open(MAGIC.length + 4, HEADER_BYTES, 'the header');
  const at = fields.at;
  const version = fields.uint32('the version');
  if (version === 5 || version === 6) return version;
  const advice = version < 5 ? '; Mosquitto 2.0 writes it as version 6 when it has run once with this file' : '';
  throw fields.fault(`version ${version}, only 5 and 6 can be read${advice}`, at);
}

function readConfiguration(fields: Fields): ChunkContent {
  const lastMessageId = fields.id('the last message id');
  const isOrderlyEnd = fields.uint8('the flag of an orderly end') !== 0;
  const at = fields.at;
  const idBytes = fields.uint8('the size of message ids');
  if (idBytes !== 8) throw fields.fault(`message ids of ${idBytes} bytes, only those of 8 can be read`, at);
  // What the writer's compiler put behind the structure to fill it up.
  if (fields.left < 8) fields.skip(fields.left, 'padding');
  return { kind: 'configuration', lastMessageId, isOrderlyEnd, idBytes };
}

function readRetained(fields: Fields, db: Draft): ChunkContent {
  const messageId = fields.id('the message id');
  db.retained.push(messageId);
  return { kind: 'retained', messageId };
}

function readClient(fields: Fields, db: Draft): ChunkContent {
  const expiresAtS = fields.timeS('the end of the session');
  const expiryIntervalS = fields.uint32('the session expiry interval');
  const lastPacketId = fields.uint16('the last packet id');
  const idBytes = fields.uint16('the length of the client id');
  let username: string | undefined;
  let clientId: string;
  let port = 0;
  if (db.version === 5) clientId = fields.text(idBytes, 'the client id');
  else {
    port = fields.uint16('the port');
    const usernameBytes = fields.uint16('the length of the user name');
    // On 64-bit machines the structure is filled up to a multiple of 8 bytes.
    if (fields.left - idBytes - usernameBytes === 4) fields.skip(4, 'padding');
    clientId = fields.text(idBytes, 'the client id');
    username = usernameOf(fields, usernameBytes);
  }
  if (clientId === '') throw fields.fault('the client id is empty');
  const client = { clientId, username, expiryIntervalS, expiresAtS, lastPacketId, port };
  db.clients.push(client);
  return { kind: 'client', client };
}

/**
 * Mosquitto 2.0 writes, for a client that has no user name, that of the client before it, and with the two bytes of its
 * length swapped: mostly some hundred bytes of its memory with the null character that ends the name among them. A name
 * cannot have one, so that tells; where no byte does, the name stands as it is in the file.
 */
function usernameOf(fields: Fields, length: number): string | undefined {
  const at = fields.at;
  const bytes = fields.binary(length, 'the user name');
  if (length === 0 || bytes.includes(0)) return undefined;
  fields.at = at;
  return fields.text(length, 'the user name');
}

function readSubscription(fields: Fields, db: Draft): ChunkContent {
  const identifier = fields.uint32('the subscription identifier');
  if (identifier > MAX_VARINT) throw fields.fault(`the subscription identifier is ${identifier}`, fields.at - 4);
  const idBytes = fields.uint16('the length of the client id');
  const filterBytes = fields.uint16('the length of the filter');
  const qos = readQos(fields);
  const options = fields.uint8('the options');
  fields.skip(2, 'padding');
  const clientId = fields.text(idBytes, 'the client id');
  const filter = fields.text(filterBytes, 'the filter');
  fields.check(() => {
    assertTopicFilter(filter);
    parseSharedFilter(filter);
  });
  const subscription: MosquittoSubscription = {
    clientId,
    filter,
    qos,
    // As in SUBSCRIBE.
    noLocal: (options & 0x04) !== 0,
    retainAsPublished: (options & 0x08) !== 0,
    retainHandling: (options & 0x20) !== 0 ? 2 : (options & 0x10) !== 0 ? 1 : 0,
    options,
    identifier,
  };
  db.subscriptions.push(subscription);
  return { kind: 'subscription', subscription };
}

function readMessage(fields: Fields, db: Draft): ChunkContent {
  const start = fields.at;
  const id = fields.id('the message id');
  if (db.messages.has(id)) throw fields.fault(`a second message with the id ${id}`, start);
  const expiresAtS = fields.timeS('the end of its life');
  const payloadBytes = fields.uint32('the length of the payload');
  const sourcePacketId = fields.uint16("the publisher's packet id");
  const publisherBytes = fields.uint16("the length of the publisher's client id");
  const usernameBytes = fields.uint16("the length of the publisher's user name");
  const topicBytes = fields.uint16('the length of the topic');
  const sourcePort = fields.uint16('the port');
  const qos = readQos(fields);
  const retain = fields.uint8('the retain flag') !== 0;
  const publisher = fields.text(publisherBytes, "the publisher's client id");
  const username = usernameBytes === 0 ? undefined : fields.text(usernameBytes, "the publisher's user name");
  const topic = fields.text(topicBytes, 'the topic');
  fields.check(() => assertTopicName(topic));
  const payload = fields.binary(payloadBytes, 'the payload');
  const properties = fields.properties();
  const source = { publisher, username, sourcePacketId, sourcePort };
  const message = { id, topic, payload, qos, retain, properties, expiresAtS, ...source };
  db.messages.set(id, message);
  return { kind: 'message', message };
}

function readClientMessage(fields: Fields, db: Draft): ChunkContent {
  const messageId = fields.id('the message id');
  const packetId = fields.uint16('the packet id');
  const idBytes = fields.uint16('the length of the client id');
  const qos = readQos(fields);
  const state = fields.uint8('the state');
  if (state < MosquittoState.PUBLISH_QOS0 || state > MosquittoState.QUEUED) {
    throw fields.fault(`there is no state ${state}`, fields.at - 1);
  }
  // The flag of retained messages above, that of repetitions below.
  const flags = fields.uint8('the flags');
  const direction = fields.uint8('the direction');
  if (direction > 1) throw fields.fault(`there is no direction ${direction}`, fields.at - 1);
  const clientId = fields.text(idBytes, 'the client id');
  const identifiers = fields.properties()?.subscriptionIdentifiers ?? null;
  const clientMessage = {
    clientId,
    messageId,
    isOutbound: direction === 1,
    packetId,
    qos,
    state,
    retain: (flags & 0xf0) !== 0,
    dup: (flags & 0x0f) !== 0,
    identifiers,
  };
  db.clientMessages.push(clientMessage);
  return { kind: 'clientMessage', clientMessage };
}

function readQos(fields: Fields): QoS {
  const qos = fields.uint8('the QoS');
  if (qos !== 0 && qos !== 1 && qos !== 2) throw fields.fault(`there is no QoS ${qos}`, fields.at - 1);
  return qos;
}
