import type { Properties, UserProperty } from '@cauldron/codec';
import type { ByteSink } from '../command-line/byte-sink.js';
import { JsonTranscoder, NotJson } from './json-transcoder.js';
import { JsonWriter } from './json-writer.js';
import type { Moment } from './moment.js';
import type { PrintedMessage } from './printed-message.js';

/** The names of MQTT 5.0, table 2-4, as Mosquitto's tools write them. */
const PROPERTY_NAMES: Readonly<Record<string, string>> = {
  payloadFormatIndicator: 'payload-format-indicator',
  messageExpiryInterval: 'message-expiry-interval',
  contentType: 'content-type',
  responseTopic: 'response-topic',
  correlationData: 'correlation-data',
  subscriptionIdentifiers: 'subscription-identifier',
  topicAlias: 'topic-alias',
  userProperties: 'user-properties',
};

export interface JsonLayout {
  readonly isPretty: boolean;
  /** Whether the payload is JSON, and comes as such; otherwise it comes as a string. */
  readonly embedsPayload: boolean;
}

/** Writes the message as one JSON object. @returns false when its payload should be JSON and is not: nothing is written */
export function writeJsonMessage(
  sink: ByteSink,
  message: PrintedMessage,
  moment: Moment,
  { isPretty, embedsPayload }: JsonLayout,
): boolean {
  const { topic, payload, decoded = payload, qos, retain, packetId = 0, properties } = message;
  const start = sink.length;
  const json = new JsonWriter(sink, isPretty);
  json.openObject();
  json.key('tst');
  json.text(timestamp(moment));
  json.key('topic');
  json.text(topic);
  json.key('qos');
  json.literal(String(qos));
  json.key('retain');
  json.literal(String(retain));
  json.key('payloadlen');
  json.literal(String(payload.length));
  if (qos > 0) {
    json.key('mid');
    json.literal(String(packetId));
  }
  if (properties !== undefined && !isEmpty(properties)) writeProperties(json, properties);
  json.key('payload');
  try {
    if (payload.length === 0) json.literal('null');
    else if (embedsPayload) JsonTranscoder.write(decoded, json);
    else json.string(decoded);
  } catch (error) {
    if (!(error instanceof NotJson)) throw error;
    sink.length = start;
    return false;
  }
  json.closeObject();
  return true;
}

/** ISO 8601, with microseconds. */
function timestamp({ isoDateTime, isoZone, nanoseconds }: Moment): string {
  const microseconds = String(Math.floor(nanoseconds / 1_000)).padStart(6, '0');
  return `${isoDateTime}.${microseconds}${isoZone}`;
}

function isEmpty(properties: Properties): boolean {
  for (const _ in properties) return false;
  return true;
}

function writeProperties(json: JsonWriter, properties: Properties): void {
  json.key('properties');
  json.openObject();
  for (const [key, value] of Object.entries(properties)) {
    const name = PROPERTY_NAMES[key];
    if (name === undefined) continue;
    if (key === 'userProperties') {
      json.key(name);
      writeUserProperties(json, value as readonly UserProperty[]);
      continue;
    }
    for (const one of Array.isArray(value) ? (value as readonly number[]) : [value]) {
      json.key(name);
      if (typeof one === 'string') json.text(one);
      else if (one instanceof Uint8Array) json.string(one);
      else json.literal(String(one));
    }
  }
  json.closeObject();
}

/** A list of objects, as names may come twice. */
function writeUserProperties(json: JsonWriter, pairs: readonly UserProperty[]): void {
  json.openArray();
  for (const [name, value] of pairs) {
    json.element();
    json.openObject();
    json.key(name);
    json.text(value);
    json.closeObject();
  }
  json.closeArray();
}
