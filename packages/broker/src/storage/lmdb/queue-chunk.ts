import type { Position } from '../../core/ports/store.js';
import type { RecordWriter } from './record-writer.js';
import { readerOf, readTarget, readUint, writeTarget } from './records.js';
import { Share } from './share.js';

/** Part of a session's queue: what is read and written in one piece. */
export class QueueChunk {
  /** Where it lies on the disk: at or before the position of its first share, beyond that of the chunk before. */
  readonly key: Position;
  /** In order of position. */
  readonly shares: Share[];
  /** The disk has a chunk with this key. */
  isOnDisk: boolean;
  /** By how many shares it differs from what the disk has. */
  changes = 0;

  constructor(key: Position, shares: Share[], isOnDisk: boolean) {
    this.key = key;
    this.shares = shares;
    this.isOnDisk = isOnDisk;
  }

  /** Whether a share with this position can only be here. */
  spans(position: Position): boolean {
    const { shares } = this;
    return position >= this.key && shares.length > 0 && position <= shares[shares.length - 1].position;
  }

  /** Where the share with this position is, or would go. */
  indexOf(position: Position): number {
    const { shares } = this;
    const last = shares.length - 1;
    // Queues are filled at the end and emptied at the front; what is sent at once is at the end.
    if (last < 0 || shares[0].position >= position) return 0;
    if (shares[last].position <= position) return shares[last].position === position ? last : last + 1;
    let low = 0;
    let high = last;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (shares[middle].position < position) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** How much waits in it, then its shares. */
  write(writer: RecordWriter): void {
    const { shares } = this;
    writer.uint(shares.length);
    writer.uint(shares.reduce((sum, { bytes }) => sum + bytes, 0));
    let last = 0;
    for (const { position, bytes, target } of shares) {
      writer.uint(position - last);
      writer.uint(bytes);
      writeTarget(writer, target);
      last = position;
    }
  }

  static read(key: Position, value: Uint8Array, clientId: string): QueueChunk {
    const reader = readerOf(value, 'a part of a queue');
    const count = readUint(reader, 'its length');
    readUint(reader, 'its bytes');
    const shares: Share[] = [];
    let position = 0;
    for (let i = 0; i < count; i++) {
      position += readUint(reader, 'a position');
      const bytes = readUint(reader, 'the bytes of a message');
      shares.push(new Share(position, readTarget(reader, clientId), bytes, true));
    }
    reader.expectEnd();
    return new QueueChunk(key, shares, true);
  }

  /** How much waits in a chunk, without reading it all. */
  static readTotals(value: Uint8Array): { readonly messages: number; readonly bytes: number } {
    const reader = readerOf(value, 'a part of a queue');
    return { messages: readUint(reader, 'its length'), bytes: readUint(reader, 'its bytes') };
  }
}
