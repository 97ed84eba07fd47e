import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { CertificatePair, TlsConfig } from './config.js';
import { readPskFile } from './psk-file.js';
import { reading, readText, secrecyWarnings, TlsFileError } from './tls-file-error.js';

/** A certificate of the server with its key. */
export interface KeyPair {
  /** In PEM: the server's own, then those of intermediate CAs. */
  readonly chain: string;
  /** In PEM. */
  readonly privateKey: string;
  readonly certificate: X509Certificate;
  /** `rsa`, `ec`, `ed25519` ... */
  readonly keyType: string;
}

/** What the files of a listener have in them, checked. */
export interface TlsMaterial {
  readonly pairs: readonly KeyPair[];
  /** Those that may issue certificates of clients. */
  readonly authorities: readonly X509Certificate[];
  /** Revocation lists in DER; null: none are asked for. */
  readonly lists: readonly Buffer[] | null;
  /** In PEM; null: none are given. */
  readonly dhParameters: string | null;
  /** By identity; null: there are no pre-shared keys. */
  readonly pskKeys: ReadonlyMap<string, Buffer> | null;
  /** What clients will object to, and what is open to others, in words for the log. */
  readonly warnings: readonly TlsFileWarning[];
}

export interface TlsFileWarning {
  readonly option: string;
  readonly path: string;
  /** A sentence that begins with both. */
  readonly text: string;
}

const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;
const PEM_LIST = /-----BEGIN X509 CRL-----([^-]*)-----END X509 CRL-----/g;
const CA_FILE_NAME = /\.(pem|crt|cer)$|^[0-9a-f]{8}\.\d+$/;

const DAY_MS = 86_400_000;
/** Of a certificate that should be renewed soon. */
const EXPIRY_WARNING_DAYS = 30;

/** Reads the files that the options of a listener name. @throws TlsFileError naming option and file. */
export function readTlsFiles(config: TlsConfig): TlsMaterial {
  const { certificates, crlFile, dhParamFile, pskHint, pskFile, requireCertificate } = config;
  const pairs = certificates.map(readPair);
  const authorities = authoritiesOf(config);
  const lists = crlFile === null ? null : listsIn(crlFile);
  const dhParameters = dhParamFile === null ? null : parametersIn(dhParamFile);
  const warnings: TlsFileWarning[] = [];
  const warn = (option: string, path: string, texts: readonly string[]): void => {
    for (const text of texts) warnings.push({ option, path, text });
  };
  for (const [index, { certFile, keyFile }] of certificates.entries()) {
    warn('certfile', certFile, certificateWarnings(certFile, pairs[index].certificate));
    warn('keyfile', keyFile, secrecyWarnings('keyfile', keyFile));
  }
  if (requireCertificate) {
    for (const authority of authorities) {
      const [option, path] = config.caFile === null ? ['capath', config.caPath ?? ''] : ['cafile', config.caFile];
      if (Date.parse(authority.validTo) > Date.now()) continue;
      const name = authority.subject?.replaceAll('\n', ',') ?? '';
      warn(option, path, [
        `${option} ${path}: the CA ${name} expired on ${authority.validTo}; its clients are refused.`,
      ]);
    }
  }
  if (crlFile !== null && !requireCertificate) {
    warn('crlfile', crlFile, [
      `crlfile ${crlFile} has no effect: clients are asked for certificates with require_certificate true only.`,
    ]);
  }
  let pskKeys: Map<string, Buffer> | null = null;
  if (pskHint !== null) {
    if (pskFile === null) {
      throw new TlsFileError(
        'psk_hint',
        pskHint,
        " needs psk_file, the keys of the clients: 'psk_file /path/to/keys'.",
      );
    }
    pskKeys = readPskFile(pskFile);
    warn('psk_file', pskFile, secrecyWarnings('psk_file', pskFile));
  }
  return { pairs, authorities, lists, dhParameters, pskKeys, warnings };
}

function readPair({ certFile, keyFile }: CertificatePair): KeyPair {
  const chain = certificatesIn('certfile', certFile);
  const [certificate] = chain;
  const privateKey = readText('keyfile', keyFile);
  const key = privateKeyOf(keyFile, privateKey);
  if (!certificate.checkPrivateKey(key)) {
    if (chain.some((other) => other.checkPrivateKey(key))) {
      throw new TlsFileError(
        'certfile',
        certFile,
        " has its certificates in the wrong order: the server's own has to be the first, before those of the CAs.",
      );
    }
    throw new TlsFileError(
      'keyfile',
      keyFile,
      ` is not the private key of certfile ${certFile}. Give the two that were made together.`,
    );
  }
  return { chain: chain.map(String).join(''), privateKey, certificate, keyType: key.asymmetricKeyType ?? '' };
}

function authoritiesOf({ caFile, caPath }: TlsConfig): X509Certificate[] {
  const fromFile = caFile === null ? [] : certificatesIn('cafile', caFile);
  return caPath === null ? fromFile : [...fromFile, ...certificatesBelow(caPath)];
}

function certificatesBelow(folder: string): X509Certificate[] {
  const names = reading('capath', folder, () => readdirSync(folder)).filter((name) => CA_FILE_NAME.test(name));
  // `openssl rehash` makes links, so that most are met twice. Keys may lie beside them.
  const found = new Map<string, X509Certificate>();
  for (const name of names) {
    const path = join(folder, name);
    for (const certificate of parsed('capath', path, readText('capath', path))) {
      found.set(certificate.fingerprint256, certificate);
    }
  }
  if (found.size > 0) return [...found.values()];
  throw new TlsFileError('capath', folder, ' has no certificates, in files that end in .pem, .crt or .cer.');
}

function certificatesIn(option: string, path: string): [X509Certificate, ...X509Certificate[]] {
  const text = readText(option, path);
  const [first, ...others] = parsed(option, path, text);
  if (first === undefined) {
    throw new TlsFileError(option, path, ` has no certificate in PEM. ${whatElse(path, text, 'x509')}`);
  }
  return [first, ...others];
}

function parsed(option: string, path: string, text: string): X509Certificate[] {
  const blocks: readonly string[] = text.match(PEM_CERTIFICATE) ?? [];
  return blocks.map((block, index) => {
    try {
      return new X509Certificate(block);
    } catch (error) {
      const which = `the certificate${blocks.length > 1 ? ` number ${index + 1}` : ''}`;
      throw new TlsFileError(option, path, `: ${which} is damaged: ${(error as Error).message}.`, { cause: error });
    }
  });
}

function listsIn(path: string): Buffer[] {
  const text = readText('crlfile', path);
  const lists = Array.from(text.matchAll(PEM_LIST), ([, base64]) => Buffer.from(base64, 'base64'));
  if (lists.length > 0) return lists;
  throw new TlsFileError('crlfile', path, ` has no revocation list in PEM. ${whatElse(path, text, 'crl')}`);
}

function parametersIn(path: string): string {
  const text = readText('dhparamfile', path);
  if (text.includes('-----BEGIN DH PARAMETERS-----')) return text;
  throw new TlsFileError(
    'dhparamfile',
    path,
    ' has no DH parameters in PEM. Remove the line: they are no longer needed. To make some: openssl dhparam -out dhparam.pem 2048',
  );
}

function privateKeyOf(path: string, text: string): KeyObject {
  try {
    return createPrivateKey(text);
  } catch (error) {
    const isLocked = /-----BEGIN ENCRYPTED|^Proc-Type: 4,ENCRYPTED/m.test(text);
    throw new TlsFileError(
      'keyfile',
      path,
      isLocked
        ? ` is locked with a password, which the broker cannot ask for. To unlock it: openssl pkey -in ${path} -out unlocked.key`
        : ` has no private key in PEM. ${whatElse(path, text, 'pkey')}`,
      { cause: error },
    );
  }
}

/** What a file has that was expected to have something else. `command` of openssl reads what was expected. */
function whatElse(path: string, text: string, command: 'x509' | 'crl' | 'pkey'): string {
  if (text.includes('PRIVATE KEY-----')) return 'It has a private key: are certfile and keyfile the wrong way round?';
  if (text.includes('BEGIN CERTIFICATE REQUEST')) return 'It has a request for one, which a CA has yet to sign.';
  if (text.includes('BEGIN CERTIFICATE')) {
    return command === 'crl'
      ? 'It has a certificate. openssl ca -gencrl makes a list.'
      : 'It has a certificate: are certfile and keyfile the wrong way round?';
  }
  // A DER file begins with a SEQUENCE.
  if (text.startsWith('0'))
    return `If it is DER, openssl makes PEM of it: openssl ${command} -inform DER -in ${path} -out ${path}.pem`;
  return 'Is it the right file?';
}

function certificateWarnings(path: string, { validFrom, validTo, subjectAltName }: X509Certificate): string[] {
  const warnings: string[] = [];
  const now = Date.now();
  const daysLeft = Math.floor((Date.parse(validTo) - now) / DAY_MS);
  if (daysLeft < 0) warnings.push(`certfile ${path} expired on ${validTo}; clients will refuse it.`);
  else if (daysLeft < EXPIRY_WARNING_DAYS) {
    const days = daysLeft < 2 ? 'soon' : `in ${daysLeft} days`;
    warnings.push(`certfile ${path} expires ${days}, on ${validTo}. Renew it, and reload.`);
  }
  if (Date.parse(validFrom) > now) {
    warnings.push(
      `certfile ${path} is valid from ${validFrom} only; clients will refuse it. Is this machine's clock right?`,
    );
  }
  if (subjectAltName === undefined) {
    warnings.push(`certfile ${path} lists no names (subjectAltName); most clients will refuse it.`);
  }
  return warnings;
}
