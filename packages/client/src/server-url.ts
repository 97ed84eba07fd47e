import type { ConnectOptions } from './options.js';

/** The path that servers expect when a WebSocket URL names none. */
const DEFAULT_WEBSOCKET_PATH = '/mqtt';

/** One of the references that MQTT 5.0, 4.11, gives as examples: a name or an address, perhaps with a port. */
const REFERENCE = /^(\[[\da-f:.]+\]|[^\s\p{Cc}[\]:/?#@%]+)(?::(\d{1,5}))?$/iu;
/** An IPv6 address that somebody forgot to put into brackets. */
const BARE_IPV6 = /^[\da-f]*:[\da-f:.]*:[\da-f:.]*$/i;

/**
 * The servers that were named, at least one.
 * @throws TypeError for what is no URL, and for an empty list
 */
export function serverUrls(named: string | URL | readonly (string | URL)[]): readonly URL[] {
  const list = typeof named === 'string' || named instanceof URL ? [named] : named;
  if (list.length === 0) throw new TypeError('There is no URL of a server');
  return list.map((url) => new URL(url));
}

/**
 * The servers that one server refers to with "use another server" and "server moved", for whoever reached it by `url`:
 * everything but host and port stays as it was, so that TLS is not lost and credentials go with it. Without a port of its
 * own a reference is to the port that was used. What is no reference is left out; a Unix socket leads nowhere else.
 * @param references a list with spaces in between [MQTT 5.0, 4.11]
 */
export function referredUrls(references: string, url: URL): readonly URL[] {
  if (url.protocol === 'unix:') return [];
  return references.split(' ').flatMap((reference) => {
    const [, host, port = url.port] = REFERENCE.exec(BARE_IPV6.test(reference) ? `[${reference}]` : reference) ?? [];
    if (host === undefined || Number(port) > 65_535 || !URL.canParse(`http://${host}`)) return [];
    const referred = new URL(url);
    referred.hostname = host;
    referred.port = port;
    return [referred];
  });
}

/**
 * What a URL says of who connects.
 * @throws TypeError for a % that escapes nothing
 */
export function credentialsOf({ username, password }: URL): Pick<ConnectOptions, 'username' | 'password'> {
  const credentials: Pick<ConnectOptions, 'username' | 'password'> = {};
  if (username !== '') credentials.username = unescaped('user name', username);
  if (password !== '') credentials.password = unescaped('password', password);
  return credentials;
}

/** The URL that a WebSocket is opened by. */
export function webSocketUrl(url: URL): URL {
  const target = new URL(url);
  target.username = target.password = target.hash = '';
  if (target.pathname === '/') target.pathname = DEFAULT_WEBSOCKET_PATH;
  return target;
}

function unescaped(what: string, text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    throw new TypeError(`The ${what} in the URL has a % that is not written as %25`, { cause: error });
  }
}
