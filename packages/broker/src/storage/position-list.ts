import type { Position } from '../core/ports/store.js';

/** Small enough that moving the items of a chunk costs next to nothing, large enough that chunks are few. */
const CHUNK_ITEMS = 512;

/**
 * Items in order of their positions, of which no two are the same. Adding at the end and removing at the front, which is
 * what queues do, take the same time however long the list is; anything else takes a search. A list of chunks, because
 * one array of a million items would move half of them for every removal inside.
 */
export class PositionList<T extends { readonly position: Position }> {
  /** None of them is empty, none longer than twice `CHUNK_ITEMS`. */
  readonly #chunks: T[][] = [];
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** False, and nothing changes, when there is an item with this position already. */
  add(item: T): boolean {
    const chunks = this.#chunks;
    const tail = chunks.at(-1);
    if (tail === undefined) chunks.push([item]);
    else if (item.position > tail[tail.length - 1].position) {
      if (tail.length < CHUNK_ITEMS) tail.push(item);
      else chunks.push([item]);
    } else if (!this.#insert(item)) return false;
    this.#length++;
    return true;
  }

  get(position: Position): T | undefined {
    const tail = this.#chunks.at(-1);
    // Asked before most additions, and then the answer is no.
    if (tail === undefined || position > tail[tail.length - 1].position) return undefined;
    const c = this.#chunkOf(position);
    if (c < 0) return undefined;
    const chunk = this.#chunks[c];
    const i = firstFrom(chunk, position);
    return i < chunk.length && chunk[i].position === position ? chunk[i] : undefined;
  }

  /** Removes and returns the item with this position; undefined when there is none. */
  remove(position: Position): T | undefined {
    const chunks = this.#chunks;
    const c = this.#chunkOf(position);
    if (c < 0) return undefined;
    const chunk = chunks[c];
    const i = firstFrom(chunk, position);
    if (i === chunk.length || chunk[i].position !== position) return undefined;
    const item = chunk[i];
    if (chunk.length === 1) chunks.splice(c, 1);
    else if (i === 0) chunk.shift();
    else chunk.splice(i, 1);
    this.#length--;
    return item;
  }

  /** The first items beyond `after`, at most `limit`. */
  page(after: Position, limit: number): T[] {
    const chunks = this.#chunks;
    const found: T[] = [];
    let c = Math.max(0, this.#chunkOf(after));
    let i = c < chunks.length ? firstFrom(chunks[c], after + 1) : 0;
    while (c < chunks.length && found.length < limit) {
      const chunk = chunks[c];
      if (i < chunk.length) found.push(chunk[i++]);
      else {
        c++;
        i = 0;
      }
    }
    return found;
  }

  *[Symbol.iterator](): Generator<T> {
    for (const chunk of this.#chunks) yield* chunk;
  }

  /** Puts an item before the end. */
  #insert(item: T): boolean {
    const c = Math.max(0, this.#chunkOf(item.position));
    const chunk = this.#chunks[c];
    const i = firstFrom(chunk, item.position);
    if (i < chunk.length && chunk[i].position === item.position) return false;
    chunk.splice(i, 0, item);
    if (chunk.length > 2 * CHUNK_ITEMS) this.#chunks.splice(c + 1, 0, chunk.splice(CHUNK_ITEMS));
    return true;
  }

  /** The only chunk that can hold the position: the last one that does not begin beyond it; -1 when all do. */
  #chunkOf(position: Position): number {
    const chunks = this.#chunks;
    if (chunks.length > 1 && position < chunks[1][0].position) return position < chunks[0][0].position ? -1 : 0;
    let low = 0;
    let high = chunks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (chunks[middle][0].position <= position) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}

/** The index of the first item at or beyond the position; the chunk's length when there is none. */
function firstFrom(chunk: readonly { readonly position: Position }[], position: Position): number {
  if (chunk[0].position >= position) return 0;
  let low = 1;
  let high = chunk.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (chunk[middle].position < position) low = middle + 1;
    else high = middle;
  }
  return low;
}
