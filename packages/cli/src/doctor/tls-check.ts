import { X509Certificate } from 'node:crypto';
import { isIP, type Socket } from 'node:net';
import type { DetailedPeerCertificate, TLSSocket } from 'node:tls';
import { counted, endWith, type Finding, harmless, type Report, timed } from './finding.js';
import type { Target } from './target.js';
import { shakeHands } from './tls-handshake.js';
import { openSocket } from './way.js';

const DAY_MS = 86_400_000;
/** Time enough to notice that a renewal does not work. */
const SOON_DAYS = 14;
/** Apple's systems take no longer ones, whoever issued them. */
const APPLES_LONGEST_DAYS = 825;
const SMALLEST_RSA_BITS = 2048;
const LONGEST_CHAIN = 10;
const AREA = 'tls';

/**
 * Looks at what a client has to trust. @param socket connected, and silent so far.
 * @throws (rejects) ExaminationEnded: no TLS, or the broker is not trusted, so that nothing may be told it
 */
export async function checkTls(socket: Socket, target: Target, address: string | null, report: Report): Promise<void> {
  const secure = await handshake(socket, target, report);
  const isTrusted = checkCertificates(secure, target, report, Date.now());
  secure.destroy();
  await checkOldVersions(target, address, report);
  if (isTrusted || target.tls.insecure === true) return;
  endWith(report, {
    area: AREA,
    check: 'untrusted',
    text: 'No client that verifies the broker connects: the rest was not examined',
    advice: 'With --insecure it is. Do not give a password then: anybody could be at the other end.',
  });
}

async function handshake(socket: Socket, target: Target, report: Report): Promise<TLSSocket> {
  try {
    const { result, timeMs } = await timed(() => shakeHands(socket, target));
    const version = result.getProtocol() ?? 'TLS';
    const { name } = result.getCipher();
    const alpn = result.alpnProtocol ? `, ALPN ${result.alpnProtocol}` : '';
    const isOld = version !== 'TLSv1.3';
    report({
      area: AREA,
      check: 'version',
      mark: isOld ? 'note' : 'ok',
      text: `${version} with ${name}${alpn}`,
      timeMs,
      data: { version, cipher: name },
      ...(isOld && { advice: 'TLS 1.3 is quicker and simpler; a broker of today offers it.' }),
    });
    return result;
  } catch (error) {
    return endWith(report, {
      area: AREA,
      check: 'version',
      ...handshakeFailure(error as NodeJS.ErrnoException, target),
    });
  }
}

function handshakeFailure(
  { code = '', message }: NodeJS.ErrnoException,
  { url }: Target,
): Pick<Finding, 'text' | 'advice'> {
  if (code === 'ERR_SSL_WRONG_VERSION_NUMBER' || code === 'ERR_SSL_PACKET_LENGTH_TOO_LONG') {
    const plain = url.replace(/^(mqtt|ws)s:/, '$1:');
    return { text: 'The broker speaks no TLS on this port', advice: `Without TLS: cauldron doctor ${plain}` };
  }
  if (code.includes('CERTIFICATE_REQUIRED') || code.includes('HANDSHAKE_FAILURE')) {
    return {
      text: `The broker ended the TLS handshake: ${reasonOf(message)}`,
      advice: 'It may want a certificate of the client: --cert and --key.',
    };
  }
  return {
    text: `There was no TLS handshake: ${reasonOf(message)}`,
    advice: 'Does the broker speak TLS on this port, and has it a certificate and its key?',
  };
}

/** OpenSSL's message is `place:error:number:library:function:reason:file:line:`. */
function reasonOf(message: string): string {
  const parts = message.split(':');
  return harmless(parts.length > 5 ? parts[5] : message);
}

/** @returns whether a client that verifies the broker goes on */
function checkCertificates(socket: TLSSocket, target: Target, report: Report, nowMs: number): boolean {
  const { tls, host } = target;
  const chain = chainOf(socket);
  if (chain.length === 0) {
    if (tls.psk !== undefined) {
      report({
        area: AREA,
        check: 'key',
        mark: 'ok',
        text: 'The broker knows the pre-shared key; there are no certificates',
      });
      return true;
    }
    report({ area: AREA, check: 'certificate', mark: 'failure', text: 'The broker shows no certificate' });
    return false;
  }
  const [leaf] = chain;
  reportChain(chain, report, nowMs);
  const isForHost = reportName(leaf, host, report);
  reportWeakness(chain, socket.getCipher().name, report);
  const isTrusted = reportTrust(socket, chain, target, report);
  return isForHost && isTrusted;
}

/** The certificate of the broker first. */
function chainOf(socket: TLSSocket): X509Certificate[] {
  const chain: X509Certificate[] = [];
  let current: DetailedPeerCertificate | undefined = socket.getPeerCertificate(true);
  while (current?.raw !== undefined && chain.length < LONGEST_CHAIN) {
    chain.push(new X509Certificate(current.raw));
    const next: DetailedPeerCertificate | undefined = current.issuerCertificate;
    current = next === current || next?.fingerprint256 === current.fingerprint256 ? undefined : next;
  }
  return chain;
}

function reportChain(chain: readonly X509Certificate[], report: Report, nowMs: number): void {
  chain.forEach((certificate, place) => {
    const { subject, issuer, validFrom, validTo } = certificate;
    const from = Date.parse(validFrom);
    const to = Date.parse(validTo);
    const days = Math.floor((to - nowMs) / DAY_MS);
    const isOwnIssuer = subject === issuer;
    const what = place === 0 ? 'Certificate' : isOwnIssuer ? 'Root CA' : 'CA';
    const by = isOwnIssuer ? (place === 0 ? ', issued by itself' : '') : `, issued by ${nameOf(issuer)}`;
    report({
      area: AREA,
      check: place === 0 ? 'certificate' : 'chain',
      text: `${what} ${nameOf(subject)}${by}: ${lifeText(from, to, nowMs)}`,
      data: { subject: nameOf(subject), issuer: nameOf(issuer), validFrom: isoOf(from), validTo: isoOf(to), days },
      ...judgeDates(from, to, nowMs),
    });
  });
}

function lifeText(from: number, to: number, nowMs: number): string {
  if (to < nowMs) return `ended on ${dateOf(to)}, ${counted(Math.ceil((nowMs - to) / DAY_MS), 'day')} ago`;
  if (from > nowMs) return `not valid before ${dateOf(from)}`;
  return `${counted(Math.floor((to - nowMs) / DAY_MS), 'day')} left, until ${dateOf(to)}`;
}

function judgeDates(from: number, to: number, nowMs: number): Pick<Finding, 'mark' | 'advice'> {
  if (to < nowMs) return { mark: 'failure', advice: 'Renew it: no client connects until then.' };
  if (from > nowMs) return { mark: 'failure', advice: 'Is the clock right, here and at the broker?' };
  if ((to - nowMs) / DAY_MS >= SOON_DAYS) return { mark: 'ok' };
  return { mark: 'warning', advice: 'Renew it, and let the broker reload it.' };
}

function reportName(leaf: X509Certificate, host: string, report: Report): boolean {
  const listed = (leaf.subjectAltName ?? '').split(', ').filter((name) => name !== '');
  const names = listed.map((name) => harmless(name.replace(/^(DNS|IP Address):/, '')));
  const about = { area: AREA, check: 'name', data: { host, names } } as const;
  const isForHost = isIP(host) === 0 ? leaf.checkHost(host) !== undefined : leaf.checkIP(host) !== undefined;
  if (isForHost && names.length > 0) {
    const others = names.filter((name) => name !== host);
    const also = others.length === 0 ? '' : `, and for ${others.join(', ')}`;
    report({ ...about, mark: 'ok', text: `It is for ${host}${also}` });
    return true;
  }
  if (isForHost) {
    report({
      ...about,
      mark: 'warning',
      text: `It names ${host} as its subject only`,
      advice: 'Most clients of today look at subjectAltName alone, and refuse it. Issue it with that.',
    });
    return true;
  }
  report({
    ...about,
    mark: 'failure',
    text: `It is not for ${host}, but for ${names.join(', ') || 'no name at all'}`,
    advice: `Connect by a name that it has, or issue one for ${host}.`,
  });
  return false;
}

function reportTrust(socket: TLSSocket, chain: readonly X509Certificate[], target: Target, report: Report): boolean {
  const { authorized } = socket;
  const { authorizationError } = socket as { authorizationError: unknown };
  const code =
    authorizationError instanceof Error && 'code' in authorizationError
      ? String(authorizationError.code)
      : String(authorizationError);
  const issuer = nameOf(chain[chain.length - 1].issuer);
  const about = { area: AREA, check: 'trust', data: { trusted: authorized, code: authorized ? null : code } } as const;
  if (authorized) {
    const root = nameOf(chain[chain.length - 1].subject);
    const text = target.hasOwnAuthority
      ? `The CA that was given has issued it: ${root}`
      : `This machine trusts it: ${root}`;
    report({ ...about, mark: 'ok', text });
    return true;
  }
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID') return false; // has been said of the certificate
  const isInsecure = target.tls.insecure === true;
  report({
    ...about,
    mark: isInsecure ? 'warning' : 'failure',
    text:
      code === 'DEPTH_ZERO_SELF_SIGNED_CERT'
        ? 'It is its own issuer, and is not among those that are trusted here'
        : code === 'INVALID_PURPOSE'
          ? 'It is not for servers, says its extendedKeyUsage'
          : `It was not issued by a CA that is trusted here, but by ${issuer}`,
    advice:
      code === 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'
        ? "Give the file of that CA with --cafile. If it is a public one, the broker does not send the CA's own certificate: add it to its certfile."
        : 'Clients need the file of the CA: --cafile here, and the same in each client.',
  });
  return false;
}

function reportWeakness(chain: readonly X509Certificate[], cipher: string, report: Report): void {
  const about = { area: AREA, check: 'strength' } as const;
  const [leaf] = chain;
  const bits = leaf.publicKey.asymmetricKeyDetails?.modulusLength;
  let isStrong = true;
  const tell = (text: string, advice: string): void => {
    isStrong = false;
    report({ ...about, mark: 'warning', text, advice });
  };
  if (bits !== undefined && bits < SMALLEST_RSA_BITS) {
    tell(
      `Its key has ${bits} bits only`,
      `Issue it again with a key of ${SMALLEST_RSA_BITS} bits, or an elliptic one.`,
    );
  }
  if (!/^(TLS_|ECDHE|DHE)/.test(cipher)) {
    tell(
      `${cipher} has no forward secrecy`,
      'Whoever gets the key reads what was recorded before. Offer ECDHE ciphers.',
    );
  } else if (/RC4|DES|NULL|EXP/.test(cipher)) tell(`${cipher} is broken`, 'Take it out of the ciphers of the broker.');
  const lifeDays = (Date.parse(leaf.validTo) - Date.parse(leaf.validFrom)) / DAY_MS;
  if (lifeDays > APPLES_LONGEST_DAYS) {
    report({
      ...about,
      mark: 'note',
      text: `It is valid for ${counted(Math.round(lifeDays), 'day')} in all`,
      advice: `iOS and macOS refuse certificates of more than ${APPLES_LONGEST_DAYS} days.`,
    });
  }
  if (!isStrong) return;
  const type = leaf.publicKey.asymmetricKeyType ?? 'unknown';
  const size = bits === undefined ? (leaf.publicKey.asymmetricKeyDetails?.namedCurve ?? '') : `${bits} bits`;
  report({
    ...about,
    mark: 'ok',
    text: `Its key is ${type.toUpperCase()} ${size}, and the cipher has forward secrecy`.replace('  ', ' '),
  });
}

/** TLS 1.0 and 1.1 have been given up (RFC 8996). */
async function checkOldVersions(target: Target, address: string | null, report: Report): Promise<void> {
  const about = { area: AREA, check: 'old-versions' } as const;
  try {
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT:@SECLEVEL=0' } as const;
    const secure = await shakeHands(await openSocket(target, address), target, old);
    const version = secure.getProtocol() ?? 'an old TLS';
    secure.destroy();
    report({
      ...about,
      mark: 'warning',
      text: `The broker takes ${version} too`,
      advice: 'Nobody should speak it since 2021 (RFC 8996). Set the lowest version to TLS 1.2.',
    });
  } catch {
    report({ ...about, mark: 'ok', text: 'The broker takes no TLS older than 1.2' });
  }
}

/** The common name, or all that there is. */
function nameOf(name: string): string {
  const common = /^CN=(.*)$/m.exec(name);
  return harmless(common === null ? name.split('\n').reverse().join(', ') || 'without a name' : common[1]);
}

function dateOf(timeMs: number): string {
  return Number.isNaN(timeMs) ? 'an unknown day' : isoOf(timeMs).slice(0, 10);
}

function isoOf(timeMs: number): string {
  return Number.isNaN(timeMs) ? '' : new Date(timeMs).toISOString();
}
