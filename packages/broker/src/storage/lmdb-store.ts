import { statfsSync } from 'node:fs';
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
import type { Environment } from './lmdb/environment.js';
import { POSITIONS_KEY, readPositions, writePositions } from './lmdb/format.js';
import { LARGEST_SESSION_NUMBER, nameKey, partOf, sessionNumber } from './lmdb/keys.js';
import { Overlay } from './lmdb/overlay.js';
import { QueueChunk } from './lmdb/queue-chunk.js';
import { RecordWriter } from './lmdb/record-writer.js';
import { copyTogether, readerOf, readMessage, readSession, writeMessage } from './lmdb/records.js';
import { SessionState } from './lmdb/session-state.js';
import { Share } from './lmdb/share.js';
import { StoredMessages } from './lmdb/stored-messages.js';

/** `always`: what is committed is on the disk. `interval`: written and synced every so often. `never`: synced when the system likes. */
export type SyncMode = 'always' | 'interval' | 'never';

/**
 * How long a message that was sent at once waits for its acknowledgements before it is written. Those that come in time
 * save the write; a publisher whose subscriber is slow waits so much longer for its acknowledgement.
 */
const HOLD_MS = 4;

/** Until when the disk is told that something need not be repeated, if nothing else is to be told before. */
const LAZY_MS = 100;

/** With `interval`: messages that may wait in memory for the next write. */
const MOST_HELD = 20_000;

/** Positions that are set aside with one write; those that were not used are lost with the process. */
const RESERVED_POSITIONS = 65_536;

/** Parts of a queue that one commit removes at most, so that the end of a long one holds nobody up. */
const CHUNKS_PER_COMMIT = 256;

/** While something is wrong: how often it is tried again. */
const RETRY_MS = 1000;

/** How often the room on the disk is looked at while there is work. */
const LOOK_MS = 250;

/** What is left free on the disk for what ends and acknowledges; on a small one a part of it. */
const RESERVE_BYTES = 16 * 1024 * 1024;
const RESERVE_SHARE = 1 / 16;

export interface LmdbStoreSettings {
  readonly sync: SyncMode;
  /** With `interval`. */
  readonly syncIntervalMs: number;
  /** What the data may take; `Infinity` for as much as there is. */
  readonly maxBytes: number;
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

/**
 * A store on the disk. Entries change what is in memory at once; from there, changes go to LMDB in commits that take all
 * that gathered since the last one. What came and went between two commits is never written: a message that all of its
 * receivers acknowledged in time costs nothing (see `HOLD_MS`).
 *
 * In memory: what the disk does not have yet, what is in flight, and a few fields for each session. The rest is read when
 * it is asked for.
 */
export class LmdbStore implements Store {
  onCommit: (committed: Ticket) => void = () => {};
  onFault: (fault: string | null) => void = () => {};
  readonly #environment: Environment;
  readonly #path: string;
  readonly #settings: LmdbStoreSettings;
  readonly #onClose: () => Promise<void>;
  readonly #writer = new RecordWriter();
  readonly #sessions = new Map<string, SessionState>();
  #lastNumber = 0;
  readonly #messages: StoredMessages;
  readonly #retained = new Overlay<Message>();
  /** Positions up to these will not be given out again after a restart. */
  readonly #reserved: Position[];
  readonly #positions: Position[];
  #needsPositions = false;
  /** Sessions that may differ from what the disk has. */
  #listed: SessionState[] = [];
  /** Those that are over, and still on the disk. */
  #removed: SessionState[] = [];
  /** Of those that are over, the ones whose queues are too long to be removed at once. */
  #leaving: SessionState[] = [];

  #appended: Ticket = 0;
  #committed: Ticket = 0;
  /** The first ticket whose entry is durable by a commit only; `Infinity` if there is none since the last commit began. */
  #firstHard: Ticket = Number.POSITIVE_INFINITY;
  /** Somebody waits for a commit. */
  #isUrgent = false;
  /** Shares in queues that the disk does not have yet: their receivers are not here, so there is nothing to hold them for. */
  #waiting = 0;
  /** Until when changes are to be written that nobody waits for; `Infinity`: there are none. */
  #dueMs = Number.POSITIVE_INFINITY;
  /** As of the end of the last turn. */
  #nowMs = performance.now();
  #begunAtMs = Number.NEGATIVE_INFINITY;
  #isTurnEnding = false;
  #underway: Promise<void> | null = null;
  #timer: NodeJS.Timeout | null = null;
  #retryAtMs = Number.NEGATIVE_INFINITY;
  #fault: string | null = null;
  #commitFault: string | null = null;
  #lookedAtMs = Number.NEGATIVE_INFINITY;
  #isClosing = false;

  /** Reads what must be in memory. `onClose`: called when all is closed. @throws what a damaged file makes it throw. */
  constructor(
    environment: Environment,
    path: string,
    settings: LmdbStoreSettings,
    onClose: () => Promise<void> = () => Promise.resolve(),
  ) {
    this.#environment = environment;
    this.#path = path;
    this.#settings = settings;
    this.#onClose = onClose;
    this.#messages = new StoredMessages(environment);
    this.#reserved = readPositions(environment.get('meta', POSITIONS_KEY));
    this.#positions = [...this.#reserved];
    for (let shard = 0; shard < SHARDS; shard++) this.#messages.lastPositions[shard] = this.#reserved[shard];
    this.#readSessions();
  }

  get appended(): Ticket {
    return this.#appended;
  }

  get committed(): Ticket {
    return this.#settings.sync === 'always' ? this.#committed : this.#appended;
  }

  get fault(): string | null {
    return this.#fault;
  }

  /** Messages that sessions wait for or have in flight, each once per shard. */
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
      subscriptions: environment.count('subscriptions'),
      queuedMessages,
      queuedBytes,
      inflight,
      messages: this.#messages.count,
      retained: environment.count('retained'),
      usedBytes: environment.usedBytes,
    };
  }

  nextPosition(shard: number): Position {
    const position = ++this.#positions[shard];
    if (Number.isNaN(position)) throw new RangeError(`There is no shard ${shard}`);
    if (position > this.#reserved[shard]) this.#reserve(shard, position);
    return position;
  }

  append(entry: Entry): Ticket {
    this.#appended++;
    this.#scheduleEndOfTurn();
    this.#apply(entry);
    return this.#appended;
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
        const message = readMessage(readerOf(value, 'a retained message'), copy);
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
    this.#scheduleEndOfTurn();
    return this.queue(clientId, after, limit);
  }

  /** Writes a consistent copy to a new file, while the store goes on. What was committed before the call is in it. */
  copyTo(path: string): Promise<void> {
    return this.#environment.copyTo(path);
  }

  /** Commits what was appended, unless the disk does not take it, and closes the file. */
  async close(): Promise<void> {
    if (this.#isClosing) return;
    this.#isClosing = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#underway;
    this.#commitFault = null;
    while (this.#hasChanges && this.#commitFault === null) {
      this.#begin();
      await this.#underway;
    }
    await this.#environment.close();
    await this.#onClose();
  }

  /** The only place where the state changes; all that it depends on is in the entry and in the state before. */
  #apply(entry: Entry): void {
    switch (entry.kind) {
      case 'session':
        this.#applySession(entry);
        break;
      case 'sessionRemoved':
        this.#applySessionRemoved(entry);
        break;
      case 'subscribed':
        this.#changed(entry.clientId)?.setSubscription(entry.subscription.filter, entry.subscription);
        this.#mustCommit();
        break;
      case 'unsubscribed':
        this.#changed(entry.clientId)?.setSubscription(entry.filter, null);
        this.#mustCommit();
        break;
      case 'queued':
        this.#applyQueued(entry);
        break;
      case 'sent':
        this.#applySent(entry);
        break;
      case 'received': {
        const session = this.#changed(entry.clientId);
        const share = session?.inflight.receive(entry.packetId) ?? null;
        if (session !== undefined && share !== null) this.#messages.release(session.shard, share.position);
        this.#mustCommit();
        break;
      }
      case 'completed': {
        const session = this.#changed(entry.clientId);
        if (session !== undefined) this.#complete(session, entry.packetId);
        break;
      }
      case 'dropped': {
        const session = this.#changed(entry.clientId);
        const share = session === undefined ? undefined : this.#takeQueued(session, entry.position);
        if (session !== undefined && share !== undefined) this.#release(session.shard, share);
        break;
      }
      case 'inboundHeld':
        this.#changed(entry.clientId)?.inbound.hold(entry.packetId);
        this.#mustCommit();
        break;
      case 'inboundReleased':
        this.#changed(entry.clientId)?.inbound.release(entry.packetId);
        this.#mustCommit();
        break;
      case 'retained':
        this.#retained.set(entry.message.topic, entry.message);
        this.#mustCommit();
        break;
      case 'retainedCleared':
        this.#retained.set(entry.topic, null);
        this.#mustCommit();
        break;
      default:
        entry satisfies never;
    }
  }

  #applySession({ record }: Extract<Entry, { kind: 'session' }>): void {
    const { clientId } = record;
    if (!this.#sessions.has(clientId)) {
      if (this.#lastNumber === LARGEST_SESSION_NUMBER) throw new RangeError('The store has no more session numbers');
      this.#lastNumber++;
      this.#sessions.set(clientId, this.#newState(clientId, this.#lastNumber, true));
    }
    this.#changed(clientId)?.setRecord(record);
    this.#mustCommit();
  }

  #applySessionRemoved({ clientId }: Extract<Entry, { kind: 'sessionRemoved' }>): void {
    const session = this.#sessions.get(clientId);
    this.#mustCommit();
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
    for (const { position, isWritten } of session.queue.takeChunks(CHUNKS_PER_COMMIT)) {
      if (!isWritten) this.#waiting--;
      this.#messages.release(session.shard, position);
    }
    return session.queuedMessages === 0;
  }

  #applyQueued({ shard, position, message, sessions }: Extract<Entry, { kind: 'queued' }>): void {
    if (position > this.#positions[shard]) this.#positions[shard] = position;
    if (position > this.#reserved[shard]) this.#reserve(shard, position);
    const stored = this.#messages.add(shard, position, message, this.#appended, this.#nowMs);
    for (const target of sessions) {
      const session = this.#changed(target.clientId);
      if (session === undefined) continue;
      if (!session.queue.add(new Share(position, target, message.bytes, false))) continue;
      this.#messages.retain(stored);
      this.#waiting++;
    }
    // What is not to be written for the first time is not among those that are held.
    if (stored.writtenReferences > 0) this.#mustCommit();
  }

  #applySent({ clientId, position, packetId }: Extract<Entry, { kind: 'sent' }>): void {
    const session = this.#changed(clientId);
    const share = session === undefined ? undefined : this.#takeQueued(session, position);
    if (session === undefined || share === undefined) return;
    this.#complete(session, packetId);
    // A QoS 2 message leaves once its id is durable; a QoS 1 message has left, and the id may follow.
    if (share.target.qos === 2) this.#mustCommit();
    else if (share.isWritten) this.#mayCommitIn(HOLD_MS);
    session.inflight.send(packetId, share);
  }

  #complete(session: SessionState, packetId: number): void {
    const inflight = session.inflight.complete(packetId);
    if (inflight === undefined) return;
    if (inflight.isWritten) this.#mayCommitIn(LAZY_MS);
    if (inflight.share !== null) this.#release(session.shard, inflight.share);
  }

  #release(shard: number, { position }: Share): void {
    if (!this.#messages.release(shard, position)) this.#mayCommitIn(LAZY_MS);
  }

  #takeQueued(session: SessionState, position: Position): Share | undefined {
    const share = session.queue.take(position);
    if (share !== undefined && !share.isWritten) this.#waiting--;
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

  /** Somebody waits until this entry is on the disk. */
  #mustCommit(): void {
    this.#isUrgent = true;
    if (this.#firstHard === Number.POSITIVE_INFINITY) this.#firstHard = this.#appended;
  }

  /** The disk is to be told, and nobody waits for it. */
  #mayCommitIn(delayMs: number): void {
    this.#dueMs = Math.min(this.#dueMs, this.#nowMs + delayMs);
  }

  #reserve(shard: number, position: Position): void {
    this.#reserved[shard] = position + RESERVED_POSITIONS;
    this.#needsPositions = true;
    this.#mustCommit();
    this.#scheduleEndOfTurn();
  }

  get #hasChanges(): boolean {
    return (
      this.#isUrgent ||
      this.#waiting > 0 ||
      this.#dueMs !== Number.POSITIVE_INFINITY ||
      this.#messages.oldestHeld !== undefined
    );
  }

  #scheduleEndOfTurn(): void {
    if (this.#isTurnEnding) return;
    this.#isTurnEnding = true;
    setImmediate(() => this.#endTurn());
  }

  /** All that belongs together has been appended. */
  #endTurn(): void {
    this.#isTurnEnding = false;
    if (this.#isClosing) return;
    this.#nowMs = performance.now();
    this.#advance();
    if (this.#underway !== null || !this.#hasChanges) return;
    const dueMs = this.#commitDueMs();
    if (dueMs <= this.#nowMs) this.#begin();
    else this.#wakeAt(dueMs);
  }

  #commitDueMs(): number {
    const { sync, syncIntervalMs } = this.#settings;
    if (this.#commitFault !== null) return this.#retryAtMs;
    if (sync !== 'always') {
      const isMuch = this.#messages.held > MOST_HELD;
      return isMuch ? this.#nowMs : this.#begunAtMs + (sync === 'interval' ? syncIntervalMs : LAZY_MS);
    }
    if (this.#isUrgent || this.#waiting > 0) return this.#nowMs;
    const oldest = this.#messages.oldestHeld;
    return oldest === undefined ? this.#dueMs : Math.min(this.#dueMs, oldest.sinceMs + HOLD_MS);
  }

  #wakeAt(dueMs: number): void {
    if (this.#timer !== null) return;
    this.#timer = setTimeout(
      () => {
        this.#timer = null;
        this.#look();
        this.#endTurn();
      },
      Math.max(1, dueMs - this.#nowMs),
    );
    this.#timer.unref();
  }

  /** What needs no write any more is as good as durable, as far as nothing before it does. */
  #advance(): void {
    if (this.#underway !== null) return;
    const firstOpen = Math.min(this.#firstHard, this.#messages.oldestHeld?.ticket ?? Number.POSITIVE_INFINITY);
    this.#commitUpTo(Math.min(firstOpen - 1, this.#appended));
  }

  #commitUpTo(ticket: Ticket): void {
    if (ticket <= this.#committed) return;
    this.#committed = ticket;
    if (this.#settings.sync === 'always') this.onCommit(ticket);
  }

  /** Begins a commit of all that differs from the disk. */
  #begin(): void {
    const environment = this.#environment;
    const writer = this.#writer;
    const ticket = this.#appended;
    this.#isUrgent = false;
    this.#waiting = 0;
    this.#dueMs = Number.POSITIVE_INFINITY;
    this.#firstHard = Number.POSITIVE_INFINITY;
    this.#begunAtMs = this.#nowMs;
    const leaving = this.#leaving;
    this.#leaving = leaving.filter((session) => !this.#emptyQueue(session));
    const removed = this.#removed;
    const listed = this.#listed.filter(({ isOver }) => !isOver);
    this.#removed = [];
    this.#listed = [];
    // The removal of a session comes before a new one of the same client.
    for (const session of removed) {
      environment.remove('sessions', nameKey(session.shard, session.clientId));
      session.erase(environment);
      session.queue.write(environment, writer);
    }
    for (const session of leaving) {
      session.queue.write(environment, writer);
      if (session.queuedMessages > 0) {
        writer.text(session.clientId);
        environment.put('leaving', session.prefix, writer.take());
      } else environment.remove('leaving', session.prefix);
    }
    for (const session of listed) {
      session.isListed = false;
      session.write(environment, writer);
    }
    this.#messages.write(environment, writer);
    for (const [topic, message] of this.#retained.begin()) {
      const key = nameKey(shardOf(topic), topic);
      if (message === null) environment.remove('retained', key);
      else {
        writeMessage(writer, message);
        environment.put('retained', key, writer.take());
      }
    }
    const writesPositions = this.#needsPositions;
    this.#needsPositions = false;
    if (writesPositions) environment.put('meta', POSITIONS_KEY, writePositions(this.#reserved));
    const settle = (fault: string | null): void => {
      const isCommitted = fault === null;
      this.#underway = null;
      writer.reset();
      for (const session of [...removed, ...leaving, ...listed]) session.settle(isCommitted);
      this.#messages.settle(isCommitted);
      this.#retained.settle(isCommitted);
      this.#commitFault = fault;
      if (isCommitted) this.#commitUpTo(ticket);
      else {
        this.#removed = [...removed, ...this.#removed];
        this.#leaving = [...new Set([...leaving, ...this.#leaving])];
        for (const { clientId } of listed) this.#changed(clientId);
        this.#needsPositions ||= writesPositions;
        this.#isUrgent = true;
        this.#firstHard = this.#committed + 1;
        this.#retryAtMs = performance.now() + RETRY_MS;
      }
      if (this.#leaving.length > 0) this.#mayCommitIn(0);
      if (this.#isClosing) return;
      this.#look();
      this.#scheduleEndOfTurn();
    };
    this.#underway = environment.commit().then(
      () => settle(null),
      (error: unknown) =>
        settle(`the disk does not take it (${error instanceof Error ? error.message : String(error)})`),
    );
  }

  /** Whether there is room, and whether the last commit failed: called outside of `append`, after commits and in bad times. */
  #look(): void {
    const nowMs = performance.now();
    const isDue = this.#fault !== null || nowMs - this.#lookedAtMs >= LOOK_MS || this.#settings.maxBytes < Infinity;
    if (!isDue && this.#commitFault === null) return;
    this.#lookedAtMs = nowMs;
    const fault = this.#commitFault ?? this.#lackOfRoom();
    if (fault !== this.#fault) {
      this.#fault = fault;
      this.onFault(fault);
    }
    if (fault !== null) this.#wakeAt(nowMs + RETRY_MS);
  }

  #lackOfRoom(): string | null {
    const { maxBytes } = this.#settings;
    // Once full, it takes a little more room than the bound to begin again.
    const factor = this.#fault === null ? 1 : 1.5;
    if (maxBytes < Number.POSITIVE_INFINITY) {
      const used = this.#environment.usedBytes;
      if (used > maxBytes - factor * Math.min(RESERVE_BYTES, maxBytes * RESERVE_SHARE)) {
        return `persistence_max_bytes is reached: ${megabytes(used)} of ${megabytes(maxBytes)} are in use`;
      }
    }
    try {
      const { bavail, blocks, bsize } = statfsSync(dirname(this.#path));
      const free = bavail * bsize;
      if (free < factor * Math.min(RESERVE_BYTES, blocks * bsize * RESERVE_SHARE)) {
        return `the disk is full: ${megabytes(free)} are left in ${dirname(this.#path)}`;
      }
    } catch {
      // A file system that does not tell: the first commit that fails will.
    }
    return null;
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

  #readSessions(): void {
    const environment = this.#environment;
    const byNumber = new Map<number, SessionState>();
    for (const { value } of environment.all('sessions')) {
      const { number, record } = readSession(value);
      const session = this.#newState(record.clientId, number, false);
      this.#sessions.set(record.clientId, session);
      byNumber.set(number, session);
      this.#lastNumber = Math.max(this.#lastNumber, number);
    }
    for (const { key, value } of environment.all('leaving')) {
      const number = sessionNumber(key);
      const clientId = readerOf(value, 'a session that is over').text('its client id');
      const session = this.#newState(clientId, number, false);
      this.#leaving.push(session);
      byNumber.set(number, session);
      this.#lastNumber = Math.max(this.#lastNumber, number);
    }
    const owner = (key: Buffer): SessionState => {
      const session = byNumber.get(sessionNumber(key));
      if (session === undefined)
        throw new Error(`The store has parts of session ${sessionNumber(key)}, which is not there`);
      return session;
    };
    const windows = new Set<SessionState>();
    for (const { key, value } of environment.all('inflight')) {
      const session = owner(key);
      session.inflight.restore(value, session.clientId);
      windows.add(session);
    }
    for (const session of windows) session.inflight.sort();
    for (const { key, value } of environment.all('inbound')) owner(key).inbound.restore(partOf(key), value);
    for (const { key, value } of environment.all('queues')) {
      const { queue } = owner(key);
      const { messages, bytes } = QueueChunk.readTotals(value);
      queue.length += messages;
      queue.bytes += bytes;
    }
    if (this.#leaving.length > 0) {
      this.#mayCommitIn(0);
      this.#scheduleEndOfTurn();
    }
  }
}

function queuedMessage({ position, target }: Share, message: Message): QueuedMessage {
  const { clientId, qos, retain, identifiers, sharedFilter } = target;
  return { clientId, qos, retain, identifiers, sharedFilter, position, message };
}

function damaged(error: unknown): DamagedStoreError {
  return new DamagedStoreError(error instanceof Error ? error.message : String(error), { cause: error });
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
