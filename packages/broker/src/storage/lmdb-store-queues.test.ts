import { dirname } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { queuedEntry, sampleMessage, sampleRecord, sampleTarget } from '../../../../test/contract/store-samples.js';
import type { LmdbStore } from './lmdb-store.js';
import {
  ALICE,
  BOB,
  begin,
  closeAll,
  committed,
  newPath,
  nextTurn,
  type Opened,
  open,
  queue,
  SHARD,
  tableSizes,
} from './lmdb-store.test-support.js';
import { viewLmdbStore } from './lmdb-tools.js';

const MESSAGES = 20_000;

afterEach(closeAll);

/** Fills ALICE's queue; every tenth message is BOB's, too. */
function fill(store: LmdbStore, count = MESSAGES): void {
  begin(store, ALICE, BOB);
  for (let n = 0; n < count; n++) {
    const targets = n % 10 === 0 ? [sampleTarget(ALICE), sampleTarget(BOB)] : [sampleTarget(ALICE)];
    queue(store, `${n}`, ...targets);
  }
}

/** The queue read page by page, as the numbers in the payloads. */
function numbers(store: LmdbStore, clientId: string, pageMessages = 333): number[] {
  const found: number[] = [];
  for (let after = 0; ; ) {
    const page = store.queue(clientId, after, pageMessages);
    const last = page.at(-1);
    if (last === undefined) return found;
    after = last.position;
    found.push(...page.map(({ message }) => Number(Buffer.from(message.payload))));
  }
}

const upTo = (count: number, step = 1): number[] => Array.from({ length: count / step }, (_, n) => n * step);

function lengths(store: LmdbStore): Record<string, number> {
  return Object.fromEntries([...store.sessions()].map((each) => [each.record.clientId, each.queuedMessages]));
}

describe('a long queue', () => {
  it('is read in pages, before and after it is written, and when the store is opened again', async () => {
    const path = newPath();
    const { store } = open(path);
    fill(store);
    expect(numbers(store, ALICE)).toEqual(upTo(MESSAGES));
    await committed(store);
    expect(numbers(store, ALICE)).toEqual(upTo(MESSAGES));
    await store.close();
    const again = open(path).store;
    expect(lengths(again)).toEqual({ [ALICE]: MESSAGES, [BOB]: MESSAGES / 10 });
    expect(numbers(again, ALICE, 1000)).toEqual(upTo(MESSAGES));
    expect(numbers(again, BOB)).toEqual(upTo(MESSAGES, 10));
    expect(again.storedMessages).toBe(MESSAGES);
  });

  it('has a message in its place that came last, anywhere', async () => {
    const { store } = open();
    begin(store, ALICE);
    const held: number[] = [];
    for (let n = 0; n < 2000; n++) {
      if (n % 5 === 0) held.push(store.nextPosition(SHARD));
      else queue(store, `${n}`, sampleTarget(ALICE));
    }
    await committed(store);
    for (const [i, position] of held.entries()) {
      store.append(queuedEntry(position, sampleMessage({ payload: `${i * 5}` }), sampleTarget(ALICE)));
      if (i % 50 === 0) await committed(store);
    }
    expect(numbers(store, ALICE)).toEqual(upTo(2000));
    await committed(store);
    expect(numbers(store, ALICE)).toEqual(upTo(2000));
  });
});

describe('the end of a session with a long queue', () => {
  /** More than is removed at once. */
  let path: string;
  let opened: Opened;

  beforeEach(async () => {
    path = newPath();
    opened = open(path);
    fill(opened.store);
    await committed(opened.store);
    await nextTurn();
    opened.environment.commits.length = 0;
  });

  /** Resolves when nothing is left to do. */
  async function removed({ environment, store }: Opened): Promise<void> {
    while (environment.count('leaving') > 0 || store.committed < store.appended) await nextTurn();
  }

  it('takes several commits, and leaves nothing but what others wait for', async () => {
    const { environment, store } = opened;
    store.append({ kind: 'sessionRemoved', clientId: ALICE });
    expect(lengths(store)).toEqual({ [BOB]: MESSAGES / 10 });
    await committed(store);
    expect(environment.count('leaving')).toBe(1);
    await removed(opened);
    expect(environment.commits.length).toBeGreaterThan(1);
    const chunks = environment.count('queues');
    expect(tableSizes(environment)).toEqual({ sessions: 1, queues: chunks, messages: MESSAGES / 10 });
    expect(numbers(store, BOB)).toEqual(upTo(MESSAGES, 10));
    store.append({ kind: 'sessionRemoved', clientId: BOB });
    await committed(store);
    await removed(opened);
    expect(tableSizes(environment)).toEqual({});
    expect(store.storedMessages).toBe(0);
  });

  it('goes on when the store is opened again in the middle, and a new session of the client is another', async () => {
    const { environment, store } = opened;
    store.append({ kind: 'sessionRemoved', clientId: ALICE });
    store.append({ kind: 'session', record: sampleRecord(ALICE, { username: 'new' }) });
    await committed(store);
    // As if killed now: no more commits.
    environment.nextFault = () => 'killed';
    const killed = newPath();
    await environment.copyTo(killed);
    const again = open(killed);
    expect(again.environment.count('leaving')).toBe(1);
    expect(lengths(again.store)).toEqual({ [ALICE]: 0, [BOB]: MESSAGES / 10 });
    queue(again.store, '7', sampleTarget(ALICE));
    await removed(again);
    expect(numbers(again.store, ALICE)).toEqual([7]);
    expect(tableSizes(again.environment)).toMatchObject({ sessions: 2, messages: MESSAGES / 10 + 1 });
    await again.store.close();
    expect(numbers(open(killed).store, BOB)).toEqual(upTo(MESSAGES, 10));
  });

  it('is finished by close', async () => {
    const { store } = opened;
    store.append({ kind: 'sessionRemoved', clientId: ALICE });
    store.append({ kind: 'sessionRemoved', clientId: BOB });
    await store.close();
    expect(tableSizes(open(path).environment)).toEqual({});
  });

  it('goes on after commits that failed', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    const { environment, store } = opened;
    let count = 0;
    environment.nextFault = () => (++count % 2 === 0 ? null : 'no room');
    store.append({ kind: 'sessionRemoved', clientId: ALICE });
    store.append({ kind: 'sessionRemoved', clientId: BOB });
    while (store.committed < store.appended || environment.count('leaving') > 0) {
      vi.advanceTimersByTime(500);
      await nextTurn();
    }
    vi.useRealTimers();
    expect(tableSizes(environment)).toEqual({});
  });

  it('can be looked at in the middle', async () => {
    const { environment, store } = opened;
    store.append({ kind: 'sessionRemoved', clientId: ALICE });
    await committed(store);
    environment.nextFault = () => 'killed';
    const killed = newPath();
    await environment.copyTo(killed);
    const view = await viewLmdbStore(dirname(killed));
    await nextTurn();
    await nextTurn();
    expect(lengths(view.store)).toEqual({ [BOB]: MESSAGES / 10 });
    expect(view.store.fault).toBeNull();
    await view.close();
  });

  it('is over when all is gone: nothing is committed after that', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    const { environment, store } = opened;
    store.append({ kind: 'sessionRemoved', clientId: ALICE });
    await committed(store);
    await removed(opened);
    await nextTurn();
    const { length } = environment.commits;
    vi.advanceTimersByTime(1000);
    await nextTurn();
    vi.useRealTimers();
    expect(environment.commits).toHaveLength(length);
  });
});
