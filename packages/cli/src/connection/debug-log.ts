import { type Packet, PacketType, type SubscribeRequest } from '@cauldron/codec';

/** Writes the packets of one connection in the words of Mosquitto's tools, for `-d`. */
export class DebugLog {
  readonly #write: (line: string) => void;
  #clientId = '';

  /** @param write takes one line, with its end */
  constructor(write: (line: string) => void) {
    this.#write = write;
  }

  trace(direction: 'sent' | 'received', packet: Packet): void {
    if (packet.type === PacketType.CONNECT) this.#clientId = packet.clientId;
    if (packet.type === PacketType.CONNACK) {
      this.#clientId = packet.properties?.assignedClientIdentifier ?? this.#clientId;
    }
    const verb = direction === 'sent' ? 'sending' : 'received';
    for (const text of direction === 'sent' ? describeSent(packet) : [describeReceived(packet)]) {
      this.#write(`Client ${this.#clientId || '(null)'} ${verb} ${text}\n`);
    }
    if (packet.type === PacketType.SUBACK) {
      this.#write(`Subscribed (mid: ${packet.packetId}): ${packet.reasonCodes.join(', ')}\n`);
    }
  }
}

function describeSent(packet: Packet): string[] {
  switch (packet.type) {
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
  if (packet.type !== PacketType.PUBLISH) return nameOf(packet);
  const { dup, qos, retain, packetId = 0, topic, payload } = packet;
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
