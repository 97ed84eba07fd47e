// Runs the scenarios on all brokers in turns and prints a table: see `npm run bench -- --help`.
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { chooseCores } from './cores.js';
import { buildGenerator, LoadRun } from './generator.js';
import { formatFigure, formatTable, summarize } from './report.js';
import { scenarios } from './scenarios.js';
import { RunningBroker, targets } from './targets.js';

/**
 * @typedef {object} BenchOptions
 * @property {RegExp} only names of the scenarios to run
 * @property {string[]} targetNames
 * @property {number} seconds measured in each run
 * @property {number} rounds
 * @property {string} [jsonFile] where everything measured is written
 * @property {boolean} check whether a missed share is a failure
 */

const WARM_SECONDS = 1;
const IDLE_SECONDS = 600; // more than a measurement takes: the runner ends idle clients
const RUN_TIMEOUT_MS = 150_000; // what a run takes beyond its seconds: 120 s to connect, 5 s to drain
const SPARE_FILES = 200; // descriptors that a broker needs beside those of its clients

/** @param {string} line */
function say(line) {
  process.stderr.write(`${line}\n`);
}

/**
 * A figure of the generator's report that must be a number.
 * @param {import('./generator.js').LoadReport} report
 * @param {string} name
 */
function numberIn(report, name) {
  const value = report[name];
  if (typeof value !== 'number') throw new Error(`the generator reported no ${name}`);
  return value;
}

/**
 * Resident memory once it has stopped moving: a collector works on for a while after its work has ended.
 * @param {RunningBroker} broker
 */
async function settledBytes(broker) {
  const stepMs = 250;
  const calmSteps = 4;
  let bytes = broker.residentBytes();
  for (let calm = 0, steps = 0; calm < calmSteps && steps < 40; steps++) {
    await new Promise((resolve) => setTimeout(resolve, stepMs));
    const now = broker.residentBytes();
    calm = Math.abs(now - bytes) < bytes * 0.01 ? calm + 1 : 0;
    bytes = now;
  }
  return bytes;
}

/**
 * @param {import('./scenarios.js').Scenario} scenario
 * @param {import('./generator.js').LoadReport} load
 */
function notesOn(scenario, load) {
  const notes = [];
  const ofGenerator = numberIn(load, 'load_cpu');
  const ofBroker = numberIn(load, 'broker_cpu');
  if (scenario.rate === undefined) {
    // A generator at a fixed rate is always busy, and its broker seldom.
    if (ofGenerator > 0.95 && ofBroker < 0.95) notes.push('g');
    if (ofGenerator < 0.85 && ofBroker < 0.85) notes.push('i');
  } else if (numberIn(load, 'received_per_s') < scenario.rate * 0.99) {
    notes.push('r');
  }
  if (numberIn(load, 'lost') > 0) notes.push('l');
  return notes;
}

/**
 * @param {import('./scenarios.js').Scenario} scenario
 * @param {RunningBroker} broker
 * @param {number | undefined} core of the generator
 * @param {number} seconds
 * @returns {Promise<import('./report.js').Sample>}
 */
async function measureLoad(scenario, broker, core, seconds) {
  const args = ['--port', String(broker.port), '--broker-pid', String(broker.pid), ...scenario.load];
  const times = ['--secs', String(seconds), '--warm', String(WARM_SECONDS)];
  const run = new LoadRun([...args, ...times], core, (seconds + WARM_SECONDS) * 1000 + RUN_TIMEOUT_MS);
  try {
    const load = await run.report;
    const receivedPerSecond = numberIn(load, 'received_per_s');
    const busy = numberIn(load, 'broker_cpu');
    const figures = { receivedPerSecond, ...(busy > 0 ? { messagesPerCpuSecond: receivedPerSecond / busy } : {}) };
    return { figures, notes: notesOn(scenario, load), load };
  } finally {
    await run.stop();
  }
}

/**
 * @param {number} clients
 * @param {import('./scenarios.js').Scenario} scenario
 * @param {RunningBroker} broker
 * @param {number | undefined} core of the generator
 * @returns {Promise<import('./report.js').Sample>}
 */
async function measureIdle(clients, scenario, broker, core) {
  const bytesAtRest = await settledBytes(broker);
  const args = ['--port', String(broker.port), '--secs', String(IDLE_SECONDS), ...scenario.load];
  const run = new LoadRun(args, core, IDLE_SECONDS * 1000 + RUN_TIMEOUT_MS);
  try {
    const load = await run.report;
    const bytesPerConnection = ((await settledBytes(broker)) - bytesAtRest) / clients;
    run.assertRunning();
    return { figures: { bytesPerConnection, bytesAtRest }, notes: [], load };
  } finally {
    await run.stop();
  }
}

/** What a program that we start may open at most; the soft limit is raised to it. */
function hardFileLimit() {
  const text = spawnSync('sh', ['-c', 'ulimit -H -n'], { encoding: 'utf8' }).stdout.trim();
  return text === 'unlimited' ? Number.POSITIVE_INFINITY : Number(text);
}

/** @param {string[]} names */
function prepareTargets(names) {
  const unknown = names.filter((name) => !targets.some((target) => target.name === name));
  if (unknown.length > 0) {
    throw new Error(`unknown target ${unknown.join(', ')}: there are ${targets.map(({ name }) => name).join(', ')}`);
  }
  return targets.filter((target) => {
    if (!names.includes(target.name)) return false;
    const reason = target.prepare();
    if (reason !== undefined) say(`${target.name} is skipped: ${reason}.`);
    return reason === undefined;
  });
}

/**
 * The scenarios that were asked for, and how many of them this machine has no room for.
 * @param {RegExp} only
 */
function chooseScenarios(only) {
  const chosen = scenarios.filter(({ name }) => only.test(name));
  if (chosen.length === 0) {
    throw new Error(`no scenario matches ${only}:\n${scenarios.map(({ name }) => `  ${name}`).join('\n')}`);
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
function describeSample({ figures, load }, scenario) {
  const parts = scenario.measures.map(({ figure }) => formatFigure(figures[figure] ?? Number.NaN, figure));
  if (typeof load.broker_cpu === 'number') parts.push(`broker ${load.broker_cpu} CPU, generator ${load.load_cpu}`);
  if (typeof load.p99_us === 'number') parts.push(`latency ${load.p50_us} µs, p99 ${load.p99_us}`);
  if (typeof load.lost === 'number' && load.lost > 0) parts.push(`${load.lost} messages lost`);
  if (typeof load.connects_per_s === 'number') parts.push(`${load.connects_per_s} connects/s`);
  return parts.join('; ');
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
  const chosenTargets = prepareTargets(options.targetNames);
  const { possible: chosenScenarios, skipped } = chooseScenarios(options.only);
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
  say(`${total} runs of some ${options.seconds + WARM_SECONDS + 1} s each.`);

  const rows = [];
  const samples = [];
  let done = 0;
  for (const scenario of chosenScenarios) {
    /** @type {Map<string, import('./report.js').Sample[]>} */
    const samplesByTarget = new Map(chosenTargets.map(({ name }) => [name, []]));
    for (let round = 1; round <= options.rounds; round++) {
      for (const target of chosenTargets) {
        const label = `[${++done}/${total}] ${scenario.name} · ${target.name}`;
        const broker = await RunningBroker.start(target, pins?.broker);
        try {
          const sample =
            scenario.clients === undefined
              ? await measureLoad(scenario, broker, pins?.generator, options.seconds)
              : await measureIdle(scenario.clients, scenario, broker, pins?.generator);
          samplesByTarget.get(target.name)?.push(sample);
          samples.push({ scenario: scenario.name, target: target.name, round, ...sample });
          say(`${label}: ${describeSample(sample, scenario)}`);
        } catch (error) {
          broker.assertRunning(); // its end explains more than what the generator saw of it
          throw new Error(`${label}: ${error instanceof Error ? error.message : error}`, { cause: error });
        } finally {
          await broker.stop();
        }
      }
    }
    rows.push(...summarize(scenario, samplesByTarget));
  }

  const names = chosenTargets.map(({ name }) => name);
  const titles = names.map((name) => `${name} ${versions[name]}`).join(', ');
  const conditions = pins ? 'one core each for broker and generator' : 'not pinned';
  console.log(`${titles}; ${machine.cpu}, ${conditions}; ${options.rounds} × ${options.seconds} s.\n`);
  console.log(formatTable(rows, names));
  if (options.jsonFile !== undefined) {
    const { seconds, rounds } = options;
    writeFileSync(
      options.jsonFile,
      `${JSON.stringify({ machine, versions, seconds, rounds, rows, samples }, null, 2)}\n`,
    );
  }

  if (!options.check) return true;
  const missed = rows.filter(({ reached }) => reached !== true);
  for (const row of missed) say(`${row.reached === null ? 'Not judged' : 'Missed'}: ${row.name}`);
  return missed.length === 0 && skipped === 0; // what was skipped was not judged
}
