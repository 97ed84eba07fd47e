import { isIP, type Socket } from 'node:net';
import { type ConnectionOptions, connect, DEFAULT_CIPHERS, type TLSSocket } from 'node:tls';
import type { TlsOptions } from '../tls-options.js';
import type { Transport, TransportEvents, TransportFactory } from '../transport.js';
import { preparedTransport } from './prepared-transport.js';
import { DIRECT, type Route } from './route.js';
import { socketTransport } from './socket-transport.js';
import { notTrusted, tlsFailure } from './tls-failures.js';

/** Suites of TLS 1.2 that have no certificate; those of 1.3 go with a key as they are. */
const PSK_CIPHERS = [
  'ECDHE-PSK-CHACHA20-POLY1305',
  'DHE-PSK-AES256-GCM-SHA384',
  'DHE-PSK-AES128-GCM-SHA256',
  'ECDHE-PSK-AES256-CBC-SHA384',
  'ECDHE-PSK-AES128-CBC-SHA256',
  'PSK-AES256-GCM-SHA384',
  'PSK-AES128-GCM-SHA256',
  'PSK-AES256-CBC-SHA384',
  'PSK-AES128-CBC-SHA256',
];

/**
 * @param host name or address
 * @param port 1 to 65535
 */
export function tls(host: string, port: number, options: TlsOptions = {}, route: Route = DIRECT): TransportFactory {
  const { proxy, localAddress, noDelay } = route;
  if (proxy === null) return (events) => overTls(openTls(host, port, options, { localAddress }), noDelay, events);
  return preparedTransport(async (signal) => {
    const { throughProxy } = await import('./socks.js');
    const socket = await throughProxy(proxy, host, port, route, signal);
    return (events) => overTls(openTls(host, port, options, { socket }), noDelay, events);
  });
}

/** What carries TLS: a socket that is connected to the server already, or one that is opened, perhaps from an address. */
export type TlsCarrier = { readonly socket: Socket } | { readonly localAddress: string | undefined };

/**
 * A socket to a server. At `secureConnect` it is already destroyed if the server is not who it should be; for that, and for
 * everything else that goes wrong, it emits `error` with a `TlsFailure` or the network's own. Nothing of what is written
 * leaves before.
 */
export function openTls(host: string, port: number, options: TlsOptions, carrier: TlsCarrier): TLSSocket {
  const serverName = options.serverName ?? host;
  const socket = connect({ ...connectionOptions(host, port, serverName, options), ...carrier });
  // The first of all listeners: for those that follow, the socket of a server that is not trusted is destroyed.
  socket.on('secureConnect', () => {
    const problem = options.insecure === true ? null : problemOf(socket, serverName, options);
    if (problem !== null) socket.destroy(problem);
  });
  if (options.onKeyLog !== undefined) socket.on('keylog', options.onKeyLog);
  return socket;
}

function connectionOptions(host: string, port: number, serverName: string, options: TlsOptions): ConnectionOptions {
  const { ca, cert, key, passphrase, psk, minVersion = 'TLSv1.2', ciphers, alpn } = options;
  const given: ConnectionOptions = {
    host,
    port,
    minVersion,
    // Verified by `problemOf`, which can read the certificate and say what is wrong with it: Node would end the
    // connection of its own before anybody could.
    rejectUnauthorized: false,
    checkServerIdentity: () => undefined,
  };
  if (isIP(serverName) === 0) given.servername = serverName; // RFC 6066 knows names only
  if (ca !== undefined) given.ca = buffersOf(Array.isArray(ca) ? ca : [ca]);
  if (cert !== undefined) [given.cert] = buffersOf([cert]);
  if (key !== undefined) [given.key] = buffersOf([key]);
  if (passphrase !== undefined) given.passphrase = passphrase;
  if (ciphers !== undefined) given.ciphers = ciphers;
  if (alpn !== undefined) given.ALPNProtocols = [...alpn];
  if (psk !== undefined) {
    given.pskCallback = () => ({ identity: psk.identity, psk: psk.key });
    given.ciphers ??= [...DEFAULT_CIPHERS.split(':').filter((name) => name.startsWith('TLS_')), ...PSK_CIPHERS].join(
      ':',
    );
  }
  return given;
}

function problemOf(socket: TLSSocket, serverName: string, { psk }: TlsOptions): Error | null {
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) {
    // It has proven that it knows the key, or the handshake would not have come to its end.
    return psk === undefined ? notTrusted('', undefined, serverName) : null;
  }
  if (!socket.authorized) {
    const { authorizationError } = socket as { authorizationError: unknown };
    return notTrusted(codeOf(authorizationError), certificate, serverName);
  }
  const isForServer = isIP(serverName) === 0 ? certificate.checkHost(serverName) : certificate.checkIP(serverName);
  return isForServer === undefined ? notTrusted('ERR_TLS_CERT_ALTNAME_INVALID', certificate, serverName) : null;
}

/** Node gives a code as text, or an error that has one. */
function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}

function buffersOf(texts: readonly (string | Uint8Array)[]): (string | Buffer)[] {
  return texts.map((text) => (typeof text === 'string' ? text : Buffer.from(text)));
}

function overTls(socket: TLSSocket, noDelay: boolean, events: TransportEvents): Transport {
  socket.setNoDelay(noDelay);
  socket.on('secureConnect', () => {
    // Listeners that were taken away while an event is told hear of it all the same.
    if (!socket.destroyed) events.opened();
  });
  socket.on('data', (bytes: Buffer) => events.data(bytes, bytes.length));
  return socketTransport(socket, events, tlsFailure);
}
