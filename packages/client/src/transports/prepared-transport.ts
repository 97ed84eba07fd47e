import type { Transport, TransportEvents, TransportFactory } from '../transport.js';

/**
 * A transport that needs something before it can be opened: a module that is loaded when somebody asks for it, a proxy that
 * is talked to.
 * @param prepare is called for each stream; what it gives is opened once. `signal` says that nobody wants it any more, and
 * what has been prepared by then is to be given up.
 */
export function preparedTransport(prepare: (signal: AbortSignal) => Promise<TransportFactory>): TransportFactory {
  return (events) => new PreparedTransport(prepare, events);
}

class PreparedTransport implements Transport {
  readonly #events: TransportEvents;
  readonly #abandoned = new AbortController();
  /** Null while it is being prepared. Nobody writes before it is opened. */
  #transport: Transport | null = null;
  #paused = false;

  constructor(prepare: (signal: AbortSignal) => Promise<TransportFactory>, events: TransportEvents) {
    this.#events = events;
    const { signal } = this.#abandoned;
    prepare(signal).then(
      (open) => {
        if (!signal.aborted) this.#open(open);
      },
      (error: Error) => {
        if (!signal.aborted) events.closed(error);
      },
    );
  }

  write(bytes: Uint8Array): boolean {
    return this.#transport?.write(bytes) ?? false;
  }

  get hasHandedOver(): boolean {
    return this.#transport?.hasHandedOver ?? false;
  }

  end(): void {
    if (this.#transport === null) this.#abandon();
    else this.#transport.end();
  }

  destroy(): void {
    if (this.#transport === null) this.#abandon();
    else this.#transport.destroy();
  }

  pause(): void {
    this.#paused = true;
    this.#transport?.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#transport?.resume();
  }

  #open(open: TransportFactory): void {
    try {
      this.#transport = open(this.#events);
    } catch (error) {
      this.#events.closed(error instanceof Error ? error : new Error(String(error)));
      return;
    }
    if (this.#paused) this.#transport.pause();
  }

  #abandon(): void {
    if (this.#abandoned.signal.aborted) return;
    this.#abandoned.abort();
    queueMicrotask(() => this.#events.closed(null));
  }
}
