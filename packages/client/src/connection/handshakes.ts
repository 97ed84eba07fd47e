import {
  type ClientPacket,
  PacketType,
  ProtocolError,
  type Puback,
  type Pubcomp,
  type Publish,
  type Pubrec,
  type Pubrel,
  ReasonCode,
} from '@cauldron/codec';
import type { Clock } from '../clock.js';
import { MessageExpired, NotSupportedByServer, PublishRefused } from '../errors.js';
import { type OutgoingMessage, Progress, type PublishResult } from '../session/outgoing-message.js';
import { Receipt, type ReceiptKeeper } from '../session/receipt.js';
import type { Session } from '../session/session.js';
import type { AcknowledgementType } from './sender.js';

export interface HandshakeSettings {
  /** Messages that may be on their way to the server at once, QoS 1 and 2 together. */
  readonly sendMaximum: number;
  /** The same from the server, as our CONNECT said. */
  readonly receiveMaximum: number;
  readonly clock: Clock;
  /** Throws what cannot be encoded, and what the server does not take. */
  send(packet: ClientPacket): void;
  /** The same for a message. */
  publish(packet: Publish): void;
  /** Without a reason. */
  acknowledge(type: AcknowledgementType, packetId: number): void;
  /** Resolved when all that was sent in this turn has been handed to the network. */
  written(): Promise<PublishResult>;
}

type Acknowledgement = Puback | Pubrec | Pubrel | Pubcomp;

const DONE: PublishResult = Object.freeze({ reasonCode: ReasonCode.SUCCESS });

/** QoS 1 and 2 in both directions on one connection: moves the session's messages through their handshakes. */
export class Handshakes implements ReceiptKeeper {
  readonly #session: Session;
  readonly #settings: HandshakeSettings;
  /** Sent on this connection and not completed: what the send quota lacks [MQTT-4.9.0-2]. */
  #outstanding = 0;
  /** What is owed to the server, in the order of receipt, from `#owedFrom` on: acknowledgements leave in that order. */
  #owed: Receipt[] = [];
  #owedFrom = 0;
  /** QoS 1 messages whose PUBACK has not left yet: for the server they are still on their way. */
  #unsentAcks = 0;
  #hasEnded = false;

  constructor(session: Session, settings: HandshakeSettings) {
    this.#session = session;
    this.#settings = settings;
  }

  /** Messages sent and not completed. */
  get outstanding(): number {
    return this.#outstanding;
  }

  /** Whether the program is not done with messages that came by this connection. */
  get isOwing(): boolean {
    return this.#owedFrom < this.#owed.length;
  }

  /** The server has accepted the connection: takes up what earlier ones left. `fill` then sends it. */
  start(sessionPresent: boolean): void {
    if (!sessionPresent) {
      this.#session.restart();
      return;
    }
    for (const packetId of this.#session.resume()) {
      this.#outstanding++;
      this.#settings.acknowledge(PacketType.PUBREL, packetId);
    }
  }

  /** Sends the message, or lets it wait for its turn. */
  publish(message: OutgoingMessage): void {
    this.#session.publish(message, this.#settings.clock.epochMs());
    this.fill();
  }

  /**
   * Called for each PUBLISH received with QoS 1 or 2.
   * @returns what is owed for it once it has been delivered; null for a repetition, which is not delivered again
   */
  accept(packetId: number, qos: 1 | 2): Receipt | null {
    const { received, processing } = this.#session;
    if (qos === 2 && received.has(packetId)) {
      this.#settings.acknowledge(PacketType.PUBREC, packetId); // [MQTT-4.3.3-10]
      return null;
    }
    const earlier = qos === 2 ? processing.get(packetId) : undefined;
    if (earlier?.keeper === this) return null;
    if (received.size + this.#owed.length - this.#owedFrom + this.#unsentAcks >= this.#settings.receiveMaximum) {
      throw new ProtocolError(
        ReasonCode.RECEIVE_MAXIMUM_EXCEEDED,
        `More than ${this.#settings.receiveMaximum} messages without acknowledgement`,
      );
    }
    if (earlier !== undefined) {
      // It came by an earlier connection, and the program is not done with it.
      earlier.keeper = this;
      this.#owed.push(earlier);
      return null;
    }
    const receipt = new Receipt(packetId, qos, this);
    if (qos === 2) processing.set(packetId, receipt);
    this.#owed.push(receipt);
    return receipt;
  }

  /** Acknowledges, in the order of receipt, what the program is done with [MQTT-4.6.0-2] [MQTT-4.6.0-3]. */
  settled(receipt: Receipt): void {
    if (this.#hasEnded) {
      this.#settledLate(receipt);
      return;
    }
    const owed = this.#owed;
    let at = this.#owedFrom;
    while (at < owed.length && owed[at].isSettled) this.#acknowledge(owed[at++]);
    if (at === owed.length) {
      owed.length = at = 0;
    } else if (at >= 64 && at * 2 >= owed.length) {
      owed.splice(0, at);
      at = 0;
    }
    this.#owedFrom = at;
  }

  /** All acknowledgements are on their way. */
  flushed(): void {
    this.#unsentAcks = 0;
  }

  /** The connection is gone: no acknowledgement of what came by it can be sent any more. */
  end(): void {
    this.#hasEnded = true;
    // What waited for an earlier one: the program is done with it.
    for (let i = this.#owedFrom; i < this.#owed.length; i++) {
      if (this.#owed[i].isSettled) this.#settledLate(this.#owed[i]);
    }
    this.#owed = [];
  }

  receive(packet: Acknowledgement): void {
    switch (packet.type) {
      case PacketType.PUBACK:
        this.#receivePuback(packet);
        break;
      case PacketType.PUBREC:
        this.#receivePubrec(packet);
        break;
      case PacketType.PUBREL:
        this.#receivePubrel(packet);
        break;
      case PacketType.PUBCOMP:
        this.#receivePubcomp(packet);
        break;
    }
  }

  /** Sends what waits, as far as the quota goes. */
  fill(): void {
    while (this.#outstanding < this.#settings.sendMaximum) {
      const message = this.#session.dequeue();
      if (message === null) return;
      if (!this.#isFresh(message)) continue;
      if (message.packet.qos === 0) {
        this.#sendUnacknowledged(message);
        continue;
      }
      const isNew = message.packet.packetId === undefined;
      const packetId = this.#session.assign(message);
      if (packetId === 0) return;
      try {
        this.#settings.publish(message.packet);
      } catch (error) {
        if (isNew) this.#session.complete(packetId);
        else this.#session.abandon(packetId);
        message.reject(error as Error);
        continue;
      }
      this.#outstanding++;
    }
  }

  /** @returns whether a message that was not sent yet may still be sent; what is left of its life goes with it */
  #isFresh(message: OutgoingMessage): boolean {
    const { packet, expiresAtMs } = message;
    if (expiresAtMs === Number.POSITIVE_INFINITY || packet.packetId !== undefined) return true;
    const leftMs = expiresAtMs - this.#settings.clock.epochMs();
    if (leftMs > 0) {
      packet.properties = { ...packet.properties, messageExpiryInterval: Math.ceil(leftMs / 1_000) };
      return true;
    }
    this.#session.drop(message);
    message.reject(new MessageExpired(`The message to ${packet.topic} has expired`));
    return false;
  }

  #sendUnacknowledged(message: OutgoingMessage): void {
    try {
      this.#settings.publish(message.packet);
      this.#settings.written().then(message.resolve, message.reject);
    } catch (error) {
      message.reject(error as Error);
    }
  }

  /** [MQTT-3.3.4-1] */
  #acknowledge({ packetId, qos, refusal }: Receipt): void {
    const type = qos === 2 ? PacketType.PUBREC : PacketType.PUBACK;
    if (qos === 1) this.#unsentAcks++;
    else this.#session.processed(packetId, refusal === null); // refused, the id is free again [MQTT-4.3.3-9]
    if (refusal === null) this.#settings.acknowledge(type, packetId);
    else this.#sendRefusal({ type, packetId, ...refusal });
  }

  /** The program is done with a message whose connection is gone: with QoS 2 the server is told when it asks again. */
  #settledLate(receipt: Receipt): void {
    const { packetId, qos, refusal } = receipt;
    if (qos === 2 && this.#session.processing.get(packetId) === receipt) {
      this.#session.processed(packetId, refusal === null);
    }
  }

  /** Without an explanation that makes the packet larger than the server takes [MQTT-3.4.2-2] [MQTT-3.5.2-2]. */
  #sendRefusal(packet: Puback | Pubrec): void {
    try {
      this.#settings.send(packet);
    } catch (error) {
      if (!(error instanceof NotSupportedByServer)) throw error;
      const brief = { ...packet };
      delete brief.properties;
      this.#settings.send(brief);
    }
  }

  /** A PUBACK that says nothing but that all is well. */
  receivePlainPuback(packetId: number): void {
    const message = this.#waiting(packetId, 1, 'PUBACK');
    if (message === null) return;
    this.#session.complete(packetId);
    this.#outstanding--;
    message.resolve(DONE);
    this.fill();
  }

  #receivePuback(packet: Puback): void {
    const message = this.#waiting(packet.packetId, 1, 'PUBACK');
    if (message !== null) this.#complete(message, packet);
  }

  #receivePubrec(packet: Pubrec): void {
    const { packetId } = packet;
    const message = this.#waiting(packetId, 2, 'PUBREC');
    if (packet.reasonCode >= ReasonCode.UNSPECIFIED_ERROR) {
      if (message !== null && message.progress === Progress.SENT) this.#complete(message, packet);
      return;
    }
    if (message === null) {
      // Nothing is known of it any more; without an answer the server would ask for ever.
      this.#settings.send({ type: PacketType.PUBREL, packetId, reasonCode: ReasonCode.PACKET_IDENTIFIER_NOT_FOUND });
      return;
    }
    if (message.progress === Progress.SENT) this.#session.release(packetId, message);
    this.#settings.acknowledge(PacketType.PUBREL, packetId); // [MQTT-4.3.3-4]
  }

  #receivePubrel({ packetId }: Pubrel): void {
    const reasonCode = this.#session.forget(packetId) ? ReasonCode.SUCCESS : ReasonCode.PACKET_IDENTIFIER_NOT_FOUND;
    this.#settings.send({ type: PacketType.PUBCOMP, packetId, reasonCode }); // [MQTT-4.3.3-11]
  }

  #receivePubcomp(packet: Pubcomp): void {
    const message = this.#waiting(packet.packetId, 2, 'PUBCOMP');
    if (message === null) return;
    if (message.progress !== Progress.RELEASED) {
      throw new ProtocolError(ReasonCode.PROTOCOL_ERROR, `PUBCOMP ${packet.packetId} comes before PUBREC`);
    }
    // A PUBCOMP that says "not found" ends the handshake like any other: the server has no use for the id any more.
    this.#complete(message, { ...packet, reasonCode: ReasonCode.SUCCESS });
  }

  /** The message that an acknowledgement is for; null when there is none on its way under this id. */
  #waiting(packetId: number, qos: 1 | 2, name: string): OutgoingMessage | null {
    const message = this.#session.inflight.get(packetId);
    if (message === undefined || message.progress === Progress.QUEUED) return null;
    if (message.packet.qos !== qos) {
      throw new ProtocolError(ReasonCode.PROTOCOL_ERROR, `${name} for a message with QoS ${message.packet.qos}`);
    }
    return message;
  }

  #complete(message: OutgoingMessage, { packetId, reasonCode, properties }: Acknowledgement): void {
    this.#session.complete(packetId);
    this.#outstanding--;
    if (reasonCode >= ReasonCode.UNSPECIFIED_ERROR) {
      message.reject(new PublishRefused(message.packet.topic, reasonCode, properties));
    } else {
      message.resolve(properties === undefined ? { reasonCode } : { reasonCode, properties });
    }
    this.fill();
  }
}
