import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect } from 'vitest';
import { describeStore } from '../../../../test/contract/store.js';
import { Environment } from './lmdb/environment.js';
import { bringUpToDate } from './lmdb/format.js';
import { LmdbStore, type LmdbStoreSettings } from './lmdb-store.js';

const SETTINGS: LmdbStoreSettings = {
  sync: 'always',
  syncIntervalMs: 1000,
  maxBytes: Number.POSITIVE_INFINITY,
  onWarning: (message) => expect.unreachable(message),
};

const folders: string[] = [];

function openIn(path: string): LmdbStore {
  const environment = new Environment({ path, readOnly: false, noSync: true });
  bringUpToDate(environment);
  return new LmdbStore(environment, path, SETTINGS);
}

afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

describeStore('LmdbStore', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'cauldron-store-'));
  folders.push(folder);
  const path = join(folder, 'data');
  let store = openIn(path);
  return {
    store,
    async reopen() {
      await store.close();
      store = openIn(path);
      return store;
    },
    storedMessages: () => store.storedMessages,
  };
});
