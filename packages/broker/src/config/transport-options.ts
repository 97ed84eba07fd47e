import type { ProxyConfig, WebSocketConfig } from './config.js';
import type { ConfigDraft, ListenerDraft } from './draft.js';
import { broker, type Option, perListener } from './option.js';
import { flag, integer, type OptionType, oneOf, path, text } from './option-types.js';

const MAXIMUM_INTEGER = 2_147_483_647;
/** Less would be too little for the requests of some browsers. */
const MIN_HEADER_BYTES = 1024;
/** As Mosquitto makes Unix sockets: for the broker's user and group. */
const DEFAULT_SOCKET_MODE = 0o770;

const protocols = ['mqtt', 'websockets', 'http_api'] as const;
export type Protocol = (typeof protocols)[number];

const permissions: OptionType<number> = {
  kind: 'number',
  unit: '',
  range: '0 to 777, octal',
  expects: 'permissions of a file as three octal digits, such as 660',
  read: (value) => (/^0?[0-7]{3}$/.test(value) ? Number.parseInt(value, 8) : undefined),
};

const urlPath: OptionType<string> = {
  kind: 'text',
  unit: '',
  range: 'begins with /',
  expects: 'the path of a URL, which begins with a slash and has no ? or #, such as /mqtt',
  example: '/mqtt',
  read: (value) => (/^\/[^?#\s]*$/.test(value) ? value : undefined),
};

/** How the connections of a listener come in. */
export const transportOptions: readonly Option[] = [
  perListener('protocol', oneOf(...protocols), {
    default: 'mqtt',
    doc: 'mqtt and websockets are the same: every listener takes MQTT and MQTT over WebSocket, and the first byte of a connection tells which it is. A listener with http_api is not opened yet.',
    deviation: 'A listener takes MQTT and WebSocket, whichever of the two it is for.',
    set: (listener, protocol) => {
      listener.protocol = protocol;
    },
  }),
  perListener('bind_interface', text, {
    default: 'none',
    example: 'lo',
    doc: 'Network device whose addresses the listener is opened on, instead of the address of `listener`. The addresses are those that the device has at the start and at each reload.',
    deviation:
      'The listener is bound to the addresses of the device, not to the device, so it needs no special rights.',
    set: (listener, device) => {
      listener.device = device;
    },
  }),
  perListener('unix_socket_mode', permissions, {
    isOwn: true,
    reloadable: false,
    default: DEFAULT_SOCKET_MODE.toString(8),
    doc: 'Permissions of the Unix socket of `listener 0 /path`: those who may write to it may connect. 666 lets every user of the machine in.',
    set: (listener, mode) => {
      listener.socketMode = mode;
    },
  }),
  perListener('enable_proxy_protocol', oneOf('1', '2'), {
    default: 'off',
    example: '2',
    doc: 'The listener stands behind a proxy such as HAProxy or nginx, which says with a header of this version who each client is; connections without the header are closed. Whoever can reach the port can claim any address, so only the proxy should. With version 2 the proxy also tells how the client speaks TLS with it, and whose certificate it has.',
    set: (listener, version) => {
      listener.proxyVersion = version === '1' ? 1 : 2;
    },
  }),
  perListener('proxy_protocol_v2_require_tls', flag, {
    default: 'false',
    doc: 'Whether clients have to speak TLS with the proxy, which has to say so: send-proxy-v2-ssl for HAProxy.',
    set: (listener, required) => {
      listener.proxyRequiresTls = required;
    },
  }),
  perListener('websockets_origin', text, {
    isRepeatable: true,
    default: 'any',
    example: 'https://example.com',
    doc: 'Web pages of this origin may open WebSockets; all others get 403. May be repeated. Clients that are no browsers say no origin, and are let in.',
    set: (listener, origin) => {
      listener.webSocketOrigins.push(asBrowsersWrite(origin));
    },
  }),
  perListener('websockets_path', urlPath, {
    isOwn: true,
    default: 'any',
    doc: 'Path at which WebSockets are opened; others get 404.',
    set: (listener, asked) => {
      listener.webSocketPath = asked;
    },
  }),
  broker('packet_buffer_size', integer(0, MAXIMUM_INTEGER, 'bytes'), {
    aliases: ['websockets_headers_size'],
    default: '16384',
    doc: `Bytes of the HTTP header of a WebSocket client, with its cookies; fewer than ${MIN_HEADER_BYTES} count as ${MIN_HEADER_BYTES}. Nothing else of Cauldron has such a buffer.`,
    deviation: 'The default is not 4096, so that the cookies of a browser fit.',
    set: (config, bytes) => {
      config.packetBufferBytes = bytes;
    },
  }),
  broker('websockets_log_level', integer(0, MAXIMUM_INTEGER), {
    status: { kind: 'ignored', why: 'it is for libwebsockets, which Cauldron does not use' },
    default: '0',
    doc: 'Log levels of libwebsockets.',
    set: () => {},
  }),
  perListener('http_dir', path('/usr/share/mosquitto/www'), {
    status: { kind: 'planned', part: 'HTTP API' },
    default: 'none',
    doc: 'Folder of the files that the HTTP API shows to browsers.',
    set: () => {},
  }),
];

/** What a browser makes of it before it says it: without a path, without the usual port. */
function asBrowsersWrite(origin: string): string {
  const parsed = URL.canParse(origin) ? new URL(origin).origin : 'null';
  return parsed === 'null' ? origin : parsed;
}

export function socketModeOf({ socketMode }: ListenerDraft): number {
  return socketMode ?? DEFAULT_SOCKET_MODE;
}

/** Null: the listener stands behind no proxy. */
export function proxyOf({ proxyVersion, proxyRequiresTls, tls }: ListenerDraft): ProxyConfig | null {
  if (proxyVersion === null) return null;
  return { version: proxyVersion, requireTls: proxyRequiresTls, requireCertificate: tls.requireCertificate };
}

export function webSocketOf(listener: ListenerDraft, { packetBufferBytes }: ConfigDraft): WebSocketConfig {
  const { webSocketOrigins: origins, webSocketPath } = listener;
  return { origins, path: webSocketPath, maxHeaderBytes: Math.max(MIN_HEADER_BYTES, packetBufferBytes) };
}

/** Something about an option of a listener. `text` begins with the option's name. */
interface Remark {
  readonly option: string;
  readonly text: string;
}

/** What cannot be done behind a proxy, and would leave somebody without a protection that was asked for. */
export function proxyMismatches({ origins, proxyVersion, usesIdentity, ...listener }: ListenerDraft): Remark[] {
  const remarks: Remark[] = [];
  const say = (option: string, text: string): void => void remarks.push({ option, text: `${option} ${text}` });
  if (proxyVersion === null) {
    if (listener.proxyRequiresTls) say('proxy_protocol_v2_require_tls', "needs 'enable_proxy_protocol 2'.");
    return remarks;
  }
  for (const option of ['certfile', 'keyfile', 'psk_hint', 'psk_file']) {
    if (!origins.has(option)) continue;
    say(
      option,
      'does not go with enable_proxy_protocol: the proxy speaks TLS with the clients. Remove one of the two, or use another listener.',
    );
  }
  if (listener.usesSubject) {
    say(
      'use_subject_as_username',
      'does not go with enable_proxy_protocol: the proxy tells no more of a certificate than the common name. Use use_identity_as_username.',
    );
  }
  if (proxyVersion === 2) return remarks;
  const ofVersion2: [string, boolean][] = [
    ['proxy_protocol_v2_require_tls', listener.proxyRequiresTls],
    ['require_certificate', listener.tls.requireCertificate],
    ['use_identity_as_username', usesIdentity],
  ];
  for (const [option, isSet] of ofVersion2) {
    if (isSet) say(option, "needs 'enable_proxy_protocol 2': version 1 says nothing of TLS and of certificates.");
  }
  return remarks;
}

/** What has no effect on such a listener. */
export function transportDoubts(listener: ListenerDraft): Remark[] {
  const doubts: Remark[] = [];
  const say = (option: string, why: string): void => {
    doubts.push({ option, text: `${option} has no effect: ${why}` });
  };
  if (listener.protocol === 'http_api') {
    const text = 'protocol http_api: the listener is not opened, as this version has no HTTP API yet.';
    doubts.push({ option: 'protocol', text });
  }
  if (listener.path === null) {
    if (listener.socketMode !== null) say('unix_socket_mode', 'the listener has a port, and no Unix socket.');
  } else {
    if (listener.device !== null) say('bind_interface', 'the listener has a Unix socket, and no address.');
    if (listener.family !== null) say('socket_domain', 'the listener has a Unix socket, and no address.');
  }
  if (listener.proxyVersion !== null) {
    for (const option of ['cafile', 'capath', 'crlfile', 'ciphers', 'ciphers_tls1.3', 'tls_version', 'dhparamfile']) {
      if (listener.origins.has(option)) say(option, 'the proxy speaks TLS with the clients, so it is for the proxy.');
    }
  }
  return doubts;
}
