import type { X509Certificate } from 'node:crypto';

/** Why TLS with a server did not come about, in words for the person who connects. `code` is OpenSSL's or Node's. */
export class TlsFailure extends Error {
  override readonly name = 'TlsFailure';
  readonly code: string;

  constructor(message: string, code: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

const NOT_ISSUED_BY_CA = [
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'CERT_SIGNATURE_FAILURE',
];

/** What servers answer with, and what it means for the client's options. */
const ALERTS: Readonly<Record<string, string>> = {
  ERR_SSL_WRONG_VERSION_NUMBER: 'the server does not speak TLS on this port',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'the server does not speak TLS on this port',
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'the server speaks only older versions of TLS than the client',
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: 'the server does not speak this version of TLS',
  ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE:
    'the server and the client have no cipher in common, or the server wants a client certificate and got none',
  ERR_SSL_TLSV1_ALERT_INSUFFICIENT_SECURITY: 'the server wants stronger ciphers than the client offers',
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: 'the server wants a client certificate, and none was given',
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: "the server does not know the CA of the client's certificate",
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: "the server does not accept the client's certificate",
  ERR_SSL_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE: 'the server does not accept this kind of client certificate',
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_REVOKED: "the client's certificate has been revoked",
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED: "the client's certificate has expired",
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN: "the server does not accept the client's certificate",
  ERR_SSL_TLSV1_ALERT_ACCESS_DENIED: "the server accepts the client's certificate, but does not let it in",
  ERR_SSL_TLSV1_ALERT_DECRYPT_ERROR: 'the server does not accept the pre-shared key, or a signature of the client',
  ERR_SSL_SSLV3_ALERT_BAD_RECORD_MAC: 'the server does not understand the client; is it the same pre-shared key?',
  ERR_SSL_TLSV1_ALERT_UNKNOWN_PSK_IDENTITY: 'the server does not know the PSK identity',
  ERR_SSL_TLSV1_UNRECOGNIZED_NAME: 'the server has no certificate for the name that it was asked for',
  ERR_SSL_NO_CIPHERS_AVAILABLE: 'none of the ciphers that were given can be used with this version of TLS',
};

/** What Node says when the server ends the connection during the handshake; its code is that of any lost connection. */
const NODES_EARLY_END = 'before secure TLS connection was established';

/** An error of a TLS socket; those of the network below are returned as they are. */
export function tlsFailure(error: NodeJS.ErrnoException): Error {
  const { code = '', message } = error;
  if (message.includes(NODES_EARLY_END)) {
    const guess = 'perhaps it does not speak TLS on this port';
    return new TlsFailure(`TLS: the server ended the connection during the handshake; ${guess}`, code, {
      cause: error,
    });
  }
  if (!code.startsWith('ERR_SSL_')) return error;
  const reason = 'reason' in error && typeof error.reason === 'string' ? error.reason : message.trim();
  const meaning = ALERTS[code];
  return new TlsFailure(`TLS: ${meaning === undefined ? reason : `${meaning} (${reason})`}`, code, { cause: error });
}

/** Why the certificate of the server is not good. `code` is what OpenSSL found; `serverName` is who it should be. */
export function notTrusted(code: string, certificate: X509Certificate | undefined, serverName: string): TlsFailure {
  if (certificate === undefined) return new TlsFailure('TLS: the server showed no certificate', code);
  const { issuer, subject, validFrom, validTo } = certificate;
  const who = `TLS: the server's certificate (${shown(subject)})`;
  return new TlsFailure(`${who} ${complaint()}`, code);

  function complaint(): string {
    if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
      return `is not for ${serverName}, but for ${names(certificate) || 'no name at all'}`;
    }
    if (code === 'CERT_HAS_EXPIRED' && Date.parse(validTo) < Date.now()) return `expired on ${validTo}`;
    if (code === 'CERT_NOT_YET_VALID' && Date.parse(validFrom) > Date.now()) {
      return `is valid from ${validFrom} only; is this machine's clock right?`;
    }
    if (code === 'DEPTH_ZERO_SELF_SIGNED_CERT') return 'is its own issuer, and is not among the CAs that are trusted';
    if (NOT_ISSUED_BY_CA.includes(code)) return `was not issued by a CA that is trusted, but by ${shown(issuer)}`;
    if (code === 'INVALID_PURPOSE') return 'is not for servers, says its extendedKeyUsage';
    return `is not accepted: ${code}`;
  }
}

/** The names and addresses that a certificate is for: `localhost, 127.0.0.1`. */
function names(certificate: X509Certificate | undefined): string {
  const listed = certificate?.subjectAltName?.split(', ') ?? [];
  return listed.map((name) => oneLine(name.replace(/^(DNS|IP Address):/, ''))).join(', ');
}

/** Subjects and issuers have a part to a line, the outermost first. */
function shown(name: string): string {
  return oneLine(name.split('\n').reverse().join(','));
}

/** It comes from whoever stands at the other end. */
function oneLine(text: string): string {
  return text.replace(/\p{Cc}/gu, '?').slice(0, 200);
}
