import { statSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { sampleRecord, sampleTarget } from '../../../../test/contract/store-samples.js';
import {
  ALICE,
  BOB,
  begin,
  closeAll,
  committed,
  completed,
  newPath,
  nextTurn,
  open,
  payloads,
  queue,
  sent,
  storeOf,
} from './lmdb-store.test-support.js';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
});

afterEach(async () => {
  await closeAll();
  vi.useRealTimers();
});

describe('when the disk does not take a commit', () => {
  /** A store with a session, whose next commit has failed. */
  async function failed() {
    const { environment, store } = open();
    const before = begin(store, ALICE);
    await committed(store);
    await nextTurn();
    const faults: (string | null)[] = [];
    store.onFault = (fault) => faults.push(fault);
    environment.nextFault = () => 'No space left on device';
    const position = queue(store, 'one', sampleTarget(ALICE));
    while (store.fault === null) await nextTurn();
    return { environment, store, faults, before, position };
  }

  it('says why, and commits nothing; all can be read', async () => {
    const { store, faults, before } = await failed();
    expect(store.fault).toBe('the disk does not take it (No space left on device)');
    expect(faults).toEqual([store.fault]);
    expect(store.committed).toBe(before);
    expect(payloads(store, ALICE)).toEqual(['one']);
  });

  it('tries again every second, and takes what came meanwhile', async () => {
    const { environment, store, faults, before, position } = await failed();
    let tries = 0;
    environment.onBegin = () => {
      tries++;
    };
    queue(store, 'two', sampleTarget(ALICE));
    store.append(sent(ALICE, position, 1));
    vi.advanceTimersByTime(900);
    await nextTurn();
    expect(tries).toBe(0);
    while (tries === 0) {
      vi.advanceTimersByTime(50);
      await nextTurn();
    }
    for (let turns = 0; turns < 3; turns++) await nextTurn();
    expect([tries, store.committed, faults.length]).toEqual([1, before, 1]);
    environment.nextFault = () => null;
    while (store.fault !== null) {
      vi.advanceTimersByTime(50);
      await nextTurn();
    }
    expect(store.committed).toBe(store.appended);
    expect([store.fault, faults.at(-1), faults.length]).toEqual([null, null, 2]);
    const found = storeOf(environment.commits);
    expect(payloads(found.store, ALICE)).toEqual(['two']);
  });

  it('lets nothing pass that needs no write, as long as something before it does', async () => {
    const { store, before } = await failed();
    store.append(sent(ALICE, queue(store, 'two', sampleTarget(ALICE)), 1));
    store.append(completed(ALICE, 1));
    await nextTurn();
    expect(store.committed).toBe(before);
  });

  it('tries once more at close, at once', async () => {
    const { environment, store } = await failed();
    environment.nextFault = () => null;
    await store.close();
    expect(payloads(storeOf(environment.commits).store, ALICE)).toEqual(['one']);
  });

  it('says at close what that means', async () => {
    const warnings: string[] = [];
    const { environment, store } = open(newPath(), { onWarning: (warning) => warnings.push(warning) });
    begin(store, ALICE);
    environment.nextFault = () => 'No space left on device';
    await store.close();
    expect(warnings).toEqual([
      'What came last is not in the store: the disk does not take it (No space left on device).',
    ]);
    expect(store.committed).toBe(0);
  });

  it('takes the removal of a session back, until it succeeds', async () => {
    const { environment, store } = await failed();
    store.append({ kind: 'sessionRemoved', clientId: ALICE });
    begin(store, ALICE);
    environment.nextFault = () => null;
    await store.close();
    const found = storeOf(environment.commits);
    expect([...found.store.sessions()]).toMatchObject([{ record: sampleRecord(ALICE), queuedMessages: 0 }]);
    expect(found.store.storedMessages).toBe(0);
  });
});

describe('what a store throws while it writes', () => {
  it('is a fault like any other, and nothing is lost', async () => {
    const { environment, store } = open();
    begin(store, ALICE);
    const put = vi.spyOn(environment, 'put').mockImplementation(() => {
      throw new Error('it broke');
    });
    while (store.fault === null) await nextTurn();
    expect(store.fault).toBe('the disk does not take it (it broke)');
    put.mockRestore();
    await store.close();
    expect([...storeOf(environment.commits).store.sessions()]).toHaveLength(1);
  });
});

describe('with a bound', () => {
  const MAX_BYTES = 2_000_000;

  it('nothing more can be stored shortly before the file would be larger, and ends make room again', async () => {
    const path = newPath();
    const { store } = open(path, { maxBytes: MAX_BYTES });
    const faults: (string | null)[] = [];
    store.onFault = (fault) => faults.push(fault);
    begin(store, ALICE);
    const positions: number[] = [];
    while (store.fault === null) {
      for (let n = 0; n < 10; n++) positions.push(queue(store, 'x'.repeat(1000), sampleTarget(ALICE)));
      await committed(store);
      await nextTurn();
    }
    expect(faults).toEqual([
      expect.stringMatching(/^persistence_max_bytes is reached: 1\.[89] MB of 2\.0 MB are in use$/),
    ]);
    expect(positions.length).toBeGreaterThan(MAX_BYTES / 4096 / 2);
    expect(statSync(path).size).toBeLessThanOrEqual(MAX_BYTES);

    // What comes all the same is taken, too.
    queue(store, 'more', sampleTarget(ALICE));
    begin(store, BOB);
    await committed(store);
    for (const position of positions.slice(0, positions.length / 2)) {
      store.append({ kind: 'dropped', clientId: ALICE, position });
    }
    while (store.fault !== null) {
      vi.advanceTimersByTime(1000);
      await nextTurn();
    }
    expect(faults).toHaveLength(2);
    expect(statSync(path).size).toBeLessThanOrEqual(MAX_BYTES);
  });
});
