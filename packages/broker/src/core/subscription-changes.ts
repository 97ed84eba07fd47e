import { topicMatches } from '@cauldron/codec';

/** Changes that are remembered. To compare a topic with all of them costs about as much as to find its targets anew. */
const REMEMBERED = 128;

/**
 * The filters of the latest changes of subscriptions. Each change raises the version that it leads to by one; what was
 * worked out for a topic under an older version is still right if none of the filters since then matches the topic.
 */
export class SubscriptionChanges {
  /** A ring: the change to version `v` is at `v % REMEMBERED`. */
  readonly #filters: string[] = new Array(REMEMBERED).fill('');
  /** What a topic begins with that the filter matches; only looked at first, because that is cheap. */
  readonly #beginnings: string[] = new Array(REMEMBERED).fill('');
  /** From this version on all changes are remembered. */
  #since: number;
  #version: number;

  /** `version`: the one to begin with; older ones were never right. */
  constructor(version: number) {
    this.#since = this.#version = version;
  }

  /** Subscriptions to `filter` came or went, which led to this version: one above the last. */
  add(filter: string, version: number): void {
    const at = version % REMEMBERED;
    const wildcard = filter.search(/[+#]/);
    this.#filters[at] = filter;
    // `a/#` matches `a`, too.
    this.#beginnings[at] = wildcard < 0 ? filter : filter.slice(0, Math.max(0, wildcard - 1));
    this.#version = version;
    if (version - this.#since > REMEMBERED) this.#since = version - REMEMBERED;
  }

  /** Something else led to this version, which concerns every topic. */
  forget(version: number): void {
    this.#since = this.#version = version;
  }

  /** Whether what held for the topic under an older version holds now. False, too, if that is not known any more. */
  spared(topic: string, version: number): boolean {
    if (version < this.#since) return false;
    for (let change = version + 1; change <= this.#version; change++) {
      const at = change % REMEMBERED;
      if (topic.startsWith(this.#beginnings[at]) && topicMatches(this.#filters[at], topic)) return false;
    }
    return true;
  }
}
