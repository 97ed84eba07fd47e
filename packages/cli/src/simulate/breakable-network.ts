import type { Transport, TransportFactory } from '@cauldron/client';

/** A stream that was never opened. */
const NOWHERE: Transport = {
  write: () => true,
  end: () => {},
  destroy: () => {},
  pause: () => {},
  resume: () => {},
};

/** The network of one device: it can be cut, and then nothing can be reached by it. */
export class BreakableNetwork {
  readonly #open: TransportFactory;
  #current: Transport | null = null;
  #isCut = false;

  constructor(open: TransportFactory) {
    this.#open = open;
  }

  /** For the client. */
  readonly open: TransportFactory = (events) => {
    if (this.#isCut) {
      queueMicrotask(() => events.closed(new Error('The connection is cut')));
      return NOWHERE;
    }
    this.#current = this.#open(events);
    return this.#current;
  };

  /** Ends the connection without a word, as a network does that is gone: the broker sends the will. */
  cut(): void {
    this.#isCut = true;
    this.#current?.destroy();
    this.#current = null;
  }

  restore(): void {
    this.#isCut = false;
  }
}
