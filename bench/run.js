// Runs the scenarios on all brokers in turns and prints a table: see `npm run bench -- --help`.
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, release, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { accessScenarios, accessSettings } from './access.js';
import { chooseCores } from './cores.js';
import { describeCommits, isInMemory, measureCommits } from './disk.js';
import { durableScenarios } from './durable-scenarios.js';
import { buildGenerator } from './generator.js';
import { measure } from './measurements.js';
import { formatFigure, formatTable, noteTexts, summarize } from './report.js';
import { scenarios } from './scenarios.js';
import { Directory, targets } from './targets.js';

/**
 * @typedef {object} BenchOptions
 * @property {RegExp} only names of the scenarios to run
 * @property {string[]} targetNames
 * @property {number} seconds measured in each run
 * @property {number} rounds
 * @property {boolean} isGuarded whether the brokers have users and access rules
 * @property {boolean} isDurable whether what is measured are brokers that keep everything on disk
 * @property {string} [directory] on the disk to be measured
 * @property {import('./targets.js').Sync} sync
 * @property {string} [jsonFile] where everything measured is written
 * @property {boolean} check whether a missed share is a failure
 */

const SPARE_FILES = 200; // descriptors that a broker needs beside those of its clients

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
 * @param {boolean} isDurable
 */
function prepareTargets(names, isDurable) {
  const unknown = names.filter((name) => !targets.some((target) => target.name === name));
  if (unknown.length > 0) {
    throw new Error(`unknown target ${unknown.join(', ')}: there are ${targets.map(({ name }) => name).join(', ')}`);
  }
  return targets.filter((target) => {
    if (!names.includes(target.name)) return false;
    const keepsNothing = isDurable && target.keep === undefined;
    const reason = keepsNothing ? 'it keeps nothing on disk' : target.prepare();
    if (reason !== undefined) say(`${target.name} is skipped: ${reason}.`);
    return reason === undefined;
  });
}

/**
 * The scenarios that were asked for, and how many of them this machine has no room for.
 * @param {RegExp} only
 * @param {import('./scenarios.js').Scenario[]} all
 */
function chooseScenarios(only, all) {
  const chosen = all.filter(({ name }) => only.test(name));
  if (chosen.length === 0) {
    throw new Error(`no scenario matches ${only}:\n${all.map(({ name }) => `  ${name}`).join('\n')}`);
  }
  const limit = hardFileLimit();
  const possible = chosen.filter(({ name, clients = 0 }) => {
    const fits = clients + SPARE_FILES <= limit;
    if (!fits) say(`'${name}' is skipped: it needs ${clients + SPARE_FILES} files, ulimit -Hn allows ${limit}.`);
    return fits;
  });
  return { possible, skipped: chosen.length - possible.length };
}

/**
 * @param {import('./report.js').Sample} sample
 * @param {import('./scenarios.js').Scenario} scenario
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
    if (typeof load.connects_per_s === 'number') parts.push(`${load.connects_per_s} connects/s`);
  }
  if (notes.includes('k')) parts.push(noteTexts.k);
  return parts.join('; ');
}

/**
 * The disk under the measurements. Nobody is asked to think of it: it is the one that holds the repository.
 * @param {BenchOptions} options
 */
function chooseDisk({ isDurable, directory }) {
  if (!isDurable) return { parent: tmpdir(), commits: undefined };
  const parent = directory ?? join(dirname(fileURLToPath(import.meta.url)), '.build');
  mkdirSync(parent, { recursive: true });
  if (isInMemory(parent)) say(`${parent} is no disk but memory: what is measured here says nothing about a disk.`);
  const commits = measureCommits(parent);
  say(`Disk of ${parent}: ${describeCommits(commits)}.`);
  return { parent, commits };
}

/**
 * Measures and prints. Progress goes to stderr, the table to stdout.
 * @param {BenchOptions} options
 * @returns {Promise<boolean>} whether nothing is to be complained of; with `check` a row that missed its share is
 */
export async function runBench(options) {
  const noGenerator = buildGenerator();
  if (noGenerator !== undefined) {
    say(`Nothing is measured: ${noGenerator}.`);
    return !options.check;
  }
  const chosenTargets = prepareTargets(options.targetNames, options.isDurable);
  const all = options.isDurable ? durableScenarios : options.isGuarded ? accessScenarios : scenarios;
  const { possible: chosenScenarios, skipped } = chooseScenarios(options.only, all);
  const cores = chooseCores();
  const pins = 'unpinned' in cores ? undefined : cores;
  if ('unpinned' in cores) say(`Nothing is pinned to a core, so figures mean little: ${cores.unpinned}.`);

  const versions = Object.fromEntries(chosenTargets.map((target) => [target.name, target.version()]));
  const machine = { cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length, linux: release(), node: process.version };
  const total = chosenScenarios.length * chosenTargets.length * options.rounds;
  if (total === 0) {
    say('Nothing is measured: everything asked for was skipped.');
    return !options.check;
  }
  const { parent, commits } = chooseDisk(options);
  say(`${total} runs of some ${options.isDurable ? '5 to 60' : options.seconds + 2} s each.`);

  const rows = [];
  const samples = [];
  let done = 0;
  for (const scenario of chosenScenarios) {
    /** @type {Map<string, import('./report.js').Sample[]>} */
    const samplesByTarget = new Map(chosenTargets.map(({ name }) => [name, []]));
    for (let round = 1; round <= options.rounds; round++) {
      for (const target of chosenTargets) {
        const label = `[${++done}/${total}] ${scenario.name} · ${target.name}`;
        const directory = new Directory(parent);
        const keeping = options.isDurable ? (target.keep?.(directory.path, options.sync) ?? []) : [];
        const guarding = options.isGuarded && target.isOpen !== true ? accessSettings(directory.path) : [];
        const settings = [...keeping, ...guarding, ...(scenario.settings ?? [])];
        const { seconds } = options;
        try {
          const sample = await measure(scenario, { target, directory: directory.path, settings, cores: pins, seconds });
          samplesByTarget.get(target.name)?.push(sample);
          samples.push({ scenario: scenario.name, target: target.name, round, ...sample });
          say(`${label}: ${describeSample(sample, scenario)}`);
        } catch (error) {
          throw new Error(`${label}: ${error instanceof Error ? error.message : error}`, { cause: error });
        } finally {
          directory.remove();
        }
      }
    }
    rows.push(...summarize(scenario, samplesByTarget));
  }

  const names = chosenTargets.map(({ name }) => name);
  const titles = names.map((name) => `${name} ${versions[name]}`).join(', ');
  const conditions = pins ? 'one core each for broker and generator' : 'not pinned';
  console.log(`${titles}; ${machine.cpu}, ${conditions}; ${options.rounds} × ${options.seconds} s.`);
  if (commits !== undefined) {
    const sync = options.sync === 'none' ? 'cauldron keeps nothing' : `cauldron with persistence_sync ${options.sync}`;
    console.log(`${sync}, mosquitto unsynced; ${describeCommits(commits)}.`);
  }
  console.log();
  console.log(formatTable(rows, names));
  if (options.jsonFile !== undefined) {
    const { seconds, rounds } = options;
    const disk = commits === undefined ? undefined : { sync: options.sync, ...commits };
    writeFileSync(
      options.jsonFile,
      `${JSON.stringify({ machine, versions, seconds, rounds, disk, rows, samples }, null, 2)}\n`,
    );
  }

  if (!options.check) return true;
  const missed = rows.filter(({ reached }) => reached !== true);
  for (const row of missed) say(`${row.reached === null ? 'Not judged' : 'Missed'}: ${row.name}`);
  return missed.length === 0 && skipped === 0; // what was skipped was not judged
}
