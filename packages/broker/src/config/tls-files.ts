import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import type { TlsConfig } from './config.js';

/** What the files of a listener have in them, checked. All texts are PEM. */
export interface TlsMaterial {
  /** The server's certificate, then those of intermediate CAs. */
  readonly certificates: string;
  readonly privateKey: string;
  /** Those that may issue certificates of clients. */
  readonly authorities: readonly string[];
  /** What clients will object to, in words for the log. */
  readonly warnings: readonly string[];
}

/** What is wrong with a file that an option names, and what to do about it. */
export class TlsFileError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'TlsFileError';
  }
}

const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;
const CA_FILE_NAME = /\.(pem|crt|cer)$|^[0-9a-f]{8}\.\d+$/;

/** Reads the files that the options of a listener name. @throws TlsFileError naming option and file. */
export function readTlsFiles(config: TlsConfig): TlsMaterial {
  const { certFile, keyFile } = config;
  const chain = certificatesIn('certfile', certFile);
  const [own] = chain;
  const privateKey = readText('keyfile', keyFile);
  const key = privateKeyOf(keyFile, privateKey);
  if (!own.checkPrivateKey(key)) {
    const isElsewhere = chain.some((certificate) => certificate.checkPrivateKey(key));
    throw new TlsFileError(
      isElsewhere
        ? `certfile ${certFile} has its certificates in the wrong order: the server's own has to be the first, before those of the CAs.`
        : `keyfile ${keyFile} is not the private key of certfile ${certFile}. Give the two that were made together.`,
    );
  }
  return {
    certificates: chain.map(String).join(''),
    privateKey,
    authorities: authoritiesOf(config).map(String),
    warnings: validityWarnings(certFile, own),
  };
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
  throw new TlsFileError(`capath ${folder} has no certificates, in files that end in .pem, .crt or .cer.`);
}

function certificatesIn(option: string, path: string): [X509Certificate, ...X509Certificate[]] {
  const text = readText(option, path);
  const [first, ...others] = parsed(option, path, text);
  if (first === undefined)
    throw new TlsFileError(`${option} ${path} has no certificate in PEM. ${whatElse(path, text)}`);
  return [first, ...others];
}

function parsed(option: string, path: string, text: string): X509Certificate[] {
  const blocks: readonly string[] = text.match(PEM_CERTIFICATE) ?? [];
  return blocks.map((block, index) => {
    try {
      return new X509Certificate(block);
    } catch (error) {
      const which = `the certificate${blocks.length > 1 ? ` number ${index + 1}` : ''}`;
      throw new TlsFileError(`${option} ${path}: ${which} is damaged: ${(error as Error).message}.`, {
        cause: error,
      });
    }
  });
}

function privateKeyOf(path: string, text: string): KeyObject {
  try {
    return createPrivateKey(text);
  } catch (error) {
    const isLocked = /-----BEGIN ENCRYPTED|^Proc-Type: 4,ENCRYPTED/m.test(text);
    throw new TlsFileError(
      isLocked
        ? `keyfile ${path} is locked with a password, which the broker cannot ask for. To unlock it: openssl pkey -in ${path} -out unlocked.key`
        : `keyfile ${path} has no private key in PEM. ${whatElse(path, text)}`,
      { cause: error },
    );
  }
}

/** What a file has that was expected to have something else. */
function whatElse(path: string, text: string): string {
  if (text.includes('PRIVATE KEY-----')) return 'It has a private key: are certfile and keyfile the wrong way round?';
  if (text.includes('BEGIN CERTIFICATE REQUEST')) return 'It has a request for one, which a CA has yet to sign.';
  if (text.includes('BEGIN CERTIFICATE')) return 'It has a certificate: are certfile and keyfile the wrong way round?';
  // A DER file begins with a SEQUENCE.
  if (text.startsWith('0')) return `If it is DER, openssl makes PEM of it: openssl x509 -in ${path} -out ${path}.pem`;
  return 'Is it the right file?';
}

function validityWarnings(path: string, { validFrom, validTo }: X509Certificate): string[] {
  const now = Date.now();
  if (Date.parse(validTo) < now) return [`certfile ${path} expired on ${validTo}; clients will refuse it.`];
  if (Date.parse(validFrom) > now) {
    return [`certfile ${path} is valid from ${validFrom} only; clients will refuse it. Is this machine's clock right?`];
  }
  return [];
}

function readText(option: string, path: string): string {
  return reading(option, path, () => readFileSync(path, 'latin1'));
}

function reading<T>(option: string, path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const hints: Readonly<Record<string, string>> = {
      EACCES: ' The user that the broker runs as needs the right to read it.',
      ...(!isAbsolute(path) && { ENOENT: ` The path counts from ${process.cwd()}, where the broker was started.` }),
    };
    throw new TlsFileError(`${option} ${path} cannot be read: ${message}.${hints[code ?? ''] ?? ''}`, { cause: error });
  }
}
