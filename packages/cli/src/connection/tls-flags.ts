import { appendFileSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TlsOptions } from '@cauldron/client';
import { type FlagTable, UsageError, type Values } from '../command-line/arguments.js';

const VERSIONS = { 'tlsv1.2': 'TLSv1.2', 'tlsv1.3': 'TLSv1.3' } as const;

/** The flags for TLS, which all client tools have. */
export const TLS_FLAGS = {
  cafile: {
    long: '--cafile',
    kind: 'text',
    value: 'FILE',
    group: 'tls',
    doc: 'Talks TLS, and trusts the CA certificates in this PEM file.',
  },
  capath: {
    long: '--capath',
    kind: 'text',
    value: 'FOLDER',
    group: 'tls',
    rare: true,
    doc: 'Talks TLS, and trusts the CA certificates in the files of this folder.',
  },
  osCertificates: {
    long: '--tls-use-os-certs',
    kind: 'switch',
    group: 'tls',
    doc: 'Talks TLS, and trusts the CAs that the operating system trusts.',
  },
  cert: {
    long: '--cert',
    kind: 'text',
    value: 'FILE',
    group: 'tls',
    rare: true,
    doc: 'Certificate of this client in PEM. Needs --key.',
  },
  key: { long: '--key', kind: 'text', value: 'FILE', group: 'tls', rare: true, doc: 'Private key of --cert in PEM.' },
  keyform: {
    long: '--keyform',
    kind: 'choice',
    value: 'FORM',
    choices: ['pem', 'engine'],
    group: 'tls',
    rare: true,
    doc: 'Form of --key: pem.',
  },
  insecure: {
    long: '--insecure',
    kind: 'switch',
    group: 'tls',
    doc: 'Does not verify the broker: anybody can be in between. For tests.',
  },
  psk: {
    long: '--psk',
    kind: 'text',
    value: 'HEX',
    group: 'tls',
    rare: true,
    doc: 'Talks TLS with a pre-shared key. Needs --psk-identity.',
  },
  pskIdentity: {
    long: '--psk-identity',
    kind: 'text',
    value: 'NAME',
    group: 'tls',
    rare: true,
    doc: 'Name of the key of --psk.',
  },
  ciphers: {
    long: '--ciphers',
    kind: 'text',
    value: 'LIST',
    group: 'tls',
    rare: true,
    doc: "Ciphers, as 'openssl ciphers' writes them.",
  },
  tlsVersion: {
    long: '--tls-version',
    kind: 'choice',
    value: 'VERSION',
    choices: Object.keys(VERSIONS),
    group: 'tls',
    rare: true,
    doc: 'Lowest version of TLS: tlsv1.2 or tlsv1.3. Default tlsv1.2.',
  },
  alpn: {
    long: '--tls-alpn',
    kind: 'text',
    value: 'NAME',
    group: 'tls',
    rare: true,
    doc: 'Protocol to ask for by ALPN, such as mqtt.',
  },
  keyLog: {
    long: '--tls-keylog',
    kind: 'text',
    value: 'FILE',
    group: 'tls',
    rare: true,
    doc: 'Appends the secrets of the connection to this file, for Wireshark. Whoever has it can read everything.',
  },
  noTls: { long: '--no-tls', kind: 'switch', group: 'tls', rare: true, doc: 'Talks no TLS, on port 8883 neither.' },
  engine: {
    long: '--tls-engine',
    kind: 'text',
    value: 'NAME',
    group: 'tls',
    rare: true,
    doc: 'Not available; keys are in PEM files.',
  },
  enginePassword: {
    long: '--tls-engine-kpass-sha1',
    kind: 'text',
    value: 'HEX',
    group: 'tls',
    rare: true,
    doc: 'Not available, as --tls-engine.',
  },
} as const satisfies FlagTable;

export type TlsValues = Values<typeof TLS_FLAGS>;

/** Where Linux, BSD and macOS keep the CAs that they trust, in one file. */
const SYSTEM_CAS = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/ssl/cert.pem',
];

/** Whether a flag asks for TLS by being there. */
export function asksForTls({ cafile, capath, osCertificates, psk }: TlsValues): boolean {
  return cafile !== undefined || capath !== undefined || osCertificates === true || psk !== undefined;
}

/** @throws UsageError for flags that do not go together, whether TLS is spoken or not */
export function checkTlsFlags(values: TlsValues): void {
  const { cafile, capath, cert, key, psk, pskIdentity } = values;
  if (values.engine !== undefined || values.enginePassword !== undefined || values.keyform === 'engine') {
    throw new UsageError('There are no engines: give the key as a PEM file with --key');
  }
  if ((cert === undefined) !== (key === undefined)) throw new UsageError('--cert and --key go together');
  if ((psk === undefined) !== (pskIdentity === undefined)) {
    throw new UsageError('--psk and --psk-identity go together');
  }
  if (psk !== undefined && (cafile !== undefined || capath !== undefined)) {
    throw new UsageError('--psk is instead of certificates: it does not go with --cafile and --capath');
  }
}

/** @throws UsageError for a file that cannot be read, or a key that is none */
export function tlsOptionsOf(values: TlsValues): TlsOptions {
  const { cafile, capath, osCertificates, cert, key, psk, pskIdentity, keyLog } = values;
  const authorities = [
    ...(cafile === undefined ? [] : [fileOf('--cafile', cafile)]),
    ...(capath === undefined ? [] : folderOf(capath)),
    ...(osCertificates === true || !asksForTls(values) ? systemCertificates(osCertificates === true) : []),
  ];
  const options: TlsOptions = {};
  if (authorities.length > 0) options.ca = authorities;
  if (cert !== undefined) options.cert = fileOf('--cert', cert);
  if (key !== undefined) options.key = fileOf('--key', key);
  if (psk !== undefined && pskIdentity !== undefined) options.psk = { identity: pskIdentity, key: keyOf(psk) };
  if (values.insecure === true) options.insecure = true;
  if (values.ciphers !== undefined) options.ciphers = values.ciphers;
  if (values.tlsVersion !== undefined) options.minVersion = VERSIONS[values.tlsVersion as keyof typeof VERSIONS];
  if (values.alpn !== undefined) options.alpn = [values.alpn];
  if (keyLog !== undefined) options.onKeyLog = (line) => appendFileSync(keyLog, line, { mode: 0o600 });
  return options;
}

function fileOf(flag: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new UsageError(`${flag} cannot be read: ${(error as Error).message}`);
  }
}

function folderOf(path: string): Buffer[] {
  let names: string[];
  try {
    names = readdirSync(path).filter((name) => /\.(pem|crt|cer|\d+)$/.test(name));
  } catch (error) {
    throw new UsageError(`--capath cannot be read: ${(error as Error).message}`);
  }
  if (names.length === 0) throw new UsageError(`--capath has no certificates: ${path}`);
  return names.map((name) => fileOf('--capath', join(path, name)));
}

/** Those of the system; where it has none in one file, those that Node brings along have to do, unless `isWanted`. */
function systemCertificates(isWanted: boolean): Buffer[] {
  const file = SYSTEM_CAS.find((path) => existsSync(path));
  if (file !== undefined) return [fileOf('--tls-use-os-certs', file)];
  if (!isWanted) return [];
  throw new UsageError(`--tls-use-os-certs: none of ${SYSTEM_CAS.join(', ')} is there; give the file with --cafile`);
}

function keyOf(hex: string): Buffer {
  if (/^([0-9a-f]{2})+$/i.test(hex)) return Buffer.from(hex, 'hex');
  throw new UsageError('--psk is a key of hexadecimal digits, two for each byte');
}
