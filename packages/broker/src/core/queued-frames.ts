import { copyBytes, decodePublish, type ProtocolVersion, type QoS } from '@cauldron/codec';
import { Delivery } from './delivery.js';
import { Message } from './message.js';
import { CHUNK_BYTES, type Output } from './output.js';
import { passedOn } from './publishing.js';
import type { FrameLayout, RunFrames } from './run-layout.js';

const SMALLEST_BYTES = 2048;
/** Numbers for each frame: see the offsets that follow. */
const STRIDE = 4;
const START = 0;
const ID = 1;
const PAYLOAD_BYTES = 2;
/** As `Message.bytes` has them. */
const MESSAGE_BYTES = 3;
const SMALLEST_TABLE = 32 * STRIDE;
/** Buffers of the smallest size that are kept for whoever waits next. */
const MAX_SPARE = 256;

/** What properties count; see `Message.bytes`. */
const PROPERTIES_BYTES = 64;

class Buffers {
  readonly bytes: Uint8Array;
  readonly table: Int32Array;

  constructor(bytes: number, numbers: number) {
    this.bytes = new Uint8Array(bytes);
    this.table = new Int32Array(numbers);
  }
}

const spare: Buffers[] = [];
const NO_BUFFERS = new Buffers(0, 0);

/**
 * Messages of QoS 1 and 2 that wait for the window of a connection, as the frames in which they will be sent, complete but
 * for their packet ids: one copy of bytes for those that came together, and no object for any of them. For sessions that
 * end with their connection. Who waits for nothing holds no buffers.
 */
export class QueuedFrames {
  readonly #version: ProtocolVersion;
  readonly #clientId: string;
  #buffers = NO_BUFFERS;
  /** The first frame, and how many there are, in the table. */
  #first = 0;
  #length = 0;
  /** The end of the last one. */
  #end = 0;
  #bytes = 0;

  constructor(version: ProtocolVersion, clientId: string) {
    this.#version = version;
    this.#clientId = clientId;
  }

  get length(): number {
    return this.#length;
  }

  /** The sum of `Message.bytes` of all. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Copies the frames of `layout` from the `from`th on; they are those of `run` for one kind of targets. */
  add(run: RunFrames, layout: FrameLayout, from: number): void {
    const { bytes, starts, ids, end } = layout;
    const count = run.count - from;
    const start = starts[from];
    this.#makeRoom(end - start, count);
    const { table } = this.#buffers;
    const shift = this.#end - start;
    copyBytes(bytes, start, end, this.#buffers.bytes, this.#end);
    let at = (this.#first + this.#length) * STRIDE;
    for (let i = from; i < run.count; i++, at += STRIDE) {
      const payloadBytes = run.payloadBytes(i);
      const messageBytes = run.topicBytes(i) + payloadBytes + (run.hasPropertiesToPassOn(i) ? PROPERTIES_BYTES : 0);
      table[at + START] = starts[i] + shift;
      table[at + ID] = ids[i] + shift;
      table[at + PAYLOAD_BYTES] = payloadBytes;
      table[at + MESSAGE_BYTES] = messageBytes;
      this.#bytes += messageBytes;
    }
    this.#length += count;
    this.#end += end - start;
  }

  /** Of the oldest. */
  get qos(): QoS {
    const { bytes, table } = this.#buffers;
    return qosOf(bytes[table[this.#first * STRIDE + START]]);
  }

  /** How many of the oldest can leave as one piece, at most `most`: their QoS is the same, and they fit into a chunk. */
  adjacent(most: number): number {
    const { bytes, table } = this.#buffers;
    const start = table[this.#first * STRIDE + START];
    const last = Math.min(most, this.#length);
    let count = 1;
    while (
      count < last &&
      bytes[table[(this.#first + count) * STRIDE + START]] === bytes[start] &&
      this.#endOf(count) - start <= CHUNK_BYTES
    ) {
      count++;
    }
    return count;
  }

  /** Sends the oldest `count`, as `adjacent` gave it, with ids from `firstId` on. Returns the bytes of their payloads. */
  send(output: Output, count: number, firstId: number): number {
    const { bytes, table } = this.#buffers;
    const first = this.#first * STRIDE;
    const start = table[first + START];
    const end = this.#endOf(count - 1);
    const chunk = output.reserve(end - start);
    const shift = output.length - start;
    copyBytes(bytes, start, end, chunk, output.length);
    output.length += end - start;
    let payloadBytes = 0;
    let id = firstId;
    const tableEnd = first + count * STRIDE;
    for (let at = first; at < tableEnd; at += STRIDE) {
      const idAt = shift + table[at + ID];
      chunk[idAt] = id >> 8;
      chunk[idAt + 1] = id & 0xff;
      id = id === 65_535 ? 1 : id + 1;
      payloadBytes += table[at + PAYLOAD_BYTES];
    }
    this.#drop(count);
    return payloadBytes;
  }

  /** What `Message.bytes` of the oldest `count` are. */
  bytesOf(count: number): number {
    const { table } = this.#buffers;
    let sum = 0;
    for (let i = this.#first; i < this.#first + count; i++) sum += table[i * STRIDE + MESSAGE_BYTES];
    return sum;
  }

  /** Takes all out, as messages that wait one by one. */
  takeAll(): Delivery[] {
    const deliveries: Delivery[] = [];
    for (let i = 0; i < this.#length; i++) deliveries.push(this.#deliveryAt(i));
    this.clear();
    return deliveries;
  }

  clear(): void {
    this.#drop(this.#length);
  }

  #deliveryAt(i: number): Delivery {
    const { bytes, table } = this.#buffers;
    const at = (this.#first + i) * STRIDE;
    const start = table[at + START];
    const idAt = table[at + ID] - start;
    const frame = bytes.slice(start, this.#endOf(i));
    frame[idAt] = 0;
    frame[idAt + 1] = 1; // The codec takes none without an id.
    let body = 1;
    while (frame[body++] > 127);
    const { topic, payload, qos, properties } = decodePublish(frame, 0, body, frame.length, this.#version);
    const message = new Message(topic, payload, qos, false, passedOn(properties), '', Number.POSITIVE_INFINITY, true);
    return new Delivery(message, this.#clientId, qos, false, null, 0, null);
  }

  /** Of the `i`th oldest. */
  #endOf(i: number): number {
    return i + 1 === this.#length ? this.#end : this.#buffers.table[(this.#first + i + 1) * STRIDE + START];
  }

  #drop(count: number): void {
    this.#bytes -= this.bytesOf(count);
    this.#first += count;
    this.#length -= count;
    if (this.#length > 0) return;
    const buffers = this.#buffers;
    this.#buffers = NO_BUFFERS;
    this.#first = this.#end = 0;
    if (buffers.bytes.length === SMALLEST_BYTES && buffers.table.length === SMALLEST_TABLE && spare.length < MAX_SPARE)
      spare.push(buffers);
  }

  #makeRoom(bytes: number, frames: number): void {
    const { table, bytes: held } = this.#buffers;
    if (this.#end + bytes <= held.length && (this.#first + this.#length + frames) * STRIDE <= table.length) return;
    const start = this.#length === 0 ? 0 : table[this.#first * STRIDE + START];
    const neededBytes = this.#end - start + bytes;
    const neededNumbers = (this.#length + frames) * STRIDE;
    const size = neededBytes <= SMALLEST_BYTES ? SMALLEST_BYTES : 2 * neededBytes;
    const numbers = neededNumbers <= SMALLEST_TABLE ? SMALLEST_TABLE : 2 * neededNumbers;
    const isSmallest = size === SMALLEST_BYTES && numbers === SMALLEST_TABLE;
    const larger = (isSmallest ? spare.pop() : undefined) ?? new Buffers(size, numbers);
    copyBytes(held, start, this.#end, larger.bytes, 0);
    for (let i = 0; i < this.#length * STRIDE; i += STRIDE) {
      const from = this.#first * STRIDE + i;
      larger.table[i + START] = table[from + START] - start;
      larger.table[i + ID] = table[from + ID] - start;
      larger.table[i + PAYLOAD_BYTES] = table[from + PAYLOAD_BYTES];
      larger.table[i + MESSAGE_BYTES] = table[from + MESSAGE_BYTES];
    }
    this.#buffers = larger;
    this.#first = 0;
    this.#end -= start;
  }
}

function qosOf(header: number): QoS {
  return ((header >> 1) & 3) as QoS;
}
