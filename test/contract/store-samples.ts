import type { Properties, QoS } from '@cauldron/codec';
import { Message } from '../../packages/broker/src/core/message.js';
import type { Principal } from '../../packages/broker/src/core/ports/access.js';
import type {
  Entry,
  Position,
  QueuedFor,
  SessionRecord,
  SubscriptionRecord,
} from '../../packages/broker/src/core/ports/store.js';
import { shardOf } from '../../packages/broker/src/core/shard.js';

interface MessageParts {
  topic?: string;
  payload?: Uint8Array | string;
  qos?: QoS;
  retain?: boolean;
  properties?: Properties | null;
  publisher?: string;
  expiresAtMs?: number;
  publishedAtMs?: number;
  source?: Principal | null;
}

export function sampleMessage(parts: MessageParts = {}): Message {
  const { payload = 'payload', expiresAtMs = Number.POSITIVE_INFINITY } = parts;
  const message = new Message(
    parts.topic ?? 'a/b',
    typeof payload === 'string' ? new TextEncoder().encode(payload) : payload,
    parts.qos ?? 1,
    parts.retain ?? false,
    parts.properties ?? null,
    parts.publisher ?? 'publisher',
    expiresAtMs,
  ).keep();
  message.publishedAtMs = parts.publishedAtMs ?? 0;
  message.source = parts.source ?? null;
  return message;
}

export function sampleRecord(clientId: string, parts: Partial<SessionRecord> = {}): SessionRecord {
  return {
    clientId,
    username: 'user',
    address: '127.0.0.1',
    protocolVersion: 5,
    expiryIntervalS: 3600,
    disconnectedAtMs: null,
    will: null,
    ...parts,
  };
}

export function sampleSubscription(filter: string, parts: Partial<SubscriptionRecord> = {}): SubscriptionRecord {
  return { filter, qos: 1, noLocal: false, retainAsPublished: false, retainHandling: 0, identifier: 0, ...parts };
}

export function sampleTarget(clientId: string, parts: Partial<QueuedFor> = {}): QueuedFor {
  return { clientId, qos: 1, retain: false, identifiers: null, sharedFilter: null, ...parts };
}

/** A message that waits for one session or several, all of one shard. */
export function queuedEntry(position: Position, message: Message, ...targets: readonly QueuedFor[]): Entry {
  return { kind: 'queued', shard: shardOf(targets[0].clientId), position, message, sessions: targets };
}

/** Client ids whose sessions live in the same shard. */
export function clientsOfShard(shard: number, count: number): string[] {
  const clientIds: string[] = [];
  for (let n = 0; clientIds.length < count; n++) if (shardOf(`client-${n}`) === shard) clientIds.push(`client-${n}`);
  return clientIds;
}
