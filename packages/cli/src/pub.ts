import { setTimeout } from 'node:timers/promises';
import type { Client, ConnectOptions, PublishOptions } from '@cauldron/client';
import { type FlagTable, UsageError, type Values } from './command-line/arguments.js';
import { BatchedOutput } from './command-line/batched-output.js';
import { LineSplitter } from './command-line/line-splitter.js';
import { COMMON_FLAGS, OPTIONS_FILE_FLAG, runTool, type Tool } from './command-line/tool.js';
import {
  CLIENT_TOOL_DETAILS,
  CONNECTION_FLAGS,
  checkedTopicName,
  connectionTarget,
  qosOf,
} from './connection/connection-flags.js';
import { DebugLog } from './connection/debug-log.js';
import { describeFailure } from './connection/failure.js';
import { openConnection } from './connection/open-connection.js';
import { QOS_FLAG } from './connection/qos-flag.js';
import { countPayloads, PAYLOAD_FLAGS, payloadOf } from './pub/payload.js';
import { Publisher } from './pub/publisher.js';

const FLAGS = {
  topic: { short: '-t', long: '--topic', kind: 'text', value: 'TOPIC', doc: 'Topic to publish to.' },
  ...PAYLOAD_FLAGS,
  nothing: { ...PAYLOAD_FLAGS.nothing, doc: 'An empty message: clears a retained one.' },
  lines: { short: '-l', long: '--stdin-line', kind: 'switch', doc: 'Each line of the standard input is a message.' },
  qos: { ...QOS_FLAG, doc: '0 at most once, 1 at least once, 2 exactly once. Default 0.' },
  retain: { short: '-r', long: '--retain', kind: 'switch', doc: 'The broker keeps the message for later subscribers.' },
  repeat: {
    long: '--repeat',
    kind: 'integer',
    value: 'COUNT',
    lowest: 1,
    highest: 2_147_483_647,
    doc: 'Publishes the message this many times, other than -l. Default 1.',
  },
  repeatDelay: {
    long: '--repeat-delay',
    kind: 'decimal',
    value: 'SECONDS',
    lowest: 0,
    doc: 'Time between two repetitions. Default 0.',
  },
  ...CONNECTION_FLAGS,
  ...OPTIONS_FILE_FLAG,
  ...COMMON_FLAGS,
} as const satisfies FlagTable;

type PubValues = Values<typeof FLAGS>;

/** All that there is to know of the command line. */
export const PUB: Tool<typeof FLAGS> = {
  name: 'pub',
  summary: 'Publishes messages to an MQTT broker.',
  usage: '[-h HOST] [-p PORT] -t TOPIC {-m TEXT | -f FILE | -l | -s | -n} [options]',
  examples: [
    "-t garden/temperature -m '21.5'",
    '-h broker.example -u anna -P secret -q 1 -t garden/log -l < log.txt',
    '-t garden/temperature -r -n',
  ],
  flags: FLAGS,
  optionsFile: 'mosquitto_pub',
  details: CLIENT_TOOL_DETAILS,
};

/**
 * As with Mosquitto's tool, -l goes on when the broker was away: a log that is followed is to arrive for days. How much waits
 * meanwhile is bounded by the batches of the publisher.
 */
const PERSISTENT: ConnectOptions = {
  reconnect: { minDelayMs: 1_000, maxDelayMs: 10_000 },
  maximumQueuedMessages: Number.MAX_SAFE_INTEGER,
};

/** Messages with `--repeat` that are handed over at once. */
const REPEAT_BATCH = 1_000;

/** `cauldron pub`. @param program the name that it was called by, if another. @returns the exit status */
export function runPub(argv: string[], program?: string): Promise<number> {
  return runTool({ ...PUB, ...(program !== undefined && { program }) }, argv, pub);
}

async function pub(values: PubValues): Promise<number> {
  const target = connectionTarget(values);
  const topic = values.topic ?? target.topic;
  const given = countPayloads(values) + (values.lines ? 1 : 0);
  if (topic === null || given === 0) {
    throw new UsageError('Both topic (-t) and message (-m, -f, -l, -s or -n) are needed');
  }
  if (given > 1) throw new UsageError('Only one of -m, -f, -l, -s and -n can be given');
  checkedTopicName(topic);

  const payload = values.lines ? null : await payloadOf(values);
  const options: PublishOptions = { qos: qosOf(values.qos), retain: values.retain === true };
  if (target.options.protocolVersion === 5) options.properties = target.properties.publish;
  const warn = (text: string) => {
    if (!values.quiet) process.stderr.write(text);
  };
  const output = values.debug ? new BatchedOutput(process.stdout) : null;
  const log = output === null ? null : new DebugLog((line) => output.writeText(line));
  let client: Client | null = null;
  try {
    const trace = log === null ? null : log.trace.bind(log);
    client = await openConnection(target, { trace, ...(values.lines && PERSISTENT) });
    if (values.lines) tellOutages(client, warn);
    const publisher = new Publisher(client, topic, options, warn);
    if (payload === null) await publishLines(client, publisher);
    else await publishRepeatedly(client, publisher, payload, values);
    await client.disconnect({ properties: target.properties.disconnect });
    const error = await client.closed;
    if (error !== null) throw error;
    return 0;
  } catch (error) {
    const { text, exitCode } = describeFailure(error, target.url);
    warn(text);
    await client?.disconnect();
    return exitCode;
  } finally {
    await output?.end();
  }
}

/** Says once that the connection is gone, however many attempts fail. */
function tellOutages({ events }: Client, warn: (text: string) => void): void {
  let isAway = false;
  events.on('offline', ({ error }) => {
    if (!isAway) warn(`Warning: ${error.message}. Trying again.\n`);
    isAway = true;
  });
  events.on('online', () => {
    isAway = false;
  });
}

async function publishRepeatedly(
  client: Client,
  publisher: Publisher,
  payload: Uint8Array,
  { repeat = 1, repeatDelay = 0 }: PubValues,
): Promise<void> {
  const ended = new AbortController();
  const forget = client.events.on('close', () => ended.abort());
  for (let i = 1; i <= repeat; i++) {
    publisher.publish(payload);
    if (repeatDelay > 0 && i < repeat) {
      await publisher.nextBatch();
      // The end of the connection is told by the next message.
      await setTimeout(repeatDelay * 1_000, undefined, { signal: ended.signal }).catch(() => {});
    } else if (i % REPEAT_BATCH === 0) {
      await publisher.nextBatch();
    }
  }
  await publisher.finish();
  forget();
}

async function publishLines(client: Client, publisher: Publisher): Promise<void> {
  const input = process.stdin;
  // The next line may be far away, so the end of the connection has to end the reading.
  const forget = client.events.on('close', (error) => input.destroy(error ?? undefined));
  const splitter = new LineSplitter();
  for await (const chunk of input as AsyncIterable<Uint8Array>) {
    for (const line of splitter.push(chunk)) publisher.publish(line);
    await publisher.nextBatch();
  }
  forget();
  const last = splitter.end();
  if (last !== null) publisher.publish(last);
  await publisher.finish();
}
