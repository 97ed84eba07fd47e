import { isTimestampFormat, LOG_TYPE_NAMES, logTypeOf } from '../admin/log.js';
import { broker, type Option, perListener } from './option.js';
import { duration, flag, integer, limit, type OptionType, oneOf, onlyFalse, text } from './option-types.js';
import { persistenceOptions } from './persistence-options.js';
import { tlsOptions } from './tls-options.js';

const MAXIMUM_PACKET_BYTES = 268_435_460; // what MQTT's length field can say, with the fixed header
const MAXIMUM_INTEGER = 2_147_483_647;

const versionList: OptionType<(3 | 4 | 5)[]> = {
  expects: 'a list of 3 (MQTT 3.1), 4 (3.1.1) and 5, such as 4,5',
  read(value) {
    const versions = value.split(',').map((part) => ([3, 4, 5] as const).find((v) => String(v) === part.trim()));
    return versions.every((version) => version !== undefined) ? versions : undefined;
  },
};

const logTypes: OptionType<number> = { expects: LOG_TYPE_NAMES.join(', '), read: logTypeOf };

const timestampFormat: OptionType<string> = {
  expects: 'a strftime format of %Y %m %d %H %M %S and other common letters',
  read: (value) => (isTimestampFormat(value) ? value : undefined),
};

const listenerOptions: readonly Option[] = [
  perListener('port', integer(0, 65_535), {
    default: '1883',
    doc: 'Port of the default listener. `listener` can do more. 0: any free port.',
    set: (listener, port) => {
      listener.port = port;
    },
  }),
  perListener('bind_address', text, {
    default: 'all addresses',
    doc: 'Address or host name of the default listener.',
    set: (listener, address) => {
      listener.address = address;
    },
  }),
  perListener('socket_domain', oneOf('ipv4', 'ipv6'), {
    default: 'both',
    doc: 'Restricts the listener to addresses of one kind.',
    set: (listener, family) => {
      listener.family = family;
    },
  }),
  perListener('protocol', oneOf('mqtt', 'websockets'), {
    default: 'mqtt',
    doc: 'Every listener takes both, MQTT and MQTT over WebSocket: the first byte of a connection tells which it is.',
    set: () => {},
  }),
  perListener('max_connections', limit(-1, 1, MAXIMUM_INTEGER, 'connections'), {
    default: '-1',
    doc: 'Live connections of this listener; those beyond it are closed at once.',
    set: (listener, count) => {
      listener.maxConnections = count;
    },
  }),
  perListener('listener_allow_anonymous', flag, {
    default: 'as allow_anonymous',
    doc: 'Whether clients without a user name may connect to this listener.',
    set: (listener, allowed) => {
      listener.allowAnonymous = allowed;
    },
  }),
  perListener('accept_protocol_versions', versionList, {
    default: '3,4,5',
    doc: 'MQTT versions that this listener speaks.',
    set: (listener, versions) => {
      listener.policy.acceptedVersions = versions;
    },
  }),
  perListener('max_qos', integer(0, 2), {
    aliases: ['maximum_qos'],
    default: '2',
    doc: 'Highest QoS with which clients of this listener may publish.',
    set: (listener, qos) => {
      listener.policy.maximumQoS = qos as 0 | 1 | 2;
    },
  }),
  perListener('max_topic_alias', integer(0, 65_535), {
    default: '10',
    doc: 'Topic aliases that a client may use towards the broker.',
    set: (listener, count) => {
      listener.policy.maxTopicAliasesFromClient = count;
    },
  }),
  perListener('max_topic_alias_broker', integer(0, 65_535), {
    default: '10',
    doc: 'Topic aliases that the broker uses towards a client that allows them.',
    set: (listener, count) => {
      listener.policy.maxTopicAliasesToClient = count;
    },
  }),
];

const clientOptions: readonly Option[] = [
  broker('allow_anonymous', flag, {
    reloadable: false,
    default: 'false; true if there is no listener',
    doc: 'Whether clients without a user name may connect.',
    set: (config, allowed) => {
      config.allowAnonymous = allowed;
    },
  }),
  broker('allow_zero_length_clientid', flag, {
    default: 'true',
    doc: 'Whether clients may leave the choice of their client id to the broker.',
    set: ({ settings }, allowed) => {
      settings.allowEmptyClientId = allowed;
    },
  }),
  broker('auto_id_prefix', text, {
    aliases: ['listener_auto_id_prefix'],
    default: 'auto-',
    doc: 'How client ids that the broker chooses begin. One for all listeners.',
    set(config, prefix) {
      const { autoIdPrefix, settings } = config;
      if (autoIdPrefix !== null && autoIdPrefix !== prefix) {
        return `is the same for all listeners, and it was '${autoIdPrefix}' further above`;
      }
      config.autoIdPrefix = prefix;
      settings.assignedClientIdPrefix = prefix;
      return undefined;
    },
  }),
  broker('max_keepalive', integer(0, 65_535, 'seconds'), {
    default: '0',
    doc: 'Longest keep-alive that a client may have; 0: any. MQTT 5 clients are told a shorter one, others refused.',
    set: ({ settings }, seconds) => {
      settings.maxKeepAliveS = seconds;
    },
  }),
  broker('persistent_client_expiration', duration, {
    default: 'never',
    doc: 'Sessions of clients that were away for longer are removed.',
    set: ({ settings }, seconds) => {
      settings.maxSessionExpiryS = seconds;
    },
  }),
  broker('connect_timeout', integer(1, 3600, 'seconds'), {
    default: '30',
    doc: 'Time that a connection has until its CONNECT is there. WebSocket handshakes count.',
    set: ({ settings }, seconds) => {
      settings.connectTimeoutMs = seconds * 1000;
    },
  }),
  broker('global_max_connections', limit(-1, 1, MAXIMUM_INTEGER, 'connections'), {
    default: '-1',
    doc: 'Live connections of all listeners together.',
    set: ({ settings }, count) => {
      settings.maxConnections = count;
    },
  }),
  broker('max_subscriptions', limit(0, 1, MAXIMUM_INTEGER, 'subscriptions'), {
    default: '100000',
    doc: 'Subscriptions of one client.',
    set: ({ settings }, count) => {
      settings.maxSubscriptions = count;
    },
  }),
  broker('response_topic_prefix', text, {
    default: 'response/',
    doc: 'Given to MQTT 5 clients that ask for response information.',
    set({ settings }, prefix) {
      if (/[+#]/.test(prefix)) return 'must not contain + or #';
      settings.responseTopicPrefix = prefix;
      return undefined;
    },
  }),
];

const messageOptions: readonly Option[] = [
  broker('max_inflight_messages', limit(0, 1, 65_535, 'messages'), {
    default: '20',
    doc: 'QoS 1 and 2 messages that may be unacknowledged for each client, in each direction. 1 keeps strict order.',
    set: ({ settings }, count) => {
      settings.maxInflightMessages = count;
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
    doc: 'Messages that wait for each client beyond those in flight.',
    set: ({ settings }, count) => {
      settings.maxQueuedMessages = count;
    },
  }),
  broker('max_queued_bytes', limit(0, 1, Number.MAX_SAFE_INTEGER, 'bytes'), {
    default: '0',
    doc: 'The same in bytes; whichever is reached first counts.',
    set: ({ settings }, bytes) => {
      settings.maxQueuedBytes = bytes;
    },
  }),
  broker('max_output_bytes', integer(1024, Number.MAX_SAFE_INTEGER, 'bytes'), {
    default: '16777216',
    doc: 'Bytes that may wait for a slow connection; beyond it QoS 0 messages to that client are dropped.',
    set: ({ settings }, bytes) => {
      settings.maxOutputBytes = bytes;
    },
  }),
  broker('max_publisher_wait', integer(0, 60_000, 'ms'), {
    default: '200',
    doc: 'How long publishers are not read for the sake of one subscriber that lags behind; 0: never.',
    set: ({ settings }, ms) => {
      settings.maxPublisherWaitMs = ms;
    },
  }),
  broker('max_topic_levels', integer(1, 65_535, 'levels'), {
    default: '200',
    doc: 'Levels of a topic or of a filter.',
    set: ({ settings }, levels) => {
      settings.maxTopicLevels = levels;
    },
  }),
  broker('queue_qos0_messages', flag, {
    default: 'false',
    doc: 'Whether QoS 0 messages wait for absent clients, too.',
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
  broker('allow_duplicate_messages', flag, {
    default: 'true',
    doc: 'Whether a client with overlapping subscriptions gets a message once for each of them.',
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
];

const logOptions: readonly Option[] = [
  broker('log_dest', text, {
    default: 'stderr',
    doc: 'stdout, stderr, none, or file and a path. May be repeated.',
    set(config, value) {
      const destinations = config.logDestinations ?? [];
      const [kind] = value.split(' ', 1);
      const path = value.slice(kind.length).trim();
      switch (kind) {
        case 'none':
          config.logDestinations = [];
          return undefined;
        case 'stdout':
        case 'stderr':
          config.logDestinations = [...destinations, { kind }];
          return undefined;
        case 'file':
          if (path === '') return "must be followed by a path: 'log_dest file /var/log/cauldron.log'";
          if (destinations.some((other) => other.kind === 'file')) return 'can name one file only';
          config.logDestinations = [...destinations, { kind, path }];
          return undefined;
        case 'syslog':
        case 'topic':
          return `does not support '${kind}' yet; use stdout, stderr or file`;
        default:
          return `must be stdout, stderr, none, or file and a path, not '${value}'`;
      }
    },
  }),
  broker('log_type', logTypes, {
    default: 'error, warning, notice and information',
    doc: `Which lines are written: ${LOG_TYPE_NAMES.join(', ')}. May be repeated.`,
    set: (config, bits) => {
      config.logTypes = bits === 0 ? 0 : (config.logTypes ?? 0) | bits;
    },
  }),
  broker('log_timestamp', flag, {
    default: 'true',
    doc: 'Whether each line begins with the time.',
    set: (config, stamped) => {
      config.logTimestamp = stamped;
    },
  }),
  broker('log_timestamp_format', timestampFormat, {
    default: 'seconds since 1970',
    doc: 'Format of that time, as strftime writes it: %Y-%m-%dT%H:%M:%S.',
    set: (config, format) => {
      config.logTimestampFormat = format;
    },
  }),
  broker('connection_messages', flag, {
    default: 'true',
    doc: 'Whether connecting and leaving clients are logged.',
    set: ({ settings }, logged) => {
      settings.connectionMessages = logged;
    },
  }),
];

const processOptions: readonly Option[] = [
  broker('pid_file', text, {
    reloadable: false,
    default: 'none',
    doc: 'File that holds the process id while the broker runs.',
    set: (config, path) => {
      config.pidFile = path;
    },
  }),
  broker('set_tcp_nodelay', flag, {
    reloadable: false,
    default: 'true',
    doc: 'False lets the system delay small writes to gather them. The broker gathers what it can itself.',
    set: (config, noDelay) => {
      config.noDelay = noDelay;
    },
  }),
  broker('per_listener_settings', onlyFalse('access rules for each listener are not there yet'), {
    default: 'false',
    doc: 'Whether access rules belong to listeners. Not there yet.',
    set: () => {},
  }),
];

/** All options but `listener`, which begins a block and is read by `validate.ts`. */
export const OPTIONS: readonly Option[] = [
  ...listenerOptions,
  ...tlsOptions,
  ...clientOptions,
  ...messageOptions,
  ...persistenceOptions,
  ...logOptions,
  ...processOptions,
];
