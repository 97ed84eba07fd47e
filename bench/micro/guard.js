// Whether the hot path became dearer than it was when bench/guard.json was recorded. Judged are ratios of CPU time to that
// of a plain loop in the same process: absolute times differ from machine to machine, and from hour to hour.
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { median } from '../median.js';

/**
 * @typedef {Record<string, number>} Ratios by the names of works
 */

/**
 * @typedef {object} Recorded
 * @property {string} cpu
 * @property {string} node its major version, whose compiler made the code
 * @property {Ratios} ratios
 */

/** What a ratio may be of the recorded one. */
const MOST = 1.15;
/** The same on another processor, or with another compiler: their parts are not equally much faster or slower. */
const MOST_ELSEWHERE = 1.6;
/** A work is too dear if it was in all of so many processes: each compiles the code anew, and not always equally well. */
const PROCESSES = 5;
const PROCESSES_TO_RECORD = 7;

const record = fileURLToPath(new URL('../guard.json', import.meta.url));
const measurer = fileURLToPath(new URL('guard-process.js', import.meta.url));

/**
 * What the works cost in a process of its own.
 * @param {Ratios} limits where the process may stop trying; empty: it measures for a fixed time
 * @returns {Ratios}
 */
function measureInProcess(limits) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [measurer, JSON.stringify(limits)], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`the parts could not be measured: ${stderr}`);
  return JSON.parse(stdout);
}

/** @returns {Omit<Recorded, 'ratios'>} */
function here() {
  return { cpu: cpus()[0]?.model ?? 'unknown', node: process.version.split('.')[0] };
}

/** Writes down what everything costs now: after a change that is meant to cost more, and after one that costs less. */
export function recordGuard() {
  const runs = Array.from({ length: PROCESSES_TO_RECORD }, () => measureInProcess({}));
  const ratios = Object.fromEntries(
    Object.keys(runs[0]).map((name) => [name, Number(median(runs.map((run) => run[name])).toPrecision(4))]),
  );
  writeFileSync(record, `${JSON.stringify({ ...here(), ratios }, null, 2)}\n`);
}

/**
 * What became too dear, or is not recorded.
 * @param {Recorded} recorded
 * @param {(limits: Ratios) => Ratios} measure
 * @param {Omit<Recorded, 'ratios'>} machine
 * @returns {string[]} complaints; none if all is well
 */
export function judge(recorded, measure, machine) {
  const isSame = recorded.cpu === machine.cpu && recorded.node === machine.node;
  const most = isSame ? MOST : MOST_ELSEWHERE;
  const limits = Object.fromEntries(Object.entries(recorded.ratios).map(([name, ratio]) => [name, ratio * most]));
  /** @type {Ratios} */
  const best = {};
  for (let attempt = 1; attempt <= PROCESSES; attempt++) {
    for (const [name, ratio] of Object.entries(measure(limits))) best[name] = Math.min(best[name] ?? ratio, ratio);
    if (Object.entries(best).every(([name, ratio]) => ratio <= (limits[name] ?? 0))) break;
  }
  const unknown = Object.keys(best).filter((name) => limits[name] === undefined);
  const gone = Object.keys(limits).filter((name) => best[name] === undefined);
  const dear = Object.entries(best).filter(([name, ratio]) => ratio > (limits[name] ?? Number.POSITIVE_INFINITY));
  return [
    ...unknown.map((name) => `${name}: not in bench/guard.json`),
    ...gone.map((name) => `${name}: in bench/guard.json, but not measured any more`),
    ...dear.map(([name, ratio]) => {
      const before = recorded.ratios[name];
      const percent = Math.round((ratio / before - 1) * 100);
      return `${name}: ${ratio.toPrecision(3)} of the plain loop instead of ${before.toPrecision(3)}, ${percent} % more`;
    }),
  ];
}

/**
 * Judges this build.
 * @returns {string[]} complaints; none if all is well
 */
export function checkGuard() {
  return judge(JSON.parse(readFileSync(record, 'utf8')), measureInProcess, here());
}
