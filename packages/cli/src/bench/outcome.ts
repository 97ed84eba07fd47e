import type { Board, Counts } from './board.js';
import { ErrorTally } from './error-tally.js';
import type { Histogram } from './histogram.js';
import type { Plan } from './plan.js';
import { sumOfVerifications, type Verification } from './receiver.js';
import type { WorkerReport } from './worker-messages.js';

/** Counts, and when they were taken (microseconds of the run). */
export interface Snapshot {
  readonly atUs: number;
  readonly counts: Counts;
}

/** Messages in the measured time. */
export interface Flow {
  readonly messages: number;
  readonly perSecond: number;
  readonly bytesPerSecond: number;
}

/** What a run has found. */
export interface Outcome {
  /** How long the connections took, all together. */
  readonly connectMs: number;
  readonly measuredMs: number;
  readonly published: Flow;
  readonly delivered: Flow;
  /** In microseconds. */
  readonly times: Readonly<Record<'connect' | 'delivery' | 'acknowledgement' | 'lateness', Histogram>>;
  /** Of the whole run, warm-up included. */
  readonly expected: number;
  readonly lost: number;
  /** Published with QoS 1 or 2, and never acknowledged. */
  readonly unacknowledged: number;
  readonly verification: Verification;
  readonly errors: readonly (readonly [text: string, count: number])[];
  /** By worker; null: it kept to a schedule. */
  readonly utilisations: readonly (number | null)[];
  /** What the broker has done that the standard forbids, in words. */
  readonly broken: readonly string[];
  /** Why the figures may be those of this tool rather than of the broker; null: they are not. */
  readonly limit: string | null;
}

/** A worker that is busier has no time left. */
const BUSY = 0.95;
/** Sending later than that falsifies what is measured. */
const LATE_US = 10_000;

/**
 * Puts together what all workers have found.
 * @param begin, end of the measured time @param cores of this machine
 */
export function outcomeOf(
  plan: Plan,
  board: Board,
  reports: readonly WorkerReport[],
  connectMs: number,
  begin: Snapshot,
  end: Snapshot,
  cores: number,
): Outcome {
  const measuredMs = Math.max(0, end.atUs - begin.atUs) / 1_000;
  const flow = (messages: 'published' | 'delivered', bytes: 'publishedBytes' | 'deliveredBytes'): Flow => {
    const [count, size] = [messages, bytes].map((what) => end.counts[what] - begin.counts[what]);
    const perSecond = (amount: number) => (measuredMs > 0 ? (amount * 1_000) / measuredMs : 0);
    return { messages: count, perSecond: perSecond(count), bytesPerSecond: perSecond(size) };
  };
  const verification = sumOfVerifications(reports.map((report) => report.verification));
  const errors = new ErrorTally();
  for (const report of reports) for (const [text, count] of report.errors) errors.add(text, count);
  const { due, refusedDeliveries, published, settled } = board.counts();
  const found = {
    expected: due - refusedDeliveries,
    // What was refused may have come all the same: then it is not known which of the others are missing.
    lost: Math.max(0, verification.missing - refusedDeliveries),
    unacknowledged: plan.qos === 0 ? 0 : published - settled,
    verification,
  };
  const lateness = board.time('lateness');
  const utilisations = reports.map(({ utilisation }) => utilisation);
  return {
    ...found,
    connectMs,
    measuredMs,
    published: flow('published', 'publishedBytes'),
    delivered: flow('delivered', 'deliveredBytes'),
    times: {
      connect: board.time('connect'),
      delivery: board.time('delivery'),
      acknowledgement: board.time('acknowledgement'),
      lateness,
    },
    errors: errors.entries,
    utilisations,
    broken: brokenPromises(plan.qos, found),
    limit: limitOf(utilisations, lateness, cores),
  };
}

/** @param qos of the messages: with 0 they may be lost, with 1 they may come twice */
export function brokenPromises(
  qos: number,
  { lost, unacknowledged, verification }: Pick<Outcome, 'lost' | 'unacknowledged' | 'verification'>,
): string[] {
  const { duplicated, outOfOrder, stray, damaged } = verification;
  const promises: readonly [count: number, text: string][] = [
    [qos === 0 ? 0 : lost, `lost, although QoS ${qos} promises delivery`],
    [unacknowledged, 'never acknowledged'],
    [qos === 1 ? 0 : duplicated, `duplicated, although QoS ${qos} promises at most one`],
    [outOfOrder, 'out of order'],
    [stray, 'delivered to a subscriber whose filter does not match'],
    [damaged, 'damaged'],
  ];
  return promises.flatMap(([count, text]) => (count > 0 ? [`${count.toLocaleString('en')} ${text}`] : []));
}

function limitOf(utilisations: readonly (number | null)[], lateness: Histogram, cores: number): string | null {
  const busy = utilisations.filter((share) => share !== null && share > BUSY);
  const lateUs = lateness.percentile(99) ?? 0;
  if (busy.length === 0 && lateUs <= LATE_US) return null;
  const { length: workers } = utilisations;
  const who = workers === 1 ? 'its worker' : `${busy.length} of its ${workers} workers`;
  const what =
    busy.length > 0
      ? `${who} had no time left`
      : `it sent one message in a hundred ${Math.round(lateUs / 1_000)} ms late or more`;
  const advice =
    workers < cores
      ? `try --workers ${Math.min(cores, workers * 2)}`
      : `this machine has ${cores} ${cores === 1 ? 'core' : 'cores'}, so try a larger one`;
  return `this tool was at its limit: ${what}. The broker may do better; ${advice}.`;
}
