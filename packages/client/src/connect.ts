import type { Client } from './client.js';
import { systemClock } from './clock.js';
import type { ConnectOptions } from './options.js';
import { connectBy, type Platform, type ServerUrls, startBy } from './platform.js';
import { webSocketUrl } from './reconnection/server-url.js';
import type { TransportFactory } from './transport.js';
import { preparedTransport } from './transports/prepared-transport.js';
import { hostOf, routeOf } from './transports/route.js';

const DEFAULT_MQTT_PORT = 1883;
const DEFAULT_MQTTS_PORT = 8883;

/** Nothing tells a program in Node that its machine has slept. */
const NODE: Platform = { transportTo, clock: systemClock, wakeUps: () => () => {} };

/**
 * Connects to a server.
 * @param urls `mqtt://[user[:password]@]host[:port]` (port 1883), `mqtts:` for TLS (port 8883), `ws:` and `wss:` with a path
 * (`/mqtt`), or `unix:` with the path of a Unix socket; several are tried in turn, for the first connection and whenever one
 * is lost. User name and password in the options come before those in the URL.
 * @returns the client, once a server has accepted it
 * @throws (rejects) TypeError for a URL of another kind, and everything that `connectOver` throws
 */
export async function connect(urls: ServerUrls, options: ConnectOptions = {}): Promise<Client> {
  return connectBy(NODE, urls, options);
}

/**
 * A client that connects in the background, again and again until it succeeds; what it is asked meanwhile waits. Its `ready`
 * is resolved with the first connection.
 * @param urls as for `connect`
 * @param options as for `connect`; `reconnect.initially` is true unless it is given. `signal` ends the attempts to connect.
 * @throws TypeError for a URL of another kind; TypeError and RangeError for options that make no sense
 */
export function startClient(urls: ServerUrls, options: ConnectOptions = {}): Client {
  return startBy(NODE, urls, options);
}

/**
 * How a server is reached, again and again, for `connectOver`. Each kind of transport is loaded when it is opened: most
 * programs have no use for WebSockets, and some none for TLS.
 * @param options `tls` and `network` count
 * @throws TypeError for a URL that is of no kind of these, and for `network` options that make no sense
 */
export function transportTo(url: URL, { tls: tlsOptions, network }: ConnectOptions = {}): TransportFactory {
  const route = routeOf(network);
  switch (url.protocol) {
    case 'mqtt:':
    case 'tcp:': {
      const [host, port] = [namedHost(url), portOf(url, DEFAULT_MQTT_PORT)];
      return preparedTransport(async () => {
        const { tcp } = await import('./transports/tcp.js');
        return tcp(host, port, route);
      });
    }
    case 'mqtts:':
    case 'ssl:': {
      const [host, port] = [namedHost(url), portOf(url, DEFAULT_MQTTS_PORT)];
      return preparedTransport(async () => {
        const { tls } = await import('./transports/tls.js');
        return tls(host, port, tlsOptions, route);
      });
    }
    case 'ws:':
    case 'wss:': {
      const target = webSocketUrl(url);
      return preparedTransport(async () => {
        const { webSocket } = await import('./transports/websocket.js');
        return webSocket(target, tlsOptions, route);
      });
    }
    case 'unix:': {
      if (route.proxy !== null) throw new TypeError('There is no proxy to a Unix socket');
      const path = decodeURIComponent(url.pathname);
      return preparedTransport(async () => {
        const { unix } = await import('./transports/tcp.js');
        return unix(path);
      });
    }
    default:
      throw new TypeError(`A URL begins with mqtt:, mqtts:, ws:, wss: or unix:, not ${url.protocol}`);
  }
}

function namedHost(url: URL): string {
  const host = hostOf(url);
  if (host === '') throw new TypeError(`The URL names no host: ${url}`);
  return host;
}

function portOf({ port }: URL, byDefault: number): number {
  return port === '' ? byDefault : Number(port);
}
