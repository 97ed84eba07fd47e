import { ProtocolError, ReasonCode } from '@cauldron/codec';
import type { Connection } from './connection.js';
import type { Context } from './context.js';
import { type Expiring, Timer } from './timer-wheel.js';

/** The end of what let a client in, such as a token: the client has to leave then, or to authenticate again before. */
export class AdmissionExpiry implements Expiring {
  readonly #context: Context;
  readonly #connection: Connection;
  readonly #timer = new Timer(this);
  #untilMs: number;

  /** `untilMs`: as `Admission.untilMs`. */
  constructor(context: Context, connection: Connection, untilMs: number) {
    this.#context = context;
    this.#connection = connection;
    this.#untilMs = untilMs;
    this.#schedule();
  }

  /** The client has authenticated again, for another time. */
  postpone(untilMs: number): void {
    this.#untilMs = untilMs;
    this.#schedule();
  }

  cancel(): void {
    this.#context.wheel.cancel(this.#timer);
  }

  /** Called by the timer wheel. What ends is a time of day, which may have been set back since. */
  fire(): void {
    if (this.#context.clock.wallMs() < this.#untilMs) this.#schedule();
    else this.#connection.fail(new ProtocolError(ReasonCode.NOT_AUTHORIZED, 'the credentials have expired'));
  }

  #schedule(): void {
    const { clock, wheel } = this.#context;
    const delayMs = Math.max(0, this.#untilMs - clock.wallMs());
    if (delayMs < Number.POSITIVE_INFINITY) wheel.schedule(this.#timer, clock.monotonicMs() + delayMs);
    else wheel.cancel(this.#timer);
  }
}
