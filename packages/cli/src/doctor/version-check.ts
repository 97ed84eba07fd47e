import { type Connack, ConnectReturnCode, type ProtocolVersion, ReasonCode } from '@cauldron/codec';
import { endWith, type Finding, harmless, type Report, timed } from './finding.js';
import { ConnectRefused, PeerError, Silence } from './peer.js';
import type { Target } from './target.js';
import { shakeHands } from './tls-handshake.js';
import { Visits, type Ways } from './visits.js';
import { openSocket } from './way.js';

const NAMES: Readonly<Record<ProtocolVersion, string>> = { 3: 'MQTT 3.1', 4: 'MQTT 3.1.1', 5: 'MQTT 5.0' };
/** What is asked for, so that the answer says whether the broker gives less. It is given back with DISCONNECT. */
export const ASKED_SESSION_EXPIRY_S = 3_600;

export interface Spoken {
  readonly visits: Visits;
  /** What the newest version's CONNECT was answered with. */
  readonly connack: Connack;
}

/** Connects with each version. @throws (rejects) ExaminationEnded: with none */
export async function checkVersions(
  target: Target,
  ways: Ways,
  address: string | null,
  report: Report,
): Promise<Spoken> {
  let spoken: Spoken | null = null;
  const problems = new Map<ProtocolVersion, PeerError>();
  for (const version of [5, 4, 3] as const) {
    // Before 5.0 a broker cannot tell which keep-alive it wants: some refuse the client instead.
    const visits = new Visits(target, ways, version, spoken?.connack.properties?.serverKeepAlive);
    try {
      const properties = version === 5 ? { properties: { sessionExpiryInterval: ASKED_SESSION_EXPIRY_S } } : {};
      const { result, timeMs } = await timed(() => visits.join('v', properties));
      result.peer.leave(version === 5 ? { sessionExpiryInterval: 0 } : {});
      report({
        area: 'versions',
        check: NAMES[version],
        mark: 'ok',
        text: `The broker speaks ${NAMES[version]}`,
        timeMs,
      });
      spoken ??= { visits, connack: result.connack };
    } catch (error) {
      if (!(error instanceof PeerError)) throw error;
      problems.set(version, error);
      // Who says nothing to one version, or speaks something else, does so with the others.
      if (error instanceof Silence || error.banner.length > 0) break;
    }
  }
  const [newest] = problems.values();
  if (spoken === null) return endWith(report, await whyNone(newest, target, address));
  for (const [version, error] of problems) report(missing(version, error));
  return spoken;
}

function missing(version: ProtocolVersion, error: PeerError): Finding {
  const isOld = version === 3;
  return {
    area: 'versions',
    check: NAMES[version],
    mark: isOld ? 'note' : 'warning',
    text: `${NAMES[version]} is not taken: ${harmless(error.message)}`,
    ...(!isOld && { advice: 'Clients that speak it cannot connect.' }),
  };
}

async function whyNone(error: PeerError, target: Target, address: string | null): Promise<Omit<Finding, 'mark'>> {
  if (error instanceof ConnectRefused) return refused(error, target);
  const about = { area: 'versions', check: 'mqtt' } as const;
  const { url, port } = target;
  const banner = Buffer.from(error.banner).toString('latin1');
  if (banner.startsWith('HTTP/')) {
    const scheme = target.isTls ? 'wss' : 'ws';
    return {
      ...about,
      text: `Port ${port} is that of a web server: ${harmless(banner.split('\r\n')[0], 60)}`,
      advice: `MQTT may be behind it: cauldron doctor ${url.replace(/^\w+:/, `${scheme}:`)}/mqtt`,
    };
  }
  if (!target.isTls && (await speaksTls(target, address))) {
    const secure = url.replace(/^mqtt:/, 'mqtts:').replace(/^ws:/, 'wss:');
    return { ...about, text: `Port ${port} takes TLS only`, advice: `With TLS: cauldron doctor ${secure}` };
  }
  if (banner !== '') {
    return {
      ...about,
      text: `Port ${port} speaks something else: "${harmless(banner.split(/[\r\n]/)[0], 60)}"`,
      advice: 'Brokers listen on 1883, and on 8883 with TLS.',
    };
  }
  // With TLS 1.3 the broker says so only behind the handshake.
  if (target.isTls && /certificate/i.test(error.message)) {
    return { ...about, text: 'The broker wants a certificate of the client', advice: 'Give it with --cert and --key.' };
  }
  return {
    ...about,
    text: `CONNECT has no answer: ${harmless(error.message)}`,
    advice:
      error instanceof Silence
        ? 'Something takes connections, but no broker answers behind it: a proxy, another service, or one that hangs.'
        : 'Is it an MQTT broker? If so, its log says why: a ban, or a limit.',
  };
}

function refused({ version, connack, message }: ConnectRefused, { username }: Target): Omit<Finding, 'mark'> {
  const about = { area: 'access', check: 'connect', data: { reasonCode: connack.reasonCode, version } } as const;
  const text = `CONNECT is refused: ${message}`;
  const { reasonCode } = connack;
  if (isAboutCredentials(version, reasonCode)) {
    const advice =
      username === undefined
        ? 'The broker wants to know who you are: -u NAME -P PASSWORD.'
        : `Is that the password of ${harmless(username)}? \`cauldron lockouts\` shows who failed too often.`;
    return { ...about, text, advice };
  }
  const isId = version === 5 ? ReasonCode.CLIENT_IDENTIFIER_NOT_VALID : ConnectReturnCode.IDENTIFIER_REJECTED;
  if (reasonCode === isId) return { ...about, text, advice: 'Give a client id that the broker takes: --id.' };
  const elsewhere = connack.properties?.serverReference;
  if (elsewhere !== undefined) return { ...about, text, advice: `It names another broker: ${harmless(elsewhere)}` };
  return { ...about, text, advice: 'The log of the broker says more.' };
}

/** Whether a refusal says that user name or password are not good. */
export function isAboutCredentials(version: ProtocolVersion, code: number): boolean {
  const { BAD_USER_NAME_OR_PASSWORD, NOT_AUTHORIZED } = version === 5 ? ReasonCode : ConnectReturnCode;
  return code === BAD_USER_NAME_OR_PASSWORD || code === NOT_AUTHORIZED;
}

async function speaksTls(target: Target, address: string | null): Promise<boolean> {
  try {
    (await shakeHands(await openSocket(target, address), target)).destroy();
    return true;
  } catch {
    return false;
  }
}
