import type { MosquittoChunk } from '@cauldron/broker';
import type { Properties } from '@cauldron/codec';
import { ByteSink } from '../command-line/byte-sink.js';
import { JsonWriter } from '../format/json-writer.js';

type Value = string | number | bigint;
type Row = readonly (readonly [key: string, value: Value | readonly Row[]])[];

/** All of a file as JSON, with the keys and the layout of Mosquitto's program. The configuration is not in it. */
export function jsonDump(chunks: readonly MosquittoChunk[]): string {
  const sink = new ByteSink();
  const json = new JsonWriter(sink, true);
  writeRow(json, [
    ['base-messages', rowsOf(chunks, 'message')],
    ['clients', rowsOf(chunks, 'client')],
    ['client-messages', rowsOf(chunks, 'clientMessage')],
    ['retained-messages', rowsOf(chunks, 'retained')],
    ['subscriptions', rowsOf(chunks, 'subscription')],
  ]);
  return `${Buffer.from(sink.view()).toString()}\n`;
}

function rowsOf(chunks: readonly MosquittoChunk[], kind: MosquittoChunk['kind']): Row[] {
  return chunks.filter((chunk) => chunk.kind === kind).map(rowOf);
}

function rowOf(chunk: MosquittoChunk): Row {
  switch (chunk.kind) {
    case 'configuration':
      return [];
    case 'message': {
      const { id, expiresAtS, sourcePacketId, sourcePort, qos, retain, topic, payload, properties } = chunk.message;
      const { publisher, username } = chunk.message;
      return [
        ['storeid', id],
        ['expiry-time', expiresAtS],
        ['source-mid', sourcePacketId],
        ['source-port', sourcePort],
        ['qos', qos],
        ['retain', Number(retain)],
        ['topic', topic],
        ...(publisher === '' ? [] : [['clientid', publisher] as const]),
        ...(username === undefined ? [] : [['username', username] as const]),
        ...(payload.length === 0 ? [] : [['payload', Buffer.from(payload).toString('base64')] as const]),
        ...(properties === null ? [] : [['properties', propertyRows(properties)] as const]),
      ];
    }
    case 'client': {
      const { clientId, username, expiresAtS, expiryIntervalS, lastPacketId, port } = chunk.client;
      return [
        ['clientid', clientId],
        ...(username === undefined ? [] : [['username', username] as const]),
        ['session-expiry-time', expiresAtS],
        ['session-expiry-interval', expiryIntervalS],
        ['last-mid', lastPacketId],
        ['listener-port', port],
      ];
    }
    case 'clientMessage': {
      const { clientId, messageId, packetId, qos, state, retain, dup, isOutbound, identifiers } = chunk.clientMessage;
      return [
        ['clientid', clientId],
        ['storeid', messageId],
        ['mid', packetId],
        ['qos', qos],
        ['state', state],
        // One byte of the file: the flag of retained messages above, that of repetitions below.
        ['retain-dup', (retain ? 0x10 : 0) | (dup ? 0x01 : 0)],
        ['direction', Number(isOutbound)],
        ['subscription-identifier', identifiers?.[0] ?? 0],
      ];
    }
    case 'retained':
      return [['storeid', chunk.messageId]];
    case 'subscription': {
      const { clientId, filter, qos, options, identifier } = chunk.subscription;
      return [
        ['clientid', clientId],
        ['topic', filter],
        ['qos', qos],
        ['options', options],
        ['identifier', identifier],
      ];
    }
  }
}

function propertyRows(properties: Properties): Row[] {
  return Object.entries(properties).flatMap(([name, value]): Row[] => {
    // contentType is content-type.
    const identifier = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    switch (name) {
      case 'userProperties':
        return (properties.userProperties ?? []).map(([key, text]) => [
          ['identifier', 'user-property'],
          ['name', key],
          ['value', text],
        ]);
      case 'correlationData':
        return [
          [
            ['identifier', identifier],
            [
              'value',
              Buffer.from(properties.correlationData ?? [])
                .toString('hex')
                .toUpperCase(),
            ],
          ],
        ];
      default:
        return typeof value === 'string' || typeof value === 'number'
          ? [
              [
                ['identifier', identifier],
                ['value', value],
              ],
            ]
          : [];
    }
  });
}

function writeRow(json: JsonWriter, row: Row): void {
  json.openObject();
  for (const [key, value] of row) {
    json.key(key);
    if (typeof value === 'string') json.text(value);
    else if (typeof value === 'object') writeRows(json, value);
    else json.literal(String(value));
  }
  json.closeObject();
}

function writeRows(json: JsonWriter, rows: readonly Row[]): void {
  json.openArray();
  for (const row of rows) {
    json.element();
    writeRow(json, row);
  }
  json.closeArray();
}
