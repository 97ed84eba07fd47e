import {
  type ClientPacket,
  type ClientPacketOf,
  type ConnectPacket,
  readClientPacket,
} from './client-packet-reader.js';
import { acknowledgementPacket, type PublishFields, publishPacket } from './packet-writer.js';
import { ConformanceFailure, codeText, RawPeer, type RawPeerOptions } from './raw-peer.js';
import { type ConnackFields, connackPacket, subackPacket, unsubackPacket } from './server-packet-writer.js';

/** A packet id that no test uses for a message. */
const UNUSED_PACKET_ID = 0xffff;

/** A server without opinions, on one connection, face to face with a client. */
export class RawServer extends RawPeer<ClientPacket> {
  #lastPacketId = 0;

  constructor(options: RawPeerOptions) {
    super(options, 'client');
  }

  protected override read(packet: Buffer): ClientPacket {
    return readClientPacket(packet, this.level);
  }

  /** A packet id that this server has not used yet. */
  packetId(): number {
    return ++this.#lastPacketId;
  }

  /** Waits for CONNECT and lets the client in. */
  async accept(connack: ConnackFields = {}): Promise<ConnectPacket> {
    const connect = await this.receive('CONNECT');
    this.send(connackPacket(this.level, connack));
    return connect;
  }

  /** Waits for SUBSCRIBE and grants what it asks for. */
  async acceptSubscribe(): Promise<ClientPacketOf<'SUBSCRIBE'>> {
    const subscribe = await this.receive('SUBSCRIBE');
    const granted = subscribe.subscriptions.map(({ options }) => options & 3);
    this.send(subackPacket(this.level, subscribe.packetId, granted));
    return subscribe;
  }

  async acceptUnsubscribe(): Promise<ClientPacketOf<'UNSUBSCRIBE'>> {
    const unsubscribe = await this.receive('UNSUBSCRIBE');
    const codes = unsubscribe.filters.map(() => 0);
    this.send(unsubackPacket(this.level, unsubscribe.packetId, codes));
    return unsubscribe;
  }

  /** Sends a message, and at QoS 1 and 2 does the whole handshake, whatever else the client sends meanwhile. */
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

  /** The next packet: a PUBLISH, which is acknowledged as its QoS demands. */
  async receiveMessage(): Promise<ClientPacketOf<'PUBLISH'>> {
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
   * Demands that the connection is open and nothing but what was read has come: the answer to a PUBREL for an unknown
   * message is the very next packet. Whatever was sent to the client before has then had its effect.
   */
  async isQuiet(): Promise<void> {
    this.send(acknowledgementPacket('PUBREL', UNUSED_PACKET_ID));
    const { packetId } = await this.receive('PUBCOMP');
    if (packetId !== UNUSED_PACKET_ID) throw new ConformanceFailure('PUBCOMP came where nothing was expected');
  }

  /**
   * Demands that the client closes the connection: in 5.0 after a DISCONNECT with one of these reason codes, before 5.0
   * without a word, since its DISCONNECT means that all is well.
   */
  async isRefused(reasonCodes: readonly number[]): Promise<void> {
    if (this.level === 5) {
      const { reasonCode } = await this.receive('DISCONNECT');
      if (!reasonCodes.includes(reasonCode)) {
        throw new ConformanceFailure(
          `DISCONNECT has the reason code ${codeText(reasonCode)}, not ${reasonCodes.map(codeText).join(' or ')}`,
        );
      }
    }
    await this.isClosed();
  }

  /** Demands that the client closes the connection and sends nothing before. */
  async isClosed(): Promise<void> {
    const [packet] = await this.ended();
    if (packet !== undefined) {
      throw new ConformanceFailure(`${packet.name} came where the end of the connection was expected`);
    }
  }
}
