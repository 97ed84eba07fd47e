import type { InflightRecord, Message, QueuedFor, StoredSession } from '@cauldron/broker';
import { topicMatches } from '@cauldron/codec';
import type { ReadableStore } from './export.js';
import { type Json, messageJson, recordJson, subscriptionJson, targetJson } from './json-form.js';

/** How many messages of a queue are read at once. */
const PAGE_MESSAGES = 256;

export interface DumpFilter {
  /** Only this session, and no retained messages; null: all. */
  readonly clientId: string | null;
  /** Only messages whose topic matches, and no sessions; null: all. */
  readonly topicFilter: string | null;
}

/** What a store has, part by part: each session with what belongs to it, and then retained messages. */
export function* dumpObjects(store: ReadableStore, { clientId, topicFilter }: DumpFilter): Generator<Json> {
  const isWanted = ({ topic }: Message): boolean => topicFilter === null || topicMatches(topicFilter, topic);
  for (const session of store.sessions()) {
    const { record } = session;
    if (clientId !== null && record.clientId !== clientId) continue;
    if (topicFilter === null) yield sessionObject(session);
    for (const inflight of session.inflight) {
      const message = inflight.delivery?.message;
      if (message === undefined ? topicFilter === null : isWanted(message))
        yield inflightObject(record.clientId, inflight);
    }
    for (let after = 0, left = session.queuedMessages; left > 0; ) {
      const page = store.queue(record.clientId, after, PAGE_MESSAGES);
      if (page.length === 0) break;
      for (const { position, message, ...target } of page) {
        after = position;
        if (isWanted(message)) yield { kind: 'queued', ...targetJson(target), position, message: messageJson(message) };
      }
      left -= page.length;
    }
  }
  if (clientId !== null) return;
  for (const message of store.retained()) {
    if (isWanted(message)) yield { kind: 'retained', message: messageJson(message) };
  }
}

function sessionObject({ record, subscriptions, inbound, queuedMessages, queuedBytes }: StoredSession): Json {
  return {
    kind: 'session',
    ...recordJson(record),
    subscriptions: subscriptions.map(subscriptionJson),
    inbound,
    queuedMessages,
    queuedBytes,
  };
}

/** By the state of a packet id. */
const AWAITED: Readonly<Record<InflightRecord['state'], string>> = { 1: 'PUBACK', 2: 'PUBREC', 3: 'PUBCOMP' };

function inflightObject(clientId: string, { packetId, state, delivery }: InflightRecord): Json {
  const head = { kind: 'inflight', clientId, packetId, awaits: AWAITED[state] };
  if (delivery === null) return head;
  const { position, message, ...target } = delivery;
  return { ...head, ...targetJson(target satisfies QueuedFor), position, message: messageJson(message) };
}
