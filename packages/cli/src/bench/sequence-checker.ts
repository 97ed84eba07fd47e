/** A stretch of sequence numbers that have not come: from the first up to, not including, the last. */
interface Gap {
  from: number;
  to: number;
}

/** Gaps that are remembered for one stream. What comes after more than these counts as a duplicate. */
const MOST_GAPS = 1_024;
/** In `#next`: the subscriber is to get nothing of this stream. */
const NOT_EXPECTED = 2 ** 32 - 1;

/** What one subscriber got, beside what it was to get. */
export interface Tally {
  /** Messages that came for the first time. */
  received: number;
  /** Messages that had come before. */
  duplicated: number;
  /** Messages that came after one that was published later, by the same publisher to the same topic. */
  outOfOrder: number;
  /** Messages that were not for this subscriber. */
  stray: number;
}

/**
 * Watches what one subscriber gets. A stream is what one publisher publishes to one topic; its messages are numbered from 0
 * without a gap.
 */
export class SequenceChecker {
  readonly tally: Tally = { received: 0, duplicated: 0, outOfOrder: 0, stray: 0 };
  /** The first stream that is expected; by its distance to that, the number that comes next in each. */
  readonly #first: number;
  readonly #next: Uint32Array;
  readonly #gaps = new Map<number, Gap[]>();
  /** Messages in gaps that are not remembered any more. */
  #forgotten = 0;

  /** @param streams those that the subscriber is to get, in ascending order */
  constructor(streams: readonly number[]) {
    this.#first = streams[0] ?? 0;
    this.#next = new Uint32Array((streams.at(-1) ?? -1) - this.#first + 1).fill(NOT_EXPECTED);
    for (const stream of streams) this.#next[stream - this.#first] = 0;
  }

  /** A message came. @returns whether it is one that was expected, and had not come before */
  receive(stream: number, sequence: number): boolean {
    const at = stream - this.#first;
    const next = this.#next[at];
    if (sequence === next) {
      this.#next[at] = sequence + 1;
      this.tally.received++;
      return true;
    }
    return this.#receiveUnusual(at, next, sequence);
  }

  /**
   * How many messages have not come.
   * @param sent by stream, how many were published
   */
  missing(sent: Uint32Array): number {
    let missing = this.#forgotten;
    for (const gaps of this.#gaps.values()) for (const { from, to } of gaps) missing += to - from;
    this.#next.forEach((next, at) => {
      if (next !== NOT_EXPECTED) missing += sent[this.#first + at] - next;
    });
    return missing;
  }

  /** @param next undefined: the stream is outside of those that are expected */
  #receiveUnusual(at: number, next: number | undefined, sequence: number): boolean {
    const { tally } = this;
    if (next === undefined || next === NOT_EXPECTED) {
      tally.stray++;
      return false;
    }
    if (sequence > next) {
      this.#addGap(at, { from: next, to: sequence });
      this.#next[at] = sequence + 1;
    } else if (this.#fill(at, sequence)) {
      tally.outOfOrder++;
    } else {
      tally.duplicated++;
      return false;
    }
    tally.received++;
    return true;
  }

  #addGap(at: number, gap: Gap): void {
    const gaps = this.#gaps.get(at) ?? [];
    if (gaps.length === 0) this.#gaps.set(at, gaps);
    gaps.push(gap);
    if (gaps.length <= MOST_GAPS) return;
    for (const { from, to } of gaps.splice(0, MOST_GAPS / 2)) this.#forgotten += to - from;
  }

  /** Takes a number out of the gap that it is in. @returns false when it is in none */
  #fill(at: number, sequence: number): boolean {
    const gaps = this.#gaps.get(at);
    const i = gaps?.findLastIndex(({ from, to }) => from <= sequence && sequence < to) ?? -1;
    if (gaps === undefined || i < 0) return false;
    const { from, to } = gaps[i];
    const parts = [
      { from, to: sequence },
      { from: sequence + 1, to },
    ];
    gaps.splice(i, 1, ...parts.filter((part) => part.from < part.to));
    return true;
  }
}
