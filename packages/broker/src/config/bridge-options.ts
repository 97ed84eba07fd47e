import type { BridgeAddress, RestartDelay } from './bridge-config.js';
import { newBridgeDraft } from './bridge-draft.js';
import { readBridgeTopic } from './bridge-topic.js';
import { bridge, line, type Option } from './option.js';
import { flag, integer, type OptionType, oneOf, text } from './option-types.js';

const MAXIMUM_INTEGER = 2_147_483_647;
const MAXIMUM_PACKET_BYTES = 268_435_460;
/** Means `never`. */
const LONGEST_SESSION_EXPIRY = 0xff_ff_ff_ff;
const DEFAULT_PORT = 1883;
const VERSIONS = { mqttv31: 3, mqttv311: 4, mqttv50: 5 } as const;
const LEAST_KEEP_ALIVE_S = 5;
const RESTART_S = { longestBase: 3600, longestCap: 7200 };

const addressList: OptionType<BridgeAddress[]> = {
  kind: 'list',
  unit: '',
  range: 'host or host:port, separated by spaces',
  expects: 'one or more of host or host:port, separated by spaces; an IPv6 address needs the port',
  example: 'broker.example.org:1883',
  read(value) {
    const addresses = value.split(/\s+/).map(readAddress);
    return addresses.every((address) => address !== undefined) ? addresses : undefined;
  },
};

function readAddress(written: string): BridgeAddress | undefined {
  const [, host = written, port] = /^(.*):([^:]*)$/.exec(written) ?? [];
  if (host === '' || (port === undefined && host.includes(']'))) return undefined;
  const number = port === undefined ? DEFAULT_PORT : /^\d+$/.test(port) ? Number(port) : 0;
  if (number < 1 || number > 65_535) return undefined;
  return { host: host.replace(/^\[(.*)\]$/, '$1'), port: number };
}

/** Whole numbers, so many as `least` to `most` say. */
function integers(least: number, most: number, expects: string, example: string): OptionType<number[]> {
  return {
    kind: 'list',
    unit: 'seconds',
    range: expects,
    expects,
    example,
    read(value) {
      const words = value.split(/\s+/);
      if (words.length < least || words.length > most || !words.every((word) => /^\d{1,9}$/.test(word)))
        return undefined;
      return words.map(Number);
    },
  };
}

function restartDelay(baseS: number, capS: number | undefined, stableS: number): RestartDelay | undefined {
  const baseMs = Math.min(Math.max(baseS, 1), RESTART_S.longestBase) * 1000;
  if (capS === undefined) return { kind: 'constant', delayMs: baseMs };
  const capMs = Math.min(capS, RESTART_S.longestCap) * 1000;
  return capMs < baseMs ? undefined : { kind: 'jitter', baseMs, capMs, stableMs: stableS * 1000 };
}

/** `connection NAME`, and what may be said below it, but for TLS. */
export const bridgeOptions: readonly Option[] = [
  line('connection', text, {
    begins: 'bridge',
    isRepeatable: true,
    status: { kind: 'planned', part: 'bridges' },
    default: 'none',
    example: 'cloud',
    doc: 'Begins a bridge with this name, a connection to another broker. It needs an address and a topic.',
    set({ blocks, origin }, name) {
      const [first, next = '#'] = name.split(/\s+/);
      if (!next.startsWith('#')) return 'is followed by a name without spaces';
      return blocks.beginBridge(newBridgeDraft(first, origin));
    },
  }),
  bridge('address', addressList, {
    aliases: ['addresses'],
    default: 'none',
    doc: 'Where the other broker is; the port is 1883 if none is given. Of several, those behind the first are for the times when it does not answer.',
    set(draft, addresses) {
      if (draft.addresses.length > 0)
        return 'is there already; write all addresses in one line, with spaces between them';
      draft.addresses = addresses;
      return undefined;
    },
  }),
  bridge('topic', text, {
    isRepeatable: true,
    default: 'none; direction out, QoS 0, no prefixes',
    example: 'sensors/# both 1 home/ cloud/',
    doc: 'What goes over the bridge: pattern, then out, in or both, a QoS, a prefix here and a prefix there, all but the first optional. "" stands for nothing, quotes hold spaces.',
    set(draft, value) {
      const topic = readBridgeTopic(value);
      if (typeof topic === 'string') return topic;
      const said = JSON.stringify(topic);
      if (!draft.topics.some((other) => JSON.stringify(other) === said)) draft.topics = [...draft.topics, topic];
      return undefined;
    },
  }),
  bridge('remote_clientid', text, {
    aliases: ['clientid'],
    default: 'the name of this machine, a dot, and the name of the bridge',
    example: 'home.cloud',
    doc: 'Client id of the bridge at the other broker.',
    set: (draft, id) => {
      draft.remoteClientId = id;
    },
  }),
  bridge('remote_username', text, {
    aliases: ['username'],
    default: 'none',
    example: 'home',
    doc: 'User name of the bridge at the other broker.',
    set: (draft, name) => {
      draft.remoteUserName = name;
    },
  }),
  bridge('remote_password', text, {
    aliases: ['password'],
    isSecret: true,
    default: 'none',
    example: 'not-a-secret',
    doc: 'Password that goes with remote_username.',
    set: (draft, password) => {
      draft.remotePassword = password;
    },
  }),
  bridge('local_clientid', text, {
    default: 'local. and the remote_clientid',
    example: 'local.cloud',
    doc: 'Client id of the bridge at this broker; each bridge needs another.',
    set: (draft, id) => {
      draft.localClientId = id;
    },
  }),
  bridge('local_username', text, {
    default: 'none',
    example: 'bridge',
    doc: 'User name by which access rules know the bridge here.',
    set: (draft, name) => {
      draft.localUserName = name;
    },
  }),
  bridge('local_password', text, {
    isSecret: true,
    default: 'none',
    example: 'not-a-secret',
    doc: 'Password that goes with local_username.',
    set: (draft, password) => {
      draft.localPassword = password;
    },
  }),
  bridge('cleansession', flag, {
    default: 'false',
    doc: 'Whether the other broker forgets the session of the bridge when the connection ends.',
    set: (draft, isClean) => {
      draft.isCleanSession = isClean;
    },
  }),
  bridge('local_cleansession', flag, {
    default: 'as cleansession',
    doc: 'Whether this broker forgets it, and with it what waits to go out.',
    set: (draft, isClean) => {
      draft.isLocalCleanSession = isClean;
    },
  }),
  bridge('bridge_protocol_version', oneOf('mqttv31', 'mqttv311', 'mqttv50'), {
    default: 'mqttv311',
    doc: 'MQTT version that the bridge speaks.',
    set: (draft, version) => {
      draft.protocolVersion = VERSIONS[version];
    },
  }),
  bridge('keepalive_interval', integer(0, 65_535, 'seconds'), {
    default: '60',
    doc: 'Keep-alive of the connection; less than 5 counts as 5.',
    set: (draft, seconds) => {
      draft.keepAliveS = Math.max(seconds, LEAST_KEEP_ALIVE_S);
    },
  }),
  bridge('start_type', oneOf('automatic', 'lazy', 'once', 'manual'), {
    default: 'automatic',
    doc: 'automatic: with the broker, and again when the connection breaks. lazy: when threshold messages wait. once: with the broker, and never again.',
    set(draft, type) {
      if (type === 'manual') return 'has no manual, as in Mosquitto; take automatic, lazy or once';
      draft.startType = type;
      return undefined;
    },
  }),
  bridge('threshold', integer(0, MAXIMUM_INTEGER, 'messages'), {
    default: '10',
    doc: 'How many messages have to wait before a lazy bridge connects; 0 counts as 1.',
    set: (draft, count) => {
      draft.threshold = Math.max(count, 1);
    },
  }),
  bridge('idle_timeout', integer(0, MAXIMUM_INTEGER, 'seconds'), {
    default: '60',
    doc: 'How long a lazy bridge stays connected without messages; 0 counts as 1.',
    set: (draft, seconds) => {
      draft.idleTimeoutMs = Math.max(seconds, 1) * 1000;
    },
  }),
  bridge('restart_timeout', integers(1, 3, 'one to three whole numbers of seconds', '5 30'), {
    default: '5 30',
    doc: 'Wait before the bridge connects again: one number is always that, from 1 to 3600; two are the bounds of a random wait that grows, up to 7200; a third is how long a connection has to last before it begins anew.',
    set(draft, [baseS, capS, stableS = 0]) {
      const delay = restartDelay(baseS, capS, stableS);
      if (delay === undefined) return 'has its longest wait second, and that must not be below the first number';
      draft.restart = delay;
      return undefined;
    },
  }),
  bridge('round_robin', flag, {
    default: 'false',
    doc: 'False: the first address is the one to prefer, and tried again and again while another is in use. True: all are equal.',
    set: (draft, isRoundRobin) => {
      draft.isRoundRobin = isRoundRobin;
    },
  }),
  bridge('notifications', flag, {
    default: 'true',
    doc: 'Whether a retained 1 or 0 tells on both sides whether the bridge is connected.',
    set: (draft, notifies) => {
      draft.notifies = notifies;
    },
  }),
  bridge('notifications_local_only', flag, {
    default: 'false',
    doc: 'Whether only this side is told.',
    set: (draft, isLocal) => {
      draft.notifiesLocalOnly = isLocal;
    },
  }),
  bridge('notification_topic', text, {
    default: '$SYS/broker/connection/, the remote_clientid, and /state',
    example: 'bridges/cloud/state',
    doc: 'Topic of these messages.',
    set: (draft, topic) => {
      draft.notificationTopic = topic;
    },
  }),
  bridge('try_private', flag, {
    default: 'true',
    doc: 'Whether the bridge says that it is one, so that the other broker keeps RETAIN as it is and sends nothing back. Needs Mosquitto or Cauldron there.',
    set: (draft, tries) => {
      draft.triesPrivate = tries;
    },
  }),
  bridge('bridge_attempt_unsubscribe', flag, {
    default: 'true',
    doc: 'Whether the other broker is asked to drop subscriptions to topics that only go out.',
    set: (draft, attempts) => {
      draft.unsubscribesOutTopics = attempts;
    },
  }),
  bridge('bridge_outgoing_retain', flag, {
    default: 'true',
    doc: 'False: messages go out without RETAIN.',
    set: (draft, isKept) => {
      draft.keepsRetainOutgoing = isKept;
    },
  }),
  bridge('bridge_bind_address', text, {
    default: 'any',
    example: '192.0.2.10',
    doc: 'Address of this machine that the connection is made from.',
    set: (draft, address) => {
      draft.bindAddress = address;
    },
  }),
  bridge('bridge_reload_type', oneOf('lazy', 'immediate'), {
    default: 'lazy',
    doc: 'When changed settings take effect after a reload: with the next connection, or at once.',
    set: (draft, type) => {
      draft.reload = type;
    },
  }),
  bridge('bridge_max_packet_size', integer(0, MAXIMUM_PACKET_BYTES, 'bytes'), {
    default: '0',
    doc: 'Largest packet that goes out, if the other broker does not allow less; 0: no limit.',
    set: (draft, bytes) => {
      draft.maximumPacketSize = bytes === 0 ? Number.POSITIVE_INFINITY : bytes;
    },
  }),
  bridge('bridge_max_topic_alias', integer(0, 65_535), {
    default: '10',
    doc: 'Topic aliases that the other broker may use. For MQTT 5.',
    set: (draft, count) => {
      draft.maxTopicAliases = count;
    },
  }),
  bridge('bridge_receive_maximum', integer(1, 65_535, 'messages'), {
    default: 'as max_inflight_messages',
    example: '20',
    doc: 'QoS 1 and 2 messages that the other broker may send without waiting. For MQTT 5.',
    set: (draft, count) => {
      draft.receiveMaximum = count;
    },
  }),
  bridge('bridge_session_expiry_interval', integer(0, LONGEST_SESSION_EXPIRY, 'seconds'), {
    default: '0',
    doc: `How long the other broker keeps the session; ${LONGEST_SESSION_EXPIRY}: for ever. For MQTT 5.`,
    set: (draft, seconds) => {
      draft.sessionExpiryS = seconds === LONGEST_SESSION_EXPIRY ? Number.POSITIVE_INFINITY : seconds;
    },
  }),
  bridge('bridge_tcp_keepalive', integers(3, 3, 'three whole numbers above 0: idle, interval and count', '60 10 3'), {
    default: 'as the system has it',
    doc: 'TCP keep-alive: seconds without data until the first probe, seconds between probes, and how many.',
    set(draft, [idleS, intervalS, count]) {
      if (Math.min(idleS, intervalS, count) === 0) return 'takes only numbers above 0';
      draft.tcpKeepAlive = { idleS, intervalS, count };
      return undefined;
    },
  }),
  bridge('bridge_tcp_user_timeout', integer(0, MAXIMUM_INTEGER, 'ms'), {
    default: 'as the system has it',
    example: '30000',
    doc: 'How long sent data may stay unacknowledged before the connection counts as broken; 0: as the system has it.',
    set: (draft, ms) => {
      draft.tcpUserTimeoutMs = ms === 0 ? null : ms;
    },
  }),
];
