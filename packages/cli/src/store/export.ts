import { type Store, type StoredSession, shardOf } from '@cauldron/broker';
import { inflightJson, type Json, messageJson, recordJson, subscriptionJson, targetJson } from './json-form.js';
import { sharedMessages } from './shared-messages.js';

/** What an export reads: everything that a store tells. */
export type ReadableStore = Pick<Store, 'sessions' | 'retained' | 'queue'>;

/** How the first line of an export begins, and the version of its form. A newer one is not read by older programs. */
export const EXPORT_FORMAT = 'cauldron store';
export const EXPORT_VERSION = 2;

/** What an export has, for its last line: a file without it has been cut off. */
export interface ExportCounts {
  readonly sessions: number;
  /** Each is written once for all sessions of a shard that have it. */
  readonly messages: number;
  readonly retained: number;
}

/**
 * A store as a list of objects, each for one line of JSON: the head, sessions and the messages that they share, what is in
 * flight, retained messages, and the counts. Each names only what stands above it. Holds the sessions of one shard at most
 * if the store gives them shard by shard.
 */
export function* exportObjects(store: ReadableStore, head: Json = {}): Generator<Json> {
  yield { format: EXPORT_FORMAT, version: EXPORT_VERSION, ...head };
  const counts = { sessions: 0, messages: 0, retained: 0 };
  for (const sessions of byShard(store.sessions())) {
    for (const session of sessions) {
      counts.sessions++;
      yield sessionJson(session);
    }
    for (const { position, message, sessions: targets } of sharedMessages(store, sessions)) {
      counts.messages++;
      yield { kind: 'queued', position, message: messageJson(message), sessions: targets.map(targetJson) };
    }
  }
  // Behind all messages: what is sent takes new places in the order, and must not take one of theirs.
  for (const { record, inflight } of store.sessions()) {
    if (inflight.length === 0) continue;
    yield { kind: 'inflight', clientId: record.clientId, messages: inflight.map(inflightJson) };
  }
  for (const message of store.retained()) {
    counts.retained++;
    yield { kind: 'retained', ...messageJson(message) };
  }
  yield { kind: 'end', ...(counts satisfies ExportCounts) };
}

function sessionJson({ record, subscriptions, inbound }: StoredSession): Json {
  return {
    kind: 'session',
    ...recordJson(record),
    ...(subscriptions.length > 0 && { subscriptions: subscriptions.map(subscriptionJson) }),
    ...(inbound.length > 0 && { inbound }),
  };
}

/** Sessions that follow each other and live in the same shard. */
function* byShard(sessions: Iterable<StoredSession>): Generator<StoredSession[]> {
  let group: StoredSession[] = [];
  for (const session of sessions) {
    const [first] = group;
    if (first !== undefined && shardOf(first.record.clientId) !== shardOf(session.record.clientId)) {
      yield group;
      group = [];
    }
    group.push(session);
  }
  if (group.length > 0) yield group;
}
