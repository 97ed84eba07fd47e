// The file that holds what was measured: what docs/performance.md is made from.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';

/**
 * @typedef {object} Machine
 * @property {string} cpu
 * @property {number} cores
 * @property {string} linux
 */

/**
 * @typedef {object} Results
 * @property {Machine} machine
 * @property {Record<string, string>} versions of the targets
 * @property {import('./disk.js').CommitTimes} [disk]
 * @property {import('./report.js').Row[]} rows
 * @property {import('./micro/table.js').MicroFigure[]} micro
 */

/** @returns {Machine} */
export function thisMachine() {
  return { cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length, linux: release() };
}

/**
 * @param {string} file
 * @returns {Results}
 */
export function readResults(file) {
  return JSON.parse(readFileSync(file, 'utf8'));
}

/**
 * Adds to a file what was measured, in place of what it had of the same. It must be of the same machine and versions.
 * @param {string} file
 * @param {Results} news
 */
export function writeResults(file, news) {
  const results = existsSync(file) ? combine(readResults(file), news) : news;
  writeFileSync(file, `${JSON.stringify(results, null, 1)}\n`);
}

/**
 * @param {Results} old
 * @param {Results} news
 * @returns {Results}
 */
export function combine(old, news) {
  if (JSON.stringify(old.machine) !== JSON.stringify(news.machine)) {
    throw new Error('the file of results is of another machine: name another file');
  }
  for (const [target, version] of Object.entries(news.versions)) {
    const before = old.versions[target];
    if (before !== undefined && before !== version) {
      throw new Error(`the file of results is of ${target} ${before}, and this is ${version}: name another file`);
    }
  }
  const disk = news.disk ?? old.disk;
  return {
    machine: old.machine,
    versions: { ...old.versions, ...news.versions },
    ...(disk === undefined ? {} : { disk }),
    rows: replaced(old.rows, news.rows),
    micro: replaced(old.micro, news.micro),
  };
}

/**
 * @template {{ name: string }} T
 * @param {T[]} old
 * @param {T[]} news
 */
function replaced(old, news) {
  const byName = new Map([...old, ...news].map((entry) => [entry.name, entry]));
  return [...byName.values()];
}
