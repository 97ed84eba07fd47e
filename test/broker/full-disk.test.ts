import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LmdbStore, openLmdbStore } from '@cauldron/broker';
import { ReasonCode } from '@cauldron/codec';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { publishThrough, takeMessage } from '../support/exchange.js';
import { TestBroker } from '../support/test-broker.js';

const LASTING = { clean: false, properties: { sessionExpiryInterval: 1000 } };

let folder: string;
let store: LmdbStore;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cauldron-'));
  const warnings: string[] = [];
  store = await openLmdbStore({
    folder,
    sync: 'always',
    syncIntervalMs: 1000,
    maxBytes: 4_000_000,
    strict: true,
    onWarning: (message) => warnings.push(message),
  });
  expect(warnings).toEqual([]);
});

afterEach(async () => {
  await store.close();
  await rm(folder, { recursive: true });
});

it('publishers are refused when persistence_max_bytes is reached, and no more when the queue was read', async () => {
  const test = new TestBroker({ store });
  const recovered = new Promise<void>((resolve) => {
    test.broker.on('storeFault', (fault) => (fault === null ? resolve() : undefined));
  });
  const subscriber = await test.connected('subscriber', 5, LASTING);
  await subscriber.subscribe('t', 1);
  subscriber.cut();
  const publisher = await test.connected('publisher', 5);
  const text = 'x'.repeat(20_000);
  const taken: string[] = [];
  while (taken.length < 200) {
    const reasonCode = await publishThrough(publisher, 't', `${taken.length} ${text}`, { qos: 1 });
    if (reasonCode === ReasonCode.QUOTA_EXCEEDED) break;
    expect(reasonCode).toBe(0);
    taken.push(`${taken.length} ${text}`);
  }
  expect(taken.length).toBeGreaterThan(50);
  expect(taken.length).toBeLessThan(200);
  expect(store.fault).toContain('persistence_max_bytes is reached');
  expect((await test.client(5).connect({ clientId: 'new', ...LASTING })).reasonCode).toBe(ReasonCode.QUOTA_EXCEEDED);

  const reader = await test.connected('subscriber', 5, LASTING);
  for (const wanted of taken) expect((await takeMessage(reader)).text).toBe(wanted);
  await reader.expectNothing();
  await recovered;
  expect(test.log.lines.filter((line) => line.includes('The store takes'))).toEqual([
    expect.stringContaining('Error: The store takes nothing new: persistence_max_bytes is reached'),
    'The store takes new data again.',
  ]);
  expect(await publishThrough(publisher, 't', 'again', { qos: 1 })).toBe(0);
  expect((await takeMessage(reader)).text).toBe('again');
});
