/** The largest value of a variable byte integer: four bytes with seven bits each. */
export const MAX_VARINT = 268_435_455;

/** The number of bytes in the shortest form of `value` (0..MAX_VARINT). */
export function varintSize(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  return value < 0x200000 ? 3 : 4;
}

/**
 * Writes `value` (0..MAX_VARINT) in its shortest form [MQTT-1.5.5-1] and returns the offset after it. The caller sees to
 * the room and to the range.
 */
export function writeVarint(out: Uint8Array, at: number, value: number): number {
  let rest = value;
  let end = at;
  while (rest >= 0x80) {
    out[end++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  out[end++] = rest;
  return end;
}
