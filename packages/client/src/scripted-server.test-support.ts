import {
  type Connack,
  decodePacket,
  encodePacket,
  Framer,
  type Packet,
  PacketType,
  type Properties,
  type ProtocolVersion,
  type Publish,
  ReasonCode,
} from '@cauldron/codec';
import type { Client } from './client.js';
import type { Clock } from './clock.js';
import { connectOver } from './connect-over.js';
import { Deferred } from './deferred.js';
import { authenticationPart, codecPart, presencePart, requestPart } from './optional-part.js';
import type { ConnectOptions } from './options.js';
import type { TransportEvents, TransportFactory } from './transport.js';

// In a program that runs for a while they are there, and loading takes no turns that can be counted.
await Promise.all([authenticationPart, codecPart, presencePart, requestPart].map((part) => part.load()));

/** All microtasks have run when it is resolved, so whatever the client does by itself is done. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** What a promise is rejected with. Called at once, so that a rejection never is without a handler. */
export function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => null,
    (reason: unknown) => reason,
  );
}

/** Time that passes when a test says so. */
export class ManualClock implements Clock {
  #nowMs = 0;
  #timers: { dueMs: number; callback: () => void }[] = [];

  nowMs(): number {
    return this.#nowMs;
  }

  epochMs(): number {
    return 1_700_000_000_000 + this.#nowMs;
  }

  after(delayMs: number, callback: () => void): () => void {
    const timer = { dueMs: this.#nowMs + delayMs, callback };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((one) => one !== timer);
    };
  }

  /** The machine sleeps: timers that are due meanwhile come when it wakes, all at once. */
  async sleep(ms: number): Promise<void> {
    this.#nowMs += ms;
    await this.advance(0);
  }

  async advance(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms;
    for (;;) {
      const [next] = this.#timers.filter(({ dueMs }) => dueMs <= endMs).sort((a, b) => a.dueMs - b.dueMs);
      if (next === undefined) break;
      this.#timers = this.#timers.filter((one) => one !== next);
      this.#nowMs = Math.max(this.#nowMs, next.dueMs);
      next.callback();
      await turn();
    }
    this.#nowMs = endMs;
  }
}

/** The other end of a transport in memory: the test is the server. */
export class ScriptedServer {
  /** Packets of the client, in their order. */
  readonly received: Packet[] = [];
  /** Sizes of the client's writes. */
  readonly writes: number[] = [];
  readonly clock = new ManualClock();
  readonly version: ProtocolVersion;
  ended = false;
  destroyed = false;
  paused = false;
  /** While true the transport says that it has enough. */
  full = false;
  /** Resolved when the client opens the transport for the first time. */
  readonly reached: Promise<void>;
  readonly #framer = new Framer();
  readonly #reached = new Deferred<void>();
  #events: TransportEvents | null = null;

  constructor(version: ProtocolVersion) {
    this.version = version;
    this.reached = this.#reached.promise;
  }

  readonly open: TransportFactory = (events) => {
    this.#events = events;
    this.#reached.resolve();
    return {
      write: (bytes) => {
        this.writes.push(bytes.length);
        this.#read(bytes);
        return !this.full;
      },
      end: () => {
        this.ended = true;
      },
      destroy: () => {
        this.destroyed = true;
        queueMicrotask(() => this.close());
      },
      pause: () => {
        this.paused = true;
      },
      resume: () => {
        this.paused = false;
      },
    };
  };

  get events(): TransportEvents {
    if (this.#events === null) throw new Error('The client has not opened the transport');
    return this.#events;
  }

  /** The packets received since the last call. */
  take(): Packet[] {
    return this.received.splice(0);
  }

  /** Sends the packets in one piece, and lets the client react. */
  async send(...packets: Packet[]): Promise<void> {
    await this.sendBytes(Buffer.concat(packets.map((packet) => encodePacket(packet, this.version))));
  }

  async sendBytes(bytes: Uint8Array): Promise<void> {
    // As a transport may, the memory is used again after the call.
    const borrowed = new Uint8Array(bytes);
    this.events.data(borrowed, borrowed.length);
    borrowed.fill(0xee);
    await turn();
  }

  /** The transport is closed. */
  async close(error: Error | null = null): Promise<void> {
    this.events.closed(error);
    await turn();
  }

  async drain(): Promise<void> {
    this.full = false;
    this.events.drained();
    await turn();
  }

  #read(bytes: Uint8Array): void {
    this.#framer.feed(bytes, bytes.length);
    while (this.#framer.next()) {
      const { bytes: frame, start, body, end } = this.#framer;
      const packet = decodePacket(frame.slice(), start, body, end, this.version);
      this.received.push(packet);
    }
    this.#framer.finish();
  }
}

export function connack(properties?: Properties, more: Partial<Connack> = {}): Connack {
  const packet: Connack = { type: PacketType.CONNACK, sessionPresent: false, reasonCode: ReasonCode.SUCCESS, ...more };
  if (properties !== undefined) packet.properties = properties;
  return packet;
}

export function publish(topic: string, payload: string, more: Partial<Publish> = {}): Publish {
  const bytes = new TextEncoder().encode(payload);
  return { type: PacketType.PUBLISH, topic, payload: bytes, qos: 0, retain: false, dup: false, ...more };
}

/**
 * Connects a client to a new scripted server, which accepts; CONNECT is taken from what the server received. Unless told,
 * the client does not connect again.
 */
export async function connected(
  options: ConnectOptions = {},
  accept: Connack = connack(),
): Promise<{ client: Client; server: ScriptedServer }> {
  const server = new ScriptedServer(options.protocolVersion ?? 5);
  const connecting = connectOver(server.open, { reconnect: false, ...options }, server.clock);
  server.events.opened();
  await turn();
  await server.send(accept);
  const client = await connecting;
  server.received.shift();
  return { client, server };
}
