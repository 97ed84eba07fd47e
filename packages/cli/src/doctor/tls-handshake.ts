import { isIP, type Socket } from 'node:net';
import { type ConnectionOptions, connect, DEFAULT_CIPHERS, type TLSSocket } from 'node:tls';
import type { Target } from './target.js';

/**
 * Speaks TLS over a connection that is open, with whoever is there: what the certificate is worth is for the caller to say.
 * @throws (rejects) what Node says of a handshake that failed, or of a time-out
 */
export function shakeHands(socket: Socket, target: Target, more: ConnectionOptions = {}): Promise<TLSSocket> {
  const { timeoutMs } = target;
  const secure = connect({ ...optionsOf(target), ...more, socket });
  const { onKeyLog } = target.tls;
  if (onKeyLog !== undefined) secure.on('keylog', onKeyLog);
  return new Promise((resolve, reject) => {
    const late = new Error(`the TLS handshake had no end within ${timeoutMs / 1000} s`);
    const timer = setTimeout(() => secure.destroy(late), timeoutMs);
    secure.once('error', (error) => {
      socket.destroy();
      reject(error);
    });
    secure.once('close', () => clearTimeout(timer));
    secure.once('secureConnect', () => {
      clearTimeout(timer);
      secure.removeAllListeners('error');
      // Whoever reads from it learns of the end by `close`.
      secure.on('error', () => {});
      resolve(secure);
    });
  });
}

function optionsOf({ host, tls }: Target): ConnectionOptions {
  const { ca, cert, key, psk, minVersion = 'TLSv1.2', ciphers, alpn } = tls;
  const options: ConnectionOptions = { rejectUnauthorized: false, checkServerIdentity: () => undefined, minVersion };
  if (isIP(host) === 0) options.servername = host; // RFC 6066 knows names only
  if (ca !== undefined) options.ca = (Array.isArray(ca) ? ca : [ca]).map((one) => Buffer.from(one));
  if (cert !== undefined) options.cert = Buffer.from(cert);
  if (key !== undefined) options.key = Buffer.from(key);
  if (ciphers !== undefined) options.ciphers = ciphers;
  if (alpn !== undefined) options.ALPNProtocols = [...alpn];
  if (psk !== undefined) {
    options.pskCallback = () => ({ identity: psk.identity, psk: psk.key });
    options.ciphers ??= [...DEFAULT_CIPHERS.split(':').filter((name) => name.startsWith('TLS_')), 'PSK'].join(':');
  }
  return options;
}
