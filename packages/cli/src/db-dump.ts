import { readFileSync, statSync } from 'node:fs';
import { type MosquittoChunk, MosquittoDbError, readMosquittoDb } from '@cauldron/broker';
import { type FlagTable, UsageError, type Values } from './command-line/arguments.js';
import { BatchedOutput } from './command-line/batched-output.js';
import { COMMON_FLAGS, runTool, type Tool } from './command-line/tool.js';
import { dumpTexts } from './db-dump/dump-texts.js';
import { jsonDump } from './db-dump/json-dump.js';
import { clientLines, countsText } from './db-dump/statistics.js';

const FLAGS = {
  stats: { long: '--stats', kind: 'switch', doc: 'How many parts of each kind the file has.' },
  clientStats: {
    long: '--client-stats',
    kind: 'switch',
    doc: 'For each client: subscriptions (SC) and their bytes (SS), messages (MC) and theirs (MS).',
  },
  json: { long: '--json', kind: 'switch', doc: 'All of it as JSON; payloads are in base64.' },
  ...COMMON_FLAGS,
} as const satisfies FlagTable;

/** All that there is to know of the command line. */
export const DB_DUMP: Tool<typeof FLAGS> = {
  name: 'db-dump',
  program: 'mosquitto_db_dump',
  summary: `Shows what is in a mosquitto.db, the file that Mosquitto keeps with "persistence true"; or in the folder of a
store of this broker, as 'cauldron store dump' and 'cauldron store stats' do.`,
  usage: '[--stats | --client-stats | --json] FILE',
  examples: ['/var/lib/mosquitto/mosquitto.db', '--stats /var/lib/mosquitto/mosquitto.db'],
  flags: FLAGS,
  notes: 'Exit status: 0 done, 1 the file cannot be read, or is damaged.',
};

const FAILED = 1;

/** `mosquitto_db_dump`. Resolves with the exit status. */
export function runDbDump(argv: readonly string[]): Promise<number> {
  return runTool(DB_DUMP, argv, async (values, operands) => {
    const [path, ...others] = operands;
    const modes = [values.stats, values.clientStats, values.json].filter((mode) => mode === true);
    if (path === undefined || others.length > 0) throw new UsageError('One file has to be given');
    if (modes.length > 1) throw new UsageError('Only one of --stats, --client-stats and --json can be given');
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) return dumpStore(values, path);
    return dumpFile(values, path);
  });
}

async function dumpStore(values: Values<typeof FLAGS>, folder: string): Promise<number> {
  if (values.clientStats) throw new UsageError('--client-stats is for a mosquitto.db, not for a folder');
  const { runDump, runStats } = await import('./store/reading.js');
  if (values.stats) return runStats([folder]);
  return runDump(values.json ? ['--json', folder] : [folder]);
}

async function dumpFile(values: Values<typeof FLAGS>, path: string): Promise<number> {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    return complain(`Unable to open ${path}: ${(error as Error).message}`);
  }
  const chunks: MosquittoChunk[] = [];
  let damage: string | null = null;
  try {
    readMosquittoDb(bytes, (chunk) => chunks.push(chunk));
  } catch (error) {
    if (!(error instanceof MosquittoDbError)) throw error;
    damage = error.message;
  }
  // What stands before a damage is shown all the same.
  if (damage === null || chunks.length > 0) {
    const output = new BatchedOutput(process.stdout);
    for (const text of textsOf(values, chunks, bytes)) output.writeText(text);
    await output.end();
  }
  return damage === null ? 0 : complain(damage);
}

function textsOf(values: Values<typeof FLAGS>, chunks: readonly MosquittoChunk[], bytes: Uint8Array): Iterable<string> {
  if (values.stats) return [countsText(chunks)];
  if (values.clientStats) return clientLines(chunks);
  return values.json ? [jsonDump(chunks)] : dumpTexts(chunks, bytes);
}

function complain(text: string): number {
  process.stderr.write(`Error: ${text}${text.endsWith('.') ? '' : '.'}\n`);
  return FAILED;
}
