import { type Packet, PacketType, type ProtocolVersion, type Publish } from '@cauldron/codec';
import { describe, expect, it } from 'vitest';
import { LateStore } from '../support/late-store.js';
import { TestBroker } from '../support/test-broker.js';
import { TestClient } from '../support/test-client.js';

const { CONNACK, PUBACK, PUBREC, PUBREL, PUBCOMP, PUBLISH, SUBACK } = PacketType;

/** Resolves when everybody has read what was sent, and the store has committed what it is to commit. */
async function settled(): Promise<void> {
  for (let i = 0; i < 6; i++) await new Promise<void>((resolve) => setImmediate(resolve));
}

/** A client that keeps its side of a lasting session over connections and crashes of the broker. */
abstract class Peer {
  readonly #clientId: string;
  readonly #version: ProtocolVersion;
  #client: TestClient | null = null;

  constructor(clientId: string, version: ProtocolVersion) {
    this.#clientId = clientId;
    this.#version = version;
  }

  connect(test: TestBroker): void {
    this.#client = new TestClient(test.broker, this.#version);
    const v5 = this.#version === 5;
    this.#client.send({
      type: PacketType.CONNECT,
      protocolVersion: this.#version,
      clean: false,
      keepAlive: 0,
      clientId: this.#clientId,
      ...(v5 && { properties: { sessionExpiryInterval: 1000 } }),
    });
  }

  cut(): void {
    this.#client?.cut();
    this.#client = null;
  }

  /** Takes what came, and answers. True: something did. */
  work(): boolean {
    const packets = this.#client?.inbox.splice(0) ?? [];
    for (const packet of packets) this.take(packet);
    return packets.length > 0;
  }

  protected send(packet: Packet): void {
    this.#client?.send(packet);
  }

  protected abstract take(packet: Packet): void;
}

/** Publishes numbered messages, and sends again what was not acknowledged. */
class Publisher extends Peer {
  readonly confirmed = new Set<string>();
  readonly #unconfirmed = new Map<number, { readonly publish: Publish; isReceived: boolean }>();
  #lastId = 0;

  publish(topic: string, text: string, qos: 1 | 2, retain = false): void {
    const packetId = ++this.#lastId;
    const payload = Buffer.from(text);
    const publish: Publish = { type: PUBLISH, topic, payload, qos, retain, dup: false, packetId };
    this.#unconfirmed.set(packetId, { publish, isReceived: false });
    this.send(publish);
  }

  protected take(packet: Packet): void {
    if (packet.type === CONNACK) {
      for (const [packetId, { publish, isReceived }] of this.#unconfirmed) {
        this.send(isReceived ? { type: PUBREL, packetId, reasonCode: 0 } : { ...publish, dup: true });
      }
    } else if (packet.type === PUBREC) {
      const waiting = this.#unconfirmed.get(packet.packetId);
      if (waiting !== undefined) waiting.isReceived = true;
      this.#confirm(packet.packetId);
      this.send({ type: PUBREL, packetId: packet.packetId, reasonCode: 0 });
    } else if (packet.type === PUBACK || packet.type === PUBCOMP) {
      this.#confirm(packet.packetId);
      this.#unconfirmed.delete(packet.packetId);
    }
  }

  #confirm(packetId: number): void {
    const waiting = this.#unconfirmed.get(packetId);
    if (waiting !== undefined) this.confirmed.add(Buffer.from(waiting.publish.payload).toString());
  }
}

/** Notes what it gets, with QoS 2 once for each packet id until that is released. */
class Subscriber extends Peer {
  readonly got: { readonly text: string; readonly qos: number; readonly retain: boolean }[] = [];
  isSubscribed = false;
  readonly #held = new Map<number, string>();

  subscribe(): void {
    const options = { qos: 2, noLocal: false, retainAsPublished: false, retainHandling: 0 } as const;
    this.send({ type: PacketType.SUBSCRIBE, packetId: 1, subscriptions: [{ filter: 't', ...options }] });
  }

  texts(qos: 1 | 2): string[] {
    return this.got.filter((message) => message.qos === qos).map(({ text }) => text);
  }

  protected take(packet: Packet): void {
    if (packet.type === SUBACK) this.isSubscribed = true;
    else if (packet.type === PUBREL) {
      this.#held.delete(packet.packetId);
      this.send({ type: PUBCOMP, packetId: packet.packetId, reasonCode: 0 });
    } else if (packet.type === PUBLISH) {
      const { qos, packetId = 0, dup, retain } = packet;
      const text = Buffer.from(packet.payload).toString();
      const before = this.#held.get(packetId);
      if (qos === 2 && before !== undefined) expect({ text, dup }).toEqual({ text: before, dup: true });
      else this.got.push({ text, qos, retain });
      if (qos === 2) this.#held.set(packetId, text);
      this.send({ type: qos === 2 ? PUBREC : PUBACK, packetId, reasonCode: 0 });
    }
  }
}

/** Lets all of them go on until nothing comes any more. */
async function rest(...peers: readonly Peer[]): Promise<void> {
  for (let isAtRest = false; !isAtRest; ) {
    await settled();
    isAtRest = !peers.map((peer) => peer.work()).some((isBusy) => isBusy);
  }
}

interface Scene {
  readonly test: TestBroker;
  readonly publisher: Publisher;
  readonly subscriber: Subscriber;
}

type Story = (scene: Scene) => Promise<void>;

/** Plays the story with a store that commits so many turns; then the broker crashes, and everybody comes back. */
async function play(story: Story, version: ProtocolVersion, turns: number): Promise<Scene & { store: LateStore }> {
  const store = new LateStore();
  const publisher = new Publisher('publisher', version);
  const subscriber = new Subscriber('subscriber', version);
  const scene = { test: new TestBroker({ store }), publisher, subscriber };
  store.commitTurns(Number.POSITIVE_INFINITY);
  publisher.connect(scene.test);
  subscriber.connect(scene.test);
  await rest(publisher, subscriber);
  subscriber.subscribe();
  await rest(publisher, subscriber);
  expect(subscriber.isSubscribed).toBe(true);
  store.commitTurns(turns);
  await story(scene);
  const acknowledged = new Set(publisher.confirmed);

  const after = store.afterCrash();
  after.commitTurns(Number.POSITIVE_INFINITY);
  const next = { ...scene, test: new TestBroker({ store: after }), store };
  publisher.cut();
  subscriber.cut();
  // What was acknowledged is there without its publisher.
  subscriber.connect(next.test);
  await rest(subscriber);
  const got = new Set(subscriber.got.map(({ text }) => text));
  for (const text of acknowledged) if (text !== '') expect(got).toContain(text);
  publisher.connect(next.test);
  await rest(publisher, subscriber);
  return next;
}

const STORIES: readonly (readonly [string, Story])[] = [
  [
    'everybody is connected',
    async ({ publisher, subscriber }) => {
      for (let i = 1; i <= 4; i++) {
        publisher.publish('t', `${i}`, i % 2 === 0 ? 1 : 2);
        await rest(publisher, subscriber);
      }
    },
  ],
  [
    'all messages are in one read',
    async ({ publisher, subscriber }) => {
      for (let i = 1; i <= 4; i++) publisher.publish('t', `${i}`, i < 3 ? 2 : 1);
      await rest(publisher, subscriber);
    },
  ],
  [
    'the subscriber is away for a while',
    async ({ test, publisher, subscriber }) => {
      publisher.publish('t', '1', 2);
      await rest(publisher);
      subscriber.cut();
      for (let i = 2; i <= 4; i++) publisher.publish('t', `${i}`, i % 2 === 0 ? 2 : 1);
      await rest(publisher);
      subscriber.connect(test);
      await rest(publisher, subscriber);
    },
  ],
  [
    'both connect again and again',
    async ({ test, publisher, subscriber }) => {
      for (let i = 1; i <= 4; i++) {
        publisher.publish('t', `${i}`, i % 2 === 0 ? 1 : 2);
        await settled();
        publisher.work();
        subscriber.work();
        publisher.cut();
        publisher.connect(test);
        await settled();
        subscriber.cut();
        subscriber.connect(test);
        await settled();
        publisher.work();
      }
      await rest(publisher, subscriber);
    },
  ],
  [
    'messages are retained, too',
    async ({ publisher, subscriber }) => {
      publisher.publish('t', '1', 2, true);
      await rest(publisher, subscriber);
      publisher.publish('t', '2', 1, true);
      publisher.publish('t', '3', 2, true);
      await rest(publisher, subscriber);
    },
  ],
];

describe.each([4, 5] as const)('a crash after any commit, clients of version %i,', (version) => {
  it.each(STORIES)(
    'while %s, takes nothing that was acknowledged, and QoS 2 comes once, in order',
    async (_, story) => {
      // How many commits there are, if nothing keeps them.
      const { store } = await play(story, version, Number.POSITIVE_INFINITY);
      const count = store.turns.length;
      expect(count).toBeGreaterThan(4);
      for (let turns = 0; turns <= count; turns++) {
        const { test, subscriber, publisher } = await play(story, version, turns);
        const all = [...new Set(subscriber.got.map(({ text }) => text))].sort();
        expect(all).toEqual([...publisher.confirmed].sort());
        expect(all.length).toBeGreaterThan(2);
        const twos = subscriber.texts(2);
        expect(twos).toEqual([...new Set(twos)].sort());
        const ones = [...new Set(subscriber.texts(1))];
        expect(ones).toEqual(ones.toSorted());
        if (test.broker.gauges.retained > 0) {
          const reader = await test.connected('reader');
          await reader.subscribe('t');
          expect((await reader.expectMessage()).text).toBe('3');
        }
      }
    },
  );
});
