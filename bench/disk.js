// What the disk under the measurements can do: whoever waits for it cannot be faster.
import { closeSync, fdatasyncSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const BLOCK_BYTES = 4096;
const COMMITS = 500;
const MOST_MS = 5_000; // enough for a card that takes 100 ms for each

/**
 * @typedef {object} CommitTimes
 * @property {number} commits
 * @property {number} p50Ms
 * @property {number} p99Ms
 * @property {number} maxMs
 */

/**
 * How long it takes until the disk has 4 KB more of a growing file: write and fdatasync.
 * @param {string} folder
 * @returns {CommitTimes}
 */
export function measureCommits(folder) {
  const path = join(folder, 'commits');
  const block = Buffer.alloc(BLOCK_BYTES, 'x');
  const file = openSync(path, 'w');
  /** @type {number[]} */
  const times = [];
  try {
    const giveUp = performance.now() + MOST_MS;
    while (times.length < COMMITS && performance.now() < giveUp) {
      const startMs = performance.now();
      writeSync(file, block, 0, BLOCK_BYTES, times.length * BLOCK_BYTES);
      fdatasyncSync(file);
      times.push(performance.now() - startMs);
    }
  } finally {
    closeSync(file);
    rmSync(path);
  }
  times.sort((a, b) => a - b);
  /** @param {number} share */
  const at = (share) => times[Math.min(times.length - 1, Math.floor(times.length * share))];
  return { commits: times.length, p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) };
}

/** File systems that forget everything when the power goes, by their number in Linux' statfs(2): tmpfs and ramfs. */
const IN_MEMORY = [0x01021994, 0x858458f6];

/** @param {string} folder */
export function isInMemory(folder) {
  return IN_MEMORY.includes(statfsSync(folder).type);
}

/** @param {CommitTimes} times */
export function describeCommits({ commits, p50Ms, p99Ms, maxMs }) {
  const ms = [p50Ms, p99Ms, maxMs].map((value) => value.toFixed(2));
  return `write and fdatasync of 4 KB: ${ms[0]} ms, p99 ${ms[1]}, most ${ms[2]} (${commits} times)`;
}
