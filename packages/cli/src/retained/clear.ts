import { createInterface } from 'node:readline/promises';
import { type Client, PublishRefused } from '@cauldron/client';
import { type FlagTable, UsageError, type Values } from '../command-line/arguments.js';
import { ProgressLine } from '../command-line/progress-line.js';
import { runTool, type Tool } from '../command-line/tool.js';
import { countText } from '../command-line/units.js';
import { visible } from '../decode/json-text.js';
import { ageMs } from './age.js';
import { byTopic, type ListedMessage, listed, table, totalText } from './list.js';
import { DENIED_EXIT_CODE, RETAINED_FLAGS, type RetainedTask, withConnection } from './retained-flags.js';

const FLAGS = {
  olderThan: {
    long: '--older-than',
    kind: 'text',
    value: 'AGE',
    doc: 'Only those of this age at least, such as 12h, 30d or 4w; none whose payload does not say when it was made.',
  },
  dryRun: { long: '--dry-run', kind: 'switch', doc: 'Shows what would be cleared, and clears nothing.' },
  yes: { short: '-y', long: '--yes', kind: 'switch', doc: 'Does not ask.' },
  ...RETAINED_FLAGS,
} as const satisfies FlagTable;

/** All that there is to know of the command line. */
export const RETAINED_CLEAR: Tool<typeof FLAGS> = {
  name: 'retained clear',
  summary: `Clears retained messages: shows them, asks, publishes an empty retained message to each topic,
and looks whether they are gone. Exit status 12: some are still there.`,
  usage: 'FILTER ... [-h HOST] [-p PORT] [options]',
  examples: [
    "'owntracks/old-phone/#' --dry-run",
    "'homeassistant/#' --older-than 30d",
    'home/kitchen/light --yes --quiet',
  ],
  flags: FLAGS,
  details: `An age is taken from the payload: by the first of the members tst, timestamp, time, ts, created_at,
datetime and date of a JSON object that is a number of seconds, milliseconds, microseconds or
nanoseconds since 1970, or a time of ISO 8601 with a zone.`,
};

/** Messages that are on their way at once. */
const BATCH = 500;
/** Rows that are shown before it is asked. */
const SHOWN = 20;

/** `cauldron retained clear`. */
export function runClear(argv: readonly string[]): Promise<number> {
  return runTool(RETAINED_CLEAR, argv, (values, operands) => {
    const olderThanMs = values.olderThan === undefined ? null : ageMs(values.olderThan);
    if (!values.yes && !values.dryRun && !process.stdin.isTTY) {
      throw new UsageError('There is no terminal to ask at: give --yes, or --dry-run to see what would be cleared');
    }
    return withConnection(values, operands, null, (task) => clear(task, values, olderThanMs));
  });
}

async function clear(task: RetainedTask, values: Values<typeof FLAGS>, olderThanMs: number | null): Promise<number> {
  const { client, read, host, say } = task;
  const found = new Map<string, ListedMessage>();
  await read((message) => found.set(message.topic, listed(message)));
  const nowMs = Date.now();
  const all = [...found.values()].sort(byTopic);
  const chosen = olderThanMs === null ? all : all.filter((one) => isOlder(one, nowMs - olderThanMs));
  const shown = values.dryRun ? chosen : values.yes ? [] : chosen.slice(0, SHOWN);
  for (const row of table(shown, nowMs)) process.stdout.write(`${row}\n`);
  if (shown.length > 0 && shown.length < chosen.length)
    process.stdout.write(`... ${chosen.length - shown.length} more\n`);
  if (olderThanMs !== null) say(leftText(all, chosen.length));
  if (chosen.length === 0) {
    say(all.length === 0 ? 'There are no such retained messages.' : 'Nothing is to be cleared.');
    return 0;
  }
  if (values.dryRun) {
    say(`${totalText(chosen)} would be cleared.`);
    return 0;
  }
  if (!values.yes && !(await isConfirmed(`Clear ${totalText(chosen)} on ${host}?`))) {
    say('Nothing was cleared.');
    return 0;
  }
  const topics = new Set(chosen.map(({ topic }) => topic));
  const refusal = await publishEmpty(client, topics);
  const left = await topicsLeft(task, topics);
  say(`Cleared ${countText(topics.size - left.size, 'retained message')}.`);
  if (left.size === 0) return 0;
  const reason = refusal === null ? 'the broker did not clear them, or they were published again' : refusal;
  say(`${countText(left.size, 'message')} still there (${reason}), such as ${visible([...left][0])}`);
  return DENIED_EXIT_CODE;
}

function isOlder({ timeMs }: ListedMessage, beforeMs: number): boolean {
  return timeMs !== null && timeMs <= beforeMs;
}

/** What `--older-than` leaves alone, and why. */
function leftText(all: readonly ListedMessage[], chosen: number): string {
  const unknown = all.filter(({ timeMs }) => timeMs === null).length;
  const young = all.length - chosen - unknown;
  return `Left alone: ${young.toLocaleString('en')} younger, ${unknown.toLocaleString('en')} of unknown age.`;
}

async function isConfirmed(question: string): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const closed = new AbortController();
  terminal.once('close', () => closed.abort());
  try {
    return /^y(es)?$/i.test((await terminal.question(`${question} [y/N] `, { signal: closed.signal })).trim());
  } catch {
    return false; // Ctrl-C or Ctrl-D
  } finally {
    terminal.close();
  }
}

/** @returns why the broker refused one of them, if it did and said so */
async function publishEmpty(client: Client, topics: ReadonlySet<string>): Promise<string | null> {
  const progress = new ProgressLine();
  let refusal: string | null = null;
  let count = 0;
  let batch: Promise<void>[] = [];
  for (const topic of topics) {
    const published = client.publish(topic, '', { qos: 1, retain: true }).then(
      () => {},
      (error: unknown) => {
        if (!(error instanceof PublishRefused)) throw error;
        refusal = error.reason;
      },
    );
    batch.push(published);
    count++;
    if (batch.length < BATCH) continue;
    progress.show(() => `${count.toLocaleString('en')} of ${countText(topics.size, 'message')}`);
    await Promise.all(batch);
    batch = [];
  }
  await Promise.all(batch);
  progress.clear();
  return refusal;
}

/** Before 5.0 a broker does not say that it refuses a message; so this is looked up. */
async function topicsLeft({ read }: RetainedTask, cleared: ReadonlySet<string>): Promise<ReadonlySet<string>> {
  const left = new Set<string>();
  await read(({ topic }) => {
    if (cleared.has(topic)) left.add(topic);
  });
  return left;
}
