// Runs the scenarios on all brokers in turns and prints tables: see `npm run bench -- --help`.
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Directory } from './broker-process.js';
import { chooseCores } from './cores.js';
import { describeCommits, isInMemory, measureCommits } from './disk.js';
import { buildGenerator, speaksTls } from './generator.js';
import { measure } from './measurements.js';
import {
  formatFigure,
  formatLegend,
  formatNodeTable,
  formatTable,
  isReached,
  noteTexts,
  READING,
  rowsOf,
} from './report.js';
import { thisMachine, writeResults } from './results.js';
import { allScenarios } from './scenarios.js';
import { targets, targetsOn } from './targets.js';

/**
 * @typedef {object} BenchOptions
 * @property {RegExp} only names of the scenarios to run
 * @property {string[]} targetNames
 * @property {string} [node] another Node, on which the product and its yardstick are measured, too
 * @property {number} seconds measured in each run
 * @property {number} rounds
 * @property {number} scale of what there is very much of
 * @property {boolean} isDurable whether the scenarios of durable brokers are meant, and no others
 * @property {string} [directory] on the disk to be measured
 * @property {import('./settings.js').Sync} sync
 * @property {string} [jsonFile] to which everything measured is added
 * @property {boolean} check whether a missed share is a failure
 */

/**
 * @typedef {import('./scenarios.js').Scenario} Scenario
 * @typedef {import('./targets.js').Target} Target
 */

const SPARE_FILES = 200; // descriptors that a broker needs beside those of its clients
const build = join(dirname(fileURLToPath(import.meta.url)), '.build');

/** @param {string} line */
function say(line) {
  process.stderr.write(`${line}\n`);
}

/** What a program that we start may open at most; the soft limit is raised to it. */
function hardFileLimit() {
  const text = spawnSync('sh', ['-c', 'ulimit -H -n'], { encoding: 'utf8' }).stdout.trim();
  return text === 'unlimited' ? Number.POSITIVE_INFINITY : Number(text);
}

/**
 * @param {string[]} names
 * @param {string | undefined} node
 * @returns {Target[]}
 */
function prepareTargets(names, node) {
  const further = node === undefined ? [] : targetsOn(node);
  const unknown = names.filter((name) => !targets.some((target) => target.name === name));
  if (unknown.length > 0) {
    throw new Error(`unknown target ${unknown.join(', ')}: there are ${targets.map(({ name }) => name).join(', ')}`);
  }
  return [...targets.filter(({ name }) => names.includes(name)), ...further].filter((target) => {
    const reason = target.prepare();
    if (reason !== undefined) say(`${target.name} is skipped: ${reason}.`);
    return reason === undefined;
  });
}

/**
 * The scenarios that were asked for, and how many of them this machine has no room for.
 * @param {BenchOptions} options
 */
function chooseScenarios({ only, isDurable, scale }) {
  const all = allScenarios(scale).filter((scenario) => (scenario.isDurable ?? false) === isDurable);
  const chosen = all.filter(({ name, group }) => only.test(name) || only.test(group));
  if (chosen.length === 0) {
    throw new Error(`no scenario matches ${only}:\n${all.map(({ name }) => `  ${name}`).join('\n')}`);
  }
  const limit = hardFileLimit();
  const possible = chosen.filter(({ name, clients = 0, needs }) => {
    const fits = clients + SPARE_FILES <= limit;
    if (!fits) say(`'${name}' is skipped: it needs ${clients + SPARE_FILES} files, ulimit -Hn allows ${limit}.`);
    const lacksTls = needs.includes('tls') && !speaksTls();
    if (lacksTls) say(`'${name}' is skipped: OpenSSL's headers are missing (apt install libssl-dev).`);
    return fits && !lacksTls;
  });
  return { possible, skipped: chosen.length - possible.length };
}

/**
 * @param {import('./report.js').Sample} sample
 * @param {Scenario} scenario
 */
function describeSample({ figures, notes, loads }, scenario) {
  const parts = scenario.measures.flatMap(({ figure }) => {
    const value = figures[figure];
    return value === undefined ? [] : formatFigure(value, figure);
  });
  for (const load of loads) {
    if (typeof load.broker_cpu === 'number') parts.push(`broker ${load.broker_cpu} CPU, generator ${load.load_cpu}`);
    if (typeof load.p99_us === 'number') parts.push(`latency ${load.p50_us} µs, p99 ${load.p99_us}`);
    if (typeof load.lost === 'number' && load.lost > 0) parts.push(`${load.lost} messages lost`);
  }
  if (notes.includes('k')) parts.push(noteTexts.k);
  return parts.join('; ');
}

/**
 * The disk under the measurements. Nobody is asked to think of it: it is the one that holds the repository.
 * @param {string | undefined} directory
 */
function chooseDisk(directory) {
  const parent = directory ?? build;
  mkdirSync(parent, { recursive: true });
  if (isInMemory(parent)) say(`${parent} is no disk but memory: what is measured here says nothing about a disk.`);
  const commits = measureCommits(parent);
  say(`Disk of ${parent}: ${describeCommits(commits)}.`);
  return { parent, commits };
}

/**
 * One run of one scenario on one target, with a directory of its own.
 * @param {Scenario} scenario
 * @param {Target} target
 * @param {string} parent
 * @param {{ broker: number, generator: number } | undefined} cores
 * @param {BenchOptions} options
 */
async function runOnce(scenario, target, parent, cores, { seconds, sync }) {
  const directory = new Directory(parent);
  const wishes = {
    directory: directory.path,
    transport: scenario.transport ?? 'tcp',
    isGuarded: target.isConfigured,
    isStored: target.isConfigured && !(sync === 'none' && target.abilities.includes('command')),
    sync,
    settings: scenario.settings ?? [],
  };
  try {
    return await measure(scenario, { target, wishes, cores, seconds });
  } finally {
    directory.remove();
  }
}

/**
 * Measures and prints. Progress goes to stderr, tables to stdout. What cannot be measured is said, and the rest goes on.
 * @param {BenchOptions} options
 * @returns {Promise<boolean>} whether nothing is to be complained of; with `check` a row that missed its share is
 */
export async function runBench(options) {
  const noGenerator = buildGenerator();
  if (noGenerator !== undefined) {
    say(`Nothing is measured: ${noGenerator}.`);
    return !options.check;
  }
  const { possible: scenarios, skipped } = chooseScenarios(options);
  const chosen = prepareTargets(options.targetNames, options.node);
  const cores = chooseCores();
  const pins = 'unpinned' in cores ? undefined : cores;
  if ('unpinned' in cores) say(`Nothing is pinned to a core, so figures mean little: ${cores.unpinned}.`);
  /** @param {Scenario} scenario */
  const targetsFor = ({ needs }) => chosen.filter(({ abilities }) => needs.every((need) => abilities.includes(need)));
  const total = scenarios.reduce((sum, scenario) => sum + targetsFor(scenario).length, 0) * options.rounds;
  if (total === 0) {
    say('Nothing is measured: everything asked for was skipped.');
    return !options.check;
  }
  const { parent, commits } = chooseDisk(options.directory);
  say(`${total} runs, most of some ${options.seconds + 2} s.`);

  const versions = Object.fromEntries(chosen.map((target) => [target.name, target.version()]));
  const machine = thisMachine();
  const { seconds, scale, jsonFile } = options;
  /** @type {import('./report.js').Row[]} */
  const rows = [];
  const failures = [];
  let done = 0;
  for (const scenario of scenarios) {
    /** @type {Map<string, import('./report.js').Sample[]>} */
    const samplesByTarget = new Map(targetsFor(scenario).map(({ name }) => [name, []]));
    for (let round = 1; round <= options.rounds; round++) {
      for (const target of targetsFor(scenario)) {
        const label = `[${++done}/${total}] ${scenario.name} · ${target.name}`;
        try {
          const sample = await runOnce(scenario, target, parent, pins, options);
          samplesByTarget.get(target.name)?.push(sample);
          say(`${label}: ${describeSample(sample, scenario)}`);
        } catch (error) {
          const failure = `${label}: ${error instanceof Error ? error.message : error}`;
          failures.push(failure);
          say(failure);
          samplesByTarget.get(target.name)?.push({ figures: {}, notes: ['f'], loads: [] });
        }
      }
    }
    const news = rowsOf(scenario, samplesByTarget, { seconds, scale, isPinned: pins !== undefined });
    rows.push(...news);
    if (jsonFile !== undefined) writeResults(jsonFile, { machine, versions, disk: commits, rows: news, micro: [] });
  }

  const titles = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  const conditions = pins ? 'one core each for broker and generator' : 'not pinned';
  console.log(`${titles.join('; ')}. ${machine.cpu}, ${conditions}; ${options.rounds} × ${seconds} s.`);
  console.log(`${describeCommits(commits)}.${scale === 1 ? '' : ` Scale ${scale}: figures mean nothing.`}`);
  for (const group of new Set(rows.map((row) => row.group))) {
    console.log(`\n### ${group}\n\n${formatTable(rows.filter((row) => row.group === group))}`);
  }
  const onOtherNode = formatNodeTable(rows);
  if (onOtherNode !== null) console.log(`\n### On the other Node\n\n${onOtherNode}`);
  console.log(`\n${[READING, ...formatLegend(rows)].join('\n')}`);
  for (const failure of failures) say(`Failed: ${failure}`);

  if (!options.check) return failures.length === 0;
  const missed = rows.filter((row) => row.required !== null && isReached(row) !== true);
  for (const row of missed) say(`${isReached(row) === null ? 'Not judged' : 'Missed'}: ${row.name}`);
  return failures.length === 0 && missed.length === 0 && skipped === 0; // what was skipped was not judged
}
