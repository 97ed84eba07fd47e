import { checkAccess } from './access-check.js';
import { checkAddress } from './address-check.js';
import { announcements } from './announcement.js';
import { ExaminationEnded, harmless, type Report } from './finding.js';
import {
  checkExactlyOnce,
  checkRetained,
  checkRights,
  checkShared,
  checkSysTopics,
  checkTakeOver,
  checkTopicLength,
  checkWill,
} from './message-checks.js';
import { PeerError } from './peer.js';
import { checkSpeed } from './speed-check.js';
import { isLoopback, type Target } from './target.js';
import { checkTls } from './tls-check.js';
import { shakeHands } from './tls-handshake.js';
import { checkVersions, type Spoken } from './version-check.js';
import type { Ways } from './visits.js';
import { NoAnswer, openSocket, wayTo } from './way.js';
import { checkWebSocket } from './websocket-check.js';

/** What the codec can express, where CONNACK says nothing of it. */
const ANY_SIZE = 268_435_460;

/**
 * Examines a broker from the outside inwards. Nothing is left behind, and nothing is changed that was there.
 * @returns whether it could be used, so that all was examined
 */
export async function examine(target: Target, report: Report): Promise<boolean> {
  let spoken: Spoken | null = null;
  try {
    const { address, timeMs } = await checkAddress(target, report);
    await checkLayers(target, address, report);
    spoken = await checkVersions(target, waysTo(target, address), address, report);
    await checkBroker(spoken, address === null || isLoopback(address), timeMs, report);
    return true;
  } catch (error) {
    if (error instanceof ExaminationEnded) return false;
    if (!isOfNetwork(error)) throw error;
    const text = `A further connection cannot be made: ${harmless(error.message)}`;
    report({ area: 'address', check: 'tcp', mark: 'failure', text });
    return false;
  } finally {
    spoken?.visits.leave();
  }
}

function isOfNetwork(error: unknown): error is Error {
  return (
    error instanceof NoAnswer || (error instanceof Error && 'code' in error && /^E[A-Z_]+$/.test(String(error.code)))
  );
}

function waysTo(target: Target, address: string | null): Ways {
  const { cert: _cert, key: _key, psk: _psk, ...tls } = target.tls;
  return { own: wayTo(target, address), stranger: wayTo({ ...target, tls }, address) };
}

async function checkLayers(target: Target, address: string | null, report: Report): Promise<void> {
  if (target.isTls) await checkTls(await openSocket(target, address), target, address, report);
  if (target.webSocketPath === null) return;
  const socket = await openSocket(target, address);
  const stream = target.isTls ? await shakeHands(socket, target) : socket;
  await checkWebSocket(stream, target, target.webSocketPath, report);
}

async function checkBroker(
  { visits, connack }: Spoken,
  isLocal: boolean,
  connectMs: number,
  report: Report,
): Promise<void> {
  if (visits.version === 5) announcements(connack).forEach(report);
  const { properties = {} } = connack;
  const { maximumPacketSize = ANY_SIZE, maximumQoS = 2, retainAvailable, sharedSubscriptionAvailable } = properties;
  const guarded = async (name: string, work: () => Promise<unknown>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof PeerError)) throw error;
      report({ area: 'messages', check: name, mark: 'failure', text: `${name}: ${harmless(error.message)}` });
    }
  };
  await guarded('Who gets in', () => checkAccess(visits, isLocal ? 'machine' : 'network', report));
  await guarded('$SYS', () => checkSysTopics(visits, report));
  let mayPublish = false;
  await guarded('Rights', async () => {
    mayPublish = await checkRights(visits, report);
  });
  if (mayPublish) {
    if (retainAvailable !== 0) await guarded('Retained messages', () => checkRetained(visits, report));
    await guarded('Exactly once', () => checkExactlyOnce(visits, report));
    if (visits.version === 5 && sharedSubscriptionAvailable !== 0) {
      await guarded('Shared subscriptions', () => checkShared(visits, report));
    }
    await guarded('Long topics', () => checkTopicLength(visits, maximumPacketSize, report));
    await guarded('Wills', () => checkWill(visits, report));
  }
  await guarded('Take-over', () => checkTakeOver(visits, report));
  await guarded('Round trips', () => checkSpeed(visits, mayPublish ? maximumQoS : null, connectMs, report));
}
