import type { MosquittoChunk } from '@cauldron/broker';
import { decodeUtf8, type Properties, ProtocolError } from '@cauldron/codec';

/** Payloads from this length on are left out. */
const LONG_PAYLOAD = 256;
/** Where the header has the version: behind the magic and a checksum that is always zero. */
const VERSION_AT = 19;

/** All of a file for people, in the layout of Mosquitto's program. */
export function* dumpTexts(chunks: readonly MosquittoChunk[], bytes: Uint8Array): Generator<string> {
  const version = new DataView(bytes.buffer, bytes.byteOffset).getUint32(VERSION_AT);
  yield `Mosquitto DB dump\nCRC: 0\nDB version: ${version}\n`;
  for (const chunk of chunks) {
    const [name, fields] = describe(chunk);
    const rows = [`${name}:`, `Length: ${chunk.length}`, ...fields];
    yield `${rows.join('\n\t')}\n`;
  }
}

function describe(chunk: MosquittoChunk): [name: string, fields: string[]] {
  switch (chunk.kind) {
    case 'configuration': {
      const { isOrderlyEnd, idBytes, lastMessageId } = chunk;
      const fields = [`Shutdown: ${Number(isOrderlyEnd)}`, `DB ID size: ${idBytes}`, `Last DB ID: ${lastMessageId}`];
      return ['DB_CHUNK_CFG', fields];
    }
    case 'message': {
      const { id, sourcePort, sourcePacketId, topic, qos, retain, payload, expiresAtS, properties } = chunk.message;
      const text = printable(payload);
      return [
        'DB_CHUNK_BASE_MSG',
        [
          `Store ID: ${id}`,
          `Source Port: ${sourcePort}`,
          `Source MID: ${sourcePacketId}`,
          `Topic: ${topic}`,
          `QoS: ${qos}`,
          `Retain: ${Number(retain)}`,
          `Payload Length: ${payload.length}`,
          `Expiry Time: ${expiresAtS}`,
          ...(text === null ? [] : [`Payload: ${text}`]),
          ...(properties === null ? [] : ['Properties:', ...propertyLines(properties)]),
        ],
      ];
    }
    case 'clientMessage': {
      const { clientId, messageId, packetId, qos, retain, isOutbound, state, dup, identifiers } = chunk.clientMessage;
      return [
        'DB_CHUNK_CLIENT_MSG',
        [
          `Client ID: ${clientId}`,
          `Store ID: ${messageId}`,
          `MID: ${packetId}`,
          `QoS: ${qos}`,
          `Retain: ${Number(retain)}`,
          `Direction: ${Number(isOutbound)}`,
          `State: ${state}`,
          `Dup: ${Number(dup)}`,
          ...(identifiers ?? []).map((identifier) => `Subscription identifier: ${identifier}`),
        ],
      ];
    }
    case 'retained':
      return ['DB_CHUNK_RETAIN', [`Store ID: ${chunk.messageId}`]];
    case 'subscription': {
      const { clientId, filter, qos, identifier, options } = chunk.subscription;
      const hex = options.toString(16).toUpperCase().padStart(2, '0');
      const fields = [`Topic: ${filter}`, `QoS: ${qos}`, `Subscription ID: ${identifier}`, `Options: 0x${hex}`];
      return ['DB_CHUNK_SUB', [`Client ID: ${clientId}`, ...fields]];
    }
    case 'client': {
      const { clientId, username, port, lastPacketId, expiresAtS, expiryIntervalS } = chunk.client;
      return [
        'DB_CHUNK_CLIENT',
        [
          `Client ID: ${clientId}`,
          ...(username === undefined ? [] : [`Username: ${username}`]),
          ...(port === 0 ? [] : [`Listener port: ${port}`]),
          `Last MID: ${lastPacketId}`,
          `Session expiry time: ${expiresAtS}`,
          `Session expiry interval: ${expiryIntervalS}`,
        ],
      ];
    }
  }
}

/** A short payload that is text without control characters; null: it is none. */
function printable(payload: Uint8Array): string | null {
  if (payload.length === 0 || payload.length >= LONG_PAYLOAD) return null;
  try {
    const text = decodeUtf8(payload, 0, payload.length, 'the payload');
    return /\p{Cc}/u.test(text) ? null : text;
  } catch (error) {
    if (error instanceof ProtocolError) return null;
    throw error;
  }
}

/** One for each property, in the order of the packet. */
function propertyLines(properties: Properties): string[] {
  return Object.entries(properties).flatMap(([name, value]) => {
    switch (name) {
      case 'payloadFormatIndicator':
        return [`\tPayload format indicator: ${value}`];
      case 'contentType':
        return [`\tContent type: ${value}`];
      case 'responseTopic':
        return [`\tResponse topic: ${value}`];
      case 'correlationData':
        return [`\tCorrelation data: ${hexOf(properties.correlationData)}`];
      case 'userProperties':
        return (properties.userProperties ?? []).map(([key, text]) => `\tUser property: ${key} , ${text}`);
      default:
        return [];
    }
  });
}

function hexOf(bytes: Uint8Array | undefined): string {
  return Buffer.from(bytes ?? [])
    .toString('hex')
    .toUpperCase();
}
