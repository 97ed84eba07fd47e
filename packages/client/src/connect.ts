import { type Client, connectOver } from './client.js';
import type { ConnectOptions } from './options.js';
import type { TlsOptions } from './tls-options.js';
import type { TransportFactory } from './transport.js';

/** The path that servers expect when a WebSocket URL names none. */
const DEFAULT_WEBSOCKET_PATH = '/mqtt';

const DEFAULT_MQTT_PORT = 1883;
const DEFAULT_MQTTS_PORT = 8883;

/**
 * Connects to a server.
 * @param url `mqtt://[user[:password]@]host[:port]` (port 1883), `mqtts:` for TLS (port 8883), `ws:` and `wss:` with a path
 * (`/mqtt`), or `unix:` with the path of a Unix socket. User name and password in the options come before those in the URL.
 * @throws (rejects) TypeError for a URL of another kind, and everything that `connectOver` throws
 */
export async function connect(url: string | URL, options: ConnectOptions = {}): Promise<Client> {
  const target = new URL(url);
  const fromUrl: ConnectOptions = {};
  if (target.username !== '') fromUrl.username = decodeURIComponent(target.username);
  if (target.password !== '') fromUrl.password = decodeURIComponent(target.password);
  const open = await transportTo(target, options.tls);
  return connectOver(open, { ...fromUrl, ...options });
}

/** Each transport is loaded when it is asked for: a browser has no TCP, and most programs no use for WebSockets. */
async function transportTo(url: URL, tlsOptions: TlsOptions | undefined): Promise<TransportFactory> {
  switch (url.protocol) {
    case 'mqtt:':
    case 'tcp:': {
      const { tcp } = await import('./transports/tcp.js');
      return tcp(hostOf(url), portOf(url, DEFAULT_MQTT_PORT));
    }
    case 'mqtts:':
    case 'ssl:': {
      const { tls } = await import('./transports/tls.js');
      return tls(hostOf(url), portOf(url, DEFAULT_MQTTS_PORT), tlsOptions);
    }
    case 'unix:': {
      const { unix } = await import('./transports/tcp.js');
      return unix(decodeURIComponent(url.pathname));
    }
    case 'ws:':
    case 'wss:': {
      const { webSocket } = await import('./transports/websocket.js');
      const target = new URL(url);
      target.username = target.password = '';
      if (target.pathname === '/') target.pathname = DEFAULT_WEBSOCKET_PATH;
      return webSocket(target.href, tlsOptions);
    }
    default:
      throw new TypeError(`A URL begins with mqtt:, mqtts:, ws:, wss: or unix:, not ${url.protocol}`);
  }
}

function hostOf(url: URL): string {
  if (url.hostname === '') throw new TypeError(`The URL names no host: ${url}`);
  return url.hostname.replace(/^\[(.*)\]$/, '$1');
}

function portOf({ port }: URL, byDefault: number): number {
  return port === '' ? byDefault : Number(port);
}
