import type { Properties, QoS } from '@cauldron/codec';
import fc from 'fast-check';
import type { Entry, Position, QueuedFor, Store } from '../../packages/broker/src/core/ports/store.js';
import { shardOf } from '../../packages/broker/src/core/shard.js';
import { StoreModel } from './store-model.js';
import {
  clientsOfShard,
  queuedEntry,
  sampleMessage,
  sampleRecord,
  sampleSubscription,
  sampleTarget,
} from './store-samples.js';

/** Few, so that a run meets the same ones again and again: three of one shard, one of another. */
const CLIENT_IDS = [...clientsOfShard(4, 3), ...clientsOfShard(9, 1)];
const FILTERS = ['a/b', '#', '$share/group/a/+'];
const TOPICS = ['a/b', 'a/ü', '/'];

/** Mostly what moves messages: the rest needs few to be met in every combination. */
const KIND_WEIGHTS: Readonly<Record<Entry['kind'], number>> = {
  session: 4,
  sessionRemoved: 1,
  subscribed: 2,
  unsubscribed: 1,
  queued: 10,
  sent: 8,
  received: 3,
  completed: 5,
  dropped: 2,
  inboundHeld: 2,
  inboundReleased: 2,
  retained: 2,
  retainedCleared: 1,
};

/** One step of a run, as numbers that pick from what there is when the step is taken. */
interface Step {
  readonly kind: Entry['kind'];
  readonly clientId: string;
  readonly others: readonly string[];
  /** Picks a message or a packet id. */
  readonly pick: number;
  readonly qos: QoS;
  readonly flag: boolean;
  readonly payload: Uint8Array;
  readonly properties: Properties | null;
  readonly timeMs: number;
  /** A queued entry follows only after the next step; another entry names something that may not exist. */
  readonly isOdd: boolean;
  /** A queued entry is for further sessions, at a position that came before. */
  readonly isAgain: boolean;
  /** The event loop turns before the next step. */
  readonly endsTurn: boolean;
}

const arbitraryProperties: fc.Arbitrary<Properties | null> = fc
  .record(
    {
      payloadFormatIndicator: fc.constantFrom(0, 1),
      contentType: fc.string(),
      responseTopic: fc.string({ unit: fc.constantFrom('a', 'ü', '/'), minLength: 1 }),
      correlationData: fc.uint8Array({ maxLength: 12 }),
      // One that is there has at least one pair: nobody can send less.
      userProperties: fc.array(fc.tuple(fc.string({ unit: 'grapheme' }), fc.string()), { minLength: 1 }),
    },
    { requiredKeys: [] },
  )
  .map((properties) => (Object.keys(properties).length === 0 ? null : properties));

const arbitraryStep: fc.Arbitrary<Step> = fc.record({
  kind: fc.oneof(
    ...(Object.keys(KIND_WEIGHTS) as Entry['kind'][]).map((kind) => ({
      weight: KIND_WEIGHTS[kind],
      arbitrary: fc.constant(kind),
    })),
  ),
  clientId: fc.constantFrom(...CLIENT_IDS),
  others: fc.subarray(CLIENT_IDS),
  pick: fc.nat(11),
  qos: fc.constantFrom<QoS>(0, 1, 2),
  flag: fc.boolean(),
  payload: fc.uint8Array({ maxLength: 40 }),
  properties: arbitraryProperties,
  timeMs: fc.constantFrom(0, 1_700_000_000_000, Number.POSITIVE_INFINITY),
  isOdd: fc.nat(7).map((n) => n === 0),
  isAgain: fc.nat(4).map((n) => n === 0),
  endsTurn: fc.nat(7).map((n) => n === 0),
});

/** The plan of a run of entries; `performRun` makes it one. */
export const arbitraryRun: fc.Arbitrary<readonly Step[]> = fc
  .array(arbitraryStep, { minLength: 1, maxLength: 120, size: 'max' })
  // Without a session, nothing but retained messages comes of a run.
  .map((steps) => [
    ...CLIENT_IDS.slice(1).map((clientId) => ({ ...steps[0], kind: 'session' as const, clientId })),
    ...steps,
  ]);

/** Appends a run to a store; returns what was appended and what it should amount to. */
export async function performRun(
  store: Pick<Store, 'append' | 'nextPosition'>,
  steps: readonly Step[],
): Promise<{ entries: Entry[]; model: StoreModel }> {
  const entries: Entry[] = [];
  const model = new StoreModel();
  const append = (entry: Entry): void => {
    entries.push(entry);
    model.apply(entry);
    store.append(entry);
  };
  let held: Entry | null = null;
  for (const step of steps) {
    const entry = againOf(step, entries) ?? entryOf(step, model, (shard) => store.nextPosition(shard));
    const isHeld: boolean = step.isOdd && entry.kind === 'queued' && held === null;
    if (isHeld) held = entry;
    else {
      append(entry);
      if (held !== null) append(held);
      held = null;
    }
    if (step.endsTurn) await new Promise((resolve) => setImmediate(resolve));
  }
  return { entries, model };
}

/** A message that was queued before, for the sessions of this step. */
function againOf({ kind, clientId, isAgain, pick }: Step, entries: readonly Entry[]): Entry | undefined {
  if (kind !== 'queued' || !isAgain) return undefined;
  const shard = shardOf(clientId);
  const queued = entries.filter((entry) => entry.kind === 'queued').filter((entry) => entry.shard === shard);
  const earlier = queued.at(-1 - (pick % Math.min(4, queued.length)));
  return earlier && { ...earlier, sessions: earlier.sessions.map((target) => ({ ...target, clientId })).slice(0, 1) };
}

function entryOf(step: Step, model: StoreModel, nextPosition: (shard: number) => Position): Entry {
  const { kind, clientId, pick, qos, flag } = step;
  switch (kind) {
    case 'session': {
      const will = flag ? { message: messageOf(step), delayS: pick } : null;
      const disconnectedAtMs = flag ? 1_700_000_000_000 + pick : null;
      return { kind, record: sampleRecord(clientId, { will, disconnectedAtMs, expiryIntervalS: pick }) };
    }
    case 'sessionRemoved':
      return { kind, clientId };
    case 'subscribed': {
      const subscription = sampleSubscription(filterOf(step), { qos, noLocal: flag, identifier: pick });
      return { kind, clientId, subscription };
    }
    case 'unsubscribed':
      return { kind, clientId, filter: filterOf(step) };
    case 'queued': {
      const shard = shardOf(clientId);
      const clientIds = new Set([clientId, ...step.others.filter((other) => shardOf(other) === shard)]);
      return queuedEntry(nextPosition(shard), messageOf(step), ...[...clientIds].map((id) => targetOf(step, id)));
    }
    case 'sent':
      // Of twelve ids, so that some are given again while they are in flight.
      return { kind, clientId, position: waitingPosition(step, model), packetId: 1 + ((pick * 7 + qos) % 12) };
    case 'dropped':
      return { kind, clientId, position: waitingPosition(step, model) };
    case 'received':
    case 'completed':
      return { kind, clientId, packetId: inflightId(step, model) };
    case 'inboundHeld':
    case 'inboundReleased':
      return { kind, clientId, packetId: 1 + (pick % 4) };
    case 'retained':
      return { kind, message: messageOf(step) };
    case 'retainedCleared':
      return { kind, topic: TOPICS[pick % TOPICS.length] };
  }
}

function messageOf({ pick, payload, qos, flag, properties, timeMs }: Step) {
  return sampleMessage({
    topic: TOPICS[pick % TOPICS.length],
    payload,
    qos,
    retain: flag,
    properties,
    expiresAtMs: timeMs,
    publishedAtMs: flag ? 1_700_000_000_001 + pick : 0,
    source: pick % 3 === 0 ? { clientId: 'publisher', username: flag ? 'user' : undefined, address: '::1' } : null,
  });
}

function targetOf({ qos, flag, pick }: Step, clientId: string): QueuedFor {
  return sampleTarget(clientId, {
    qos: qos === 0 ? 1 : qos,
    retain: flag,
    identifiers: pick % 3 === 0 ? [pick + 1, 268_435_455] : null,
    sharedFilter: pick % 4 === 0 ? '$share/group/a/+' : null,
  });
}

function filterOf({ pick }: Step): string {
  return FILTERS[pick % FILTERS.length];
}

function waitingPosition({ clientId, pick, isOdd }: Step, model: StoreModel): Position {
  const queue = model.session(clientId)?.queue ?? [];
  return isOdd || queue.length === 0 ? 1 + pick : queue[pick % Math.min(3, queue.length)].position;
}

function inflightId({ clientId, pick, isOdd }: Step, model: StoreModel): number {
  const inflight = model.session(clientId)?.inflight ?? [];
  return isOdd || inflight.length === 0 ? 1 + pick : inflight[pick % inflight.length].packetId;
}
