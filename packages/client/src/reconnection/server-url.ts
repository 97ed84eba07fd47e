import type { ConnectOptions } from '../options.js';

/** The path that servers expect when a WebSocket URL names none. */
const DEFAULT_WEBSOCKET_PATH = '/mqtt';

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
