import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { plainQueued, snapshot } from '../../../../../test/contract/store-model.js';
import {
  sampleMessage,
  sampleRecord,
  sampleSubscription,
  sampleTarget,
} from '../../../../../test/contract/store-samples.js';
import { shardOf } from '../../core/shard.js';
import {
  ALICE,
  BOB,
  begin,
  CAROL,
  closeAll,
  committed,
  fileOf,
  nextTurn,
  type Opened,
  open,
  problemsOf,
  queue,
  SHARD,
  sent,
  storeOn,
} from '../lmdb-store.test-support.js';
import { copyOf, type Environment, type Table } from './environment.js';
import { FORMAT_KEY, POSITIONS_KEY } from './format.js';
import { examine, isProblem } from './integrity.js';
import { messageKey, nameKey, sessionPrefix } from './keys.js';

let sound: Opened;
let positions: number[];

beforeEach(async () => {
  sound = open();
  const { store } = sound;
  begin(store, ALICE, BOB, CAROL);
  for (const clientId of [ALICE, BOB]) {
    store.append({ kind: 'subscribed', clientId, subscription: sampleSubscription('a/#') });
    store.append({ kind: 'inboundHeld', clientId, packetId: 7 });
  }
  store.append({ kind: 'retained', message: sampleMessage({ topic: 'kept' }) });
  store.append({ kind: 'retained', message: sampleMessage({ topic: 'kept/too' }) });
  positions = Array.from({ length: 4 }, (_, n) => queue(store, `${n}`, sampleTarget(ALICE), sampleTarget(BOB)));
  store.append(sent(ALICE, positions[0], 1));
  store.append(sent(ALICE, positions[1], 2));
  await committed(store);
  await nextTurn();
});

afterEach(closeAll);

const firstKey = (environment: Environment, table: Table): Buffer => {
  for (const { key } of environment.all(table)) return Buffer.from(key);
  throw new Error(`${table} is empty`);
};

type Damage = (environment: Environment) => void;

const put =
  (table: Table, key: Buffer | null, change: (value: Uint8Array) => Uint8Array): Damage =>
  (environment) => {
    const at = key ?? firstKey(environment, table);
    const value = copyOf(environment.get(table, at) ?? new Uint8Array(0));
    environment.commitNow((batch) => batch.put(table, at, change(value)));
  };

const remove =
  (table: Table, key: () => Buffer): Damage =>
  (environment) =>
    environment.commitNow((batch) => batch.remove(table, key()));

const cut = (value: Uint8Array): Uint8Array => value.subarray(0, 2);
const session = (clientId: string): Buffer => nameKey(SHARD, clientId);
const nobody = Buffer.concat([sessionPrefix(SHARD, 99), Buffer.alloc(8)]);

/** Of each: what is done to the file, what is said of it, and which of the sound parts are gone afterwards. */
const DAMAGES: readonly (readonly [string, Damage, Table, RegExp])[] = [
  ['a session that cannot be read', put('sessions', session(CAROL), cut), 'sessions', /a session/],
  [
    'a session in the place of another',
    (environment) => {
      const value = copyOf(environment.get('sessions', session(CAROL)) ?? new Uint8Array(0));
      environment.commitNow((batch) => batch.put('sessions', session('x'), value));
    },
    'sessions',
    /is in another's place|has the number of another/,
  ],
  [
    'parts of a session that is not there',
    remove('sessions', () => session(BOB)),
    'subscriptions',
    /belongs to session/,
  ],
  [
    'a part of a queue of nobody',
    put('queues', nobody, () => new Uint8Array([0, 0])),
    'queues',
    /belongs to session 99/,
  ],
  ['a part of a queue that cannot be read', put('queues', null, cut), 'queues', /a part of a queue/],
  ['messages in flight that cannot be read', put('inflight', null, cut), 'inflight', /messages in flight/],
  ['packet ids that cannot be read', put('inbound', null, cut), 'inbound', /in 2 bytes instead of 32/],
  ['a subscription that cannot be read', put('subscriptions', null, cut), 'subscriptions', /a subscription/],
  ['a retained message that cannot be read', put('retained', null, cut), 'retained', /a retained message/],
  [
    'a retained message in the place of another',
    put('retained', nameKey(shardOf('kept'), 'kept'), () => new Uint8Array([0, 0, 1, 120, 0, 0])),
    'retained',
    /'x' is in another's place/,
  ],
  [
    'a message that is missed',
    (environment) => environment.commitNow((batch) => batch.remove('messages', messageKey(SHARD, positions[1]))),
    'inflight',
    /1 of its messages are not there/,
  ],
  [
    'a message that cannot be read',
    (environment) => put('messages', messageKey(SHARD, positions[3]), cut)(environment),
    'messages',
    /a message/,
  ],
  [
    'a message that nobody waits for',
    (environment) => {
      const value = copyOf(environment.get('messages', messageKey(SHARD, positions[0])) ?? new Uint8Array(0));
      environment.commitNow((batch) => batch.put('messages', messageKey(SHARD, 60_000), value));
    },
    'messages',
    /nobody waits for message 60000/,
  ],
  [
    'a wrong number of references',
    (environment) => put('references', messageKey(SHARD, positions[0]), () => new Uint8Array([3]))(environment),
    'references',
    /is wanted 2 times/,
  ],
  [
    'a missing number of references',
    (environment) => environment.commitNow((batch) => batch.remove('references', messageKey(SHARD, positions[0]))),
    'references',
    /is wanted 2 times/,
  ],
  [
    'references to no message',
    put('references', messageKey(SHARD, 60_000), () => new Uint8Array([2])),
    'references',
    /60000, which is not there/,
  ],
  ['positions that cannot be read', put('meta', POSITIONS_KEY, cut), 'meta', /the positions/],
  [
    'positions that are lost',
    remove('meta', () => POSITIONS_KEY),
    'meta',
    /shard 5 has message 4, which was not set aside/,
  ],
];

/** Each thing that a snapshot has, as text. */
function parts(store: Opened['store']): Set<string> {
  const found = new Set<string>();
  const { sessions, retained } = snapshot(store) as { sessions: Record<string, unknown>[]; retained: unknown[] };
  for (const { record, subscriptions, inflight, inbound, queue: waiting } of sessions) {
    const { clientId } = record as { clientId: string };
    for (const list of [[record], subscriptions, inflight, inbound, waiting] as unknown[][]) {
      for (const each of list) found.add(JSON.stringify([clientId, each]));
    }
  }
  for (const message of retained) found.add(JSON.stringify(message));
  return found;
}

describe('a store that is examined', () => {
  it('has no problems when it is sound', () => {
    const found = [...examine(sound.environment)];
    expect(found.filter(isProblem)).toEqual([]);
    expect(found.at(-1)).toEqual({ shard: 31, shards: 32 });
  });

  it.each(DAMAGES)('with %s says so, and is sound after its repair, with all else', async (_, damage, table, what) => {
    const before = parts(sound.store);
    const environment = fileOf(sound.environment.commits);
    damage(environment);
    const problems = problemsOf(environment);
    expect(problems).toContainEqual({ table, what: expect.stringMatching(what) });

    expect([...examine(environment, environment)].filter(isProblem)).toEqual(problems);
    await environment.commit();
    expect(problemsOf(environment)).toEqual([]);

    // What was not damaged is there; what the damage took is less than half of it.
    const { store } = storeOn(environment);
    const after = parts(store);
    for (const part of after) expect(before).toContain(part);
    expect(after.size).toBeGreaterThan(before.size / 2);
    expect(store.nextPosition(SHARD)).toBeGreaterThan(Math.max(...positions));
    begin(store, ALICE);
    const payload = 'new';
    const position = queue(store, payload, sampleTarget(ALICE));
    expect(store.queue(ALICE, 0, 100).map(plainQueued).at(-1)).toMatchObject({ position });
    await store.close();
  });

  it('without a format version says so', async () => {
    const environment = fileOf(sound.environment.commits);
    remove('meta', () => FORMAT_KEY)(environment);
    expect(problemsOf(environment)).toEqual([{ table: 'meta', what: 'it has no format version' }]);
    await environment.close();
  });

  it('is told of with its sessions in any shard', async () => {
    const { store, environment } = open();
    for (let n = 0; n < 100; n++) store.append({ kind: 'session', record: sampleRecord(`client ${n}`) });
    await committed(store);
    expect(problemsOf(environment)).toEqual([]);
  });
});
