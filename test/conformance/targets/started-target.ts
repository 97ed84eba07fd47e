import type { Endpoint } from '../raw/channels.js';
import type { ArrangementName } from '../suite/arrangements.js';
import type { Target } from '../suite/target.js';

/** A broker that was started for the tests. */
export interface StartedBroker {
  readonly endpoint: Endpoint;
  stop(): Promise<void>;
}

/** Starts one broker for each arrangement, when the first test asks for it. */
export class StartedTarget implements Target {
  readonly name: string;
  readonly graceMs: number;
  readonly mustExplain: boolean;
  readonly isDisposable = true;
  readonly #start: (arrangement: ArrangementName) => Promise<StartedBroker | null>;
  readonly #brokers = new Map<ArrangementName, Promise<StartedBroker | null>>();

  constructor(
    name: string,
    { graceMs, mustExplain }: { graceMs: number; mustExplain: boolean },
    start: (arrangement: ArrangementName) => Promise<StartedBroker | null>,
  ) {
    this.name = name;
    this.graceMs = graceMs;
    this.mustExplain = mustExplain;
    this.#start = start;
  }

  async endpoint(arrangement: ArrangementName): Promise<Endpoint | null> {
    let broker = this.#brokers.get(arrangement);
    if (broker === undefined) {
      broker = this.#start(arrangement);
      this.#brokers.set(arrangement, broker);
    }
    return (await broker)?.endpoint ?? null;
  }

  async close(): Promise<void> {
    for (const broker of this.#brokers.values()) await (await broker)?.stop();
    this.#brokers.clear();
  }
}
