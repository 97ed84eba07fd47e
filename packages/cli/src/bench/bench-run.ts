import { availableParallelism } from 'node:os';
import { ProgressLine } from '../command-line/progress-line.js';
import { Board } from './board.js';
import { Crew } from './crew.js';
import { Histogram } from './histogram.js';
import { type Outcome, outcomeOf, type Snapshot } from './outcome.js';
import { timeText } from './outcome-text.js';
import type { BenchValues, Plan } from './plan.js';
import { commonMs, runClock } from './run-clock.js';
import { Topology } from './shape.js';

/** Between the order to run and the first message: all workers have heard it by then. */
const LEAD_MS = 50;
const LOOK_EVERY_MS = 250;
/** Nothing has come for so long after the last message: what is missing is lost. */
const QUIET_MS = 2_000;
/** For saying goodbye. */
const LEAVE_MS = 10_000;

/** One run from the first connection to the last. */
export class BenchRun {
  readonly #plan: Plan;
  readonly #board: Board;
  readonly #crew: Crew;
  readonly #clock: () => number;
  readonly #progress = new ProgressLine();
  /** Ends the load early. */
  readonly #interruption: AbortSignal;

  constructor(values: BenchValues, plan: Plan, interruption: AbortSignal) {
    this.#plan = plan;
    this.#interruption = interruption;
    const topology = new Topology(plan.topicPrefix, plan);
    const memory = Board.memory(plan.workers, topology.streams);
    this.#board = new Board(memory, plan.workers, topology.streams);
    this.#board.receivers.set(topology.receivers());
    const originMs = commonMs();
    this.#clock = runClock(originMs);
    this.#crew = new Crew(values, plan, originMs, memory);
  }

  /**
   * @returns null when it was interrupted before anything was measured
   * @throws (rejects) BenchFailure
   */
  async run(): Promise<Outcome | null> {
    const interrupted = new Promise<null>((resolve) => {
      this.#interruption.addEventListener('abort', () => resolve(null), { once: true });
    });
    try {
      const connectMs = await this.#connect(interrupted);
      if (connectMs === null) return null;
      const [begin, end] = await this.#load(interrupted);
      const reports = await this.#collect();
      return outcomeOf(this.#plan, this.#board, reports, connectMs, begin, end, availableParallelism());
    } finally {
      this.#progress.clear();
      await this.#crew.terminate();
    }
  }

  /** @returns how long it took until all connections were there; null: it was interrupted */
  async #connect(interrupted: Promise<null>): Promise<number | null> {
    const all = this.#plan.publishers + this.#plan.subscribers + this.#plan.idle;
    const text = () => `Connecting: ${number(this.#board.counts().connected)} of ${number(all)}`;
    return this.#showing(text, async () => {
      const connected = await Promise.race([this.#crew.answers('connected'), interrupted]);
      const ready = await Promise.race([this.#crew.answers('ready'), interrupted]);
      return connected === null || ready === null ? null : Math.max(...connected.map(({ tookMs }) => tookMs));
    });
  }

  /** @returns the measured time */
  async #load(interrupted: Promise<null>): Promise<[begin: Snapshot, end: Snapshot]> {
    const { durationMs, warmUpMs } = this.#plan;
    const startUs = this.#clock() + LEAD_MS * 1_000;
    const warmUs = startUs + warmUpMs * 1_000;
    // Without a warm-up everything counts, although a timer may be early or late.
    const measureFromUs = warmUpMs === 0 ? 0 : warmUs;
    const endUs = durationMs === null ? null : warmUs + durationMs * 1_000;
    let begin: Snapshot = { ...this.#snapshot(), atUs: startUs };
    this.#crew.tell({ kind: 'run', period: { startUs, measureFromUs, endUs } });
    const beginning = setTimeout(
      () => {
        if (warmUpMs > 0) begin = this.#snapshot();
      },
      (warmUs - this.#clock()) / 1_000,
    );
    const rates = new LiveRates(this.#board);
    const text = () =>
      `${clockText(this.#clock() - startUs, endUs === null ? null : endUs - startUs)} · ${rates.text()}`;
    return this.#showing(text, async () => {
      await Promise.race([this.#crew.answers('stopped'), interrupted]);
      clearTimeout(beginning);
      const atEnd = this.#snapshot();
      this.#crew.tell({ kind: 'stop' });
      await this.#crew.answers('stopped');
      const settled = await this.#settle();
      // So many messages take as long as the last of them.
      return [begin, this.#plan.count === null ? atEnd : settled];
    });
  }

  /** Waits for what is on its way. @returns when the last of it had come */
  async #settle(): Promise<Snapshot> {
    let last = this.#snapshot();
    while (!this.#board.isQuiet) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      const now = this.#snapshot();
      const hasMoved = now.counts.delivered !== last.counts.delivered || now.counts.settled !== last.counts.settled;
      if (hasMoved) last = now;
      else if (now.atUs - last.atUs > QUIET_MS * 1_000) break;
    }
    return last;
  }

  async #collect() {
    // What comes twice comes late.
    await new Promise((resolve) => setTimeout(resolve, LEAD_MS));
    this.#crew.tell({ kind: 'report' });
    const answers = await this.#crew.answers('report');
    this.#crew.tell({ kind: 'leave' });
    const patience = new Promise((resolve) => setTimeout(resolve, LEAVE_MS).unref());
    await Promise.race([this.#crew.answers('left'), patience]);
    return answers.map(({ report }) => report);
  }

  #snapshot(): Snapshot {
    return { atUs: this.#clock(), counts: this.#board.counts() };
  }

  async #showing<T>(text: () => string, work: () => Promise<T>): Promise<T> {
    const line = setInterval(() => this.#progress.show(text), LOOK_EVERY_MS);
    try {
      return await work();
    } finally {
      clearInterval(line);
      this.#progress.clear();
    }
  }
}

/** What goes on between two looks. */
class LiveRates {
  readonly #board: Board;
  #lastMs = performance.now();
  #lastCounts: Snapshot['counts'];
  #lastTimes = new Histogram();

  constructor(board: Board) {
    this.#board = board;
    this.#lastCounts = board.counts();
  }

  text(): string {
    const nowMs = performance.now();
    const counts = this.#board.counts();
    const times = this.#board.time('delivery');
    const recent = times.since(this.#lastTimes);
    const rate = (what: 'published' | 'delivered') =>
      shortCount(((counts[what] - this.#lastCounts[what]) * 1_000) / (nowMs - this.#lastMs));
    const parts = [`${rate('published')}/s out`, `${rate('delivered')}/s in`];
    for (const percent of [50, 99]) {
      const us = recent.percentile(percent);
      if (us !== null) parts.push(`p${percent} ${timeText(us)}`);
    }
    parts.push(
      counts.refused > 0
        ? `${shortCount(counts.refused)} refused`
        : `${shortCount(Math.max(0, this.#board.undelivered()))} in flight`,
    );
    this.#lastMs = nowMs;
    this.#lastCounts = counts;
    this.#lastTimes = times;
    return parts.join(' · ');
  }
}

function clockText(us: number, ofUs: number | null): string {
  const seconds = Math.max(0, Math.floor(us / 1e6));
  return ofUs === null ? `${seconds} s` : `${seconds}/${Math.round(ofUs / 1e6)} s`;
}

/** In few characters: 9,999, 12k, 1.23M. */
function shortCount(count: number): string {
  if (count < 10_000) return number(Math.round(count));
  return count < 1e6 ? `${Math.round(count / 1_000)}k` : `${(count / 1e6).toFixed(2)}M`;
}

function number(count: number): string {
  return count.toLocaleString('en');
}
