import { isIP } from 'node:net';
import { domainToASCII } from 'node:url';
import type { NetworkOptions } from '../network-options.js';

export interface SocksProxy {
  readonly host: string;
  readonly port: number;
  /** Null: none. */
  readonly credentials: { readonly username: string; readonly password: string } | null;
  /** Whether the proxy looks up the names of servers. */
  readonly looksUpNames: boolean;
}

/** How connections go to servers: `NetworkOptions`, checked and complete. */
export interface Route {
  /** Null: there is none. */
  readonly proxy: SocksProxy | null;
  readonly localAddress: string | undefined;
  readonly noDelay: boolean;
}

export const DIRECT: Route = { proxy: null, localAddress: undefined, noDelay: true };

const DEFAULT_SOCKS_PORT = 1080;
/** Bytes that SOCKS has room for in each (RFC 1929). */
const MAX_CREDENTIAL = 255;

/** @throws TypeError for options that make no sense */
export function routeOf(options: NetworkOptions | undefined): Route {
  if (options === undefined) return DIRECT;
  const { proxy, localAddress, noDelay = true } = options;
  if (localAddress !== undefined && isIP(localAddress) === 0) {
    throw new TypeError(`network.localAddress is an address of this machine, not ${JSON.stringify(localAddress)}`);
  }
  return { proxy: proxy === undefined ? null : socksProxy(proxy), localAddress, noDelay };
}

function socksProxy(proxy: string | URL): SocksProxy {
  let url: URL;
  try {
    url = new URL(proxy);
  } catch (error) {
    throw new TypeError('network.proxy is no URL: socks5h://host:port', { cause: error });
  }
  if (url.protocol !== 'socks5h:' && url.protocol !== 'socks5:') {
    throw new TypeError(`network.proxy begins with socks5h: or socks5:, not ${url.protocol}`);
  }
  if (url.hostname === '') throw new TypeError('network.proxy names no host: socks5h://host:port');
  return {
    host: hostOf(url),
    port: url.port === '' ? DEFAULT_SOCKS_PORT : Number(url.port),
    credentials:
      url.username === ''
        ? null
        : { username: credential('user name', url.username), password: credential('password', url.password) },
    looksUpNames: url.protocol === 'socks5h:',
  };
}

/** The host of a URL, as it is looked up. Those of schemes that are no part of the Web come escaped. */
export function hostOf({ hostname }: URL): string {
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  return host.includes('%') ? domainToASCII(decodeURIComponent(host)) : host;
}

function credential(what: string, encoded: string): string {
  const text = decodeURIComponent(encoded);
  if (Buffer.byteLength(text) > MAX_CREDENTIAL) {
    throw new TypeError(`The ${what} in network.proxy is longer than the ${MAX_CREDENTIAL} bytes of SOCKS`);
  }
  return text;
}
