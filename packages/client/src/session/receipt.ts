import type { Properties, ReasonCode } from '@cauldron/codec';

/** Why a message is not taken, for a 5.0 server. */
export interface Refusal {
  /** 0x80 or above, one of those of PUBACK. */
  readonly reasonCode: ReasonCode;
  readonly properties?: Properties;
}

/** Where the acknowledgement of a message leads: the connection that it came by, or the one that it came by again. */
export interface ReceiptKeeper {
  /** All who were given the message are done with it. */
  settled(receipt: Receipt): void;
}

/** What is owed to the server for a message with QoS 1 or 2, until all who were given the message are done with it. */
export class Receipt {
  readonly packetId: number;
  readonly qos: 1 | 2;
  /** What the program said, if it does not take the message. */
  refusal: Refusal | null = null;
  isSettled = false;
  /** @internal Changed when the connection is gone, and when the message comes again by another one. */
  keeper: ReceiptKeeper;
  #holders = 1;

  constructor(packetId: number, qos: 1 | 2, keeper: ReceiptKeeper) {
    this.packetId = packetId;
    this.qos = qos;
    this.keeper = keeper;
  }

  /** So many will call `done`, instead of one. To be said before the first does. */
  expect(holders: number): void {
    this.#holders = holders;
  }

  /** One of those who were given the message is done with it. With the last one the message is acknowledged. */
  done(): void {
    if (--this.#holders > 0) return;
    this.isSettled = true;
    this.keeper.settled(this);
  }
}
