import type { QoS } from '@cauldron/codec';
import { copyBytes, writeVarint } from '@cauldron/codec';

/** What a frame can grow by: a longer remaining length, and the length of its properties. */
const MAX_GROWTH = 2;

/**
 * The frames of a run as clients of another protocol version, or with a lower QoS, take them. Without DUP, RETAIN and
 * properties, which no frame of a run has. The buffers are kept for the next run.
 */
export class RunLayout {
  readonly #isV5: boolean;
  readonly #qos: QoS;
  bytes = new Uint8Array(4096);
  /** How many of `bytes` are in use. */
  length = 0;
  /** Where each frame begins. */
  starts = new Int32Array(64);
  /** QoS 1 and 2: where each frame's packet id lies; the ids themselves are those of the source. */
  ids = new Int32Array(64);

  constructor(isV5: boolean, qos: QoS) {
    this.#isV5 = isV5;
    this.#qos = qos;
  }

  /** Makes the frames from those that begin at `starts[0..count)` in `source`, the last of which ends at `end`. */
  make(
    source: Uint8Array,
    starts: Int32Array,
    count: number,
    end: number,
    sourceHasIds: boolean,
    sourceIsV5: boolean,
  ): void {
    this.#reserve(end - starts[0] + count * MAX_GROWTH, count);
    const out = this.bytes;
    const header = 0x30 | (this.#qos << 1);
    let at = 0;
    for (let i = 0; i < count; i++) {
      let body = starts[i] + 1;
      while (source[body++] > 127);
      const frameEnd = i + 1 === count ? end : starts[i + 1];
      const topicEnd = body + 2 + ((source[body] << 8) | source[body + 1]);
      const payloadAt = topicEnd + (sourceHasIds ? 2 : 0) + (sourceIsV5 ? 1 : 0);
      const remaining = topicEnd - body + (this.#qos > 0 ? 2 : 0) + (this.#isV5 ? 1 : 0) + frameEnd - payloadAt;
      this.starts[i] = at;
      out[at++] = header;
      at = writeVarint(out, at, remaining);
      copyBytes(source, body, topicEnd, out, at);
      at += topicEnd - body;
      if (this.#qos > 0) {
        this.ids[i] = at;
        at += 2;
      }
      if (this.#isV5) out[at++] = 0;
      copyBytes(source, payloadAt, frameEnd, out, at);
      at += frameEnd - payloadAt;
    }
    this.length = at;
  }

  #reserve(bytes: number, frames: number): void {
    if (this.bytes.length < bytes) this.bytes = new Uint8Array(2 * bytes);
    if (this.starts.length < frames) {
      this.starts = new Int32Array(2 * frames);
      this.ids = new Int32Array(2 * frames);
    }
  }
}
