import { expect } from 'vitest';
import type { Entry, QueuedFor, Store, StoredSession, Ticket } from '../../packages/broker/src/core/ports/store.js';
import { readQueue } from './store-model.js';
import { clientsOfShard, queuedEntry, sampleMessage, sampleRecord, sampleTarget } from './store-samples.js';

/** A store under test, empty at first. */
export interface OpenedStore {
  readonly store: Store;
  /** Closes the store and opens it again with what it left behind. Where nothing is left behind: the same object. */
  reopen(): Promise<Store>;
  /** How many messages the store that is open holds for sessions, each once per shard, after all that was appended. */
  storedMessages(): number;
}

export const SHARD = 5;
export const [ALICE, BOB, CAROL] = clientsOfShard(SHARD, 3);

/** The store of the test that runs, with words for what most tests do. */
export class StoreSubject {
  #opened: OpenedStore | null = null;
  #store: Store | null = null;

  use(opened: OpenedStore): void {
    this.#opened = opened;
    this.#store = opened.store;
  }

  get store(): Store {
    if (this.#store === null) throw new Error('no test runs');
    return this.#store;
  }

  async reopen(): Promise<void> {
    if (this.#opened === null) throw new Error('no test runs');
    this.#store = await this.#opened.reopen();
  }

  /** What a read finds must be the same before a commit, and after the store was opened again. */
  async expectNowAndReopened(check: () => void): Promise<void> {
    check();
    await this.reopen();
    check();
  }

  /**
   * Runs `append`, and resolves when all that was appended is durable, or fails with what `onCommit` threw. Takes the
   * store's `onCommit` for it; `onCommit` hears of each commit.
   */
  settled(append = (): void => {}, onCommit: (committed: Ticket) => void = () => {}): Promise<void> {
    const { store } = this;
    return new Promise((resolve, reject) => {
      store.onCommit = (committed) => {
        try {
          onCommit(committed);
        } catch (error) {
          reject(error);
        }
        if (store.committed === store.appended) resolve();
      };
      append();
      if (store.committed === store.appended) resolve();
    });
  }

  append(...entries: readonly Entry[]): void {
    for (const entry of entries) this.store.append(entry);
  }

  begin(...clientIds: readonly string[]): void {
    for (const clientId of clientIds) this.append({ kind: 'session', record: sampleRecord(clientId) });
  }

  /** Queues a message with this payload for each target, in the next position, which it returns. */
  queue(payload: string, ...targets: readonly (string | QueuedFor)[]): number {
    const position = this.store.nextPosition(SHARD);
    const queuedFor = targets.map((target) => (typeof target === 'string' ? sampleTarget(target) : target));
    this.append(queuedEntry(position, sampleMessage({ payload }), ...queuedFor));
    return position;
  }

  storedMessages(): number {
    if (this.#opened === null) throw new Error('no test runs');
    return this.#opened.storedMessages();
  }

  session(clientId: string): StoredSession {
    const found = [...this.store.sessions()].filter(({ record }) => record.clientId === clientId);
    expect(found).toHaveLength(1);
    return found[0];
  }

  /** The payloads that wait for a session. */
  payloads(clientId: string): string[] {
    return readQueue(this.store, clientId).map(({ message }) => new TextDecoder().decode(message.payload));
  }

  /** For each message in flight: packet id, state, and the payload if there still is one. */
  inflight(clientId: string): (number | string)[][] {
    return this.session(clientId).inflight.map(({ packetId, state, delivery }) =>
      delivery === null ? [packetId, state] : [packetId, state, new TextDecoder().decode(delivery.message.payload)],
    );
  }
}
