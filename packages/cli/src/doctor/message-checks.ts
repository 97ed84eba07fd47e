import { PacketType, ReasonCode, reasonName } from '@cauldron/codec';
import { harmless, type Report, timed } from './finding.js';
import { type Peer, PeerError, publishOf, REFUSED_FROM, Silence } from './peer.js';
import type { Visits } from './visits.js';

const SHARED_MESSAGES = 20;
const MARKER = 'and that is all';
/** So that nothing stays, should the doctor be ended half-way. */
const RETAINED_EXPIRY_S = 60;
const SESSION_EXPIRY_S = 60;
/** A broker that has a topic tree to show says something of it at once. */
const SYS_TIMEOUT_MS = 1_000;
/** From the longest that the standard knows downwards. */
const TOPIC_BYTES = [65_535, 16_384, 4_096, 1_024, 256];

/**
 * Whether this user may publish and subscribe beneath the prefix. What follows needs that.
 * @throws (rejects) PeerError
 */
export async function checkRights(visits: Visits, report: Report): Promise<boolean> {
  const { prefix } = visits.target;
  const about = { area: 'messages', check: 'rights' } as const;
  const advice = 'The messages were not examined. -t takes a topic beneath which this user may read and write.';
  const topic = `${prefix}/rights`;
  const { peer } = await visits.join('r');
  const startedMs = performance.now();
  try {
    const [granted] = await peer.subscribe([topic], 1);
    if (granted >= REFUSED_FROM) {
      const text = `Subscribing to ${harmless(topic)} is not allowed: ${reasonName(granted).toLowerCase()}`;
      report({ ...about, mark: 'warning', text, advice });
      return false;
    }
    const code = await peer.publish(topic, MARKER, 1);
    if (code >= REFUSED_FROM) {
      const text = `Publishing to ${harmless(topic)} is not allowed: ${reasonName(code).toLowerCase()}`;
      report({ ...about, mark: 'warning', text, advice });
      return false;
    }
    await peer.message(topic);
    const text = `Publishing and subscribing beneath ${harmless(prefix)}`;
    report({ ...about, mark: 'ok', text, timeMs: performance.now() - startedMs });
    return true;
  } catch (error) {
    if (!(error instanceof PeerError)) throw error;
    const text = `A message to ${harmless(topic)} does not come back: ${harmless(error.message)}`;
    report({
      ...about,
      mark: 'warning',
      text,
      advice: `Perhaps it is not allowed, which MQTT 3.1.1 cannot say. ${advice}`,
    });
    return false;
  } finally {
    peer.leave();
  }
}

/** Set, read by a new subscription, cleared. */
export async function checkRetained(visits: Visits, report: Report): Promise<void> {
  const about = { area: 'messages', check: 'retained' } as const;
  const topic = `${visits.target.prefix}/retained`;
  const { peer } = await visits.join('k');
  const startedMs = performance.now();
  let isSet = false;
  try {
    const expiry = visits.version === 5 ? { properties: { messageExpiryInterval: RETAINED_EXPIRY_S } } : {};
    const code = await peer.publish(topic, 'kept', 1, { retain: true, ...expiry });
    if (code >= REFUSED_FROM) {
      report({ ...about, mark: 'warning', text: `Retained messages are refused: ${reasonName(code).toLowerCase()}` });
      return;
    }
    isSet = true;
    const found = await readRetained(peer, topic);
    await peer.publish(topic, '', 1, { retain: true });
    isSet = false;
    const left = await readRetained(peer, topic);
    const timeMs = performance.now() - startedMs;
    if (found === 'kept' && left === null) {
      report({ ...about, mark: 'ok', text: 'A retained message is set, read and cleared', timeMs });
    } else if (found === null) {
      const advice = 'Clients that connect later do not learn the last state of things.';
      report({ ...about, mark: 'failure', text: 'A retained message does not reach a new subscriber', timeMs, advice });
    } else if (left !== null) {
      const advice = `Clear it by the means of the broker: ${harmless(topic)}`;
      report({ ...about, mark: 'failure', text: 'An empty message does not clear a retained one', timeMs, advice });
    } else report({ ...about, mark: 'failure', text: 'A retained message comes without its flag', timeMs });
  } finally {
    if (isSet) peer.send(publishOf(topic, '', 0, true));
    peer.leave();
  }
}

/** What a new subscription is told first: the payload, an empty text without the flag, null when nothing was retained. */
async function readRetained(peer: Peer, topic: string): Promise<string | null> {
  await peer.subscribe([topic], 1);
  // What is retained comes before it: messages of a topic keep their order [MQTT-4.6.0-6].
  await peer.publish(topic, MARKER, 1);
  const first = await peer.message(topic);
  const payload = Buffer.from(first.payload).toString();
  if (payload !== MARKER) await peer.message(topic);
  await peer.unsubscribe([topic]);
  if (payload === MARKER) return null;
  return first.retain ? payload : '';
}

/** A publisher loses its connection within a QoS 2 handshake, and sends the message again. */
export async function checkExactlyOnce(visits: Visits, report: Report): Promise<void> {
  const { version, target } = visits;
  const about = { area: 'messages', check: 'exactly-once' } as const;
  const topic = `${target.prefix}/once`;
  const packetId = 7;
  const message = { ...publishOf(topic, 'once', 2), packetId };
  const kept = {
    clean: false,
    ...(version === 5 && { properties: { sessionExpiryInterval: SESSION_EXPIRY_S } }),
  };
  const startedMs = performance.now();
  const listener = (await visits.join('l')).peer;
  try {
    const [granted] = await listener.subscribe([topic], 2);
    if (granted !== 2) {
      report({ ...about, mark: 'note', text: 'QoS 2 is not granted: messages may come twice' });
      return;
    }
    const first = (await visits.join('p', kept)).peer;
    first.send(message);
    const { reasonCode } = await first.next(PacketType.PUBREC, (pubrec) => pubrec.packetId === packetId);
    first.cut();
    if (reasonCode >= REFUSED_FROM) {
      report({ ...about, mark: 'warning', text: `QoS 2 is refused: ${reasonName(reasonCode).toLowerCase()}` });
      return;
    }
    const { peer: second, connack } = await visits.join('p', kept);
    if (connack.sessionPresent || version === 3) {
      second.send({ ...message, dup: true });
      await second.next(PacketType.PUBREC, (pubrec) => pubrec.packetId === packetId);
      await second.release(packetId);
    }
    await second.publish(topic, MARKER, 2);
    let copies = 0;
    while (Buffer.from((await listener.message(topic)).payload).toString() !== MARKER) copies++;
    const timeMs = performance.now() - startedMs;
    if (!connack.sessionPresent && version !== 3) {
      const advice = 'What is on its way is lost or doubled at each reconnect. Is the session kept too short?';
      report({ ...about, mark: 'failure', text: 'The session is gone after a reconnect', timeMs, advice });
    } else if (copies === 1) {
      const text = 'QoS 2: exactly once, though the message was sent again after a reconnect';
      report({ ...about, mark: 'ok', text, timeMs });
    } else {
      const text = copies === 0 ? 'A QoS 2 message is lost by a reconnect' : `A QoS 2 message comes ${copies} times`;
      const advice = 'That is a fault of the broker: `cauldron doctor conformance` shows it packet by packet.';
      report({ ...about, mark: 'failure', text, timeMs, advice });
    }
  } finally {
    listener.leave();
    await endSession(visits, 'p');
  }
}

/** Takes a session away that was to be kept. */
async function endSession(visits: Visits, name: string): Promise<void> {
  (await visits.join(name)).peer.leave();
}

/** Two members of a group share what comes. */
export async function checkShared(visits: Visits, report: Report): Promise<void> {
  const about = { area: 'messages', check: 'shared' } as const;
  const { prefix, clientId } = visits.target;
  const topic = `${prefix}/shared`;
  const startedMs = performance.now();
  const members = [(await visits.join('m')).peer, (await visits.join('n')).peer];
  try {
    for (const member of members) {
      const [granted] = await member.subscribe([`$share/${clientId}/${topic}`], 1);
      if (granted < REFUSED_FROM) continue;
      report({ ...about, mark: 'note', text: `No shared subscriptions: ${reasonName(granted).toLowerCase()}` });
      return;
    }
    const publisher = (await visits.join('s')).peer;
    for (let at = 0; at < SHARED_MESSAGES; at++) await publisher.publish(topic, String(at), 1);
    publisher.leave();
    const counts = await countUntil(members, SHARED_MESSAGES);
    const timeMs = performance.now() - startedMs;
    const data = { messages: SHARED_MESSAGES, counts };
    const total = counts[0] + counts[1];
    if (total === SHARED_MESSAGES && Math.min(...counts) > 0) {
      const text = `A shared subscription splits ${SHARED_MESSAGES} messages into ${counts.join(' and ')}`;
      report({ ...about, mark: 'ok', text, timeMs, data });
    } else if (total === SHARED_MESSAGES) {
      const text = `One of two members of a shared subscription gets all ${SHARED_MESSAGES} messages`;
      report({ ...about, mark: 'note', text, timeMs, data, advice: 'The load is not shared while it is that small.' });
    } else {
      const text = `Of ${SHARED_MESSAGES} messages two members of a shared subscription get ${counts.join(' and ')}`;
      report({ ...about, mark: 'failure', text, timeMs, data, advice: 'Each should come once, to one of them.' });
    }
  } finally {
    for (const member of members) member.leave();
  }
}

/** What each got, when all have been acknowledged: a ping comes back behind what was sent before it. */
async function countUntil(members: readonly Peer[], expected: number): Promise<number[]> {
  const counts = members.map(() => 0);
  for (let round = 0; round < 2 || (counts[0] + counts[1] < expected && round < 10); round++) {
    for (const [at, member] of members.entries()) {
      await member.ping();
      counts[at] += member.messages().length;
    }
  }
  return counts;
}

/** A client is cut off: its will is sent. */
export async function checkWill(visits: Visits, report: Report): Promise<void> {
  const about = { area: 'sessions', check: 'will' } as const;
  const topic = `${visits.target.prefix}/will`;
  const { peer } = await visits.join('h');
  try {
    await peer.subscribe([topic], 1);
    const will = { topic, payload: new TextEncoder().encode('gone'), qos: 1 as const, retain: false };
    const mortal = (await visits.join('d', { will })).peer;
    mortal.cut();
    const { timeMs } = await timed(() => peer.message(topic));
    report({ ...about, mark: 'ok', text: 'The will of a client whose connection breaks is sent', timeMs });
  } catch (error) {
    if (!(error instanceof PeerError)) throw error;
    const advice = 'Nobody learns that a client is gone. A proxy that keeps the connection open looks like this, too.';
    report({ ...about, mark: 'failure', text: `The will of a client is not sent: ${harmless(error.message)}`, advice });
  } finally {
    peer.leave();
  }
}

/** A second client of the same id takes over. */
export async function checkTakeOver(visits: Visits, report: Report): Promise<void> {
  const about = { area: 'sessions', check: 'take-over' } as const;
  const startedMs = performance.now();
  const first = (await visits.join('t')).peer;
  const second = (await visits.join('t')).peer;
  try {
    if (visits.version === 5) {
      const { reasonCode } = await first.next(PacketType.DISCONNECT);
      const timeMs = performance.now() - startedMs;
      const isRight = reasonCode === ReasonCode.SESSION_TAKEN_OVER;
      const text = isRight
        ? 'A client id that connects again takes over, and the first connection is told so (0x8e)'
        : `The first connection of a client id is ended with the wrong reason: ${reasonName(reasonCode).toLowerCase()}`;
      report({ ...about, mark: isRight ? 'ok' : 'note', text, timeMs });
    } else {
      await first.next(PacketType.DISCONNECT).catch((error: unknown) => {
        if (!(error instanceof PeerError) || error instanceof Silence) throw error;
      });
      const text = 'A client id that connects again takes over: the first connection is ended';
      report({ ...about, mark: 'ok', text, timeMs: performance.now() - startedMs });
    }
  } catch (error) {
    if (!(error instanceof PeerError)) throw error;
    const isSilent = error instanceof Silence;
    const text = isSilent
      ? 'Two clients with one id stay connected'
      : 'A client id that connects again takes over, but the first connection is not told why';
    report({ ...about, mark: isSilent ? 'failure' : 'note', text });
  } finally {
    first.leave();
    second.leave();
  }
}

/** What the broker says of itself. */
export async function checkSysTopics(visits: Visits, report: Report): Promise<void> {
  const about = { area: 'access', check: 'sys-topics' } as const;
  const { peer } = await visits.join('y');
  try {
    const [granted] = await peer.subscribe(['$SYS/#'], 0);
    if (granted >= REFUSED_FROM) {
      report({ ...about, mark: 'ok', text: 'This user may not read $SYS' });
      return;
    }
    const version = await peer.message('$SYS/broker/version', SYS_TIMEOUT_MS).catch((error: unknown) => {
      if (error instanceof PeerError) return null;
      throw error;
    });
    const others = peer.messages().length;
    const name = version === null ? null : harmless(Buffer.from(version.payload).toString(), 60);
    if (name !== null) {
      report({ ...about, mark: 'note', text: `This user may read $SYS: ${name}`, data: { version: name } });
    } else if (others > 0) report({ ...about, mark: 'note', text: 'This user may read $SYS' });
    else report({ ...about, mark: 'ok', text: '$SYS has nothing for this user' });
  } finally {
    peer.leave();
  }
}

/** The longest topic that goes through. */
export async function checkTopicLength(visits: Visits, maximumPacketSize: number, report: Report): Promise<void> {
  const about = { area: 'messages', check: 'topic-length' } as const;
  const start = `${visits.target.prefix}/`;
  const startedMs = performance.now();
  for (const bytes of TOPIC_BYTES) {
    // Room for the fixed header, the length, the packet id and a property length.
    if (bytes + 16 > maximumPacketSize) continue;
    if (!(await takesTopic(visits, start.padEnd(bytes, 'x')))) continue;
    const text = `Topics up to ${bytes.toLocaleString('en')} bytes`;
    const timeMs = performance.now() - startedMs;
    report({ ...about, mark: bytes >= 1_024 ? 'ok' : 'note', text, timeMs, data: { bytes } });
    return;
  }
  report({ ...about, mark: 'warning', text: `Topics of ${TOPIC_BYTES.at(-1)} bytes are not taken` });
}

async function takesTopic(visits: Visits, topic: string): Promise<boolean> {
  const { peer } = await visits.join('x');
  try {
    return (await peer.publish(topic, '', 1)) < REFUSED_FROM;
  } catch (error) {
    if (error instanceof PeerError) return false;
    throw error;
  } finally {
    peer.leave();
  }
}
