import { statfsSync } from 'node:fs';
import type { Environment } from './environment.js';

/** What is left free for what ends and acknowledges; where there is little, a part of it. */
const RESERVE_BYTES = 16 * 1024 * 1024;
const RESERVE_SHARE = 1 / 16;

/** Once there is no room, so much of the reserve more must be free to begin again. */
const RECOVERED = 1.5;

/** Whether there is room for something new: within the bound that the user chose, and on the disk. */
export class Room {
  readonly #environment: Environment;
  readonly #folder: string;
  readonly #maxBytes: number;

  constructor(environment: Environment, folder: string, maxBytes: number) {
    this.#environment = environment;
    this.#folder = folder;
    this.#maxBytes = maxBytes;
  }

  /** Whether a commit alone can use it up, so that it has to be looked at after each. */
  get isBounded(): boolean {
    return this.#maxBytes < Number.POSITIVE_INFINITY;
  }

  /** Why there is none, in words for a person; null: there is. `wasFull`: there was none when it was asked last. */
  lack(wasFull: boolean): string | null {
    const factor = wasFull ? RECOVERED : 1;
    if (this.isBounded) {
      const used = this.#environment.usedBytes;
      const most = this.#maxBytes - factor * Math.min(RESERVE_BYTES, this.#maxBytes * RESERVE_SHARE);
      if (used > most) {
        return `persistence_max_bytes is reached: ${megabytes(used)} of ${megabytes(this.#maxBytes)} are in use`;
      }
    }
    try {
      const { bavail, blocks, bsize } = statfsSync(this.#folder);
      const free = bavail * bsize;
      if (free < factor * Math.min(RESERVE_BYTES, blocks * bsize * RESERVE_SHARE)) {
        return `the disk is full: ${megabytes(free)} are left in ${this.#folder}`;
      }
    } catch {
      // A file system that does not tell; then a commit that fails will.
    }
    return null;
  }
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
