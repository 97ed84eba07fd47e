import type { Publish } from '@cauldron/codec';
import type { Refusal } from './handshakes.js';

/** Tells the server that a message is done with: the connection that the message came by. */
export interface Acknowledger {
  /** False when the connection is over, and nothing can be said on it any more. */
  readonly acknowledges: boolean;
  /** Called once for each message with QoS 1 and 2, in the order of receipt [MQTT-4.6.0-2] [MQTT-4.6.0-3]. */
  acknowledge(packet: Publish, refusal: Refusal | null): void;
}

/** A message with QoS 1 or 2 on its way through the program: it is acknowledged when everybody is done with it. */
export class Delivery {
  /** As the server sent it last: a repetition on a later connection takes the place of the first one. */
  packet: Publish;
  origin: Acknowledger;
  refusal: Refusal | null = null;
  /** How many are not done with it; one is the inbox itself, as long as it hands it out. */
  pending = 1;
  acknowledged = false;
  readonly #settled: () => void;

  /** @param settled called when nobody has anything to do with it any more */
  constructor(packet: Publish, origin: Acknowledger, settled: () => void) {
    this.packet = packet;
    this.origin = origin;
    this.#settled = settled;
  }

  /** Somebody is done with it who had raised `pending` before. */
  done(): void {
    if (--this.pending === 0) this.#settled();
  }
}
