// One client at its limit, in a process of its own: node --expose-gc client-load.js LIBRARY SCENARIO URL SECONDS MESSAGES
//
// It runs for SECONDS after one to warm up, or, where MESSAGES is above 0, until so many have passed. One JSON line says
// what came of it.
import { libraries } from './client-libraries.js';

// Too short for automatic topic aliases, which only one of the libraries uses by default: both send the same bytes.
const TOPIC = 'bench/room-7/celsius';
const FILTER = 'bench/#';
const PAYLOAD = new Uint8Array(64).fill(0x2e);
/** Messages with QoS 0 that are published before the client waits for the network. */
const BATCH = 1_000;
const IN_FLIGHT = 100;
const WARM_UP_MS = 1_000;

/** Counts messages, and knows what they took of time, CPU and memory. */
class Meter {
  count = 0;
  isOver = false;
  #milliseconds;
  #messages;
  #first = 0;
  #startedAt = 0;
  #cpu = process.cpuUsage();
  /** @type {{ messages: number, heapBytes: number, residentBytes: number }[]} */
  #memory = [];
  /** @type {(value: object) => void} */
  #done = () => {};
  /** @type {Promise<object>} */
  report = new Promise((resolve) => {
    this.#done = resolve;
  });

  /**
   * @param {number} milliseconds
   * @param {number} messages 0: as many as there are in that time
   */
  constructor(milliseconds, messages) {
    this.#milliseconds = milliseconds;
    this.#messages = messages;
    this.#begin();
    if (messages > 0) return;
    setTimeout(() => {
      this.#begin();
      setTimeout(() => this.#end(), this.#milliseconds);
    }, WARM_UP_MS);
  }

  /** Called after each message, or batch of them. */
  passed(messages = 1) {
    const before = this.count;
    this.count += messages;
    if (this.#messages === 0) return;
    const tenth = this.#messages / 10;
    if (Math.floor(this.count / tenth) > Math.floor(before / tenth)) this.#measureMemory();
    if (this.count >= this.#messages) this.#end();
  }

  #begin() {
    this.#first = this.count;
    this.#startedAt = performance.now();
    this.#cpu = process.cpuUsage();
  }

  #measureMemory() {
    globalThis.gc?.();
    const { heapUsed, arrayBuffers, rss } = process.memoryUsage();
    this.#memory.push({ messages: this.count, heapBytes: heapUsed + arrayBuffers, residentBytes: rss });
  }

  #end() {
    if (this.isOver) return;
    this.isOver = true;
    const { user, system } = process.cpuUsage(this.#cpu);
    const messages = this.count - this.#first;
    this.#done({
      perSecond: (messages / (performance.now() - this.#startedAt)) * 1_000,
      perCpuSecond: (messages / (user + system)) * 1_000_000,
      memory: this.#memory,
    });
  }
}

/** @typedef {(client: import('./client-libraries.js').BenchClient, meter: Meter) => Promise<unknown>} Scenario */

/** @type {Readonly<Record<string, Scenario>>} */
const scenarios = {
  async publish0(client, meter) {
    while (!meter.isOver) {
      await client.flood(TOPIC, PAYLOAD, BATCH);
      meter.passed(BATCH);
      await new Promise((resolve) => setImmediate(resolve)); // so that timers have their turn
    }
  },

  async publish1(client, meter) {
    const next = () => client.publishQos1(TOPIC, PAYLOAD, onDone);
    const onDone = () => {
      meter.passed();
      if (!meter.isOver) next();
    };
    for (let i = 0; i < IN_FLIGHT; i++) next();
    await meter.report;
  },

  async receive(client, meter) {
    await client.receive(FILTER, () => meter.passed());
    await meter.report;
  },
};

const [library, scenario, url, seconds, messages] = process.argv.slice(2);
const client = await libraries[library](url);
const meter = new Meter(Number(seconds) * 1_000, Number(messages));
await scenarios[scenario](client, meter);
process.stdout.write(`${JSON.stringify(await meter.report)}\n`, () => process.exit());
