import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll } from 'vitest';
import { programPath } from './programs.js';

/** Paths of PEM files. */
export interface Certificates {
  readonly caFile: string;
  /** For `localhost`, 127.0.0.1 and ::1. */
  readonly certFile: string;
  readonly keyFile: string;
  /** Its subject is `CN=client,OU=tests,O=Cauldron`. */
  readonly clientCertFile: string;
  readonly clientKeyFile: string;
  /** Where they are, and where more may be put. It goes when the tests of the file are through. */
  readonly folder: string;
}

/** Paths of PEM files. */
export interface CertificateFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

export interface CertificateRequest {
  /** As openssl writes it, the outermost part first: `/O=Cauldron/CN=client`. */
  readonly subject: string;
  readonly use: 'server' | 'client';
  /** Names and addresses as openssl writes them: `DNS:localhost,IP:127.0.0.1`. */
  readonly hosts?: string;
  /** Default: since yesterday. */
  readonly validFrom?: Date;
  /** Default: until tomorrow. */
  readonly validTo?: Date;
  /** Default: EC. */
  readonly key?: 'ec' | 'rsa' | 'small-rsa';
  /** More extensions, as openssl writes them. */
  readonly extensions?: readonly string[];
}

export interface AuthorityRequest {
  /** Default: itself. */
  readonly issuer?: CertificateAuthority;
  /** Extensions instead of those of a CA, as openssl writes them. */
  readonly extensions?: readonly string[];
  /** Of one that has an issuer. Default: as those of a certificate. */
  readonly validFrom?: Date;
  readonly validTo?: Date;
}

const DAY_MS = 86_400_000;
const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
const NEW_KEYS = {
  ec: NEW_KEY,
  rsa: ['-newkey', 'rsa:2048', '-nodes'],
  'small-rsa': ['-newkey', 'rsa:1024', '-nodes'],
};
const OF_CA = ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign,cRLSign'];

let made: Promise<Certificates> | null = null;

afterAll(async () => {
  if (made !== null) rmSync((await made).folder, { recursive: true });
  made = null;
});

/** Certificates that trust each other, made once for each test file. `areInstalled('openssl')` has to hold. */
export function certificates(): Promise<Certificates> {
  made ??= make();
  return made;
}

async function make(): Promise<Certificates> {
  const folder = mkdtempSync(join(tmpdir(), 'cauldron-certificates-'));
  const authority = new CertificateAuthority(folder, 'ca');
  const hosts = 'DNS:localhost,IP:127.0.0.1,IP:::1';
  const server = authority.issue('server', { subject: '/O=Cauldron/CN=localhost', use: 'server', hosts });
  const client = authority.issue('client', { subject: '/O=Cauldron/OU=tests/CN=client', use: 'client' });
  return {
    caFile: authority.caFile,
    ...server,
    clientCertFile: client.certFile,
    clientKeyFile: client.keyFile,
    folder,
  };
}

/** Issues certificates. Each authority is called `/O=Cauldron/CN=` and its name. */
export class CertificateAuthority {
  readonly caFile: string;
  readonly keyFile: string;
  readonly #folder: string;
  readonly #books: string;

  /** `folder` gets its certificate and those that it issues. */
  constructor(folder: string, name: string, request: AuthorityRequest = {}) {
    const { issuer, extensions = OF_CA } = request;
    this.#folder = folder;
    this.caFile = join(folder, `${name}.crt`);
    this.keyFile = join(folder, `${name}.key`);
    this.#books = join(folder, `${name}-books`);
    mkdirSync(this.#books);
    writeFileSync(join(this.#books, 'index.txt'), '');
    writeFileSync(join(this.#books, 'ca.cnf'), configuration(this.#books));
    if (issuer !== undefined) {
      issuer.#sign(name, NEW_KEY, `/O=Cauldron/CN=${name}`, extensions, request);
      return;
    }
    const uses = extensions.flatMap((extension) => ['-addext', extension]);
    const subject = ['-subj', `/O=Cauldron/CN=${name}`, '-days', '2'];
    openssl('req', '-x509', ...NEW_KEY, ...subject, ...uses, '-keyout', this.keyFile, '-out', this.caFile);
  }

  /** Makes `NAME.crt` and `NAME.key`. */
  issue(name: string, request: CertificateRequest): CertificateFiles {
    const { subject, use, hosts, key = 'ec', extensions: more = [] } = request;
    const extensions = ['basicConstraints=CA:FALSE', `extendedKeyUsage=${use}Auth`, ...more];
    if (hosts !== undefined) extensions.push(`subjectAltName=${hosts}`);
    return this.#sign(name, NEW_KEYS[key], subject, extensions, request);
  }

  /** Another one with its name and a key of its own. */
  impostor(): CertificateAuthority {
    const folder = join(this.#books, 'impostor');
    mkdirSync(folder);
    return new CertificateAuthority(folder, basename(this.caFile, '.crt'));
  }

  /** A new certificate for its name and key; its path. */
  renewed(): string {
    const file = join(this.#books, 'renewed.crt');
    const uses = OF_CA.flatMap((extension) => ['-addext', extension]);
    const subject = ['-subj', `/O=Cauldron/CN=${basename(this.caFile, '.crt')}`, '-days', '2'];
    openssl('req', '-x509', '-key', this.keyFile, ...subject, ...uses, '-out', file);
    return file;
  }

  /** Takes a certificate back that it issued: with the next list. */
  revoke({ certFile }: Pick<CertificateFiles, 'certFile'>): void {
    openssl('ca', ...this.#asItself, '-revoke', certFile);
  }

  /** Makes `NAME.crl`, with what was revoked until now. */
  list(
    name: string,
    { nextUpdate = new Date(Date.now() + DAY_MS), extensions = [] as readonly string[] } = {},
  ): string {
    const file = join(this.#folder, `${name}.crl`);
    const dates = ['-crl_lastupdate', opensslTime(new Date(Date.now() - 2 * DAY_MS))];
    dates.push('-crl_nextupdate', opensslTime(nextUpdate));
    const as = this.#asItself;
    if (extensions.length > 0) {
      as[1] = join(this.#books, 'list.cnf');
      writeFileSync(as[1], [configuration(this.#books), '[list]', ...extensions].join('\n'));
      as.push('-crlexts', 'list');
    }
    openssl('ca', ...as, '-gencrl', ...dates, '-out', file);
    return file;
  }

  get #asItself(): string[] {
    return ['-config', join(this.#books, 'ca.cnf'), '-cert', this.caFile, '-keyfile', this.keyFile];
  }

  #sign(
    name: string,
    newKey: readonly string[],
    subject: string,
    extensions: readonly string[],
    { validFrom, validTo }: Pick<CertificateRequest, 'validFrom' | 'validTo'>,
  ): CertificateFiles {
    const certFile = join(this.#folder, `${name}.crt`);
    const keyFile = join(this.#folder, `${name}.key`);
    const requestFile = join(this.#books, 'request.pem');
    const extensionFile = join(this.#books, 'extensions.cnf');
    writeFileSync(extensionFile, extensions.join('\n'));
    openssl('req', ...newKey, '-subj', subject, '-keyout', keyFile, '-out', requestFile);
    const from = ['-startdate', opensslTime(validFrom ?? new Date(Date.now() - DAY_MS))];
    const to = ['-enddate', opensslTime(validTo ?? new Date(Date.now() + DAY_MS))];
    const files = ['-extfile', extensionFile, '-in', requestFile, '-out', certFile];
    openssl('ca', '-batch', '-notext', '-preserveDN', ...this.#asItself, ...from, ...to, ...files);
    return { certFile, keyFile };
  }
}

/** What `openssl ca`, the one command that takes dates, wants to know beyond its command line. */
function configuration(books: string): string {
  return `[ca]
default_ca = this
[this]
database = ${join(books, 'index.txt')}
new_certs_dir = ${books}
rand_serial = yes
unique_subject = no
default_crl_days = 1
default_md = sha256
policy = anything
[anything]
`;
}

function opensslTime(date: Date): string {
  return `${date.toISOString().replace(/\..*|\D/g, '')}Z`;
}

/** @throws Error with what it wrote, when it fails */
function openssl(...argv: readonly string[]): void {
  execFileSync(programPath('openssl'), argv, { stdio: ['ignore', 'ignore', 'pipe'] });
}
