import { copyBytes, type PublishLayout, type ReasonCode } from '@cauldron/codec';
import type { Counters } from './counters.js';
import type { Link } from './ports/link.js';

/** One write to a socket carries at most this much; a read brings as much, so a run of frames always fits. */
export const CHUNK_BYTES = 64 * 1024;

/** Chunks in use at once before all are written out early: a message to 10,000 clients must not take 10,000 chunks. */
const MAX_CHUNKS_IN_USE = 256;

/**
 * The outputs that have something to send, and the chunks that they write it in. One for a broker. What a batch of
 * reads produced for a connection leaves in one write, at `flush`.
 */
export class OutputPool {
  /** `bytesSent` is counted here. */
  readonly counters: Counters;
  #dirty: Output[] = [];
  #spare: Output[] = [];
  #free: Uint8Array[] = [];
  #inUse = 0;
  /** The most chunks that were in use at once since the last `trim`. */
  #peak = 0;

  constructor(counters: Counters) {
    this.counters = counters;
  }

  /** Writes out what has gathered, one write per connection. Called at the end of each batch of work. */
  flush(): void {
    const dirty = this.#dirty;
    if (dirty.length === 0) return;
    // A write may not come back into the core, but a later flush may find outputs that became dirty meanwhile.
    this.#dirty = this.#spare;
    this.#spare = dirty;
    for (let i = 0; i < dirty.length; i++) dirty[i].flush();
    dirty.length = 0;
  }

  markDirty(output: Output): void {
    this.#dirty.push(output);
  }

  take(): Uint8Array {
    if (this.#inUse >= MAX_CHUNKS_IN_USE) this.flush();
    this.#inUse++;
    if (this.#inUse > this.#peak) this.#peak = this.#inUse;
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(CHUNK_BYTES);
  }

  /** `free`: nobody else holds the chunk. */
  release(chunk: Uint8Array, free: boolean): void {
    this.#inUse--;
    if (free) this.#free.push(chunk);
  }

  /** Gives chunks back to the system that were not needed since the last call. Called now and then. */
  trim(): void {
    if (this.#free.length > this.#peak) this.#free.length = this.#peak;
    this.#peak = this.#inUse;
  }
}

/**
 * What one connection still has to send. It has a chunk only while there is something in it, so an idle connection
 * costs nothing here. While the peer does not keep up, bytes gather in one chunk at a time and are handed on when it is
 * full, so that what waits really takes as much memory as it counts.
 */
export class Output {
  readonly #pool: OutputPool;
  readonly #link: Link;
  /** For writers that fill it in place, after `reserve`; they move `length` on. */
  chunk: Uint8Array | null = null;
  length = 0;
  #isDirty = false;
  /** The network did not take the last write at once. */
  isBehind = false;

  constructor(pool: OutputPool, link: Link) {
    this.#pool = pool;
    this.#link = link;
  }

  /** Bytes that wait here and in the socket. */
  get pendingBytes(): number {
    return this.isBehind ? this.#link.pendingBytes + this.length : this.length;
  }

  /**
   * Returns the chunk with room for `bytes` (at most `CHUNK_BYTES`) after `length`. What is written there leaves at the
   * next flush.
   */
  reserve(bytes: number): Uint8Array {
    if (this.chunk !== null && this.length + bytes > CHUNK_BYTES) this.#writeOut();
    // First the chunk: to find one, the pool may flush all outputs, this one too, which then is not dirty any more.
    if (this.chunk === null) this.chunk = this.#pool.take();
    if (!this.#isDirty) {
      this.#isDirty = true;
      this.#pool.markDirty(this);
    }
    return this.chunk;
  }

  /** Sends a copy of `bytes[start, end)`. */
  copy(bytes: Uint8Array, start: number, end: number): void {
    const size = end - start;
    if (size > CHUNK_BYTES) {
      this.share(Uint8Array.prototype.slice.call(bytes, start, end));
      return;
    }
    const chunk = this.reserve(size);
    copyBytes(bytes, start, end, chunk, this.length);
    this.length += size;
  }

  /** Sends a packet that the caller does not write into ever after. */
  send(bytes: Uint8Array): void {
    if (bytes.length > CHUNK_BYTES) this.share(bytes);
    else this.copy(bytes, 0, bytes.length);
  }

  /** Sends these bytes themselves: the caller does not write into them ever after. For large payloads. */
  share(bytes: Uint8Array): void {
    this.#writeOut();
    this.#pool.counters.bytesSent += bytes.length;
    if (!this.#link.write(bytes)) this.isBehind = true;
  }

  /** One that is not larger than a chunk. */
  publish(layout: PublishLayout, packetId: number, dup: boolean): void {
    const chunk = this.reserve(layout.size);
    this.length = layout.write(chunk, this.length, packetId, dup);
  }

  /** PUBACK, PUBREC, PUBREL or PUBCOMP without properties. `reasonCode` is not 0 for 5.0 only. */
  acknowledgement(header: number, packetId: number, reasonCode: ReasonCode): void {
    const chunk = this.reserve(5);
    let at = this.length;
    chunk[at++] = header;
    chunk[at++] = reasonCode === 0 ? 2 : 3;
    chunk[at++] = packetId >> 8;
    chunk[at++] = packetId & 0xff;
    if (reasonCode !== 0) chunk[at++] = reasonCode;
    this.length = at;
  }

  /** Called by the pool. A peer that is behind gets full chunks only, and the rest when it has caught up. */
  flush(): void {
    this.#isDirty = false;
    if (!this.isBehind) this.#writeOut();
  }

  /** The network took all that it was given. */
  drained(): void {
    this.isBehind = false;
    this.#writeOut();
  }

  /** Hands over what is left, for a connection that is about to end. */
  finish(): void {
    this.#writeOut();
  }

  /** Forgets what was not sent: the connection is gone. */
  discard(): void {
    if (this.chunk !== null) this.#pool.release(this.chunk, true);
    this.chunk = null;
    this.length = 0;
  }

  #writeOut(): void {
    const chunk = this.chunk;
    if (chunk === null) return;
    const length = this.length;
    this.#pool.counters.bytesSent += length;
    this.chunk = null;
    this.length = 0;
    const free = length === 0 || this.#link.write(chunk.subarray(0, length));
    if (!free) this.isBehind = true;
    this.#pool.release(chunk, free);
  }
}
