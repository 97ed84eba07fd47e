import type { Endpoint } from '../raw/channels.js';
import type { ArrangementName } from '../suite/arrangements.js';
import type { Target } from '../suite/target.js';

/** Brokers with threads of their own may act on one connection after they answered on another. */
const GRACE_MS = 100;

/** A broker somewhere, of which nothing is known but its address and the settings that its owner says it has. */
export class AddressTarget implements Target {
  readonly name: string;
  readonly graceMs = GRACE_MS;
  readonly mustExplain = false;
  readonly isDisposable = false;
  readonly #endpoint: Endpoint;
  readonly #arrangements: ReadonlySet<ArrangementName>;

  /** `arrangements`: what it is set up for beside `plain`. */
  constructor(name: string, endpoint: Endpoint, arrangements: readonly ArrangementName[]) {
    this.name = name;
    this.#endpoint = endpoint;
    this.#arrangements = new Set<ArrangementName>(['plain', ...arrangements]);
  }

  async endpoint(arrangement: ArrangementName): Promise<Endpoint | null> {
    return this.#arrangements.has(arrangement) ? this.#endpoint : null;
  }

  async close(): Promise<void> {}
}
