import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import {
  Authority,
  type CertificateRequest,
  commonNameOf,
  type Issued,
  type KeyKind,
  newAuthority,
  type Revocation,
  revocationsIn,
} from './authority.js';
import { makeFolder, OWNER_ONLY, type Owner, READABLE, replaceFile, textOf } from './kept-files.js';
import { explaining, SetupError } from './setup-error.js';

/** Of the CA: longer than the devices that trust it live. */
const AUTHORITY_DAYS = 3650;
const OPEN_FOLDER = 0o755;
const CLOSED_FOLDER = 0o700;

/** A certificate that the CA has issued, as `show` lists it. */
export interface BookEntry {
  readonly certificate: X509Certificate;
  /** In hexadecimal, lower case. */
  readonly serialNumber: string;
  readonly name: string;
  readonly use: 'server' | 'client';
  /** It lies where the server or the client takes it from; others were replaced by a newer one. */
  readonly isCurrent: boolean;
  /** Null: it was not taken back. */
  readonly revokedAt: Date | null;
}

/** The folder with the CA, what it has issued, and what it has taken back. */
export class CertificateFolder {
  readonly path: string;
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
  readonly crlFile: string;
  readonly #caKeyFile: string;
  readonly #namesFile: string;
  readonly #issued: string;
  readonly #clients: string;

  constructor(path: string) {
    this.path = path;
    this.caFile = join(path, 'ca.crt');
    this.#caKeyFile = join(path, 'ca.key');
    this.certFile = join(path, 'server.crt');
    this.keyFile = join(path, 'server.key');
    this.crlFile = join(path, 'revoked.crl');
    this.#namesFile = join(path, 'names');
    this.#issued = join(path, 'issued');
    this.#clients = join(path, 'clients');
  }

  /** @throws SetupError: there is none, or it cannot be read */
  get ca(): X509Certificate {
    return this.#certificateIn(this.caFile) ?? this.#missing(this.caFile);
  }

  /** Null: none has been issued. */
  get server(): X509Certificate | null {
    return this.#certificateIn(this.certFile);
  }

  /** Of the server's key; null: there is none. */
  get serverKeyKind(): KeyKind | null {
    const key = textOf(this.keyFile);
    if (key === null) return null;
    return explaining(`${this.keyFile} has no private key`, () =>
      createPrivateKey(key).asymmetricKeyType === 'rsa' ? 'rsa' : 'ecdsa',
    );
  }

  /** Names and addresses that the server was given beyond those of its machine. */
  get givenNames(): string[] {
    return (textOf(this.#namesFile) ?? '').split('\n').filter((name) => name !== '');
  }

  rememberNames(names: readonly string[]): void {
    replaceFile(this.#namesFile, names.map((name) => `${name}\n`).join(''), READABLE, null);
  }

  /** Makes the folders, and the CA if there is none. Resolves with whether it was made. */
  async prepare(kind: KeyKind, machineName: string): Promise<boolean> {
    makeFolder(this.path, OPEN_FOLDER, null);
    makeFolder(this.#issued, OPEN_FOLDER, null);
    makeFolder(this.#clients, CLOSED_FOLDER, null);
    if (textOf(this.caFile) !== null) return false;
    const { certificate, privateKey } = await newAuthority(`Cauldron CA of ${machineName}`, kind, AUTHORITY_DAYS);
    replaceFile(this.#caKeyFile, privateKey, OWNER_ONLY, null);
    replaceFile(this.caFile, certificate, READABLE, null);
    await this.#writeList([]);
    return true;
  }

  /** @param owner who the broker runs as: it has to read the key; null: the key's file keeps its owner */
  async issueServer(request: Omit<CertificateRequest, 'use'>, owner: Owner | null): Promise<void> {
    const issued = await this.#issue({ ...request, use: 'server' });
    replaceFile(this.keyFile, issued.privateKey, OWNER_ONLY, owner);
    replaceFile(this.certFile, issued.certificate, READABLE, null);
  }

  /** Makes `clients/NAME.crt` and `.key`; those that were there are no longer current, but good until they are revoked. */
  async issueClient(request: Omit<CertificateRequest, 'use' | 'hosts'>): Promise<Issued> {
    const issued = await this.#issue({ ...request, use: 'client', hosts: [] });
    replaceFile(this.clientFile(request.name, 'key'), issued.privateKey, OWNER_ONLY, null);
    replaceFile(this.clientFile(request.name, 'crt'), issued.certificate, READABLE, null);
    return issued;
  }

  clientFile(name: string, ending: 'crt' | 'key' | 'p12' | 'otrp'): string {
    return join(this.#clients, `${name}.${ending}`);
  }

  /** All that was issued, the newest last. */
  get book(): BookEntry[] {
    const revoked = new Map(this.#revocations.map(({ serialNumber, at }) => [serialNumber, at]));
    const current = new Set([this.server?.serialNumber.toLowerCase()]);
    for (const file of this.#filesIn(this.#clients)) {
      current.add(this.#certificateIn(file)?.serialNumber.toLowerCase());
    }
    return this.#filesIn(this.#issued)
      .map((file) => this.#certificateIn(file) ?? this.#missing(file))
      .map((certificate): BookEntry => {
        const serialNumber = certificate.serialNumber.toLowerCase();
        return {
          certificate,
          serialNumber,
          name: commonNameOf(certificate),
          use: certificate.keyUsage.includes('1.3.6.1.5.5.7.3.1') ? 'server' : 'client',
          isCurrent: current.has(serialNumber),
          revokedAt: revoked.get(serialNumber) ?? null,
        };
      })
      .sort((one, other) => Date.parse(one.certificate.validFrom) - Date.parse(other.certificate.validFrom));
  }

  /** Puts certificates on the list of what was taken back, and the files of their clients away. */
  async revoke(entries: readonly BookEntry[], now = new Date()): Promise<void> {
    const before = this.#revocations;
    const added = entries.map(({ serialNumber }) => ({ serialNumber, at: now }));
    await this.#writeList([...before, ...added]);
    for (const { name, use } of entries) {
      if (use !== 'client') continue;
      for (const ending of ['crt', 'key', 'p12', 'otrp'] as const)
        rmSync(this.clientFile(name, ending), { force: true });
    }
  }

  get #revocations(): Revocation[] {
    const list = textOf(this.crlFile);
    if (list === null) return [];
    return explaining(`${this.crlFile} is no list of revoked certificates`, () => revocationsIn(list));
  }

  async #issue(request: CertificateRequest): Promise<Issued> {
    const issued = await (await this.#authority()).issue(request);
    const { serialNumber } = new X509Certificate(issued.certificate);
    replaceFile(join(this.#issued, `${serialNumber.toLowerCase()}.crt`), issued.certificate, READABLE, null);
    return issued;
  }

  async #writeList(revocations: readonly Revocation[]): Promise<void> {
    const list = await (await this.#authority()).revocationList(revocations);
    replaceFile(this.crlFile, list, READABLE, null);
  }

  async #authority(): Promise<Authority> {
    const certificate = textOf(this.caFile) ?? this.#missing(this.caFile);
    const privateKey = textOf(this.#caKeyFile) ?? this.#missing(this.#caKeyFile);
    try {
      return await Authority.open({ certificate, privateKey });
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      throw new SetupError(`${this.caFile} and ${this.#caKeyFile} cannot be used: ${error.message}.`, { cause: error });
    }
  }

  #filesIn(folder: string): string[] {
    const names = explaining(`The folder ${folder} cannot be read`, () => readdirSync(folder));
    return names.filter((name) => name.endsWith('.crt')).map((name) => join(folder, name));
  }

  #certificateIn(path: string): X509Certificate | null {
    const text = textOf(path);
    if (text === null) return null;
    return explaining(`${path} has no certificate`, () => new X509Certificate(text));
  }

  #missing(path: string): never {
    throw new SetupError(`${path} is not there. \`cauldron setup\` makes it; --dir names the folder where it did.`);
  }
}
