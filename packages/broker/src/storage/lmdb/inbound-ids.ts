import type { Batch } from './environment.js';
import { partKey } from './keys.js';
import type { RecordWriter } from './record-writer.js';

/** Packet ids of one part: 32 bytes of bits. */
const PART_IDS = 256;
const PART_BYTES = PART_IDS / 8;

/** The ids of inbound QoS 2 messages of one session that await their PUBREL. */
export class InboundIds {
  readonly ids = new Set<number>();
  /** Parts that differ from what the disk has. */
  readonly #changed = new Set<number>();
  #committing: number[] = [];

  get isChanged(): boolean {
    return this.#changed.size > 0;
  }

  hold(packetId: number): void {
    this.ids.add(packetId);
    this.#changed.add(packetId >> 8);
  }

  release(packetId: number): void {
    if (this.ids.delete(packetId)) this.#changed.add(packetId >> 8);
  }

  write(batch: Batch, writer: RecordWriter, prefix: Buffer): void {
    for (const part of this.#changed) {
      const bits = new Uint8Array(PART_BYTES);
      for (let low = 0; low < PART_IDS; low++) if (this.ids.has((part << 8) | low)) bits[low >> 3] |= 1 << (low & 7);
      const key = partKey(prefix, part);
      if (bits.every((byte) => byte === 0)) batch.remove('inbound', key);
      else {
        writer.bytes(bits);
        batch.put('inbound', key, writer.take());
      }
      this.#committing.push(part);
    }
    this.#changed.clear();
  }

  settle(isCommitted: boolean): void {
    if (!isCommitted) for (const part of this.#committing) this.#changed.add(part);
    this.#committing = [];
  }

  restore(part: number, bits: Uint8Array): void {
    for (let low = 0; low < PART_IDS; low++) {
      if (bits[low >> 3] & (1 << (low & 7))) this.ids.add((part << 8) | low);
    }
  }
}
