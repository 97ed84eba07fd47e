import { ReasonCode } from '@cauldron/codec';
import type { Output } from './output.js';
import type { Ticket } from './ports/store.js';

/** A whole packet, or (without `bytes`) an acknowledgement that is made when it leaves. */
interface Held {
  readonly ticket: Ticket;
  readonly bytes: Uint8Array | null;
  readonly header: number;
  readonly packetId: number;
  readonly reasonCode: ReasonCode;
}

/**
 * What one connection may not send before the store has committed what it promises. First in, first out, whatever the
 * tickets: acknowledgements keep their order [MQTT-4.6.0-2]. A connection has a gate only while something waits.
 */
export class CommitGate {
  readonly #output: Output;
  #held: Held[] = [];

  constructor(output: Output) {
    this.#output = output;
  }

  holdPacket(ticket: Ticket, bytes: Uint8Array): void {
    this.#held.push({ ticket, bytes, header: 0, packetId: 0, reasonCode: ReasonCode.SUCCESS });
  }

  holdAcknowledgement(ticket: Ticket, header: number, packetId: number, reasonCode: ReasonCode): void {
    this.#held.push({ ticket, bytes: null, header, packetId, reasonCode });
  }

  /** Sends what the store has committed. True: nothing waits any more. */
  release(committed: Ticket): boolean {
    const held = this.#held;
    let done = 0;
    while (done < held.length && held[done].ticket <= committed) {
      const { bytes, header, packetId, reasonCode } = held[done++];
      if (bytes === null) this.#output.acknowledgement(header, packetId, reasonCode);
      else this.#output.send(bytes);
    }
    this.#held = held.slice(done);
    return this.#held.length === 0;
  }
}
