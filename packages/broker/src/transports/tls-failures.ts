import type { X509Certificate } from 'node:crypto';
import { shownCiphers } from './tls-cipher-names.js';
import type { ClientHello } from './tls-hello.js';

const LETTER_G = 0x47; // of `GET`
const CONNECT = 0x10;
/** Characters of what a certificate says about itself. */
const MAX_NAME_LENGTH = 200;

const NOT_TRUSTED_BY_CLIENT =
  "the client does not trust the server's certificate: it needs the certificate of the CA that issued certfile (--cafile), and has to connect to a name or address that is in certfile";

/** A client without a certificate that gets through the handshake all the same. */
export const NO_CERTIFICATE =
  'TLS: the client showed no certificate, and require_certificate is true: it needs --cert and --key';

/** What OpenSSL's errors mean for the person who set up the server or the client. */
const MEANINGS: Readonly<Record<string, string>> = {
  ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE: NO_CERTIFICATE.replace('TLS: ', ''),
  ERR_SSL_NO_SUITABLE_SIGNATURE_ALGORITHM:
    'the client cannot verify signatures of the kind of key that is in keyfile; an RSA key suits older clients',
  ERR_SSL_WRONG_VERSION_NUMBER: 'what the client sent is not TLS',
  ERR_SSL_HTTP_REQUEST: 'the client speaks HTTP without TLS, this listener only with it: wss:// instead of ws://',
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: NOT_TRUSTED_BY_CLIENT,
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: NOT_TRUSTED_BY_CLIENT,
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN: NOT_TRUSTED_BY_CLIENT,
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED:
    "to the client the server's certificate has expired: renew certfile, or set the client's clock",
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_REVOKED:
    "to the client the server's certificate is revoked: certfile needs a new one",
};

/** A pre-shared key identity that a client named, and its key; null: nobody has that identity. */
export interface OfferedPsk {
  readonly identity: string;
  readonly key: Buffer | null;
}

/** What is known of a connection in which something went wrong. */
export interface TlsCircumstances {
  /** What the client said first; null: that is long ago, or cannot be read. */
  readonly hello: ClientHello | null;
  /** Null: the client named none, or the handshake is done. */
  readonly psk: OfferedPsk | null;
  readonly wantsPsk: boolean;
  readonly hasCertificate: boolean;
}

/** Says what went wrong with a TLS connection; `error` is what its socket emitted. */
export function tlsFailure(error: NodeJS.ErrnoException, circumstances: TlsCircumstances): string {
  const { code = '', message } = error;
  if (!code.startsWith('ERR_SSL_')) return message;
  const meaning =
    pskMeaning(code, circumstances) ??
    helloMeaning(code, circumstances.hello) ??
    (MEANINGS[code] as string | undefined);
  return meaning === undefined ? `TLS: ${reasonOf(error)}` : `TLS: ${meaning} (${reasonOf(error)})`;
}

/** OpenSSL finds out in these ways that keys differ: with TLS 1.3, and with TLS 1.2. */
const WRONG_KEY: readonly string[] = [
  'ERR_SSL_BINDER_DOES_NOT_VERIFY',
  'ERR_SSL_DECRYPTION_FAILED_OR_BAD_RECORD_MAC',
  'ERR_SSL_DIGEST_CHECK_FAILED',
];

/** What OpenSSL says of a client that is to use a pre-shared key and has none that is known. */
const NO_KEY: readonly string[] = [
  'ERR_SSL_PSK_IDENTITY_NOT_FOUND',
  'ERR_SSL_NO_SUITABLE_SIGNATURE_ALGORITHM',
  'ERR_SSL_NO_SHARED_CIPHER',
];

function pskMeaning(code: string, { psk, wantsPsk, hasCertificate }: TlsCircumstances): string | null {
  if (!wantsPsk) return null;
  if (psk !== null && psk.key !== null && WRONG_KEY.includes(code)) {
    return `the client's key for the PSK identity '${shownName(psk.identity)}' is not the one in psk_file`;
  }
  if (!NO_KEY.includes(code)) return null;
  // The ticket of another session looks like an identity, too.
  if (psk !== null && psk.key === null && !/[\p{Cc}\uFFFD]/u.test(psk.identity)) {
    return `the client's PSK identity '${shownName(psk.identity)}' is not in psk_file`;
  }
  if (psk !== null || hasCertificate) return null;
  return 'the client offers no pre-shared key, which this listener wants (psk_hint): it needs --psk and --psk-identity, and a cipher with PSK';
}

const VERSION_NAMES: Readonly<Record<number, string>> = {
  768: 'SSL 3.0',
  769: 'TLS 1.0',
  770: 'TLS 1.1',
  771: 'TLS 1.2',
  772: 'TLS 1.3',
};

function helloMeaning(code: string, hello: ClientHello | null): string | null {
  if (code === 'ERR_SSL_UNSUPPORTED_PROTOCOL') {
    const newest = Math.max(0, ...(hello?.versions ?? []).filter((version) => version in VERSION_NAMES));
    const offer = newest === 0 ? '' : `, ${VERSION_NAMES[newest]} at most`;
    return `the client speaks only older versions of TLS than this listener (tls_version)${offer}`;
  }
  if (code !== 'ERR_SSL_NO_SHARED_CIPHER') return null;
  const offer = hello === null ? '' : `. The client offers ${shownCiphers(hello.ciphers)}`;
  return `the client and this listener have no cipher in common (ciphers, ciphers_tls1.3, and the kind of key in keyfile)${offer}`;
}

export const ENDED_IN_HANDSHAKE =
  "TLS: the client ended the connection during the handshake; perhaps it does not trust the server's certificate";

/** OpenSSL's own words, without its numbers. */
function reasonOf(error: Error): string {
  return 'reason' in error && typeof error.reason === 'string' ? error.reason : error.message.trim();
}

/** Says why a connection that began with `byte` is none of TLS. */
export function notTls(byte: number): string {
  if (byte === CONNECT) {
    return 'the client speaks MQTT without TLS, this listener only with it: give the client --cafile, or another port';
  }
  if (byte === LETTER_G)
    return 'the client speaks HTTP without TLS, this listener only with it: wss:// instead of ws://';
  return `the first byte, 0x${byte.toString(16).padStart(2, '0')}, is not that of TLS, which this listener speaks`;
}

const NOT_ISSUED_BY_CA = [
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'CERT_SIGNATURE_FAILURE',
];

/** Says why the certificate of a client is not accepted. `problem` is OpenSSL's. */
export function notTrusted(problem: NodeJS.ErrnoException, certificate: X509Certificate): string {
  const { validFrom, validTo } = certificate;
  const code = problem.code ?? '';
  const who = certificateOf(certificate);
  const now = Date.now();
  if (code === 'CERT_HAS_EXPIRED' && Date.parse(validTo) < now) return `${who} expired on ${validTo}`;
  if (code === 'CERT_NOT_YET_VALID' && Date.parse(validFrom) > now) {
    return `${who} is valid from ${validFrom} only; is this machine's clock right?`;
  }
  if (code === 'CERT_HAS_EXPIRED') return `${who} is not accepted: that of a CA above it has expired`;
  if (code === 'INVALID_PURPOSE') return `${who} is not for clients, says its extendedKeyUsage or keyUsage`;
  if (NOT_ISSUED_BY_CA.includes(code)) {
    return `${who} was not issued by a CA in cafile or capath, but by ${shownName(certificate.issuer)}`;
  }
  return `${who} is not accepted: ${problem.message}`;
}

/** As sentences about a client's certificate begin. */
export function certificateOf({ subject }: X509Certificate): string {
  return `TLS: the client's certificate (${shownName(subject)})`;
}

/** The end of such a sentence. `authority`: not the client's certificate, but that of this CA above it. */
export function revoked(authority: X509Certificate | null, revokedAtMs: number, issuer: X509Certificate): string {
  const by = `revoked by ${shownName(issuer.subject)} on ${new Date(revokedAtMs).toUTCString()} (crlfile)`;
  if (authority === null) return `was ${by}`;
  return `is not accepted: the CA above it, ${shownName(authority.subject)}, was ${by}`;
}

/** The end of such a sentence. */
export function noListOf(issuer: X509Certificate): string {
  return `cannot be checked: crlfile has no list of its CA, ${shownName(issuer.subject)}`;
}

/** The end of such a sentence. */
export function listExpired(issuer: X509Certificate, nextUpdateMs: number): string {
  const since = new Date(nextUpdateMs).toUTCString();
  return `cannot be checked: the list of its CA in crlfile, ${shownName(issuer.subject)}, should have been renewed on ${since}`;
}

/** A name that nobody vouches for: for one line of a log. */
export function shownName(name: string | undefined): string {
  const line = (name ?? '')
    .split('\n')
    .reverse()
    .join(',')
    .replace(/\p{Cc}/gu, '?');
  return line.length <= MAX_NAME_LENGTH ? line : `${line.slice(0, MAX_NAME_LENGTH)} ...`;
}
