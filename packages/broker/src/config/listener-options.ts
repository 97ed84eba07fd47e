import { type Option, perListener } from './option.js';
import { flag, integer, limit, type OptionType, oneOf, text } from './option-types.js';

const MAXIMUM_INTEGER = 2_147_483_647;

const versionList: OptionType<(3 | 4 | 5)[]> = {
  kind: 'list',
  unit: '',
  range: '3, 4, 5',
  expects: 'a list of 3 (MQTT 3.1), 4 (3.1.1) and 5, such as 4,5',
  read(value) {
    const versions = value.split(',').map((part) => ([3, 4, 5] as const).find((v) => String(v) === part.trim()));
    return versions.every((version) => version !== undefined) ? versions : undefined;
  },
};

/** What a listener is, and what it lets its clients do; access is in client-options. */
export const listenerOptions: readonly Option[] = [
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
      listener.security.allowAnonymous = allowed;
    },
  }),
  perListener('listener_auto_id_prefix', text, {
    default: 'as auto_id_prefix',
    doc: 'How client ids that the broker chooses for clients of this listener begin.',
    set: (listener, prefix) => {
      listener.security.autoIdPrefix = prefix;
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
