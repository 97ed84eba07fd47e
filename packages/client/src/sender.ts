import { type Packet, PacketWriter, type ProtocolVersion, ReasonCode } from '@cauldron/codec';
import type { ConnectionOwner } from './connection-owner.js';
import type { Counters } from './counters.js';
import { Deferred } from './deferred.js';
import type { ClientError } from './errors.js';
import type { PublishResult } from './outgoing-message.js';
import { Output } from './output.js';
import type { ServerLimits } from './server-limits.js';
import type { Transport } from './transport.js';

/** Output is written at once, and not at the end of the turn, when there is this much of it (bytes). */
const FLUSH_AT = 65_536;

const SENT: PublishResult = { reasonCode: ReasonCode.SUCCESS };

/** What the connection has to do around a write. */
export interface SenderOwner {
  /** The turn is over; what is sent in this call still goes with it. */
  turnEnds(): void;
  /** All that was sent is about to be written. */
  writing(): void;
  /** When what was sent so far may leave, because what it promises is durable. Null: at once. */
  durable(): Promise<void> | null;
  /** It cannot be made durable. */
  failed(error: ClientError): void;
  /** Nothing waits any more, and the network has room. */
  emptied(): void;
}

/** Packets to bytes, in their order, in one write for each turn of the event loop. */
export class Sender {
  /** What the server takes; null until that is known. */
  limits: ServerLimits | null = null;
  readonly #version: ProtocolVersion;
  readonly #trace: ConnectionOwner['trace'];
  readonly #counters: Counters;
  readonly #owner: SenderOwner;
  readonly #writer = new PacketWriter();
  readonly #output = new Output();
  /** What is about to be written as soon as what it promises is durable; null: nothing. */
  #held: Uint8Array | null = null;
  #transport: Transport | null = null;
  #flushScheduled = false;
  /** The transport has enough for now. */
  #clogged = false;
  #hasEnded = false;
  /** For whoever waits until the output has been written; one promise serves all of a turn. */
  #written: Deferred<PublishResult> | null = null;

  constructor(version: ProtocolVersion, trace: ConnectionOwner['trace'], counters: Counters, owner: SenderOwner) {
    this.#version = version;
    this.#trace = trace;
    this.#counters = counters;
    this.#owner = owner;
  }

  /** Bytes that wait. */
  get waiting(): number {
    return this.#output.length + (this.#held?.length ?? 0);
  }

  open(transport: Transport): void {
    this.#transport = transport;
  }

  /** @throws ProtocolError for what cannot be encoded, NotSupportedByServer for what is too large for the server. */
  send(packet: Packet): void {
    const bytes = this.#writer.write(packet, this.#version);
    this.limits?.checkSize(bytes.length);
    if (this.#trace !== null) this.#trace('sent', packet);
    this.#counters.packetsSent++;
    this.#output.append(bytes);
    if (this.#output.length >= FLUSH_AT) this.#flush();
    this.schedule();
  }

  /** Resolved when all that has been sent is with a network that has room for more. */
  written(): Promise<PublishResult> {
    this.#written ??= new Deferred();
    return this.#written.promise;
  }

  /** Asks for the end of this turn, also if nothing is sent in it. */
  schedule(): void {
    if (this.#flushScheduled) return;
    this.#flushScheduled = true;
    queueMicrotask(() => {
      this.#flushScheduled = false;
      if (this.#hasEnded) return;
      this.#owner.turnEnds();
      this.#flush();
    });
  }

  /** The network has room again. */
  drained(): void {
    this.#clogged = false;
    this.#flush();
  }

  /** Takes back what waits. */
  clear(): void {
    this.#output.clear();
    this.#held = null;
  }

  /** The connection is gone. */
  end(error: Error): void {
    this.#hasEnded = true;
    this.clear();
    this.#written?.reject(error);
    this.#written = null;
  }

  #flush(): void {
    if (this.#clogged || this.#hasEnded || this.#held !== null) return;
    if (this.#output.length > 0) {
      this.#owner.writing();
      const durable = this.#owner.durable();
      if (durable !== null) {
        this.#hold(this.#output.take(), durable);
        return;
      }
      this.#write(this.#output.take());
    }
    this.#tellWritten();
  }

  /** What is sent meanwhile waits for its turn. */
  #hold(bytes: Uint8Array, durable: Promise<void>): void {
    this.#held = bytes;
    durable.then(
      () => {
        if (this.#held !== bytes) return;
        this.#held = null;
        this.#write(bytes);
        if (this.#output.length > 0) this.#flush();
        else this.#tellWritten();
      },
      (error) => {
        if (this.#held === bytes) this.#owner.failed(error);
      },
    );
  }

  #write(bytes: Uint8Array): void {
    this.#counters.bytesSent += bytes.length;
    this.#clogged = this.#transport?.write(bytes) === false;
  }

  #tellWritten(): void {
    if (this.#clogged) return;
    this.#written?.resolve(SENT);
    this.#written = null;
    this.#owner.emptied();
  }
}
