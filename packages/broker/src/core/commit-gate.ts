import { type PublishLayout, ReasonCode } from '@cauldron/codec';
import type { Output } from './output.js';
import { type Log, LogType } from './ports/log.js';
import type { Ticket } from './ports/store.js';

/** A whole packet, a PUBLISH that is written when it leaves, or (without either) an acknowledgement, which is, too. */
interface Held {
  readonly ticket: Ticket;
  readonly bytes: Uint8Array | null;
  readonly layout: PublishLayout | null;
  readonly header: number;
  readonly packetId: number;
  readonly reasonCode: ReasonCode;
  /** What the log says when it leaves; null: nothing. */
  readonly line: string | null;
}

/**
 * What one connection may not send before the store has committed what it promises. First in, first out, whatever the
 * tickets: acknowledgements keep their order [MQTT-4.6.0-2]. A connection has a gate only while something waits.
 */
export class CommitGate {
  readonly #output: Output;
  readonly #log: Log;
  readonly #client: string;
  #held: Held[] = [];

  /** `client`: its id, for the log. */
  constructor(output: Output, log: Log, client: string) {
    this.#output = output;
    this.#log = log;
    this.#client = client;
  }

  holdPacket(ticket: Ticket, bytes: Uint8Array, line: string | null): void {
    this.#held.push({ ticket, bytes, layout: null, header: 0, packetId: 0, reasonCode: ReasonCode.SUCCESS, line });
  }

  /** A PUBLISH for the first time, small enough for a chunk. Its message has been kept. */
  holdPublish(ticket: Ticket, layout: PublishLayout, packetId: number, line: string | null): void {
    this.#held.push({ ticket, bytes: null, layout, header: 0, packetId, reasonCode: ReasonCode.SUCCESS, line });
  }

  holdAcknowledgement(
    ticket: Ticket,
    header: number,
    packetId: number,
    reasonCode: ReasonCode,
    line: string | null,
  ): void {
    this.#held.push({ ticket, bytes: null, layout: null, header, packetId, reasonCode, line });
  }

  /** Sends what the store has committed. True: nothing waits any more. */
  release(committed: Ticket): boolean {
    const held = this.#held;
    let done = 0;
    while (done < held.length && held[done].ticket <= committed) {
      const { bytes, layout, header, packetId, reasonCode, line } = held[done++];
      if (line !== null) this.#log.write(LogType.DEBUG, line, { client: this.#client });
      if (layout !== null) this.#output.publish(layout, packetId, false);
      else if (bytes === null) this.#output.acknowledgement(header, packetId, reasonCode);
      else this.#output.send(bytes);
    }
    this.#held = held.slice(done);
    return this.#held.length === 0;
  }
}
