import {
  type Client,
  type ConnectOptions,
  connect,
  type Message,
  type MessageHandler,
  type Session,
} from '@cauldron/client';
import { openTcp } from '../raw/channels.js';
import type { ConnectPacket } from '../raw/client-packet-reader.js';
import { type Listener, listenTcp } from '../raw/listeners.js';
import { ConformanceFailure, type RawPeerOptions } from '../raw/raw-peer.js';
import { RawServer } from '../raw/raw-server.js';
import type { ConnackFields } from '../raw/server-packet-writer.js';
import type { Level } from '../statements/index.js';
import { Judgement } from './judgement.js';

/** A client that has begun to connect, and the other end of its connection. */
export interface Dialed {
  /** Settled when the client has its CONNACK, or has failed. A rejection need not be handled. */
  readonly connecting: Promise<Client>;
  readonly server: RawServer;
  /** The messages that the client was given for no subscription of its own. */
  readonly inbox: Inbox;
}

/** A client that has been let in. */
export interface Connected extends Omit<Dialed, 'connecting'> {
  readonly client: Client;
  /** What it introduced itself with. */
  readonly connect: ConnectPacket;
}

/** As a program gives them; messages go to the inbox unless told, and to nobody with null. */
export interface DialOptions extends Omit<ConnectOptions, 'onMessage'> {
  readonly onMessage?: MessageHandler | null;
}

type ErrorClass = abstract new (...args: never[]) => Error;

/**
 * What a test of packages/client works with: the client over real sockets, and a server that does what the test says.
 * Everything it opens is closed when it ends.
 */
export class ClientTest extends Judgement {
  readonly #timeoutMs: number;
  readonly #listeners: Listener[] = [];
  /** Where clients connect to; opened when the first one does. */
  #listener: Promise<Listener> | null = null;
  #accepted: (server: RawServer) => void = () => {};
  #connections = 0;

  constructor(level: Level, timeoutMs: number) {
    super(level);
    this.#timeoutMs = timeoutMs;
  }

  /** What a server made by hand needs, for tests of other transports. */
  serverOptions(label: string): RawPeerOptions {
    return { level: this.level, label, trace: this.trace, timeoutMs: this.#timeoutMs };
  }

  /** A listener that is closed when the test ends. */
  async listening<L extends Listener>(opening: Promise<L>): Promise<L> {
    const listener = await opening;
    this.#listeners.push(listener);
    return listener;
  }

  /** Lets a client connect; nothing has been read of it. It speaks the version of the test. */
  async dial(options: DialOptions = {}): Promise<Dialed> {
    this.#listener ??= this.listening(
      listenTcp((open) => {
        const server = new RawServer(this.serverOptions(`server ${++this.#connections}`));
        server.attach(open(server));
        this.#accepted(server);
      }),
    );
    const { port } = await this.#listener;
    const inbox = new Inbox(this);
    const accepted = new Promise<RawServer>((resolve) => {
      this.#accepted = resolve;
    });
    const connecting = this.begun(connect(`mqtt://127.0.0.1:${port}`, this.#complete(options, inbox)));
    const server = await this.until(accepted, 'A connection of the client');
    return { connecting, server, inbox };
  }

  /** A client that was let in, with this CONNACK. */
  async connected(options: DialOptions = {}, connack: ConnackFields = {}): Promise<Connected> {
    const { connecting, server, inbox } = await this.dial(options);
    const packet = await server.accept(connack);
    const client = await this.until(connecting, 'The end of connecting');
    return { client, server, inbox, connect: packet };
  }

  /**
   * A client whose session outlives its connection. Without a session it begins one; with one it goes on, and the server
   * has it still unless told.
   */
  async lasting(session?: Session, options: DialOptions = {}, connack: ConnackFields = {}): Promise<Connected> {
    const kept = session === undefined ? {} : { session };
    return this.connected(
      { clientId: 'lasting', clean: false, ...kept, ...options },
      { sessionPresent: session !== undefined, ...connack },
    );
  }

  /** Ends the connection as a broken network does, and waits until the client has noticed. */
  async lose({ client, server }: Pick<Connected, 'client' | 'server'>): Promise<void> {
    server.drop();
    await this.until(client.closed, 'The end of the connection');
  }

  /** The CONNECT that these options make. */
  async connectPacket(options: DialOptions): Promise<ConnectPacket> {
    const { server } = await this.dial(options);
    return server.receive('CONNECT');
  }

  /** Demands that the client does not connect with these options, and sends nothing. */
  async refusesToConnect(options: DialOptions, what: string): Promise<void> {
    const servers: RawServer[] = [];
    let isProbed = (): void => {};
    const probed = new Promise<void>((resolve) => {
      isProbed = resolve;
    });
    const { port } = await this.listening(
      listenTcp((open) => {
        const server = new RawServer(this.serverOptions('server'));
        server.attach(open(server));
        servers.push(server);
        isProbed();
      }),
    );
    await this.rejects(connect(`mqtt://127.0.0.1:${port}`, this.#complete(options, new Inbox(this))), what);
    // Connections are accepted in their order: after this one, all that the client made are known.
    const probe = await openTcp({ host: '127.0.0.1', port }, { onBytes: () => {}, onEnd: () => {} });
    await this.until(probed, 'The connection after that of the client');
    probe.destroy();
    for (const server of servers) await server.isClosed();
  }

  /** Demands that the client refuses to do something, and sends nothing for it. */
  async refuses(server: RawServer, doing: Promise<unknown>, what: string, kind?: ErrorClass): Promise<void> {
    await this.rejects(doing, what, kind);
    await server.isQuiet();
  }

  /** Something that may fail while the test looks at the server; it is awaited later, or not at all. */
  begun<T>(doing: Promise<T>): Promise<T> {
    doing.catch(() => {});
    return doing;
  }

  /** Demands that a promise is rejected, with an error of this class. */
  async rejects(promise: Promise<unknown>, what: string, kind: ErrorClass = Error): Promise<Error> {
    const failure: unknown = await this.until(
      promise.then(
        () => null,
        (error: unknown) => error,
      ),
      what,
    );
    if (failure instanceof kind) return failure as Error;
    throw new ConformanceFailure(`${what}: ${failure === null ? 'it succeeded' : `it failed with ${failure}`}`);
  }

  /** Waits for a promise, but not for ever. */
  async until<T>(promise: Promise<T>, what: string): Promise<T> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () => reject(new ConformanceFailure(`${what} did not come within ${this.#timeoutMs} ms`)),
        this.#timeoutMs,
      );
    });
    try {
      return await Promise.race([promise, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Demands that a message is this one. */
  isMessage({ topic, payload }: Pick<Message, 'topic' | 'payload'>, wantedTopic: string, wantedPayload: string): void {
    this.equal(topic, wantedTopic, 'The topic of the message');
    this.equal(Buffer.from(payload).toString(), wantedPayload, 'The payload of the message');
  }

  override async close(): Promise<void> {
    for (const listener of this.#listeners) await listener.close();
  }

  #complete({ onMessage, ...options }: DialOptions, inbox: Inbox): ConnectOptions {
    const handler = onMessage === undefined ? (message: Message) => inbox.add(message) : onMessage;
    const defaults = { protocolVersion: this.level, connectTimeoutMs: this.#timeoutMs, reconnect: false };
    return { ...defaults, ...options, ...(handler !== null && { onMessage: handler }) };
  }
}

/** What a test may look at. */
type ReceivedMessage = Pick<Message, 'topic' | 'payload'> & Partial<Message>;

/** Messages that a client was given. */
export class Inbox {
  /** Those that were not asked for yet. */
  readonly unread: ReceivedMessage[] = [];
  readonly #test: ClientTest;
  #wake: () => void = () => {};

  constructor(test: ClientTest) {
    this.#test = test;
  }

  add(message: ReceivedMessage): void {
    this.unread.push(message);
    this.#wake();
  }

  async next(): Promise<ReceivedMessage> {
    if (this.unread.length === 0) {
      const added = new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      await this.#test.until(added, 'A message');
    }
    const [message] = this.unread.splice(0, 1);
    return message;
  }
}
