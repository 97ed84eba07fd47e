import type { TlsConfig } from './config.js';
import type { ListenerDraft } from './draft.js';
import { type Option, perListener } from './option.js';
import { flag, oneOf, text } from './option-types.js';

const MIN_VERSIONS = { 'tlsv1.2': 'TLSv1.2', 'tlsv1.3': 'TLSv1.3' } as const;

export const tlsOptions: readonly Option[] = [
  perListener('certfile', text, {
    default: 'none',
    example: '/etc/cauldron/server.crt',
    doc: 'Certificate of the server in PEM, then those of intermediate CAs. With keyfile, it makes the listener speak TLS.',
    set: ({ tls }, path) => {
      tls.certFile = path;
    },
  }),
  perListener('keyfile', text, {
    default: 'none',
    example: '/etc/cauldron/server.key',
    doc: 'The private key of certfile, in PEM and without a password.',
    set: ({ tls }, path) => {
      tls.keyFile = path;
    },
  }),
  perListener('cafile', text, {
    default: 'none',
    example: '/etc/cauldron/ca.crt',
    doc: 'CA certificates in PEM that certificates of clients have to be issued by; see require_certificate.',
    set: ({ tls }, path) => {
      tls.caFile = path;
    },
  }),
  perListener('capath', text, {
    default: 'none',
    example: '/etc/ssl/certs',
    doc: 'Folder with such certificates, in files that end in .pem, .crt, .cer or as `openssl rehash` names them.',
    set: ({ tls }, path) => {
      tls.caPath = path;
    },
  }),
  perListener('require_certificate', flag, {
    default: 'false',
    doc: 'Whether clients have to show a certificate issued by a CA of cafile or capath.',
    set: ({ tls }, required) => {
      tls.requireCertificate = required;
    },
  }),
  perListener('tls_version', oneOf('tlsv1.2', 'tlsv1.3'), {
    default: 'tlsv1.2',
    doc: 'The lowest version of TLS that the listener speaks.',
    set: ({ tls }, version) => {
      tls.minVersion = MIN_VERSIONS[version];
    },
  }),
  perListener('ciphers', text, {
    default: 'those of Node',
    example: 'ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256',
    doc: 'Ciphers for TLS 1.2, as OpenSSL writes them: ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES128-GCM-SHA256.',
    set: ({ tls }, ciphers) => {
      tls.ciphers = ciphers;
    },
  }),
  perListener('ciphers_tls1.3', text, {
    default: 'those of Node',
    example: 'TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256',
    doc: 'Ciphers for TLS 1.3: TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256.',
    set: ({ tls }, ciphers) => {
      tls.ciphersOfTls13 = ciphers;
    },
  }),
];

/** What is said about TLS, if it makes the listener speak it. */
export function tlsOf({ tls }: ListenerDraft): TlsConfig | null {
  const { certFile, keyFile } = tls;
  return certFile === null || keyFile === null ? null : { ...tls, certFile, keyFile };
}

/** An option that does not go with what else is said about its listener. `text` begins with the option's name. */
export interface Mismatch {
  readonly option: string;
  readonly text: string;
}

/** Options that need others. A listener that somebody believes to speak TLS, and does not, is worse than none. */
export function tlsMismatches({ tls, proxyVersion }: ListenerDraft): Mismatch[] {
  // There the proxy speaks TLS, and what does not go with it is told elsewhere.
  if (proxyVersion !== null) return [];
  const { certFile, keyFile, caFile, caPath, requireCertificate } = tls;
  if (certFile !== null && keyFile !== null) {
    if (!requireCertificate || caFile !== null || caPath !== null) return [];
    return [
      mismatch('require_certificate', "needs cafile or capath, the CA of the clients: 'cafile /path/to/ca.crt'."),
    ];
  }
  if (certFile !== null) {
    return [mismatch('certfile', "needs keyfile, its private key: 'keyfile /path/to/server.key'.")];
  }
  if (keyFile !== null) {
    return [mismatch('keyfile', "needs certfile, its certificate: 'certfile /path/to/server.crt'.")];
  }
  const others: [string, unknown][] = [
    ['cafile', caFile],
    ['capath', caPath],
    ['require_certificate', requireCertificate || null],
    ['tls_version', tls.minVersion],
    ['ciphers', tls.ciphers],
    ['ciphers_tls1.3', tls.ciphersOfTls13],
  ];
  return others
    .filter(([, value]) => value !== null)
    .map(([option]) =>
      mismatch(option, 'needs certfile and keyfile: without them the listener does not speak TLS. Add them to it.'),
    );
}

function mismatch(option: string, text: string): Mismatch {
  return { option, text: `${option} ${text}` };
}
