import { mkdirSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { FlagTable, Values } from './command-line/arguments.js';
import { interruptible } from './command-line/interruption.js';
import { ProgressLine } from './command-line/progress-line.js';
import { HELP_FLAG, runTool, type Tool } from './command-line/tool.js';
import { Arena, type ArenaResult, type Progress } from './torture/arena.js';
import { BrokerFailure } from './torture/broker-child.js';
import { commitTimes } from './torture/latencies.js';
import { PowerCut, PowerCutError } from './torture/power-cut.js';
import { Random } from './torture/random.js';
import { type PowerCutTally, type SheetContext, sheetJson, sheetText } from './torture/sheet.js';
import type { StreamQoS } from './torture/stream-model.js';

const ExitCode = { PASSED: 0, FAILED: 1, COULD_NOT_RUN: 2 } as const;

const DEFAULT_MINUTES = 1;
const SEEDS = 2 ** 32;

const FLAGS = {
  minutes: {
    long: '--minutes',
    kind: 'decimal',
    value: 'N',
    lowest: 0.01,
    doc: `How long the broker is tortured. Default ${DEFAULT_MINUTES}, or until --kills is reached.`,
  },
  kills: {
    long: '--kills',
    kind: 'integer',
    value: 'N',
    lowest: 1,
    highest: 1_000_000,
    doc: 'Ends after this many kills.',
  },
  dir: {
    long: '--dir',
    kind: 'text',
    value: 'DIR',
    doc: "A folder on the disk to be tested; a new one is made in it for the broker's files. Default: the current one.",
  },
  qos: {
    long: '--qos',
    kind: 'choice',
    value: 'LIST',
    choices: ['1', '2', '1,2'],
    doc: 'The QoS of the messages: 1, 2 or 1,2. Default 1,2.',
  },
  powerCut: {
    long: '--power-cut',
    kind: 'switch',
    doc: 'Each kill is a power cut: what was not synced to the disk is gone, in turns all of it and any part of it. Linux.',
  },
  options: {
    long: '--option',
    kind: 'list',
    value: 'LINE',
    doc: "A line for the broker's configuration, such as 'persistence_sync interval'. Can be repeated.",
  },
  seed: {
    long: '--seed',
    kind: 'integer',
    value: 'S',
    lowest: 0,
    highest: SEEDS - 1,
    doc: 'Makes the same random choices again; moments differ all the same. Default: a new one, which the sheet names.',
  },
  json: { long: '--json', kind: 'switch', doc: 'The sheet for programs.' },
  ...HELP_FLAG,
} as const satisfies FlagTable;

type TortureValues = Values<typeof FLAGS>;

export const TORTURE: Tool<typeof FLAGS> = {
  name: 'torture',
  summary: `Kills a broker again and again under load, and proves that nothing that it acknowledged is lost.
Starts a broker of its own, with SIGKILL as its only end; publishes, subscribes, retains, takes over, leaves wills; checks
each acknowledgement against what comes. Ctrl-C ends it early, with the sheet.
Exit status: 0 when nothing was lost, 1 when something was, 2 when that could not be found out.`,
  usage: '[options]',
  examples: [
    '',
    '--minutes 10 --dir /mnt/sd-card',
    '--power-cut --kills 50',
    "--kills 20 --option 'persistence_sync interval'",
  ],
  flags: FLAGS,
};

/** `cauldron torture`. */
export async function runTorture(argv: readonly string[]): Promise<number> {
  let hasRun = false;
  const status = await runTool(TORTURE, argv, (values) => {
    hasRun = true;
    return torture(values);
  });
  // A command line that cannot be carried out has found nothing.
  return hasRun || status === ExitCode.PASSED ? status : ExitCode.COULD_NOT_RUN;
}

async function torture(values: TortureValues): Promise<number> {
  const folder = newFolder(resolve(values.dir ?? '.'));
  if (folder === null) return ExitCode.COULD_NOT_RUN;
  return interruptible(ExitCode.COULD_NOT_RUN, (signal) => tortureIn(folder, values, signal));
}

async function tortureIn(folder: string, values: TortureValues, signal: AbortSignal): Promise<number> {
  const seed = values.seed ?? Math.floor(Math.random() * SEEDS);
  tell(`The broker's files are in ${folder}. Seed ${seed}.`);
  if (isInMemory(folder)) tell('Warning: that folder is in memory, not on a disk: it says nothing about one.');
  const progress = new ProgressLine();
  try {
    const data = join(folder, 'data');
    mkdirSync(data);
    const powerCuts = values.powerCut === true ? new PowerCuts(new PowerCut(folder, data), seed) : null;
    const commitMs = await commitTimes(folder);
    const arena = new Arena({
      command: brokerCommand(folder, data, values.options ?? []),
      environment: powerCuts?.environment ?? {},
      logFile: join(folder, 'broker.log'),
      qos: qosOf(values.qos),
      durationMs: durationMs(values),
      maximumKills: values.kills ?? Number.POSITIVE_INFINITY,
      seed,
      signal,
      onKilled: () => powerCuts?.strike(),
      onProgress: (state) => progress.show(() => progressText(state)),
    });
    const result = await arena.run();
    progress.clear();
    const context: SheetContext = { seed, folder, powerCuts: powerCuts?.tally ?? null, commitMs };
    process.stdout.write(values.json === true ? sheetJson(result, context) : sheetText(result, context));
    return verdict(result, folder);
  } catch (error) {
    progress.clear();
    if (!(error instanceof BrokerFailure || error instanceof PowerCutError)) throw error;
    rmSync(folder, { recursive: true });
    tell(`Error: ${error.message}`);
    return ExitCode.COULD_NOT_RUN;
  }
}

/** The files of a broker that has done nothing wrong are of no interest. */
function verdict({ model, kills }: ArenaResult, folder: string): number {
  if (model.findings.total > 0) return ExitCode.FAILED;
  rmSync(folder, { recursive: true });
  return kills > 0 ? ExitCode.PASSED : ExitCode.COULD_NOT_RUN;
}

/** Null, and a message, when there is none. */
function newFolder(parent: string): string | null {
  try {
    mkdirSync(parent, { recursive: true });
    return mkdtempSync(join(parent, 'cauldron-torture-'));
  } catch (error) {
    tell(`Error: No folder can be made in ${parent}: ${(error as Error).message}`);
    return null;
  }
}

/** Cuts the power at each kill: in turns, the disk has nothing of what was not durable, and any part of it. */
class PowerCuts {
  readonly #powerCut: PowerCut;
  readonly #random: Random;
  readonly #tally = { cuts: 0, cutsWithLosses: 0, writesPending: 0 };

  constructor(powerCut: PowerCut, seed: number) {
    this.#powerCut = powerCut;
    this.#random = new Random(seed);
  }

  get environment(): Readonly<Record<string, string>> {
    return this.#powerCut.environment;
  }

  get tally(): PowerCutTally {
    return this.#tally;
  }

  strike(): void {
    const tally = this.#tally;
    const isAllLost = tally.cuts++ % 2 === 0;
    const pending = this.#powerCut.strike((count) => (isAllLost ? 0 : this.#random.below(count + 1)));
    if (pending > 0) tally.cutsWithLosses++;
    tally.writesPending += pending;
  }
}

/** Writes the configuration. A line that the user gives stands in place of ours with the same name. */
function brokerCommand(folder: string, data: string, given: readonly string[]): string[] {
  const ours = [
    'listener 0 127.0.0.1',
    'allow_anonymous true',
    'log_timestamp false',
    'log_dest stdout',
    ...['error', 'warning', 'notice', 'information'].map((type) => `log_type ${type}`),
    'connection_messages false',
    'max_queued_messages 0',
    'persistence true',
    `persistence_location ${data}/`,
    // Started by root, the broker would become another user, who cannot work in this folder.
    ...(process.geteuid?.() === 0 ? ['user root'] : []),
  ];
  const nameOf = (line: string): string => line.trim().split(/\s+/, 1)[0];
  const names = new Set(given.map(nameOf));
  if (names.has('persistence')) names.add('persistence_location');
  const file = join(folder, 'broker.conf');
  writeFileSync(file, [...ours.filter((line) => !names.has(nameOf(line))), ...given, ''].join('\n'));
  return [process.execPath, process.argv[1], 'broker', '-c', file];
}

function qosOf(text = '1,2'): StreamQoS[] {
  return text.split(',').map((qos) => (qos === '1' ? 1 : 2));
}

function durationMs({ minutes, kills }: TortureValues): number {
  if (minutes === undefined && kills !== undefined) return Number.MAX_SAFE_INTEGER;
  return (minutes ?? DEFAULT_MINUTES) * 60_000;
}

/** Types of file systems that forget everything when the power goes, from Linux' statfs(2): tmpfs and ramfs. */
const IN_MEMORY = [0x01021994, 0x858458f6];

function isInMemory(folder: string): boolean {
  return process.platform === 'linux' && IN_MEMORY.includes(statfsSync(folder).type);
}

function progressText({ seconds, kills, acknowledged, violations, isSettling }: Progress): string {
  const what = isSettling ? 'checking' : `${kills} kills`;
  return `${seconds.toFixed(0)} s, ${what}, ${acknowledged.toLocaleString('en')} messages acknowledged, ${violations} violations`;
}

function tell(text: string): void {
  process.stderr.write(`${text}\n`);
}
