import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { MemoryStore, type Store } from '@cauldron/broker';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { snapshot } from '../../../../test/contract/store-model.js';
import { queuedEntry, sampleMessage, sampleRecord, sampleTarget } from '../../../../test/contract/store-samples.js';
import { LateStore } from '../../../../test/support/late-store.js';
import { MosquittoDbWriter } from '../../../broker/src/storage/mosquitto-db-writer.test-support.js';
import { exportObjects } from './export.js';
import { importInto, openImport } from './import-source.js';
import { writeJsonLines } from './json-lines-file.js';
import { sampleStore } from './sample-store.test-support.js';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cauldron-import-'));
});

afterEach(() => rmSync(folder, { recursive: true }));

async function imported(file: string, store: Store = new MemoryStore()): Promise<Store> {
  await importInto(store, await openImport(file), () => {});
  return store;
}

function fileOf(name: string, content: string | Uint8Array): string {
  const file = join(folder, name);
  writeFileSync(file, content);
  return file;
}

describe('an exported file', () => {
  it.each(['store.jsonl', 'store.jsonl.gz'])('%s gives an equal store when it is imported', async (name) => {
    const store = sampleStore();
    const file = join(folder, name);
    await writeJsonLines(file, exportObjects(store));
    expect(snapshot(await imported(file))).toEqual(snapshot(store));
    expect(readFileSync(file)[0]).toBe(name.endsWith('.gz') ? 0x1f : '{'.charCodeAt(0));
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder)).toEqual([name]);
  });

  it('is not there when it could not be written to its end', async () => {
    const torn = function* () {
      yield* exportObjects(sampleStore());
      throw new Error('torn');
    };
    await expect(writeJsonLines(join(folder, 'store.jsonl'), torn())).rejects.toThrow('torn');
    expect(readdirSync(folder)).toEqual([]);
  });

  it('may have lines longer than what is read at once', async () => {
    const store = new MemoryStore();
    const payload = 'ü€'.repeat(100_000);
    for (const topic of ['a', 'b']) store.append({ kind: 'retained', message: sampleMessage({ topic, payload }) });
    const file = join(folder, 'store.jsonl');
    await writeJsonLines(file, exportObjects(store));
    expect(snapshot(await imported(file))).toEqual(snapshot(store));
  });
});

describe('a file that cannot be imported', () => {
  const head = '{"format":"cauldron store","version":1}\n';

  it.each<[string, string | Uint8Array, string]>([
    ['is empty', '', ':0: it is empty.'],
    ['is something else', 'listener 1883\n', ':1: this line is no JSON.'],
    ['has a fault', `${head}{"kind":"session"}\n`, ":2: an object has no 'clientId'."],
    ['was cut off between lines', head, ':1: the last line is missing: the file was cut off.'],
    ['was cut off within a line', `${head}{"kind":"en`, ':2: this line is no JSON.'],
    [
      'is packed, and was cut off',
      gzipSync(head.repeat(50)).subarray(0, 20),
      ': it cannot be unpacked: unexpected end of file.',
    ],
    ["is Mosquitto's, and damaged", new MosquittoDbWriter().client('a').bytes.subarray(0, 40), ': '],
    ["is Mosquitto's, and too old", new MosquittoDbWriter(3).bytes, ': '],
  ])('because it %s leaves no trace, and is named', async (_why, content, message) => {
    const file = fileOf('file', content);
    await expect(openImport(file)).rejects.toThrow(`${file}${message}`);
    await expect(openImport(file)).rejects.toMatchObject({ name: 'ImportError' });
  });

  it('because it is not there is an error of the system', async () => {
    await expect(openImport(join(folder, 'none'))).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

describe("Mosquitto's file", () => {
  it('is known by how it begins, and brings sessions, subscriptions, queues and retained messages', async () => {
    const bytes = new MosquittoDbWriter()
      .configuration()
      .client('a')
      .subscription('a', 'x/#', 1)
      .message(1, 'x/1', 'waits')
      .clientMessage('a', 1, { state: 11 })
      .message(2, 'x/2', 'kept', { retain: true })
      .retained(2).bytes;
    const source = await openImport(fileOf('any-name', bytes));
    expect(source.what).toBe("Mosquitto's data, version 6");
    const store = new MemoryStore();
    expect(await importInto(store, source, () => {})).toEqual({
      sessions: 1,
      subscriptions: 1,
      messages: 1,
      retained: 1,
    });
    const [session] = store.sessions();
    expect(session).toMatchObject({ record: { clientId: 'a' }, subscriptions: [{ filter: 'x/#' }], queuedMessages: 1 });
    expect([...store.retained()].map(({ topic }) => topic)).toEqual(['x/2']);
  });
});

describe('an import', () => {
  /** As an export has them. */
  async function bigFile(messages: number, payload = 'x'): Promise<string> {
    const store = new MemoryStore();
    store.append({ kind: 'session', record: sampleRecord('a') });
    const message = sampleMessage({ payload });
    for (let position = 1; position <= messages; position++) {
      store.append({ ...queuedEntry(position, message, sampleTarget('a')) });
    }
    const file = join(folder, 'store.jsonl');
    await writeJsonLines(file, exportObjects(store));
    return file;
  }

  it.each([
    ['12,000 small messages', 12_000, 'x', 5000],
    ['40 messages of a megabyte', 40, 'x'.repeat(1_000_000), 17],
  ])('of %s never has more waiting for the disk than fits', async (_what, messages, payload, most) => {
    const file = await bigFile(messages, payload);
    const store = new LateStore();
    let mostWaiting = 0;
    const finished = imported(file, store);
    let isOver = false;
    void finished.finally(() => {
      isOver = true;
    });
    while (!isOver) {
      await new Promise((resolve) => setImmediate(resolve));
      mostWaiting = Math.max(mostWaiting, store.appended - store.committed);
      if (store.appended > store.committed) store.commit();
    }
    await finished;
    expect(mostWaiting).toBeGreaterThan(1);
    expect(mostWaiting).toBeLessThanOrEqual(most);
    const [session] = store.sessions();
    expect(session.queuedMessages).toBe(messages);
  });

  it('ends when the disk is full, and says so', async () => {
    const store = new LateStore();
    const failing = imported(await bigFile(10), store);
    void failing.catch(() => {});
    while (store.appended === 0) await new Promise((resolve) => setImmediate(resolve));
    store.fail('the disk is full');
    await expect(failing).rejects.toMatchObject({ name: 'StoreFull', message: 'the disk is full' });
  });
});
