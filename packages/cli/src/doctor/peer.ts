import type { Duplex } from 'node:stream';
import {
  type Connack,
  type Connect,
  ConnectReturnCode,
  decodePacket,
  encodePacket,
  Framer,
  type Packet,
  PacketType,
  type Properties,
  type ProtocolVersion,
  type Publish,
  type QoS,
  ReasonCode,
  reasonName,
  type SubscribeRequest,
} from '@cauldron/codec';
import { harmless } from './finding.js';
import type { Way } from './way.js';

const NOTHING = new Uint8Array(0);

/** What became of a connection, or of an answer that was waited for. */
export class PeerError extends Error {
  override readonly name: string = 'PeerError';
  /** What the other end had said until then, if that was no MQTT. */
  readonly banner: Uint8Array;

  constructor(message: string, banner: Uint8Array = NOTHING) {
    super(message);
    this.banner = banner;
  }
}

/** The broker closed the connection, or said something that is no MQTT. */
export class ConnectionEnded extends PeerError {
  override readonly name = 'ConnectionEnded';
}

/** The broker keeps the connection open, and says nothing. */
export class Silence extends PeerError {
  override readonly name = 'Silence';
}

/** The answer to CONNECT is no. */
export class ConnectRefused extends PeerError {
  override readonly name = 'ConnectRefused';
  readonly version: ProtocolVersion;
  readonly connack: Connack;

  constructor(version: ProtocolVersion, connack: Connack) {
    const said = connack.properties?.reasonString;
    super(`${refusalText(version, connack.reasonCode)}${said === undefined ? '' : ` (${harmless(said)})`}`);
    this.version = version;
    this.connack = connack;
  }
}

const RETURN_CODES: Readonly<Record<number, string>> = {
  [ConnectReturnCode.UNACCEPTABLE_PROTOCOL_VERSION]: 'unacceptable protocol version',
  [ConnectReturnCode.IDENTIFIER_REJECTED]: 'client id rejected',
  [ConnectReturnCode.SERVER_UNAVAILABLE]: 'broker unavailable',
  [ConnectReturnCode.BAD_USER_NAME_OR_PASSWORD]: 'bad user name or password',
  [ConnectReturnCode.NOT_AUTHORIZED]: 'not authorized',
};

function refusalText(version: ProtocolVersion, code: number): string {
  return version === 5 ? reasonName(code).toLowerCase() : (RETURN_CODES[code] ?? `unknown code ${code}`);
}

type PacketOf<T extends Packet['type']> = Extract<Packet, { type: T }>;

interface Waiter {
  readonly matches: (packet: Packet) => boolean;
  readonly resolve: (packet: Packet) => void;
  readonly reject: (error: PeerError) => void;
}

/** Codes of a SUBACK from here on are refusals. */
export const REFUSED_FROM = 0x80;
const BANNER_BYTES = 200;
const encoder = new TextEncoder();

/**
 * One connection of a client that does what it is told, packet by packet, and nothing of its own but to acknowledge what it
 * receives. What comes waits until somebody asks for it.
 */
export class Peer {
  readonly version: ProtocolVersion;
  readonly #stream: Duplex;
  readonly #framer = new Framer();
  readonly #timeoutMs: number;
  readonly #waiting: Packet[] = [];
  readonly #waiters = new Set<Waiter>();
  /** Packet ids of QoS 2 messages that were received and not yet released. */
  readonly #held = new Set<number>();
  #end: PeerError | null = null;
  /** What came before the first packet; null: there was one. */
  #banner: Uint8Array | null = NOTHING;
  #nextId = 0;

  private constructor(stream: Duplex, version: ProtocolVersion, timeoutMs: number) {
    this.version = version;
    this.#stream = stream;
    this.#timeoutMs = timeoutMs;
    stream.on('data', (bytes: Buffer) => this.#read(bytes));
    const tellEnd = (): void => this.#finish(new ConnectionEnded('it closed the connection', this.#banner ?? NOTHING));
    stream.on('error', (error) => this.#finish(new ConnectionEnded(error.message)));
    stream.on('close', tellEnd);
    stream.on('end', tellEnd);
    stream.resume();
  }

  /**
   * Connects, and awaits CONNACK.
   * @throws (rejects) PeerError: ConnectRefused, Silence, ConnectionEnded; the last also where the way leads nowhere
   */
  static async join(way: Way, connect: Connect, timeoutMs: number): Promise<{ peer: Peer; connack: Connack }> {
    const stream = await way().catch((error: Error) => {
      throw new ConnectionEnded(error.message);
    });
    const peer = new Peer(stream, connect.protocolVersion, timeoutMs);
    try {
      peer.send(connect);
      const connack = await peer.next(PacketType.CONNACK);
      if (connack.reasonCode !== ReasonCode.SUCCESS) throw new ConnectRefused(connect.protocolVersion, connack);
      return { peer, connack };
    } catch (error) {
      peer.cut();
      throw error;
    }
  }

  send(...packets: readonly Packet[]): void {
    if (this.#end !== null || this.#stream.destroyed) return;
    this.#stream.write(Buffer.concat(packets.map((packet) => encodePacket(packet, this.version))));
  }

  /** The next packet of this type that fits, of those that came and those that come. @throws (rejects) PeerError */
  next<T extends Packet['type']>(
    type: T,
    fits: (packet: PacketOf<T>) => boolean = () => true,
    timeoutMs = this.#timeoutMs,
  ): Promise<PacketOf<T>> {
    const matches = (packet: Packet): boolean => packet.type === type && fits(packet as PacketOf<T>);
    const at = this.#waiting.findIndex(matches);
    if (at >= 0) return Promise.resolve(this.#waiting.splice(at, 1)[0] as PacketOf<T>);
    if (this.#end !== null) return Promise.reject(this.#end);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiters.delete(waiter);
        reject(new Silence(`no answer within ${timeoutMs / 1000} s`, this.#banner ?? NOTHING));
      }, timeoutMs);
      const settle = <V>(then: (value: V) => void) => {
        return (value: V): void => {
          clearTimeout(timer);
          this.#waiters.delete(waiter);
          then(value);
        };
      };
      const waiter: Waiter = {
        matches,
        resolve: settle((packet: Packet) => resolve(packet as PacketOf<T>)),
        reject: settle(reject),
      };
      this.#waiters.add(waiter);
    });
  }

  /** The code of each filter. @throws (rejects) PeerError */
  async subscribe(
    filters: readonly string[],
    qos: QoS,
    options: Partial<SubscribeRequest> = {},
  ): Promise<readonly number[]> {
    const packetId = this.#id();
    const subscriptions = filters.map((filter) => ({
      filter,
      qos,
      noLocal: false,
      retainAsPublished: false,
      retainHandling: 0 as const,
      ...options,
    }));
    this.send({ type: PacketType.SUBSCRIBE, packetId, subscriptions });
    const { reasonCodes } = await this.next(PacketType.SUBACK, (suback) => suback.packetId === packetId);
    return reasonCodes;
  }

  /** @throws (rejects) PeerError */
  async unsubscribe(filters: readonly string[]): Promise<void> {
    const packetId = this.#id();
    this.send({ type: PacketType.UNSUBSCRIBE, packetId, filters });
    await this.next(PacketType.UNSUBACK, (unsuback) => unsuback.packetId === packetId);
  }

  /** Resolves with the code of the acknowledgement; at QoS 0, at once. @throws (rejects) PeerError */
  async publish(
    topic: string,
    payload: string,
    qos: QoS,
    { retain = false, properties }: { retain?: boolean; properties?: Properties } = {},
  ): Promise<number> {
    const message: Publish = { ...publishOf(topic, payload, qos, retain), ...(properties && { properties }) };
    if (qos === 0) {
      this.send(message);
      return ReasonCode.SUCCESS;
    }
    const packetId = this.#id();
    this.send({ ...message, packetId });
    if (qos === 1) {
      return (await this.next(PacketType.PUBACK, (puback) => puback.packetId === packetId)).reasonCode;
    }
    const { reasonCode } = await this.next(PacketType.PUBREC, (pubrec) => pubrec.packetId === packetId);
    if (reasonCode >= REFUSED_FROM) return reasonCode;
    await this.release(packetId);
    return reasonCode;
  }

  /** The second half of a QoS 2 handshake. @throws (rejects) PeerError */
  async release(packetId: number): Promise<void> {
    this.send({ type: PacketType.PUBREL, packetId, reasonCode: ReasonCode.SUCCESS });
    await this.next(PacketType.PUBCOMP, (pubcomp) => pubcomp.packetId === packetId);
  }

  /** The next message on this topic. @throws (rejects) PeerError */
  message(topic: string, timeoutMs = this.#timeoutMs): Promise<Publish> {
    return this.next(PacketType.PUBLISH, (publish) => publish.topic === topic, timeoutMs);
  }

  /** The messages that came and nobody asked for yet. */
  messages(): Publish[] {
    const found = this.#waiting.filter((packet): packet is Publish => packet.type === PacketType.PUBLISH);
    for (const message of found) this.#waiting.splice(this.#waiting.indexOf(message), 1);
    return found;
  }

  /** @throws (rejects) PeerError */
  async ping(): Promise<void> {
    this.send({ type: PacketType.PINGREQ });
    await this.next(PacketType.PINGRESP);
  }

  /** Ends the connection as a broken network does. */
  cut(): void {
    this.#finish(new ConnectionEnded('the connection was cut'));
    this.#stream.destroy();
  }

  /** Ends it as is proper. */
  leave(properties: Properties = {}): void {
    const hasProperties = this.version === 5 && Object.keys(properties).length > 0;
    this.send({
      type: PacketType.DISCONNECT,
      reasonCode: ReasonCode.SUCCESS,
      ...(hasProperties && { properties }),
    });
    this.#finish(new ConnectionEnded('the connection was closed'));
    this.#stream.end();
  }

  #id(): number {
    this.#nextId += 1;
    return this.#nextId;
  }

  #read(bytes: Buffer): void {
    if (this.#end !== null) return;
    if (this.#banner !== null) this.#banner = Buffer.concat([this.#banner, bytes]).subarray(0, BANNER_BYTES);
    const framer = this.#framer;
    framer.feed(bytes, bytes.length);
    try {
      while (this.#end === null && framer.next()) {
        this.#take(decodePacket(framer.bytes, framer.start, framer.body, framer.end, this.version));
      }
    } catch (error) {
      const why = `what it said is no MQTT: ${(error as Error).message}`;
      this.#finish(new ConnectionEnded(why, this.#banner ?? NOTHING));
      this.#stream.destroy();
    }
    framer.finish();
  }

  #take(packet: Packet): void {
    this.#banner = null;
    if (packet.type === PacketType.DISCONNECT) {
      const said = packet.properties?.reasonString;
      const why = `${reasonName(packet.reasonCode).toLowerCase()}${said === undefined ? '' : ` (${harmless(said)})`}`;
      this.#deliver(packet);
      this.#finish(new ConnectionEnded(`it ended the connection: ${why}`));
      return;
    }
    if (packet.type === PacketType.PUBLISH) this.#takeMessage(packet);
    else if (packet.type === PacketType.PUBREL) {
      this.#held.delete(packet.packetId);
      this.send({ type: PacketType.PUBCOMP, packetId: packet.packetId, reasonCode: ReasonCode.SUCCESS });
    } else this.#deliver(packet);
  }

  #takeMessage(message: Publish): void {
    const { qos, packetId = 0 } = message;
    const isKnown = this.#held.has(packetId);
    if (qos === 1) this.send({ type: PacketType.PUBACK, packetId, reasonCode: ReasonCode.SUCCESS });
    if (qos === 2) {
      this.#held.add(packetId);
      this.send({ type: PacketType.PUBREC, packetId, reasonCode: ReasonCode.SUCCESS });
      if (isKnown) return;
    }
    // The bytes are borrowed until the call returns.
    this.#deliver({ ...message, payload: new Uint8Array(message.payload) });
  }

  #deliver(packet: Packet): void {
    for (const waiter of this.#waiters) {
      if (!waiter.matches(packet)) continue;
      waiter.resolve(packet);
      return;
    }
    this.#waiting.push(packet);
  }

  #finish(why: PeerError): void {
    if (this.#end !== null) return;
    this.#end = why;
    for (const waiter of this.#waiters) waiter.reject(why);
  }
}

/** A PUBLISH, still without its packet id. */
export function publishOf(topic: string, payload: string, qos: QoS, retain = false): Publish {
  return { type: PacketType.PUBLISH, topic, payload: encoder.encode(payload), qos, retain, dup: false };
}
