import { pipeline } from 'node:stream/promises';
import { type Examined as ExaminedFile, isProblem, type StoreView, viewLmdbStore } from '@cauldron/broker';
import { isValidTopicFilter } from '@cauldron/codec';
import { type FlagTable, UsageError, type Values } from '../command-line/arguments.js';
import { ProgressLine } from '../command-line/progress-line.js';
import { HELP_FLAG, runTool, type Tool } from '../command-line/tool.js';
import { countText, sizeText } from '../command-line/units.js';
import { type Census, takeCensus } from './census.js';
import { type DumpFilter, partJson, partsOf, type StorePart } from './dump.js';
import { partLines } from './dump-text.js';
import { folderOf, reportingFailures } from './failure.js';
import { problemsOf } from './soundness.js';

const CheckExit = { SOUND: 0, NOT_SOUND: 1, NOT_READ: 2 } as const;

const JSON_FLAG = { long: '--json', kind: 'switch', doc: 'For programs: JSON instead of text.' } as const;

const STATS_FLAGS = { json: JSON_FLAG, ...HELP_FLAG } as const satisfies FlagTable;

export const STATS: Tool<typeof STATS_FLAGS> = {
  name: 'store stats',
  summary: 'Tells how much is in a store. DIR is its folder, persistence_location; default: the current one.',
  usage: '[DIR] [--json]',
  examples: ['/var/lib/cauldron'],
  flags: STATS_FLAGS,
};

/** `cauldron store stats`. */
export function runStats(argv: readonly string[]): Promise<number> {
  return runTool(STATS, argv, ({ json }, operands) =>
    looking(folderOf(operands), async (view, folder) => {
      const { formatVersion, fileBytes, store } = view;
      const { usedBytes } = store.stats;
      const facts = { folder, formatVersion, fileBytes, usedBytes, ...takeCensus(store) };
      process.stdout.write(json === true ? `${JSON.stringify(facts, null, 2)}\n` : statsText(facts));
      return 0;
    }),
  );
}

interface StatsFacts extends Census {
  readonly folder: string;
  readonly formatVersion: number;
  readonly fileBytes: number;
  readonly usedBytes: number;
}

function statsText(facts: StatsFacts): string {
  const { sessions, connected, queuedMessages, queuedBytes, retained, retainedBytes, fileBytes, usedBytes } = facts;
  const { longestAway, longestQueue } = facts;
  const rows: [string, string][] = [
    ['Folder', facts.folder],
    ['Format version', String(facts.formatVersion)],
    ['File', `${sizeText(fileBytes)}, ${sizeText(Math.max(0, fileBytes - usedBytes))} of them free`],
    ['Sessions', `${sessions.toLocaleString('en')}, ${connected.toLocaleString('en')} of them connected`],
    ['Subscriptions', facts.subscriptions.toLocaleString('en')],
    ['Queued messages', `${queuedMessages.toLocaleString('en')}, ${sizeText(queuedBytes)}`],
    ['In flight', `${facts.inflight.toLocaleString('en')} out, ${facts.inbound.toLocaleString('en')} in`],
    ['Retained messages', `${retained.toLocaleString('en')}, ${sizeText(retainedBytes)}`],
  ];
  if (longestQueue !== null) {
    rows.push(['Longest queue', `${countText(longestQueue.messages, 'message')} for ${longestQueue.clientId}`]);
  }
  if (longestAway !== null) {
    rows.push(['Longest away', `${longestAway.clientId}, since ${new Date(longestAway.sinceMs).toISOString()}`]);
  }
  return rows.map(([name, value]) => `${name.padEnd(18)} ${value}\n`).join('');
}

export const CHECK: Tool<typeof HELP_FLAG> = {
  name: 'store check',
  summary: `Reads all of a store and tells what cannot be read or does not fit together. Changes nothing.
DIR is its folder, persistence_location; default: the current one.
Exit status: 0 when all is well, 1 when something is not, 2 when it could not be looked at.`,
  usage: '[DIR]',
  examples: ['/var/lib/cauldron'],
  flags: HELP_FLAG,
  notes: '\nA broker that starts with a damaged store saves what can be read, and keeps the damaged file beside it.\n',
};

/** `cauldron store check`. */
export function runCheck(argv: readonly string[]): Promise<number> {
  return runTool(CHECK, argv, (_values, operands) => looking(folderOf(operands), check, CheckExit.NOT_READ));
}

async function check(view: StoreView): Promise<number> {
  const progress = new ProgressLine();
  let problems = 0;
  const tell = (problem: string): void => {
    progress.clear();
    problems++;
    process.stdout.write(`${problem}\n`);
  };
  for (const found of view.examine()) {
    if (isProblem(found)) tell(`${found.table}: ${found.what}`);
    else progress.show(() => `${shardText(found)} looked at`);
  }
  const counts = { sessions: 0, messages: 0, retained: 0 };
  for (const problem of problemsOf(view.store, counts, () => progress.show(() => `${countsText(counts)} read`))) {
    tell(problem);
  }
  progress.clear();
  const verdict = problems === 0 ? 'All is well' : countText(problems, 'problem');
  process.stdout.write(`${verdict}: ${countsText(counts)} read.\n`);
  return problems === 0 ? CheckExit.SOUND : CheckExit.NOT_SOUND;
}

function shardText({ shard, shards }: ExaminedFile): string {
  return `${Math.round((100 * (shard + 1)) / shards)} % of the file`;
}

function countsText({ sessions, messages, retained }: Parameters<typeof problemsOf>[1]): string {
  const parts = [countText(sessions, 'session'), countText(messages, 'queued message')];
  return `${parts.join(', ')}, ${countText(retained, 'retained message')}`;
}

const DUMP_FLAGS = {
  json: { ...JSON_FLAG, doc: 'For programs: a line of JSON for each session, message in flight, queued and retained.' },
  client: { long: '--client', kind: 'text', value: 'ID', doc: 'Only the session of this client.' },
  topic: {
    long: '--topic',
    kind: 'text',
    value: 'FILTER',
    doc: 'Only messages whose topic matches this filter; no sessions.',
  },
  ...HELP_FLAG,
} as const satisfies FlagTable;

export const DUMP: Tool<typeof DUMP_FLAGS> = {
  name: 'store dump',
  summary: `Shows what is in a store: sessions with all that belongs to them, and retained messages.
DIR is its folder, persistence_location; default: the current one. Payloads that are no UTF-8 text are in base64 with
--json, else in hex; times are milliseconds since 1970 in JSON. Passwords are never in a store.`,
  usage: '[DIR] [options]',
  examples: ['/var/lib/cauldron', "/var/lib/cauldron --json --topic 'sensors/#'"],
  flags: DUMP_FLAGS,
};

/** `cauldron store dump`. */
export function runDump(argv: readonly string[]): Promise<number> {
  return runTool(DUMP, argv, (values, operands) => {
    const filter = dumpFilter(values);
    const linesOf = values.json === true ? (part: StorePart) => [JSON.stringify(partJson(part))] : partLines;
    return looking(folderOf(operands), async ({ store }) => {
      await printLines(function* () {
        for (const part of partsOf(store, filter)) yield* linesOf(part);
      });
      return 0;
    });
  });
}

/** @throws UsageError */
function dumpFilter({ client, topic }: Values<typeof DUMP_FLAGS>): DumpFilter {
  if (topic !== undefined && !isValidTopicFilter(topic)) throw new UsageError(`'${topic}' is not a topic filter.`);
  return { clientId: client ?? null, topicFilter: topic ?? null };
}

const WRITE_CHARACTERS = 64 * 1024;

/** Prints as fast as somebody reads; when nobody does any more (`| head`), that is the end. */
async function printLines(lines: () => Iterable<string>): Promise<void> {
  const chunks = function* (): Generator<string> {
    let chunk = '';
    for (const line of lines()) {
      chunk += `${line}\n`;
      if (chunk.length < WRITE_CHARACTERS) continue;
      yield chunk;
      chunk = '';
    }
    if (chunk !== '') yield chunk;
  };
  try {
    await pipeline(chunks, process.stdout, { end: false });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EPIPE')) throw error;
  }
}

/** Opens the store in a folder for looking, also while a broker works in it. */
function looking(
  folder: string,
  look: (view: StoreView, folder: string) => Promise<number>,
  failed?: number,
): Promise<number> {
  return reportingFailures(async () => {
    const view = await viewLmdbStore(folder);
    try {
      return await look(view, folder);
    } finally {
      await view.close();
    }
  }, failed);
}
