import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect } from 'vitest';
import { clientsOfShard, queuedEntry, sampleMessage, sampleRecord } from '../../../../test/contract/store-samples.js';
import type { Entry, Position, QueuedFor, Ticket } from '../core/ports/store.js';
import { Environment, TABLES, type Table } from './lmdb/environment.js';
import { bringUpToDate } from './lmdb/format.js';
import { examine, isProblem, type Problem } from './lmdb/integrity.js';
import { LmdbStore, type LmdbStoreSettings } from './lmdb-store.js';

export const SHARD = 5;
export const [ALICE, BOB, CAROL] = clientsOfShard(SHARD, 3);

export const SETTINGS: LmdbStoreSettings = {
  sync: 'always',
  syncIntervalMs: 1000,
  maxBytes: Number.POSITIVE_INFINITY,
  onWarning: (message) => expect.unreachable(message),
};

const folders: string[] = [];

/** A new folder, gone when the tests of the file are over. */
export function newFolder(): string {
  if (folders.length === 0) {
    afterAll(() => {
      for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
    });
  }
  const folder = mkdtempSync(join(tmpdir(), 'cauldron-store-'));
  folders.push(folder);
  return folder;
}

export function newPath(): string {
  return join(newFolder(), 'data');
}

/** One put, or a removal if there is no value. */
export interface Change {
  readonly table: Table;
  readonly key: Buffer;
  readonly value: Buffer | null;
}

/** Remembers what was committed, and fails when it is told to. What was put goes to LMDB all at once in the end. */
export class WatchedEnvironment extends Environment {
  /** Of each commit that was done. */
  readonly commits: (readonly Change[])[] = [];
  /** Why the commit that begins now fails; null: it does not. */
  nextFault: () => string | null = () => null;
  /** Called when a commit begins. What it gives is waited for. */
  onBegin: () => Promise<void> | void = () => {};
  #changes: Change[] = [];

  constructor(path: string) {
    super({ path, readOnly: false, noSync: true });
  }

  override put(table: Table, key: Buffer, value: Uint8Array): void {
    this.#changes.push({ table, key: Buffer.from(key), value: Buffer.from(value) });
  }

  override remove(table: Table, key: Buffer): void {
    this.#changes.push({ table, key: Buffer.from(key), value: null });
  }

  override discard(): void {
    this.#changes = [];
  }

  override async commit(): Promise<void> {
    const changes = this.#changes;
    this.#changes = [];
    await this.onBegin();
    const fault = this.nextFault();
    if (fault !== null) throw new Error(fault);
    this.commitNow((batch) => {
      for (const { table, key, value } of changes) {
        if (value === null) batch.remove(table, key);
        else batch.put(table, key, value);
      }
    });
    this.commits.push(changes);
  }

  /** How often each table was changed. */
  get changedTables(): Partial<Record<Table, number>> {
    const counts: Partial<Record<Table, number>> = {};
    for (const { table } of this.commits.flat()) counts[table] = (counts[table] ?? 0) + 1;
    return counts;
  }
}

export interface Opened {
  readonly environment: WatchedEnvironment;
  readonly store: LmdbStore;
}

const opened = new Set<Opened>();

export function open(path = newPath(), settings: Partial<LmdbStoreSettings> = {}): Opened {
  const environment = new WatchedEnvironment(path);
  bringUpToDate(environment);
  const store = new LmdbStore(environment, path, { ...SETTINGS, ...settings });
  const both = { environment, store };
  opened.add(both);
  return both;
}

/** For `afterEach`: nothing fails any more. */
export async function closeAll(): Promise<void> {
  for (const { environment, store } of opened) {
    environment.nextFault = () => null;
    await store.close();
  }
  opened.clear();
}

/** Resolves when the event loop has gone round, with all that was appended in this turn. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Resolves when `committed` has reached a ticket; takes the store's `onCommit` for it. */
export function committed(store: LmdbStore, ticket = store.appended): Promise<void> {
  return new Promise((resolve) => {
    const look = (): void => {
      if (store.committed >= ticket) resolve();
    };
    store.onCommit = look;
    look();
  });
}

/** How many records each table has, without those that say what the file is. */
export function tableSizes(environment: Environment): Partial<Record<Table, number>> {
  const sizes: Partial<Record<Table, number>> = {};
  for (const table of TABLES) {
    const count = environment.count(table);
    if (table !== 'meta' && count > 0) sizes[table] = count;
  }
  return sizes;
}

export function problemsOf(environment: Environment): Problem[] {
  return [...examine(environment)].filter(isProblem);
}

/** A new file with these changes: what a process leaves that is killed after them. */
export function fileOf(commits: readonly (readonly Change[])[]): WatchedEnvironment {
  const environment = new WatchedEnvironment(newPath());
  bringUpToDate(environment);
  environment.commitNow((batch) => {
    for (const { table, key, value } of commits.flat()) {
      if (value === null) batch.remove(table, key);
      else batch.put(table, key, value);
    }
  });
  return environment;
}

/** A store of a file. */
export function storeOn(environment: WatchedEnvironment): Opened {
  const both = { environment, store: new LmdbStore(environment, '/', SETTINGS) };
  opened.add(both);
  return both;
}

/** What is found after `commits` by the next process. */
export function storeOf(commits: readonly (readonly Change[])[]): Opened {
  return storeOn(fileOf(commits));
}

export function begin(store: LmdbStore, ...clientIds: readonly string[]): Ticket {
  for (const clientId of clientIds) store.append({ kind: 'session', record: sampleRecord(clientId) });
  return store.appended;
}

/** Queues a message in the next position of the shard, which it returns. */
export function queue(store: LmdbStore, payload: string, ...targets: readonly QueuedFor[]): Position {
  const position = store.nextPosition(SHARD);
  store.append(queuedEntry(position, sampleMessage({ payload }), ...targets));
  return position;
}

export function payloads(store: LmdbStore, clientId: string): string[] {
  return store.queue(clientId, 0, 1000).map(({ message }) => Buffer.from(message.payload).toString());
}

export function sent(clientId: string, position: Position, packetId: number): Entry {
  return { kind: 'sent', clientId, position, packetId };
}

export function completed(clientId: string, packetId: number): Entry {
  return { kind: 'completed', clientId, packetId };
}
