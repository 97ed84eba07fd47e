/** Up to here a loop beats the call into native copy (measured; the crossing lies near 100 bytes). */
const LOOP_LIMIT = 96;

/** Copies `from[start..end)` to `to`, beginning at `at`. The two must not be the same memory. The caller sees to the room. */
export function copyBytes(from: Uint8Array, start: number, end: number, to: Uint8Array, at: number): void {
  if (end - start <= LOOP_LIMIT) {
    for (let i = start, o = at; i < end; i++, o++) to[o] = from[i];
  } else {
    to.set(from.subarray(start, end), at);
  }
}
