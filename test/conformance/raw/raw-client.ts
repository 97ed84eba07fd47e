import { readServerPacket, type ServerPacket, type ServerPacketOf } from './packet-reader.js';
import {
  acknowledgementPacket,
  type ConnectFields,
  connectPacket,
  disconnectPacket,
  type PropertyList,
  type PublishFields,
  pingreqPacket,
  publishPacket,
  type SubscriptionFields,
  subscribePacket,
  unsubscribePacket,
} from './packet-writer.js';
import { ConformanceFailure, codeText, RawPeer, type RawPeerOptions } from './raw-peer.js';

export interface RawClientOptions extends RawPeerOptions {
  /** How long to wait beyond a PINGRESP before believing that nothing comes. 0 for a broker that answers in order. */
  readonly graceMs: number;
  /** Whether a connection that the broker ends must be told why, where the version has a packet for it. */
  readonly mustExplain: boolean;
}

/** A client without opinions, face to face with a broker. */
export class RawClient extends RawPeer<ServerPacket> {
  readonly #graceMs: number;
  readonly #mustExplain: boolean;
  #lastPacketId = 0;
  #clientId = '';

  constructor(options: RawClientOptions) {
    super(options, 'broker');
    this.#graceMs = options.graceMs;
    this.#mustExplain = options.mustExplain;
  }

  protected override read(packet: Buffer): ServerPacket {
    return readServerPacket(packet, this.level);
  }

  /** The client id of its last CONNECT. */
  get clientId(): string {
    return this.#clientId;
  }

  /** A packet id that this client has not used yet. */
  packetId(): number {
    return ++this.#lastPacketId;
  }

  /** Sends CONNECT and waits for an answer, whatever it says. */
  async tryConnect(fields: ConnectFields): Promise<ServerPacketOf<'CONNACK'>> {
    this.#clientId = typeof fields.clientId === 'string' ? fields.clientId : '';
    this.send(connectPacket(this.level, fields));
    return this.receive('CONNACK');
  }

  /** Sends CONNECT and demands that it is accepted. */
  async connect(fields: ConnectFields): Promise<ServerPacketOf<'CONNACK'>> {
    const connack = await this.tryConnect(fields);
    if (connack.reasonCode !== 0) {
      throw new ConformanceFailure(`CONNECT was refused with reason code ${codeText(connack.reasonCode)}`);
    }
    return connack;
  }

  /** Publishes, and at QoS 1 and 2 does the whole handshake. Resolves when the broker has the message. */
  async publish(fields: PublishFields): Promise<void> {
    const qos = fields.qos ?? 0;
    const packetId = fields.packetId ?? (qos > 0 ? this.packetId() : undefined);
    this.send(publishPacket(this.level, packetId === undefined ? fields : { ...fields, packetId }));
    if (packetId === undefined) return;
    if (qos === 1) {
      await this.take('PUBACK', (packet) => packet.packetId === packetId);
      return;
    }
    await this.take('PUBREC', (packet) => packet.packetId === packetId);
    this.send(acknowledgementPacket('PUBREL', packetId));
    await this.take('PUBCOMP', (packet) => packet.packetId === packetId);
  }

  /** Subscribes and waits for the SUBACK. A text stands for a filter with QoS 2. */
  async subscribe(
    subscriptions: string | SubscriptionFields | readonly SubscriptionFields[],
    properties?: PropertyList,
  ): Promise<ServerPacketOf<'SUBACK'>> {
    const packetId = this.packetId();
    const one = typeof subscriptions === 'string' ? { filter: subscriptions, qos: 2 } : subscriptions;
    const list: readonly SubscriptionFields[] = Array.isArray(one) ? one : [one as SubscriptionFields];
    this.send(subscribePacket(this.level, packetId, list, properties));
    return this.take('SUBACK', (packet) => packet.packetId === packetId);
  }

  async unsubscribe(...filters: readonly string[]): Promise<ServerPacketOf<'UNSUBACK'>> {
    const packetId = this.packetId();
    this.send(unsubscribePacket(this.level, packetId, filters));
    return this.take('UNSUBACK', (packet) => packet.packetId === packetId);
  }

  /** Sends DISCONNECT and waits until the broker has closed the connection. */
  async disconnect(reasonCode?: number, properties?: PropertyList): Promise<void> {
    this.send(disconnectPacket(reasonCode, properties));
    await this.ended();
  }

  /** The next packet: a PUBLISH, which is acknowledged as its QoS demands. */
  async receiveMessage(): Promise<ServerPacketOf<'PUBLISH'>> {
    const message = await this.receive('PUBLISH');
    const { qos, packetId } = message;
    if (packetId === undefined) return message;
    if (qos === 1) {
      this.send(acknowledgementPacket('PUBACK', packetId));
      return message;
    }
    this.send(acknowledgementPacket('PUBREC', packetId));
    await this.take('PUBREL', (packet) => packet.packetId === packetId);
    this.send(acknowledgementPacket('PUBCOMP', packetId));
    return message;
  }

  /**
   * Demands that the connection is open and nothing but what was read has come: a PINGRESP is the very next packet.
   * Whatever the broker did before it read the PINGREQ, on this connection or for an acknowledged packet on another, has
   * then had its effect.
   */
  async isQuiet(): Promise<void> {
    this.send(pingreqPacket());
    await this.receive('PINGRESP');
    if (this.#graceMs > 0) await new Promise((resolve) => setTimeout(resolve, this.#graceMs));
    const [more] = this.unread;
    if (more !== undefined) throw new ConformanceFailure(`${more.name} came where nothing was expected`);
    if (this.isEnded) throw new ConformanceFailure('The broker closed the connection');
  }

  /**
   * Demands that the broker closes the connection, after nothing but a CONNACK or DISCONNECT with one of these reason
   * codes (any, if none is given). Before 5.0 there is no DISCONNECT; CONNACK's return codes then have their own list.
   * @returns the reason code that came, or undefined
   */
  async isRefused(
    reasonCodes: readonly number[] = [],
    returnCodes: readonly number[] = [],
  ): Promise<number | undefined> {
    const packets = await this.ended();
    const wanted = this.level === 5 ? reasonCodes : returnCodes;
    let found: number | undefined;
    for (const packet of packets) {
      if ((packet.name !== 'DISCONNECT' && packet.name !== 'CONNACK') || found !== undefined) {
        throw new ConformanceFailure(`${packet.name} came where the end of the connection was expected`);
      }
      found = packet.reasonCode;
      if (found === 0) throw new ConformanceFailure(`${packet.name} with reason code 0 came, then the end`);
      if (wanted.length > 0 && !wanted.includes(found)) {
        throw new ConformanceFailure(
          `${packet.name} has the reason code ${codeText(found)}, not ${wanted.map(codeText).join(' or ')}`,
        );
      }
    }
    if (found === undefined && this.#mustExplain && wanted.length > 0) {
      throw new ConformanceFailure('The connection was closed without a packet that says why');
    }
    return found;
  }
}
