import type { Message } from '../core/message.js';
import type { Entry, Position, QueuedMessage, Store, StoredSession, Ticket } from '../core/ports/store.js';
import { SHARDS } from '../core/ports/store.js';
import { MemorySession } from './memory-session.js';
import { MessageShard, StoredMessage } from './message-shard.js';

/**
 * A store that ends with the process: for brokers that run without persistence, and for tests. Nothing outlives it, so
 * there is nothing to wait for: an entry counts as committed when `append` returns.
 */
export class MemoryStore implements Store {
  /** Never called: whoever looks at `committed` first, as the port asks, finds that there is nothing to wait for. */
  onCommit: (committed: Ticket) => void = () => {};
  /** Memory is not bounded here. */
  readonly fault = null;
  onFault: (fault: string | null) => void = () => {};
  #appended: Ticket = 0;
  readonly #sessions = new Map<string, MemorySession>();
  /** By topic. */
  readonly #retained = new Map<string, Message>();
  readonly #shards = Array.from({ length: SHARDS }, () => new MessageShard());
  readonly #keepsRetained: boolean;

  /**
   * `keepsRetained` false: for a broker that nobody will start again with this store, and that has the retained messages
   * in memory already.
   */
  constructor({ keepsRetained = true }: { readonly keepsRetained?: boolean } = {}) {
    this.#keepsRetained = keepsRetained;
  }

  get appended(): Ticket {
    return this.#appended;
  }

  get committed(): Ticket {
    return this.#appended;
  }

  get storedMessages(): number {
    return this.#shards.reduce((sum, shard) => sum + shard.messages.length, 0);
  }

  nextPosition(shard: number): Position {
    return this.#shards[shard].nextPosition();
  }

  append(entry: Entry): Ticket {
    this.#apply(entry);
    this.#appended++;
    return this.#appended;
  }

  *sessions(): Generator<StoredSession> {
    for (const session of this.#sessions.values()) yield session.toStoredSession();
  }

  retained(): Iterable<Message> {
    return this.#retained.values();
  }

  queue(clientId: string, after: Position, limit: number): QueuedMessage[] {
    return this.#sessions.get(clientId)?.queued(after, limit) ?? [];
  }

  save(): Promise<null> {
    return Promise.resolve(null);
  }

  /** There is nothing to commit, and nothing is held but memory. */
  close(): Promise<void> {
    return Promise.resolve();
  }

  /** The only place where the state changes; all that it depends on is in the entry and in the state before. */
  #apply(entry: Entry): void {
    switch (entry.kind) {
      case 'session':
        this.#applySession(entry);
        break;
      case 'sessionRemoved':
        this.#sessions.get(entry.clientId)?.end();
        this.#sessions.delete(entry.clientId);
        break;
      case 'subscribed':
        this.#sessions.get(entry.clientId)?.subscriptions.set(entry.subscription.filter, entry.subscription);
        break;
      case 'unsubscribed':
        this.#sessions.get(entry.clientId)?.subscriptions.delete(entry.filter);
        break;
      case 'queued':
        this.#applyQueued(entry);
        break;
      case 'sent':
        this.#sessions.get(entry.clientId)?.send(entry.position, entry.packetId);
        break;
      case 'received':
        this.#sessions.get(entry.clientId)?.receive(entry.packetId);
        break;
      case 'completed':
        this.#sessions.get(entry.clientId)?.complete(entry.packetId);
        break;
      case 'dropped':
        this.#sessions.get(entry.clientId)?.drop(entry.position);
        break;
      case 'inboundHeld':
        this.#sessions.get(entry.clientId)?.inbound.add(entry.packetId);
        break;
      case 'inboundReleased':
        this.#sessions.get(entry.clientId)?.inbound.delete(entry.packetId);
        break;
      case 'retained':
        if (this.#keepsRetained) this.#retained.set(entry.message.topic, entry.message);
        break;
      case 'retainedCleared':
        this.#retained.delete(entry.topic);
        break;
      default:
        entry satisfies never;
    }
  }

  #applySession({ record }: Extract<Entry, { kind: 'session' }>): void {
    const session = this.#sessions.get(record.clientId);
    if (session === undefined) this.#sessions.set(record.clientId, new MemorySession(record));
    else session.record = record;
  }

  #applyQueued({ shard: number, position, message, sessions }: Extract<Entry, { kind: 'queued' }>): void {
    const shard = this.#shards[number];
    shard.passPosition(position);
    const known = shard.messages.get(position);
    const stored = known ?? new StoredMessage(shard, position, message);
    for (const target of sessions) this.#sessions.get(target.clientId)?.enqueue(stored, target);
    if (known === undefined && stored.references > 0) shard.messages.add(stored);
  }
}
