import type { Ticket } from '../../core/ports/store.js';
import { messageOf } from './failures.js';

/** `always`: what is committed is on the disk. `interval`: written and synced every so often. `never`: synced when the system likes. */
export type SyncMode = 'always' | 'interval' | 'never';

/**
 * How long a message that was sent at once waits for its acknowledgements before it is written. Those that come in time
 * save the write; a publisher whose subscriber is slow waits so much longer for its acknowledgement.
 */
const HOLD_MS = 4;

/** Of the messages that are held, how many must be acknowledged in time for holding to go on. */
const LEAST_SHARE_IN_TIME = 0.3;

/** For how many messages the share counts, roughly. */
const SHARE_OVER = 64;

/** When nothing is held because it does not pay: when it is tried again. */
const TRY_AGAIN_MS = 1000;

/** Until when the disk is told that something need not be repeated, if nothing else is to be told before. */
const LAZY_MS = 100;

/** Without `always`: messages that may wait in memory for the next write. */
const MOST_HELD = 20_000;

/** While something is wrong: how often it is tried again. */
const RETRY_MS = 1000;

/** How often the room on the disk is looked at while there is work. */
const LOOK_MS = 250;

/** A message that the disk does not have, because its receivers may acknowledge it in time. */
export interface Held {
  readonly ticket: Ticket;
  readonly sinceMs: number;
}

/** What is committed. */
export interface Commitment {
  /** The oldest message that is held; undefined for none. */
  readonly oldestHeld: Held | undefined;
  /** How many there are, roughly. */
  readonly held: number;
  /** Why there is no room for anything new; null: there is. */
  lackOfRoom(wasFull: boolean): string | null;
  /** Whether the room has to be looked at after every commit. */
  readonly hasLittleRoom: boolean;
  /** When the tables have to follow the log, ms; `Infinity`: there is no log. */
  readonly tablesDueMs: number;
  /**
   * Brings all that is new to the disk; `isForTables`: to the tables, not to the log. Resolves when the disk has it,
   * rejects when it has none of it.
   */
  write(nowMs: number, isForTables: boolean): Promise<void>;
  /** What `write` began is over. */
  settle(isCommitted: boolean): void;
}

/**
 * When commits happen, and up to which entry the state is durable. Commits begin at the end of a turn of the event loop,
 * one at a time: what comes meanwhile gathers for the next.
 */
export class GroupCommit {
  appended: Ticket = 0;
  onCommit: (committed: Ticket) => void = () => {};
  onFault: (fault: string | null) => void = () => {};
  /** Why nothing new can be stored; null: it can. */
  fault: string | null = null;
  /** Of the present turn of the event loop, or of the last one in which there was something to do. */
  nowMs = performance.now();
  /** Messages in queues that the disk does not have yet: their receivers are not here, so there is nothing to hold them for. */
  waiting = 0;
  /** The number of the commit that all waits for that comes now; grows. */
  number = 1;
  readonly #what: Commitment;
  readonly #sync: SyncMode;
  readonly #intervalMs: number;
  #committed: Ticket = 0;
  /** The first ticket whose entry is durable by a commit only; `Infinity` if there is none since the last commit began. */
  #firstHard: Ticket = Number.POSITIVE_INFINITY;
  /** Somebody waits for a commit. */
  #isUrgent = false;
  /** Until when changes are to be written that nobody waits for; `Infinity`: there are none. */
  #dueMs = Number.POSITIVE_INFINITY;
  #begunAtMs = Number.NEGATIVE_INFINITY;
  #isTurnEnding = false;
  #underway: Promise<void> | null = null;
  #timer: NodeJS.Timeout | null = null;
  #wakesAtMs = Number.POSITIVE_INFINITY;
  /** Of the messages that were held lately, the share that was acknowledged in time. */
  #shareInTime = 1;
  #tryAgainAtMs = 0;
  #commitFault: string | null = null;
  #retryAtMs = Number.NEGATIVE_INFINITY;
  #lookedAtMs = Number.NEGATIVE_INFINITY;
  /** Those who wait until all that there is now is in the tables, by the commit that comes next. */
  #savers: ((why: string | null) => void)[] = [];
  #isClosing = false;

  constructor(what: Commitment, sync: SyncMode, intervalMs: number) {
    this.#what = what;
    this.#sync = sync;
    this.#intervalMs = intervalMs;
  }

  get committed(): Ticket {
    return this.#sync === 'always' ? this.#committed : this.appended;
  }

  /** Called for each entry, before it is applied: its ticket. */
  next(): Ticket {
    this.appended++;
    this.beginTurn();
    return this.appended;
  }

  /** Something changes in this turn: at its end, that is looked at. */
  beginTurn(): void {
    if (this.#isTurnEnding) return;
    this.#isTurnEnding = true;
    this.nowMs = performance.now();
    setImmediate(() => this.#endTurn());
  }

  /** Somebody waits until the entry of this turn is on the disk. */
  mustCommit(): void {
    this.#isUrgent = true;
    if (this.#firstHard === Number.POSITIVE_INFINITY) this.#firstHard = this.appended;
  }

  /** The disk is to be told that something need not be repeated; nobody waits for it. */
  mayCommitLater(): void {
    this.mayCommitIn(LAZY_MS);
  }

  /** Which id a QoS 1 message got that has left already. */
  mayCommitSoon(): void {
    this.mayCommitIn(HOLD_MS);
  }

  mayCommitIn(delayMs: number): void {
    this.#dueMs = Math.min(this.#dueMs, this.nowMs + delayMs);
  }

  /** A message that was held has been acknowledged by all of its receivers: it is never written. */
  doneInTime(): void {
    this.#shareInTime += (1 - this.#shareInTime) / SHARE_OVER;
  }

  /** Brings all that there is to the tables. Resolves with why the disk does not take it; null: it has all. */
  save(): Promise<string | null> {
    if (this.#isClosing) return Promise.resolve(null);
    return new Promise((resolve) => {
      this.#savers.push(resolve);
      this.beginTurn();
    });
  }

  /** Nothing will be committed: what there is cannot be used. */
  abandon(): void {
    this.#isClosing = true;
  }

  /** Commits all that there is. Resolves with why the disk does not take it; null: it has all. */
  async close(): Promise<string | null> {
    this.#isClosing = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#underway;
    this.#commitFault = null;
    while (this.#hasChanges && this.#commitFault === null) {
      this.#begin();
      await this.#underway;
    }
    this.#advance();
    for (const resolve of this.#savers.splice(0)) resolve(this.#commitFault);
    return this.#commitFault;
  }

  get #hasChanges(): boolean {
    return (
      this.#isUrgent ||
      this.waiting > 0 ||
      this.#dueMs !== Number.POSITIVE_INFINITY ||
      this.#what.tablesDueMs !== Number.POSITIVE_INFINITY ||
      this.#what.oldestHeld !== undefined
    );
  }

  /** All that belongs together has been appended. */
  #endTurn(): void {
    this.#isTurnEnding = false;
    if (this.#isClosing) return;
    this.#advance();
    if (this.#underway !== null) return;
    if (!this.#hasChanges) {
      for (const resolve of this.#savers.splice(0)) resolve(null);
      return;
    }
    const dueMs = this.#commitDueMs();
    if (dueMs <= this.nowMs) this.#begin();
    else this.#wakeAt(dueMs);
  }

  #commitDueMs(): number {
    const { nowMs } = this;
    if (this.#savers.length > 0) return nowMs;
    if (this.#commitFault !== null) return this.#retryAtMs;
    if (this.#sync !== 'always') {
      if (this.#what.held > MOST_HELD) return nowMs;
      return this.#begunAtMs + (this.#sync === 'interval' ? this.#intervalMs : LAZY_MS);
    }
    if (this.#isUrgent || this.waiting > 0) return nowMs;
    const dueMs = Math.min(this.#dueMs, this.#what.tablesDueMs);
    const oldest = this.#what.oldestHeld;
    if (oldest === undefined) return dueMs;
    return Math.min(dueMs, this.#holds() ? oldest.sinceMs + HOLD_MS : nowMs);
  }

  /** Whether it pays to wait for acknowledgements. Of subscribers who are far away, none comes in time. */
  #holds(): boolean {
    if (this.#shareInTime >= LEAST_SHARE_IN_TIME) return true;
    if (this.nowMs < this.#tryAgainAtMs) return false;
    this.#tryAgainAtMs = this.nowMs + TRY_AGAIN_MS;
    this.#shareInTime = 2 * LEAST_SHARE_IN_TIME;
    return true;
  }

  #wakeAt(dueMs: number): void {
    if (this.#timer !== null) {
      if (this.#wakesAtMs <= dueMs) return;
      clearTimeout(this.#timer);
    }
    this.#wakesAtMs = dueMs;
    const wake = (): void => {
      this.#timer = null;
      this.#look();
      this.beginTurn();
    };
    this.#timer = setTimeout(wake, Math.max(1, dueMs - this.nowMs));
    this.#timer.unref();
  }

  /** What needs no write any more is as good as durable, as far as nothing before it does. */
  #advance(): void {
    if (this.#underway !== null) return;
    const firstOpen = Math.min(this.#firstHard, this.#what.oldestHeld?.ticket ?? Number.POSITIVE_INFINITY);
    this.#commitUpTo(Math.min(firstOpen - 1, this.appended));
  }

  #commitUpTo(ticket: Ticket): void {
    if (ticket <= this.#committed) return;
    this.#committed = ticket;
    if (this.#sync === 'always') this.onCommit(ticket);
  }

  #begin(): void {
    const ticket = this.appended;
    if (!this.#isUrgent && this.waiting === 0) this.#countLate(this.#what.held);
    this.#isUrgent = false;
    this.waiting = 0;
    this.#dueMs = Number.POSITIVE_INFINITY;
    this.#firstHard = Number.POSITIVE_INFINITY;
    this.#begunAtMs = this.nowMs;
    this.number++;
    const savers = this.#savers;
    this.#savers = [];
    this.#underway = this.#write(this.#isClosing || savers.length > 0).then(
      () => this.#settle(ticket, savers, null),
      (error: unknown) => this.#settle(ticket, savers, messageOf(error)),
    );
  }

  /** What is thrown on the way fails the commit, too: a page that cannot be read does not end the process. */
  async #write(isForTables: boolean): Promise<void> {
    await this.#what.write(this.nowMs, isForTables);
  }

  /** These were held, and are written after all. */
  #countLate(held: number): void {
    for (let n = Math.min(held, 4 * SHARE_OVER); n > 0; n--) this.#shareInTime -= this.#shareInTime / SHARE_OVER;
  }

  #settle(ticket: Ticket, savers: readonly ((why: string | null) => void)[], why: string | null): void {
    this.#underway = null;
    this.#commitFault = why === null ? null : `the disk does not take it (${why})`;
    this.#what.settle(why === null);
    if (why === null) this.#commitUpTo(ticket);
    else {
      this.#isUrgent = true;
      this.#firstHard = this.#committed + 1;
      this.#retryAtMs = performance.now() + RETRY_MS;
    }
    for (const resolve of savers) resolve(this.#commitFault);
    if (this.#isClosing) return;
    this.#look();
    this.beginTurn();
  }

  /** Whether there is room, and whether the last commit failed. Called outside of `append`, after commits and in bad times. */
  #look(): void {
    const nowMs = performance.now();
    const isDue = this.fault !== null || this.#what.hasLittleRoom || nowMs - this.#lookedAtMs >= LOOK_MS;
    if (!isDue && this.#commitFault === null) return;
    this.#lookedAtMs = nowMs;
    const fault = this.#commitFault ?? this.#what.lackOfRoom(this.fault !== null);
    const hasBegun = this.fault === null && fault !== null;
    if (hasBegun || (this.fault !== null && fault === null)) {
      this.fault = fault;
      this.onFault(fault);
    } else this.fault = fault;
    if (fault !== null) this.#wakeAt(nowMs + RETRY_MS);
  }
}
