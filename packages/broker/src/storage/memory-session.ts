import type {
  InflightRecord,
  InflightState,
  Position,
  QueuedFor,
  QueuedMessage,
  SessionRecord,
  StoredSession,
  SubscriptionRecord,
} from '../core/ports/store.js';
import type { StoredMessage } from './message-shard.js';
import { PositionList } from './position-list.js';

/** One session's part in a stored message. */
class Share {
  readonly position: Position;
  readonly stored: StoredMessage;
  readonly target: QueuedFor;

  constructor(stored: StoredMessage, target: QueuedFor) {
    this.position = stored.position;
    this.stored = stored;
    this.target = target;
  }

  toQueuedMessage(): QueuedMessage {
    const { clientId, qos, retain, identifiers, sharedFilter } = this.target;
    return { clientId, qos, retain, identifiers, sharedFilter, position: this.position, message: this.stored.message };
  }
}

interface InflightShare {
  readonly state: InflightState;
  readonly share: Share | null;
}

/**
 * The lists of one lasting session. Each method is the effect of one kind of entry; what the entry names and the
 * session does not have is ignored.
 */
export class MemorySession {
  record: SessionRecord;
  /** By filter. */
  readonly subscriptions = new Map<string, SubscriptionRecord>();
  readonly inbound = new Set<number>();
  readonly #queue = new PositionList<Share>();
  /** By packet id, in the order in which they were sent. */
  readonly #inflight = new Map<number, InflightShare>();
  #queuedBytes = 0;

  constructor(record: SessionRecord) {
    this.record = record;
  }

  enqueue(stored: StoredMessage, target: QueuedFor): void {
    if (!this.#queue.add(new Share(stored, target))) return;
    stored.references++;
    this.#queuedBytes += stored.message.bytes;
  }

  send(position: Position, packetId: number): void {
    const share = this.#takeQueued(position);
    if (share === undefined) return;
    this.complete(packetId);
    this.#inflight.set(packetId, { state: share.target.qos === 2 ? 2 : 1, share });
  }

  receive(packetId: number): void {
    const inflight = this.#inflight.get(packetId);
    if (inflight === undefined) return;
    inflight.share?.stored.release();
    // An id that is set again keeps its place in the order.
    this.#inflight.set(packetId, { state: 3, share: null });
  }

  complete(packetId: number): void {
    const inflight = this.#inflight.get(packetId);
    if (inflight === undefined) return;
    inflight.share?.stored.release();
    this.#inflight.delete(packetId);
  }

  drop(position: Position): void {
    this.#takeQueued(position)?.stored.release();
  }

  /** The session is over: it lets go of its messages. Nothing is called afterwards. */
  end(): void {
    for (const { stored } of this.#queue) stored.release();
    for (const { share } of this.#inflight.values()) share?.stored.release();
  }

  queued(after: Position, limit: number): QueuedMessage[] {
    return this.#queue.page(after, limit).map((share) => share.toQueuedMessage());
  }

  /** A copy: it does not change with the session. */
  toStoredSession(): StoredSession {
    const inflight: InflightRecord[] = [];
    for (const [packetId, { state, share }] of this.#inflight) {
      inflight.push({ packetId, state, delivery: share === null ? null : share.toQueuedMessage() });
    }
    return {
      record: this.record,
      subscriptions: [...this.subscriptions.values()],
      inflight,
      inbound: [...this.inbound],
      queuedMessages: this.#queue.length,
      queuedBytes: this.#queuedBytes,
    };
  }

  /** The queue's share in a message becomes the caller's, reference included. */
  #takeQueued(position: Position): Share | undefined {
    const share = this.#queue.remove(position);
    if (share !== undefined) this.#queuedBytes -= share.stored.message.bytes;
    return share;
  }
}
