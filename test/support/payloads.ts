import { createHash } from 'node:crypto';

/** Bytes without a pattern, the same in each run: a piece that is missing, doubled or elsewhere shows. */
export function randomPayload(length: number): Buffer {
  return createHash('shake256', { outputLength: length }).update('payload').digest();
}
