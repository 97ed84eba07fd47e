import {
  type Packet,
  PacketType,
  type Properties,
  ProtocolError,
  type Puback,
  type Pubcomp,
  type Publish,
  type Pubrec,
  type Pubrel,
  ReasonCode,
} from '@cauldron/codec';
import { NotSupportedByServer, PublishRefused } from './errors.js';
import { type OutgoingMessage, Progress, type Session } from './session.js';

export interface HandshakeSettings {
  /** Messages that may be on their way to the server at once, QoS 1 and 2 together. */
  readonly sendMaximum: number;
  /** The same from the server, as our CONNECT said. */
  readonly receiveMaximum: number;
  /** Throws what cannot be encoded, and what the server does not take. */
  send(packet: Packet): void;
}

type Acknowledgement = Puback | Pubrec | Pubrel | Pubcomp;

/** Why a message is not taken, for a 5.0 server. */
export interface Refusal {
  /** 0x80 or above, one of those of PUBACK. */
  readonly reasonCode: ReasonCode;
  readonly properties?: Properties;
}

/** QoS 1 and 2 in both directions on one connection: moves the session's messages through their handshakes. */
export class Handshakes {
  readonly #session: Session;
  readonly #settings: HandshakeSettings;
  /** Sent on this connection and not completed: what the send quota lacks [MQTT-4.9.0-2]. */
  #outstanding = 0;
  /** QoS 1 messages whose PUBACK has not left yet: for the server they are still on their way. */
  #unsentAcks = 0;
  /** What the program said to the message that is being delivered, if it does not take it. */
  #refusal: Refusal | null = null;

  constructor(session: Session, settings: HandshakeSettings) {
    this.#session = session;
    this.#settings = settings;
  }

  /** The server has accepted the connection: takes up what earlier ones left. */
  start(clean: boolean, sessionPresent: boolean): void {
    if (clean) {
      this.#session.clear(); // [MQTT-3.1.2-4]
    } else if (sessionPresent) {
      for (const packetId of this.#session.resume()) {
        this.#outstanding++;
        this.#settings.send({ type: PacketType.PUBREL, packetId, reasonCode: ReasonCode.SUCCESS });
      }
    } else {
      this.#session.restart();
    }
    this.#fill();
  }

  /** Sends the message, or lets it wait for its turn. */
  publish(message: OutgoingMessage): void {
    this.#session.enqueue(message);
    this.#fill();
  }

  /** Called for each PUBLISH received. @returns whether it is to be delivered; false for a repetition. */
  begin(packet: Publish): boolean {
    const { packetId } = packet;
    if (packetId === undefined) return true;
    const { received } = this.#session;
    if (packet.qos === 2 && received.has(packetId)) {
      this.#settings.send({ type: PacketType.PUBREC, packetId, reasonCode: ReasonCode.SUCCESS }); // [MQTT-4.3.3-10]
      return false;
    }
    if (received.size + this.#unsentAcks >= this.#settings.receiveMaximum) {
      throw new ProtocolError(
        ReasonCode.RECEIVE_MAXIMUM_EXCEEDED,
        `More than ${this.#settings.receiveMaximum} messages without acknowledgement`,
      );
    }
    return true;
  }

  /** The message that is being delivered is acknowledged with this. */
  refuse(refusal: Refusal): void {
    this.#refusal = refusal;
  }

  /** The message has been delivered [MQTT-3.3.4-1]. */
  acknowledge(packet: Publish): void {
    const { packetId } = packet;
    const refusal = this.#refusal;
    this.#refusal = null;
    if (packetId === undefined) return;
    const type = packet.qos === 2 ? PacketType.PUBREC : PacketType.PUBACK;
    if (type === PacketType.PUBACK) this.#unsentAcks++;
    else if (refusal === null) this.#session.received.add(packetId); // else the id is free again [MQTT-4.3.3-9]
    if (refusal === null) this.#settings.send({ type, packetId, reasonCode: ReasonCode.SUCCESS });
    else this.#sendRefusal({ type, packetId, ...refusal });
  }

  /** All acknowledgements are on their way. */
  flushed(): void {
    this.#unsentAcks = 0;
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
    this.#settings.send({ type: PacketType.PUBREL, packetId, reasonCode: ReasonCode.SUCCESS }); // [MQTT-4.3.3-4]
  }

  #receivePubrel(packet: Pubrel): void {
    const known = this.#session.received.delete(packet.packetId);
    const reasonCode = known ? ReasonCode.SUCCESS : ReasonCode.PACKET_IDENTIFIER_NOT_FOUND;
    // [MQTT-4.3.3-11]
    this.#settings.send({ type: PacketType.PUBCOMP, packetId: packet.packetId, reasonCode });
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
    this.#fill();
  }

  /** Sends what waits, as far as the quota goes. */
  #fill(): void {
    while (this.#outstanding < this.#settings.sendMaximum) {
      const message = this.#session.dequeue();
      if (message === null) return;
      const { packet } = message;
      packet.packetId ??= this.#session.packetIds.take();
      if (packet.packetId === 0) {
        delete packet.packetId;
        this.#session.requeue(message);
        return;
      }
      try {
        this.#settings.send(packet);
      } catch (error) {
        if (packet.dup) this.#session.abandon(packet.packetId);
        else this.#session.complete(packet.packetId);
        message.reject(error as Error);
        continue;
      }
      this.#outstanding++;
      message.progress = Progress.SENT;
      this.#session.inflight.set(packet.packetId, message);
    }
  }
}
