import { isIP } from 'node:net';
import { type Client, ConnectionFailed, type ConnectOptions, ConnectTimeout, connect } from '@cauldron/client';
import type { ConnectionTarget } from './connection-flags.js';
import type { SrvResolver } from './service-records.js';

/**
 * Connects to the broker of a command line; of several that the DNS names for a domain (-S), to the first that answers. A
 * lost connection is not made again unless `more` says so.
 * @param more comes before the options of the command line
 * @param resolve looks up SRV records; default: those of the DNS
 * @throws (rejects) what `connect` throws
 */
export async function openConnection(
  target: ConnectionTarget,
  more: ConnectOptions = {},
  resolve?: SrvResolver,
): Promise<Client> {
  const options = { ...target.options, ...more };
  const { network } = options;
  if (network?.localAddress !== undefined && isIP(network.localAddress) === 0) {
    options.network = { ...network, localAddress: await addressOf(network.localAddress) };
  }
  const urls = target.isDomain ? await serversOfDomain(target.url, resolve) : [target.url];
  let failure: unknown;
  for (const url of urls) {
    try {
      return await connect(url, options);
    } catch (error) {
      if (!(error instanceof ConnectionFailed || error instanceof ConnectTimeout)) throw error;
      failure = error;
    }
  }
  throw failure;
}

async function serversOfDomain(url: URL, resolve: SrvResolver | undefined): Promise<URL[]> {
  const { resolveSrv } = await import('node:dns/promises');
  const { serversOf } = await import('./service-records.js');
  return serversOf(url, resolve ?? resolveSrv, Math.random);
}

async function addressOf(host: string): Promise<string> {
  const { lookup } = await import('node:dns/promises');
  try {
    return (await lookup(host)).address;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConnectionFailed(`The address to connect from is not known: ${reason}. Check -A.`);
  }
}
