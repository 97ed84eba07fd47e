import { type Client, type Message, SubscribeRefused } from '@cauldron/client';
import { type FlagTable, UsageError, type Values } from '../command-line/arguments.js';
import { BatchedOutput } from '../command-line/batched-output.js';
import { COMMON_FLAGS } from '../command-line/tool.js';
import {
  CONNECTION_FLAGS,
  type ConnectionTarget,
  checkedTopicFilter,
  connectionTarget,
} from '../connection/connection-flags.js';
import { DebugLog } from '../connection/debug-log.js';
import { describeFailure } from '../connection/failure.js';
import { openConnection } from '../connection/open-connection.js';
import { readRetained } from './retained-reader.js';

/** The flags of all actions of `cauldron retained`, behind their own. */
export const RETAINED_FLAGS = {
  wait: {
    long: '--wait',
    kind: 'decimal',
    value: 'SECONDS',
    lowest: 0,
    doc: 'How long nothing must come before all messages are considered there. Default 0.5.',
  },
  ...CONNECTION_FLAGS,
  protocolVersion: { ...CONNECTION_FLAGS.protocolVersion, doc: 'MQTT version: 31, 311 or 5. Default 5.' },
  ...COMMON_FLAGS,
} as const satisfies FlagTable;

export type RetainedValues = Values<typeof RETAINED_FLAGS>;

const DEFAULT_WAIT_S = 0.5;

/** As Mosquitto's tools have it for what the access rules do not allow. */
export const DENIED_EXIT_CODE = 12;

/** A connection, and what is asked of it. */
export interface RetainedTask {
  readonly client: Client;
  /** Reads the messages that were asked for, until all are there, or the signal ends it. */
  readonly read: (onMessage: (message: Message) => void, signal?: AbortSignal) => Promise<void>;
  /** Where the broker is, for people. */
  readonly host: string;
  /** One line to the standard error, without its end; not with --quiet. */
  readonly say: (text: string) => void;
}

/**
 * Connects, does the work, disconnects, and says what went wrong.
 * @param operands the topic filters; that of -L is one more
 * @param byDefault the filter if there is none; null: there has to be one
 * @returns the exit status
 * @throws UsageError
 */
export async function withConnection(
  values: RetainedValues,
  operands: readonly string[],
  byDefault: string | null,
  work: (task: RetainedTask) => Promise<number>,
): Promise<number> {
  const target = connectionTarget({ ...values, protocolVersion: values.protocolVersion ?? '5' });
  const filters = filtersOf(operands, target, byDefault);
  const say = (text: string) => {
    if (!values.quiet) process.stderr.write(`${text}\n`);
  };
  const output = values.debug ? new BatchedOutput(process.stdout) : null;
  const log = output === null ? null : new DebugLog((line) => output.writeText(line));
  let client: Client | null = null;
  try {
    client = await openConnection(target, { trace: log === null ? null : log.trace.bind(log) });
    if (client.connack.properties?.retainAvailable === 0) say('This broker keeps no retained messages.');
    const read = readerOf(client, filters, (values.wait ?? DEFAULT_WAIT_S) * 1_000, say);
    const exitCode = await work({ client, read, host: target.url.host, say });
    await client.disconnect({ properties: target.properties.disconnect });
    const error = await client.closed;
    if (error !== null) throw error;
    return exitCode;
  } catch (error) {
    await client?.disconnect();
    if (error instanceof SubscribeRefused) {
      say(`Error: ${error.message}`);
      return DENIED_EXIT_CODE;
    }
    const { text, exitCode } = describeFailure(error, target.url);
    say(text.trimEnd());
    return exitCode;
  } finally {
    await output?.end();
  }
}

function readerOf(
  client: Client,
  filters: readonly string[],
  quietMs: number,
  say: (text: string) => void,
): RetainedTask['read'] {
  return async (onMessage, signal) => {
    const refused = await readRetained(client, filters, onMessage, { quietMs, ...(signal && { signal }) });
    for (const filter of refused) say(`Warning: The subscription to ${filter} was denied.`);
  };
}

function filtersOf(operands: readonly string[], { topic }: ConnectionTarget, byDefault: string | null): string[] {
  const given = topic === null ? [...operands] : [...operands, topic];
  if (given.length === 0 && byDefault !== null) given.push(byDefault);
  if (given.length === 0) throw new UsageError('Which messages? Give one or several topic filters');
  for (const filter of given) {
    checkedTopicFilter(filter);
    if (filter.startsWith('$share/')) {
      throw new UsageError(`${filter}: shared subscriptions get no retained messages; leave $share/GROUP/ out`);
    }
  }
  return given;
}
