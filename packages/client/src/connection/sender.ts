import {
  type ClientPacket,
  encodeClientPacket,
  MAX_PACKET_SIZE,
  PacketType,
  type Properties,
  type ProtocolVersion,
  type Publish,
  type QoS,
  ReasonCode,
} from '@cauldron/codec';
import type { Counters } from '../counters.js';
import { Deferred } from '../deferred.js';
import type { ClientError } from '../errors.js';
import type { PublishResult } from '../session/outgoing-message.js';
import type { Transport } from '../transport.js';
import type { ConnectionOwner } from './connection-owner.js';
import { Output } from './output.js';
import { PublishWriter } from './publish-writer.js';
import type { ServerLimits } from './server-limits.js';
import { AutomaticAliases } from './topic-aliases.js';

/**
 * Output is written at once, and not at the end of the turn, when there is this much of it (bytes). Less than a chunk: most
 * packets that pass it still fit, and the chunk need not grow.
 */
const FLUSH_AT = 61_440;

const SENT: PublishResult = { reasonCode: ReasonCode.SUCCESS };

export type AcknowledgementType =
  | typeof PacketType.PUBACK
  | typeof PacketType.PUBREC
  | typeof PacketType.PUBREL
  | typeof PacketType.PUBCOMP;

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
  /** The network has enough for now. */
  clogged(): void;
  /** Nothing waits any more, and the network has room. */
  emptied(): void;
}

/** Packets to bytes, in their order, in one write for each turn of the event loop. */
export class Sender {
  /** Whether somebody looks at each packet. */
  readonly isTraced: boolean;
  readonly #version: ProtocolVersion;
  readonly #trace: ConnectionOwner['trace'];
  readonly #counters: Counters;
  readonly #owner: SenderOwner;
  readonly #publishWriter: PublishWriter;
  readonly #output = new Output();
  /** What is about to be written as soon as what it promises is durable, and who waits for that; null: nothing. */
  #held: { readonly bytes: Uint8Array; readonly written: Deferred<PublishResult> | null } | null = null;
  /** What the server takes; null until that is known. */
  #limits: ServerLimits | null = null;
  #transport: Transport | null = null;
  #flushScheduled = false;
  /** The transport has enough for now. */
  #clogged = false;
  #hasEnded = false;
  /** For whoever waits until the output has been written; one promise serves all of a turn. */
  #written: Deferred<PublishResult> | null = null;

  constructor(version: ProtocolVersion, trace: ConnectionOwner['trace'], counters: Counters, owner: SenderOwner) {
    this.#version = version;
    this.#publishWriter = new PublishWriter(version);
    this.#trace = trace;
    this.isTraced = trace !== null;
    this.#counters = counters;
    this.#owner = owner;
  }

  /** Bytes that wait. */
  get waiting(): number {
    return this.#output.length + (this.#held?.bytes.length ?? 0);
  }

  /** Whether the network has enough for now. */
  get isClogged(): boolean {
    return this.#clogged;
  }

  open(transport: Transport): void {
    this.#transport = transport;
  }

  /** @throws ProtocolError for what cannot be encoded, NotSupportedByServer for what is too large for the server. */
  send(packet: ClientPacket): void {
    const bytes = encodeClientPacket(packet, this.#version);
    this.#limits?.checkSize(bytes.length);
    if (this.#trace !== null) this.#trace('sent', packet);
    this.#output.append(bytes);
    this.#sent();
  }

  /** What the server has said of itself. @param automaticAliases whether topics may be sent as aliases */
  learn(limits: ServerLimits, automaticAliases: boolean): void {
    this.#limits = limits;
    const { topicAliasMaximum } = limits;
    if (automaticAliases && topicAliasMaximum > 0)
      this.#publishWriter.aliases = new AutomaticAliases(topicAliasMaximum);
  }

  /**
   * Sends a PUBLISH that nobody need trace.
   * @param topic a valid one
   * @param packetId 0 at QoS 0
   * @throws ProtocolError for properties that cannot be encoded, NotSupportedByServer for what is too large for the server
   */
  publish(
    topic: string,
    payload: string | Uint8Array,
    qos: QoS,
    retain: boolean,
    dup: boolean,
    packetId: number,
    properties: Properties | undefined,
  ): void {
    const maximum = this.#limits?.maximumPacketSize ?? MAX_PACKET_SIZE;
    const writer = this.#publishWriter;
    const size = writer.write(this.#output, topic, payload, qos, retain, dup, packetId, properties, maximum);
    if (size > maximum) this.#limits?.checkSize(size);
    this.#sent();
  }

  /** Sends a PUBLISH. @throws as `send` */
  sendPublish(packet: Publish): void {
    const { topic, payload, qos, retain, dup, packetId = 0, properties } = packet;
    // The program's aliases and our own would get in each other's way.
    if (properties?.topicAlias !== undefined) this.#publishWriter.aliases = null;
    this.publish(topic, payload, qos, retain, dup, packetId, properties);
    if (this.#trace !== null) this.#trace('sent', packet);
  }

  /** Sends an acknowledgement that says nothing but that all is well. */
  acknowledge(type: AcknowledgementType, packetId: number): void {
    if (this.#trace !== null) {
      this.send({ type, packetId, reasonCode: ReasonCode.SUCCESS });
      return;
    }
    const output = this.#output;
    output.reserve(4);
    const { chunk, length } = output;
    chunk[length] = (type << 4) | (type === PacketType.PUBREL ? 2 : 0); // [MQTT-3.6.1-1]
    chunk[length + 1] = 2;
    chunk[length + 2] = packetId >> 8;
    chunk[length + 3] = packetId & 0xff;
    output.length += 4;
    this.#sent();
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
    this.#joinWritten(this.#held?.written ?? null);
    this.#held = null;
  }

  /** The connection is gone. */
  end(error: Error): void {
    this.#hasEnded = true;
    this.clear();
    const written = this.#written;
    this.#written = null;
    if (written === null) return;
    // Who publishes with QoS 0 need not care what becomes of it.
    written.promise.catch(() => {});
    written.reject(error);
  }

  #sent(): void {
    this.#counters.packetsSent++;
    if (this.#output.length >= FLUSH_AT) this.#flush();
    this.schedule();
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
    const held = { bytes, written: this.#written };
    this.#held = held;
    this.#written = null;
    durable.then(
      () => {
        if (this.#held !== held) return;
        this.#held = null;
        this.#write(bytes);
        if (this.#clogged) this.#joinWritten(held.written);
        else held.written?.resolve(SENT);
        if (this.#output.length > 0) this.#flush();
        else this.#tellWritten();
      },
      (error) => {
        if (this.#held === held) this.#owner.failed(error);
      },
    );
  }

  /** These wait for the same as those who come now. */
  #joinWritten(written: Deferred<PublishResult> | null): void {
    if (written === null) return;
    written.promise.catch(() => {});
    this.written().then(written.resolve, written.reject);
  }

  #write(bytes: Uint8Array): void {
    this.#counters.bytesSent += bytes.length;
    this.#clogged = this.#transport?.write(bytes) === false;
    if (this.#transport?.hasHandedOver) this.#output.giveBack();
    if (this.#clogged) this.#owner.clogged();
  }

  #tellWritten(): void {
    if (this.#clogged) return;
    this.#written?.resolve(SENT);
    this.#written = null;
    this.#owner.emptied();
  }
}
