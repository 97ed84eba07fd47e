import type { X509Certificate } from 'node:crypto';

const LETTER_G = 0x47; // of `GET`
const CONNECT = 0x10;
/** Characters of what a certificate says about itself. */
const MAX_NAME_LENGTH = 200;

const NOT_TRUSTED_BY_CLIENT =
  "the client does not trust the server's certificate: it needs the certificate of the CA that issued certfile (--cafile), and has to connect to a name or address that is in certfile";

/** What OpenSSL's errors mean for the person who set up the server or the client. */
const MEANINGS: Readonly<Record<string, string>> = {
  ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE:
    'the client showed no certificate, and require_certificate is true: it needs --cert and --key',
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'the client speaks only older versions of TLS than this listener (tls_version)',
  ERR_SSL_NO_SHARED_CIPHER:
    'the client and this listener have no cipher in common (ciphers, ciphers_tls1.3, and the kind of key in keyfile)',
  ERR_SSL_NO_SUITABLE_SIGNATURE_ALGORITHM:
    'the client cannot verify signatures of the kind of key that is in keyfile; an RSA key suits older clients',
  ERR_SSL_WRONG_VERSION_NUMBER: 'what the client sent is not TLS',
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: NOT_TRUSTED_BY_CLIENT,
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: NOT_TRUSTED_BY_CLIENT,
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN: NOT_TRUSTED_BY_CLIENT,
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED:
    "to the client the server's certificate has expired: renew certfile, or set the client's clock",
};

/** Says what went wrong with a TLS connection; `error` is what its socket emitted. */
export function tlsFailure(error: NodeJS.ErrnoException): string {
  const { code = '', message } = error;
  if (!code.startsWith('ERR_SSL_')) return message;
  const meaning = MEANINGS[code];
  return meaning === undefined ? `TLS: ${reasonOf(error)}` : `TLS: ${meaning} (${reasonOf(error)})`;
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
export function notTrusted(problem: NodeJS.ErrnoException, certificate: X509Certificate | undefined): string {
  if (certificate === undefined) return `TLS: the client's certificate is not accepted: ${problem.message}`;
  const { validFrom, validTo } = certificate;
  const code = problem.code ?? '';
  const who = `TLS: the client's certificate (${shown(certificate.subject)})`;
  const now = Date.now();
  if (code === 'CERT_HAS_EXPIRED' && Date.parse(validTo) < now) return `${who} expired on ${validTo}`;
  if (code === 'CERT_NOT_YET_VALID' && Date.parse(validFrom) > now) {
    return `${who} is valid from ${validFrom} only; is this machine's clock right?`;
  }
  if (code === 'INVALID_PURPOSE') return `${who} is not for clients, says its extendedKeyUsage`;
  if (NOT_ISSUED_BY_CA.includes(code)) {
    return `${who} was not issued by a CA in cafile or capath, but by ${shown(certificate.issuer)}`;
  }
  return `${who} is not accepted: ${problem.message}`;
}

/** A name from a certificate that nobody vouches for: for one line of a log. */
function shown(name: string | undefined): string {
  const line = (name ?? '')
    .split('\n')
    .reverse()
    .join(',')
    .replace(/\p{Cc}/gu, '?');
  return line.length <= MAX_NAME_LENGTH ? line : `${line.slice(0, MAX_NAME_LENGTH)} ...`;
}
