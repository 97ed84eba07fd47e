import type { SessionRecord, SubscriptionRecord } from '../../core/ports/store.js';
import { shardOf } from '../../core/shard.js';
import type { Batch, Environment } from './environment.js';
import { InboundIds } from './inbound-ids.js';
import { type Inflight, InflightWindow } from './inflight-window.js';
import { endOf, nameKey, sessionPrefix, subscriptionKey } from './keys.js';
import { Overlay } from './overlay.js';
import { QueuePages } from './queue-pages.js';
import type { RecordWriter } from './record-writer.js';
import { readSession, readSubscription, writeSession, writeSubscription } from './records.js';

const NOTHING_IN_FLIGHT: ReadonlyMap<number, Inflight> = new Map();

/** One lasting session: what is in memory of it, and how that gets to the disk. */
export class SessionState {
  readonly clientId: string;
  readonly shard: number;
  /** What the keys of its tables go on with. */
  readonly number: number;
  /** It is in the list of those that may have changed. */
  isListed = false;
  /** Nothing more is written of it but what removes it. */
  isOver = false;
  readonly #environment: Environment;
  /** Null: as the disk has it. */
  #record: SessionRecord | null = null;
  #recordChanged = false;
  #recordCommitting = false;
  #subscriptions: Overlay<SubscriptionRecord> | null = null;
  #queue: QueuePages | null = null;
  #inflight: InflightWindow | null = null;
  #inbound: InboundIds | null = null;
  /** Whether the disk may have something in a table, so that it must be asked. */
  readonly #isNew: boolean;

  readonly #onDamage: (what: string) => void;

  constructor(
    environment: Environment,
    clientId: string,
    number: number,
    isNew: boolean,
    onDamage: (what: string) => void,
  ) {
    this.#environment = environment;
    this.#onDamage = onDamage;
    this.clientId = clientId;
    this.shard = shardOf(clientId);
    this.number = number;
    this.#isNew = isNew;
  }

  get prefix(): Buffer {
    return sessionPrefix(this.shard, this.number);
  }

  // Made when something changes: most sessions have nothing of the kind most of the time.

  get queue(): QueuePages {
    this.#queue ??= new QueuePages(this.#environment, this.prefix, this.clientId, this.#isNew, this.#onDamage);
    return this.#queue;
  }

  get inflight(): InflightWindow {
    this.#inflight ??= new InflightWindow();
    return this.#inflight;
  }

  get inbound(): InboundIds {
    this.#inbound ??= new InboundIds();
    return this.#inbound;
  }

  get queuedMessages(): number {
    return this.#queue === null ? 0 : this.#queue.length;
  }

  get queuedBytes(): number {
    return this.#queue === null ? 0 : this.#queue.bytes;
  }

  get inflightById(): ReadonlyMap<number, Inflight> {
    return this.#inflight === null ? NOTHING_IN_FLIGHT : this.#inflight.byId;
  }

  get inboundIds(): number[] {
    return this.#inbound === null ? [] : [...this.#inbound.ids];
  }

  setRecord(record: SessionRecord): void {
    this.#record = record;
    this.#recordChanged = true;
  }

  /** @throws Error when the disk has lost it. */
  record(): SessionRecord {
    if (this.#record !== null) return this.#record;
    const value = this.#environment.get('sessions', nameKey(this.shard, this.clientId));
    if (value === undefined) throw new Error(`The session of ${this.clientId} is not in the store`);
    return readSession(value).record;
  }

  /** Null: unsubscribed. */
  setSubscription(filter: string, subscription: SubscriptionRecord | null): void {
    this.#subscriptions ??= new Overlay();
    this.#subscriptions.set(filter, subscription);
  }

  subscriptions(): SubscriptionRecord[] {
    const found: SubscriptionRecord[] = [];
    for (const { value } of this.#environment.range('subscriptions', this.prefix, endOf(this.prefix))) {
      const subscription = readSubscription(value);
      if (this.#subscriptions?.get(subscription.filter) === undefined) found.push(subscription);
    }
    if (this.#subscriptions !== null) found.push(...this.#subscriptions.values());
    return found;
  }

  /** By how many subscriptions memory has more than the tables. */
  get addedSubscriptions(): number {
    const isOnDisk = (filter: string): boolean =>
      this.#environment.has('subscriptions', subscriptionKey(this.prefix, filter));
    return this.#subscriptions === null ? 0 : this.#subscriptions.added(isOnDisk);
  }

  write(batch: Batch, writer: RecordWriter): void {
    if (this.#recordChanged && this.#record !== null) {
      writeSession(writer, this.number, this.#record);
      batch.put('sessions', nameKey(this.shard, this.clientId), writer.take());
      this.#recordChanged = false;
      this.#recordCommitting = true;
    }
    if (this.#subscriptions !== null) {
      for (const [filter, subscription] of this.#subscriptions.begin()) {
        const key = subscriptionKey(this.prefix, filter);
        if (subscription === null) batch.remove('subscriptions', key);
        else {
          writeSubscription(writer, subscription);
          batch.put('subscriptions', key, writer.take());
        }
      }
    }
    this.#queue?.write(batch, writer);
    this.#inflight?.write(batch, writer, this.prefix);
    this.#inbound?.write(batch, writer, this.prefix);
  }

  settle(isCommitted: boolean): void {
    if (!isCommitted && this.#recordCommitting) this.#recordChanged = true;
    this.#recordCommitting = false;
    if (!this.#recordChanged) this.#record = null;
    this.#subscriptions?.settle(isCommitted);
    this.#queue?.settle(isCommitted);
    this.#inflight?.settle(isCommitted);
    this.#inbound?.settle(isCommitted);
    // An idle session costs no more than itself.
    if (this.#subscriptions?.isChanged === false) this.#subscriptions = null;
    if (this.#inflight !== null && this.#inflight.byId.size === 0 && !this.#inflight.isChanged) this.#inflight = null;
    if (this.#inbound !== null && this.#inbound.ids.size === 0 && !this.#inbound.isChanged) this.#inbound = null;
  }

  /** Removes all that the disk has of it, apart from its queue. */
  erase(batch: Batch): void {
    for (const table of ['subscriptions', 'inflight', 'inbound'] as const) {
      for (const key of this.#environment.keys(table, this.prefix, endOf(this.prefix))) batch.remove(table, key);
    }
  }
}
