import { type Client, connect } from '@cauldron/client';
import type { QoS } from '@cauldron/codec';
import { afterAll, expect, it } from 'vitest';
import { BrokerProcess } from '../support/broker-process.js';
import { freePort } from '../support/free-port.js';
import { killAll } from '../support/running-program.js';

const RELOADS = 200;
const PAIRS = 10;
const MESSAGES_PER_SECOND = 20_000;
const BATCH_MS = 5;
const MESSAGES_PER_BATCH = (MESSAGES_PER_SECOND * BATCH_MS) / 1000 / PAIRS;

/** Configurations as people make them on a running broker, good and bad. */
function configuration(turn: number, sparePort: number): { lines: string[]; isGood: boolean } {
  switch (turn % 8) {
    case 0:
      return { lines: ['max_inflight_messages 40', 'max_queued_messages 5000'], isGood: true };
    case 1:
      return { lines: ['max_qos 7'], isGood: false };
    case 2:
      return { lines: [`listener ${sparePort} 127.0.0.1`, 'max_connections 5'], isGood: true };
    case 3:
      return { lines: [`listener ${sparePort} 192.0.2.1`], isGood: false };
    case 4:
      return { lines: ['max_connections 500', 'sys_interval 1', 'retain_available false'], isGood: true };
    case 5:
      return { lines: ['listener 0 127.0.0.1', 'certfile /nowhere/a.crt', 'keyfile /nowhere/a.key'], isGood: false };
    case 6:
      return { lines: ['log_dest stdout', 'set_tcp_nodelay false'], isGood: true };
    default:
      return { lines: ['log_dest file /nowhere/a.log'], isGood: false };
  }
}

afterAll(killAll);

/** A publisher and its subscriber, who sees to it that nothing is missing and nothing comes twice. */
class Pair {
  readonly topic: string;
  readonly qos: QoS;
  readonly #publisher: Client;
  readonly #subscriber: Client;
  sent = 0;
  received = 0;
  readonly faults: string[] = [];
  #onReceived: () => void = () => {};

  private constructor(topic: string, qos: QoS, publisher: Client, subscriber: Client) {
    this.topic = topic;
    this.qos = qos;
    this.#publisher = publisher;
    this.#subscriber = subscriber;
    for (const client of [publisher, subscriber]) {
      void client.closed.then((error) => error && this.faults.push(`${client.clientId} lost: ${error.message}`));
    }
  }

  static async open(url: string, number: number): Promise<Pair> {
    const qos = (number % 2) as QoS;
    const publisher = await connect(url, { clientId: `publisher-${number}`, reconnect: false });
    const subscriber = await connect(url, { clientId: `subscriber-${number}`, reconnect: false });
    const pair = new Pair(`pair/${number}`, qos, publisher, subscriber);
    await subscriber.subscribe(pair.topic, { qos }, ({ payload }) => pair.#received(Number(Buffer.from(payload))));
    return pair;
  }

  publish(count: number): void {
    for (let i = 0; i < count; i++) {
      const published = this.#publisher.publish(this.topic, String(this.sent++), { qos: this.qos });
      published.catch((error: Error) => this.faults.push(`not published: ${error.message}`));
    }
  }

  async complete(): Promise<void> {
    while (this.received < this.sent && this.faults.length === 0) {
      await new Promise<void>((resolve) => {
        this.#onReceived = resolve;
      });
    }
  }

  async close(): Promise<void> {
    await this.#publisher.disconnect();
    await this.#subscriber.disconnect();
  }

  #received(number: number): void {
    if (number !== this.received) this.faults.push(`${this.topic}: ${number} came instead of ${this.received}`);
    this.received = number + 1;
    this.#onReceived();
  }
}

it(`${RELOADS} reloads, good and bad ones, lose no message of ${MESSAGES_PER_SECOND} a second and no client`, async () => {
  const broker = await BrokerProcess.start();
  const sparePort = await freePort();
  const pairs: Pair[] = [];
  for (let i = 0; i < PAIRS; i++) pairs.push(await Pair.open(`mqtt://127.0.0.1:${broker.port}`, i));
  const startedMs = performance.now();
  let batches = 0;
  const load = setInterval(() => {
    // As many as are due, however late this is called.
    for (; batches * BATCH_MS < performance.now() - startedMs; batches++) {
      for (const pair of pairs) pair.publish(MESSAGES_PER_BATCH);
    }
  }, BATCH_MS);
  try {
    for (let turn = 0; turn < RELOADS; turn++) {
      const { lines, isGood } = configuration(turn, sparePort);
      expect([turn, await broker.reload(lines)]).toEqual([turn, isGood]);
    }
  } finally {
    clearInterval(load);
  }
  for (const pair of pairs) await pair.complete();
  expect(pairs.flatMap(({ faults }) => faults)).toEqual([]);
  // It was a load, and not a client now and then.
  const elapsedS = (performance.now() - startedMs) / 1000;
  const total = pairs.reduce((sum, { sent }) => sum + sent, 0);
  expect(total / elapsedS).toBeGreaterThan(MESSAGES_PER_SECOND / 4);
  expect(pairs.map(({ received }) => received)).toEqual(pairs.map(({ sent }) => sent));
  for (const pair of pairs) await pair.close();
  await broker.stop();
}, 120_000);
