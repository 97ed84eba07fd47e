import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { sampleTarget } from '../../../../test/contract/store-samples.js';
import type { SyncMode } from './lmdb/group-commit.js';
import {
  ALICE,
  begin,
  closeAll,
  newPath,
  nextTurn,
  open,
  payloads,
  queue,
  storeOf,
} from './lmdb-store.test-support.js';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
});

afterEach(async () => {
  await closeAll();
  vi.useRealTimers();
});

const MODES: readonly (readonly [SyncMode, number])[] = [
  ['interval', 5000],
  ['never', 100],
];

describe.each(MODES)('with sync %s', (sync, everyMs) => {
  function start() {
    const opened = open(newPath(), { sync, syncIntervalMs: 5000 });
    const told = vi.fn<(committed: number) => void>();
    opened.store.onCommit = told;
    return { ...opened, told };
  }

  it('everything is committed at once, and nobody is told', async () => {
    const { store, told } = start();
    for (let turn = 0; turn < 3; turn++) {
      begin(store, ALICE);
      queue(store, 'text', sampleTarget(ALICE));
      expect(store.committed).toBe(store.appended);
      await nextTurn();
    }
    await store.close();
    expect(told).not.toHaveBeenCalled();
  });

  it(`is written ${everyMs} ms after the last write`, async () => {
    const { environment, store } = start();
    begin(store, ALICE);
    while (environment.commits.length === 0) await nextTurn();
    await nextTurn();
    queue(store, 'text', sampleTarget(ALICE));
    await nextTurn();
    vi.advanceTimersByTime(everyMs - 1);
    for (let turn = 0; turn < 3; turn++) await nextTurn();
    expect(environment.commits).toHaveLength(1);
    for (let n = 0; n < 5 && environment.commits.length === 1; n++) {
      vi.advanceTimersByTime(1);
      for (let turn = 0; turn < 3; turn++) await nextTurn();
    }
    expect(environment.commits).toHaveLength(2);
    expect(payloads(storeOf(environment.commits).store, ALICE)).toEqual(['text']);
  });

  it('is written before that when very much waits', async () => {
    const { environment, store } = start();
    begin(store, ALICE);
    while (environment.commits.length === 0) await nextTurn();
    await nextTurn();
    for (let n = 0; n < 20_001; n++) queue(store, 'text', sampleTarget(ALICE));
    for (let turn = 0; turn < 3; turn++) await nextTurn();
    expect(environment.commits).toHaveLength(2);
  });

  it('is written by close', async () => {
    const { environment, store } = start();
    begin(store, ALICE);
    queue(store, 'text', sampleTarget(ALICE));
    await store.close();
    expect(payloads(storeOf(environment.commits).store, ALICE)).toEqual(['text']);
  });
});
