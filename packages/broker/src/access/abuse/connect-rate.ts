import { originOf } from './networks.js';

/** Beyond that, those who came first are forgotten. */
const MAX_ENTRIES = 50_000;
/** How many connections may come in one go, as a multiple of the rate. */
const BURST = 10;

interface Bucket {
  tokens: number;
  filledMs: number;
}

/** How often one address may connect: a bucket of tokens for each. */
export class ConnectRate {
  /** Per second; `Infinity`: as often as it likes. */
  perSecond: number;
  readonly #nowMs: () => number;
  readonly #buckets = new Map<string, Bucket>();

  constructor(perSecond: number, nowMs: () => number) {
    this.perSecond = perSecond;
    this.#nowMs = nowMs;
  }

  get isUnlimited(): boolean {
    return this.perSecond === Number.POSITIVE_INFINITY;
  }

  /** A connection comes. False: it is one too many. */
  take(address: string): boolean {
    const { perSecond } = this;
    const origin = this.isUnlimited ? null : originOf(address);
    if (origin === null) return true;
    const nowMs = this.#nowMs();
    const capacity = perSecond * BURST;
    let bucket = this.#buckets.get(origin);
    if (bucket === undefined) {
      bucket = { tokens: capacity, filledMs: nowMs };
      this.#buckets.set(origin, bucket);
      if (this.#buckets.size > MAX_ENTRIES) this.#dropOldest();
    }
    bucket.tokens = Math.min(capacity, bucket.tokens + ((nowMs - bucket.filledMs) * perSecond) / 1000);
    bucket.filledMs = nowMs;
    if (bucket.tokens < 1) return false;
    bucket.tokens--;
    return true;
  }

  #dropOldest(): void {
    for (const oldest of this.#buckets.keys()) {
      this.#buckets.delete(oldest);
      return;
    }
  }
}
