import { resolve } from 'node:path';
import { UsageError } from '../command-line/arguments.js';
import { asksForTls, type TlsValues } from './tls-flags.js';

/** The flags that say where the broker is. */
export interface AddressValues extends TlsValues {
  readonly url?: string;
  readonly host?: string;
  readonly port?: number;
  readonly unix?: string;
  readonly ws?: true;
  readonly srv?: true;
  readonly proxy?: string;
}

/**
 * Where to connect to, and the topic of `-L`. The flags -h, -p, --ws and --unix come before what that says.
 * @throws UsageError
 */
export function targetUrl(values: AddressValues): { url: URL; topic: string | null } {
  const [address, topic] = values.url === undefined ? ['mqtt://localhost', null] : splitUrl(values.url);
  if (values.unix !== undefined) return { url: unixUrl(values), topic };
  if (!URL.canParse(address)) throw new UsageError(`-L is no URL: "${values.url}"`);
  const { protocol } = new URL(address);
  const isSecure = speaksTls(values, protocol);
  const isWebSocket = values.ws === true || protocol.startsWith('ws');
  // The protocol of a URL whose kind is no web address cannot be set.
  const url = new URL(
    address.replace(/^\w+:/, isWebSocket ? (isSecure ? 'wss:' : 'ws:') : isSecure ? 'mqtts:' : 'mqtt:'),
  );
  if (values.host !== undefined) {
    const host = values.host.replace(/^\[|\]$/g, '');
    url.hostname = host.includes(':') ? `[${host}]` : host;
  }
  if (url.hostname === '') throw new UsageError(`-h is the name or the address of a host, not "${values.host ?? ''}"`);
  if (values.port !== undefined) url.port = String(values.port);
  else if (protocol === 'mqtt:' && isWebSocket) url.port ||= isSecure ? '8883' : '1883';
  return { url, topic };
}

function speaksTls(values: AddressValues, protocol: string): boolean {
  if (values.noTls === true) {
    if (!asksForTls(values)) return false;
    throw new UsageError('--no-tls does not go with flags that ask for TLS');
  }
  return asksForTls(values) || protocol === 'mqtts:' || protocol === 'wss:' || values.port === 8883;
}

function unixUrl(values: AddressValues): URL {
  const { host, port, unix = '', ws, srv, proxy } = values;
  const others = [host, port, ws, srv, proxy];
  if (others.some((value) => value !== undefined) || asksForTls(values)) {
    throw new UsageError('--unix is instead of -h, -p, -S, --ws, --proxy and TLS');
  }
  return new URL(`unix://${resolve(unix).split('/').map(encodeURIComponent).join('/')}`);
}

/** The topic is taken as it stands: `#` and `?` have no special meaning in it. */
function splitUrl(text: string): [address: string, topic: string | null] {
  const parts = /^((?:mqtt|mqtts|ws|wss):\/\/[^/]+)(?:\/(.*))?$/s.exec(text);
  if (parts === null) throw new UsageError(`-L is mqtt://host/topic, mqtts://, ws:// or wss://, not "${text}"`);
  const [, address, topic = ''] = parts;
  return [address, topic === '' ? null : topic];
}
