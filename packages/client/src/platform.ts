import { Client } from './client.js';
import type { Clock } from './clock.js';
import { whenReady } from './connect-over.js';
import type { ConnectOptions } from './options.js';
import { credentialsOf, serverUrls } from './reconnection/server-url.js';
import { type Server, Servers } from './reconnection/servers.js';
import type { TransportFactory } from './transport.js';

/** Where a server is, or several that are tried in turn. */
export type ServerUrls = string | URL | readonly (string | URL)[];

/** What is not the same in Node and in browsers. */
export interface Platform {
  /**
   * How a server is reached, again and again.
   * @throws TypeError for a URL that leads nowhere, and for options that make no sense
   */
  transportTo(url: URL, options: ConnectOptions): TransportFactory;
  readonly clock: Clock;
  /** Calls `wake` when connections should be looked after at once. @returns a function that ends it */
  wakeUps(wake: () => void): () => void;
}

/** `connect`, on a platform. */
export async function connectBy(platform: Platform, urls: ServerUrls, options: ConnectOptions): Promise<Client> {
  options.signal?.throwIfAborted();
  return whenReady(makeClient(platform, urls, options), options.signal);
}

/** `startClient`, on a platform. */
export function startBy(platform: Platform, urls: ServerUrls, options: ConnectOptions): Client {
  const { reconnect = true } = options;
  const persistent = reconnect === false ? false : { initially: true, ...(reconnect !== true && reconnect) };
  const client = makeClient(platform, urls, { ...options, reconnect: persistent });
  if (options.signal !== undefined) whenReady(client, options.signal).catch(() => {});
  return client;
}

function makeClient({ transportTo, clock, wakeUps }: Platform, urls: ServerUrls, options: ConnectOptions): Client {
  const serverAt = (url: URL): Server => ({
    url,
    open: transportTo(url, options),
    credentials: credentialsOf(url),
  });
  const servers = new Servers(serverUrls(urls).map(serverAt), async (references, from) => {
    const { referredUrls } = await import('./reconnection/referral.js'); // few servers refer to others
    return referredUrls(references, from).map(serverAt);
  });
  return new Client(servers, options, { clock, random: Math.random, wakeUps });
}
