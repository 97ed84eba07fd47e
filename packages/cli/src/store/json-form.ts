import type {
  InflightRecord,
  Principal,
  QueuedFor,
  SessionRecord,
  SubscriptionRecord,
  WillRecord,
} from '@cauldron/broker';
import { Message } from '@cauldron/broker';
import type { Properties, ProtocolVersion, QoS, RetainHandling, UserProperty } from '@cauldron/codec';
import {
  assertTopicFilter,
  assertTopicName,
  encodedLength,
  isValidUtf8,
  MAX_VARINT,
  NEVER_EXPIRES,
  PacketType,
  propertiesSize,
} from '@cauldron/codec';
import { FormatError, JsonFields } from './json-fields.js';

// How the parts of a store stand in JSON: in an export, and in what `dump --json` prints. What has its usual value is
// left out. Reading checks everything: a file from elsewhere must not bring into a store what no client could have.

export type Json = Readonly<Record<string, unknown>>;

const QOS: readonly QoS[] = [0, 1, 2];
const RETAIN_HANDLINGS: readonly RetainHandling[] = [0, 1, 2];
const VERSIONS: readonly ProtocolVersion[] = [3, 4, 5];
const MAX_PACKET_ID = 65_535;

export function messageJson(message: Message): Json {
  const { topic, payload, qos, retain, properties, publisher, expiresAtMs, publishedAtMs, source } = message;
  return {
    topic,
    ...bytesJson('payload', payload),
    qos,
    ...(retain && { retain }),
    ...(properties !== null && { properties: propertiesJson(properties) }),
    ...(publisher !== '' && { publisher }),
    ...(expiresAtMs !== Number.POSITIVE_INFINITY && { expiresAtMs }),
    ...(publishedAtMs !== 0 && { publishedAtMs }),
    ...(source !== null && { source: sourceJson(source) }),
  };
}

export function readMessage(fields: JsonFields): Message {
  const topic = fields.text('topic');
  check('topic', () => assertTopicName(topic));
  const message = new Message(
    topic,
    fields.bytes('payload'),
    fields.oneOf('qos', QOS),
    fields.flag('retain'),
    readProperties(fields),
    shortText(fields, 'publisher', ''),
    fields.timeMs('expiresAtMs', Number.POSITIVE_INFINITY),
  );
  message.publishedAtMs = fields.timeMs('publishedAtMs', 0);
  if (fields.has('source')) message.source = readSource(fields.object('source'), message.publisher);
  fields.end();
  return message.keep();
}

/** Its client id is the publisher's. */
function sourceJson({ username, address }: Principal): Json {
  return { ...(username !== undefined && { username }), ...(address !== '' && { address }) };
}

function readSource(fields: JsonFields, clientId: string): Principal {
  const username = fields.has('username') ? shortText(fields, 'username') : undefined;
  const address = shortText(fields, 'address', '');
  fields.end();
  return { clientId, username, address };
}

/** A text where the bytes are one: most payloads are read by people sooner or later. */
function bytesJson(name: string, bytes: Uint8Array): Json {
  const text = payloadText(bytes);
  return text === null ? { [`${name}Base64`]: Buffer.from(bytes).toString('base64') } : { [name]: text };
}

/** Bytes as the text that they are; null when they are none. */
export function payloadText(bytes: Uint8Array): string | null {
  if (!isValidUtf8(bytes, 0, bytes.length)) return null;
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString();
}

function propertiesJson(properties: Properties): Json {
  const { correlationData, ...rest } = properties;
  return correlationData === undefined ? rest : { ...rest, ...bytesJson('correlationData', correlationData) };
}

/** The codec knows which properties a message may have, and what may be in them. */
function readProperties(message: JsonFields): Properties | null {
  if (!message.has('properties')) return null;
  const fields = message.object('properties');
  const properties: Record<string, unknown> = {};
  for (const name of ['payloadFormatIndicator', 'messageExpiryInterval', 'contentType', 'responseTopic']) {
    if (fields.has(name)) properties[name] = fields.value(name);
  }
  if (fields.has('userProperties')) properties.userProperties = fields.list('userProperties').map(readUserProperty);
  if (fields.has('correlationData') || fields.has('correlationDataBase64')) {
    properties.correlationData = fields.bytes('correlationData');
  }
  fields.end();
  check('properties', () => propertiesSize(properties, PacketType.PUBLISH));
  return properties;
}

function readUserProperty(value: unknown): UserProperty {
  if (Array.isArray(value) && value.length === 2 && value.every((part) => typeof part === 'string')) {
    return [value[0], value[1]];
  }
  throw new FormatError('a user property is a list of two texts');
}

export function targetJson({ clientId, qos, retain, identifiers, sharedFilter }: QueuedFor): Json {
  return {
    clientId,
    qos,
    ...(retain && { retain }),
    ...(identifiers !== null && { identifiers }),
    ...(sharedFilter !== null && { sharedFilter }),
  };
}

export function readTarget(value: unknown): QueuedFor {
  const fields = new JsonFields(value, 'a session of a message');
  const identifiers = fields.list('identifiers').map((identifier) => {
    if (typeof identifier === 'number' && identifier >= 1 && identifier <= MAX_VARINT) return identifier;
    throw new FormatError(`a subscription identifier is a number from 1 to ${MAX_VARINT}`);
  });
  const target: QueuedFor = {
    clientId: readClientId(fields),
    qos: fields.oneOf('qos', QOS),
    retain: fields.flag('retain'),
    identifiers: identifiers.length === 0 ? null : identifiers,
    sharedFilter: fields.has('sharedFilter') ? shortText(fields, 'sharedFilter') : null,
  };
  fields.end();
  return target;
}

export function recordJson(record: SessionRecord): Json {
  const { clientId, username, address, protocolVersion, expiryIntervalS, disconnectedAtMs, will } = record;
  return {
    clientId,
    ...(username !== undefined && { username }),
    ...(address !== '' && { address }),
    protocolVersion,
    ...(expiryIntervalS !== NEVER_EXPIRES && { expiryIntervalS }),
    ...(disconnectedAtMs !== null && { disconnectedAtMs }),
    ...(will !== null && { will: { delayS: will.delayS, ...messageJson(will.message) } }),
  };
}

/** Leaves to the caller what else the object has. */
export function readRecord(fields: JsonFields): SessionRecord {
  return {
    clientId: readClientId(fields),
    username: fields.has('username') ? shortText(fields, 'username') : undefined,
    address: fields.text('address', ''),
    protocolVersion: fields.oneOf('protocolVersion', VERSIONS),
    expiryIntervalS: fields.integer('expiryIntervalS', 0, NEVER_EXPIRES, NEVER_EXPIRES),
    disconnectedAtMs: fields.has('disconnectedAtMs') ? fields.timeMs('disconnectedAtMs', 0) : null,
    will: fields.has('will') ? readWill(fields.object('will')) : null,
  };
}

function readWill(fields: JsonFields): WillRecord {
  const delayS = fields.integer('delayS', 0, NEVER_EXPIRES);
  return { delayS, message: readMessage(fields) };
}

export function readClientId(fields: JsonFields): string {
  const clientId = shortText(fields, 'clientId');
  if (clientId === '') throw new FormatError('a client id is empty');
  return clientId;
}

export function subscriptionJson(subscription: SubscriptionRecord): Json {
  const { filter, qos, noLocal, retainAsPublished, retainHandling, identifier } = subscription;
  return {
    filter,
    qos,
    ...(noLocal && { noLocal }),
    ...(retainAsPublished && { retainAsPublished }),
    ...(retainHandling !== 0 && { retainHandling }),
    ...(identifier !== 0 && { identifier }),
  };
}

export function readSubscription(value: unknown): SubscriptionRecord {
  const fields = new JsonFields(value, 'a subscription');
  const subscription: SubscriptionRecord = {
    filter: fields.text('filter'),
    qos: fields.oneOf('qos', QOS),
    noLocal: fields.flag('noLocal'),
    retainAsPublished: fields.flag('retainAsPublished'),
    retainHandling: fields.oneOf('retainHandling', RETAIN_HANDLINGS, 0),
    identifier: fields.integer('identifier', 0, MAX_VARINT, 0),
  };
  check('filter', () => assertTopicFilter(subscription.filter));
  fields.end();
  return subscription;
}

/** What is in flight, by the position of the message; in state 3 the client has it, and there is none. */
export interface InflightReference {
  readonly packetId: number;
  readonly state: InflightRecord['state'];
  /** 0 in state 3. */
  readonly position: number;
}

export function inflightJson({ packetId, state, delivery }: InflightRecord): Json {
  return { packetId, state, ...(delivery !== null && { position: delivery.position }) };
}

export function readInflight(value: unknown): InflightReference {
  const fields = new JsonFields(value, 'a message in flight');
  const packetId = readPacketId(fields.value('packetId'));
  const state = fields.oneOf('state', [1, 2, 3]);
  const position = state === 3 ? 0 : fields.integer('position', 1, Number.MAX_SAFE_INTEGER);
  fields.end();
  return { packetId, state, position };
}

export function readPacketId(value: unknown): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= MAX_PACKET_ID) return value;
  throw new FormatError(`a packet id is a whole number from 1 to ${MAX_PACKET_ID}, not ${JSON.stringify(value)}`);
}

/** A text as MQTT can carry it. */
function shortText(fields: JsonFields, name: string, absent?: string): string {
  const text = fields.text(name, absent);
  check(name, () => encodedLength(text, name));
  return text;
}

function check(name: string, assert: () => void): void {
  try {
    assert();
  } catch (error) {
    throw new FormatError(`${name}: ${(error as Error).message}`);
  }
}
