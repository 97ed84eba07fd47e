import { type Endpoint, openTcp, openWebSocket, type WebSocketChannel } from '../raw/channels.js';
import type { ServerPacketOf } from '../raw/packet-reader.js';
import type { ConnectFields, ProtocolLevel } from '../raw/packet-writer.js';
import { RawClient, type RawClientOptions } from '../raw/raw-client.js';
import type { Level } from '../statements/index.js';
import { Judgement } from './judgement.js';
import type { Target } from './target.js';

/** This broker has no way to do what the test is about, and need not. The message says what is missing. */
export class SkippedError extends Error {
  override readonly name = 'SkippedError';
}

/** Client ids and topics of one run begin alike, so that several runs can judge one broker at once. */
const RUN = Math.random().toString(36).slice(2, 7).padEnd(5, '0');
let lastName = 0;

/** What a test of a broker works with. Everything it opens is closed when it ends. */
export class ServerTest extends Judgement {
  readonly endpoint: Endpoint;
  readonly target: Target;
  readonly #timeoutMs: number;
  readonly #clients: RawClient[] = [];
  /** Begins every topic of this test. */
  readonly #prefix = `conformance/${uniqueName()}`;

  constructor(target: Target, endpoint: Endpoint, level: Level, timeoutMs: number) {
    super(level);
    this.target = target;
    this.endpoint = endpoint;
    this.#timeoutMs = timeoutMs;
  }

  /** A topic that no other test uses; `topic('a/b')` and `topic('+/b')` have the same beginning. */
  topic(name = 'topic'): string {
    return `${this.#prefix}/${name}`;
  }

  /** A client id that no other test uses, of letters and digits only, at most 23 of them. */
  clientId(): string {
    return uniqueName();
  }

  /** What a client made by hand needs, for tests of other transports. */
  clientOptions(label: string, level: ProtocolLevel = this.level): RawClientOptions {
    const { graceMs, mustExplain } = this.target;
    return { level, label, trace: this.trace, timeoutMs: this.#timeoutMs, graceMs, mustExplain };
  }

  /** A WebSocket on which no MQTT has been sent, and a client that speaks over it. `onText`: for frames of text. */
  async openWebSocket(
    subprotocols: readonly string[] = ['mqtt'],
    onText: () => void = () => {},
  ): Promise<{ client: RawClient; channel: WebSocketChannel }> {
    const { webSocketUrl } = this.endpoint;
    if (webSocketUrl === undefined) this.skip('needs the address for WebSocket connections');
    const client = new RawClient(this.clientOptions('websocket'));
    const events = { onBytes: (bytes: Buffer) => client.onBytes(bytes), onEnd: () => client.onEnd(), onText };
    const channel = await openWebSocket(webSocketUrl, subprotocols, events);
    client.attach(channel);
    this.#clients.push(client);
    return { client, channel };
  }

  /** A network connection on which nothing has been sent. */
  async open(label = 'client', level: ProtocolLevel = this.level): Promise<RawClient> {
    const client = new RawClient(this.clientOptions(label, level));
    client.attach(await openTcp(this.endpoint, client));
    this.#clients.push(client);
    return client;
  }

  /** A client whose CONNECT was accepted. The client id is made up unless told; the session ends with the connection. */
  async connected(
    fields: Partial<ConnectFields> = {},
    label = 'client',
    level: ProtocolLevel = this.level,
  ): Promise<RawClient> {
    const client = await this.open(label, level);
    await client.connect({ clientId: this.clientId(), ...fields });
    return client;
  }

  /** CONNECT fields of a session that outlives its connection. */
  lasting(clientId: string, expiryIntervalS = 60): ConnectFields {
    return this.level === 5
      ? { clientId, clean: false, properties: { sessionExpiryInterval: expiryIntervalS } }
      : { clientId, clean: false };
  }

  /** The properties of the CONNACK that a client gets: what this broker announces. */
  async announced(): Promise<ServerPacketOf<'CONNACK'>['properties']> {
    const client = await this.open('probe');
    const { properties } = await client.connect({ clientId: this.clientId() });
    client.drop();
    return properties;
  }

  /** Demands that a message is this one. */
  isMessage(message: ServerPacketOf<'PUBLISH'>, topic: string, payload: string, qos?: number): void {
    this.equal(message.topic, topic, 'The topic of the message');
    this.equal(message.payload.toString(), payload, 'The payload of the message');
    if (qos !== undefined) this.equal(message.qos, qos, 'The QoS of the message');
  }

  /** Ends the test without a verdict, because the broker lacks something that it may lack. */
  skip(missing: string): never {
    throw new SkippedError(missing);
  }

  /** Called when the test is over. On a broker that lives on, retained messages and sessions of the test are removed. */
  override async close(): Promise<void> {
    for (const client of this.#clients) if (!client.isEnded) client.drop();
    if (this.target.isDisposable) return;
    await this.#clearRetained();
    const ids = new Set(this.#clients.map(({ clientId }) => clientId).filter((id) => id !== ''));
    for (const clientId of ids) await this.#tidy(clientId, async () => {});
  }

  async #clearRetained(): Promise<void> {
    await this.#tidy(this.clientId(), async (client) => {
      await client.subscribe({ filter: `${this.#prefix}/#`, qos: 0 });
      await client.isQuiet().catch(() => {}); // the retained messages, if there are any, are now unread
      for (const packet of client.unread) {
        if (packet.name === 'PUBLISH') await client.publish({ topic: packet.topic, retain: true });
      }
    });
  }

  /** Does something as this client with a clean session. What fails here is not what the test is about. */
  async #tidy(clientId: string, work: (client: RawClient) => Promise<void>): Promise<void> {
    try {
      const client = await this.open('tidy');
      await client.connect({ clientId });
      await work(client);
      await client.disconnect();
    } catch {
      this.trace.note('tidy', `something of ${clientId} may be left on the broker`);
    }
  }
}

function uniqueName(): string {
  return `c${RUN}n${(++lastName).toString(36)}`;
}
