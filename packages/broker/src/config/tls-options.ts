import type { CertificatePair, TlsConfig } from './config.js';
import type { ListenerDraft, SecurityDraft } from './draft.js';
import { type Option, perListener, security } from './option.js';
import { flag, oneOf, path, text } from './option-types.js';

const MIN_VERSIONS = { 'tlsv1.2': 'TLSv1.2', 'tlsv1.3': 'TLSv1.3' } as const;
const NO_ENGINES =
  'cannot be used: this broker reads keys from files only. Remove the line, and give the key by keyfile';

export const tlsOptions: readonly Option[] = [
  perListener('certfile', path('/etc/cauldron/server.crt'), {
    isRepeatable: true,
    default: 'none',
    doc: 'Certificate of the server in PEM, then those of intermediate CAs. With keyfile, it makes the listener speak TLS. Several, each with its keyfile in the same order: clients are shown the one with the name that they ask for, or the first; of those with the same name, the one that goes with their ciphers.',
    set: (listener, file) => addFile(listener, 'certfile', listener.tls.certFiles, file),
  }),
  perListener('keyfile', path('/etc/cauldron/server.key'), {
    isRepeatable: true,
    default: 'none',
    doc: 'The private key of certfile, in PEM and without a password.',
    set: (listener, file) => addFile(listener, 'keyfile', listener.tls.keyFiles, file),
  }),
  perListener('cafile', path('/etc/cauldron/ca.crt'), {
    default: 'none',
    doc: 'CA certificates in PEM that certificates of clients have to be issued by; see require_certificate.',
    set: ({ tls }, file) => {
      tls.caFile = file;
    },
  }),
  perListener('capath', path('/etc/cauldron/cas'), {
    default: 'none',
    doc: 'Folder with such certificates, in files that end in .pem, .crt, .cer or as `openssl rehash` names them.',
    set: ({ tls }, folder) => {
      tls.caPath = folder;
    },
  }),
  perListener('require_certificate', flag, {
    default: 'false',
    doc: 'Whether clients have to show a certificate issued by a CA of cafile or capath. Without it they are not asked for one.',
    set: ({ tls }, required) => {
      tls.requireCertificate = required;
    },
  }),
  perListener('crlfile', path('/etc/cauldron/revoked.crl'), {
    default: 'none',
    doc: 'Certificates of clients that were revoked: lists of CAs (CRL) in PEM, one after the other. With require_certificate, there has to be one of the CA that issued the certificate of a client, and it must not have expired. After a reload, clients whose certificates are on it are disconnected.',
    set: ({ tls }, file) => {
      tls.crlFile = file;
    },
  }),
  perListener('disable_client_cert_date_checks', flag, {
    default: 'false',
    doc: 'Whether certificates of clients are also good before and after the time that stands in them. All else is checked; so is the time of the CAs.',
    deviation:
      'RSA keys below 2048 bits, SHA-1 and certificates with critical extensions of rare kinds are not accepted out of time.',
    set: ({ tls }, disabled) => {
      tls.ignoresClientDates = disabled;
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
    example: 'ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES128-GCM-SHA256',
    doc: 'Ciphers for TLS 1.2, as OpenSSL writes them. With psk_hint, those for pre-shared keys have to be among them.',
    set: ({ tls }, ciphers) => {
      tls.ciphers = ciphers;
    },
  }),
  perListener('ciphers_tls1.3', text, {
    default: 'those of Node',
    example: 'TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256',
    doc: 'Ciphers for TLS 1.3, the best first. With psk_hint, one that ends in SHA256 has to be the first: pre-shared keys go with no other.',
    set: ({ tls }, ciphers) => {
      tls.ciphersOfTls13 = ciphers;
    },
  }),
  perListener('dhparamfile', path('/etc/cauldron/dhparam.pem'), {
    default: 'none',
    doc: 'Parameters for ciphers with DHE, of 1024 bits and more. Without it, they have the size that goes with the key.',
    deviation: 'Mosquitto 2.1 ignores it.',
    set: ({ tls }, file) => {
      tls.dhParamFile = file;
    },
  }),
  perListener('psk_hint', text, {
    default: 'none',
    example: 'my-broker',
    doc: 'Lets clients prove who they are by a pre-shared key of psk_file, with or without certfile. The text is told to clients of TLS 1.2, most of which ignore it.',
    deviation: 'TLS 1.3 is spoken with pre-shared keys, too.',
    set: ({ tls }, hint) => {
      tls.pskHint = hint;
    },
  }),
  security('psk_file', path('/etc/cauldron/psk'), {
    default: 'none',
    doc: 'Pre-shared keys for listeners with psk_hint: a line for each client, with its identity, a colon and its key in hexadecimal.',
    set: (draft, file) => {
      draft.pskFile = file;
    },
  }),
  perListener('tls_keyform', oneOf('pem', 'engine'), {
    default: 'pem',
    doc: 'How keyfile is to be understood: as a file in PEM. Keys in hardware (engine) are not supported.',
    deviation: 'engine is refused: keys are read from files only.',
    set: (_, form): string | undefined => (form === 'engine' ? NO_ENGINES : undefined),
  }),
  perListener('tls_engine', text, {
    default: 'none',
    doc: 'Name of an OpenSSL engine with the private key.',
    status: { kind: 'refused', instead: `${NO_ENGINES}.` },
    set: () => {},
  }),
  perListener('tls_engine_kpass_sha1', text, {
    default: 'none',
    isSecret: true,
    doc: 'SHA-1 of the password of the private key in an OpenSSL engine.',
    status: { kind: 'refused', instead: `${NO_ENGINES}.` },
    set: () => {},
  }),
];

function addFile({ origins, tls }: ListenerDraft, option: string, files: string[], file: string): void {
  files.push(file);
  const origin = origins.get(option);
  if (origin !== undefined) tls.fileOrigins.set(`${option} ${file}`, origin);
}

/** Whether what is said about TLS makes the listener speak it. */
export function speaksTls({ tls }: ListenerDraft): boolean {
  return tls.certFiles.length > 0 || tls.pskHint !== null;
}

/** What is said about TLS, if it makes the listener speak it. `all`: what is said for all listeners. */
export function tlsOf(listener: ListenerDraft, all: SecurityDraft): TlsConfig | null {
  if (!speaksTls(listener)) return null;
  const { tls, origins, security: own } = listener;
  const { certFiles, keyFiles, fileOrigins, ...others } = tls;
  return {
    ...others,
    certificates: certFiles.map((certFile, index): CertificatePair => ({ certFile, keyFile: keyFiles[index] })),
    pskFile: own.pskFile ?? all.pskFile,
    origins: new Map([...origins, ...fileOrigins]),
  };
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
  const { certFiles, keyFiles, caFile, caPath, requireCertificate, pskHint } = tls;
  if (certFiles.length > keyFiles.length) {
    return [mismatch('certfile', `needs keyfile, its private key: 'keyfile /path/to/server.key'.${countsOf(tls)}`)];
  }
  if (keyFiles.length > certFiles.length) {
    return [mismatch('keyfile', `needs certfile, its certificate: 'certfile /path/to/server.crt'.${countsOf(tls)}`)];
  }
  if (certFiles.length > 0) {
    if (!requireCertificate || caFile !== null || caPath !== null) return [];
    return [
      mismatch('require_certificate', "needs cafile or capath, the CA of the clients: 'cafile /path/to/ca.crt'."),
    ];
  }
  const ofCertificates: [string, unknown][] = [
    ['cafile', caFile],
    ['capath', caPath],
    ['require_certificate', requireCertificate || null],
    ['crlfile', tls.crlFile],
    ['disable_client_cert_date_checks', tls.ignoresClientDates || null],
  ];
  const ofTls: [string, unknown][] = [
    ['tls_version', tls.minVersion],
    ['ciphers', tls.ciphers],
    ['ciphers_tls1.3', tls.ciphersOfTls13],
    ['dhparamfile', tls.dhParamFile],
  ];
  const needed =
    pskHint === null
      ? 'needs certfile and keyfile: without them the listener does not speak TLS. Add them to it.'
      : 'needs certfile and keyfile: with psk_hint alone, nobody has certificates. Add them to the listener.';
  return [...ofCertificates, ...(pskHint === null ? ofTls : [])]
    .filter(([, value]) => value !== null)
    .map(([option]) => mismatch(option, needed));
}

function countsOf({ certFiles, keyFiles }: ListenerDraft['tls']): string {
  if (certFiles.length + keyFiles.length === 1) return '';
  return ` The listener has ${certFiles.length} lines with certfile and ${keyFiles.length} with keyfile.`;
}

function mismatch(option: string, text: string): Mismatch {
  return { option, text: `${option} ${text}` };
}
