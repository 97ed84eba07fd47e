import type { FlagTable } from '../command-line/arguments.js';
import { COMMON_FLAGS, OPTIONS_FILE_FLAG } from '../command-line/tool.js';
import { CONNECTION_FLAGS } from '../connection/connection-flags.js';
import { QOS_FLAG } from '../connection/qos-flag.js';
import { decoderArity } from '../decode/payload-decoder.js';

/** What mosquitto_sub prints by, and mosquitto_rr, too. */
export const PRINT_FLAGS = {
  verbose: {
    short: '-v',
    long: '--verbose',
    kind: 'switch',
    group: 'output',
    doc: 'Prints the topic before each message.',
  },
  format: {
    short: '-F',
    kind: 'text',
    value: 'FORMAT',
    group: 'output',
    doc: "How a message is printed: %t topic, %p payload, %j JSON, @H:@M time ... See '--help-all'.",
  },
  noNewline: {
    short: '-N',
    kind: 'switch',
    group: 'output',
    rare: true,
    doc: 'No line end after each message.',
  },
  pretty: {
    long: '--pretty',
    kind: 'switch',
    group: 'output',
    rare: true,
    doc: 'JSON of %j, %J and --decode on several lines.',
  },
} as const satisfies FlagTable;

/** For the details of a help. */
export const FORMAT_DETAILS = `Formats, for -F:
  %t topic  %p payload  %x %X payload in hexadecimal  %l its length  %d %f payload as a double or
  float  %q QoS  %r retained  %m packet id  %j all as JSON, with the payload as text  %J with the
  payload as JSON  %I time as ISO 8601  %U as Unix time  %% a percent sign. Properties of MQTT 5:
  %A topic alias  %C content type  %D correlation data  %E expiry  %F format indicator  %P user
  properties  %R response topic  %S subscription identifier.
  %20t is 20 bytes wide, %-20t to the left, %020l with zeros, %.20t 20 bytes at most; %.2:x puts a
  colon between each two digits (or - . , ; _ / | + or a space).
  @H, and every other letter of strftime: a part of the local time; @N nanoseconds, @@ an @.
  \\\\ \\0 \\a \\e \\n \\r \\t \\v as in C.`;

/** The same for flags that one line does not explain. */
export const FILTER_DETAILS = `--since goes by the time that a JSON payload has: the first of tst, timestamp, time, ts, created_at,
datetime, date that is one, as Unix time or ISO 8601. A message without one counts as published when
it comes, but if it is retained, nobody knows when it was published: it is left out.`;

export const SUB_FLAGS = {
  topics: {
    short: '-t',
    long: '--topic',
    kind: 'list',
    value: 'FILTER',
    doc: 'Topic filter to subscribe to, with + and # as wildcards. Can be repeated.',
  },
  qos: { ...QOS_FLAG, doc: 'The highest QoS in which messages are to come. Default 0.' },
  count: {
    short: '-C',
    kind: 'integer',
    value: 'COUNT',
    lowest: 1,
    highest: 2_147_483_647,
    doc: 'Ends after this many messages.',
  },
  timeout: {
    short: '-W',
    kind: 'integer',
    value: 'SECONDS',
    lowest: 1,
    highest: 2_147_483,
    doc: 'Ends after this time, with exit status 27.',
  },
  exitAfterSubscribe: {
    short: '-E',
    kind: 'switch',
    rare: true,
    doc: 'Ends as soon as the broker has answered the subscriptions.',
  },
  filterOut: {
    short: '-T',
    long: '--filter-out',
    kind: 'list',
    value: 'FILTER',
    doc: 'Leaves out messages of matching topics. Can be repeated.',
  },
  noRetained: { short: '-R', kind: 'switch', doc: 'Leaves out messages that were retained.' },
  retainedOnly: {
    long: '--retained-only',
    kind: 'switch',
    rare: true,
    doc: 'Takes retained messages only, and ends with the first other one.',
  },
  removeRetained: {
    long: '--remove-retained',
    kind: 'switch',
    rare: true,
    doc: 'Clears each retained message that comes, but for those that -T leaves out.',
  },
  retainAsPublished: {
    long: '--retain-as-published',
    kind: 'switch',
    rare: true,
    doc: 'Messages keep the retain flag of their publisher. MQTT 5.',
  },
  retainHandling: {
    long: '--retain-handling',
    kind: 'choice',
    value: 'WHEN',
    choices: ['always', 'new', 'never'],
    rare: true,
    doc: 'When retained messages are sent: always, new (only for a new subscription) or never. MQTT 5.',
  },
  unsubscribe: {
    short: '-U',
    long: '--unsubscribe',
    kind: 'list',
    value: 'FILTER',
    rare: true,
    doc: 'Ends a subscription of a kept session. Can be repeated.',
  },
  randomFilter: {
    long: '--random-filter',
    kind: 'decimal',
    value: 'PERCENT',
    lowest: 0.1,
    rare: true,
    doc: 'Prints about so many of a hundred messages, chosen by chance.',
  },
  since: {
    long: '--since',
    kind: 'text',
    value: 'TIME',
    doc: 'Leaves out what is older: 10m, 2h, 3d ago, or an ISO time. Counts what the JSON says (tst, time ...).',
  },
  changes: {
    long: '--changes',
    kind: 'switch',
    doc: 'Leaves out messages that say the same as the one before on their topic.',
  },
  ...PRINT_FLAGS,
  color: {
    long: '--color',
    kind: 'choice',
    value: 'WHEN',
    choices: ['auto', 'always', 'never'],
    group: 'output',
    rare: true,
    doc: 'Colours: auto (on a terminal, unless NO_COLOR is set), always or never.',
  },
  decode: {
    long: '--decode',
    kind: 'group',
    value: 'NAME',
    arity: decoderArity,
    group: 'output',
    doc: 'Payloads as text: json, cbor, msgpack, protobuf FILE, sparkplug or hex. FILE:MESSAGE names a message of it.',
  },
  tree: { long: '--tree', kind: 'switch', group: 'output', doc: 'A live tree of topics, with rates and last values.' },
  watch: {
    short: '-w',
    long: '--watch',
    kind: 'switch',
    group: 'output',
    rare: true,
    doc: 'One line of the screen for each topic.',
  },
  countTopics: {
    long: '--count',
    kind: 'switch',
    group: 'output',
    doc: 'Instead of messages, their number for each topic at the end.',
  },
  stats: {
    long: '--stats',
    kind: 'switch',
    group: 'output',
    doc: 'Instead of messages, rates and sizes at the end. On a terminal, meanwhile, too.',
  },
  messageRate: {
    long: '--message-rate',
    kind: 'switch',
    group: 'output',
    rare: true,
    doc: 'Instead of messages, their number each second.',
  },
  record: {
    long: '--record',
    kind: 'text',
    value: 'FILE',
    group: 'output',
    doc: "Writes the messages into a file for 'cauldron replay', too.",
  },
  ...CONNECTION_FLAGS,
  ...OPTIONS_FILE_FLAG,
  ...COMMON_FLAGS,
} as const satisfies FlagTable;
