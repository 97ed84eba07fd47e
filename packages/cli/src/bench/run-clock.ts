/** Milliseconds of the clock that all threads have in common. */
export function commonMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1_000 + nanoseconds / 1e6;
}

/** Microseconds since the run began: the same in all threads. @param originMs of `commonMs` */
export function runClock(originMs: number): () => number {
  const offsetMs = commonMs() - originMs - performance.now();
  return () => (performance.now() + offsetMs) * 1_000;
}
