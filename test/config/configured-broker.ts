import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readConfig, type Server, startServer } from '@cauldron/broker';
import { onTestFinished } from 'vitest';
import { openTcp } from '../conformance/raw/channels.js';
import type { ProtocolLevel } from '../conformance/raw/packet-writer.js';
import { RawClient } from '../conformance/raw/raw-client.js';
import { Trace } from '../conformance/raw/trace.js';

const TIMEOUT_MS = 20_000;

/** A broker with a configuration, seen by clients over the network. It stops with the test. */
export class ConfiguredBroker {
  readonly server: Server;
  /** Where tests may leave files; its log is there. */
  readonly folder: string;
  #stopped: Promise<void> | null = null;

  private constructor(server: Server, folder: string) {
    this.server = server;
    this.folder = folder;
  }

  /**
   * Resolves when it takes connections. `lines` stand behind a listener on a free port of this machine, open to anybody,
   * unless they have one themselves; `{folder}` in them becomes a folder of its own.
   */
  static async start(...lines: string[]): Promise<ConfiguredBroker> {
    const folder = mkdtempSync(join(tmpdir(), 'cauldron-effects-'));
    const hasListener = lines.some((line) => /^(listener|port) /.test(line));
    const access = lines.some((line) => /^(allow_anonymous|per_listener_settings) /.test(line))
      ? []
      : ['allow_anonymous true'];
    const listener = hasListener ? [] : ['listener 0 127.0.0.1'];
    const log = lines.some((line) => line.startsWith('log_dest ')) ? [] : ['log_dest file {folder}/log'];
    const text = [...log, ...access, ...listener, ...lines].join('\n').replaceAll('{folder}', folder);
    const server = await startServer(readConfig(text, join(folder, 'test.conf')));
    const broker = new ConfiguredBroker(server, folder);
    onTestFinished(async () => {
      await broker.stop();
      rmSync(folder, { recursive: true });
    });
    return broker;
  }

  /** A client with an open connection to the n-th listener. */
  async client(level: ProtocolLevel = 5, listener = 0): Promise<RawClient> {
    const options = { level, label: 'client', trace: new Trace(), timeoutMs: TIMEOUT_MS };
    const client = new RawClient({ ...options, graceMs: 0, mustExplain: false });
    const { port } = this.server.endpoints[listener];
    client.attach(await openTcp({ host: '127.0.0.1', port }, client));
    onTestFinished(() => client.drop());
    return client;
  }

  /** A client whose CONNECT was accepted. */
  async connected(clientId: string, level: ProtocolLevel = 5, listener = 0): Promise<RawClient> {
    const client = await this.client(level, listener);
    await client.connect({ clientId });
    return client;
  }

  /** What comes first from the broker after these bytes; nothing: it ends the connection. */
  answerTo(...bytes: readonly Uint8Array[]): Promise<Buffer> {
    const { port } = this.server.endpoints[0];
    return new Promise((resolve, reject) => {
      const events = { onBytes: resolve, onEnd: () => resolve(Buffer.alloc(0)) };
      openTcp({ host: '127.0.0.1', port }, events).then((channel) => {
        onTestFinished(() => channel.destroy());
        channel.write(Buffer.concat(bytes));
      }, reject);
    });
  }

  /** A session of this client that waits for messages, while nobody is connected. */
  async leftBehind(clientId: string, filter: string): Promise<void> {
    const client = await this.client(4);
    await client.connect({ clientId, clean: false });
    await client.subscribe(filter);
    await client.disconnect();
  }

  /** What waits for a client; its messages are acknowledged. */
  async waitingFor(clientId: string): Promise<string[]> {
    const client = await this.client(4);
    await client.connect({ clientId, clean: false });
    await client.subscribe('the/end');
    await client.publish({ topic: 'the/end', payload: 'end', qos: 1 });
    const texts: string[] = [];
    for (;;) {
      const text = (await client.receiveMessage()).payload.toString();
      if (text === 'end') return texts;
      texts.push(text);
    }
  }

  /** Stops it, and returns what it logged. */
  async stop(): Promise<void> {
    this.#stopped ??= this.server.stop();
    await this.#stopped;
  }

  /** Stops it; what it wrote into a file of its folder. */
  async written(file = 'log'): Promise<string> {
    await this.stop();
    return readFileSync(join(this.folder, file), 'utf8');
  }
}
