/** Time for one client, passed in so that tests need not wait. */
export interface Clock {
  /** Milliseconds from any fixed moment. Never goes back. */
  nowMs(): number;
  /** Milliseconds since 1970, for what is kept longer than this process lives. */
  epochMs(): number;
  /** Calls `callback` once after `delayMs`, unless the returned function is called before. */
  after(delayMs: number, callback: () => void): () => void;
}

export const systemClock: Clock = {
  nowMs: () => performance.now(),
  epochMs: () => Date.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
};
