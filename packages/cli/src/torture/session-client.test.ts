import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { decodePacket, encodePacket, Framer, type Packet, PacketType, ReasonCode } from '@cauldron/codec';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Model } from './model.js';
import { payloadOf } from './payload.js';
import { type Outgoing, SessionClient } from './session-client.js';

/** The broker's end of one connection: says what a test tells it to. */
class Peer {
  readonly #socket: Socket;
  readonly #packets: Packet[] = [];
  #wake: () => void = () => {};

  constructor(socket: Socket) {
    this.#socket = socket;
    const framer = new Framer();
    socket.on('error', () => {});
    socket.on('data', (bytes: Buffer) => {
      // Packets borrow what they lie in.
      const kept = Uint8Array.from(bytes);
      framer.feed(kept, kept.length);
      while (framer.next()) {
        this.#packets.push(decodePacket(framer.bytes, framer.start, framer.body, framer.end, 5));
      }
      framer.finish();
      this.#wake();
    });
  }

  /** The next packet from the client. */
  async take(): Promise<Packet> {
    for (;;) {
      const packet = this.#packets.shift();
      if (packet !== undefined) return packet;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** How many packets have come and were not taken. */
  get left(): number {
    return this.#packets.length;
  }

  send(...packets: readonly Packet[]): void {
    for (const packet of packets) this.#socket.write(encodePacket(packet, 5));
  }

  /** As a broker does that has read DISCONNECT. */
  close(): void {
    this.#socket.end();
  }
}

const TOPIC = 'm/x';
const FILTER = 'm/#';

let server: Server;
let port: number;
let peers: Peer[];
let model: Model;
let isDown: boolean;

beforeEach(async () => {
  peers = [];
  server = createServer((socket) => {
    peers.push(new Peer(socket));
    server.emit('peer');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  port = (server.address() as AddressInfo).port;
  model = new Model(() => performance.now());
  isDown = false;
});

afterEach(async () => {
  server.close();
});

function clientOf(options: { isLazy?: boolean; filters?: string[] } = {}): SessionClient {
  return new SessionClient({ clientId: 'one', version: 5, model, isBrokerDown: () => isDown, ...options });
}

/** Has the client connect; the broker has read CONNECT. */
async function connect(client: SessionClient, clean = false): Promise<Peer> {
  const count = peers.length;
  client.connect(port, clean);
  while (peers.length === count) await once(server, 'peer');
  const peer = peers[count];
  expect(await peer.take()).toMatchObject({ type: PacketType.CONNECT, clean });
  return peer;
}

async function connected(client: SessionClient, sessionPresent = false): Promise<Peer> {
  const peer = await connect(client);
  peer.send({ type: PacketType.CONNACK, sessionPresent, reasonCode: ReasonCode.SUCCESS });
  await until(() => client.isOnline);
  return peer;
}

async function until(is: () => boolean): Promise<void> {
  while (!is()) await new Promise((resolve) => setImmediate(resolve));
}

function publishing(number: number, qos: 1 | 2, packetId: number, dup = false): Packet {
  const payload = Buffer.from(payloadOf(TOPIC, number));
  return { type: PacketType.PUBLISH, topic: TOPIC, payload, qos, packetId, retain: false, dup };
}

const SUCCESS = { reasonCode: ReasonCode.SUCCESS } as const;

/** Notes what it is told. */
function outgoing(qos: 1 | 2): { message: Outgoing; told: string[] } {
  const told: string[] = [];
  const message: Outgoing = {
    topic: TOPIC,
    payload: 'text',
    qos,
    retain: false,
    resending: () => told.push('resending'),
    accepted: () => told.push('accepted'),
    finished: () => told.push('finished'),
    abandoned: () => told.push('abandoned'),
  };
  return { message, told };
}

/** Publishes at QoS 2 up to the PUBREL, which the broker has read. */
async function released(client: SessionClient, peer: Peer, message: Outgoing): Promise<void> {
  client.publish(message);
  expect(await peer.take()).toMatchObject({ type: PacketType.PUBLISH, packetId: 1 });
  peer.send({ type: PacketType.PUBREC, packetId: 1, ...SUCCESS });
  expect(await peer.take()).toMatchObject({ type: PacketType.PUBREL, packetId: 1 });
}

function problems(): string[] {
  return model.findings.first.map(({ text }) => text);
}

describe('a client of the torture', () => {
  it('subscribes in a new session, and not again in an old one', async () => {
    const client = clientOf({ filters: [FILTER] });
    const peer = await connected(client);
    const subscribe = await peer.take();
    expect(subscribe).toMatchObject({ type: PacketType.SUBSCRIBE, subscriptions: [{ filter: FILTER }] });
    peer.send({ type: PacketType.SUBACK, packetId: 1, reasonCodes: [2] });
    await until(() => client.waiting === 0);
    client.drop();
    await connected(client, true);
    expect(client.waiting).toBe(0);
    expect(problems()).toEqual([]);
  });

  it('subscribes in a session that began with a CONNECT that was never answered', async () => {
    const client = clientOf({ filters: [FILTER] });
    await connect(client);
    client.drop();
    const peer = await connected(client, true);
    expect(await peer.take()).toMatchObject({ type: PacketType.SUBSCRIBE });
    expect(problems()).toEqual([]);
  });

  it('asks for a clean start until it has got one', async () => {
    const client = clientOf();
    await connected(client);
    client.drop();
    await connect(client, true);
    client.drop();
    const count = peers.length;
    client.connect(port);
    while (peers.length === count) await once(server, 'peer');
    expect(await peers[count].take()).toMatchObject({ type: PacketType.CONNECT, clean: true });
  });

  it('sends again what was not acknowledged, in its order, with DUP', async () => {
    const client = clientOf();
    const first = await connected(client);
    const [one, two] = [outgoing(1), outgoing(2)];
    client.publish(two.message);
    client.publish(one.message);
    for (let i = 0; i < 2; i++) expect(await first.take()).toMatchObject({ type: PacketType.PUBLISH, dup: false });
    client.drop();
    const second = await connected(client, true);
    expect(await second.take()).toMatchObject({ type: PacketType.PUBLISH, packetId: 1, qos: 2, dup: true });
    expect(await second.take()).toMatchObject({ type: PacketType.PUBLISH, packetId: 2, qos: 1, dup: true });
    second.send({ type: PacketType.PUBACK, packetId: 2, ...SUCCESS });
    await until(() => client.waiting === 1);
    expect([one.told, two.told]).toEqual([['resending', 'accepted', 'finished'], ['resending']]);
  });

  it('tells of messages that the broker can no longer answer, because it has forgotten the session', async () => {
    const client = clientOf();
    const first = await connected(client);
    const { message, told } = outgoing(1);
    client.publish(message);
    await first.take();
    client.drop();
    await connected(client, false);
    expect([told, client.waiting]).toEqual([['abandoned'], 0]);
    expect(problems()).toEqual(['one has lost its session']);
  });

  it('takes it for good when a PUBREL that it sends again is not known any more', async () => {
    const client = clientOf();
    const { message, told } = outgoing(2);
    await released(client, await connected(client), message);
    client.drop();
    const peer = await connected(client, true);
    expect(await peer.take()).toMatchObject({ type: PacketType.PUBREL, packetId: 1 });
    peer.send({ type: PacketType.PUBCOMP, packetId: 1, reasonCode: ReasonCode.PACKET_IDENTIFIER_NOT_FOUND });
    await until(() => client.waiting === 0);
    expect(told).toEqual(['accepted', 'finished']);
    expect(problems()).toEqual([]);
  });

  it('finds it wrong when the first PUBREL is not known', async () => {
    const client = clientOf();
    const peer = await connected(client);
    const { message, told } = outgoing(2);
    await released(client, peer, message);
    peer.send({ type: PacketType.PUBCOMP, packetId: 1, reasonCode: ReasonCode.PACKET_IDENTIFIER_NOT_FOUND });
    await until(() => client.waiting === 0);
    expect(told).toEqual(['accepted', 'abandoned']);
    expect(problems()).toEqual(['the broker refuses a message of one: Packet Identifier not found']);
  });

  it('finds acknowledgements wrong that answer nothing', async () => {
    const client = clientOf();
    const peer = await connected(client);
    client.publish(outgoing(2).message);
    peer.send(
      { type: PacketType.PUBACK, packetId: 1, ...SUCCESS },
      { type: PacketType.PUBREC, packetId: 9, ...SUCCESS },
    );
    await until(() => problems().length === 2);
    expect(client.waiting).toBe(1);
  });

  it('counts a QoS 2 message once that comes again under its id, which DUP has to tell', async () => {
    const client = clientOf();
    model.stream(TOPIC, 2, 'publisher').publishing();
    model.session('one').subscribing(FILTER);
    const peer = await connected(client);
    peer.send(publishing(1, 2, 5));
    expect(await peer.take()).toMatchObject({ type: PacketType.PUBREC, packetId: 5 });
    client.drop();
    const second = await connected(client, true);
    second.send(publishing(1, 2, 5, true));
    expect(await second.take()).toMatchObject({ type: PacketType.PUBREC, packetId: 5 });
    expect(problems()).toEqual([]);
    second.send(publishing(1, 2, 5));
    expect(await second.take()).toMatchObject({ type: PacketType.PUBREC, packetId: 5 });
    expect(problems()).toEqual([`the broker repeats a message of ${TOPIC} to one without DUP`]);
    expect(model.findings.checks.deliveries).toBe(1);
  });

  it('says and takes nothing after DISCONNECT', async () => {
    const client = clientOf();
    model.stream(TOPIC, 1, 'publisher').publishing();
    model.session('one').subscribing(FILTER);
    const peer = await connected(client);
    client.disconnect();
    peer.send(publishing(1, 1, 5));
    expect(await peer.take()).toMatchObject({ type: PacketType.DISCONNECT });
    peer.close();
    await until(() => client.isOffline);
    expect([peer.left, model.findings.checks.deliveries]).toEqual([0, 0]);
    const second = await connected(client, true);
    second.send(publishing(1, 1, 5, true));
    expect(await second.take()).toMatchObject({ type: PacketType.PUBACK, packetId: 5 });
    expect(model.findings.checks.deliveries).toBe(1);
    expect(problems()).toEqual([]);
  });

  it('acknowledges when it is told to, if it is lazy', async () => {
    const client = clientOf({ isLazy: true });
    model.stream(TOPIC, 1, 'publisher').publishing();
    model.session('one').subscribing(FILTER);
    const peer = await connected(client);
    peer.send(publishing(1, 1, 5));
    await until(() => model.findings.checks.deliveries === 1);
    client.publish(outgoing(1).message);
    expect(await peer.take()).toMatchObject({ type: PacketType.PUBLISH });
    client.flush();
    expect(await peer.take()).toMatchObject({ type: PacketType.PUBACK, packetId: 5 });
  });

  it('finds it wrong when a connection ends by itself, unless the broker is being killed', async () => {
    const client = clientOf();
    (await connected(client)).close();
    await until(() => client.isOffline);
    expect(problems()).toEqual(['the broker ends the connection of one: closed without a word']);
    const peer = await connected(client, true);
    isDown = true;
    peer.close();
    await until(() => client.isOffline);
    expect(problems()).toHaveLength(1);
  });
});
