import type { InflightRecord, Message, QueuedMessage, StoredSession } from '@cauldron/broker';
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

/** A part of a store. */
export type StorePart =
  | { readonly kind: 'session'; readonly session: StoredSession }
  | { readonly kind: 'inflight'; readonly clientId: string; readonly inflight: InflightRecord }
  | { readonly kind: 'queued'; readonly queued: QueuedMessage }
  | { readonly kind: 'retained'; readonly message: Message };

/** What a store has, part by part: each session with what belongs to it, and then retained messages. */
export function* partsOf(store: ReadableStore, { clientId, topicFilter }: DumpFilter): Generator<StorePart> {
  const isWanted = ({ topic }: Message): boolean => topicFilter === null || topicMatches(topicFilter, topic);
  for (const session of store.sessions()) {
    const { record } = session;
    if (clientId !== null && record.clientId !== clientId) continue;
    if (topicFilter === null) yield { kind: 'session', session };
    for (const inflight of session.inflight) {
      const { delivery } = inflight;
      if (delivery === null ? topicFilter !== null : !isWanted(delivery.message)) continue;
      yield { kind: 'inflight', clientId: record.clientId, inflight };
    }
    for (let after = 0, page = store.queue(record.clientId, after, PAGE_MESSAGES); page.length > 0; ) {
      for (const queued of page) {
        after = queued.position;
        if (isWanted(queued.message)) yield { kind: 'queued', queued };
      }
      page = store.queue(record.clientId, after, PAGE_MESSAGES);
    }
  }
  if (clientId !== null) return;
  for (const message of store.retained()) if (isWanted(message)) yield { kind: 'retained', message };
}

/** For programs: one line of JSON. */
export function partJson(part: StorePart): Json {
  switch (part.kind) {
    case 'session':
      return sessionJson(part.session);
    case 'inflight':
      return inflightJson(part.clientId, part.inflight);
    case 'queued':
      return { kind: 'queued', ...queuedJson(part.queued) };
    case 'retained':
      return { kind: 'retained', message: messageJson(part.message) };
  }
}

function sessionJson({ record, subscriptions, inbound, queuedMessages, queuedBytes }: StoredSession): Json {
  return {
    kind: 'session',
    ...recordJson(record),
    subscriptions: subscriptions.map(subscriptionJson),
    inbound,
    queuedMessages,
    queuedBytes,
  };
}

function inflightJson(clientId: string, { packetId, state, delivery }: InflightRecord): Json {
  const head = { kind: 'inflight', clientId, packetId, awaits: AWAITED[state] };
  return delivery === null ? head : { ...head, ...queuedJson(delivery) };
}

function queuedJson({ position, message, ...target }: QueuedMessage): Json {
  return { ...targetJson(target), position, message: messageJson(message) };
}

/** By the state of a packet id. */
export const AWAITED: Readonly<Record<InflightRecord['state'], string>> = { 1: 'PUBACK', 2: 'PUBREC', 3: 'PUBCOMP' };
