// Which core the broker gets, and which the generator: figures of two programs on one core measure the scheduler.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/**
 * Reads the kernel's way to write a set: `0-2,4`.
 * @param {string} text
 * @returns {number[]}
 */
export function parseCpuList(text) {
  return text
    .trim()
    .split(',')
    .flatMap((part) => {
      const [first, last = first] = part.split('-').map(Number);
      return Array.from({ length: last - first + 1 }, (_, i) => first + i);
    });
}

/** @param {number} core */
function siblingsOf(core) {
  try {
    return parseCpuList(readFileSync(`/sys/devices/system/cpu/cpu${core}/topology/thread_siblings_list`, 'utf8'));
  } catch {
    return [core]; // some containers hide the topology
  }
}

/**
 * Chooses a core for the broker and one for the generator, on different physical cores where there are two.
 * @returns {{ broker: number, generator: number } | { unpinned: string }} `unpinned` says why there is no choice
 */
export function chooseCores() {
  const allowed = /^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync('/proc/self/status', 'utf8'));
  const cores = allowed ? parseCpuList(allowed[1]) : [];
  if (cores.length < 2) return { unpinned: 'this machine has one core: broker and generator share it' };
  if (spawnSync('taskset', ['--version']).error) return { unpinned: 'taskset is missing (package util-linux)' };
  const [broker, ...others] = cores;
  const siblings = siblingsOf(broker);
  return { broker, generator: others.find((core) => !siblings.includes(core)) ?? others[0] };
}

/**
 * Puts `taskset` before a command, if a core was chosen for it.
 * @param {number | undefined} core
 * @param {string[]} command
 */
export function pinned(core, command) {
  return core === undefined ? command : ['taskset', '-c', String(core), ...command];
}
