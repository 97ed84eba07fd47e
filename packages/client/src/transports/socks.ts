import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { connect, isIP, type Socket } from 'node:net';
import type { Route, SocksProxy } from './route.js';

/** Why there is no way through a SOCKS proxy, in words for the person who connects. */
export class SocksFailure extends Error {
  override readonly name = 'SocksFailure';
  readonly code = 'ERR_SOCKS';
}

const VERSION = 5;
const CONNECT = 1;
const NO_AUTHENTICATION = 0;
const USER_PASSWORD = 2;
const NO_ACCEPTABLE_METHOD = 0xff;
/** Of the exchange of RFC 1929. */
const USER_PASSWORD_VERSION = 1;
const IPV4 = 1;
const DOMAIN_NAME = 3;
const IPV6 = 4;
/** Bytes that SOCKS has room for in a name. */
const MAX_NAME = 255;

/** What proxies answer (RFC 1928, section 6), after "cannot connect to ...". */
const REPLIES: readonly string[] = [
  '',
  'it does not say why (general failure)',
  'its rules do not allow it',
  'the network cannot be reached',
  'the host cannot be reached',
  'nothing listens there (connection refused)',
  'the way is too long (TTL expired)',
  'it does not do that (command not supported)',
  'it does not take this kind of address',
];

/**
 * A socket that is connected to a server through a proxy (RFC 1928); what is read from it begins with the first byte of the
 * server.
 * @throws (rejects) SocksFailure, or the error of looking up the name of the server. When `signal` is aborted the socket is
 * closed at once.
 */
export async function throughProxy(
  proxy: SocksProxy,
  host: string,
  port: number,
  { localAddress, noDelay }: Route,
  signal: AbortSignal,
): Promise<Socket> {
  const address = await serverAddress(proxy, host);
  signal.throwIfAborted();
  const socket = connect({
    host: proxy.host,
    port: proxy.port,
    noDelay,
    ...(localAddress !== undefined && { localAddress }),
  });
  // Also when it is given up after this has returned, and nobody has taken the socket yet.
  signal.addEventListener('abort', () => socket.destroy(), { once: true });
  // Who reads at the moment hears of errors by other ways; nobody may do so at the moment of one.
  socket.on('error', () => {});
  try {
    await connected(socket, signal);
    await logIn(socket, proxy);
    await askFor(socket, address, port, shown(host, port));
    return socket;
  } catch (error) {
    socket.destroy();
    const message = error instanceof Error ? error.message : String(error);
    throw new SocksFailure(`SOCKS proxy ${shown(proxy.host, proxy.port)}: ${message}`, { cause: error });
  }
}

function shown(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** The type of the address, and the address. */
async function serverAddress({ looksUpNames }: SocksProxy, host: string): Promise<Uint8Array> {
  // A proxy often knows IPv4 alone.
  const known = looksUpNames || isIP(host) > 0 ? host : (await lookup(host, { verbatim: false })).address;
  switch (isIP(known)) {
    case 4:
      return Uint8Array.of(IPV4, ...known.split('.').map(Number));
    case 6:
      return Uint8Array.of(IPV6, ...bytesOfIpv6(known));
    default: {
      const name = Buffer.from(known);
      if (name.length > MAX_NAME) throw new SocksFailure(`SOCKS takes names of ${MAX_NAME} bytes at most`);
      return Uint8Array.of(DOMAIN_NAME, name.length, ...name);
    }
  }
}

function bytesOfIpv6(address: string): number[] {
  const [withoutZone] = address.split('%');
  // Brings every way of writing into one.
  const [head = '', tail] = new URL(`http://[${withoutZone}]`).hostname.slice(1, -1).split('::');
  const groupsOf = (part = '') => (part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16)));
  const [first, last] = [groupsOf(head), groupsOf(tail)];
  const groups = [...first, ...new Array<number>(8 - first.length - last.length).fill(0), ...last];
  return groups.flatMap((group) => [group >> 8, group & 0xff]);
}

async function connected(socket: Socket, signal: AbortSignal): Promise<void> {
  try {
    await once(socket, 'connect', { signal });
  } catch (error) {
    // A name with several addresses: the errors of all of them come in one, which has no message of its own.
    const [first] = error instanceof AggregateError ? error.errors : [error];
    throw new Error(`it cannot be reached: ${first instanceof Error ? first.message : first}`, { cause: error });
  }
}

async function logIn(socket: Socket, { credentials }: SocksProxy): Promise<void> {
  const methods = credentials === null ? [NO_AUTHENTICATION] : [NO_AUTHENTICATION, USER_PASSWORD];
  socket.write(Uint8Array.of(VERSION, methods.length, ...methods));
  const [version, method] = await take(socket, 2);
  if (version !== VERSION) {
    throw new Error(`it does not speak SOCKS 5${version === 0x48 ? ', but HTTP, as it seems' : ''}`);
  }
  if (method === NO_AUTHENTICATION) return;
  if (method === NO_ACCEPTABLE_METHOD) {
    const wish = credentials === null ? 'a user name and a password' : 'another proof than a user name and a password';
    throw new Error(`it wants ${wish}`);
  }
  if (method !== USER_PASSWORD || credentials === null) throw new Error('it chose a method that it was not offered');

  const [username, password] = [Buffer.from(credentials.username), Buffer.from(credentials.password)];
  socket.write(Uint8Array.of(USER_PASSWORD_VERSION, username.length, ...username, password.length, ...password));
  const [, status] = await take(socket, 2);
  if (status !== 0) throw new Error('it does not accept the user name or the password');
}

async function askFor(socket: Socket, address: Uint8Array, port: number, server: string): Promise<void> {
  socket.write(Uint8Array.of(VERSION, CONNECT, 0, ...address, port >> 8, port & 0xff));
  const [version, reply, , type] = await take(socket, 4);
  if (version !== VERSION) throw new Error('it does not speak SOCKS 5');
  if (reply !== 0) throw new Error(`it cannot connect to ${server}: ${REPLIES[reply] ?? `reply ${reply}`}`);
  // Where the proxy connects from; nobody wants to know.
  await take(socket, (await lengthOfAddress(socket, type)) + 2);
}

async function lengthOfAddress(socket: Socket, type: number): Promise<number> {
  switch (type) {
    case IPV4:
      return 4;
    case IPV6:
      return 16;
    case DOMAIN_NAME:
      return (await take(socket, 1))[0];
    default:
      throw new Error(`it answers with an address of the unknown type ${type}`);
  }
}

/** The next `length` bytes; what follows stays in the socket. */
function take(socket: Socket, length: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const look = () => {
      const bytes: Buffer | null = socket.read(length);
      if (bytes === null) return;
      if (bytes.length < length) leave();
      else settle(() => resolve(bytes));
    };
    const fail = (error: Error) => settle(() => reject(error));
    const leave = () => fail(new Error('it closed the connection before it was done'));
    const settle = (end: () => void) => {
      socket.off('readable', look).off('error', fail).off('end', leave).off('close', leave);
      end();
    };
    if (socket.destroyed) {
      reject(socket.errored ?? new Error('it closed the connection'));
      return;
    }
    socket.on('readable', look).on('error', fail).on('end', leave).on('close', leave);
    look();
  });
}
