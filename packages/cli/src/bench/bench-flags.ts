import type { FlagTable } from '../command-line/arguments.js';
import { COMMON_FLAGS } from '../command-line/tool.js';
import { CONNECTION_FLAGS } from '../connection/connection-flags.js';
import { SHAPES } from './shape.js';

const MOST_CLIENTS = 1_000_000;

const {
  debug: _debug,
  keepSession: _keepSession,
  sessionExpiry: _sessionExpiry,
  willTopic: _willTopic,
  willPayload: _willPayload,
  willQos: _willQos,
  willRetain: _willRetain,
  maximumInflight: _maximumInflight,
  idPrefix: _idPrefix,
  quiet: _quiet,
  srv: _srv,
  ...REACHING
} = CONNECTION_FLAGS;

/** The flags of `cauldron bench` that say how to reach the broker: those of all client tools, as far as they make sense. */
const REACHING_FLAGS = {
  ...REACHING,
  url: { ...CONNECTION_FLAGS.url, doc: 'Broker: mqtt(s)|ws(s)://[USER[:PASSWORD]@]HOST[:PORT]' },
  scram: { ...CONNECTION_FLAGS.scram, group: 'connection' },
  id: {
    ...CONNECTION_FLAGS.id,
    rare: true,
    doc: 'What all client ids begin with. Default: bench and something random.',
  },
  unix: { ...CONNECTION_FLAGS.unix, rare: true },
  osCertificates: { ...CONNECTION_FLAGS.osCertificates, rare: true },
} as const satisfies FlagTable;

export const BENCH_FLAGS = {
  shape: {
    long: '--shape',
    kind: 'choice',
    value: 'SHAPE',
    choices: SHAPES,
    doc: 'pair (default: each publisher has its subscriber), fan-out, fan-in or tree (wildcards).',
  },
  publishers: {
    long: '--publishers',
    kind: 'integer',
    value: 'N',
    lowest: 1,
    highest: MOST_CLIENTS,
    doc: 'Clients that publish. Default 10; fan-out 1, fan-in 100, tree 20.',
  },
  subscribers: {
    long: '--subscribers',
    kind: 'integer',
    value: 'N',
    lowest: 0,
    highest: MOST_CLIENTS,
    doc: 'Clients that subscribe. Default as many; fan-out 100, fan-in 1, tree 20.',
  },
  idle: {
    long: '--idle',
    kind: 'integer',
    value: 'N',
    lowest: 0,
    highest: MOST_CLIENTS,
    doc: 'That many more connections, which do nothing.',
  },
  topics: {
    long: '--topics',
    kind: 'integer',
    value: 'N',
    lowest: 1,
    highest: 1_000_000,
    doc: 'Topics of each publisher, by turns. Default 1.',
  },
  qos: { short: '-q', long: '--qos', kind: 'integer', value: 'QOS', lowest: 0, highest: 2, doc: 'QoS. Default 0.' },
  retain: { short: '-r', long: '--retain', kind: 'switch', doc: 'Messages are retained; cleared in the end.' },
  size: {
    short: '-s',
    long: '--size',
    kind: 'text',
    value: 'BYTES',
    doc: 'Bytes of a payload, at least 16, or a range: 20-4096. Default 64.',
  },
  rate: {
    long: '--rate',
    kind: 'decimal',
    value: 'N',
    lowest: 0.01,
    doc: 'Open loop: N messages a second in all, sent on time whatever the broker does. Default: a closed loop.',
  },
  window: {
    long: '--window',
    kind: 'integer',
    value: 'N',
    lowest: 1,
    highest: 65_535,
    doc: 'Closed loop: messages of each publisher on their way. Default 20, at QoS 0 100.',
  },
  duration: { long: '--duration', kind: 'text', value: 'TIME', doc: 'What is measured: 30s, 5m. Default 10s.' },
  warmUp: { long: '--warm-up', kind: 'text', value: 'TIME', doc: 'Before it. Default 2s.' },
  count: {
    long: '--count',
    kind: 'integer',
    value: 'N',
    lowest: 1,
    highest: 2 ** 31,
    doc: 'Ends after N messages in all, without warm-up, instead of --duration.',
  },
  connectRate: {
    long: '--connect-rate',
    kind: 'decimal',
    value: 'N',
    lowest: 0.1,
    doc: 'At most N new connections a second. Default: as fast as they are taken.',
  },
  workers: {
    long: '--workers',
    kind: 'integer',
    value: 'N',
    lowest: 1,
    highest: 256,
    doc: 'Threads that share the clients. Default: one less than there are cores.',
  },
  topic: {
    short: '-t',
    long: '--topic',
    kind: 'text',
    value: 'TOPIC',
    rare: true,
    doc: 'What all topics begin with; something random follows. Default cauldron/bench.',
  },
  aliases: {
    long: '--aliases',
    kind: 'switch',
    rare: true,
    doc: 'Publishers send topic aliases, as many as the broker takes. MQTT 5.',
  },
  json: { long: '--json', kind: 'switch', doc: 'The result for programs.' },
  ...REACHING_FLAGS,
  ...COMMON_FLAGS,
} as const satisfies FlagTable;
