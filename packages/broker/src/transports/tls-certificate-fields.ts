import type { X509Certificate } from 'node:crypto';
import { contextTag, DerReader, type Extension, readExtensions, readObjectId, serialNumberOf, Tag } from './tls-der.js';

const BASIC_CONSTRAINTS = '2.5.29.19';
const KEY_USAGE = '2.5.29.15';
const EXTENDED_KEY_USAGE = '2.5.29.37';
const SUBJECT_ALTERNATIVE_NAME = '2.5.29.17';

/** Those that are looked at here, or that do not restrict what is asked of a certificate here. */
const KNOWN: ReadonlySet<string> = new Set([
  BASIC_CONSTRAINTS,
  KEY_USAGE,
  EXTENDED_KEY_USAGE,
  SUBJECT_ALTERNATIVE_NAME,
]);

const CLIENT_AUTHENTICATION = '1.3.6.1.5.5.7.3.2';
const ANY_EXTENDED_KEY_USAGE = '2.5.29.37.0';

/** Bits of `KeyUsage`, the first one being the highest of its first byte. */
const DIGITAL_SIGNATURE = 0x80;
const KEY_AGREEMENT = 0x08;
const CRL_SIGN = 0x02;

/** What Node does not say of a certificate. */
export interface CertificateFields {
  /** As `serialNumberOf` writes it. Not Node's, which writes negative ones in another way than lists have them. */
  readonly serialNumber: string;
  /** How many CAs may stand between this one and a certificate that is none; `Infinity`: any number. */
  readonly maxPathLength: number;
  /** Critical extensions that this broker cannot judge by. */
  readonly unknownCritical: readonly string[];
  /** Whether it may sign revocation lists. */
  readonly maySignLists: boolean;
  /** Whether its key may do what a client of TLS does with it. */
  readonly maySign: boolean;
  /** Whether it, or what it issues, may be a client. */
  readonly isForClients: boolean;
  readonly signatureAlgorithm: string;
}

/** @throws DerError */
export function fieldsOf(certificate: X509Certificate): CertificateFields {
  const outer = new DerReader(certificate.raw).enter();
  const body = outer.enter();
  body.nextIf(contextTag(0, true)); // version
  const serialNumber = serialNumberOf(body.next(Tag.INTEGER).content.toString('hex'));
  const signatureAlgorithm = readObjectId(body.enter().next(Tag.OBJECT_ID));
  for (const _ of ['issuer', 'validity', 'subject', 'key']) body.next(Tag.SEQUENCE);
  body.nextIf(contextTag(1, false));
  body.nextIf(contextTag(2, false));
  const extensions =
    body.nextTag === contextTag(3, true) ? readExtensions(body.enter(contextTag(3, true)).enter()) : [];
  const keyUsage = keyUsageOf(extensionValue(extensions, KEY_USAGE));
  return {
    serialNumber,
    maxPathLength: pathLengthOf(extensionValue(extensions, BASIC_CONSTRAINTS)),
    unknownCritical: extensions.filter(({ id, isCritical }) => isCritical && !KNOWN.has(id)).map(({ id }) => id),
    maySignLists: (keyUsage & CRL_SIGN) !== 0,
    maySign: (keyUsage & (DIGITAL_SIGNATURE | KEY_AGREEMENT)) !== 0,
    isForClients: isForClients(extensionValue(extensions, EXTENDED_KEY_USAGE)),
    signatureAlgorithm,
  };
}

/** Its name as the bytes that others call it by. @throws DerError */
export function subjectBytesOf(certificate: X509Certificate): Buffer {
  const body = new DerReader(certificate.raw).enter().enter();
  body.nextIf(contextTag(0, true));
  body.next(Tag.INTEGER);
  for (const _ of ['signature', 'issuer', 'validity']) body.next(Tag.SEQUENCE);
  return body.next(Tag.SEQUENCE).whole;
}

function extensionValue(extensions: readonly Extension[], id: string): Buffer | null {
  return extensions.find((extension) => extension.id === id)?.value ?? null;
}

function pathLengthOf(basicConstraints: Buffer | null): number {
  if (basicConstraints === null) return Number.POSITIVE_INFINITY;
  const parts = new DerReader(basicConstraints).enter();
  parts.nextIf(Tag.BOOLEAN);
  const length = parts.nextIf(Tag.INTEGER);
  return length === null ? Number.POSITIVE_INFINITY : Number.parseInt(length.content.toString('hex'), 16);
}

/** Without the extension, everything is allowed. */
function keyUsageOf(keyUsage: Buffer | null): number {
  if (keyUsage === null) return 0xff;
  const bits = new DerReader(keyUsage).next(Tag.BIT_STRING).content;
  return bits.length > 1 ? bits[1] : 0;
}

function isForClients(extendedKeyUsage: Buffer | null): boolean {
  if (extendedKeyUsage === null) return true;
  const purposes = new DerReader(extendedKeyUsage).enter();
  while (!purposes.isAtEnd) {
    const id = readObjectId(purposes.next(Tag.OBJECT_ID));
    if (id === CLIENT_AUTHENTICATION || id === ANY_EXTENDED_KEY_USAGE) return true;
  }
  return false;
}
