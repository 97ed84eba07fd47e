import { constants, createHash, type KeyObject, verify, type X509Certificate } from 'node:crypto';
import { fieldsOf, subjectBytesOf } from './tls-certificate-fields.js';
import {
  contextTag,
  DerError,
  DerReader,
  readExtensions,
  readObjectId,
  readTime,
  serialNumberOf,
  Tag,
} from './tls-der.js';

const ISSUING_DISTRIBUTION_POINT = '2.5.29.28';
const DELTA_CRL_INDICATOR = '2.5.29.27';

/** How a list may be signed. SHA-1 is not among them: who can forge a list can give revoked certificates back. */
const HASHES: Readonly<Record<string, string | null>> = {
  '1.2.840.113549.1.1.11': 'sha256',
  '1.2.840.113549.1.1.12': 'sha384',
  '1.2.840.113549.1.1.13': 'sha512',
  '1.2.840.10045.4.3.2': 'sha256',
  '1.2.840.10045.4.3.3': 'sha384',
  '1.2.840.10045.4.3.4': 'sha512',
  // These say themselves how they hash.
  '1.3.101.112': null,
  '1.3.101.113': null,
};
const RSA_PSS = '1.2.840.113549.1.1.10';
const PSS_HASHES: Readonly<Record<string, string>> = {
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
};

/** Which certificates a list speaks of. */
type ListScope = 'all' | 'users' | 'authorities';

interface Signature {
  readonly hash: string | null;
  /** Bytes of the salt of RSA-PSS; null: it is not that. */
  readonly saltLength: number | null;
  readonly bytes: Buffer;
}

/** A certificate revocation list (RFC 5280, section 5): what one CA has taken back. */
export class RevocationList {
  /** Of all of it, to tell it from others. */
  readonly fingerprint: string;
  readonly thisUpdateMs: number;
  /** When it has to be replaced by a newer one; `Infinity`: it does not say. */
  readonly nextUpdateMs: number;
  readonly #issuer: Buffer;
  readonly #scope: ListScope;
  /** When, by serial number. */
  readonly #revoked: ReadonlyMap<string, number>;
  readonly #signed: Buffer;
  readonly #signature: Signature;

  /** @throws DerError, also for lists of kinds that would be misunderstood */
  constructor(der: Buffer) {
    this.fingerprint = createHash('sha256').update(der).digest('base64');
    const file = new DerReader(der);
    const outer = file.enter();
    if (!file.isAtEnd) throw new DerError('something follows its end');
    const signed = outer.next(Tag.SEQUENCE);
    const body = new DerReader(signed.content);
    body.nextIf(Tag.INTEGER);
    const innerAlgorithm = body.next(Tag.SEQUENCE).whole;
    this.#issuer = Buffer.from(body.next(Tag.SEQUENCE).whole);
    this.thisUpdateMs = readTime(body.next());
    const hasEnd = body.nextTag === Tag.UTC_TIME || body.nextTag === Tag.GENERALIZED_TIME;
    this.nextUpdateMs = hasEnd ? readTime(body.next()) : Number.POSITIVE_INFINITY;
    this.#revoked = body.nextTag === Tag.SEQUENCE ? readEntries(body.enter()) : new Map();
    this.#scope = body.isAtEnd ? 'all' : readScope(body.enter(contextTag(0, true)).enter());
    if (!body.isAtEnd) throw new DerError('something follows its extensions');
    const algorithm = outer.next(Tag.SEQUENCE);
    if (!algorithm.whole.equals(innerAlgorithm)) throw new DerError('it names two algorithms for its signature');
    this.#signature = readSignature(new DerReader(algorithm.content), outer.next(Tag.BIT_STRING).content);
    // Not a view of the whole file: that may have several large lists.
    this.#signed = Buffer.from(signed.whole);
  }

  /** How many certificates are on it. */
  get size(): number {
    return this.#revoked.size;
  }

  /** When the certificate was taken back, in milliseconds since 1970; null: it was not. See `CertificateFields`. */
  revokedAtMs(serialNumber: string): number | null {
    return this.#revoked.get(serialNumber) ?? null;
  }

  /** Whether it says anything of certificates that are a CA's, or not. */
  speaksOf(isAuthority: boolean): boolean {
    return this.#scope === 'all' || (this.#scope === 'authorities') === isAuthority;
  }

  /** Whether this CA has made it: by its name, its right to do so and its signature. */
  isFrom(authority: X509Certificate): boolean {
    try {
      return (
        subjectBytesOf(authority).equals(this.#issuer) &&
        fieldsOf(authority).maySignLists &&
        this.#verify(authority.publicKey)
      );
    } catch (error) {
      // A key of another kind than the signature, or a certificate that cannot be read: it is not from that one.
      if (error instanceof DerError || (error as NodeJS.ErrnoException).code !== undefined) return false;
      throw error;
    }
  }

  #verify(key: KeyObject): boolean {
    const { hash, saltLength, bytes } = this.#signature;
    if (saltLength === null) return verify(hash, this.#signed, key, bytes);
    return verify(hash, this.#signed, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength }, bytes);
  }
}

function readEntries(entries: DerReader): Map<string, number> {
  const revoked = new Map<string, number>();
  while (!entries.isAtEnd) {
    const entry = entries.enter();
    const serialNumber = serialNumberOf(entry.next(Tag.INTEGER).content.toString('hex'));
    const revokedAtMs = readTime(entry.next());
    const extensions = entry.isAtEnd ? [] : readExtensions(entry.enter());
    // The one that there is names another CA as the one who issued the certificate.
    if (extensions.some(({ isCritical }) => isCritical)) throw new DerError('it is an indirect list, of several CAs');
    revoked.set(serialNumber, revokedAtMs);
  }
  return revoked;
}

function readScope(sequence: DerReader): ListScope {
  let scope: ListScope = 'all';
  for (const { id, isCritical, value } of readExtensions(sequence)) {
    if (id === DELTA_CRL_INDICATOR) throw new DerError('it is a delta list, without the one that it adds to');
    if (id === ISSUING_DISTRIBUTION_POINT) scope = readDistributionPoint(new DerReader(value).enter());
    else if (isCritical) throw new DerError(`it has a critical extension that is not known here, ${id}`);
  }
  return scope;
}

function readDistributionPoint(parts: DerReader): ListScope {
  const part = parts.isAtEnd ? null : parts.next();
  if (part === null) return 'all';
  const isTrue = part.content.length === 1 && part.content[0] !== 0;
  if (parts.isAtEnd && isTrue && part.tag === contextTag(1, false)) return 'users';
  if (parts.isAtEnd && isTrue && part.tag === contextTag(2, false)) return 'authorities';
  throw new DerError('it has a part of what its CA has revoked only (issuingDistributionPoint)');
}

function readSignature(algorithm: DerReader, bits: Buffer): Signature {
  const id = readObjectId(algorithm.next(Tag.OBJECT_ID));
  if (bits[0] !== 0) throw new DerError('its signature is damaged');
  const bytes = Buffer.from(bits.subarray(1));
  if (id === RSA_PSS) return { ...readPssParameters(algorithm.enter()), bytes };
  const hash = HASHES[id];
  if (hash === undefined) {
    throw new DerError(
      `the algorithm of its signature, ${id}, is not one that is trusted here; SHA-256 is (default_md)`,
    );
  }
  return { hash, saltLength: null, bytes };
}

function readPssParameters(parameters: DerReader): { hash: string; saltLength: number } {
  let hash: string | undefined;
  let saltLength = 20;
  while (!parameters.isAtEnd) {
    const { tag, content } = parameters.next();
    if (tag === contextTag(0, true))
      hash = PSS_HASHES[readObjectId(new DerReader(content).enter().next(Tag.OBJECT_ID))];
    if (tag === contextTag(2, true)) saltLength = new DerReader(content).next(Tag.INTEGER).content[0];
  }
  if (hash === undefined)
    throw new DerError('its signature uses a hash that is not trusted here; SHA-256 is (default_md)');
  return { hash, saltLength };
}
