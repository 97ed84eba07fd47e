import type { TlsConfig } from './config/config.js';
import { readTlsFiles } from './config/tls-files.js';
import { tlsContext } from './transports/tls-context.js';
import type { ListenerTls } from './transports/tls-socket.js';

/**
 * What a listener needs to speak TLS as its options say. `warn` is told what clients will object to.
 * @throws Error that names option and file, and says what to do.
 */
export function listenerTls(config: TlsConfig, warn: (message: string) => void): ListenerTls {
  const { ciphers, ciphersOfTls13, minVersion, requireCertificate } = config;
  const { certificates, privateKey, authorities, warnings } = readTlsFiles(config);
  for (const warning of warnings) warn(warning);
  try {
    const context = tlsContext({
      certificates,
      privateKey,
      authorities,
      minVersion: minVersion ?? 'TLSv1.2',
      ciphers,
      ciphersOfTls13,
    });
    return { context, requireCertificate };
  } catch (error) {
    throw new Error(contextProblem(config, error as NodeJS.ErrnoException), { cause: error });
  }
}

function contextProblem({ certFile, ciphers, ciphersOfTls13 }: TlsConfig, error: NodeJS.ErrnoException): string {
  if (error.code !== 'ERR_SSL_NO_CIPHER_MATCH') return `certfile ${certFile} cannot be used: ${error.message}.`;
  const given = [
    ciphers !== null && `ciphers ${ciphers}`,
    ciphersOfTls13 !== null && `ciphers_tls1.3 ${ciphersOfTls13}`,
  ].filter((text) => text !== false);
  return `${given.join(' or ')} has no name that OpenSSL knows. 'openssl ciphers -v' shows those that there are.`;
}
