import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LmdbStoreOptions, openLmdbStore, type Store, viewLmdbStore } from '@cauldron/broker';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { shardOf } from '../../packages/broker/src/core/shard.js';
import { readQueue } from '../contract/store-model.js';
import {
  queuedEntry,
  sampleMessage,
  sampleRecord,
  sampleSubscription,
  sampleTarget,
} from '../contract/store-samples.js';
import { BrokerProcess } from '../support/broker-process.js';
import { killAll } from '../support/running-program.js';

// What reads a damaged file is a process of its own, which there is in the build only.

const SESSIONS = 40;
const MESSAGES = 50;
const RETAINED = 400;
const FILLING = 'x'.repeat(200);
const PAGE_BYTES = 4096;

let folder: string;
let file: string;

function optionsOf(parts: Partial<LmdbStoreOptions> = {}): LmdbStoreOptions {
  return {
    folder,
    sync: 'always',
    syncIntervalMs: 1000,
    maxBytes: Number.POSITIVE_INFINITY,
    strict: true,
    onWarning: (message) => expect.unreachable(message),
    ...parts,
  };
}

/** Sessions, each with a subscription and messages, and retained messages. */
function fill(store: Store): void {
  for (let n = 0; n < SESSIONS; n++) {
    const clientId = `client-${n}`;
    store.append({ kind: 'session', record: sampleRecord(clientId) });
    store.append({ kind: 'subscribed', clientId, subscription: sampleSubscription('a/#') });
    for (let i = 0; i < MESSAGES; i++) {
      const position = store.nextPosition(shardOf(clientId));
      store.append(queuedEntry(position, sampleMessage({ payload: `${n}/${i}` }), sampleTarget(clientId)));
    }
  }
  for (let n = 0; n < RETAINED; n++) {
    store.append({ kind: 'retained', message: sampleMessage({ topic: `t/${n}`, payload: `${n} ${FILLING}` }) });
  }
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'cauldron-damaged-'));
  file = join(folder, 'data');
  const store = await openLmdbStore(optionsOf());
  fill(store);
  // Each commit puts what leads to all else in another place; after a few of them that is no longer the end of the file.
  for (let n = 0; n < 5; n++) await committed(store);
  await store.close();
});

/** Appends what changes every table a little, and waits until that is on the disk. */
function committed(store: Store): Promise<void> {
  return new Promise((resolve) => {
    store.onCommit = () => resolve();
    store.append({ kind: 'session', record: sampleRecord('client-0') });
    store.append({ kind: 'subscribed', clientId: 'client-0', subscription: sampleSubscription('a/#') });
    store.append({ kind: 'retained', message: sampleMessage({ topic: 't/0', payload: `0 ${FILLING}` }) });
  });
}

afterEach(async () => {
  await killAll();
  rmSync(folder, { recursive: true });
});

function start(): Promise<BrokerProcess> {
  return BrokerProcess.start(['persistence true', `persistence_location ${folder}`]);
}

/** Overwrites every page that has this text. */
function damage(text: string): void {
  const bytes = readFileSync(file);
  for (let at = bytes.indexOf(text); at >= 0; at = bytes.indexOf(text, at)) {
    const page = at - (at % PAGE_BYTES);
    bytes.fill(0xa5, page, page + PAGE_BYTES);
  }
  writeFileSync(file, bytes);
}

interface Found {
  readonly sessions: number;
  readonly messages: number;
  readonly retained: number;
}

/** What is in the store now; all of it is something that was in it before, and nothing is wrong with it. */
async function found(): Promise<Found> {
  const view = await viewLmdbStore(folder);
  expect([...view.examine()].filter((each) => 'what' in each)).toEqual([]);
  let sessions = 0;
  let messages = 0;
  for (const { record, queuedMessages } of view.store.sessions()) {
    sessions++;
    const waiting = readQueue(view.store, record.clientId);
    expect(waiting).toHaveLength(queuedMessages);
    messages += waiting.length;
    const [, n] = record.clientId.split('-');
    for (const { message } of waiting)
      expect(Buffer.from(message.payload).toString()).toMatch(new RegExp(`^${n}/\\d+$`));
  }
  const retained = [...view.store.retained()];
  for (const { topic, payload } of retained) expect(`t/${Buffer.from(payload).toString().split(' ')[0]}`).toBe(topic);
  await view.close();
  return { sessions, messages, retained: retained.length };
}

const ALL: Found = { sessions: SESSIONS, messages: SESSIONS * MESSAGES, retained: RETAINED };

describe('a broker whose store', () => {
  it('was cut in half starts with what can be read of it, and says what that is', async () => {
    truncateSync(file, statSync(file).size / 2);
    const broker = await start();
    const { shown } = broker.program;
    expect(shown).toMatch(
      /^Warning: The store .*data is not good: it has \d+ bytes and should have \d+\. It is kept as data\.damaged-/m,
    );
    const saved =
      /^Warning: Saved from it: (\d+) sessions with \d+ subscriptions and (\d+) messages, (\d+) retained/m.exec(shown);
    await broker.stop();
    const now = await found();
    expect(saved?.slice(1).map(Number)).toEqual([now.sessions, now.messages, now.retained]);
    expect(now.sessions + now.messages + now.retained).toBeGreaterThan(0);
    expect(readdirSync(folder).filter((name) => name.startsWith('data.damaged-'))).toHaveLength(1);
  });

  it('was still being opened when the process ended reads it to its end, and goes on if it is sound', async () => {
    writeFileSync(`${file}.opening`, '');
    const broker = await start();
    expect(broker.program.shown).not.toContain('Warning');
    expect(existsSync(`${file}.opening`)).toBe(false);
    await broker.stop();
    expect(await found()).toEqual(ALL);
  });

  it('has a damaged page is there at the latest with the next start, with the rest of what it had', async () => {
    damage(`200 ${FILLING}`);
    writeFileSync(`${file}.opening`, '');
    const broker = await start();
    expect(broker.program.shown).toContain('it cannot be read to its end');
    await broker.stop();
    const { retained, ...others } = await found();
    expect(others).toEqual({ sessions: SESSIONS, messages: SESSIONS * MESSAGES });
    // What comes before and behind the page in its table is there.
    expect(retained).toBeGreaterThan(0.9 * RETAINED);
    expect(retained).toBeLessThan(RETAINED);
    // New messages come behind those that were saved.
    const store = await openLmdbStore(optionsOf());
    for (const { record } of store.sessions()) {
      const last = readQueue(store, record.clientId).at(-1)?.position ?? 0;
      expect(store.nextPosition(shardOf(record.clientId))).toBeGreaterThan(last);
    }
    await store.close();
  });
});
