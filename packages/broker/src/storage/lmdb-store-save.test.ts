import { afterEach, describe, expect, it } from 'vitest';
import { sampleTarget } from '../../../../test/contract/store-samples.js';
import {
  ALICE,
  begin,
  closeAll,
  committed,
  newPath,
  nextTurn,
  open,
  payloads,
  queue,
  storeOf,
  tableSizes,
} from './lmdb-store.test-support.js';

afterEach(closeAll);

describe('LmdbStore.save', () => {
  it('brings to the tables what is in the log only', async () => {
    const { environment, store } = open(newPath(), { logFrom: 1 });
    begin(store, ALICE);
    // The first entries of a shard go to the tables, because they reserve its positions.
    queue(store, 'first', sampleTarget(ALICE));
    await committed(store);
    queue(store, 'second', sampleTarget(ALICE));
    await committed(store);
    expect(tableSizes(environment)).toMatchObject({ log: 1, messages: 1 });
    expect(await store.save()).toBeNull();
    expect(tableSizes(environment)).toMatchObject({ messages: 2 });
    expect(tableSizes(environment).log).toBeUndefined();
    expect(payloads(storeOf(environment.commits).store, ALICE)).toEqual(['first', 'second']);
  });

  it('takes what is appended in the same turn, before and after it', async () => {
    const { environment, store } = open();
    begin(store, ALICE);
    const saved = store.save();
    queue(store, 'after', sampleTarget(ALICE));
    expect(await saved).toBeNull();
    expect(payloads(storeOf(environment.commits).store, ALICE)).toEqual(['after']);
  });

  it('resolves at once when there is nothing to do, and writes nothing', async () => {
    const { environment, store } = open();
    expect(await store.save()).toBeNull();
    expect(environment.commits).toEqual([]);
  });

  it('says why the disk does not take it, and tries again when it is asked to', async () => {
    const { environment, store } = open();
    environment.nextFault = () => 'No space left on device';
    begin(store, ALICE);
    expect(await store.save()).toBe('the disk does not take it (No space left on device)');
    environment.nextFault = () => null;
    expect(await store.save()).toBeNull();
    expect(store.fault).toBeNull();
    expect(storeOf(environment.commits).store.stats.sessions).toBe(1);
  });

  it('is over when the store is closed meanwhile', async () => {
    const { environment, store } = open();
    let letGo = (): void => {};
    environment.onBegin = () =>
      new Promise((resolve) => {
        letGo = resolve;
      });
    begin(store, ALICE);
    await nextTurn();
    const saved = store.save();
    const closed = store.close();
    environment.onBegin = () => {};
    letGo();
    expect(await saved).toBeNull();
    await closed;
  });
});
