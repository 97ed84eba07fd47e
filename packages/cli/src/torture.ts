import { mkdirSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type FlagTable, UsageError, type Values } from './arguments.js';
import { HELP_FLAG, runTool, type Tool } from './tool.js';
import { Arena, type ArenaResult, type Progress } from './torture/arena.js';
import { BrokerFailure } from './torture/broker-child.js';
import { commitTimes } from './torture/latencies.js';
import { type SheetContext, sheetJson, sheetText } from './torture/sheet.js';
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

const TOOL: Tool<typeof FLAGS> = {
  name: 'torture',
  summary: `Kills a broker again and again under load, and proves that nothing that it acknowledged is lost.
Starts a broker of its own, with SIGKILL as its only end; publishes, subscribes, retains, takes over, leaves wills; checks
each acknowledgement against what comes. Ctrl-C ends it early, with the sheet.
Exit status: 0 when nothing was lost, 1 when something was, 2 when the broker could not be started.`,
  usage: '[options]',
  examples: ['', '--minutes 10 --dir /mnt/sd-card', "--kills 20 --option 'persistence_sync interval'"],
  flags: FLAGS,
};

/** `cauldron torture`. */
export function runTorture(argv: readonly string[]): Promise<number> {
  return runTool(TOOL, argv, torture);
}

async function torture(values: TortureValues): Promise<number> {
  const parent = resolve(values.dir ?? '.');
  const folder = newFolder(parent);
  const seed = values.seed ?? Math.floor(Math.random() * SEEDS);
  tell(`The broker's files are in ${folder}. Seed ${seed}.`);
  if (isInMemory(folder)) tell('Warning: that folder is in memory, not on a disk: it says nothing about one.');
  const interruption = new AbortController();
  const interrupt = (): void => {
    if (interruption.signal.aborted) process.exit(ExitCode.COULD_NOT_RUN);
    interruption.abort();
  };
  process.on('SIGINT', interrupt);
  process.on('SIGTERM', interrupt);
  try {
    const commitMs = await commitTimes(folder);
    const arena = new Arena({
      command: brokerCommand(folder, values.options ?? []),
      logFile: join(folder, 'broker.log'),
      qos: qosOf(values.qos),
      durationMs: durationMs(values),
      maximumKills: values.kills ?? Number.POSITIVE_INFINITY,
      seed,
      signal: interruption.signal,
      betweenLives: () => Promise.resolve(),
      onProgress: showProgress,
    });
    const result = await arena.run();
    clearProgress();
    const context: SheetContext = { seed, folder, mode: 'kill', commitMs };
    process.stdout.write(values.json === true ? sheetJson(result, context) : sheetText(result, context));
    return verdict(result, folder);
  } catch (error) {
    if (!(error instanceof BrokerFailure)) throw error;
    clearProgress();
    process.stderr.write(`Error: ${error.message}\n`);
    return ExitCode.COULD_NOT_RUN;
  } finally {
    process.off('SIGINT', interrupt);
    process.off('SIGTERM', interrupt);
  }
}

/** The files of a broker that has done nothing wrong are of no interest. */
function verdict({ model }: ArenaResult, folder: string): number {
  if (model.findings.total > 0) return ExitCode.FAILED;
  rmSync(folder, { recursive: true });
  return ExitCode.PASSED;
}

function newFolder(parent: string): string {
  try {
    mkdirSync(parent, { recursive: true });
    return mkdtempSync(join(parent, 'cauldron-torture-'));
  } catch (error) {
    throw new UsageError(`No folder can be made in ${parent}: ${(error as Error).message}`);
  }
}

/** Writes the configuration. A line that the user gives stands in place of ours with the same name. */
function brokerCommand(folder: string, given: readonly string[]): string[] {
  const data = join(folder, 'data');
  mkdirSync(data);
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

function showProgress({ seconds, kills, acknowledged, violations, isSettling }: Progress): void {
  if (!process.stderr.isTTY) return;
  const what = isSettling ? 'checking' : `${kills} kills`;
  const text = `${seconds.toFixed(0)} s, ${what}, ${acknowledged.toLocaleString('en')} messages acknowledged, ${violations} violations`;
  process.stderr.write(`\r${text}\u001b[K`);
}

function clearProgress(): void {
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[K');
}

function tell(text: string): void {
  process.stderr.write(`${text}\n`);
}
