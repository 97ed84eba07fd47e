import { ReasonCode } from '@cauldron/codec';
import { type Finding, harmless, type Report, timed } from './finding.js';
import { ConnectRefused, type Peer, PeerError, REFUSED_FROM } from './peer.js';
import type { Target } from './target.js';
import { isAboutCredentials } from './version-check.js';
import type { Visits } from './visits.js';

const AREA = 'access';
/** The people of a broker that only this machine reaches are those of this machine. */
type Reach = 'machine' | 'network';

/** Whether strangers get in, and what they could do. @param reach who can connect at all */
export async function checkAccess(visits: Visits, reach: Reach, report: Report): Promise<void> {
  const { target } = visits;
  checkReadable(target, reach, report);
  const isOpen = await checkAnonymous(visits, reach, report);
  // A certificate or a key may say who comes: then no password is asked about.
  if (target.tls.cert === undefined && target.tls.psk === undefined) await checkWrongPassword(visits, isOpen, report);
}

function checkReadable({ isTls, username, path }: Target, reach: Reach, report: Report): void {
  if (isTls || path !== null || reach === 'machine') return;
  report({
    area: AREA,
    check: 'encryption',
    mark: 'warning',
    text: username === undefined ? 'Nothing is encrypted' : 'Nothing is encrypted: user name and password neither',
    advice: 'Whoever is in between reads and changes everything. Use TLS: `cauldron setup` makes certificates.',
  });
}

/** @returns whether anybody may connect */
async function checkAnonymous(visits: Visits, reach: Reach, report: Report): Promise<boolean> {
  const about = { area: AREA, check: 'anonymous' } as const;
  const { version } = visits;
  try {
    const { result, timeMs } = await timed(() => visits.join('a', { credentials: {}, isStranger: true }));
    const { peer } = result;
    // Only with 5.0 retained messages can be kept from coming.
    const mayReadAll = version === 5 && (await maySubscribe(peer, '#'));
    peer.leave();
    const text = `Anybody may connect, without a user name${mayReadAll ? ', and subscribe to everything' : ''}`;
    if (reach === 'machine') report({ ...about, mark: 'note', text, timeMs });
    else {
      const advice = 'Give each client a user name and a password: `allow_anonymous false`, or `cauldron setup`.';
      report({ ...about, mark: 'warning', text, timeMs, advice });
    }
    return true;
  } catch (error) {
    if (!(error instanceof PeerError)) throw error;
    const { tls } = visits.target;
    if (error instanceof ConnectRefused && isAboutCredentials(version, error.connack.reasonCode)) {
      report({ ...about, mark: 'ok', text: `Who gives no user name is refused: ${error.message}` });
    } else if (tls.cert !== undefined || tls.psk !== undefined) {
      const what = tls.cert === undefined ? 'Who does not know the pre-shared key' : 'Who shows no certificate';
      report({ ...about, mark: 'ok', text: `${what} does not get in` });
    } else report({ ...about, ...refusedOddly('Who gives no user name', error) });
    return false;
  }
}

/** Some brokers end the connection rather than to say no. */
async function maySubscribe(peer: Peer, filter: string): Promise<boolean> {
  try {
    const [granted] = await peer.subscribe([filter], 0, { retainHandling: 2 });
    return granted < REFUSED_FROM;
  } catch (error) {
    if (error instanceof PeerError) return false;
    throw error;
  }
}

async function checkWrongPassword(visits: Visits, isOpen: boolean, report: Report): Promise<void> {
  const about = { area: AREA, check: 'wrong-password' } as const;
  const { clientId } = visits.target;
  // A name that nobody has: no real user is locked out by it.
  const wrong = { username: `nobody-${clientId}`, password: new TextEncoder().encode(clientId) };
  try {
    const { result, timeMs } = await timed(() => visits.join('w', { credentials: wrong }));
    result.peer.leave();
    if (isOpen) report({ ...about, mark: 'note', text: 'User names and passwords are not asked about', timeMs });
    else {
      report({
        ...about,
        mark: 'failure',
        text: 'A user who does not exist gets in, with any password',
        timeMs,
        advice: 'Only the empty user name is refused: the broker has no password file, or asks nobody.',
      });
    }
  } catch (error) {
    if (!(error instanceof PeerError)) throw error;
    if (error instanceof ConnectRefused && isAboutCredentials(visits.version, error.connack.reasonCode)) {
      const code = `0x${error.connack.reasonCode.toString(16).padStart(2, '0')}`;
      report({
        ...about,
        mark: 'ok',
        text: `A wrong password is refused, with the right code (${code}: ${error.message})`,
      });
    } else report({ ...about, ...refusedOddly('A wrong password', error) });
  }
}

/** Refused, but so that a client cannot know why. */
function refusedOddly(who: string, error: PeerError): Pick<Finding, 'mark' | 'text' | 'advice'> {
  if (error instanceof ConnectRefused) {
    const { reasonCode } = error.connack;
    const isBan = error.version === 5 && reasonCode === ReasonCode.BANNED;
    return {
      mark: 'note',
      text: `${who} is refused: ${harmless(error.message)}`,
      ...(!isBan && { advice: 'The usual codes are "bad user name or password" and "not authorized".' }),
    };
  }
  return {
    mark: 'note',
    text: `${who} is refused without a word: ${harmless(error.message)}`,
    advice: 'Clients cannot tell that from a broken network, and try again and again.',
  };
}
