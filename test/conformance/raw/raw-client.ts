import type { Channel, ChannelEvents } from './channels.js';
import { packetLength, readServerPacket, type ServerPacket, type ServerPacketOf } from './packet-reader.js';
import {
  acknowledgementPacket,
  type ConnectFields,
  connectPacket,
  disconnectPacket,
  type PacketName,
  type PropertyList,
  type ProtocolLevel,
  type PublishFields,
  pingreqPacket,
  publishPacket,
  type SubscriptionFields,
  subscribePacket,
  unsubscribePacket,
} from './packet-writer.js';
import type { Trace } from './trace.js';

/** A broker did not do what the test demands. */
export class ConformanceFailure extends Error {
  override readonly name = 'ConformanceFailure';
}

export interface RawClientOptions {
  readonly level: ProtocolLevel;
  /** How the trace calls it. */
  readonly label: string;
  readonly trace: Trace;
  /** How long to wait for anything that has to come. */
  readonly timeoutMs: number;
  /** How long to wait beyond a PINGRESP before believing that nothing comes. 0 for a broker that answers in order. */
  readonly graceMs: number;
  /** Whether a connection that the broker ends must be told why, where the version has a packet for it. */
  readonly mustExplain: boolean;
}

/**
 * A client without opinions: it sends what it is told, answers nothing by itself, and keeps each packet that comes until
 * it is asked for. Every packet that comes is read strictly, so a malformed one fails the test that met it.
 */
export class RawClient implements ChannelEvents {
  readonly level: ProtocolLevel;
  readonly #options: RawClientOptions;
  readonly #inbox: ServerPacket[] = [];
  #channel: Channel | null = null;
  #bytes: Buffer = Buffer.alloc(0);
  #failure: Error | null = null;
  #isEnded = false;
  #wake: () => void = () => {};
  #lastPacketId = 0;
  #clientId = '';

  constructor(options: RawClientOptions) {
    this.level = options.level;
    this.#options = options;
  }

  /** The client id of its last CONNECT. */
  get clientId(): string {
    return this.#clientId;
  }

  /** Called once, with the open connection. */
  attach(channel: Channel): void {
    this.#channel = channel;
  }

  onBytes(bytes: Buffer): void {
    this.#bytes = this.#bytes.length === 0 ? bytes : Buffer.concat([this.#bytes, bytes]);
    try {
      for (;;) {
        const length = packetLength(this.#bytes);
        if (length === undefined || length > this.#bytes.length) break;
        const packet = this.#bytes.subarray(0, length);
        this.#bytes = this.#bytes.subarray(length);
        this.#options.trace.received(this.#options.label, packet);
        this.#inbox.push(readServerPacket(packet, this.level));
      }
    } catch (error) {
      this.#failure ??= error as Error;
    }
    this.#wake();
  }

  onEnd(): void {
    this.#options.trace.note(this.#options.label, 'the connection is closed');
    this.#isEnded = true;
    this.#wake();
  }

  /** Sends bytes as they are, in one piece. */
  send(...packets: readonly Uint8Array[]): void {
    for (const packet of packets) this.#options.trace.sent(this.#options.label, packet);
    this.#channel?.write(packets.length === 1 ? packets[0] : Buffer.concat(packets));
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

  /** Ends the connection as a broken network does: no DISCONNECT. */
  drop(): void {
    this.#options.trace.note(this.#options.label, 'drops the connection');
    this.#channel?.destroy();
  }

  /** Stops reading until `resume`, so that the broker's bytes pile up. */
  pause(): void {
    this.#channel?.pause();
  }

  resume(): void {
    this.#channel?.resume();
  }

  /** The next packet, which has to be this one. @throws (rejects) ConformanceFailure */
  async receive<N extends PacketName>(name: N): Promise<ServerPacketOf<N>> {
    const packet = await this.#next(() => this.#inbox.shift(), name);
    if (packet.name !== name) throw new ConformanceFailure(`${packet.name} came where ${name} was expected`);
    return packet as ServerPacketOf<N>;
  }

  /** The first packet of this kind, whatever else came before it; the others stay for later. */
  async take<N extends PacketName>(
    name: N,
    isWanted: (packet: ServerPacketOf<N>) => boolean = () => true,
  ): Promise<ServerPacketOf<N>> {
    const packet = await this.#next(() => {
      const index = this.#inbox.findIndex((one) => one.name === name && isWanted(one as ServerPacketOf<N>));
      return index < 0 ? undefined : this.#inbox.splice(index, 1)[0];
    }, name);
    return packet as ServerPacketOf<N>;
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

  /** The packets that came and were not asked for yet; they stay. */
  get unread(): readonly ServerPacket[] {
    return this.#inbox;
  }

  /**
   * Demands that the connection is open and nothing but what was read has come: a PINGRESP is the very next packet.
   * Whatever the broker did before it read the PINGREQ, on this connection or for an acknowledged packet on another, has
   * then had its effect.
   */
  async isQuiet(): Promise<void> {
    this.send(pingreqPacket());
    await this.receive('PINGRESP');
    if (this.#options.graceMs > 0) await new Promise((resolve) => setTimeout(resolve, this.#options.graceMs));
    const [more] = this.#inbox;
    if (more !== undefined) throw new ConformanceFailure(`${more.name} came where nothing was expected`);
    if (this.#isEnded) throw new ConformanceFailure('The broker closed the connection');
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
    if (found === undefined && this.#options.mustExplain && wanted.length > 0) {
      throw new ConformanceFailure('The connection was closed without a packet that says why');
    }
    return found;
  }

  /** Waits until the broker has closed the connection. @returns what came before and was not read */
  async ended(): Promise<readonly ServerPacket[]> {
    await this.#until(() => this.#isEnded || this.#failure !== null, 'the end of the connection');
    if (this.#failure !== null) throw this.#failure;
    return this.#inbox.splice(0);
  }

  /** Whether the connection is closed. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  async #next(find: () => ServerPacket | undefined, name: string): Promise<ServerPacket> {
    let found: ServerPacket | undefined;
    await this.#until(() => {
      found = find();
      return found !== undefined || this.#isEnded || this.#failure !== null;
    }, name);
    if (found !== undefined) return found;
    if (this.#failure !== null) throw this.#failure;
    throw new ConformanceFailure(`The broker closed the connection where ${name} was expected`);
  }

  async #until(isTrue: () => boolean, what: string): Promise<void> {
    const deadline = performance.now() + this.#options.timeoutMs;
    while (!isTrue()) {
      const left = deadline - performance.now();
      if (left <= 0) {
        throw new ConformanceFailure(
          `${what} did not come within ${this.#options.timeoutMs} ms (${this.#options.label})`,
        );
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }
}

function codeText(code: number): string {
  return `0x${code.toString(16).padStart(2, '0')}`;
}
