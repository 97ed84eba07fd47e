import type { Client } from './client.js';
import { type Clock, systemClock } from './clock.js';
import { OptionalPart, requestPart } from './optional-part.js';
import type { ConnectOptions } from './options.js';
import { connectBy, type Platform, type ServerUrls, startBy } from './platform.js';
import { pageWakeUps } from './reconnection/page-wake-ups.js';
import { webSocketUrl } from './reconnection/server-url.js';
import type { TransportFactory } from './transport.js';
import { browserWebSocket } from './transports/browser-websocket.js';

/** One for all clients, so that they share a worker. */
const clockPart = new OptionalPart(async () => (await import('./reconnection/worker-clock.js')).workerClock());

/** Until the clock of pages is loaded, their own timers have to do: they are late only when the page is not seen. */
const CLOCK: Clock = {
  ...systemClock,
  after: (delayMs, callback) => (clockPart.loaded ?? systemClock).after(delayMs, callback),
};

const BROWSER: Platform = { transportTo: webSocketTo, clock: CLOCK, wakeUps: pageWakeUps };

/** What cannot be loaded is done without, until it is tried again. */
const load = (part: OptionalPart<unknown>) => part.load().catch(() => {});

/** What a client may need later, when nothing can be loaded, is loaded in the background. */
function prepare(client: Client): Client {
  void load(clockPart);
  client.ready.then(
    () => [clockPart, requestPart].forEach(load),
    () => {},
  );
  return client;
}

/**
 * Connects to a server, from a browser.
 * @param urls `ws:` or `wss:` with a path (`/mqtt`); several are tried in turn, for the first connection and whenever one is
 * lost. User name and password in the options come before those in the URL.
 * @returns the client, once a server has accepted it
 * @throws (rejects) TypeError for a URL of another kind, and everything that `connectOver` throws
 */
export async function connect(urls: ServerUrls, options: ConnectOptions = {}): Promise<Client> {
  // The first timers of a page that nobody looks at would be late otherwise.
  await load(clockPart);
  return prepare(await connectBy(BROWSER, urls, options));
}

/**
 * A client that connects in the background, again and again until it succeeds; what it is asked meanwhile waits. Its `ready`
 * is resolved with the first connection.
 * @param urls as for `connect`
 * @param options as for `connect`; `reconnect.initially` is true unless it is given. `signal` ends the attempts to connect.
 * @throws TypeError for a URL of another kind; TypeError and RangeError for options that make no sense
 */
export function startClient(urls: ServerUrls, options: ConnectOptions = {}): Client {
  return prepare(startBy(BROWSER, urls, options));
}

/**
 * How a server is reached, again and again, for `connectOver`.
 * @param options none of them counts in a browser
 * @throws TypeError for a URL that begins neither with ws: nor with wss:
 */
export function transportTo(url: URL, _options: ConnectOptions = {}): TransportFactory {
  return webSocketTo(url);
}

function webSocketTo(url: URL): TransportFactory {
  if (url.protocol === 'ws:' || url.protocol === 'wss:') return browserWebSocket(webSocketUrl(url), CLOCK);
  throw new TypeError(`In a browser a URL begins with ws: or wss:, not ${url.protocol}`);
}
