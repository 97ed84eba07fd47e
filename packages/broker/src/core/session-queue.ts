import type { ProtocolVersion } from '@cauldron/codec';
import { Delivery } from './delivery.js';
import { MessageQueue } from './message-queue.js';
import type { Position, Store } from './ports/store.js';
import type { QueueTotals } from './queue-totals.js';
import { QueuedFrames } from './queued-frames.js';
import type { FrameLayout, RunFrames } from './run-layout.js';

/** Messages of one lasting session that are held in memory; beyond, they are in the store alone and come by pages. */
const WINDOW_MESSAGES = 128;

/** Messages that one page brings back into memory. */
const PAGE_MESSAGES = 64;

/** A search for messages that have expired, which may take several calls. */
interface Sweep {
  /** The position in the store up to which it has come. */
  at: Position;
  /** When the next of the messages that it passed, or that came meanwhile, will have expired. */
  nextExpiryMs: number;
}

/**
 * The messages that wait for a session, oldest first. What the store has need not be in memory: only a window of it is,
 * so a million waiting messages are not a million objects.
 */
export class SessionQueue {
  readonly #clientId: string;
  readonly #store: Store;
  readonly #totals: QueueTotals;
  #window = new MessageQueue<Delivery>();
  /** Messages in the store that follow those of the window. */
  #storedMessages = 0;
  #storedBytes = 0;
  /** What waits behind all these as frames for the present connection. Made at the first. */
  #frames: QueuedFrames | null = null;
  /** Messages that only memory has. */
  #unstoredMessages = 0;
  /** The position of the last message that came into the window. */
  #lastPosition: Position = 0;
  /** No message in here has expired before this, by the wall clock. */
  #nextExpiryMs = Number.POSITIVE_INFINITY;
  #sweep: Sweep | null = null;

  /** `totals`: of all queues of the broker. */
  constructor(clientId: string, store: Store, totals: QueueTotals) {
    this.#clientId = clientId;
    this.#store = store;
    this.#totals = totals;
  }

  get length(): number {
    const frames = this.#frames === null ? 0 : this.#frames.length;
    return this.#window.length + this.#storedMessages + frames;
  }

  get bytes(): number {
    const frames = this.#frames === null ? 0 : this.#frames.bytes;
    return this.#window.bytes + this.#storedBytes + frames;
  }

  /** For a session that came out of the store at the start: this much of it waits there. */
  restore(messages: number, bytes: number): void {
    this.#storedMessages = messages;
    this.#storedBytes = bytes;
    this.#totals.bytes += bytes;
    this.#nextExpiryMs = Number.NEGATIVE_INFINITY; // Nobody knows.
  }

  push(delivery: Delivery): void {
    if (this.#frames !== null && this.#frames.length > 0) this.#pushApart(this.#frames);
    this.#totals.bytes += delivery.bytes;
    const { expiresAtMs } = delivery.message;
    if (expiresAtMs < this.#nextExpiryMs) this.#nextExpiryMs = expiresAtMs;
    if (this.#sweep !== null && expiresAtMs < this.#sweep.nextExpiryMs) this.#sweep.nextExpiryMs = expiresAtMs;
    if (delivery.position > 0 && (this.#storedMessages > 0 || this.#window.length >= WINDOW_MESSAGES)) {
      this.#storedMessages++;
      this.#storedBytes += delivery.bytes;
      return;
    }
    // One that only memory has comes after those that only the store has: a session that no longer lasts.
    while (this.#storedMessages > 0) this.#readPage();
    this.#window.push(delivery);
    if (delivery.position > 0) this.#lastPosition = delivery.position;
    else this.#countUnstored(1);
  }

  /**
   * Lets the frames of a run wait, from the `from`th on, in the layout of the present connection, which is of this version:
   * messages that only memory has, and that do not expire.
   */
  pushFrames(version: ProtocolVersion, run: RunFrames, layout: FrameLayout, from: number): void {
    this.#frames ??= new QueuedFrames(version, this.#clientId);
    const before = this.#frames.bytes;
    this.#frames.add(run, layout, from);
    this.#totals.bytes += this.#frames.bytes - before;
    this.#countUnstored(run.count - from);
  }

  /** What waits as frames, if it is next; null: take `shift`. Who sends from it says so to `framesSent`, before. */
  get nextFrames(): QueuedFrames | null {
    const isNext = this.#window.length === 0 && this.#storedMessages === 0;
    return isNext && this.#frames !== null && this.#frames.length > 0 ? this.#frames : null;
  }

  /** So many of the frames, the oldest, are about to be sent. */
  framesSent(frames: QueuedFrames, count: number): void {
    this.#totals.bytes -= frames.bytesOf(count);
    this.#countUnstored(-count);
  }

  /** The connection is gone for which frames wait: another one may want them otherwise. */
  takeFramesApart(): void {
    const frames = this.#frames;
    this.#frames = null;
    if (frames !== null && frames.length > 0) this.#pushApart(frames);
  }

  /** The oldest, or undefined if nothing waits. */
  shift(): Delivery | undefined {
    if (this.#window.length === 0 && this.#storedMessages > 0) this.#readPage();
    if (this.#window.length === 0 && this.#frames !== null && this.#frames.length > 0) this.#pushApart(this.#frames);
    const delivery = this.#window.shift();
    if (delivery === undefined) return undefined;
    this.#totals.bytes -= delivery.bytes;
    if (delivery.position === 0) this.#countUnstored(-1);
    return delivery;
  }

  /** Takes all out, for a session that ends. */
  *drain(): Generator<Delivery> {
    for (let delivery = this.shift(); delivery !== undefined; delivery = this.shift()) yield delivery;
  }

  /**
   * Takes out messages that have expired, and calls `expired` with each, which is to tell the store. Examines `limit` of
   * those in the store at most, and goes on there the next time. Returns how many it examined: none if none can have
   * expired.
   */
  dropExpired(nowMs: number, limit: number, expired: (delivery: Delivery) => void): number {
    if (nowMs < this.#nextExpiryMs) return 0;
    this.#sweep ??= { at: 0, nextExpiryMs: Number.POSITIVE_INFINITY };
    const sweep = this.#sweep;
    let examined = this.#sweepWindow(nowMs, sweep, expired);
    sweep.at = Math.max(sweep.at, this.#lastPosition);
    while (examined < limit) {
      const page = this.#storedMessages === 0 ? [] : this.#store.queue(this.#clientId, sweep.at, PAGE_MESSAGES);
      for (const queued of page) this.#sweepStored(Delivery.from(queued), nowMs, sweep, expired);
      examined += page.length;
      if (page.length === PAGE_MESSAGES) continue;
      this.#nextExpiryMs = sweep.nextExpiryMs;
      this.#sweep = null;
      break;
    }
    return examined;
  }

  #sweepWindow(nowMs: number, sweep: Sweep, expired: (delivery: Delivery) => void): number {
    const { length } = this.#window;
    for (let i = 0; i < length; i++) {
      const delivery = this.#window.shift();
      if (delivery === undefined) break;
      const { expiresAtMs } = delivery.message;
      if (expiresAtMs > nowMs) {
        sweep.nextExpiryMs = Math.min(sweep.nextExpiryMs, expiresAtMs);
        this.#window.push(delivery);
        continue;
      }
      this.#totals.bytes -= delivery.bytes;
      if (delivery.position === 0) this.#countUnstored(-1);
      expired(delivery);
    }
    return length;
  }

  #sweepStored(delivery: Delivery, nowMs: number, sweep: Sweep, expired: (delivery: Delivery) => void): void {
    sweep.at = delivery.position;
    const { expiresAtMs } = delivery.message;
    if (expiresAtMs > nowMs) {
      sweep.nextExpiryMs = Math.min(sweep.nextExpiryMs, expiresAtMs);
      return;
    }
    this.#storedMessages--;
    this.#storedBytes -= delivery.bytes;
    this.#totals.bytes -= delivery.bytes;
    expired(delivery);
  }

  /** Called when the session is over: nothing waits for it any more. */
  forget(): void {
    this.#totals.bytes -= this.bytes;
    this.#countUnstored(-this.#unstoredMessages);
    this.#window = new MessageQueue<Delivery>();
    this.#storedMessages = this.#storedBytes = 0;
    this.#frames?.clear();
    this.#frames = null;
  }

  /** What waits as frames does so as objects from now on: one of them has to be looked at, or another comes behind them. */
  #pushApart(frames: QueuedFrames): void {
    this.#totals.bytes -= frames.bytes;
    this.#countUnstored(-frames.length);
    for (const delivery of frames.takeAll()) this.push(delivery);
  }

  #countUnstored(messages: number): void {
    this.#unstoredMessages += messages;
    this.#totals.unstoredMessages += messages;
  }

  #readPage(): void {
    const page = this.#store.queue(this.#clientId, this.#lastPosition, PAGE_MESSAGES);
    for (const queued of page) {
      const delivery = Delivery.from(queued);
      this.#window.push(delivery);
      this.#lastPosition = queued.position;
      this.#storedMessages--;
      this.#storedBytes -= delivery.bytes;
    }
    // The store is the one who knows: what it no longer has does not wait.
    if (page.length === PAGE_MESSAGES) return;
    this.#totals.bytes -= this.#storedBytes;
    this.#storedMessages = this.#storedBytes = 0;
  }
}
