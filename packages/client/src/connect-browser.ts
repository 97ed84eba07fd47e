import type { Client } from './client.js';
import type { Clock } from './clock.js';
import type { ConnectOptions } from './options.js';
import { pageWakeUps } from './page-wake-ups.js';
import { connectBy, type Platform, type ServerUrls, startBy } from './platform.js';
import { webSocketUrl } from './server-url.js';
import type { TransportFactory } from './transport.js';
import { browserWebSocket } from './transports/browser-websocket.js';
import { workerClock } from './worker-clock.js';

/** One clock for all clients, so that they share a worker. */
let browser: Platform | null = null;

function platform(): Platform {
  if (browser === null) {
    const clock = workerClock();
    browser = { transportTo: (url) => webSocketTo(url, clock), clock, wakeUps: pageWakeUps };
  }
  return browser;
}

/**
 * Connects to a server, from a browser.
 * @param urls `ws:` or `wss:` with a path (`/mqtt`); several are tried in turn, for the first connection and whenever one is
 * lost. User name and password in the options come before those in the URL.
 * @returns the client, once a server has accepted it
 * @throws (rejects) TypeError for a URL of another kind, and everything that `connectOver` throws
 */
export async function connect(urls: ServerUrls, options: ConnectOptions = {}): Promise<Client> {
  return connectBy(platform(), urls, options);
}

/**
 * A client that connects in the background, again and again until it succeeds; what it is asked meanwhile waits. Its `ready`
 * is resolved with the first connection.
 * @param urls as for `connect`
 * @param options as for `connect`; `reconnect.initially` is true unless it is given. `signal` ends the attempts to connect.
 * @throws TypeError for a URL of another kind; TypeError and RangeError for options that make no sense
 */
export function startClient(urls: ServerUrls, options: ConnectOptions = {}): Client {
  return startBy(platform(), urls, options);
}

/**
 * How a server is reached, again and again, for `connectOver`.
 * @param options none of them counts in a browser
 * @throws TypeError for a URL that begins neither with ws: nor with wss:
 */
export function transportTo(url: URL, options: ConnectOptions = {}): TransportFactory {
  return platform().transportTo(url, options);
}

function webSocketTo(url: URL, clock: Clock): TransportFactory {
  if (url.protocol === 'ws:' || url.protocol === 'wss:') return browserWebSocket(webSocketUrl(url), clock);
  throw new TypeError(`In a browser a URL begins with ws: or wss:, not ${url.protocol} - pages have no other sockets`);
}
