import type { Broker, LinkHandler, ListenerPolicy, TlsSession } from '@cauldron/broker';
import { type MemoryClient, memoryLinkPair } from '@cauldron/broker';
import {
  type Connack,
  type Connect,
  decodePacket,
  encodePacket,
  Framer,
  type Packet,
  PacketType,
  type ProtocolVersion,
  type Publish,
  type QoS,
  type Suback,
  type Subscribe,
  type SubscribeRequest,
} from '@cauldron/codec';

type PacketOf<Type extends PacketType> = Extract<Packet, { type: Type }>;

/** A client that sends and sees packets, over an in-process link. It acknowledges nothing by itself. */
export class TestClient {
  readonly version: ProtocolVersion;
  /** Packets that came and nobody asked for yet. */
  readonly inbox: Packet[] = [];
  closed = false;
  readonly #wire: MemoryClient;
  readonly #framer = new Framer();
  #wake: () => void = () => {};
  #lastPacketId = 0;
  #received = 0;
  #acknowledges = false;
  #recorded: Uint8Array[] | null = null;
  #onPingresp: (() => void) | null = null;

  constructor(broker: Broker, version: ProtocolVersion = 4, listener?: ListenerPolicy, tls?: TlsSession) {
    this.version = version;
    const { client } = memoryLinkPair((link) => lending(broker.accept(link, listener)), {
      remoteAddress: '127.0.0.1',
      remotePort: 5,
      ...(tls && { tls }),
    });
    this.#wire = client;
    client.onData = (bytes) => this.#receive(bytes);
    client.onClose = () => {
      this.closed = true;
      this.#wake();
    };
  }

  /** Connects, and returns the CONNACK. */
  async connect(connect: Partial<Connect> = {}): Promise<Connack> {
    this.send({
      type: PacketType.CONNECT,
      protocolVersion: this.version,
      clean: true,
      keepAlive: 0,
      clientId: 'test',
      ...connect,
    });
    return this.expect(PacketType.CONNACK);
  }

  /** Subscribes, and returns the SUBACK. */
  async subscribe(
    filters: string | readonly (Partial<SubscribeRequest> & { filter: string })[],
    qos: QoS = 0,
    properties?: Subscribe['properties'],
  ): Promise<Suback> {
    const list = typeof filters === 'string' ? [{ filter: filters }] : filters;
    this.send({
      type: PacketType.SUBSCRIBE,
      packetId: this.nextPacketId(),
      subscriptions: list.map((request) => ({
        qos,
        noLocal: false,
        retainAsPublished: false,
        retainHandling: 0,
        ...request,
      })),
      ...(properties && { properties }),
    });
    return this.expect(PacketType.SUBACK);
  }

  /** Sends a PUBLISH; returns its packet id (0 with QoS 0). */
  publish(topic: string, payload: string, options: Partial<Publish> = {}): number {
    const qos = options.qos ?? 0;
    const packetId = qos === 0 ? 0 : (options.packetId ?? this.nextPacketId());
    this.send({
      type: PacketType.PUBLISH,
      topic,
      payload: new TextEncoder().encode(payload),
      retain: false,
      dup: false,
      ...options,
      qos,
      ...(qos > 0 && { packetId }),
    });
    return packetId;
  }

  acknowledge(type: 4 | 5 | 6 | 7, packetId: number, reasonCode: PacketOf<4>['reasonCode'] = 0): void {
    this.send({ type, packetId, reasonCode } as PacketOf<4 | 5 | 6 | 7>);
  }

  nextPacketId(): number {
    return ++this.#lastPacketId;
  }

  send(...packets: Packet[]): void {
    for (const packet of packets) this.sendBytes(encodePacket(packet, this.version));
  }

  sendBytes(bytes: Uint8Array): void {
    this.#wire.write(bytes);
  }

  /** Ends the connection without DISCONNECT. */
  cut(): void {
    this.#wire.reset(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET', syscall: 'read' }));
  }

  disconnect(): void {
    this.send({ type: PacketType.DISCONNECT, reasonCode: 0 });
  }

  /** Takes nothing more from the broker until `resume`. */
  pause(): void {
    this.#wire.pause();
  }

  resume(): void {
    this.#wire.resume();
  }

  /** From now on acknowledges whatever asks for it, at once. */
  acknowledgeAll(): void {
    this.#acknowledges = true;
  }

  /** The bytes of all packets that come from now on, apart from those of `settle`; none of them goes to the inbox. */
  record(): Uint8Array[] {
    this.#recorded = [];
    return this.#recorded;
  }

  /**
   * Resolves when the broker has answered all that was sent, and the answers to its answers, and so on; or when the
   * connection is gone.
   */
  async settle(): Promise<void> {
    for (let round = 0; round < 100; round++) {
      const before = this.#received;
      let isBack = false;
      this.#onPingresp = () => (isBack = true);
      this.send({ type: PacketType.PINGREQ });
      while (!isBack && !this.closed) await new Promise<void>((resolve) => (this.#wake = resolve));
      if (this.closed) return;
      // Only the PINGRESP came: nothing is under way any more.
      if (this.#received === before + 1) return;
    }
    throw new Error('the connection does not come to rest');
  }

  /** The next packet, which must be of this type. */
  async expect<Type extends PacketType>(type: Type): Promise<PacketOf<Type>> {
    while (this.inbox.length === 0 && !this.closed) await new Promise<void>((resolve) => (this.#wake = resolve));
    const packet = this.inbox.shift();
    if (packet === undefined) throw new Error(`expected packet type ${type}, but the connection was closed`);
    if (packet.type !== type) throw new Error(`expected packet type ${type}, got ${JSON.stringify(packet)}`);
    return packet as PacketOf<Type>;
  }

  /** The next PUBLISH, its payload as text. */
  async expectMessage(): Promise<Omit<Publish, 'payload'> & { text: string }> {
    const { payload, ...rest } = await this.expect(PacketType.PUBLISH);
    return { ...rest, text: new TextDecoder().decode(payload) };
  }

  /** Resolves when the connection is gone. What came before stays in the inbox. */
  async expectClose(): Promise<void> {
    while (!this.closed) await new Promise<void>((resolve) => (this.#wake = resolve));
  }

  /** Fails if anything came that was not asked for. Everything sent before has been answered when it resolves. */
  async expectNothing(): Promise<void> {
    this.send({ type: PacketType.PINGREQ });
    await this.expect(PacketType.PINGRESP);
  }

  #receive(bytes: Uint8Array): void {
    this.#framer.feed(bytes, bytes.length);
    while (this.#framer.next()) {
      const { bytes: all, start, body, end } = this.#framer;
      const frame = all.slice(start, end);
      this.#take(frame, decodePacket(frame, 0, body - start, end - start, this.version));
    }
    this.#framer.finish();
    this.#wake();
  }

  #take(frame: Uint8Array, packet: Packet): void {
    this.#received++;
    if (packet.type === PacketType.PINGRESP && this.#onPingresp !== null) {
      this.#onPingresp();
      this.#onPingresp = null;
      return;
    }
    if (this.#recorded === null) this.inbox.push(packet);
    else this.#recorded.push(frame);
    if (!this.#acknowledges) return;
    if (packet.type === PacketType.PUBLISH && packet.packetId !== undefined) {
      this.acknowledge(packet.qos === 1 ? PacketType.PUBACK : PacketType.PUBREC, packet.packetId);
    } else if (packet.type === PacketType.PUBREC && packet.reasonCode < 0x80) {
      this.acknowledge(PacketType.PUBREL, packet.packetId);
    } else if (packet.type === PacketType.PUBREL) this.acknowledge(PacketType.PUBCOMP, packet.packetId);
  }
}

/** Bytes that a handler reads are lent to it for the call; here, whoever keeps them sees them change. */
function lending(handler: LinkHandler): LinkHandler {
  return {
    onRead(bytes, length) {
      // Not `slice`, which copies nothing when it is a Buffer's.
      const lent = new Uint8Array(bytes.subarray(0, length));
      handler.onRead(lent, length);
      lent.fill(0xee);
    },
    onDrain: () => handler.onDrain(),
    onClose: (error) => handler.onClose(error),
  };
}
