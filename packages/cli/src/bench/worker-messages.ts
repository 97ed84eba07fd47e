import type { BenchValues, Plan } from './plan.js';
import type { Verification } from './receiver.js';

/** What a worker is given. */
export interface WorkerData {
  /** What was given on the command line: where the broker is, and how it is reached. */
  readonly values: BenchValues;
  readonly plan: Plan;
  /** Its number, from 0. */
  readonly worker: number;
  /** The clock of the run counts from there. */
  readonly originMs: number;
  readonly board: SharedArrayBuffer;
}

/** Microseconds of the run. */
export interface Period {
  readonly startUs: number;
  /** Messages that are due before are not measured. */
  readonly measureFromUs: number;
  /** Null: until nothing is left to be published. */
  readonly endUs: number | null;
}

/** What a worker is told, in this order. */
export type Order =
  | { readonly kind: 'run'; readonly period: Period }
  /** Publish no more. */
  | { readonly kind: 'stop' }
  | { readonly kind: 'report' }
  /** Clear what is retained, and disconnect. */
  | { readonly kind: 'leave' };

/** What a worker answers. */
export type Answer =
  /** All its clients are connected; it took so long. */
  | { readonly kind: 'connected'; readonly tookMs: number }
  /** All its subscriptions are there. */
  | { readonly kind: 'ready' }
  /** It cannot go on. */
  | { readonly kind: 'failed'; readonly text: string }
  /** It has published what it shall. */
  | { readonly kind: 'stopped' }
  | { readonly kind: 'report'; readonly report: WorkerReport }
  | { readonly kind: 'left' };

export interface WorkerReport {
  readonly verification: Verification;
  readonly errors: readonly (readonly [text: string, count: number])[];
  /** Share of the measured time in which it was busy, from 0 to 1; null: it kept to a schedule, and was as late as it measured. */
  readonly utilisation: number | null;
}
