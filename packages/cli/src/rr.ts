import type { PublishOptions, SubscribeOptions } from '@cauldron/client';
import { type FlagTable, UsageError, type Values } from './command-line/arguments.js';
import { COMMON_FLAGS, OPTIONS_FILE_FLAG, runTool, type Tool } from './command-line/tool.js';
import {
  CLIENT_TOOL_DETAILS,
  CONNECTION_FLAGS,
  type ConnectionTarget,
  checkedTopicName,
  connectionTarget,
  qosOf,
} from './connection/connection-flags.js';
import { QOS_FLAG } from './connection/qos-flag.js';
import { formatOf } from './format/format.js';
import { countPayloads, PAYLOAD_FLAGS, payloadOf } from './pub/payload.js';
import { Requester } from './rr/requester.js';

const RETAIN_HANDLING = { always: 0, new: 1, never: 2 } as const;

const FLAGS = {
  topic: { short: '-t', long: '--topic', kind: 'text', value: 'TOPIC', doc: 'Topic to publish the request to.' },
  responseTopic: {
    short: '-e',
    long: '--response-topic',
    kind: 'text',
    value: 'TOPIC',
    doc: 'Topic to which the response is to be published.',
  },
  ...PAYLOAD_FLAGS,
  qos: { ...QOS_FLAG, doc: 'QoS of request and response: 0, 1 or 2. Default 0.' },
  timeout: {
    short: '-W',
    kind: 'integer',
    value: 'SECONDS',
    lowest: 1,
    highest: 2_147_483,
    doc: 'Waits for this time at most, and ends with exit status 27 then.',
  },
  verbose: {
    short: '-v',
    long: '--verbose',
    kind: 'switch',
    group: 'output',
    doc: 'Prints the topic before the response.',
  },
  format: {
    short: '-F',
    kind: 'text',
    value: 'FORMAT',
    group: 'output',
    doc: 'Prints the response by this format, as of cauldron sub.',
  },
  pretty: { long: '--pretty', kind: 'switch', group: 'output', rare: true, doc: 'JSON of -F on several lines.' },
  noNewline: { short: '-N', kind: 'switch', group: 'output', doc: 'No line end after the response.' },
  latency: { long: '--latency', kind: 'switch', group: 'output', doc: 'Prints how long the response took to come.' },
  noRetained: {
    short: '-R',
    kind: 'switch',
    group: 'output',
    doc: 'A message that was retained is not the response.',
  },
  retainAsPublished: {
    long: '--retain-as-published',
    kind: 'switch',
    group: 'output',
    rare: true,
    doc: 'The response keeps the retain flag that it was published with. MQTT 5.',
  },
  retainHandling: {
    long: '--retain-handling',
    kind: 'choice',
    value: 'WHEN',
    choices: Object.keys(RETAIN_HANDLING),
    group: 'output',
    rare: true,
    doc: 'When a retained message comes: always, new (if the subscription is) or never. MQTT 5.',
  },
  ...CONNECTION_FLAGS,
  keepSession: { ...CONNECTION_FLAGS.keepSession, rare: true },
  unix: { ...CONNECTION_FLAGS.unix, rare: true },
  protocolVersion: { ...CONNECTION_FLAGS.protocolVersion, doc: 'MQTT version: 31, 311 or 5. Default 5.' },
  ...OPTIONS_FILE_FLAG,
  ...COMMON_FLAGS,
} as const satisfies FlagTable;

type RrValues = Values<typeof FLAGS>;

/** All that there is to know of the command line. */
export const RR: Tool<typeof FLAGS> = {
  name: 'rr',
  summary: 'Publishes a request, and prints the response to it.',
  usage: '[-h HOST] [-p PORT] -t TOPIC -e TOPIC {-m TEXT | -f FILE | -s | -n} [options]',
  examples: [
    '-t garden/pump/status -e answers/me -m now -W 5',
    '-h broker.example -t time -e answers/me -n --latency',
    "-t api/rooms -e answers/me -m list -F '%j' --pretty",
  ],
  flags: FLAGS,
  optionsFile: 'mosquitto_rr',
  details: CLIENT_TOOL_DETAILS,
};

/** `cauldron rr`. @param program the name that it was called by, if another. @returns the exit status */
export function runRr(argv: string[], program?: string): Promise<number> {
  return runTool({ ...RR, ...(program !== undefined && { program }) }, argv, rr);
}

async function rr(values: RrValues): Promise<number> {
  const target = connectionTarget({ ...values, protocolVersion: values.protocolVersion ?? '5' });
  const topic = values.topic ?? target.topic;
  const { responseTopic } = values;
  if (topic === null || responseTopic === undefined || countPayloads(values) === 0) {
    throw new UsageError('Topic (-t), response topic (-e) and message (-m, -f, -s or -n) are needed');
  }
  if (countPayloads(values) > 1) throw new UsageError('Only one of -m, -f, -s and -n can be given');
  checkedTopicName(topic);
  checkedTopicName(responseTopic);
  const { publish: properties } = target.properties;
  if (properties.responseTopic !== undefined) {
    throw new UsageError('The response topic is what -e says: -D publish response-topic is too much');
  }
  const complain = (text: string) => {
    if (!values.quiet) process.stderr.write(text);
  };
  const format = formatOf({
    format: values.format,
    isVerbose: values.verbose === true,
    hasNoLineEnd: values.noNewline === true,
    isPretty: values.pretty === true,
    complain,
  });
  const qos = qosOf(values.qos);
  const publish: PublishOptions = { qos };
  if (target.options.protocolVersion === 5) publish.properties = { ...properties, responseTopic };
  const requester = new Requester(
    {
      target,
      topic,
      payload: await payloadOf(values),
      publish,
      responseTopic,
      subscribe: subscribeOptions(values, target),
    },
    format,
    {
      complain,
      timeoutS: values.timeout ?? null,
      ignoresRetained: values.noRetained === true,
      showsLatency: values.latency === true,
      showsPackets: values.debug === true,
    },
  );
  return requester.run();
}

function subscribeOptions(values: RrValues, { properties: { subscribe } }: ConnectionTarget): SubscribeOptions {
  const { qos, retainAsPublished = false, retainHandling = 'always' } = values;
  const [subscriptionIdentifier] = subscribe.subscriptionIdentifiers ?? [];
  return {
    qos: qosOf(qos),
    retainAsPublished,
    retainHandling: RETAIN_HANDLING[retainHandling as keyof typeof RETAIN_HANDLING],
    ...(subscriptionIdentifier !== undefined && { subscriptionIdentifier }),
    ...(subscribe.userProperties && { userProperties: subscribe.userProperties }),
  };
}
