import { type Entry, Message, type Position, SHARDS, type Store, shardOf } from '@cauldron/broker';
import { EXPORT_FORMAT, EXPORT_VERSION, type ExportCounts } from './export.js';
import { FormatError, JsonFields } from './json-fields.js';
import {
  type InflightReference,
  readClientId,
  readInflight,
  readMessage,
  readPacketId,
  readRecord,
  readSubscription,
  readTarget,
} from './json-form.js';

/**
 * Reads the objects of an export, one after the other, as entries for a store: sessions and retained messages take the
 * place of those that the store has. Positions keep their order, behind all that the store has used; in a store that has
 * used none they stay as they are.
 */
export class ExportReader {
  readonly #positions: Pick<Store, 'nextPosition'>;
  /** By shard: what is added to the positions of the file. */
  readonly #offsets: (number | undefined)[] = new Array(SHARDS).fill(undefined);
  readonly #counts = { sessions: 0, messages: 0, retained: 0 } satisfies ExportCounts;
  readonly #sessions = new Set<string>();
  #hasHead = false;
  #hasEnded = false;

  constructor(positions: Pick<Store, 'nextPosition'>) {
    this.#positions = positions;
  }

  /** How many objects have been read, without head and end. */
  get counts(): ExportCounts {
    return this.#counts;
  }

  /** Each entry must be appended before the next object is read. @throws FormatError */
  read(object: unknown): Entry[] {
    if (!this.#hasHead) {
      this.#readHead(object);
      return [];
    }
    if (this.#hasEnded) throw new FormatError('there is something behind the end');
    const fields = new JsonFields(object, 'an object');
    const kind = fields.text('kind');
    switch (kind) {
      case 'session':
        return this.#readSession(fields);
      case 'queued':
        return [this.#readQueued(fields)];
      case 'inflight':
        return this.#readInflight(fields);
      case 'retained':
        this.#counts.retained++;
        return [{ kind, message: readMessage(fields) }];
      case 'end':
        this.#readEnd(fields);
        return [];
      default:
        throw new FormatError(`there is no kind '${kind}'`);
    }
  }

  /** The file has no more objects. @throws FormatError when it should have */
  end(): void {
    if (!this.#hasHead) throw new FormatError('it is empty');
    if (!this.#hasEnded) throw new FormatError('the last line is missing: the file was cut off');
  }

  #readHead(object: unknown): void {
    const fields = new JsonFields(object, 'the first line');
    if (fields.text('format', '') !== EXPORT_FORMAT) throw new FormatError('this is no export of a store');
    const version = fields.integer('version', 1, Number.MAX_SAFE_INTEGER);
    if (version > EXPORT_VERSION) {
      throw new FormatError(`version ${version}: it needs a newer program, this one reads up to ${EXPORT_VERSION}`);
    }
    this.#hasHead = true;
  }

  #readSession(fields: JsonFields): Entry[] {
    const record = readRecord(fields);
    const { clientId } = record;
    const subscriptions = fields.list('subscriptions').map(readSubscription);
    const inbound = fields.list('inbound').map(readPacketId);
    fields.end();
    if (this.#sessions.has(clientId)) throw new FormatError(`a second session of client '${clientId}'`);
    this.#sessions.add(clientId);
    this.#counts.sessions++;
    return [
      { kind: 'sessionRemoved', clientId },
      { kind: 'session', record },
      ...subscriptions.map((subscription): Entry => ({ kind: 'subscribed', clientId, subscription })),
      ...inbound.map((packetId): Entry => ({ kind: 'inboundHeld', clientId, packetId })),
    ];
  }

  #readQueued(fields: JsonFields): Entry {
    const position = fields.integer('position', 1, Number.MAX_SAFE_INTEGER);
    const message = readMessage(fields.object('message'));
    const sessions = fields.list('sessions').map(readTarget);
    fields.end();
    for (const { clientId } of sessions) this.#expectSession(clientId);
    const shards = new Set(sessions.map(({ clientId }) => shardOf(clientId)));
    const [shard] = shards;
    if (shard === undefined || shards.size > 1) throw new FormatError('the sessions of a message are not of one shard');
    this.#counts.messages++;
    return { kind: 'queued', shard, position: this.#positionIn(shard, position), message, sessions };
  }

  #readInflight(fields: JsonFields): Entry[] {
    const clientId = readClientId(fields);
    const messages = fields.list('messages').map(readInflight);
    fields.end();
    this.#expectSession(clientId);
    return messages.flatMap((inflight) => this.#sent(clientId, inflight));
  }

  #sent(clientId: string, { packetId, state, position }: InflightReference): Entry[] {
    const shard = shardOf(clientId);
    if (state !== 3) {
      return [{ kind: 'sent', clientId, position: this.#positionIn(shard, position), packetId }];
    }
    // Only what was sent can be received; what it was nobody needs any more.
    const sent = this.#positions.nextPosition(shard);
    const target = { clientId, qos: 2, retain: false, identifiers: null, sharedFilter: null } as const;
    return [
      { kind: 'queued', shard, position: sent, message: forgottenMessage(), sessions: [target] },
      { kind: 'sent', clientId, position: sent, packetId },
      { kind: 'received', clientId, packetId },
    ];
  }

  #readEnd(fields: JsonFields): void {
    for (const name of ['sessions', 'messages', 'retained'] as const) {
      const expected = fields.integer(name, 0, Number.MAX_SAFE_INTEGER);
      const found = this.#counts[name];
      if (expected !== found) throw new FormatError(`there should be ${expected} ${name}, and there are ${found}`);
    }
    fields.end();
    this.#hasEnded = true;
  }

  #expectSession(clientId: string): void {
    if (!this.#sessions.has(clientId)) throw new FormatError(`there is no session of client '${clientId}' above`);
  }

  #positionIn(shard: number, position: Position): Position {
    let offset = this.#offsets[shard];
    if (offset === undefined) {
      offset = this.#positions.nextPosition(shard) - 1;
      this.#offsets[shard] = offset;
    }
    return position + offset;
  }
}

function forgottenMessage(): Message {
  return new Message('-', new Uint8Array(0), 2, false, null, '', Number.POSITIVE_INFINITY).keep();
}
