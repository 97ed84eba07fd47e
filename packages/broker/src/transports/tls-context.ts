import { constants } from 'node:crypto';
import { createSecureContext, DEFAULT_CIPHERS, type SecureContext } from 'node:tls';

/** What a listener needs to speak TLS. Texts are PEM. */
export interface TlsContextOptions {
  /** The server's certificate, then those of intermediate CAs. */
  readonly certificates: string;
  readonly privateKey: string;
  /** Those that may issue certificates of clients. */
  readonly authorities: readonly string[];
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3';
  /** OpenSSL's names, separated by colons; null, for either version: what Node deems good. */
  readonly ciphers: string | null;
  readonly ciphersOfTls13: string | null;
}

/** Sessions of one listener are resumed there only; with client certificates, OpenSSL insists on a name for them. */
const SESSION_ID_CONTEXT = 'cauldron';

const NODES_CIPHERS = DEFAULT_CIPHERS.split(':');
const isOfTls13 = (name: string): boolean => name.startsWith('TLS_');

/** @throws Error of OpenSSL, with a code such as `ERR_SSL_NO_CIPHER_MATCH`, when a part cannot be used. */
export function tlsContext(options: TlsContextOptions): SecureContext {
  return createSecureContext({
    cert: options.certificates,
    key: options.privateKey,
    // Also when there is none: Node would trust all public CAs instead.
    ca: [...options.authorities],
    minVersion: options.minVersion,
    // Node knows one list for both, and speaks only the versions that it has names for.
    ciphers: [
      options.ciphersOfTls13 ?? NODES_CIPHERS.filter(isOfTls13).join(':'),
      options.ciphers ?? NODES_CIPHERS.filter((name) => !isOfTls13(name)).join(':'),
    ].join(':'),
    honorCipherOrder: true,
    // A client of TLS 1.2 could have the expensive part repeated as often as it likes.
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
    sessionIdContext: SESSION_ID_CONTEXT,
  });
}
