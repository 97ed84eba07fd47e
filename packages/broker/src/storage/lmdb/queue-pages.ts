import type { Position } from '../../core/ports/store.js';
import type { Batch, Environment } from './environment.js';
import { belongsTo, chunkKey, chunkPosition, endOf } from './keys.js';
import { QueueChunk } from './queue-chunk.js';
import type { RecordWriter } from './record-writer.js';
import type { Share } from './share.js';

/** What a full chunk has; one that grew in its middle is split at twice that. */
const CHUNK_SHARES = 64;

/**
 * The queue of one session: chunks on the disk, of which those that are changed or read are in memory. A chunk in memory
 * has the truth; one that is not is as the disk has it.
 */
export class QueuePages {
  length = 0;
  bytes = 0;
  readonly #environment: Environment;
  readonly #prefix: Buffer;
  readonly #clientId: string;
  readonly #onDamage: (what: string) => void;
  /** By key. An empty one stands for a chunk that the disk still has, or waits for what comes next. */
  readonly #chunks: QueueChunk[] = [];
  /** The last chunk's key; -1: there is none; null: not known. */
  #lastKey: Position | null;
  /** Those of the commit under way. */
  #committing: QueueChunk[] = [];

  /** `onDamage` hears of a part that cannot be read, and is left out. */
  constructor(
    environment: Environment,
    prefix: Buffer,
    clientId: string,
    isNew: boolean,
    onDamage: (what: string) => void,
  ) {
    this.#environment = environment;
    this.#onDamage = onDamage;
    this.#prefix = prefix;
    this.#clientId = clientId;
    this.#lastKey = isNew ? -1 : null;
  }

  /** False: it waits already. */
  add(share: Share): boolean {
    const { position } = share;
    const tail = this.#tail();
    if (tail === null || position < tail.key || tail.spans(position)) {
      if (!this.#insert(share)) return false;
    } else if (tail.shares.length < CHUNK_SHARES) {
      tail.shares.push(share);
      tail.changes++;
    } else this.#newChunk(position, [share]);
    this.length++;
    this.bytes += share.bytes;
    return true;
  }

  /** The share leaves the queue; undefined: it does not wait. */
  take(position: Position): Share | undefined {
    const chunk = this.#chunkOf(position);
    if (chunk === null) return undefined;
    const i = chunk.indexOf(position);
    const { shares } = chunk;
    const share = shares[i];
    if (share === undefined || share.position !== position) return undefined;
    if (i === shares.length - 1) shares.pop();
    else if (i === 0) shares.shift();
    else shares.splice(i, 1);
    chunk.changes += share.isWritten ? 1 : -1;
    this.length--;
    this.bytes -= share.bytes;
    return share;
  }

  /** The first shares beyond `after`, at most `limit`. */
  page(after: Position, limit: number): Share[] {
    const found: Share[] = [];
    if (this.length === 0) return found;
    let chunk = this.#chunkOf(after) ?? this.#chunkAfter(-1);
    while (chunk !== null && found.length < limit) {
      const { shares, key } = chunk;
      for (let i = chunk.indexOf(after + 1); i < shares.length && found.length < limit; i++) found.push(shares[i]);
      chunk = this.#chunkAfter(key);
    }
    return found;
  }

  /**
   * Empties the first chunks, at most so many, and gives what was in them. Those that were emptied before count again until
   * the disk knows.
   */
  takeChunks(limit: number): Share[] {
    const taken: Share[] = [];
    let chunk = this.#chunkAfter(-1);
    for (let left = limit; chunk !== null && left > 0; left--) {
      const { key, shares } = chunk;
      taken.push(...shares);
      for (const { position } of [...shares]) this.take(position);
      chunk = this.#chunkAfter(key);
    }
    // Whatever was counted: a damaged part may have had less.
    if (chunk === null) this.length = this.bytes = 0;
    return taken;
  }

  write(batch: Batch, writer: RecordWriter): void {
    for (const chunk of this.#chunks) {
      if (chunk.changes === 0) continue;
      const key = chunkKey(this.#prefix, chunk.key);
      if (chunk.shares.length > 0) {
        chunk.write(writer);
        batch.put('queues', key, writer.take());
        for (const share of chunk.shares) share.isWritten = true;
      } else if (chunk.isOnDisk) batch.remove('queues', key);
      chunk.isOnDisk = chunk.shares.length > 0;
      chunk.changes = 0;
      this.#committing.push(chunk);
    }
  }

  /** The commit is over. What is as the disk has it leaves the memory; what the disk did not take will be written again. */
  settle(isCommitted: boolean): void {
    if (!isCommitted) {
      for (const chunk of this.#committing) {
        chunk.changes++;
        chunk.isOnDisk = true; // Perhaps; removing what is not there does no harm.
      }
    }
    this.#committing = [];
    let kept = 0;
    for (const chunk of this.#chunks) if (chunk.changes > 0) this.#chunks[kept++] = chunk;
    if (kept < this.#chunks.length) this.#lastKey = null;
    this.#chunks.length = kept;
  }

  #tail(): QueueChunk | null {
    if (this.#lastKey === null) this.#lastKey = this.#keyUpTo(Number.MAX_SAFE_INTEGER);
    return this.#lastKey < 0 ? null : this.#load(this.#lastKey);
  }

  #newChunk(key: Position, shares: Share[]): QueueChunk {
    const chunk = new QueueChunk(key, shares, false);
    chunk.changes = shares.length;
    this.#hold(chunk);
    if (this.#lastKey === null || key > this.#lastKey) this.#lastKey = key;
    return chunk;
  }

  #insert(share: Share): boolean {
    const { position } = share;
    const chunk = this.#chunkOf(position);
    if (chunk === null) {
      this.#newChunk(position, [share]);
      return true;
    }
    const i = chunk.indexOf(position);
    const { shares } = chunk;
    if (i < shares.length && shares[i].position === position) return false;
    shares.splice(i, 0, share);
    chunk.changes++;
    if (shares.length > 2 * CHUNK_SHARES) {
      const moved = shares.splice(CHUNK_SHARES);
      // Both have to be written, whatever comes and goes before that.
      chunk.changes += 2 * moved.length;
      this.#newChunk(moved[0].position, moved).changes += 2 * moved.length;
    }
    return true;
  }

  /** The chunk that a share with this position belongs to; null: it would be before all of them. */
  #chunkOf(position: Position): QueueChunk | null {
    for (let i = this.#chunks.length - 1; i >= 0; i--) if (this.#chunks[i].spans(position)) return this.#chunks[i];
    const key = this.#keyUpTo(position);
    return key < 0 ? null : this.#load(key);
  }

  /** The key of the last chunk that begins at or before this position; -1: there is none. */
  #keyUpTo(position: Position): Position {
    const held = this.#heldUpTo(position);
    const found = this.#environment.keyUpTo('queues', chunkKey(this.#prefix, position));
    const stored = found !== undefined && belongsTo(found, this.#prefix) ? chunkPosition(found) : -1;
    return Math.max(stored, held < 0 ? -1 : this.#chunks[held].key);
  }

  #chunkAfter(key: Position): QueueChunk | null {
    const start = chunkKey(this.#prefix, key + 1);
    let next = Number.POSITIVE_INFINITY;
    for (const found of this.#environment.keys('queues', start, endOf(this.#prefix))) {
      next = chunkPosition(found);
      break;
    }
    const held = this.#chunks[this.#heldUpTo(key) + 1];
    if (held !== undefined && held.key <= next) return held;
    return next === Number.POSITIVE_INFINITY ? null : this.#load(next);
  }

  /** Where among those in memory the last one is that begins at or before this position; -1: there is none. */
  #heldUpTo(position: Position): number {
    let i = this.#chunks.length - 1;
    while (i >= 0 && this.#chunks[i].key > position) i--;
    return i;
  }

  #load(key: Position): QueueChunk {
    const held = this.#heldUpTo(key);
    if (held >= 0 && this.#chunks[held].key === key) return this.#chunks[held];
    const chunk = this.#read(key);
    this.#hold(chunk);
    return chunk;
  }

  #read(key: Position): QueueChunk {
    const value = this.#environment.get('queues', chunkKey(this.#prefix, key));
    if (value === undefined) return new QueueChunk(key, [], false);
    try {
      return QueueChunk.read(key, value, this.#clientId);
    } catch (error) {
      this.#onDamage(
        `A part of the queue of client ${this.#clientId} is lost, the store is damaged: ${String(error)}.`,
      );
      const chunk = new QueueChunk(key, [], true);
      chunk.changes = 1;
      return chunk;
    }
  }

  #hold(chunk: QueueChunk): void {
    this.#chunks.splice(this.#heldUpTo(chunk.key) + 1, 0, chunk);
  }
}
