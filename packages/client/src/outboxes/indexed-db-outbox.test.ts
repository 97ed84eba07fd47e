import { PacketType, type Publish } from '@cauldron/codec';
import { IDBFactory } from 'fake-indexeddb';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { OutboxRecord } from '../outbox.js';
import { RecordTable } from './indexed-db.js';
import { indexedDbOutbox } from './indexed-db-outbox.js';
import { OutboxDamaged, OutboxError } from './outbox-error.js';

beforeEach(() => {
  vi.stubGlobal('indexedDB', new IDBFactory());
});

afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

function queued(position: number): OutboxRecord {
  const payload = Uint8Array.of(position);
  const packet: Publish = { type: PacketType.PUBLISH, topic: 't', payload, qos: 1, retain: false, dup: false };
  return { kind: 'queued', position, packet, queuedAtMs: 1_700_000_000_000 };
}

async function store(...groups: OutboxRecord[][]): Promise<readonly OutboxRecord[]> {
  const outbox = indexedDbOutbox('box');
  const left = await outbox.open();
  for (const group of groups) {
    for (const record of group) outbox.append(record);
    await outbox.commit();
  }
  await outbox.close();
  return left;
}

async function rows(): Promise<number> {
  const table = await RecordTable.open('box');
  const { length } = await table.read();
  table.close();
  return length;
}

/** The locks of a browser. */
function stubLocks() {
  const held = new Map<string, Promise<void>>();
  const request = async (name: string, { signal }: { signal: AbortSignal }, callback: () => Promise<void>) => {
    const aborted = new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
    while (held.has(name)) await Promise.race([held.get(name), aborted]);
    const done = callback().then(() => void held.delete(name));
    held.set(name, done);
    await done;
  };
  vi.stubGlobal('navigator', { locks: { request } });
}

describe('an outbox in IndexedDB', () => {
  it('has nothing in it at first, and later what was committed, in order', async () => {
    const session: OutboxRecord = { kind: 'session', clientId: 'c' };
    expect(await store([session, queued(1)], [{ kind: 'sent', position: 1, packetId: 9 }, queued(2)])).toEqual([]);
    expect(await store([queued(3)])).toEqual([
      session,
      queued(1),
      { kind: 'sent', position: 1, packetId: 9 },
      queued(2),
    ]);
    expect((await store()).at(-1)).toEqual(queued(3));
  });

  it('takes a record as it was when it was appended', async () => {
    const outbox = indexedDbOutbox('box');
    await outbox.open();
    const record = queued(1);
    outbox.append(record);
    if (record.kind === 'queued') Object.assign(record.packet, { packetId: 5, dup: true });
    await outbox.close();
    expect(await store()).toEqual([queued(1)]);
  });

  it('deletes what is over, and stores nothing about it', async () => {
    await store([{ kind: 'session', clientId: 'c' }, queued(1), queued(2)]);
    expect(await rows()).toBe(3);
    await store([{ kind: 'sent', position: 1, packetId: 1 }], [{ kind: 'done', position: 1 }]);
    expect(await rows()).toBe(2);
    await store([queued(3), { kind: 'done', position: 3 }, { kind: 'received', packetId: 4 }]);
    expect(await rows()).toBe(3);
    await store([{ kind: 'forgotten', packetId: 4 }, { kind: 'cleared' }]);
    expect(await store()).toEqual([{ kind: 'session', clientId: 'c' }]);
    expect(await rows()).toBe(1);
  });

  it('deletes what ends while it is being written', async () => {
    const outbox = indexedDbOutbox('box');
    await outbox.open();
    outbox.append(queued(1));
    const first = outbox.commit();
    await Promise.resolve();
    outbox.append({ kind: 'done', position: 1 });
    await Promise.all([first, outbox.commit()]);
    await outbox.close();
    expect(await rows()).toBe(0);
  });

  it('writes once for all that came while it was writing', async () => {
    const write = vi.spyOn(RecordTable.prototype, 'write');
    const outbox = indexedDbOutbox('box');
    await outbox.open();
    const commits: Promise<void>[] = [];
    for (let position = 1; position <= 100; position++) {
      outbox.append(queued(position));
      commits.push(outbox.commit());
      if (position === 50) await Promise.resolve();
    }
    await Promise.all(commits);
    expect(write).toHaveBeenCalledTimes(2);
    await outbox.commit();
    expect(write).toHaveBeenCalledTimes(2);
    await outbox.close();
  });

  it('tells what it cannot write, and writes it when there is room', async () => {
    const outbox = indexedDbOutbox('box');
    await outbox.open();
    outbox.append(queued(1));
    await outbox.commit();
    const full = Object.assign(new Error('no room'), { name: 'QuotaExceededError' });
    vi.spyOn(RecordTable.prototype, 'write').mockRejectedValueOnce(full);
    outbox.append(queued(2));
    outbox.append({ kind: 'done', position: 1 });
    await expect(outbox.commit()).rejects.toThrow(
      new OutboxError('The outbox box cannot be written: the browser gives the page no more room'),
    );
    await outbox.commit();
    await outbox.close();
    expect(await store()).toEqual([queued(2)]);
  });

  it('has none of a transaction that did not come to its end', async () => {
    const table = await RecordTable.open('box');
    await table.write([Uint8Array.of(8)], []);
    // The second cannot be stored: neither is the first, and nothing is deleted.
    await expect(table.write([Uint8Array.of(9), (() => {}) as never], [1])).rejects.toThrow();
    table.close();
    expect(await rows()).toBe(1);
  });

  it('is used by one page at a time', async () => {
    stubLocks();
    const outbox = indexedDbOutbox('box');
    await outbox.open();
    const aborter = new AbortController();
    vi.spyOn(AbortSignal, 'timeout').mockReturnValueOnce(aborter.signal);
    const refused = expect(store()).rejects.toThrow(new OutboxError('The outbox box is in use by another page'));
    aborter.abort();
    await refused;
    // It is free a moment later, as when a page is loaded again.
    const [left] = await Promise.all([store(), outbox.close()]);
    expect(left).toEqual([]);
  });

  it('is not used before it is open, nor after it was closed, nor opened twice', async () => {
    const outbox = indexedDbOutbox('box');
    expect(() => outbox.append(queued(1))).toThrow(OutboxError);
    await outbox.open();
    await expect(outbox.open()).rejects.toThrow(TypeError);
    await outbox.close();
    expect(() => outbox.append(queued(1))).toThrow('The outbox box is not open');
  });

  it('says when a database is something else, or a later version', async () => {
    const table = await RecordTable.open('box');
    await table.write(['text' as never], []);
    table.close();
    await expect(store()).rejects.toThrow(new OutboxDamaged('The database box is not an outbox'));
    await new Promise((resolve) => {
      const request = indexedDB.open('box', 2);
      request.onsuccess = () => resolve(request.result.close());
    });
    await expect(store()).rejects.toThrow('The outbox box cannot be opened: a later version has written it');
  });

  it('says when the browser has none', async () => {
    vi.stubGlobal('indexedDB', undefined);
    await expect(store()).rejects.toThrow(new OutboxError('The outbox box cannot be opened: there is no IndexedDB'));
  });
});
