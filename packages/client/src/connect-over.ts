import { Client } from './client.js';
import { type Clock, systemClock } from './clock.js';
import type { ConnectOptions } from './options.js';
import { Servers } from './reconnection/servers.js';
import type { TransportFactory } from './transport.js';

/**
 * Connects over streams of the caller's own.
 * @param open is called for each connection
 * @param clock, random: for tests
 * @throws (rejects) ConnectionFailed, ConnectTimeout, ConnectionRefused, ConnectionLost, ProtocolViolation,
 * AuthenticationFailed; NotSupportedByServer for one that takes packets of four bytes at most; the reason of
 * `options.signal`; what `options.authentication` throws when it begins; TypeError and RangeError for options that make no
 * sense
 */
export async function connectOver(
  open: TransportFactory,
  options: ConnectOptions = {},
  clock: Clock = systemClock,
  random: () => number = Math.random,
): Promise<Client> {
  options.signal?.throwIfAborted();
  const servers = new Servers([{ url: null, open, credentials: {} }], null);
  return whenReady(new Client(servers, options, { clock, random }), options.signal);
}

/** @internal The client, once it is connected; it is over if that fails, or `signal` says so. */
export async function whenReady(client: Client, signal: AbortSignal | undefined): Promise<Client> {
  const abort = () => client.abort();
  if (signal?.aborted) abort();
  signal?.addEventListener('abort', abort, { once: true });
  try {
    await client.ready;
    return client;
  } catch (error) {
    throw signal?.aborted ? signal.reason : error;
  } finally {
    signal?.removeEventListener('abort', abort);
  }
}
