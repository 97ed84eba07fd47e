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

function newPath(): string {
  const folder = mkdtempSync(join(tmpdir(), 'cauldron-store-'));
  folders.push(folder);
  return join(folder, 'data');
}

function openIn(path: string, settings = SETTINGS): LmdbStore {
  const environment = new Environment({ path, readOnly: false, noSync: true });
  bringUpToDate(environment);
  return new LmdbStore(environment, path, settings);
}

afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

describeStore('LmdbStore', async () => {
  const path = newPath();
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

/** Resolves when all that was appended is on the disk, what nobody waits for included. */
async function settled(store: LmdbStore): Promise<void> {
  const { onCommit } = store;
  await new Promise<void>((resolve) => {
    store.onCommit = () => {
      if (store.committed === store.appended) resolve();
    };
    store.append({ kind: 'retainedCleared', topic: 'nothing/is/here' });
  });
  store.onCommit = onCommit;
}

// Every commit writes the log, and the tables follow only when it is old. A store that is opened again is one that was
// killed: a copy of what the disk had.
describeStore('LmdbStore that was killed, by its log', async () => {
  const settings = { ...SETTINGS, logFrom: 1 };
  let store = openIn(newPath(), settings);
  return {
    store,
    async reopen() {
      // `close` commits what a kill would not.
      await settled(store);
      const killed = store;
      const copy = newPath();
      await killed.copyTo(copy);
      await killed.close();
      store = openIn(copy, settings);
      return store;
    },
    storedMessages: () => store.storedMessages,
  };
});
