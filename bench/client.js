// Measures the client beside MQTT.js, in turns and on the same server: `npm run bench -- --client`.
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { cpus, release, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Directory, RunningBroker } from './broker-process.js';
import { chooseCores, pinned } from './cores.js';
import { median } from './median.js';
import { AS_IT_IS } from './settings.js';
import { targets } from './targets.js';

const here = dirname(fileURLToPath(import.meta.url));
/** Longer than any run takes that is not stuck. */
const RUN_LIMIT_MS = 300_000;
/** How much more memory (bytes) may be in use after all messages than after the first tenth. */
const FLAT_WITHIN = 4 * 1024 * 1024;
/** By default a server lets a client have no more than 20 in flight; with these as many as the clients want. */
const SETTINGS = ['max_inflight_messages 1000'];

/**
 * @typedef {object} ClientScenario
 * @property {string} name
 * @property {string} load of bench/client-load.js
 * @property {number} required times MQTT.js
 * @property {boolean} isFed whether it receives: then what it talks to is bench/client-feeder.js and no broker
 */

/** @type {readonly ClientScenario[]} */
const SCENARIOS = [
  { name: 'publish QoS 0', load: 'publish0', required: 10, isFed: false },
  { name: 'publish QoS 1, 100 in flight', load: 'publish1', required: 4, isFed: false },
  { name: 'receive QoS 0', load: 'receive', required: 8, isFed: true },
];

/**
 * @typedef {object} ClientReport
 * @property {number} perSecond
 * @property {number} perCpuSecond
 * @property {{ messages: number, heapBytes: number, residentBytes: number }[]} memory
 */

/**
 * @typedef {object} ClientBenchOptions
 * @property {RegExp} only
 * @property {number} seconds
 * @property {number} rounds
 * @property {number} messages above 0: memory over so many messages is measured, and not speed
 * @property {string} [jsonFile]
 * @property {boolean} check
 */

/** @param {string} line */
function say(line) {
  process.stderr.write(`${line}\n`);
}

/**
 * @param {number | undefined} core
 * @param {string[]} args for Node
 */
function startNode(core, args) {
  const [command, ...rest] = pinned(core, [process.execPath, ...args]);
  return spawn(command, rest, { stdio: ['ignore', 'pipe', 'pipe'], timeout: RUN_LIMIT_MS });
}

/**
 * The first line that a program prints.
 * @param {ReturnType<typeof startNode>} program
 * @returns {Promise<string>}
 */
async function firstLineOf(program) {
  let complaints = '';
  program.stderr.on('data', (text) => {
    complaints += text;
  });
  for await (const line of createInterface(program.stdout)) return line;
  throw new Error(`a program ended without a word: ${complaints}`);
}

/**
 * What the client of a scenario talks to.
 * @param {ClientScenario} scenario
 * @param {number | undefined} core
 * @returns {Promise<{ port: number, stop(): Promise<void> }>}
 */
async function startServer(scenario, core) {
  if (scenario.isFed) {
    const feeder = startNode(core, [join(here, 'client-feeder.js')]);
    return {
      port: Number(await firstLineOf(feeder)),
      async stop() {
        feeder.kill('SIGKILL');
      },
    };
  }
  const directory = new Directory(tmpdir());
  const [cauldron] = targets;
  const broker = await RunningBroker.start(cauldron, core, {
    ...AS_IT_IS,
    directory: directory.path,
    settings: SETTINGS,
  });
  return {
    port: broker.port,
    async stop() {
      await broker.stop();
      directory.remove();
    },
  };
}

/**
 * Runs one client, which has a server to itself.
 * @param {ClientScenario} scenario
 * @param {string} library
 * @param {{ seconds: number, messages: number }} extent
 * @param {{ broker?: number, generator?: number }} cores
 * @returns {Promise<ClientReport>}
 */
async function run(scenario, library, { seconds, messages }, cores) {
  const server = await startServer(scenario, cores.broker);
  const url = `mqtt://127.0.0.1:${server.port}`;
  const load = [join(here, 'client-load.js'), library, scenario.load, url, String(seconds), String(messages)];
  const client = startNode(cores.generator, ['--expose-gc', ...load]);
  try {
    return JSON.parse(await firstLineOf(client));
  } finally {
    client.kill('SIGKILL');
    await server.stop();
  }
}

/** @param {number} value */
function inThousands(value) {
  return value >= 1e6 ? `${(value / 1e6).toFixed(2)} M` : `${(value / 1e3).toFixed(0)} k`;
}

/** @param {number} bytes */
function inMegabytes(bytes) {
  return `${(bytes / 1024 / 1024).toFixed(1)} MB`;
}

/**
 * The median of the ratios of each round: what disturbed the machine in one round disturbed both.
 * @param {ClientReport[]} ours
 * @param {ClientReport[]} theirs
 * @param {'perSecond' | 'perCpuSecond'} figure
 */
function ratioOf(ours, theirs, figure) {
  return median(ours.map((report, i) => report[figure] / theirs[i][figure]));
}

/**
 * @param {ClientScenario[]} scenarios
 * @param {ClientBenchOptions} options
 * @param {{ broker?: number, generator?: number }} cores
 */
async function measureSpeed(scenarios, options, cores) {
  const rows = [];
  for (const scenario of scenarios) {
    /** @type {Record<string, ClientReport[]>} */
    const reports = { cauldron: [], 'mqtt.js': [] };
    for (let round = 1; round <= options.rounds; round++) {
      for (const [library, list] of Object.entries(reports)) {
        const report = await run(scenario, library, { seconds: options.seconds, messages: 0 }, cores);
        list.push(report);
        const { perSecond, perCpuSecond } = report;
        say(`${scenario.name} · ${library}: ${inThousands(perSecond)}/s, ${inThousands(perCpuSecond)} per CPU second`);
      }
    }
    const ratio = ratioOf(reports.cauldron, reports['mqtt.js'], 'perSecond');
    const cpuRatio = ratioOf(reports.cauldron, reports['mqtt.js'], 'perCpuSecond');
    rows.push({ ...scenario, reports, ratio, cpuRatio, reached: ratio >= scenario.required });
  }
  console.log('| Client | cauldron | mqtt.js | ratio | by CPU time | required | |');
  console.log('| --- | ---: | ---: | ---: | ---: | ---: | ---: |');
  for (const { name, reports, ratio, cpuRatio, required, reached } of rows) {
    const figures = Object.values(reports).map((list) => inThousands(median(list.map(({ perSecond }) => perSecond))));
    const cells = [name, ...figures, ratio.toFixed(1), cpuRatio.toFixed(1), `≥ ${required}`, reached ? '✓' : '✗'];
    console.log(`| ${cells.join(' | ')} |`);
  }
  console.log(
    '\nMessages a second, 64 bytes each. Figures are medians; a ratio is the median of the ratios of each round.',
  );
  return rows;
}

/**
 * @param {ClientScenario[]} scenarios
 * @param {ClientBenchOptions} options
 * @param {{ broker?: number, generator?: number }} cores
 */
async function measureMemory(scenarios, options, cores) {
  const rows = [];
  console.log('| Client: memory in use after | a tenth | all messages | resident, a tenth | resident, all | |');
  console.log('| --- | ---: | ---: | ---: | ---: | ---: |');
  for (const scenario of scenarios) {
    const { memory } = await run(scenario, 'cauldron', { seconds: 0, messages: options.messages }, cores);
    const [first] = memory;
    const last = memory[memory.length - 1];
    const reached = last.heapBytes - first.heapBytes <= FLAT_WITHIN;
    rows.push({ ...scenario, memory, reached });
    const figures = [first.heapBytes, last.heapBytes, first.residentBytes, last.residentBytes].map(inMegabytes);
    console.log(`| ${[scenario.name, ...figures, reached ? '✓' : '✗'].join(' | ')} |`);
  }
  return rows;
}

/**
 * Measures and prints; progress goes to stderr, the table to stdout.
 * @param {ClientBenchOptions} options
 * @returns {Promise<boolean>} whether nothing is to be complained of; with `check`, what was missed is
 */
export async function runClientBench(options) {
  const [cauldron] = targets;
  const reason = cauldron.prepare();
  if (reason !== undefined) throw new Error(reason);
  const scenarios = SCENARIOS.filter(({ name }) => options.only.test(name));
  if (scenarios.length === 0) {
    throw new Error(`no scenario matches ${options.only}:\n${SCENARIOS.map(({ name }) => `  ${name}`).join('\n')}`);
  }
  const chosen = chooseCores();
  const cores = 'unpinned' in chosen ? {} : chosen;
  if ('unpinned' in chosen) say(`Nothing is pinned to a core, so figures mean little: ${chosen.unpinned}.`);
  const machine = { cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length, linux: release(), node: process.version };
  const measure = options.messages > 0 ? measureMemory : measureSpeed;
  const rows = await measure(scenarios, options, cores);
  if (options.jsonFile !== undefined) {
    writeFileSync(options.jsonFile, `${JSON.stringify({ machine, ...options, only: undefined, rows }, null, 2)}\n`);
  }
  return !options.check || rows.every(({ reached }) => reached);
}
