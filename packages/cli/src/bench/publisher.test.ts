import type { TransportEvents } from '@cauldron/client';
import {
  type Connack,
  decodePacket,
  Framer,
  type Packet,
  PacketType,
  type ProtocolVersion,
  type Publish,
} from '@cauldron/codec';
import { describe, expect, it } from 'vitest';
import { Board, type Slot } from './board.js';
import { ErrorTally } from './error-tally.js';
import { hasMark, sequenceOf, streamOf } from './payload.js';
import { Publisher, type PublisherSetting } from './publisher.js';

const MARK = 77;
const TOPICS = ['garden/a', 'garden/b'];
/** The streams of the publisher are the last two of four. */
const FIRST_STREAM = 2;

/** A publisher, and what it has sent. */
class Scene {
  readonly board = new Board(Board.memory(1, 4), 1, 4);
  readonly errors = new ErrorTally();
  readonly publisher: Publisher;
  readonly sent: Packet[] = [];
  rooms = 0;
  #events: TransportEvents | null = null;

  constructor(more: Partial<PublisherSetting> = {}, connack: Partial<Connack> = {}) {
    this.board.receivers.fill(3);
    const version: ProtocolVersion = more.version ?? 4;
    const setting: PublisherSetting = {
      board: this.board,
      counts: this.board.countsOf(0),
      times: this.board.timesOf(0),
      errors: this.errors,
      clock: () => 5_000,
      mark: MARK,
      size: { smallest: 20, largest: 20 },
      version,
      qos: 1,
      retain: false,
      properties: {},
      aliases: false,
      mostPending: 2,
      measureFromUs: 1_000,
      onRoom: () => this.rooms++,
      ...more,
    };
    const framer = new Framer();
    this.publisher = new Publisher(
      (events) => {
        this.#events = events;
        const write = (bytes: Uint8Array): boolean => {
          framer.feed(bytes, bytes.length);
          while (framer.next())
            this.sent.push(
              decodePacket(
                framer.bytes.slice(framer.start, framer.end),
                0,
                framer.body - framer.start,
                framer.end - framer.start,
                version,
              ),
            );
          framer.finish();
          return true;
        };
        return { write, end: () => {}, destroy: () => {}, pause: () => {}, resume: () => {} };
      },
      TOPICS,
      FIRST_STREAM,
      Number.POSITIVE_INFINITY,
      setting,
    );
    this.begin(connack);
  }

  begin(connack: Partial<Connack> = {}): void {
    this.publisher.lane.open({ opened: () => {}, data: () => {}, drained: () => {}, closed: () => {} });
    this.publisher.begin({ type: PacketType.CONNACK, sessionPresent: false, reasonCode: 0, ...connack });
  }

  publish(dueUs = 4_000): number {
    const deliveries = this.publisher.publish(dueUs);
    this.publisher.lane.flush();
    return deliveries;
  }

  receive(...bytes: readonly number[]): void {
    this.#events?.data(Uint8Array.from(bytes), bytes.length);
  }

  lose(): void {
    this.#events?.closed(null);
  }

  count(slot: keyof typeof Slot): number {
    return this.board.counts()[slot];
  }

  get messages(): Publish[] {
    return this.sent.filter((packet) => packet.type === PacketType.PUBLISH);
  }
}

describe('a publisher of a load', () => {
  it('publishes to its topics by turns, and numbers the messages of each', () => {
    const scene = new Scene({ mostPending: 10, retain: true });
    expect([1, 2, 3].map(() => scene.publish())).toEqual([3, 3, 3]);
    expect(scene.messages).toMatchObject(
      ['garden/a', 'garden/b', 'garden/a'].map((topic, n) => ({
        topic,
        qos: 1,
        retain: true,
        dup: false,
        packetId: n + 1,
      })),
    );
    const heads = scene.messages.map(({ payload }) => [
      payload.length,
      hasMark(payload, 0, 20, MARK),
      streamOf(payload, 0),
      sequenceOf(payload, 0),
    ]);
    expect(heads).toEqual([
      [20, true, 2, 0],
      [20, true, 3, 0],
      [20, true, 2, 1],
    ]);
    expect([...scene.board.sent]).toEqual([0, 0, 2, 1]);
    expect([scene.count('published'), scene.count('publishedBytes'), scene.count('due')]).toEqual([3, 60, 9]);
  });

  it('keeps to its window; what is due beyond it waits, and its time goes by', () => {
    const scene = new Scene();
    scene.publish();
    expect(scene.publisher.hasRoom).toBe(true);
    scene.publish();
    expect(scene.publisher.hasRoom).toBe(false);
    expect(scene.publish(3_000)).toBe(0);
    expect(scene.messages).toHaveLength(2);
    scene.receive(0x40, 2, 0, 2);
    expect(scene.messages.map(({ packetId }) => packetId)).toEqual([1, 2, 2]);
    scene.receive(0x40, 2, 0, 2);
    expect(scene.board.time('acknowledgement').percentile(0)).toBe(1_000);
    expect(scene.board.time('acknowledgement').percentile(100)).toBe(2_000);
    expect([scene.count('settled'), scene.rooms]).toEqual([2, 3]);
  });

  it('sends what waited when the connection comes back', () => {
    const scene = new Scene();
    for (let n = 0; n < 3; n++) scene.publish();
    scene.lose();
    scene.begin();
    expect(scene.messages.map(({ packetId }) => packetId)).toHaveLength(3);
    expect(scene.publisher.hasRoom).toBe(true);
  });

  it('tells at the end how many messages were due and could not be sent', () => {
    const scene = new Scene();
    for (let n = 0; n < 5; n++) scene.publish();
    scene.publisher.end();
    expect(scene.errors.entries).toEqual([['Not published: the broker was behind with its acknowledgements', 3]]);
    expect(scene.count('published')).toBe(2);
  });

  it('goes through the handshake of QoS 2', () => {
    const scene = new Scene({ qos: 2 });
    scene.publish();
    scene.receive(0x50, 2, 0, 1);
    expect(scene.sent.at(-1)).toMatchObject({ type: PacketType.PUBREL, packetId: 1 });
    expect(scene.count('settled')).toBe(0);
    scene.receive(0x70, 2, 0, 1);
    expect(scene.count('settled')).toBe(1);
  });

  it('does not expect deliveries of what the broker refuses', () => {
    const scene = new Scene({ version: 5 });
    scene.publish();
    scene.receive(0x40, 3, 0, 1, 0x97);
    expect(scene.errors.entries).toEqual([['Not published: Quota exceeded', 1]]);
    expect([scene.count('settled'), scene.count('refused'), scene.board.undelivered()]).toEqual([1, 1, 0]);
  });

  it('gives up what is on its way when the connection is lost, and begins anew with the next', () => {
    const scene = new Scene();
    scene.publish();
    scene.publish();
    scene.lose();
    expect(scene.errors.entries).toEqual([['Not acknowledged before the connection was lost', 2]]);
    expect([scene.board.isQuiet, scene.publisher.hasRoom]).toEqual([true, false]);
    expect(scene.publish()).toBe(0);
    expect(scene.errors.entries.at(-1)).toEqual(['Not published: there is no connection', 1]);
    scene.begin();
    scene.publish();
    expect(scene.messages.map(({ payload }) => sequenceOf(payload, 0))).toEqual([0, 0, 1]);
  });

  it('sends properties with every message, and the topic once if it has an alias', () => {
    const properties = { userProperties: [['name', 'value']] as const };
    const connack = { properties: { topicAliasMaximum: 1 } };
    const scene = new Scene({ version: 5, qos: 0, aliases: true, properties }, connack);
    for (let n = 0; n < 4; n++) scene.publish();
    expect(scene.messages).toMatchObject([
      { topic: 'garden/a', properties: { topicAlias: 1, ...properties } },
      { topic: 'garden/b', properties },
      { topic: '', properties: { topicAlias: 1, ...properties } },
      { topic: 'garden/b', properties },
    ]);
    expect(scene.messages[1].properties?.topicAlias).toBeUndefined();
  });

  it('keeps to the receive maximum of the broker', () => {
    const scene = new Scene({ version: 5, mostPending: 10 }, { properties: { receiveMaximum: 1 } });
    scene.publish();
    expect(scene.publisher.hasRoom).toBe(false);
  });
});
