import { type Packet, PacketType, type Publish, type SubscribeRequest } from '@cauldron/codec';

/** Writes the packets of one connection in the words of Mosquitto's tools, for `-d`. */
export class DebugLog {
  readonly #write: (line: string) => void;
  readonly #showsGrants: boolean;
  #clientId = '';
  /** Mosquitto's library gives each message a number, also with QoS 0, where it is not sent. */
  #lastId = 0;

  /**
   * @param write takes one line, with its end
   * @param showsGrants whether a line more tells what a SUBACK grants, as with mosquitto_sub
   */
  constructor(write: (line: string) => void, showsGrants = true) {
    this.#write = write;
    this.#showsGrants = showsGrants;
  }

  trace(direction: 'sent' | 'received', packet: Packet): void {
    if (packet.type === PacketType.CONNECT) this.#clientId = packet.clientId;
    if (packet.type === PacketType.CONNACK) {
      this.#clientId = packet.properties?.assignedClientIdentifier ?? this.#clientId;
    }
    const verb = direction === 'sent' ? 'sending' : 'received';
    if (direction === 'sent') this.#number(packet);
    for (const text of direction === 'sent' ? describeSent(packet, this.#lastId) : [describeReceived(packet)]) {
      this.#write(`Client ${this.#clientId || '(null)'} ${verb} ${text}\n`);
    }
    if (packet.type === PacketType.SUBACK && this.#showsGrants) {
      this.#write(`Subscribed (mid: ${packet.packetId}): ${packet.reasonCodes.join(', ')}\n`);
    }
  }

  #number(packet: Packet): void {
    if (packet.type === PacketType.PUBLISH) {
      if (packet.qos === 0) this.#lastId = (this.#lastId % MAX_PACKET_ID) + 1;
      else if (!packet.dup) this.#lastId = packet.packetId ?? 0;
    } else if (packet.type === PacketType.SUBSCRIBE || packet.type === PacketType.UNSUBSCRIBE) {
      this.#lastId = packet.packetId;
    }
  }
}

const MAX_PACKET_ID = 65_535;

/** @param number of a message with QoS 0 */
function describeSent(packet: Packet, number: number): string[] {
  switch (packet.type) {
    case PacketType.PUBLISH:
      return [describePublish(packet, packet.packetId ?? number)];
    case PacketType.SUBSCRIBE:
      return packet.subscriptions.map(
        (one) =>
          `SUBSCRIBE (Mid: ${packet.packetId}, Topic: ${one.filter}, QoS: ${one.qos}, Options: ${optionsOf(one)})`,
      );
    case PacketType.UNSUBSCRIBE:
      return packet.filters.map((filter) => `UNSUBSCRIBE (Mid: ${packet.packetId}, Topic: ${filter})`);
    case PacketType.PUBACK:
    case PacketType.PUBREC:
      return [`${nameOf(packet)} (m${packet.packetId}, rc${packet.reasonCode})`];
    case PacketType.PUBREL:
    case PacketType.PUBCOMP:
      return [`${nameOf(packet)} (m${packet.packetId})`];
    default:
      return [describe(packet)];
  }
}

function describeReceived(packet: Packet): string {
  switch (packet.type) {
    case PacketType.CONNACK:
      return `CONNACK (${packet.reasonCode})`;
    case PacketType.PUBACK:
    case PacketType.PUBCOMP:
      return `${nameOf(packet)} (Mid: ${packet.packetId}, RC:${packet.reasonCode})`;
    case PacketType.PUBREC:
    case PacketType.PUBREL:
      return `${nameOf(packet)} (Mid: ${packet.packetId})`;
    case PacketType.DISCONNECT:
      return `DISCONNECT (${packet.reasonCode})`;
    default:
      return describe(packet);
  }
}

function describe(packet: Packet): string {
  return packet.type === PacketType.PUBLISH ? describePublish(packet, packet.packetId ?? 0) : nameOf(packet);
}

function describePublish({ dup, qos, retain, topic, payload }: Publish, packetId: number): string {
  return `PUBLISH (d${Number(dup)}, q${qos}, r${Number(retain)}, m${packetId}, '${topic}', ... (${payload.length} bytes))`;
}

function nameOf(packet: Packet): string {
  return Object.entries(PacketType).find(([, type]) => type === packet.type)?.[0] ?? `packet ${packet.type}`;
}

/** The options byte of a subscription without its QoS (MQTT 5.0, figure 3-18). */
function optionsOf({ noLocal, retainAsPublished, retainHandling }: SubscribeRequest): string {
  const options = (noLocal ? 0x04 : 0) | (retainAsPublished ? 0x08 : 0) | (retainHandling << 4);
  return `0x${options.toString(16).padStart(2, '0')}`;
}
