import { constants } from 'node:crypto';
import { createSecureContext, DEFAULT_CIPHERS, type SecureContext } from 'node:tls';

/** What all connections of a listener have in common. Texts are PEM. */
export interface TlsContextOptions {
  /** Those that may issue certificates of clients. */
  readonly authorities: readonly string[];
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3';
  /** OpenSSL's names, separated by colons; null, for either version: what Node deems good. */
  readonly ciphers: string | null;
  readonly ciphersOfTls13: string | null;
  /** For ciphers with DHE; null: of the size that goes with the key. */
  readonly dhParameters: string | null;
  /** Clients may prove who they are by a pre-shared key. */
  readonly takesPsk: boolean;
  /** Clients may resume their sessions without proving again who they are. */
  readonly resumesSessions: boolean;
}

/** A certificate chain and its key. A context may have one for each kind of key. */
export interface ContextCertificate {
  readonly chain: string;
  readonly privateKey: string;
}

/** Sessions of one listener are resumed there only; with client certificates, OpenSSL insists on a name for them. */
const SESSION_ID_CONTEXT = 'cauldron';

const NODES_CIPHERS = DEFAULT_CIPHERS.split(':');
const NO_PSK = '!PSK';

/**
 * What is preferred where keys are pre-shared: forward secrecy first, small devices last. DHE-PSK with AES-128 is not
 * among them: OpenSSL would use a group of 1024 bits.
 */
const PSK_CIPHERS = [
  'ECDHE-PSK-CHACHA20-POLY1305',
  'DHE-PSK-AES256-GCM-SHA384',
  'ECDHE-PSK-AES256-CBC-SHA384',
  'ECDHE-PSK-AES128-CBC-SHA256',
  'PSK-AES256-GCM-SHA384',
  'PSK-AES128-GCM-SHA256',
  'PSK-CHACHA20-POLY1305',
  'PSK-AES256-CCM',
  'PSK-AES128-CCM',
  'PSK-AES256-CBC-SHA384',
  'PSK-AES128-CBC-SHA256',
  'PSK-AES256-CBC-SHA',
  'PSK-AES128-CBC-SHA',
  'PSK-AES128-CCM8',
];

const isOfTls13 = (name: string): boolean => name.startsWith('TLS_');

/** @throws Error of OpenSSL, with a code such as `ERR_SSL_NO_CIPHER_MATCH`, when a part cannot be used. */
export function tlsContext(certificates: readonly ContextCertificate[], options: TlsContextOptions): SecureContext {
  // A client of TLS 1.2 could have the expensive part repeated as often as it likes.
  const { SSL_OP_NO_RENEGOTIATION, SSL_OP_NO_TICKET } = constants;
  return createSecureContext({
    cert: certificates.map(({ chain }) => chain),
    key: certificates.map(({ privateKey }) => privateKey),
    // Also when there is none: Node would trust all public CAs instead.
    ca: [...options.authorities],
    minVersion: options.minVersion,
    // Node knows one list for both, and speaks only the versions that it has names for.
    ciphers: [
      options.ciphersOfTls13 ?? defaultCiphersOfTls13(options.takesPsk).join(':'),
      options.ciphers ?? defaultCiphers(options.takesPsk).join(':'),
    ].join(':'),
    dhparam: options.dhParameters ?? 'auto',
    honorCipherOrder: true,
    secureOptions: options.resumesSessions ? SSL_OP_NO_RENEGOTIATION : SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET,
    sessionIdContext: SESSION_ID_CONTEXT,
  });
}

/** What is wrong with parameters in PEM; null: nothing. */
export function dhParametersProblem(pem: string): string | null {
  try {
    createSecureContext({ dhparam: pem });
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}

/** A pre-shared key goes with SHA-256 only: OpenSSL chooses the cipher first, and does without the key if it has to. */
function defaultCiphersOfTls13(takesPsk: boolean): readonly string[] {
  const ciphers = NODES_CIPHERS.filter(isOfTls13);
  if (!takesPsk) return ciphers;
  const isOfSha256 = (name: string): boolean => name.endsWith('_SHA256');
  return [...ciphers.filter(isOfSha256), ...ciphers.filter((name) => !isOfSha256(name))];
}

function defaultCiphers(takesPsk: boolean): readonly string[] {
  const ciphers = NODES_CIPHERS.filter((name) => !isOfTls13(name));
  return takesPsk ? [...PSK_CIPHERS, ...ciphers.filter((name) => name !== NO_PSK)] : ciphers;
}
