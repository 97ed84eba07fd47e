import type { PublishProperties } from '@cauldron/client';
import {
  assertTopicName,
  PacketType,
  ProtocolError,
  propertiesSize,
  type QoS,
  type UserProperty,
} from '@cauldron/codec';
import { FormatError, JsonFields } from '../store/json-fields.js';

/** A message as a recording has it. */
export interface RecordedMessage {
  /** Milliseconds since the recording began, with fractions. */
  readonly atMs: number;
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: QoS;
  readonly retain: boolean;
  /** Those that a publisher can give; null: none. */
  readonly properties: PublishProperties | null;
}

/** The first line of a recording. */
export interface RecordingHeader {
  /** Milliseconds since 1970. */
  readonly startedAtMs: number;
}

const VERSION = 1;
const QOS: readonly QoS[] = [0, 1, 2];
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Without its line end, as all lines. */
export function headerLine({ startedAtMs }: RecordingHeader): string {
  return JSON.stringify({ cauldron: 'recording', version: VERSION, startedAt: new Date(startedAtMs).toISOString() });
}

/** @throws FormatError */
export function readHeader(line: string): RecordingHeader {
  const fields = fieldsOf(line, 'the first line');
  if (!fields.has('cauldron') || fields.text('cauldron') !== 'recording') throw new FormatError('it is no recording');
  const version = fields.integer('version', 1, Number.MAX_SAFE_INTEGER);
  if (version > VERSION) throw new FormatError(`it is of version ${version}, which only a newer cauldron can read`);
  const startedAt = fields.text('startedAt');
  const startedAtMs = Date.parse(startedAt);
  if (Number.isNaN(startedAtMs)) throw new FormatError(`'startedAt' is no time: ${startedAt}`);
  return { startedAtMs };
}

/** What has its usual value is left out. */
export function messageLine({ atMs, topic, payload, qos, retain, properties }: RecordedMessage): string {
  return JSON.stringify({
    ms: Math.round(atMs * 1_000) / 1_000,
    topic,
    qos,
    ...(retain && { retain }),
    ...bytesJson('payload', payload),
    ...(properties !== null && Object.keys(properties).length > 0 && { properties: propertiesJson(properties) }),
  });
}

/** @throws FormatError that says what is wrong with it */
export function readMessageLine(line: string): RecordedMessage {
  const fields = fieldsOf(line, 'the message');
  const message: RecordedMessage = {
    atMs: readTime(fields.value('ms')),
    topic: checked(() => fields.text('topic'), assertTopicName),
    qos: fields.oneOf('qos', QOS),
    retain: fields.flag('retain'),
    payload: fields.bytes('payload'),
    properties: fields.has('properties') ? readProperties(fields.object('properties')) : null,
  };
  fields.end();
  return message;
}

/** A text where the bytes are one, for people and for other programs; else base64. */
export function bytesJson(name: string, bytes: Uint8Array): Record<string, string> {
  try {
    return { [name]: decoder.decode(bytes) };
  } catch {
    return { [`${name}Base64`]: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64') };
  }
}

export function propertiesJson({ correlationData, ...rest }: PublishProperties): object {
  return correlationData === undefined ? rest : { ...rest, ...bytesJson('correlationData', correlationData) };
}

function fieldsOf(line: string, what: string): JsonFields {
  try {
    return new JsonFields(JSON.parse(line), what);
  } catch (error) {
    if (error instanceof SyntaxError) throw new FormatError(`it is no JSON: ${error.message}`);
    throw error;
  }
}

function readTime(value: unknown): number {
  if (typeof value === 'number' && value >= 0) return value;
  throw new FormatError("'ms' is a number of milliseconds since the begin of the recording");
}

/** The codec knows which properties a message may have, and what may be in them. */
function readProperties(fields: JsonFields): PublishProperties {
  const properties: Record<string, unknown> = {};
  for (const name of ['payloadFormatIndicator', 'messageExpiryInterval', 'contentType', 'responseTopic']) {
    if (fields.has(name)) properties[name] = fields.value(name);
  }
  if (fields.has('correlationData') || fields.has('correlationDataBase64')) {
    properties.correlationData = fields.bytes('correlationData');
  }
  if (fields.has('userProperties')) properties.userProperties = fields.list('userProperties').map(readUserProperty);
  fields.end();
  return checked(
    () => properties,
    (all) => propertiesSize(all, PacketType.PUBLISH),
  );
}

function readUserProperty(value: unknown): UserProperty {
  if (Array.isArray(value) && value.length === 2 && value.every((part) => typeof part === 'string')) {
    return [value[0], value[1]];
  }
  throw new FormatError('a user property is a list of two texts');
}

function checked<T>(read: () => T, check: (value: T) => void): T {
  const value = read();
  try {
    check(value);
  } catch (error) {
    if (error instanceof ProtocolError) throw new FormatError(error.message);
    throw error;
  }
  return value;
}
