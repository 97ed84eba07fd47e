import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
}

const DAY_MS = 86_400_000;
const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

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
  readonly #folder: string;
  readonly #books: string;
  readonly #keyFile: string;

  /** `folder` gets its certificate and those that it issues. */
  constructor(folder: string, name: string) {
    this.#folder = folder;
    this.caFile = join(folder, `${name}.crt`);
    this.#keyFile = join(folder, `${name}.key`);
    this.#books = join(folder, `${name}-books`);
    mkdirSync(this.#books);
    writeFileSync(join(this.#books, 'index.txt'), '');
    writeFileSync(join(this.#books, 'ca.cnf'), configuration(this.#books));
    const uses = ['-addext', 'basicConstraints=critical,CA:TRUE', '-addext', 'keyUsage=critical,keyCertSign,cRLSign'];
    const subject = ['-subj', `/O=Cauldron/CN=${name}`, '-days', '2'];
    openssl('req', '-x509', ...NEW_KEY, ...subject, ...uses, '-keyout', this.#keyFile, '-out', this.caFile);
  }

  /** Makes `NAME.crt` and `NAME.key`. */
  issue(name: string, request: CertificateRequest): { certFile: string; keyFile: string } {
    const { subject, use, hosts } = request;
    const { validFrom = new Date(Date.now() - DAY_MS), validTo = new Date(Date.now() + DAY_MS) } = request;
    const certFile = join(this.#folder, `${name}.crt`);
    const keyFile = join(this.#folder, `${name}.key`);
    const requestFile = join(this.#books, 'request.pem');
    const extensionFile = join(this.#books, 'extensions.cnf');
    const extensions = ['basicConstraints=CA:FALSE', `extendedKeyUsage=${use}Auth`];
    if (hosts !== undefined) extensions.push(`subjectAltName=${hosts}`);
    writeFileSync(extensionFile, extensions.join('\n'));
    openssl('req', ...NEW_KEY, '-subj', subject, '-keyout', keyFile, '-out', requestFile);
    const signing = ['-config', join(this.#books, 'ca.cnf'), '-cert', this.caFile, '-keyfile', this.#keyFile];
    const dates = ['-startdate', opensslTime(validFrom), '-enddate', opensslTime(validTo)];
    const files = ['-extfile', extensionFile, '-in', requestFile, '-out', certFile];
    openssl('ca', '-batch', '-notext', '-preserveDN', ...signing, ...dates, ...files);
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
