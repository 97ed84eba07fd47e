import { isIPv4, isIPv6, SocketAddress } from 'node:net';
import type { TlsIdentity, TlsSession } from '../core/ports/link.js';
import { crc32c } from './crc32c.js';

/** Which of the two forms of a header a listener expects. */
export type ProxyVersion = 1 | 2;

/** Where a connection comes from. */
export interface ProxySource {
  /** An IP address; of a Unix socket, its path. */
  readonly address: string;
  /** 0: the transport has none. */
  readonly port: number;
}

/** What a proxy said about a connection, before the first byte of its client. */
export interface ProxyHeader {
  /** Bytes that it took; what follows is the client's. */
  readonly length: number;
  /** The proxy speaks for itself, such as for a check whether the broker lives. */
  readonly isLocal: boolean;
  /** The client; null: the proxy does not say who it is. */
  readonly source: ProxySource | null;
  /** How the client speaks TLS with the proxy; null: it does not, or the proxy does not say. */
  readonly tls: TlsSession | null;
  /** The client showed the proxy a certificate, and the proxy found it good. */
  readonly hasCertificate: boolean;
}

/** The bytes are no header as it was expected; the message says what came instead, and what to do. */
export class ProxyHeaderError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ProxyHeaderError';
  }
}

const PREFIX_1 = Buffer.from('PROXY ', 'latin1');
const SIGNATURE_2 = Buffer.from('0d0a0d0a000d0a515549540a', 'hex');
/** With CR and LF: the longest that two IPv6 addresses and two ports can make. */
const MAX_LINE_BYTES = 107;
const FIXED_BYTES = 16;
/** Bytes of addresses and additions. Proxies send some hundred; a certificate's whole chain is not among them. */
const MAX_BLOCK_BYTES = 4096;

const CONNECT = 0x10;
const TLS_HANDSHAKE = 0x16;
const LETTER_G = 0x47; // of `GET`

/**
 * Reads the header that a connection through a proxy begins with, as HAProxy's specification has it. Null: it is not
 * whole yet; the caller comes again with the same bytes and more of them.
 * @throws ProxyHeaderError as soon as the bytes cannot become such a header
 */
export function readProxyHeader(version: ProxyVersion, bytes: Uint8Array): ProxyHeader | null {
  const given = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  return version === 1 ? readLine(given) : readBinary(given);
}

/** Says what the client's beginning looks like. */
function missing(bytes: Buffer, version: ProxyVersion): ProxyHeaderError {
  const other = version === 1 ? 2 : 1;
  const beginning = other === 1 ? PREFIX_1 : SIGNATURE_2;
  const sameLength = Math.min(bytes.length, beginning.length);
  if (sameLength > 1 && bytes.subarray(0, sameLength).equals(beginning.subarray(0, sameLength))) {
    return new ProxyHeaderError(
      `a PROXY header of version ${other} came, and this listener expects version ${version}; set 'enable_proxy_protocol ${other}', or have the proxy send version ${version}`,
    );
  }
  const expected = `no PROXY header of version ${version} came, which this listener expects (enable_proxy_protocol), but`;
  const remedy = 'connect through the proxy, have it send the header, or use a listener without that option';
  return new ProxyHeaderError(`${expected} ${shownBeginning(bytes)}; ${remedy}`);
}

function shownBeginning(bytes: Buffer): string {
  if (bytes[0] === CONNECT) return 'an MQTT CONNECT';
  if (bytes[0] === TLS_HANDSHAKE) return 'a TLS handshake';
  if (bytes[0] === LETTER_G) return 'an HTTP request';
  return `the bytes ${bytes.subarray(0, SIGNATURE_2.length).toString('hex')}`;
}

function startsDifferently(bytes: Buffer, beginning: Buffer): boolean {
  const length = Math.min(bytes.length, beginning.length);
  return !bytes.subarray(0, length).equals(beginning.subarray(0, length));
}

// ---- version 1: a line of text ---------------------------------------------------------------------------------------

function readLine(bytes: Buffer): ProxyHeader | null {
  if (startsDifferently(bytes, PREFIX_1)) throw missing(bytes, 1);
  const end = bytes.subarray(0, MAX_LINE_BYTES).indexOf('\r\n', 0, 'latin1');
  if (end < 0) {
    if (bytes.length < MAX_LINE_BYTES) return null;
    throw new ProxyHeaderError(`the PROXY header has no end within ${MAX_LINE_BYTES} bytes`);
  }
  const line = bytes.toString('latin1', 0, end);
  const header = { length: end + 2, isLocal: false, tls: null, hasCertificate: false };
  const [, family, ...fields] = line.split(' ');
  if (family === 'UNKNOWN') return { ...header, source: null };
  if (family !== 'TCP4' && family !== 'TCP6') throw malformedLine(line);
  const [address = '', destination = '', port = '', destinationPort = ''] = fields;
  const isAddress = family === 'TCP4' ? isIPv4 : isPlainIPv6;
  const isWellFormed =
    fields.length === 4 && isAddress(address) && isAddress(destination) && isPort(port) && isPort(destinationPort);
  if (!isWellFormed) throw malformedLine(line);
  return { ...header, source: { address: family === 'TCP4' ? address : canonical(address), port: Number(port) } };
}

/** Without the name of an interface behind `%`, which says nothing on another machine. */
function isPlainIPv6(address: string): boolean {
  return isIPv6(address) && !address.includes('%');
}

function isPort(text: string): boolean {
  return /^(0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 65_535;
}

/** As everybody writes it (RFC 5952), so that one client has one name in the log. */
function canonical(address: string): string {
  return new SocketAddress({ address, family: 'ipv6' }).address;
}

function malformedLine(line: string): ProxyHeaderError {
  return new ProxyHeaderError(
    `the PROXY header is malformed: ${JSON.stringify(line)}; expected is PROXY TCP4 or TCP6, two addresses and two ports, or PROXY UNKNOWN`,
  );
}

// ---- version 2: a block of bytes -------------------------------------------------------------------------------------

const Command = { LOCAL: 0, PROXY: 1 } as const;
const Family = { UNSPECIFIED: 0, IPV4: 1, IPV6: 2, UNIX: 3 } as const;
const STREAM = 1;
/** Bytes of source and destination, each with its port where there is one. */
const ADDRESS_BYTES: Readonly<Record<number, number>> = { [Family.IPV4]: 12, [Family.IPV6]: 36, [Family.UNIX]: 216 };
const UNIX_PATH_BYTES = 108;

function readBinary(bytes: Buffer): ProxyHeader | null {
  if (startsDifferently(bytes, SIGNATURE_2)) throw missing(bytes, 2);
  if (bytes.length < FIXED_BYTES) return null;
  const version = bytes[12] >> 4;
  const command = bytes[12] & 0x0f;
  if (version !== 2) throw malformed(`it is of version ${version}`);
  const blockLength = bytes.readUInt16BE(14);
  if (blockLength > MAX_BLOCK_BYTES) {
    throw malformed(`it announces ${blockLength} bytes, and ${MAX_BLOCK_BYTES} is what is taken`);
  }
  const length = FIXED_BYTES + blockLength;
  if (bytes.length < length) return null;
  // What else a LOCAL header says has to be ignored.
  if (command === Command.LOCAL) return { length, isLocal: true, source: null, tls: null, hasCertificate: false };
  if (command !== Command.PROXY) throw malformed(`it has command ${command}, and there are only 0 and 1`);
  const family = bytes[13] >> 4;
  if (family === Family.UNSPECIFIED) {
    return { length, isLocal: false, source: null, tls: null, hasCertificate: false };
  }
  const addressBytes = ADDRESS_BYTES[family];
  if (addressBytes === undefined) throw malformed(`it has address family ${family}, which nobody knows`);
  if ((bytes[13] & 0x0f) !== STREAM) throw malformed('it speaks of datagrams, and MQTT comes over streams only');
  if (blockLength < addressBytes) throw malformed(`its ${blockLength} bytes are too few for the addresses`);
  const source = sourceOf(family, bytes.subarray(FIXED_BYTES, FIXED_BYTES + addressBytes));
  const additions = readAdditions(bytes.subarray(0, length), FIXED_BYTES + addressBytes);
  return { length, isLocal: false, source, ...additions };
}

function sourceOf(family: number, block: Buffer): ProxySource | null {
  if (family === Family.IPV4) return { address: block.subarray(0, 4).join('.'), port: block.readUInt16BE(8) };
  if (family === Family.IPV6) {
    const groups = Array.from({ length: 8 }, (_, index) => block.readUInt16BE(2 * index).toString(16));
    return { address: canonical(groups.join(':')), port: block.readUInt16BE(32) };
  }
  const path = block.subarray(0, UNIX_PATH_BYTES);
  const end = path.indexOf(0);
  const text = path.toString('utf8', 0, end < 0 ? UNIX_PATH_BYTES : end).replace(/\p{Cc}/gu, '?');
  // Clients of Unix sockets mostly have no address, or one that is no path and begins with a zero.
  return text === '' ? null : { address: text, port: 0 };
}

/** Type-length-value entries behind the addresses, and within that of TLS. */
const Addition = { AUTHORITY: 0x02, CRC32C: 0x03, SSL: 0x20 } as const;
const SslAddition = { VERSION: 0x21, COMMON_NAME: 0x22, CIPHER: 0x23 } as const;
const SSL_FIXED_BYTES = 5;
const CLIENT_SPEAKS_TLS = 0x01;
/** The client showed a certificate on this connection, or on an earlier one of the same TLS session. */
const CLIENT_HAS_CERTIFICATE = 0x02 | 0x04;

function readAdditions(header: Buffer, offset: number): Pick<ProxyHeader, 'tls' | 'hasCertificate'> {
  let serverName: string | null = null;
  let ssl: Buffer | null = null;
  for (const { type, from, to } of additionsIn(header, offset, header.length)) {
    if (type === Addition.CRC32C) checkSum(header, from, to);
    else if (type === Addition.AUTHORITY) serverName = textOf(header.subarray(from, to), 'authority');
    else if (type === Addition.SSL) ssl = header.subarray(from, to);
  }
  if (ssl === null) return { tls: null, hasCertificate: false };
  if (ssl.length < SSL_FIXED_BYTES) throw malformed('what it says of TLS is too short');
  const [flags] = ssl;
  if ((flags & CLIENT_SPEAKS_TLS) === 0) return { tls: null, hasCertificate: false };
  let protocol = '';
  let cipher = '';
  let commonName = '';
  for (const { type, from, to } of additionsIn(ssl, SSL_FIXED_BYTES, ssl.length)) {
    if (type === SslAddition.VERSION) protocol = textOf(ssl.subarray(from, to), 'TLS version');
    else if (type === SslAddition.CIPHER) cipher = textOf(ssl.subarray(from, to), 'cipher');
    else if (type === SslAddition.COMMON_NAME) commonName = textOf(ssl.subarray(from, to), 'common name');
  }
  // 0 is OpenSSL's X509_V_OK. It is 0, too, for a client that showed nothing.
  const hasCertificate = (flags & CLIENT_HAS_CERTIFICATE) !== 0 && ssl.readUInt32BE(1) === 0;
  const client = hasCertificate ? identityOf(commonName) : null;
  return { tls: { protocol, cipher, serverName, client }, hasCertificate };
}

function* additionsIn(
  bytes: Buffer,
  start: number,
  end: number,
): Generator<{ type: number; from: number; to: number }> {
  let offset = start;
  while (offset < end) {
    const from = offset + 3;
    const to = from <= end ? from + bytes.readUInt16BE(offset + 1) : Number.POSITIVE_INFINITY;
    if (to > end) throw malformed('one of its additions goes beyond its end');
    yield { type: bytes[offset], from, to };
    offset = to;
  }
}

function checkSum(header: Buffer, from: number, to: number): void {
  if (to - from !== 4) throw malformed('its checksum does not have 4 bytes');
  const summed = Buffer.from(header);
  summed.fill(0, from, to);
  if (crc32c(summed) !== header.readUInt32BE(from)) throw malformed('its checksum (CRC32c) is wrong');
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

function textOf(bytes: Buffer, name: string): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw malformed(`its ${name} is not UTF-8`);
  }
}

/** The proxy tells no more of a certificate than this. */
function identityOf(commonName: string): TlsIdentity {
  return { proof: 'certificate', commonName, subject: commonName === '' ? '' : `CN=${escaped(commonName)}` };
}

/** As RFC 2253 writes values of names. */
function escaped(value: string): string {
  return value.replace(/[,+"\\<>;]|^[ #]| $/g, '\\$&');
}

function malformed(problem: string): ProxyHeaderError {
  return new ProxyHeaderError(`the PROXY header is malformed: ${problem}`);
}
