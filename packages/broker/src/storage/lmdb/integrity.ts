import type { Position } from '../../core/ports/store.js';
import { SHARDS } from '../../core/ports/store.js';
import { readEntries } from './entry-records.js';
import { type Batch, type Environment, FIRST_KEY, type KeyValue, TABLES, type Table } from './environment.js';
import { messageOf } from './failures.js';
import { FORMAT_KEY, POSITIONS_KEY, readPositions, writePositions } from './format.js';
import { InboundIds } from './inbound-ids.js';
import { InflightWindow } from './inflight-window.js';
import {
  chunkPosition,
  endOf,
  logKey,
  messageKey,
  messagePosition,
  nameKey,
  partKey,
  partOf,
  sessionNumber,
} from './keys.js';
import { QueueChunk } from './queue-chunk.js';
import { RecordWriter } from './record-writer.js';
import { readerOf, readMessage, readSession, readSubscription, readUint } from './records.js';

/** Something in the file that does not fit the rest. */
export interface Problem {
  readonly table: Table;
  readonly what: string;
}

/** What the walk has come to, for a progress line. */
export interface Examined {
  readonly shard: number;
  readonly shards: number;
}

/**
 * Reads all of a store, shard by shard, and tells what does not fit: what cannot be read, what belongs to nobody, messages
 * that are missed or that nobody waits for. With `repair`, mends it by leaving out what cannot be saved: afterwards
 * nothing is missed, and what could be read is there.
 * @throws Error when LMDB itself cannot go on
 */
export function* examine(environment: Environment, repair: Batch | null = null): Generator<Problem | Examined> {
  const counts = new Map(TABLES.map((table) => [table, environment.count(table)]));
  yield* examineMeta(environment, repair);
  const lastPositions: Position[] = [];
  const seen = new Map<Table, number>();
  for (let shard = 0; shard < SHARDS; shard++) {
    const examination = new ShardExamination(environment, repair, shard, seen);
    yield* examination.run();
    lastPositions.push(examination.lastPosition);
    yield { shard, shards: SHARDS };
  }
  yield* examinePositions(environment, repair, lastPositions);
  // At a damaged page, LMDB may stop as if it were the last.
  for (const [table, records] of seen) {
    const count = counts.get(table) ?? 0;
    if (count !== records) yield { table, what: `${count - records} of ${count} records cannot be reached` };
  }
}

export function isProblem(found: Problem | Examined): found is Problem {
  return 'what' in found;
}

function* examineMeta(environment: Environment, repair: Batch | null): Generator<Problem> {
  try {
    readPositions(environment.get('meta', POSITIONS_KEY));
  } catch (error) {
    yield { table: 'meta', what: messageOf(error) };
    repair?.remove('meta', POSITIONS_KEY);
  }
  for (const { key, value } of environment.range('log', FIRST_KEY, logKey(Number.MAX_SAFE_INTEGER))) {
    try {
      for (const _ of readEntries(value));
    } catch (error) {
      yield { table: 'log', what: messageOf(error) };
      repair?.remove('log', key);
    }
  }
  if (environment.get('meta', FORMAT_KEY) === undefined) yield { table: 'meta', what: 'it has no format version' };
}

/** A position that has a message must never be given out again. */
function* examinePositions(
  environment: Environment,
  repair: Batch | null,
  lastPositions: readonly Position[],
): Generator<Problem> {
  let reserved: readonly Position[] = new Array(SHARDS).fill(0);
  try {
    reserved = readPositions(environment.get('meta', POSITIONS_KEY));
  } catch {
    // That has been told.
  }
  const used = lastPositions.map((position, shard) => Math.max(position, reserved[shard]));
  for (const [shard, position] of used.entries()) {
    if (position > reserved[shard]) {
      yield { table: 'meta', what: `shard ${shard} has message ${position}, which was not set aside` };
    }
  }
  if (used.some((position, shard) => position > reserved[shard])) {
    repair?.put('meta', POSITIONS_KEY, writePositions(used));
  }
}

/** All keys begin with the shard, so each shard can be looked at alone. */
class ShardExamination {
  readonly #environment: Environment;
  readonly #repair: Batch | null;
  readonly #shard: number;
  readonly #clientIds = new Map<number, string>();
  /** Of each message that can be read: how many shares there are. */
  readonly #references = new Map<Position, number>();
  readonly #writer = new RecordWriter();
  /** By table: how many records there were in this shard and those before. */
  readonly #seen: Map<Table, number>;
  /** Of its messages; 0: it has none. */
  lastPosition: Position = 0;

  constructor(environment: Environment, repair: Batch | null, shard: number, seen: Map<Table, number>) {
    this.#seen = seen;
    this.#environment = environment;
    this.#repair = repair;
    this.#shard = shard;
  }

  *run(): Generator<Problem> {
    yield* this.#each('sessions', ({ key, value }) => {
      const { number, record } = readSession(value);
      if (!nameKey(this.#shard, record.clientId).equals(key))
        throw new Error(`${record.clientId} is in another's place`);
      if (this.#clientIds.has(number)) throw new Error(`${record.clientId} has the number of another`);
      this.#clientIds.set(number, record.clientId);
    });
    yield* this.#each('leaving', ({ key, value }) => {
      this.#clientIds.set(sessionNumber(key), readerOf(value, 'a session that is over').text('its client id'));
    });
    yield* this.#each('messages', ({ key, value }) => {
      readMessage(readerOf(value, 'a message'));
      const position = messagePosition(key);
      if (!Number.isSafeInteger(position)) throw new Error(`a message has position ${position}`);
      this.#references.set(position, 0);
      this.lastPosition = Math.max(this.lastPosition, position);
    });
    yield* this.#each('retained', ({ key, value }) => {
      const { topic } = readMessage(readerOf(value, 'a retained message'));
      if (!nameKey(this.#shard, topic).equals(key)) throw new Error(`'${topic}' is in another's place`);
    });
    yield* this.#each('subscriptions', ({ key, value }) => {
      this.#ownerOf(key);
      readSubscription(value);
    });
    yield* this.#each('inbound', ({ key, value }) => {
      this.#ownerOf(key);
      if (value.length !== 32) throw new Error(`packet ids in ${value.length} bytes instead of 32`);
      new InboundIds().restore(partOf(key), value);
    });
    yield* this.#queues();
    yield* this.#inflight();
    yield* this.#counts();
  }

  /** Calls `read` for each record of the shard; what it throws is a problem, and the record is left out. */
  *#each(table: Table, read: (record: KeyValue) => void): Generator<Problem> {
    const start = Buffer.of(this.#shard);
    let seen = this.#seen.get(table) ?? 0;
    for (const record of this.#environment.range(table, start, endOf(start))) {
      try {
        read(record);
      } catch (error) {
        yield { table, what: messageOf(error) };
        this.#repair?.remove(table, record.key);
      }
      seen++;
    }
    this.#seen.set(table, seen);
  }

  #ownerOf(key: Buffer): string {
    const clientId = this.#clientIds.get(sessionNumber(key));
    if (clientId === undefined) throw new Error(`it belongs to session ${sessionNumber(key)}, which is not there`);
    return clientId;
  }

  /** False: the message is missed. */
  #count(position: Position): boolean {
    const references = this.#references.get(position);
    if (references === undefined) return false;
    this.#references.set(position, references + 1);
    return true;
  }

  *#queues(): Generator<Problem> {
    const incomplete: { readonly key: Buffer; readonly chunk: QueueChunk; readonly missed: number }[] = [];
    yield* this.#each('queues', ({ key, value }) => {
      const chunk = QueueChunk.read(chunkPosition(key), value, this.#ownerOf(key));
      const found = chunk.shares.filter(({ position }) => this.#count(position));
      const missed = chunk.shares.length - found.length;
      if (missed > 0) incomplete.push({ key: Buffer.from(key), chunk: new QueueChunk(chunk.key, found, true), missed });
    });
    for (const { key, chunk, missed } of incomplete) {
      yield { table: 'queues', what: `${missed} of its messages are not there` };
      if (chunk.shares.length === 0) this.#repair?.remove('queues', key);
      else {
        chunk.write(this.#writer);
        this.#repair?.put('queues', key, this.#writer.take());
      }
    }
  }

  *#inflight(): Generator<Problem> {
    const incomplete = new Map<
      string,
      { readonly prefix: Buffer; readonly window: InflightWindow; readonly missed: number[] }
    >();
    yield* this.#each('inflight', ({ key, value }) => {
      const window = new InflightWindow();
      window.restore(value, this.#ownerOf(key));
      const missed: number[] = [];
      for (const [packetId, { share }] of window.byId) {
        if (share !== null && !this.#count(share.position)) missed.push(packetId);
      }
      const prefix = Buffer.from(key.subarray(0, key.length - 2));
      if (missed.length > 0) incomplete.set(partKey(prefix, partOf(key)).toString('hex'), { prefix, window, missed });
    });
    for (const { prefix, window, missed } of incomplete.values()) {
      yield { table: 'inflight', what: `${missed.length} of its messages are not there` };
      for (const packetId of missed) window.complete(packetId);
      if (this.#repair !== null) window.write(this.#repair, this.#writer, prefix);
    }
  }

  *#counts(): Generator<Problem> {
    const wrong = new Map<Position, number>();
    const counted = new Map(this.#references);
    yield* this.#each('references', ({ key, value }) => {
      const position = messagePosition(key);
      const said = readUint(readerOf(value, 'a number of references'), 'the number');
      const found = counted.get(position);
      if (found === undefined) throw new Error(`it counts message ${position}, which is not there`);
      counted.delete(position);
      if (found !== said) wrong.set(position, found);
    });
    // One that is not counted has one.
    for (const [position, found] of counted) if (found !== 1) wrong.set(position, found);
    for (const [position, found] of wrong) {
      const key = messageKey(this.#shard, position);
      if (found === 0) {
        yield { table: 'messages', what: `nobody waits for message ${position}` };
        this.#repair?.remove('messages', key);
      } else yield { table: 'references', what: `message ${position} is wanted ${found} times` };
      if (found > 1) {
        this.#writer.uint(found);
        this.#repair?.put('references', key, this.#writer.take());
      } else this.#repair?.remove('references', key);
    }
  }
}

/** What a damaged file is copied by, in this order. */
export const SAVED_TABLES: readonly Table[] = TABLES.filter((table) => table !== 'meta');
