import type { Socket } from 'node:net';
import { type SecureContext, TLSSocket, type TLSSocketOptions } from 'node:tls';
import type { TlsIdentity, TlsSession } from '../core/ports/link.js';
import { WRITE_HIGH_WATER_BYTES } from './accepted-socket.js';

/** How a listener speaks TLS. */
export interface ListenerTls {
  readonly context: SecureContext;
  /** Only clients with a certificate from one of the context's authorities get in. */
  readonly requireCertificate: boolean;
}

/** The first byte of a TLS connection: a handshake record. As an MQTT packet it would be CONNECT with wrong flags. */
export const TLS_HANDSHAKE = 0x16;

/**
 * Begins the server's side of TLS over an accepted socket, whose buffered bytes are the first of it. `secure` is emitted
 * when the handshake is done: then `verifyProblem` has to be asked. `error` is emitted for whatever goes wrong, and does
 * not always destroy the socket.
 *
 * `tls.Server` would do the same, but gives a socket only after the handshake, without a way to tell which of the
 * accepted ones it was, and destroys those of clients that it does not trust before their certificate can be read. So
 * three things are used here that it uses itself, and that are not public: `secure`, and the two methods below.
 */
export function startTls(accepted: Socket, { context, requireCertificate }: ListenerTls): TLSSocket {
  const options: TLSSocketOptions & { highWaterMark: number } = {
    isServer: true,
    secureContext: context,
    requestCert: requireCertificate,
    // For OpenSSL: it tells a client without a certificate what is missing.
    rejectUnauthorized: requireCertificate,
    highWaterMark: WRITE_HIGH_WATER_BYTES,
  };
  const socket = new TLSSocket(accepted, options);
  // Without it, errors would be swallowed.
  const releaseControl: unknown = Reflect.get(socket, '_releaseControl');
  if (typeof releaseControl === 'function') Reflect.apply(releaseControl, socket, []);
  return socket;
}

/**
 * Why OpenSSL does not accept the client's certificate; its code is such as `CERT_HAS_EXPIRED`. Null: it does. To be
 * asked when the handshake is done.
 */
export function verifyProblem(socket: TLSSocket): NodeJS.ErrnoException | null {
  const handle: unknown = Reflect.get(socket, 'ssl');
  const verifyError: unknown =
    typeof handle === 'object' && handle !== null ? Reflect.get(handle, 'verifyError') : undefined;
  if (typeof verifyError !== 'function') return new Error('this version of Node does not tell');
  const problem: unknown = Reflect.apply(verifyError, handle, []);
  if (problem === null || problem === undefined) return null;
  return problem instanceof Error ? problem : new Error(String(problem));
}

/** What the handshake agreed on; to be asked once it is done and while the socket lives. */
export function tlsSessionOf(socket: TLSSocket, { requireCertificate }: ListenerTls): TlsSession {
  const { servername } = socket as { servername?: string | false | null };
  return {
    protocol: socket.getProtocol() ?? '',
    cipher: socket.getCipher().standardName,
    serverName: typeof servername === 'string' ? servername : null,
    client: requireCertificate ? identityOf(socket) : null,
  };
}

function identityOf(socket: TLSSocket): TlsIdentity | null {
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return null;
  const name: string | string[] | undefined = socket.getPeerCertificate().subject?.CN;
  return {
    proof: 'certificate',
    commonName: (Array.isArray(name) ? name[0] : name) ?? '',
    // One part to a line, each escaped already, the outermost first.
    subject: (certificate.subject ?? '').split('\n').reverse().join(','),
  };
}
