import { createHash, X509Certificate } from 'node:crypto';
import { type CertificateFields, fieldsOf } from './tls-certificate-fields.js';
import type { RevocationList } from './tls-crl.js';
import { DerError } from './tls-der.js';
import { certificateOf, listExpired, noListOf, notTrusted, revoked, shownName } from './tls-failures.js';

/** Steps between a client's certificate and its root, at most. */
const MAX_PATH_LENGTH = 8;
/** Signatures that are verified to find the path of one certificate: what a stranger's certificates may cost. */
const MAX_VERIFICATIONS = 32;
/** Intermediate certificates of clients that are kept once for all of them. */
const MAX_INTERMEDIATES = 1000;
/** The least that is asked of RSA keys where this file judges instead of OpenSSL. */
const MIN_RSA_BITS = 2048;

const NO_PATH = 'was not issued by a CA in cafile or capath';

/** What is kept of a client's certificate, to judge it again when the settings of its listener change. */
export class CertificateCredential {
  readonly serialNumber: string;
  /**
   * Its issuer, the issuer of that, and so on up to the root. Null: not known, because the client resumed a session
   * and its intermediate certificates are in no file here.
   */
  readonly path: readonly X509Certificate[] | null;
  /** See `ClientCertificates.stamp`. */
  readonly judgedBy: string;

  constructor(serialNumber: string, path: readonly X509Certificate[] | null, judgedBy: string) {
    this.serialNumber = serialNumber;
    this.path = path;
    this.judgedBy = judgedBy;
  }
}

export interface ClientCertificateRules {
  /** Those that may issue certificates of clients. */
  readonly authorities: readonly X509Certificate[];
  /** What they have taken back; null: nobody asks for that. */
  readonly lists: readonly RevocationList[] | null;
  /** Clients may come before and after the time in their certificates. */
  readonly ignoresDates: boolean;
}

/** What the handshake says of a client's certificate. */
export interface ShownCertificate {
  readonly certificate: X509Certificate;
  /** OpenSSL's objection; null: none. Of several, it names one. */
  readonly problem: NodeJS.ErrnoException | null;
  /** The session was resumed: what OpenSSL says is what it said then, and there are no intermediate certificates. */
  readonly isResumed: boolean;
}

/**
 * Judges certificates of clients: OpenSSL's verdict first, then what OpenSSL is not asked for. That is revocation, as
 * OpenSSL would want lists of all CAs up to the root where Mosquitto wants that of the issuer only, and could not say
 * when something was revoked; and certificates out of date where they are to be accepted.
 */
export class ClientCertificates {
  /** The same for the same authorities and lists: who was judged by them need not be judged again. */
  readonly stamp: string;
  readonly #rules: ClientCertificateRules;
  readonly #roots: readonly X509Certificate[];
  /** The lists that this CA has made. */
  readonly #listsOf = new WeakMap<X509Certificate, readonly RevocationList[]>();
  readonly #intermediates = new Map<string, X509Certificate>();

  constructor(rules: ClientCertificateRules) {
    this.#rules = rules;
    this.#roots = rules.authorities.filter((authority) => isSelfIssued(authority));
    const hash = createHash('sha256');
    for (const { raw } of rules.authorities) hash.update(raw);
    for (const { fingerprint } of rules.lists ?? []) hash.update(fingerprint);
    this.stamp = hash.digest('base64');
  }

  get ignoresDates(): boolean {
    return this.#rules.ignoresDates;
  }

  /** In PEM. */
  get authorities(): string[] {
    return this.#rules.authorities.map(String);
  }

  /** @returns why the certificate is not accepted, or what is kept of it */
  judge({ certificate, problem, isResumed }: ShownCertificate): string | CertificateCredential {
    const { ignoresDates, lists } = this.#rules;
    const isDateProblem = problem?.code === 'CERT_HAS_EXPIRED' || problem?.code === 'CERT_NOT_YET_VALID';
    if (problem !== null && !(ignoresDates && isDateProblem)) return notTrusted(problem, certificate);
    if (!ignoresDates) {
      // The verdict on a session that is resumed is as old as the session.
      const late = dateProblem(certificate);
      if (late !== null) return notTrusted(late, certificate);
    }
    try {
      const fields = fieldsOf(certificate);
      const path = this.#pathOf(certificate, this.#sentWith(certificate));
      const objection =
        // OpenSSL names the last objection that it has, and there may be others before it. So all is checked again.
        (problem === null ? null : objectionTo(certificate, fields, path)) ??
        (lists === null || (isResumed && path === null) ? null : this.#objectionOfLists(fields.serialNumber, path));
      if (objection !== null) return `${certificateOf(certificate)} ${objection}`;
      return new CertificateCredential(fields.serialNumber, path, this.stamp);
    } catch (error) {
      if (!(error instanceof DerError)) throw error;
      return `${certificateOf(certificate)} cannot be read: ${error.message}`;
    }
  }

  /** Why a client that was accepted once would not be any more; null: it would be. Time plays no part in it. */
  objectionTo({ serialNumber, path, judgedBy }: CertificateCredential): string | null {
    if (judgedBy === this.stamp) return null;
    if (path === null) return "the client's certificate has to be checked again, by another handshake";
    const isTrusted = path.some((issuer) => this.#roots.some((root) => isSameAuthority(issuer, root)));
    if (!isTrusted) return "the CA of the client's certificate is no longer in cafile or capath";
    try {
      const revocation = this.#revocationOf(serialNumber, path);
      return revocation === null ? null : `the client's certificate ${revocation}`;
    } catch (error) {
      if (!(error instanceof DerError)) throw error;
      return `the certificate of a CA of the client cannot be read: ${error.message}`;
    }
  }

  /** What the client's certificate is: on a list, or on none that could say so. */
  #objectionOfLists(serialNumber: string, path: readonly X509Certificate[] | null): string | null {
    if (path === null) return NO_PATH;
    const revocation = this.#revocationOf(serialNumber, path);
    if (revocation !== null) return revocation;
    const [issuer] = path;
    const lists = this.#listsFrom(issuer, false);
    if (lists.length === 0) return noListOf(issuer);
    const nextUpdateMs = Math.max(...lists.map((list) => list.nextUpdateMs));
    return nextUpdateMs < Date.now() ? listExpired(issuer, nextUpdateMs) : null;
  }

  /** Neither the client's certificate may be on a list, nor that of a CA above it. */
  #revocationOf(serialNumber: string, path: readonly X509Certificate[]): string | null {
    for (const [depth, issuer] of path.entries()) {
      const serial = depth === 0 ? serialNumber : fieldsOf(path[depth - 1]).serialNumber;
      for (const list of this.#listsFrom(issuer, depth > 0)) {
        const revokedAtMs = list.revokedAtMs(serial);
        if (revokedAtMs !== null) return revoked(depth === 0 ? null : path[depth - 1], revokedAtMs, issuer);
      }
    }
    return null;
  }

  #listsFrom(issuer: X509Certificate, ofAuthorities: boolean): readonly RevocationList[] {
    let lists = this.#listsOf.get(issuer);
    if (lists === undefined) {
      lists = (this.#rules.lists ?? []).filter((list) => list.isFrom(issuer));
      this.#listsOf.set(issuer, lists);
    }
    return lists.filter((list) => list.speaksOf(ofAuthorities));
  }

  /** From its issuer up to a root that is trusted here; null: there is no such path. */
  #pathOf(certificate: X509Certificate, sent: readonly X509Certificate[]): X509Certificate[] | null {
    const budget = { verifications: MAX_VERIFICATIONS };
    const search = (from: X509Certificate, depth: number): X509Certificate[] | null => {
      const root = this.#roots.find((candidate) => isIssuer(candidate, from, budget));
      if (root !== undefined) return [root];
      if (depth === MAX_PATH_LENGTH) return null;
      for (const candidate of [...this.#rules.authorities, ...sent]) {
        if (isSelfIssued(candidate) || !isIssuer(candidate, from, budget)) continue;
        const rest = search(candidate, depth + 1);
        if (rest !== null) return [candidate, ...rest];
      }
      return null;
    };
    return search(certificate, 1);
  }

  /** The certificates of intermediate CAs that came with it. */
  #sentWith(certificate: X509Certificate): X509Certificate[] {
    const sent: X509Certificate[] = [];
    let next = certificate.issuerCertificate;
    while (next !== undefined && sent.length < MAX_PATH_LENGTH) {
      sent.push(this.#shared(next));
      next = next.issuerCertificate;
    }
    return sent;
  }

  /** One object for equal certificates: each client that stays connected holds it. */
  #shared(certificate: X509Certificate): X509Certificate {
    const key = certificate.fingerprint256;
    const known = this.#intermediates.get(key);
    if (known !== undefined) return known;
    if (this.#intermediates.size >= MAX_INTERMEDIATES) this.#intermediates.clear();
    // Alone: the one that came over the connection holds those above it.
    const alone = new X509Certificate(certificate.raw);
    this.#intermediates.set(key, alone);
    return alone;
  }
}

function dateProblem({ validFrom, validTo }: X509Certificate): NodeJS.ErrnoException | null {
  const now = Date.now();
  if (Date.parse(validTo) < now) return Object.assign(new Error('has expired'), { code: 'CERT_HAS_EXPIRED' });
  if (Date.parse(validFrom) <= now) return null;
  return Object.assign(new Error('is not valid yet'), { code: 'CERT_NOT_YET_VALID' });
}

function isSelfIssued(certificate: X509Certificate): boolean {
  return certificate.checkIssued(certificate);
}

function isIssuer(issuer: X509Certificate, certificate: X509Certificate, budget: { verifications: number }): boolean {
  return certificate.checkIssued(issuer) && budget.verifications-- > 0 && certificate.verify(issuer.publicKey);
}

/** The same certificate, or one that the CA has renewed. */
function isSameAuthority(a: X509Certificate, b: X509Certificate): boolean {
  return a.fingerprint256 === b.fingerprint256 || (a.subject === b.subject && a.publicKey.equals(b.publicKey));
}

/** What OpenSSL would object to, apart from the time in the client's certificate; it is asked for less than it takes. */
function objectionTo(
  certificate: X509Certificate,
  fields: CertificateFields,
  path: readonly X509Certificate[] | null,
): string | null {
  if (path === null) return NO_PATH;
  if (!fields.isForClients) return 'is not for clients, says its extendedKeyUsage';
  if (!fields.maySign) return 'may not sign, says its keyUsage';
  const issuers = path.map(fieldsOf);
  for (const [depth, { unknownCritical, signatureAlgorithm }] of [fields, ...issuers].entries()) {
    if (unknownCritical.length > 0) {
      return `cannot be judged with disable_client_cert_date_checks: it, or a CA above it, has the critical extension ${unknownCritical[0]}`;
    }
    // Nobody relies on the signature that a root has made for itself.
    if (depth < path.length && !STRONG_SIGNATURES.has(signatureAlgorithm)) {
      return `is not accepted: it, or a CA above it, is signed by ${signatureAlgorithm}, which is too weak`;
    }
  }
  if ([certificate, ...path].some(hasWeakKey)) {
    return `is not accepted: it, or a CA above it, has an RSA key below ${MIN_RSA_BITS} bits`;
  }
  for (const [depth, issuer] of path.entries()) {
    const problem = authorityProblem(issuer, issuers[depth], depth);
    if (problem !== null) return `is not accepted: that of the CA above it, ${shownName(issuer.subject)}, ${problem}`;
  }
  return null;
}

/** `below`: how many CAs stand between it and the client's certificate. */
function authorityProblem(
  issuer: X509Certificate,
  { maxPathLength, isForClients }: CertificateFields,
  below: number,
): string | null {
  if (!issuer.ca) return 'is not one of a CA';
  if (maxPathLength < below) return 'allows fewer CAs below it';
  if (!isForClients) return 'is not for clients, says its extendedKeyUsage';
  return dateProblem(issuer)?.message ?? null;
}

function hasWeakKey({ publicKey }: X509Certificate): boolean {
  const { asymmetricKeyType = '', asymmetricKeyDetails } = publicKey;
  return asymmetricKeyType.startsWith('rsa') && (asymmetricKeyDetails?.modulusLength ?? 0) < MIN_RSA_BITS;
}

/** RSA and ECDSA with SHA-256 and more, Ed25519 and Ed448. RSA-PSS may hide a weaker hash. */
const STRONG_SIGNATURES: ReadonlySet<string> = new Set([
  '1.2.840.113549.1.1.11',
  '1.2.840.113549.1.1.12',
  '1.2.840.113549.1.1.13',
  '1.2.840.10045.4.3.2',
  '1.2.840.10045.4.3.3',
  '1.2.840.10045.4.3.4',
  '1.3.101.112',
  '1.3.101.113',
]);
