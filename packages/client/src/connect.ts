import { type Client, connectOver } from './client.js';
import type { ConnectOptions } from './options.js';
import type { TransportFactory } from './transport.js';

/** The path that servers expect when a WebSocket URL names none. */
const DEFAULT_WEBSOCKET_PATH = '/mqtt';

const DEFAULT_MQTT_PORT = 1883;

/**
 * Connects to a server.
 * @param url `mqtt://[user[:password]@]host[:port]` (port 1883), or `ws:` and `wss:` with a path (`/mqtt`). User name and
 * password in the options come before those in the URL.
 * @throws (rejects) TypeError for a URL of another kind, and everything that `connectOver` throws
 */
export async function connect(url: string | URL, options: ConnectOptions = {}): Promise<Client> {
  const target = new URL(url);
  const fromUrl: ConnectOptions = {};
  if (target.username !== '') fromUrl.username = decodeURIComponent(target.username);
  if (target.password !== '') fromUrl.password = decodeURIComponent(target.password);
  const open = await transportTo(target);
  return connectOver(open, { ...fromUrl, ...options });
}

/** Each transport is loaded when it is asked for: a browser has no TCP, and most programs no use for WebSockets. */
async function transportTo(url: URL): Promise<TransportFactory> {
  switch (url.protocol) {
    case 'mqtt:':
    case 'tcp:': {
      if (url.hostname === '') throw new TypeError(`The URL names no host: ${url}`);
      const { tcp } = await import('./transports/tcp.js');
      const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
      return tcp(host, url.port === '' ? DEFAULT_MQTT_PORT : Number(url.port));
    }
    case 'ws:':
    case 'wss:': {
      const { webSocket } = await import('./transports/websocket.js');
      const target = new URL(url);
      target.username = target.password = '';
      if (target.pathname === '/') target.pathname = DEFAULT_WEBSOCKET_PATH;
      return webSocket(target.href);
    }
    default:
      throw new TypeError(`A URL begins with mqtt:, ws: or wss:, not ${url.protocol}`);
  }
}
