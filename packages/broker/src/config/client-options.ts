import { broker, type Option, security } from './option.js';
import { duration, flag, integer, limit, sizeLimit, text } from './option-types.js';

const MAXIMUM_INTEGER = 2_147_483_647;

/** Who may connect, and for how long; and what one client may have. */
export const clientOptions: readonly Option[] = [
  security('allow_anonymous', flag, {
    default: 'false; true if there is no listener',
    doc: 'Whether clients without a user name may connect.',
    set: (target, allowed) => {
      target.allowAnonymous = allowed;
    },
  }),
  security('allow_zero_length_clientid', flag, {
    default: 'true',
    doc: 'Whether clients may leave the choice of their client id to the broker.',
    set: (target, allowed) => {
      target.allowEmptyClientId = allowed;
    },
  }),
  security('auto_id_prefix', text, {
    default: 'auto-',
    example: 'auto-',
    doc: 'How client ids that the broker chooses begin.',
    deprecated: 'Write listener_auto_id_prefix below each listener.',
    set: (target, prefix) => {
      target.autoIdPrefix = prefix;
    },
  }),
  broker('clientid_prefixes', text, {
    default: 'none',
    example: 'kitchen-',
    doc: 'Only clients whose id begins with this text may connect; with use_username_as_clientid, the user name.',
    deprecated: 'Mosquitto will take it away.',
    set: ({ settings }, prefix) => {
      settings.clientIdPrefix = prefix;
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
    doc: 'Sessions of clients that were away for longer are removed; MQTT 5 clients that ask for more are told so.',
    set: ({ settings }, seconds) => {
      settings.maxSessionExpiryS = seconds;
    },
  }),
  broker('connect_timeout', integer(1, 3600, 'seconds'), {
    isOwn: true,
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
  broker('global_max_clients', limit(-1, 1, MAXIMUM_INTEGER, 'clients'), {
    default: '-1',
    doc: 'Sessions of all clients, connected or not. Beyond it, only clients that have one get in.',
    set: ({ settings }, count) => {
      settings.maxClients = count;
    },
  }),
  broker('memory_limit', sizeLimit, {
    default: '0',
    doc: 'Memory of heap and buffers, such as 500M or 2G; 0: no limit. Beyond it, new clients and messages that have to be kept are refused until there is less.',
    set: ({ settings }, bytes) => {
      settings.memoryLimitBytes = bytes;
    },
  }),
  broker('max_subscriptions', limit(0, 1, MAXIMUM_INTEGER, 'subscriptions'), {
    isOwn: true,
    default: '100000',
    doc: 'Subscriptions of one client.',
    set: ({ settings }, count) => {
      settings.maxSubscriptions = count;
    },
  }),
  broker('response_topic_prefix', text, {
    isOwn: true,
    default: 'response/',
    example: 'response/',
    doc: 'Given to MQTT 5 clients that ask for response information.',
    set({ settings }, prefix) {
      if (/[+#]/.test(prefix)) return 'must not contain + or #';
      settings.responseTopicPrefix = prefix;
      return undefined;
    },
  }),
];
