import { mountPointFault } from '../core/mount-point.js';
import type { UsernameSource } from '../core/settings.js';
import type { ListenerDraft } from './draft.js';
import { type Option, perListener } from './option.js';
import { flag, integer, limit, type OptionType, oneOf, text } from './option-types.js';
import { speaksTls } from './tls-options.js';

const MAXIMUM_INTEGER = 2_147_483_647;

const versionList: OptionType<(3 | 4 | 5)[]> = {
  kind: 'list',
  unit: '',
  range: '3, 4, 5',
  expects: 'a list of 3 (MQTT 3.1), 4 (3.1.1) and 5, such as 4,5',
  read(value) {
    const parts = value.split(/[\s,]+/).filter((part) => part !== '');
    const versions = parts.map((part) => ([3, 4, 5] as const).find((v) => String(v) === part));
    return versions.length > 0 && versions.every((version) => version !== undefined) ? versions : undefined;
  },
};

/** What a listener is, and what it lets its clients do; access is in client-options. */
export const listenerOptions: readonly Option[] = [
  perListener('port', integer(0, 65_535), {
    default: '1883',
    doc: 'Port of the default listener. `listener` can do more. 0: any free port.',
    deprecated: "Write 'listener 1883' instead.",
    set: (listener, port) => {
      listener.port = port;
    },
  }),
  perListener('bind_address', text, {
    default: 'all addresses',
    example: '192.0.2.10',
    doc: 'Address or host name of the default listener.',
    deprecated: "Write 'listener 1883 192.0.2.10' instead.",
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
    example: 'kitchen-',
    doc: 'How client ids that the broker chooses for clients of this listener begin.',
    set: (listener, prefix) => {
      listener.security.autoIdPrefix = prefix;
    },
  }),
  perListener('mount_point', text, {
    default: 'none',
    example: 'kitchen/',
    doc: 'Put in front of each topic and filter of the clients of this listener, and taken away from what they get; a plain text, so it should end with a slash. Access rules see the whole topic. Clients are disconnected when it changes.',
    set: (listener, mountPoint) => {
      listener.policy.mountPoint = mountPoint;
      return mountPointFault(mountPoint) ?? undefined;
    },
  }),
  perListener('use_identity_as_username', flag, {
    default: 'false',
    doc: 'The user name is the common name in the client certificate, or the TLS-PSK identity; what CONNECT says does not count. A client without one is refused; one with a certificate needs no password.',
    set: (listener, used) => {
      listener.usesIdentity = used;
    },
  }),
  perListener('use_subject_as_username', flag, {
    default: 'false',
    doc: 'The same with the whole subject of the certificate, such as `CN=sensor,O=Example`. use_identity_as_username goes before it.',
    set: (listener, used) => {
      listener.usesSubject = used;
    },
  }),
  perListener('use_username_as_clientid', flag, {
    default: 'false',
    doc: 'The user name is the client id, whatever CONNECT says; clients without a user name are refused.',
    set: (listener, used) => {
      listener.policy.usesUsernameAsClientId = used;
    },
  }),
  perListener('accept_protocol_versions', versionList, {
    default: '3,4,5',
    doc: 'MQTT versions that this listener speaks; clients of others are disconnected when it changes.',
    set: (listener, versions) => {
      listener.policy.acceptedVersions = versions;
    },
  }),
  perListener('max_qos', integer(0, 2), {
    aliases: ['maximum_qos'],
    default: '2',
    doc: 'Highest QoS with which clients of this listener may publish, and get messages. MQTT 5 clients that are connected keep what they were told.',
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

/** Where the user names of its clients come from: without TLS nothing but CONNECT can say one, as with Mosquitto. */
export function usernameSourceOf(listener: ListenerDraft): UsernameSource {
  if (!knowsIdentities(listener)) return 'connect';
  if (listener.usesIdentity) return 'identity';
  return listener.usesSubject ? 'subject' : 'connect';
}

/** What is said about a listener and does not do what its writer may expect. `text` begins with the option's name. */
export function listenerDoubts(listener: ListenerDraft): { readonly option: string; readonly text: string }[] {
  const doubts = [];
  const identity = listener.usesIdentity ? 'use_identity_as_username' : 'use_subject_as_username';
  if ((listener.usesIdentity || listener.usesSubject) && !knowsIdentities(listener)) {
    const text = `${identity} has no effect: the listener does not speak TLS. User names and passwords are asked for.`;
    doubts.push({ option: identity, text });
  }
  const { mountPoint } = listener.policy;
  if (mountPoint !== '' && !mountPoint.endsWith('/')) {
    const text = `mount_point ${mountPoint} does not end with a slash: a client's topic 'x' becomes '${mountPoint}x', and filters that begin with a wildcard are refused.`;
    doubts.push({ option: 'mount_point', text });
  }
  return doubts;
}

/** Whether it can learn who a client is before its CONNECT. */
function knowsIdentities(listener: ListenerDraft): boolean {
  return speaksTls(listener) || listener.proxyVersion === 2;
}
