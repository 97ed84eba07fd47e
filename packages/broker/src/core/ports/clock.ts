/** Time, passed in so that tests do not wait. */
export interface Clock {
  /** Milliseconds since 1970, as people and stored data count them. It may jump. */
  wallMs(): number;
  /** Milliseconds from any fixed moment. It never goes back: delays and time-outs count with it. */
  monotonicMs(): number;
  /** Calls `tick` about every `intervalMs` until the returned function is called. Does not keep the process alive. */
  every(intervalMs: number, tick: () => void): () => void;
  /** Calls `action` in a later turn, when those had theirs who wait for the network meanwhile. */
  soon(action: () => void): void;
  /** Calls `action` once all that has come from the network by now was handled, and before anything more is waited for. */
  afterReads(action: () => void): void;
}
