import type { QoS } from '@cauldron/codec';
import { copyBytes, varintSize, writeVarint } from '@cauldron/codec';
import { ALIAS_PROPERTY_BYTES } from './publish-properties.js';

/** What a frame without an alias can grow by: a longer remaining length, and the length of its properties. */
export const MAX_FRAME_GROWTH = 2;

/** What a topic in the place of an alias can add beside its bytes: a remaining length of more bytes. */
const MAX_ALIASED_GROWTH = 4;

const NOTHING = new Uint8Array(0);

/** Frames that lie one after the other. */
export interface FrameLayout {
  readonly bytes: Uint8Array;
  /** Where each frame begins. */
  readonly starts: Int32Array;
  /** QoS 1 and 2: where each frame's packet id lies. */
  readonly ids: Int32Array;
  /** Where the last one ends. */
  readonly end: number;
}

/** The frames of a run, as they came in. */
export class RunFrames implements FrameLayout {
  bytes: Uint8Array = NOTHING;
  count = 0;
  /** Where the last one ends. */
  end = 0;
  hasIds = false;
  isV5 = false;
  /** Where each frame begins. */
  starts = new Int32Array(1024);
  /** Where each payload begins. */
  payloads = new Int32Array(1024);
  /** QoS 1 and 2: where each frame's packet id lies. */
  ids = new Int32Array(1024);
  /** At least one has properties. */
  hasProperties = false;
  /** At least one has an alias in the place of its topic; else what follows means nothing. */
  hasAliases = false;
  /** By frame: the topic that an alias stands for; null: it stands in the frame. */
  readonly topics: (Uint8Array | null)[] = [];
  /** By frame: where the alias stands in its properties. */
  aliases = new Int32Array(0);
  /** Of the topics that aliases stand for. */
  aliasedBytes = 0;

  /** Room for twice as many. */
  grow(): void {
    this.starts = doubled(this.starts);
    this.payloads = doubled(this.payloads);
    this.ids = doubled(this.ids);
  }

  /** The frame that comes next has an alias. */
  addAlias(aliasAt: number, topic: Uint8Array): void {
    const { count } = this;
    if (!this.hasAliases) {
      this.hasAliases = true;
      this.aliasedBytes = 0;
      this.topics.length = 0;
    }
    if (this.aliases.length <= count) {
      const aliases = new Int32Array(this.starts.length);
      aliases.set(this.aliases);
      this.aliases = aliases;
    }
    while (this.topics.length < count) this.topics.push(null);
    this.topics.push(topic);
    this.aliases[count] = aliasAt;
    this.aliasedBytes += topic.length;
  }

  /** Of the `i`th frame. */
  endOf(i: number): number {
    return i + 1 === this.count ? this.end : this.starts[i + 1];
  }

  payloadBytes(i: number): number {
    return this.endOf(i) - this.payloads[i];
  }

  /** Of the topic to which the `i`th message goes. */
  topicBytes(i: number): number {
    const aliased = this.aliased(i);
    if (aliased !== null) return aliased.length;
    const body = this.bodyOf(i);
    return (this.bytes[body] << 8) | this.bytes[body + 1];
  }

  /** Whether receivers of version 5 get any, an alias not being one. */
  hasPropertiesToPassOn(i: number): boolean {
    if (!this.hasProperties) return false;
    const at = this.bodyOf(i) + 2 + (this.aliased(i) === null ? this.topicBytes(i) : 0) + (this.hasIds ? 2 : 0);
    return this.payloads[i] - at > 1 + (this.aliased(i) === null ? 0 : ALIAS_PROPERTY_BYTES);
  }

  /** Where the topic of the `i`th frame begins, with its length. */
  bodyOf(i: number): number {
    let body = this.starts[i] + 1;
    while (this.bytes[body++] > 127);
    return body;
  }

  /** The topic that an alias of the `i`th frame stands for; null: it stands there itself. */
  aliased(i: number): Uint8Array | null {
    return this.hasAliases && i < this.topics.length ? this.topics[i] : null;
  }
}

function doubled(list: Int32Array): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(list.length * 2);
  larger.set(list);
  return larger;
}

/**
 * The frames of a run as clients of another protocol version, or with a lower QoS, take them, and all of version 5 if
 * they came with aliases. Without DUP and RETAIN, which no frame of a run has. The buffers are kept for the next run.
 */
export class RunLayout implements FrameLayout {
  readonly #isV5: boolean;
  readonly #qos: QoS;
  bytes = new Uint8Array(4096);
  end = 0;
  starts = new Int32Array(64);
  /** What stands there are no ids. */
  ids = new Int32Array(64);

  constructor(isV5: boolean, qos: QoS) {
    this.#isV5 = isV5;
    this.#qos = qos;
  }

  make(frames: RunFrames): void {
    const { bytes: source, payloads, count } = frames;
    this.#reserve(frames);
    const out = this.bytes;
    const header = 0x30 | (this.#qos << 1);
    // Between topic and properties.
    const skipped = frames.hasIds ? 2 : 0;
    const passesOn = this.#isV5 && frames.isV5;
    let at = 0;
    for (let i = 0; i < count; i++) {
      const body = frames.bodyOf(i);
      const frameEnd = frames.endOf(i);
      const topicEnd = body + 2 + ((source[body] << 8) | source[body + 1]);
      const payloadAt = payloads[i];
      const aliased = frames.aliased(i);
      const topicBytes = aliased === null ? topicEnd - body : 2 + aliased.length;
      const propertiesAt = topicEnd + skipped;
      let propertiesBytes = this.#isV5 ? 1 : 0;
      if (passesOn) {
        propertiesBytes = payloadAt - propertiesAt;
        if (aliased !== null) propertiesBytes = sizeWithoutAlias(propertiesBytes);
      }
      this.starts[i] = at;
      out[at++] = header;
      at = writeVarint(out, at, topicBytes + (this.#qos > 0 ? 2 : 0) + propertiesBytes + frameEnd - payloadAt);
      if (aliased === null) copyBytes(source, body, topicEnd, out, at);
      else {
        out[at] = aliased.length >> 8;
        out[at + 1] = aliased.length & 0xff;
        copyBytes(aliased, 0, aliased.length, out, at + 2);
      }
      at += topicBytes;
      if (this.#qos > 0) {
        this.ids[i] = at;
        at += 2;
      }
      if (!passesOn) {
        if (this.#isV5) out[at++] = 0;
        copyBytes(source, payloadAt, frameEnd, out, at);
        at += frameEnd - payloadAt;
      } else if (aliased === null) {
        copyBytes(source, propertiesAt, frameEnd, out, at);
        at += frameEnd - propertiesAt;
      } else {
        const aliasAt = frames.aliases[i];
        const first = propertiesAt + (source[propertiesAt] > 127 ? 2 : 1);
        at = writeVarint(out, at, payloadAt - first - ALIAS_PROPERTY_BYTES);
        copyBytes(source, first, aliasAt, out, at);
        at += aliasAt - first;
        copyBytes(source, aliasAt + ALIAS_PROPERTY_BYTES, frameEnd, out, at);
        at += frameEnd - aliasAt - ALIAS_PROPERTY_BYTES;
      }
    }
    this.end = at;
  }

  #reserve({ starts, count, end, hasAliases, aliasedBytes }: RunFrames): void {
    let bytes = end - starts[0] + count * MAX_FRAME_GROWTH;
    if (hasAliases) bytes += aliasedBytes + count * MAX_ALIASED_GROWTH;
    if (this.bytes.length < bytes) this.bytes = new Uint8Array(2 * bytes);
    if (this.starts.length < count) {
      this.starts = new Int32Array(2 * count);
      this.ids = new Int32Array(2 * count);
    }
  }
}

/** Both with their length; it has two bytes at most, see `PublishProperties`. */
function sizeWithoutAlias(bytes: number): number {
  const length = bytes - (bytes > 128 ? 2 : 1) - ALIAS_PROPERTY_BYTES;
  return varintSize(length) + length;
}
