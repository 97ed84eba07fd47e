import type { Message } from '../../packages/broker/src/core/message.js';
import type {
  Entry,
  InflightState,
  Position,
  QueuedMessage,
  SessionRecord,
  Store,
  SubscriptionRecord,
  WillRecord,
} from '../../packages/broker/src/core/ports/store.js';
import { shardOf } from '../../packages/broker/src/core/shard.js';

/** Small, so that every queue of more than a few messages is read in several pages. */
const PAGE_MESSAGES = 7;

/** A message as plain values: bytes are hex, because one store may return a Buffer where another has a Uint8Array. */
export function plainMessage(message: Message): Readonly<Record<string, unknown>> {
  const { topic, payload, qos, retain, properties, publisher, expiresAtMs, publishedAtMs, source } = message;
  const plainProperties: Record<string, unknown> | null = properties === null ? null : { ...properties };
  if (plainProperties !== null && properties?.correlationData !== undefined) {
    plainProperties.correlationData = hex(properties.correlationData);
  }
  return {
    topic,
    payload: hex(payload),
    qos,
    retain,
    properties: plainProperties,
    publisher,
    expiresAtMs,
    publishedAtMs,
    source: source === null ? null : { ...source },
  };
}

export function plainQueued({ message, ...rest }: QueuedMessage): Readonly<Record<string, unknown>> {
  return { ...rest, message: plainMessage(message) };
}

export function plainRecord({ will, ...rest }: SessionRecord): Readonly<Record<string, unknown>> {
  return { ...rest, will: will === null ? null : plainWill(will) };
}

/** All of a queue, page by page. */
export function readQueue(store: Store, clientId: string): QueuedMessage[] {
  const all: QueuedMessage[] = [];
  let after: Position = 0;
  for (;;) {
    const page = store.queue(clientId, after, PAGE_MESSAGES);
    all.push(...page);
    const last = page.at(-1);
    if (last === undefined) return all;
    after = last.position;
  }
}

/** Everything that a store tells, in a form that is equal for equal states: lists without an order are sorted. */
export function snapshot(store: Store): unknown {
  const sessions = [...store.sessions()].map(({ record, subscriptions, inflight, inbound, ...sums }) => ({
    record: plainRecord(record),
    subscriptions: sortedByKey(subscriptions, ({ filter }) => filter),
    inflight: inflight.map(({ delivery, ...rest }) => ({ ...rest, delivery: delivery && plainQueued(delivery) })),
    inbound: [...inbound].sort((a, b) => a - b),
    queue: readQueue(store, record.clientId).map(plainQueued),
    ...sums,
  }));
  return {
    sessions: sortedByKey(sessions, ({ record }) => String(record.clientId)),
    retained: sortedByKey([...store.retained()], ({ topic }) => topic).map(plainMessage),
  };
}

interface ModelInflight {
  packetId: number;
  state: InflightState;
  delivery: QueuedMessage | null;
}

interface ModelSession {
  record: SessionRecord;
  subscriptions: SubscriptionRecord[];
  queue: QueuedMessage[];
  inflight: ModelInflight[];
  inbound: number[];
}

/** What entries mean, in lists that are searched from end to end: what a store is compared with. */
export class StoreModel {
  readonly #sessions: ModelSession[] = [];
  #retained: Message[] = [];

  apply(entry: Entry): void {
    switch (entry.kind) {
      case 'session': {
        const session = this.session(entry.record.clientId);
        if (session !== undefined) session.record = entry.record;
        else this.#sessions.push({ record: entry.record, subscriptions: [], queue: [], inflight: [], inbound: [] });
        break;
      }
      case 'queued':
        for (const target of entry.sessions) this.#queue(target.clientId, { ...target, ...positionAndMessage(entry) });
        break;
      case 'retained':
        this.#retained = [...this.#retained.filter(({ topic }) => topic !== entry.message.topic), entry.message];
        break;
      case 'retainedCleared':
        this.#retained = this.#retained.filter(({ topic }) => topic !== entry.topic);
        break;
      default: {
        const session = this.session(entry.clientId);
        if (session !== undefined) this.#applyTo(session, entry);
      }
    }
  }

  session(clientId: string): ModelSession | undefined {
    return this.#sessions.find(({ record }) => record.clientId === clientId);
  }

  /** How many messages a store has to hold for sessions: one for each position in use. */
  get storedMessages(): number {
    const places = new Set<string>();
    for (const { record, queue, inflight } of this.#sessions) {
      const held = [...queue, ...inflight.flatMap(({ delivery }) => delivery ?? [])];
      for (const { position } of held) places.add(`${shardOf(record.clientId)}/${position}`);
    }
    return places.size;
  }

  /** In the form of `snapshot`. */
  get snapshot(): unknown {
    const sessions = this.#sessions.map(({ record, subscriptions, inflight, inbound, queue }) => ({
      record: plainRecord(record),
      subscriptions: sortedByKey(subscriptions, ({ filter }) => filter),
      inflight: inflight.map(({ delivery, ...rest }) => ({ ...rest, delivery: delivery && plainQueued(delivery) })),
      inbound: [...inbound].sort((a, b) => a - b),
      queue: queue.map(plainQueued),
      queuedMessages: queue.length,
      queuedBytes: queue.reduce((sum, { message }) => sum + message.bytes, 0),
    }));
    return {
      sessions: sortedByKey(sessions, ({ record }) => String(record.clientId)),
      retained: sortedByKey(this.#retained, ({ topic }) => topic).map(plainMessage),
    };
  }

  #queue(clientId: string, queued: QueuedMessage): void {
    const session = this.session(clientId);
    if (session === undefined || session.queue.some(({ position }) => position === queued.position)) return;
    session.queue = [...session.queue, queued].sort((a, b) => a.position - b.position);
  }

  #applyTo(session: ModelSession, entry: Exclude<Entry, { kind: 'session' | 'queued' | `retained${string}` }>): void {
    switch (entry.kind) {
      case 'sessionRemoved':
        this.#sessions.splice(this.#sessions.indexOf(session), 1);
        break;
      case 'subscribed':
        session.subscriptions = session.subscriptions.filter(({ filter }) => filter !== entry.subscription.filter);
        session.subscriptions.push(entry.subscription);
        break;
      case 'unsubscribed':
        session.subscriptions = session.subscriptions.filter(({ filter }) => filter !== entry.filter);
        break;
      case 'sent': {
        const { packetId } = entry;
        const delivery = session.queue.find(({ position }) => position === entry.position);
        if (delivery === undefined) break;
        session.queue = session.queue.filter((queued) => queued !== delivery);
        session.inflight = session.inflight.filter((inflight) => inflight.packetId !== packetId);
        session.inflight.push({ packetId, state: delivery.qos === 2 ? 2 : 1, delivery });
        break;
      }
      case 'received': {
        const inflight = session.inflight.find(({ packetId }) => packetId === entry.packetId);
        if (inflight !== undefined) Object.assign(inflight, { state: 3, delivery: null });
        break;
      }
      case 'completed':
        session.inflight = session.inflight.filter(({ packetId }) => packetId !== entry.packetId);
        break;
      case 'dropped':
        session.queue = session.queue.filter(({ position }) => position !== entry.position);
        break;
      case 'inboundHeld':
        if (!session.inbound.includes(entry.packetId)) session.inbound.push(entry.packetId);
        break;
      case 'inboundReleased':
        session.inbound = session.inbound.filter((packetId) => packetId !== entry.packetId);
        break;
      default:
        entry satisfies never;
    }
  }
}

function positionAndMessage({ position, message }: Extract<Entry, { kind: 'queued' }>) {
  return { position, message };
}

function plainWill({ message, delayS }: WillRecord) {
  return { message: plainMessage(message), delayS };
}

function sortedByKey<T>(items: readonly T[], keyOf: (item: T) => string): T[] {
  return [...items].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
