const PAGE_BITS = 10; // 1,024 ids a page, 64 pages
const PAGE_WORDS = 1 << (PAGE_BITS - 5);
const PAGES = 1 << (16 - PAGE_BITS);

/** One page of the bitmap, and how many of its bits are set. */
class Page {
  readonly words = new Uint32Array(PAGE_WORDS);
  count = 0;
}

/**
 * A set of packet ids, 1 to 65,535, as a bitmap in pages: the QoS 2 messages of a client that wait for PUBREL. An id
 * must be a whole number of that range, as the codec gives it. A set that was never used holds no page; one that is
 * used keeps a page for each 1,024 ids that hold one, and one spare page, so that a client which counts its ids up
 * costs no allocation.
 */
export class PacketIdSet {
  #pages: (Page | null)[] | null = null;
  #spare: Page | null = null;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  has(id: number): boolean {
    const page = this.#pages === null ? null : this.#pages[id >> PAGE_BITS];
    return page !== null && (page.words[wordOf(id)] & bitOf(id)) !== 0;
  }

  /** Returns true if the id is new, false if it is in the set already. */
  add(id: number): boolean {
    this.#pages ??= new Array<Page | null>(PAGES).fill(null);
    let page = this.#pages[id >> PAGE_BITS];
    if (page === null) {
      page = this.#spare ?? new Page();
      this.#spare = null;
      this.#pages[id >> PAGE_BITS] = page;
    }
    const word = wordOf(id);
    const bit = bitOf(id);
    if ((page.words[word] & bit) !== 0) return false;
    page.words[word] |= bit;
    page.count++;
    this.#size++;
    return true;
  }

  /** Returns true if the id was in the set. */
  delete(id: number): boolean {
    if (this.#pages === null) return false;
    const page = this.#pages[id >> PAGE_BITS];
    const word = wordOf(id);
    const bit = bitOf(id);
    if (page === null || (page.words[word] & bit) === 0) return false;
    page.words[word] &= ~bit;
    this.#size--;
    if (--page.count === 0) {
      this.#pages[id >> PAGE_BITS] = null;
      this.#spare = page;
    }
    return true;
  }

  /** The ids in ascending order. Ids may be deleted meanwhile: those that were not reached yet are passed over. */
  *[Symbol.iterator](): Generator<number, void, undefined> {
    const pages = this.#pages;
    if (pages === null) return;
    for (let p = 0; p < PAGES; p++) {
      for (let w = 0; w < PAGE_WORDS; w++) {
        let seen = 0; // mask of the bits up to the last one that was given out
        for (;;) {
          // Read anew each time: the page may have been emptied, and may even serve other ids by now.
          const rest = (pages[p]?.words[w] ?? 0) & ~seen;
          if (rest === 0) break;
          const lowest = rest & -rest;
          seen |= lowest | (lowest - 1);
          yield (p << PAGE_BITS) | (w << 5) | (31 - Math.clz32(lowest));
        }
      }
    }
  }
}

function wordOf(id: number): number {
  return (id >> 5) & (PAGE_WORDS - 1);
}

function bitOf(id: number): number {
  return 1 << (id & 31);
}
