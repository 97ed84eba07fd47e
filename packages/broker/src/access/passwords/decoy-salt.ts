import { createHmac } from 'node:crypto';

/** The salt of a name that no user has: of this length, always the same for the same key, and nobody's without the key. */
export function decoySalt(key: Uint8Array, name: string, length: number): Buffer {
  return Buffer.alloc(length, createHmac('sha256', key).update(name).digest());
}
