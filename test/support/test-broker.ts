import {
  Broker,
  type BrokerOptions,
  type ListenerPolicy,
  type Log,
  MemoryStore,
  type TlsSession,
} from '@cauldron/broker';
import type { Connect, ProtocolVersion } from '@cauldron/codec';
import { ManualClock } from './manual-clock.js';
import { TestClient } from './test-client.js';

/** Log lines in memory. */
export class RecordingLog implements Log {
  types = 0xff & ~16;
  readonly lines: string[] = [];

  write(_type: number, line: string): void {
    this.lines.push(line);
  }
}

/** A broker with a clock that stands still, in-process clients, and a store that survives `restart`. */
export class TestBroker {
  readonly clock = new ManualClock();
  readonly log = new RecordingLog();
  readonly store = new MemoryStore();
  broker: Broker;
  readonly #options: Partial<BrokerOptions>;

  constructor(options: Partial<BrokerOptions> = {}) {
    this.#options = options;
    this.broker = this.#start();
  }

  /** As after a crash: nothing is said to anybody, and another broker reads what the store has. */
  restart(): void {
    this.broker = this.#start();
  }

  client(version: ProtocolVersion = 4, listener?: ListenerPolicy, tls?: TlsSession): TestClient {
    return new TestClient(this.broker, version, listener, tls);
  }

  /** A client that is connected. */
  async connected(clientId: string, version: ProtocolVersion = 4, connect: Partial<Connect> = {}): Promise<TestClient> {
    const client = this.client(version);
    await client.connect({ clientId, ...connect });
    return client;
  }

  #start(): Broker {
    let counter = 0;
    const random = { bytes: (length: number) => new Uint8Array(length).fill(++counter) };
    return new Broker({ clock: this.clock, random, store: this.store, log: this.log, ...this.#options });
  }
}
