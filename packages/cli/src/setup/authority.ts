// The library below finds its parts by metadata, for which it wants this first.
import 'reflect-metadata';
import { createPrivateKey, randomBytes, webcrypto, type X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import * as x509 from '@peculiar/x509';

export const DAY_MS = 86_400_000;
/** For clocks of clients that are behind. */
const LEEWAY_MS = 3_600_000;
const SERIAL_NUMBER_BYTES = 16;
const CRL_NUMBER = '2.5.29.20';

/** What kind of key: `ecdsa` is P-256, `rsa` has 2048 bits, for devices that know nothing else. */
export type KeyKind = 'ecdsa' | 'rsa';

/** A certificate and its private key, in PEM. */
export interface Issued {
  readonly certificate: string;
  readonly privateKey: string;
}

export interface CertificateRequest {
  /** The common name. */
  readonly name: string;
  readonly use: 'server' | 'client';
  /** Names and addresses that a server is reached by; of a client none. */
  readonly hosts: readonly string[];
  readonly key: KeyKind;
  readonly days: number;
}

/** A certificate that is no longer good. */
export interface Revocation {
  /** In hexadecimal. */
  readonly serialNumber: string;
  readonly at: Date;
}

const ALGORITHMS = {
  ecdsa: { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' },
  rsa: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) },
} as const;

/** Makes the certificate of a new CA, which signs itself and issues for users only. */
export async function newAuthority(name: string, kind: KeyKind, days: number, now = new Date()): Promise<Issued> {
  const algorithm = ALGORITHMS[kind];
  const keys = await newKeys(kind);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: newSerialNumber(),
    name: subjectOf(name),
    ...validity(days, now),
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate: pemOf(certificate), privateKey: await privatePem(keys) };
}

/** A CA at work. */
export class Authority {
  readonly #certificate: x509.X509Certificate;
  readonly #key: webcrypto.CryptoKey;
  readonly #algorithm: (typeof ALGORITHMS)[KeyKind];

  private constructor(
    certificate: x509.X509Certificate,
    key: webcrypto.CryptoKey,
    algorithm: (typeof ALGORITHMS)[KeyKind],
  ) {
    this.#certificate = certificate;
    this.#key = key;
    this.#algorithm = algorithm;
  }

  /** @throws (rejects) Error of OpenSSL: what is given is no certificate or key in PEM, or of another kind than ours */
  static async open({ certificate, privateKey }: Issued): Promise<Authority> {
    const key = createPrivateKey(privateKey);
    const algorithm = ALGORITHMS[key.asymmetricKeyType === 'rsa' ? 'rsa' : 'ecdsa'];
    const der = key.export({ type: 'pkcs8', format: 'der' });
    const signer = await webcrypto.subtle.importKey('pkcs8', der, algorithm, false, ['sign']);
    return new Authority(new x509.X509Certificate(certificate), signer, algorithm);
  }

  /** Makes a key and a certificate for it, which ends with the CA's at the latest. */
  async issue({ name, use, hosts, key, days }: CertificateRequest, now = new Date()): Promise<Issued> {
    const keys = await newKeys(key);
    const { notBefore, notAfter } = validity(days, now);
    const { digitalSignature, keyEncipherment } = x509.KeyUsageFlags;
    const { serverAuth, clientAuth } = x509.ExtendedKeyUsage;
    const extensions: x509.Extension[] = [
      new x509.BasicConstraintsExtension(false, undefined, true),
      // Suites of TLS 1.2 without Diffie-Hellman, which old devices may have alone, need it of RSA.
      new x509.KeyUsagesExtension(key === 'rsa' ? digitalSignature | keyEncipherment : digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([use === 'server' ? serverAuth : clientAuth]),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(this.#certificate.publicKey),
    ];
    if (hosts.length > 0) extensions.push(new x509.SubjectAlternativeNameExtension(hosts.map(generalName)));
    const certificate = await x509.X509CertificateGenerator.create({
      serialNumber: newSerialNumber(),
      subject: subjectOf(name),
      issuer: this.#certificate.subjectName,
      notBefore,
      notAfter: notAfter < this.#certificate.notAfter ? notAfter : this.#certificate.notAfter,
      signingAlgorithm: this.#algorithm,
      publicKey: keys.publicKey,
      signingKey: this.#key,
      extensions,
    });
    return { certificate: pemOf(certificate), privateKey: await privatePem(keys) };
  }

  /**
   * The list of what was taken back, in PEM. It is good as long as the CA: who makes it lies beside who reads it, and a
   * list that has expired shuts out every client.
   */
  async revocationList(revocations: readonly Revocation[], now = new Date()): Promise<string> {
    const list = await x509.X509CrlGenerator.create({
      issuer: this.#certificate.subjectName,
      thisUpdate: now,
      nextUpdate: this.#certificate.notAfter,
      signingAlgorithm: this.#algorithm,
      signingKey: this.#key,
      entries: revocations.map(({ serialNumber, at }) => ({ serialNumber, revocationDate: at })),
      extensions: [
        await x509.AuthorityKeyIdentifierExtension.create(this.#certificate.publicKey),
        new x509.Extension(CRL_NUMBER, false, derInteger(BigInt(now.getTime()))),
      ],
    });
    // The library's own word for it, `CRL`, is none that OpenSSL knows.
    return `${x509.PemConverter.encode(list.rawData, 'X509 CRL')}\n`;
  }
}

/** What is on a list. @throws Error: it is none */
export function revocationsIn(list: string): Revocation[] {
  return new x509.X509Crl(list).entries.map(({ serialNumber, revocationDate }) => ({
    serialNumber: serialNumber.toLowerCase(),
    at: revocationDate,
  }));
}

/** The common name; '' if there is none. */
export function commonNameOf({ subject }: X509Certificate): string {
  return /^CN=(.*)$/m.exec(subject ?? '')?.[1] ?? '';
}

/** Days that a certificate is still good for, rounded down; below 0 once it has expired. */
export function daysLeftOf({ validTo }: X509Certificate, nowMs = Date.now()): number {
  return Math.floor((Date.parse(validTo) - nowMs) / DAY_MS);
}

/** The names and addresses that a certificate is for, as they were asked for. */
export function hostsOf({ subjectAltName }: X509Certificate): string[] {
  return (subjectAltName ?? '')
    .split(', ')
    .map((entry) => /^(?:DNS|IP Address):(.*)$/.exec(entry)?.[1])
    .filter((host) => host !== undefined);
}

function generalName(host: string): x509.JsonGeneralName {
  return { type: isIP(host) === 0 ? 'dns' : 'ip', value: host };
}

function subjectOf(name: string): x509.JsonName {
  return [{ CN: [name] }];
}

function validity(days: number, now: Date): { notBefore: Date; notAfter: Date } {
  return { notBefore: new Date(now.getTime() - LEEWAY_MS), notAfter: new Date(now.getTime() + days * DAY_MS) };
}

function newKeys(kind: KeyKind): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHMS[kind], true, ['sign', 'verify']);
}

async function privatePem({ privateKey }: webcrypto.CryptoKeyPair): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', privateKey));
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
    .export({ type: 'pkcs8', format: 'pem' })
    .toString();
}

function pemOf(certificate: x509.X509Certificate): string {
  return `${certificate.toString('pem')}\n`;
}

/** A positive number of full length (RFC 5280, section 4.1.2.2). */
function newSerialNumber(): string {
  const bytes = randomBytes(SERIAL_NUMBER_BYTES);
  bytes[0] = (bytes[0] & 0x3f) | 0x40;
  return bytes.toString('hex');
}

function derInteger(value: bigint): Uint8Array<ArrayBuffer> {
  const digits = value.toString(16);
  const bytes = Buffer.from(digits.padStart(digits.length + (digits.length % 2), '0'), 'hex');
  // The highest bit would make it negative.
  const content = bytes[0] < 0x80 ? bytes : Buffer.concat([Buffer.alloc(1), bytes]);
  return Buffer.concat([Buffer.from([0x02, content.length]), content]);
}
