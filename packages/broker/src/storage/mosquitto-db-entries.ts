import type { Properties } from '@cauldron/codec';
import { NEVER_EXPIRES } from '@cauldron/codec';
import { Message } from '../core/message.js';
import type { Entry, InflightState, Position, QueuedFor, SessionRecord, Store } from '../core/ports/store.js';
import { SHARDS } from '../core/ports/store.js';
import { shardOf } from '../core/shard.js';
import type { MosquittoClient, MosquittoClientMessage, MosquittoDb, MosquittoMessage } from './mosquitto-db.js';
import { MosquittoState } from './mosquitto-db.js';
import { receiversOf } from './mosquitto-db-receivers.js';

const { PUBLISH_QOS1, WAIT_FOR_PUBACK, PUBLISH_QOS2, WAIT_FOR_PUBREC, RESEND_PUBREL } = MosquittoState;
const { WAIT_FOR_PUBREL, RESEND_PUBCOMP, WAIT_FOR_PUBCOMP, SEND_PUBREC } = MosquittoState;

/** What a session still has to get. */
interface Delivery {
  readonly message: MosquittoMessage;
  readonly target: QueuedFor;
  /** 0: it waits and has none. */
  readonly packetId: number;
  /** What the packet id waits for. */
  readonly state: InflightState;
}

interface ImportedSession {
  readonly client: MosquittoClient;
  /** Those in flight first, in the order in which they were sent; then those that wait. */
  readonly deliveries: Delivery[];
  /** Ids of messages from this client that await PUBREL. */
  readonly inbound: number[];
}

/** A message of one shard and the sessions that have it at one position. */
interface Slot {
  readonly message: MosquittoMessage;
  readonly sessions: QueuedFor[];
}

/**
 * What a mosquitto.db says, as entries for a store that no broker uses yet: sessions with what belongs to them, and
 * retained messages. A session or a retained message that the store already has is replaced. Each entry is to be appended
 * before the next one is asked for, in this order; messages have been kept.
 *
 * What the file does not tell: wills and addresses; the protocol version, for which that is taken which most likely made
 * such a session; and for sessions that were connected when it was written, when their connections ended: they count as
 * ended when a broker first reads the store. Mosquitto 2.0 leaves out shared subscriptions, and sessions that began with
 * Clean Start. Sessions with an expiry interval of 0 ended with their connections and are not taken over.
 *
 * Mosquitto passes on a message of QoS 2 when its PUBREL has come, this broker when its PUBLISH came. So those that await
 * PUBREL are queued here for all sessions with a matching subscription, and become retained messages if they were to.
 * Access rules and the bounds of queues are not asked.
 */
export function* entriesFrom(db: MosquittoDb, positions: Pick<Store, 'nextPosition'>): Generator<Entry> {
  const sessions = sessionsOf(db);
  const unreleased = takeInbound(db, sessions);
  for (const { client, inbound } of sessions.values()) yield* beginSession(client, inbound);
  for (const { clientId, options: _, ...subscription } of db.subscriptions) {
    if (sessions.has(clientId)) yield { kind: 'subscribed', clientId, subscription };
  }
  const shards: ImportedSession[][] = Array.from({ length: SHARDS }, () => []);
  for (const session of sessions.values()) shards[shardOf(session.client.clientId)].push(session);
  for (const [shard, members] of shards.entries()) yield* queueIn(shard, members, positions);
  for (const id of db.retained) {
    const message = db.messages.get(id);
    if (message !== undefined) yield { kind: 'retained', message: toRetained(message) };
  }
  for (const message of unreleased) {
    if (!message.retain) continue;
    if (message.payload.length > 0) yield { kind: 'retained', message: toRetained(message) };
    else yield { kind: 'retainedCleared', topic: message.topic };
  }
}

/** By client id: sessions that last, with what goes to them. */
function sessionsOf(db: MosquittoDb): ReadonlyMap<string, ImportedSession> {
  const sessions = new Map<string, ImportedSession>();
  for (const client of db.clients) {
    if (client.expiryIntervalS > 0) sessions.set(client.clientId, { client, deliveries: [], inbound: [] });
  }
  for (const clientMessage of db.clientMessages) {
    const message = db.messages.get(clientMessage.messageId);
    const session = sessions.get(clientMessage.clientId);
    if (message === undefined || session === undefined || !clientMessage.isOutbound) continue;
    session.deliveries.push(toDelivery(clientMessage, message));
  }
  return sessions;
}

function toDelivery(clientMessage: MosquittoClientMessage, message: MosquittoMessage): Delivery {
  const { clientId, qos, retain, identifiers, packetId } = clientMessage;
  const target: QueuedFor = { clientId, qos, retain, identifiers, sharedFilter: null };
  const state = awaitedBy(clientMessage);
  return state === null ? { message, target, packetId: 0, state: 1 } : { message, target, packetId, state };
}

/** What the packet id of an outbound message waits for; null if the message was never sent. */
function awaitedBy({ qos, state, dup }: MosquittoClientMessage): InflightState | null {
  if (qos === 0) return null;
  switch (state) {
    // To be sent: with DUP for another time, after the client's return.
    case PUBLISH_QOS1:
    case PUBLISH_QOS2:
      return dup ? qos : null;
    case WAIT_FOR_PUBACK:
    case WAIT_FOR_PUBREC:
      return qos;
    case RESEND_PUBREL:
    case WAIT_FOR_PUBCOMP:
      return qos === 2 ? 3 : qos;
    default:
      return null;
  }
}

/**
 * Notes the ids that await PUBREL, and gives the messages that were not passed on yet to those who subscribed, behind all
 * that they wait for already. Returns these messages. One that waited for Mosquitto's window had no PUBREC: its client
 * sends it again, and it is new then.
 */
function takeInbound(db: MosquittoDb, sessions: ReadonlyMap<string, ImportedSession>): MosquittoMessage[] {
  const unreleased: MosquittoMessage[] = [];
  for (const { clientId, isOutbound, messageId, packetId, qos, state } of db.clientMessages) {
    const session = sessions.get(clientId);
    if (session === undefined || isOutbound || qos !== 2 || packetId === 0) continue;
    const isPassedOn = state === RESEND_PUBCOMP;
    if (state !== WAIT_FOR_PUBREL && state !== SEND_PUBREC && !isPassedOn) continue;
    session.inbound.push(packetId);
    const message = db.messages.get(messageId);
    if (message !== undefined && !isPassedOn) unreleased.push(message);
  }
  if (unreleased.length === 0) return unreleased;
  const subscriptions = db.subscriptions.filter(({ clientId }) => sessions.has(clientId));
  for (const [i, message] of unreleased.entries()) {
    for (const target of receiversOf(message, subscriptions, i)) {
      sessions.get(target.clientId)?.deliveries.push({ message, target, packetId: 0, state: 1 });
    }
  }
  return unreleased;
}

function* beginSession(client: MosquittoClient, inbound: readonly number[]): Generator<Entry> {
  const { clientId } = client;
  yield { kind: 'sessionRemoved', clientId };
  yield { kind: 'session', record: toRecord(client) };
  for (const packetId of inbound) yield { kind: 'inboundHeld', clientId, packetId };
}

function toRecord({ clientId, username, expiryIntervalS: intervalS, expiresAtS }: MosquittoClient): SessionRecord {
  // A session for ever has an end nevertheless where `persistent_client_expiration` sets one, and its beginning is not
  // known: then it counts from 1970.
  const expiryIntervalS = expiresAtS === 0 ? intervalS : Math.min(intervalS, expiresAtS);
  return {
    clientId,
    username,
    address: '',
    protocolVersion: intervalS === NEVER_EXPIRES ? 4 : 5,
    expiryIntervalS,
    disconnectedAtMs: expiresAtS === 0 ? null : (expiresAtS - expiryIntervalS) * 1000,
    will: null,
  };
}

/** What waits for the sessions of one shard, and then what of it is in flight. */
function* queueIn(
  shard: number,
  sessions: readonly ImportedSession[],
  positions: Pick<Store, 'nextPosition'>,
): Generator<Entry> {
  const slots = new Map<Position, Slot>();
  const newSlot = (message: MosquittoMessage): Position => {
    const position = positions.nextPosition(shard);
    slots.set(position, { message, sessions: [] });
    return position;
  };
  // Ids grow with time, so this is mostly the order of the queues, and most sessions can share positions.
  const messages = new Set(sessions.flatMap(({ deliveries }) => deliveries.map(({ message }) => message)));
  const inOrder = [...messages].sort((a, b) => (a.id < b.id ? -1 : 1));
  const shared = new Map(inOrder.map((message) => [message, newSlot(message)]));
  const sent: Entry[] = [];
  for (const { client, deliveries } of sessions) {
    const { clientId } = client;
    let last: Position = 0;
    for (const { message, target, packetId, state } of deliveries) {
      const common = shared.get(message) ?? 0;
      // A message that comes late, or twice, lies where this session's order has it.
      const position = common > last ? common : newSlot(message);
      last = position;
      slots.get(position)?.sessions.push(target);
      if (packetId === 0) continue;
      sent.push({ kind: 'sent', clientId, position, packetId });
      if (state === 3) sent.push({ kind: 'received', clientId, packetId });
    }
  }
  for (const [position, { message, sessions: targets }] of slots) {
    if (targets.length > 0) {
      yield { kind: 'queued', shard, position, message: toMessage(message), sessions: targets };
    }
  }
  yield* sent;
}

function toMessage(stored: MosquittoMessage): Message {
  const { topic, payload, qos, retain, publisher, expiresAtS } = stored;
  const expiresAtMs = expiresAtS === 0 ? Number.POSITIVE_INFINITY : expiresAtS * 1000;
  return new Message(topic, payload, qos, retain, passedOn(stored), publisher, expiresAtMs).keep();
}

function toRetained(stored: MosquittoMessage): Message {
  const message = toMessage(stored);
  const { publisher, username } = stored;
  if (publisher !== '') message.source = { clientId: publisher, username, address: '' };
  return message;
}

/** Mosquitto takes out what concerns one connection, and the expiry, which `expiresAtS` tells; nobody may rely on it. */
function passedOn({ properties }: MosquittoMessage): Properties | null {
  if (properties === null) return null;
  const { topicAlias, messageExpiryInterval, subscriptionIdentifiers, ...rest } = properties;
  for (const _ in rest) return rest;
  return null;
}
