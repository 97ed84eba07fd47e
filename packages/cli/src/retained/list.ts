import type { Message } from '@cauldron/client';
import type { FlagTable } from '../command-line/arguments.js';
import { BatchedOutput } from '../command-line/batched-output.js';
import { runTool, type Tool } from '../command-line/tool.js';
import { countText, sizeText } from '../command-line/units.js';
import { visible } from '../decode/json-text.js';
import { payloadTimeMs } from '../decode/payload-times.js';
import { ageText } from './age.js';
import { RETAINED_FLAGS, withConnection } from './retained-flags.js';

const FLAGS = {
  json: { long: '--json', kind: 'switch', doc: 'For programs: an object of JSON for each message.' },
  ...RETAINED_FLAGS,
} as const satisfies FlagTable;

/** All that there is to know of the command line. */
export const RETAINED_LIST: Tool<typeof FLAGS> = {
  name: 'retained list',
  summary: `Lists retained messages: topic, size, and age where the payload says when it was made. On a terminal
a table, else lines of topic, bytes and time, with tabs between them. Without a FILTER, all that the
user may see.`,
  usage: '[FILTER ...] [-h HOST] [-p PORT] [options]',
  examples: ['', "'owntracks/#'", "'#' --json"],
  flags: FLAGS,
};

/** What is known of a retained message without its payload. */
export interface ListedMessage {
  readonly topic: string;
  /** Bytes of its payload. */
  readonly size: number;
  /** When it was made, by its payload, in milliseconds since 1970; null: it does not say. */
  readonly timeMs: number | null;
  /** Seconds until it expires, as the broker says; null: never, or not known. */
  readonly expiresInS: number | null;
}

export function listed({ topic, payload, properties }: Message): ListedMessage {
  return {
    topic,
    size: payload.length,
    timeMs: payloadTimeMs(payload),
    expiresInS: properties.messageExpiryInterval ?? null,
  };
}

/** `cauldron retained list`. */
export function runList(argv: readonly string[]): Promise<number> {
  return runTool(RETAINED_LIST, argv, (values, operands) =>
    withConnection(values, operands, '#', async ({ read, say }) => {
      const found = new Map<string, ListedMessage>();
      await read((message) => found.set(message.topic, listed(message)));
      const messages = [...found.values()].sort(byTopic);
      const output = new BatchedOutput(process.stdout);
      output.onGone = () => {};
      const nowMs = Date.now();
      const asTable = process.stdout.isTTY && values.json !== true;
      for (const line of asTable ? table(messages, nowMs) : lines(messages, nowMs, values.json === true)) {
        output.writeText(`${line}\n`);
      }
      await output.end();
      if (asTable || messages.length === 0) say(totalText(messages));
      return 0;
    }),
  );
}

/** By code units, as `sort` has it in the C locale. */
export function byTopic(a: ListedMessage, b: ListedMessage): number {
  return a.topic < b.topic ? -1 : a.topic > b.topic ? 1 : 0;
}

export function totalText(messages: readonly ListedMessage[]): string {
  const bytes = messages.reduce((sum, { size }) => sum + size, 0);
  return messages.length === 0
    ? 'There are no retained messages.'
    : `${countText(messages.length, 'retained message')}, ${sizeText(bytes)}`;
}

function* lines(messages: readonly ListedMessage[], nowMs: number, asJson: boolean): Generator<string> {
  for (const { topic, size, timeMs, expiresInS } of messages) {
    const time = timeMs === null ? null : new Date(timeMs).toISOString();
    if (!asJson) yield `${visible(topic)}\t${size}\t${time ?? ''}`;
    else {
      const age = timeMs === null ? {} : { time, ageSeconds: Math.floor((nowMs - timeMs) / 1_000) };
      yield JSON.stringify({ topic, size, ...age, ...(expiresInS !== null && { expiresInSeconds: expiresInS }) });
    }
  }
}

const WIDEST_TOPIC = 60;

/** Columns for people: the topic last, since it may be long. */
export function* table(messages: readonly ListedMessage[], nowMs: number): Generator<string> {
  const rows = messages.map(({ topic, size, timeMs, expiresInS }) => ({
    topic: visible(topic),
    size: sizeText(size),
    age: timeMs === null ? '' : ageText(nowMs - timeMs),
    expiry: expiresInS === null ? '' : `expires in ${ageText(expiresInS * 1_000)}`,
  }));
  const width = Math.min(WIDEST_TOPIC, Math.max(...rows.map(({ topic }) => topic.length)));
  for (const { topic, size, age, expiry } of rows) {
    yield `${topic.padEnd(width)}  ${size.padStart(9)}  ${age.padStart(7)}  ${expiry}`.trimEnd();
  }
}
