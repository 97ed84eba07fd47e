import type { Endpoint } from '../raw/channels.js';
import type { ArrangementName } from './arrangements.js';

/** A broker to be judged. */
export interface Target {
  /** With its version, if it is known: `mosquitto 2.0.11`. */
  readonly name: string;
  /** How long beyond a PINGRESP something unwanted may still come: 0 if the broker answers in order. */
  readonly graceMs: number;
  /** Whether this broker promises a reason for everything that it refuses: then a test demands it. */
  readonly mustExplain: boolean;
  /** False for a broker that lives on: then tests remove what they leave there. */
  readonly isDisposable: boolean;
  /** Where a broker with these settings listens, or null if there is none. Called often: one broker serves all. */
  endpoint(arrangement: ArrangementName): Promise<Endpoint | null>;
  /** Stops what was started. */
  close(): Promise<void>;
}
