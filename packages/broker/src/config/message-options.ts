import { broker, type Option } from './option.js';
import { flag, integer, limit } from './option-types.js';

const MAXIMUM_PACKET_BYTES = 268_435_460; // what MQTT's length field can say, with the fixed header
const MAXIMUM_PAYLOAD_BYTES = 268_435_455;
const MAXIMUM_INTEGER = 2_147_483_647;
const MS_PER_MINUTE = 60_000;

/** What messages may be, and how they are delivered. */
export const messageOptions: readonly Option[] = [
  broker('max_inflight_messages', limit(0, 1, 65_535, 'messages'), {
    default: '20',
    doc: 'QoS 1 and 2 messages that may be unacknowledged for each client, in each direction. 1 keeps strict order.',
    set: ({ settings }, count) => {
      settings.maxInflightMessages = count;
    },
  }),
  broker('max_inflight_bytes', limit(0, 1, MAXIMUM_INTEGER, 'bytes'), {
    default: '0',
    doc: 'Bytes of payload with QoS 1 and 2 that may be unacknowledged by each client. The next message goes out while fewer are, so a larger one goes out alone.',
    set: ({ settings }, bytes) => {
      settings.maxInflightBytes = bytes;
    },
  }),
  broker('message_size_limit', limit(0, 1, MAXIMUM_PAYLOAD_BYTES, 'bytes'), {
    default: '0',
    doc: 'Largest payload that is passed on. A larger one is acknowledged and dropped, MQTT 5 clients are told so. max_packet_size is better: it bounds what is read.',
    deprecated: 'Write max_packet_size, which counts the whole packet, instead.',
    set: ({ settings }, bytes) => {
      settings.maxPayloadBytes = bytes;
    },
  }),
  broker('max_packet_size', integer(20, MAXIMUM_PACKET_BYTES, 'bytes'), {
    default: '2000000',
    doc: 'Largest packet that is taken from a client.',
    set: ({ settings }, bytes) => {
      settings.maximumPacketSize = bytes;
    },
  }),
  broker('max_queued_messages', limit(0, 1, MAXIMUM_INTEGER, 'messages'), {
    default: '1000',
    doc: 'Messages that wait for each client beyond those in flight. Those that come later are dropped; what has expired makes room.',
    set: ({ settings }, count) => {
      settings.maxQueuedMessages = count;
    },
  }),
  broker('max_queued_bytes', limit(0, 1, Number.MAX_SAFE_INTEGER, 'bytes'), {
    default: '0',
    doc: 'The same in bytes of topics, payloads and properties; whichever is reached first counts. The last message may pass it.',
    set: ({ settings }, bytes) => {
      settings.maxQueuedBytes = bytes;
    },
  }),
  broker('max_output_bytes', integer(1024, Number.MAX_SAFE_INTEGER, 'bytes'), {
    isOwn: true,
    default: '16777216',
    doc: 'Bytes that may wait for a slow connection; beyond it QoS 0 messages to that client are dropped.',
    set: ({ settings }, bytes) => {
      settings.maxOutputBytes = bytes;
    },
  }),
  broker('max_publisher_wait', integer(0, 60_000, 'ms'), {
    isOwn: true,
    default: '200',
    doc: 'How long publishers are not read for the sake of one subscriber that lags behind; 0: never.',
    set: ({ settings }, ms) => {
      settings.maxPublisherWaitMs = ms;
    },
  }),
  broker('max_topic_levels', integer(1, 65_535, 'levels'), {
    isOwn: true,
    default: '200',
    doc: 'Levels of a topic or of a filter.',
    set: ({ settings }, levels) => {
      settings.maxTopicLevels = levels;
    },
  }),
  broker('queue_qos0_messages', flag, {
    default: 'false',
    doc: 'Whether QoS 0 messages wait for absent clients, too. Then they count as the others do.',
    set: ({ settings }, queued) => {
      settings.queueQoS0Messages = queued;
    },
  }),
  broker('retain_available', flag, {
    default: 'true',
    doc: 'Whether clients may publish retained messages.',
    set: ({ settings }, available) => {
      settings.retainAvailable = available;
    },
  }),
  broker('check_retain_source', flag, {
    default: 'true',
    doc: 'Whether a retained message is given out only while the client that published it may still write to its topic.',
    set: ({ settings }, isChecked) => {
      settings.checkRetainSource = isChecked;
    },
  }),
  broker('retain_expiry_interval', integer(0, 35_791, 'minutes'), {
    default: '0',
    doc: 'How often retained messages that have expired are looked for and removed; 0: each goes when somebody asks for its topic.',
    set: ({ settings }, minutes) => {
      settings.retainExpiryIntervalMs = minutes * MS_PER_MINUTE;
    },
  }),
  broker('allow_duplicate_messages', flag, {
    default: 'true',
    doc: 'Whether a client with overlapping subscriptions gets a message once for each of them.',
    deprecated: 'Mosquitto will take it away; true is what stays.',
    set: ({ settings }, allowed) => {
      settings.allowDuplicateMessages = allowed;
    },
  }),
  broker('upgrade_outgoing_qos', flag, {
    default: 'false',
    doc: 'Deliver with the QoS of the subscription, even if the message was published with less.',
    set: ({ settings }, upgraded) => {
      settings.upgradeOutgoingQoS = upgraded;
    },
  }),
  broker('retry_interval', integer(0, MAXIMUM_INTEGER, 'seconds'), {
    default: '20',
    status: { kind: 'ignored', why: 'messages are sent again when their client connects again, and not before' },
    doc: 'Once, how long old versions of Mosquitto waited before they sent a message again.',
    set: () => {},
  }),
];
