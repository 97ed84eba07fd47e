import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LmdbStore } from '@cauldron/broker';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readQueue } from '../contract/store-model.js';
import { clientsOfShard, sampleMessage, sampleRecord, sampleTarget } from '../contract/store-samples.js';
import { BUILT_BROKER, builtBroker } from '../support/built-broker.js';
import { killAll, RunningProgram } from '../support/running-program.js';

const SHARD = 5;
const CLIENT_IDS = clientsOfShard(SHARD, 3);
const ROUNDS = 4;

/**
 * Appends rounds of entries, each in one turn, as fast as the store commits them, beginning with the number in its
 * arguments, and prints the number of each that is committed.
 */
const APPENDER = `
const [, built, folder, first, json, size] = process.argv;
const { openLmdbStore } = await import(built);
const { record, message, target, clientIds, shard } = JSON.parse(json);
const store = await openLmdbStore({
  folder, sync: 'always', syncIntervalMs: 1000, maxBytes: Infinity, strict: true, onWarning: console.error,
});
const payload = new Uint8Array(Number(size));
const messageOf = (topic, number) => ({ ...message, topic, publisher: String(number), payload, bytes: payload.length });
const tickets = [];
let number = Number(first);
function append() {
  number++;
  for (const clientId of clientIds) {
    store.append({ kind: 'session', record: { ...record, clientId, expiryIntervalS: number } });
  }
  const sessions = clientIds.map((clientId) => ({ ...target, clientId }));
  const position = store.nextPosition(shard);
  store.append({ kind: 'queued', shard, position, message: messageOf('a/b', number), sessions });
  for (const topic of ['x', 'y', 'z']) store.append({ kind: 'retained', message: messageOf(topic, number) });
  tickets.push([store.appended, number]);
}
store.onCommit = (committed) => {
  let last;
  while (tickets.length > 0 && tickets[0][0] <= committed) [, last] = tickets.shift();
  if (last !== undefined) process.stdout.write(last + '\\n');
};
(function turn() {
  if (tickets.length < 50) append();
  setImmediate(turn);
})();
`;

const SAMPLES = JSON.stringify({
  record: sampleRecord('client'),
  message: { ...sampleMessage(), expiresAtMs: null },
  target: sampleTarget('client'),
  clientIds: CLIENT_IDS,
  shard: SHARD,
});

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cauldron-kill-'));
});

afterEach(async () => {
  await killAll();
  rmSync(folder, { recursive: true });
});

/** The number of the last round that is in the store; all of each round has to be there, or nothing. */
function lastRound(store: LmdbStore): number {
  const retained = [...store.retained()].map(({ publisher }) => Number(publisher));
  const sessions = [...store.sessions()];
  const [last = 0] = retained;
  expect(retained).toEqual(last === 0 ? [] : [last, last, last]);
  expect(sessions.map(({ record }) => record.expiryIntervalS)).toEqual(retained);
  for (const { record, queuedMessages } of sessions) {
    const numbers = readQueue(store, record.clientId).map(({ message }) => Number(message.publisher));
    expect(numbers).toEqual(Array.from({ length: last }, (_, n) => n + 1));
    expect(queuedMessages).toBe(last);
  }
  return last;
}

describe('a process that is killed while it writes', () => {
  it('leaves all that was committed, and of no turn a part', async () => {
    const { openLmdbStore } = await builtBroker();
    const options = {
      folder,
      sync: 'always',
      syncIntervalMs: 1000,
      maxBytes: Number.POSITIVE_INFINITY,
      strict: true,
      onWarning: (message: string) => expect.unreachable(message),
    } as const;
    let last = 0;
    for (let round = 0; round < ROUNDS; round++) {
      // Some of them large enough for pages of their own.
      const argv = [
        '--input-type=module',
        '-e',
        APPENDER,
        BUILT_BROKER.href,
        folder,
        `${last}`,
        SAMPLES,
        `${round * 2000}`,
      ];
      const program = new RunningProgram(process.execPath, argv, '');
      // Not before so many commits, and then at any moment.
      await program.showsMatch(new RegExp(`^(?:\\d+\\n){${1 + round * 7}}`));
      const { stdout, stderr } = await program.stop('SIGKILL');
      expect(stderr).toBe('');
      const told = Number(stdout.toString().trim().split('\n').at(-1));
      expect(told).toBeGreaterThan(last);
      const store = await openLmdbStore(options);
      last = lastRound(store);
      expect(last).toBeGreaterThanOrEqual(told);
      await store.close();
    }
  });
});
