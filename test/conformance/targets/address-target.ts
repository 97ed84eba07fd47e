import type { Endpoint } from '../raw/channels.js';
import type { ArrangementName } from '../suite/arrangements.js';
import type { Target } from '../suite/target.js';

/** Brokers with threads of their own may act on one connection after they answered on another. */
const GRACE_MS = 100;

/** A broker somewhere, of which nothing is known but its address and how its owner says that it is set up. */
export class AddressTarget implements Target {
  readonly name: string;
  readonly graceMs = GRACE_MS;
  readonly mustExplain = false;
  readonly isDisposable = false;
  readonly #endpoint: Endpoint;
  readonly #arrangement: ArrangementName;

  constructor(name: string, endpoint: Endpoint, arrangement: ArrangementName) {
    this.name = name;
    this.#endpoint = endpoint;
    this.#arrangement = arrangement;
  }

  async endpoint(arrangement: ArrangementName): Promise<Endpoint | null> {
    return arrangement === this.#arrangement ? this.#endpoint : null;
  }

  async close(): Promise<void> {}
}
