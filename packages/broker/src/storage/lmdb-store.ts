import { dirname } from 'node:path';
import type { Message } from '../core/message.js';
import type {
  Entry,
  InflightRecord,
  Position,
  QueuedMessage,
  Store,
  StoredSession,
  Ticket,
} from '../core/ports/store.js';
import { SHARDS } from '../core/ports/store.js';
import { shardOf } from '../core/shard.js';
import { EntryLog } from './lmdb/entry-log.js';
import type { Environment } from './lmdb/environment.js';
import { messageOf } from './lmdb/failures.js';
import { POSITIONS_KEY, readPositions, writePositions } from './lmdb/format.js';
import { type Commitment, GroupCommit, type Held, type SyncMode } from './lmdb/group-commit.js';
import { LARGEST_SESSION_NUMBER, nameKey } from './lmdb/keys.js';
import { loadSessions } from './lmdb/load-sessions.js';
import { Overlay } from './lmdb/overlay.js';
import { RecordWriter } from './lmdb/record-writer.js';
import { copyTogether, readerOf, readMessage, writeMessage } from './lmdb/records.js';
import { Room } from './lmdb/room.js';
import { SessionState } from './lmdb/session-state.js';
import { Share } from './lmdb/share.js';
import { type StoredMessage, StoredMessages } from './lmdb/stored-messages.js';

/** Positions that are set aside with one write; those that were not used are lost with the process. */
const RESERVED_POSITIONS = 65_536;

/** With fewer entries than these, a commit changes the tables at once. */
const LOG_FROM = 128;

/** The log is brought to the tables when it has so many bytes, or is so old. */
const LOG_BYTES = 1024 * 1024;
const LOG_MS = 1000;

/** Parts of a queue that one commit removes at most, so that the end of a long one holds nobody up. */
const CHUNKS_PER_COMMIT = 256;

export interface LmdbStoreSettings {
  readonly sync: SyncMode;
  /** With `interval`. */
  readonly syncIntervalMs: number;
  /** What the data may take; `Infinity` for as much as there is. */
  readonly maxBytes: number;
  /** Entries from which on a commit writes a record of the log instead of the tables. Default: what was found to be best. */
  readonly logFrom?: number;
  /** Hears what was wrong and what was done about it, in words for people. */
  onWarning(message: string): void;
}

/** The file cannot be read any further: it has to be opened as one that is damaged. */
export class DamagedStoreError extends Error {
  override readonly name = 'DamagedStoreError';
}

/** How much a store has, for people. */
export interface StoreStats {
  readonly sessions: number;
  readonly subscriptions: number;
  /** Waiting in queues, each counted for each session. */
  readonly queuedMessages: number;
  readonly queuedBytes: number;
  readonly inflight: number;
  /** Messages that sessions wait for or have in flight, each once per shard. */
  readonly messages: number;
  readonly retained: number;
  /** Bytes of the file that hold something. */
  readonly usedBytes: number;
}

/** What one commit of the tables is about, until it is settled. */
interface Committing {
  readonly sessions: readonly SessionState[];
  readonly removed: readonly SessionState[];
  readonly leaving: readonly SessionState[];
  readonly positions: boolean;
}

/**
 * A store on the disk. Entries change what is in memory at once; from there, changes go to LMDB in commits that take all
 * that gathered since the last one. What came and went between two commits is never written: a message that all of its
 * receivers acknowledged in time costs nothing. `GroupCommit` says when.
 *
 * In memory: what the disk does not have yet, what is in flight, and a few fields for each session. The rest is read when
 * it is asked for.
 */
export class LmdbStore implements Store, Commitment {
  readonly #environment: Environment;
  readonly #settings: LmdbStoreSettings;
  readonly #onClose: () => Promise<void>;
  readonly #commits: GroupCommit;
  readonly #room: Room;
  readonly #writer = new RecordWriter();
  readonly #sessions: Map<string, SessionState>;
  #lastNumber: number;
  readonly #messages: StoredMessages;
  readonly #retained = new Overlay<Message>();
  readonly #positions: Position[];
  /** Positions up to these will not be given out again after a restart. */
  readonly #reserved: Position[];
  #needsPositions = false;
  /** Sessions that may differ from what the disk has. */
  #listed: SessionState[] = [];
  /** Those that are over, and still on the disk. */
  #removed: SessionState[] = [];
  /** Of those that are over, the ones whose queues are too long to be removed at once. */
  #leaving: SessionState[];
  #committing: Committing | null = null;
  readonly #log = new EntryLog();
  /** What has happened cannot be told by the log. */
  #needsTables = false;
  #closing: Promise<void> | null = null;

  /**
   * Reads what must be in memory. `path`: of the data file. `onClose`: called when all is closed.
   * @throws Error when the file is damaged
   */
  constructor(
    environment: Environment,
    path: string,
    settings: LmdbStoreSettings,
    onClose: () => Promise<void> = () => Promise.resolve(),
  ) {
    this.#environment = environment;
    this.#settings = settings;
    this.#onClose = onClose;
    this.#commits = new GroupCommit(this, settings.sync, settings.syncIntervalMs);
    this.#room = new Room(environment, dirname(path), settings.maxBytes);
    this.#messages = new StoredMessages(environment);
    this.#reserved = readPositions(environment.get('meta', POSITIONS_KEY));
    this.#positions = [...this.#reserved];
    for (let shard = 0; shard < SHARDS; shard++) this.#messages.lastPositions[shard] = this.#reserved[shard];
    const { sessions, leaving, lastNumber } = loadSessions(environment, (clientId, number) =>
      this.#newState(clientId, number, false),
    );
    this.#sessions = sessions;
    this.#leaving = leaving;
    this.#lastNumber = lastNumber;
    try {
      this.#log.replay(environment, (entry) => this.#apply(entry, 0));
    } catch (error) {
      this.#commits.abandon();
      throw error;
    }
    if (this.#log.bytes > 0) this.#needsTables = true;
    if ((leaving.length > 0 || this.#needsTables) && !environment.isReadOnly) this.#removeMore();
  }

  get onCommit(): (committed: Ticket) => void {
    return this.#commits.onCommit;
  }

  set onCommit(onCommit: (committed: Ticket) => void) {
    this.#commits.onCommit = onCommit;
  }

  get onFault(): (fault: string | null) => void {
    return this.#commits.onFault;
  }

  set onFault(onFault: (fault: string | null) => void) {
    this.#commits.onFault = onFault;
  }

  get appended(): Ticket {
    return this.#commits.appended;
  }

  get committed(): Ticket {
    return this.#commits.committed;
  }

  get fault(): string | null {
    return this.#commits.fault;
  }

  get storedMessages(): number {
    return this.#messages.count;
  }

  get stats(): StoreStats {
    let queuedMessages = 0;
    let queuedBytes = 0;
    let inflight = 0;
    for (const session of this.#sessions.values()) {
      queuedMessages += session.queuedMessages;
      queuedBytes += session.queuedBytes;
      inflight += session.inflightById.size;
    }
    const environment = this.#environment;
    return {
      sessions: this.#sessions.size,
      subscriptions: environment.count('subscriptions') + this.#addedSubscriptions(),
      queuedMessages,
      queuedBytes,
      inflight,
      messages: this.#messages.count,
      retained: environment.count('retained') + this.#addedRetained(),
      usedBytes: environment.usedBytes,
    };
  }

  /** By how many retained messages memory has more than the tables. */
  #addedRetained(): number {
    return this.#retained.added((topic) => this.#environment.has('retained', nameKey(shardOf(topic), topic)));
  }

  #addedSubscriptions(): number {
    return this.#listed.reduce((sum, session) => sum + session.addedSubscriptions, 0);
  }

  nextPosition(shard: number): Position {
    const position = ++this.#positions[shard];
    if (Number.isNaN(position)) throw new RangeError(`There is no shard ${shard}`);
    if (position > this.#reserved[shard]) this.#reserve(shard, position);
    return position;
  }

  append(entry: Entry): Ticket {
    const ticket = this.#commits.next();
    this.#log.add(entry, this.#apply(entry, ticket));
    return ticket;
  }

  /** @throws DamagedStoreError */
  *sessions(): Generator<StoredSession> {
    for (const session of [...this.#sessions.values()]) {
      try {
        yield this.#storedSession(session);
      } catch (error) {
        throw damaged(error);
      }
    }
  }

  /** @throws DamagedStoreError */
  *retained(): Generator<Message> {
    const changed = this.#retained;
    const copy = copyTogether();
    try {
      for (const { value } of this.#environment.all('retained')) {
        const message = readMessage(readerOf(value, 'a retained message'), undefined, copy);
        if (changed.get(message.topic) === undefined) yield message;
      }
    } catch (error) {
      throw damaged(error);
    }
    yield* [...changed.values()];
  }

  queue(clientId: string, after: Position, limit: number): QueuedMessage[] {
    const session = this.#sessions.get(clientId);
    if (session === undefined || session.queuedMessages === 0) return [];
    const found: QueuedMessage[] = [];
    const lost: Share[] = [];
    for (const share of session.queue.page(after, limit)) {
      const message = this.#readMessage(session, share);
      if (message === null) lost.push(share);
      else found.push(queuedMessage(share, message));
    }
    if (lost.length === 0) return found;
    // What cannot be read must not stand in the way of the rest.
    for (const { position } of lost) {
      const share = this.#takeQueued(session, position);
      if (share !== undefined) this.#release(session.shard, share);
    }
    this.#commits.beginTurn();
    return this.queue(clientId, after, limit);
  }

  /** Writes a consistent copy to a new file, while the store goes on. What was committed before the call is in it. */
  copyTo(path: string): Promise<void> {
    return this.#environment.copyTo(path);
  }

  save(): Promise<string | null> {
    return this.#commits.save();
  }

  /** Commits what was appended, unless the disk does not take it, and closes the file. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const fault = this.#environment.isReadOnly ? null : await this.#commits.close();
    if (fault !== null) this.#settings.onWarning(`What came last is not in the store: ${fault}.`);
    await this.#environment.close();
    await this.#onClose();
  }

  get oldestHeld(): Held | undefined {
    return this.#messages.oldestHeld;
  }

  get held(): number {
    return this.#messages.held;
  }

  get hasLittleRoom(): boolean {
    return this.#room.isBounded;
  }

  lackOfRoom(wasFull: boolean): string | null {
    return this.#room.lack(wasFull);
  }

  get tablesDueMs(): number {
    return this.#log.sinceMs + LOG_MS;
  }

  /** Called by `GroupCommit`, as `settle` is. */
  write(nowMs: number, isForTables: boolean): Promise<void> {
    try {
      if (isForTables || this.#isForTables(nowMs)) this.#writeTables();
      else {
        this.#log.write(this.#environment, this.#writer, nowMs);
        this.#messages.log();
      }
    } catch (error) {
      // A part of it may be there.
      this.#environment.discard();
      throw error;
    }
    return this.#environment.commit();
  }

  #isForTables(nowMs: number): boolean {
    const { sync, logFrom = LOG_FROM } = this.#settings;
    const log = this.#log;
    if (sync !== 'always' || this.#needsTables || this.#leaving.length > 0) return true;
    if (log.bytes === 0 && log.length < logFrom) return true;
    return log.bytes + log.pendingBytes >= LOG_BYTES || nowMs >= this.tablesDueMs;
  }

  #writeTables(): void {
    const environment = this.#environment;
    const writer = this.#writer;
    const leaving = this.#leaving;
    const removed = this.#removed;
    const sessions = this.#listed.filter(({ isOver }) => !isOver);
    for (const session of sessions) session.isListed = false;
    this.#committing = { sessions, removed, leaving, positions: this.#needsPositions };
    this.#leaving = leaving.filter((session) => !this.#emptyQueue(session));
    this.#removed = [];
    this.#listed = [];
    // The removal of a session comes before a new one of the same client.
    for (const session of removed) {
      environment.remove('sessions', nameKey(session.shard, session.clientId));
      session.erase(environment);
      session.queue.write(environment, writer);
    }
    for (const session of leaving) this.#writeLeaving(session);
    for (const session of sessions) session.write(environment, writer);
    this.#messages.write(environment, writer);
    for (const [topic, message] of this.#retained.begin()) this.#writeRetained(topic, message);
    if (this.#needsPositions) environment.put('meta', POSITIONS_KEY, writePositions(this.#reserved));
    this.#needsPositions = false;
    this.#needsTables = false;
    this.#log.clear(environment);
  }

  settle(isCommitted: boolean): void {
    this.#writer.reset();
    this.#log.settle(isCommitted);
    this.#messages.settle(isCommitted);
    const committing = this.#committing;
    if (committing === null) return;
    this.#committing = null;
    const { sessions, removed, leaving, positions } = committing;
    for (const session of [...removed, ...leaving, ...sessions]) session.settle(isCommitted);
    this.#retained.settle(isCommitted);
    if (!isCommitted) {
      this.#needsTables = true;
      this.#removed = [...removed, ...this.#removed];
      this.#leaving = [...new Set([...leaving, ...this.#leaving])];
      for (const { clientId } of sessions) this.#changed(clientId);
      this.#needsPositions ||= positions;
    }
    if (this.#leaving.length > 0) this.#removeMore();
  }

  /**
   * The only place where the state changes; all that it depends on is in the entry and in the state before.
   * @returns the message that the entry is about, where that came in this process
   */
  #apply(entry: Entry, ticket: Ticket): StoredMessage | null {
    switch (entry.kind) {
      case 'session':
        this.#applySession(entry);
        break;
      case 'sessionRemoved':
        this.#applySessionRemoved(entry);
        break;
      case 'subscribed':
        this.#changed(entry.clientId)?.setSubscription(entry.subscription.filter, entry.subscription);
        this.#commits.mustCommit();
        break;
      case 'unsubscribed':
        this.#changed(entry.clientId)?.setSubscription(entry.filter, null);
        this.#commits.mustCommit();
        break;
      case 'queued':
        return this.#applyQueued(entry, ticket);
      case 'sent':
        return this.#applySent(entry);
      case 'received': {
        const session = this.#changed(entry.clientId);
        const share = session?.inflight.receive(entry.packetId) ?? null;
        if (session !== undefined && share !== null) {
          // The id outlives the message.
          if (share.stored !== null) share.stored.isPinned = true;
          this.#messages.release(session.shard, share.position);
        }
        this.#commits.mustCommit();
        break;
      }
      case 'completed': {
        const session = this.#changed(entry.clientId);
        return session === undefined ? null : this.#complete(session, entry.packetId);
      }
      case 'dropped': {
        const session = this.#changed(entry.clientId);
        const share = session === undefined ? undefined : this.#takeQueued(session, entry.position);
        if (session === undefined || share === undefined) return null;
        this.#release(session.shard, share);
        return share.stored;
      }
      case 'inboundHeld':
        this.#changed(entry.clientId)?.inbound.hold(entry.packetId);
        this.#commits.mustCommit();
        break;
      case 'inboundReleased':
        this.#changed(entry.clientId)?.inbound.release(entry.packetId);
        this.#commits.mustCommit();
        break;
      case 'retained':
        this.#retained.set(entry.message.topic, entry.message);
        this.#commits.mustCommit();
        break;
      case 'retainedCleared':
        this.#retained.set(entry.topic, null);
        this.#commits.mustCommit();
        break;
      default:
        entry satisfies never;
    }
    return null;
  }

  #applySession({ record }: Extract<Entry, { kind: 'session' }>): void {
    const { clientId } = record;
    if (!this.#sessions.has(clientId)) {
      if (this.#lastNumber === LARGEST_SESSION_NUMBER) throw new RangeError('The store has no more session numbers');
      this.#lastNumber++;
      this.#sessions.set(clientId, this.#newState(clientId, this.#lastNumber, true));
    }
    this.#changed(clientId)?.setRecord(record);
    this.#commits.mustCommit();
  }

  #applySessionRemoved({ clientId }: Extract<Entry, { kind: 'sessionRemoved' }>): void {
    const session = this.#sessions.get(clientId);
    this.#commits.mustCommit();
    if (session === undefined) return;
    this.#sessions.delete(clientId);
    session.isOver = true;
    for (const { share } of session.inflightById.values()) {
      if (share !== null) this.#messages.release(session.shard, share.position);
    }
    this.#removed.push(session);
    if (!this.#emptyQueue(session)) this.#leaving.push(session);
  }

  /** Takes the first parts of the queue of a session that is over. True: nothing is left. */
  #emptyQueue(session: SessionState): boolean {
    if (session.queuedMessages === 0) return true;
    for (const { position, commit } of session.queue.takeChunks(CHUNKS_PER_COMMIT)) {
      if (commit === this.#commits.number) this.#commits.waiting--;
      this.#messages.release(session.shard, position);
    }
    return session.queuedMessages === 0;
  }

  #applyQueued(
    { shard, position, message, sessions }: Extract<Entry, { kind: 'queued' }>,
    ticket: Ticket,
  ): StoredMessage {
    const commits = this.#commits;
    if (position > this.#positions[shard]) this.#positions[shard] = position;
    if (position > this.#reserved[shard]) this.#reserve(shard, position);
    const stored = this.#messages.add(shard, position, message, ticket, commits.nowMs);
    for (const target of sessions) {
      const session = this.#changed(target.clientId);
      if (session === undefined) continue;
      if (!session.queue.add(new Share(position, target, message.bytes, false, stored, commits.number))) continue;
      this.#messages.retain(stored);
      commits.waiting++;
    }
    // What is not to be written for the first time is not among those that are held.
    if (stored.writtenReferences > 0 || stored.isLogged) commits.mustCommit();
    return stored;
  }

  #applySent({ clientId, position, packetId }: Extract<Entry, { kind: 'sent' }>): StoredMessage | null {
    const session = this.#changed(clientId);
    const share = session === undefined ? undefined : this.#takeQueued(session, position);
    if (session === undefined || share === undefined) return null;
    if (session.inflightById.has(packetId)) {
      if (share.stored !== null) share.stored.isPinned = true;
      this.#complete(session, packetId);
    }
    // A QoS 2 message leaves once its id is durable; a QoS 1 message has left, and the id may follow.
    if (share.target.qos === 2) this.#commits.mustCommit();
    else if (share.isOnDisk) this.#commits.mayCommitSoon();
    session.inflight.send(packetId, share);
    return share.stored;
  }

  #complete(session: SessionState, packetId: number): StoredMessage | null {
    const inflight = session.inflight.complete(packetId);
    if (inflight === undefined) return null;
    const { share, isWritten } = inflight;
    if (share === null || isWritten) this.#commits.mayCommitLater();
    if (share === null) return null;
    this.#release(session.shard, share);
    return share.stored;
  }

  #release(shard: number, { position }: Share): void {
    if (this.#messages.release(shard, position)) this.#commits.doneInTime();
    else this.#commits.mayCommitLater();
  }

  #takeQueued(session: SessionState, position: Position): Share | undefined {
    const share = session.queue.take(position);
    if (share !== undefined && share.commit === this.#commits.number) this.#commits.waiting--;
    return share;
  }

  /** The session, of which something changes now; undefined: it is unknown. */
  #changed(clientId: string): SessionState | undefined {
    const session = this.#sessions.get(clientId);
    if (session !== undefined && !session.isListed) {
      session.isListed = true;
      this.#listed.push(session);
    }
    return session;
  }

  #reserve(shard: number, position: Position): void {
    this.#reserved[shard] = position + RESERVED_POSITIONS;
    this.#needsPositions = true;
    this.#needsTables = true;
    this.#commits.mustCommit();
    this.#commits.beginTurn();
  }

  /** A long queue goes in steps; the next one now. */
  #removeMore(): void {
    this.#commits.mayCommitIn(0);
    this.#commits.beginTurn();
  }

  #writeLeaving(session: SessionState): void {
    session.queue.write(this.#environment, this.#writer);
    if (session.queuedMessages === 0) this.#environment.remove('leaving', session.prefix);
    else {
      this.#writer.text(session.clientId);
      this.#environment.put('leaving', session.prefix, this.#writer.take());
    }
  }

  #writeRetained(topic: string, message: Message | null): void {
    const key = nameKey(shardOf(topic), topic);
    if (message === null) this.#environment.remove('retained', key);
    else {
      writeMessage(this.#writer, message);
      this.#environment.put('retained', key, this.#writer.take());
    }
  }

  #storedSession(session: SessionState): StoredSession {
    const inflight: InflightRecord[] = [];
    for (const [packetId, { state, share }] of session.inflightById) {
      if (share === null) inflight.push({ packetId, state, delivery: null });
      else {
        const message = this.#readMessage(session, share);
        if (message !== null) inflight.push({ packetId, state, delivery: queuedMessage(share, message) });
      }
    }
    return {
      record: session.record(),
      subscriptions: session.subscriptions(),
      inflight,
      inbound: session.inboundIds,
      queuedMessages: session.queuedMessages,
      queuedBytes: session.queuedBytes,
    };
  }

  /** Null: the disk has lost it, and that has been said. */
  #readMessage({ shard, clientId }: SessionState, { position }: Share): Message | null {
    let why = 'it is not there';
    try {
      const message = this.#messages.read(shard, position);
      if (message !== undefined) return message;
    } catch (error) {
      why = String(error);
    }
    this.#settings.onWarning(`A message for client ${clientId} is lost, the store is damaged: ${why}.`);
    return null;
  }

  #newState(clientId: string, number: number, isNew: boolean): SessionState {
    return new SessionState(this.#environment, clientId, number, isNew, this.#settings.onWarning);
  }
}

function queuedMessage({ position, target }: Share, message: Message): QueuedMessage {
  const { clientId, qos, retain, identifiers, sharedFilter } = target;
  return { clientId, qos, retain, identifiers, sharedFilter, position, message };
}

function damaged(error: unknown): DamagedStoreError {
  return new DamagedStoreError(messageOf(error), { cause: error });
}
