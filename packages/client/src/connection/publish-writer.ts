import {
  copyBytes,
  encodedLength,
  PacketType,
  type Properties,
  type ProtocolVersion,
  propertiesSize,
  type QoS,
  varintSize,
  writeProperties,
  writeVarint,
} from '@cauldron/codec';
import type { Output } from './output.js';
import type { AutomaticAliases } from './topic-aliases.js';

/** Topics whose bytes are remembered. */
const REMEMBERED = 1_024;
/** Texts up to this length are written character by character, which is faster than the encoder. */
const SHORT_TEXT = 128;
/** Bytes of the topic alias property. */
const ALIAS_SIZE = 3;
/** By so much may the two lengths in front of it grow. */
const LENGTHS_GROW = 2;
const TOPIC_ALIAS = 0x23;

const encoder = new TextEncoder();
/** A topic name of no bytes, with its length. */
const NO_TOPIC = new Uint8Array(2);

/** Writes PUBLISH packets straight into the output. */
export class PublishWriter {
  /** Null: topics are sent as they are. */
  aliases: AutomaticAliases | null = null;
  readonly #hasProperties: boolean;
  /** Topics as bytes, with their length in front. */
  readonly #topics = new Map<string, Uint8Array>();
  #lastTopic = '';
  #lastBytes: Uint8Array = NO_TOPIC;

  constructor(version: ProtocolVersion) {
    this.#hasProperties = version === 5;
  }

  /**
   * Writes a packet, if there is room for it in what the server takes.
   * @param topic a valid one
   * @param packetId 0 at QoS 0
   * @param properties left out before 5.0
   * @throws ProtocolError for a topic and for properties that cannot be encoded
   * @returns the bytes that it needs; when they are more than `maximumSize`, nothing was written
   */
  write(
    output: Output,
    topic: string,
    payload: string | Uint8Array,
    qos: QoS,
    retain: boolean,
    dup: boolean,
    packetId: number,
    properties: Properties | undefined,
    maximumSize: number,
  ): number {
    if (typeof payload === 'string' && !isShortAscii(payload)) payload = encoder.encode(payload);
    let topicBytes = this.#bytesOf(topic);
    // Checked before anything is written.
    let propertyBytes = properties === undefined ? 0 : this.#sizeOf(properties);
    const rest = (qos === 0 ? 0 : 2) + payload.length;
    let remaining = topicBytes.length + this.#roomOf(propertyBytes) + rest;
    let size = 1 + varintSize(remaining) + remaining;
    if (size > maximumSize) return size;
    let alias = 0;
    if (this.aliases !== null && size + ALIAS_SIZE + LENGTHS_GROW <= maximumSize) {
      const sent = this.aliases.of(topic);
      if (sent !== null) {
        alias = sent.alias;
        propertyBytes += ALIAS_SIZE;
        if (sent.isKnown) topicBytes = NO_TOPIC;
        remaining = topicBytes.length + this.#roomOf(propertyBytes) + rest;
        size = 1 + varintSize(remaining) + remaining;
      }
    }
    output.reserve(size);
    const { chunk } = output;
    chunk[output.length] = (PacketType.PUBLISH << 4) | (dup ? 8 : 0) | (qos << 1) | (retain ? 1 : 0);
    let at = writeVarint(chunk, output.length + 1, remaining);
    copyBytes(topicBytes, 0, topicBytes.length, chunk, at);
    at += topicBytes.length;
    if (qos !== 0) {
      chunk[at++] = packetId >> 8;
      chunk[at++] = packetId & 0xff;
    }
    if (propertyBytes > 0) {
      at = writeProperties(chunk, at, properties, propertyBytes);
      if (alias !== 0) {
        chunk[at++] = TOPIC_ALIAS;
        chunk[at++] = alias >> 8;
        chunk[at++] = alias & 0xff;
      }
    } else if (this.#hasProperties) {
      chunk[at++] = 0;
    }
    if (typeof payload === 'string') for (let i = 0; i < payload.length; i++) chunk[at + i] = payload.charCodeAt(i);
    else copyBytes(payload, 0, payload.length, chunk, at);
    output.length += size;
    return size;
  }

  #sizeOf(properties: Properties): number {
    return this.#hasProperties ? propertiesSize(properties, PacketType.PUBLISH) : 0;
  }

  /** Of properties, with their length in front. */
  #roomOf(propertyBytes: number): number {
    return this.#hasProperties ? varintSize(propertyBytes) + propertyBytes : 0;
  }

  #bytesOf(topic: string): Uint8Array {
    if (topic === this.#lastTopic) return this.#lastBytes;
    let bytes = this.#topics.get(topic);
    if (bytes === undefined) {
      bytes = new Uint8Array(2 + encodedLength(topic, 'the topic name'));
      encoder.encodeInto(topic, bytes.subarray(2));
      bytes[0] = (bytes.length - 2) >> 8;
      bytes[1] = (bytes.length - 2) & 0xff;
      if (this.#topics.size === REMEMBERED) this.#topics.clear();
      this.#topics.set(topic, bytes);
    }
    this.#lastTopic = topic;
    this.#lastBytes = bytes;
    return bytes;
  }
}

function isShortAscii(text: string): boolean {
  if (text.length > SHORT_TEXT) return false;
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) >= 0x80) return false;
  return true;
}
