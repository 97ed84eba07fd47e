// The parts of the hot path, each on its own, and then all together in a broker without sockets. They are taken from the
// build, as it is shipped.

import { Broker } from '../../packages/broker/dist/core/broker.js';
import { Counters } from '../../packages/broker/dist/core/counters.js';
import { Inflight, InflightState } from '../../packages/broker/dist/core/inflight.js';
import { Output, OutputPool } from '../../packages/broker/dist/core/output.js';
import { RouteCache } from '../../packages/broker/dist/core/route-cache.js';
import { TopicTree } from '../../packages/broker/dist/core/topic-tree.js';
import { MemoryStore } from '../../packages/broker/dist/storage/memory-store.js';
import { decodePacket, encodePacket, Framer, PacketType } from '../../packages/codec/dist/index.js';

/**
 * One thing that is measured.
 * @typedef {object} Work
 * @property {string} name
 * @property {string} area
 * @property {number} operations in one call of `run`
 * @property {() => void} run
 */

const PAYLOAD = Buffer.alloc(64, 'x');
const FRAMES = 100;
const TOPICS = 1_000;

/**
 * @param {string} name `area: what`
 * @param {number} operations
 * @param {() => void} run
 * @returns {Work}
 */
function work(name, operations, run) {
  return { name, area: name.slice(0, name.indexOf(':')), operations, run };
}

/**
 * @param {string} topic
 * @param {{ qos?: 0 | 1 | 2, version?: 4 | 5, packetId?: number, userProperties?: [string, string][] }} [how]
 */
function publish(topic, { qos = 0, version = 4, packetId = 1, userProperties } = {}) {
  return encodePacket(
    {
      type: PacketType.PUBLISH,
      dup: false,
      qos,
      retain: false,
      topic,
      payload: PAYLOAD,
      ...(qos > 0 ? { packetId } : {}),
      ...(userProperties === undefined ? {} : { properties: { userProperties } }),
    },
    version,
  );
}

const USER_PROPERTIES = /** @type {[string, string][]} */ ([
  ['user property', 'user property'],
  ['user property', 'user property'],
]);

/** @returns {Work[]} */
function codecWorks() {
  const bytes = Buffer.concat(
    Array.from({ length: FRAMES }, (_, i) =>
      publish(`bench/${i}`, { qos: 1, version: 5, packetId: i + 1, userProperties: USER_PROPERTIES }),
    ),
  );
  const framer = new Framer();
  const decode = () => {
    framer.feed(bytes, bytes.length);
    while (framer.next()) decodePacket(framer.bytes, framer.start, framer.body, framer.end, 5);
    framer.finish();
  };
  const frames = () => {
    framer.feed(bytes, bytes.length);
    while (framer.next());
    framer.finish();
  };
  const encode = () => {
    for (let i = 0; i < FRAMES; i++) publish('bench/1', { qos: 1, version: 5, userProperties: USER_PROPERTIES });
  };
  return [
    work('codec: find a frame', FRAMES, frames),
    work('codec: decode PUBLISH with 2 user properties', FRAMES, decode),
    work('codec: encode PUBLISH with 2 user properties', FRAMES, encode),
  ];
}

/** @returns {Work[]} */
function topicWorks() {
  const tree = new TopicTree();
  const forms = [
    (/** @type {number} */ i) => `site/${i % 100}/device/${i}/state`,
    (/** @type {number} */ i) => `site/${i % 100}/+/${i}/state`,
    (/** @type {number} */ i) => `site/${i % 100}/device/${i}/#`,
  ];
  for (let i = 0; i < 3_000; i++) tree.add(forms[i % 3](i), { number: i });
  const topics = Array.from({ length: TOPICS }, (_, i) => `site/${(i * 3) % 100}/device/${i * 3}/state`);
  /** @type {object[]} */
  const found = [];
  const match = () => {
    for (const topic of topics) {
      found.length = 0;
      tree.match(topic, found);
    }
  };
  const value = {};
  const change = () => {
    for (let i = 0; i < FRAMES; i++) tree.add(`home/${i}/+/state`, value);
    for (let i = 0; i < FRAMES; i++) tree.remove(`home/${i}/+/state`, value);
  };
  return [
    work('topic index: match among 3,000 filters', TOPICS, match),
    work('topic index: add and remove a filter', FRAMES, change),
  ];
}

/** @returns {Work[]} */
function routeWorks() {
  const cache = new RouteCache();
  const topics = Array.from({ length: TOPICS }, (_, i) => Buffer.from(`bench/0/${String(i).padStart(4, '0')}`));
  for (const topic of topics) cache.add(topic, 0, topic.length, topic.toString());
  const all = Buffer.concat(topics);
  const { length } = topics[0];
  const find = () => {
    for (let at = 0; at < all.length; at += length) cache.find(all, at, length);
  };
  return [work('route cache: find a topic', TOPICS, find)];
}

/** @returns {Work[]} */
function windowWorks() {
  const inflight = new Inflight();
  const inOrder = () => {
    for (let i = 0; i < TOPICS; i += 20) {
      const first = inflight.addMany(InflightState.AWAITING_PUBACK, 20);
      for (let id = first; id < first + 20; id++) inflight.acknowledge(((id - 1) % 65_535) + 1);
    }
  };
  return [work('in-flight window: take an id and free it', TOPICS, inOrder)];
}

/** A link that takes everything at once. */
class Sink {
  transport = 'memory';
  remoteAddress = '127.0.0.1';
  remotePort = 1;
  localPort = 1;
  tls = null;
  pendingBytes = 0;
  bytes = 0;
  write(/** @type {Uint8Array} */ chunk) {
    this.bytes += chunk.length;
    return true;
  }
  pause() {}
  resume() {}
  end() {}
  destroy() {}
}

/** @returns {Work[]} */
function outputWorks() {
  const pool = new OutputPool(new Counters());
  const outputs = Array.from({ length: FRAMES }, () => new Output(pool, new Sink()));
  const frame = publish('bench/1');
  const copy = () => {
    for (const output of outputs) {
      for (let i = 0; i < 10; i++) output.copy(frame, 0, frame.length);
    }
    pool.flush();
  };
  const acknowledge = () => {
    for (const output of outputs) {
      for (let i = 0; i < 10; i++) output.acknowledgement(0x40, i + 1, 0);
    }
    pool.flush();
  };
  return [
    work('output: copy a frame, 10 to a write', FRAMES * 10, copy),
    work('output: acknowledge, 10 to a write', FRAMES * 10, acknowledge),
  ];
}

/** A broker whose clients are bytes. */
class Bench {
  #counter = 0;
  #broker = new Broker({
    clock: {
      wallMs: () => 1_700_000_000_000,
      monotonicMs: () => 1,
      every: () => () => {},
      soon: (action) => action(),
      afterReads: (action) => action(),
    },
    random: { bytes: (length) => new Uint8Array(length).fill(++this.#counter) },
    store: new MemoryStore(),
  });

  /**
   * @param {4 | 5} version
   * @param {string[]} filters
   * @param {0 | 1 | 2} qos
   */
  client(version, filters = [], qos = 0) {
    const link = new Sink();
    const client = this.#broker.accept(link);
    /** @param {Uint8Array} bytes */
    const send = (bytes) => client.onRead(bytes, bytes.length);
    const clientId = `client-${++this.#counter}`;
    send(
      encodePacket(
        { type: PacketType.CONNECT, protocolVersion: version, clean: true, keepAlive: 0, clientId },
        version,
      ),
    );
    if (filters.length > 0) {
      const subscriptions = filters.map((filter) => ({
        filter,
        qos,
        noLocal: false,
        retainAsPublished: false,
        retainHandling: /** @type {const} */ (0),
      }));
      send(encodePacket({ type: PacketType.SUBSCRIBE, packetId: 1, subscriptions }, version));
    }
    if (link.bytes === 0) throw new Error('the broker did not answer at once');
    return { link, send };
  }
}

/**
 * A work that fails if nothing was delivered.
 * @param {string} name
 * @param {number} operations messages that are delivered
 * @param {Sink} receiver
 * @param {() => void} run
 */
function delivering(name, operations, receiver, run) {
  const before = receiver.bytes;
  run();
  if (receiver.bytes - before < 64) throw new Error(`${name}: nothing was delivered`);
  return work(name, operations, run);
}

/** @returns {Work[]} */
function brokerWorks() {
  const bench = new Bench();
  const publisher = bench.client(4);
  const modern = bench.client(5);
  const [one] = [bench.client(4, ['one'])];
  const crowd = Array.from({ length: 100 }, () => bench.client(4, ['all']));
  const many = bench.client(4, ['many/#']);
  const sure = bench.client(4, ['sure'], 1);
  const rich = bench.client(5, ['rich']);
  bench.client(4, ['+/x']);

  /** @param {(i: number) => Uint8Array} frame */
  const batch = (frame) => Buffer.concat(Array.from({ length: FRAMES }, (_, i) => frame(i)));
  const toOne = batch(() => publish('one'));
  const single = publish('one');
  const toAll = batch(() => publish('all'));
  const toMany = batch((i) => publish(`many/${i}`));
  const toSure = batch((i) => publish('sure', { qos: 1, packetId: i + 1 }));
  const toRich = batch(() => publish('rich', { version: 5, userProperties: USER_PROPERTIES }));
  // Its ids go on from run to run: what it acknowledges is written anew each time.
  const acknowledgements = Buffer.alloc(FRAMES * 4);
  let nextId = 0;
  const acknowledge = () => {
    for (let i = 0; i < FRAMES; i++) {
      nextId = (nextId % 65_535) + 1;
      acknowledgements[i * 4] = 0x40;
      acknowledgements[i * 4 + 1] = 2;
      acknowledgements.writeUInt16BE(nextId, i * 4 + 2);
    }
    sure.send(acknowledgements);
  };
  return [
    delivering('broker: QoS 0, 100 to a read, 1 subscriber', FRAMES, one.link, () => publisher.send(toOne)),
    delivering('broker: QoS 0, alone in a read, 1 subscriber', FRAMES, one.link, () => {
      for (let i = 0; i < FRAMES; i++) publisher.send(single);
    }),
    delivering('broker: QoS 0, 100 topics to a read, 1 subscriber', FRAMES, many.link, () => publisher.send(toMany)),
    delivering('broker: QoS 0, 100 to a read, 100 subscribers', FRAMES * 100, crowd[99].link, () =>
      publisher.send(toAll),
    ),
    delivering('broker: QoS 1, 100 to a read, acknowledged', FRAMES, sure.link, () => {
      publisher.send(toSure);
      acknowledge();
    }),
    delivering('broker: MQTT 5 with 2 user properties, 100 to a read', FRAMES, rich.link, () => modern.send(toRich)),
  ];
}

/** All works. Building them takes a moment. */
export function makeWorks() {
  return [...codecWorks(), ...topicWorks(), ...routeWorks(), ...windowWorks(), ...outputWorks(), ...brokerWorks()];
}
