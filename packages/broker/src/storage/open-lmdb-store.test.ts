import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sampleRecord } from '../../../../test/contract/store-samples.js';
import { Environment } from './lmdb/environment.js';
import { bringUpToDate } from './lmdb/format.js';
import type { LmdbStore } from './lmdb-store.js';
import { newFolder } from './lmdb-store.test-support.js';
import { compactLmdbStore, viewLmdbStore } from './lmdb-tools.js';
import { type LmdbStoreOptions, openLmdbStore, StoreError } from './open-lmdb-store.js';

// What concerns damage that has to be read is in test/process/damaged-store.test.ts.

let folder: string;
let file: string;
let warnings: string[];

beforeEach(() => {
  folder = newFolder();
  file = join(folder, 'data');
  warnings = [];
});

function optionsOf(parts: Partial<LmdbStoreOptions> = {}): LmdbStoreOptions {
  return {
    folder,
    sync: 'always',
    syncIntervalMs: 1000,
    maxBytes: Number.POSITIVE_INFINITY,
    strict: false,
    onWarning: (warning) => warnings.push(warning),
    ...parts,
  };
}

/** Makes a store with one session. */
async function make(): Promise<void> {
  const store = await openLmdbStore(optionsOf());
  store.append({ kind: 'session', record: sampleRecord('client') });
  await store.close();
}

function clientIds(store: LmdbStore): string[] {
  return [...store.sessions()].map(({ record }) => record.clientId);
}

async function openedAgain(): Promise<string[]> {
  const store = await openLmdbStore(optionsOf());
  const found = clientIds(store);
  await nextTurn();
  await store.close();
  return found;
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('opening a store', () => {
  it('makes its folder and files for their owner alone', async () => {
    const location = join(folder, 'a', 'b');
    const store = await openLmdbStore(optionsOf({ folder: location }));
    expect(
      [location, join(location, 'data'), join(location, 'data-lock')].map((path) => statSync(path).mode & 0o077),
    ).toEqual([0, 0, 0]);
    await store.close();
  });

  it('leaves a mark until all has been read', async () => {
    const store = await openLmdbStore(optionsOf());
    expect(existsSync(`${file}.opening`)).toBe(true);
    await nextTurn();
    expect(existsSync(`${file}.opening`)).toBe(false);
    await store.close();
    expect(readdirSync(folder).sort()).toEqual(['data', 'data-lock']);
  });

  it('is for one at a time', async () => {
    const store = await openLmdbStore(optionsOf());
    await expect(openLmdbStore(optionsOf())).rejects.toThrow(
      new StoreError(
        `${folder} is in use by another broker (process ${process.pid}). Stop that one, or give this one another persistence_location.`,
      ),
    );
    await expect(compactLmdbStore(folder)).rejects.toThrow(/is in use by another broker.*stop it first/);
    await store.close();
    await store.close();
    expect(await openedAgain()).toEqual([]);
    expect(warnings).toEqual([]);
  });
});

/** A file that cannot be used, what is said of it. */
const BAD: readonly (readonly [string, () => Promise<void> | void, RegExp])[] = [
  ['something else', () => writeFileSync(file, 'something else'), /it is not a file of the store/],
  ['a folder', () => mkdirSync(file), /it is not a file/],
  [
    'of a later version',
    async () => {
      const environment = new Environment({ path: file, readOnly: false, noSync: true });
      bringUpToDate(environment, 99, []);
      await environment.close();
    },
    /it has format version 99; this program knows up to \d+, so a later one wrote it/,
  ],
];

describe.each(BAD)('a file that is %s', (_, makeFile, why) => {
  it('is moved aside, and a new store begins', async () => {
    await makeFile();
    const store = await openLmdbStore(optionsOf());
    expect(warnings).toEqual([expect.stringMatching(why)]);
    const aside = readdirSync(folder).filter((name) => name.startsWith('data.damaged-'));
    expect(aside).toHaveLength(1);
    expect(warnings[0]).toContain(`It is kept as ${aside[0]}.`);
    expect(clientIds(store)).toEqual([]);
    await store.close();
    // Once more in the same second gets another name.
    rmSync(file);
    await makeFile();
    await (await openLmdbStore(optionsOf())).close();
    expect(readdirSync(folder).filter((name) => name.startsWith('data.damaged-'))).toHaveLength(2);
  });

  it('is left alone when it has to be good', async () => {
    await makeFile();
    const before = statSync(file);
    await expect(openLmdbStore(optionsOf({ strict: true }))).rejects.toThrow(StoreError);
    await expect(openLmdbStore(optionsOf({ strict: true }))).rejects.toThrow(why);
    await expect(openLmdbStore(optionsOf({ strict: true }))).rejects.toThrow('--strict-store');
    expect(statSync(file)).toMatchObject({ size: before.size, mtimeMs: before.mtimeMs, ino: before.ino });
    expect(readdirSync(folder).filter((name) => name.includes('damaged') || name.includes('opening'))).toEqual([]);
    await expect(viewLmdbStore(folder)).rejects.toThrow(StoreError);
  });
});

describe('a good file that the system does not let us open', () => {
  /** Without the rights of root, who may do everything. */
  async function withoutRights<T>(act: () => Promise<T>): Promise<T> {
    if (process.geteuid?.() !== 0) return act();
    process.seteuid?.(65_534);
    try {
      return await act();
    } finally {
      process.seteuid?.(0);
    }
  }

  afterEach(() => expect(warnings).toEqual([]));

  it('goes aside, when we may not read it, and can be put back', async () => {
    await make();
    chmodSync(folder, 0o777);
    chmodSync(file, 0);
    await expect(withoutRights(() => openLmdbStore({ ...optionsOf(), strict: true }))).rejects.toThrow(/EACCES/);
    const store = await withoutRights(() => openLmdbStore(optionsOf()));
    expect([...store.sessions()]).toEqual([]);
    await withoutRights(() => store.close());
    expect(warnings.splice(0)).toEqual([expect.stringMatching(/EACCES.*It is kept as data\.damaged-/)]);
    const aside = readdirSync(folder).find((name) => name.startsWith('data.damaged-')) ?? '';
    chmodSync(join(folder, aside), 0o600);
    renameSync(join(folder, aside), file);
    rmSync(`${file}-lock`, { force: true });
    expect(await openedAgain()).toEqual(['client']);
  });

  it('stays where it is, when its folder may not be written', async () => {
    await make();
    chmodSync(file, 0o644);
    chmodSync(folder, 0o555);
    await expect(withoutRights(() => openLmdbStore(optionsOf()))).rejects.toThrow(/cannot be written.*EACCES/);
    chmodSync(folder, 0o755);
    expect(await openedAgain()).toEqual(['client']);
  });

  it('stays where it is, when its lock file cannot be made', async () => {
    await make();
    rmSync(`${file}-lock`, { force: true });
    mkdirSync(`${file}-lock`);
    await expect(openLmdbStore(optionsOf())).rejects.toThrow(/^The store .*data cannot be opened: EISDIR/);
    rmSync(`${file}-lock`, { recursive: true });
    expect(await openedAgain()).toEqual(['client']);
    expect(readdirSync(folder).sort()).toEqual(['data', 'data-lock']);
  });

  it('stays where it is, when it is suspect and cannot be checked', async () => {
    await make();
    const before = readFileSync(file);
    // The program that checks it is not beside the sources.
    await expect(openLmdbStore(optionsOf({ isSuspect: true }))).rejects.toThrow(
      new StoreError(`The store ${file} cannot be checked (exit status 1).`),
    );
    expect(readFileSync(file).equals(before)).toBe(true);
  });
});

describe('compacting', () => {
  it('makes the file smaller, and keeps what is in it', async () => {
    await make();
    const store = await openLmdbStore(optionsOf());
    for (let n = 0; n < 500; n++) {
      store.append({ kind: 'session', record: sampleRecord(`client-${n}`, { address: 'x'.repeat(3000) }) });
    }
    for (let n = 0; n < 500; n++) {
      if (n % 50 === 0) {
        await new Promise<void>((resolve) => {
          store.onCommit = () => resolve();
          store.append({ kind: 'inboundHeld', clientId: 'client', packetId: 1 });
        });
      }
      store.append({ kind: 'sessionRemoved', clientId: `client-${n}` });
    }
    await store.close();
    const { before, after } = await compactLmdbStore(folder);
    expect(after).toBeLessThan(before / 4);
    expect(statSync(file).size).toBe(after);
    expect(await openedAgain()).toEqual(['client']);
  });
});
