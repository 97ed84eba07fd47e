import type { Properties, QoS } from '@cauldron/codec';
import { assertTopicFilter, assertTopicName, ProtocolError, ReasonCode } from '@cauldron/codec';
import { openAuthenticator, openAuthorizer, openDoorkeeper } from './access-for-all.js';
import { Backlog } from './backlog.js';
import { Connection } from './connection.js';
import { ConnectionState } from './connection-state.js';
import type { Context } from './context.js';
import { ControlTopics } from './control-topics.js';
import { Counters } from './counters.js';
import { turnAway } from './handlers/auth.js';
import { type HookHandlers, Hooks } from './hooks.js';
import type { MessageHandler } from './local-subscription.js';
import { MemoryBound } from './memory-bound.js';
import { Message } from './message.js';
import { OutputPool } from './output.js';
import { peersAlone } from './peers-alone.js';
import { type Parting, partingAt } from './policy-change.js';
import type { Authenticator, Authorizer, EnhancedAuthenticator, Principal } from './ports/access.js';
import type { Clock } from './ports/clock.js';
import type { ControlEndpoint } from './ports/control.js';
import type { Doorkeeper } from './ports/doorkeeper.js';
import type { Link, LinkHandler, TlsSession } from './ports/link.js';
import { type Log, LogType } from './ports/log.js';
import type { Memory } from './ports/memory.js';
import type { Peers } from './ports/peers.js';
import type { Random } from './ports/random.js';
import type { Store, Ticket } from './ports/store.js';
import { PublishRun } from './publish-run.js';
import { publishMessage } from './publishing.js';
import { QueueTotals } from './queue-totals.js';
import { ReadTurns } from './read-turns.js';
import { RetainedMessages } from './retained-messages.js';
import { RetainedSweep } from './retained-sweep.js';
import { Router } from './router.js';
import { SessionRegistry } from './session-registry.js';
import { DEFAULT_LISTENER, DEFAULT_SETTINGS, type ListenerPolicy, type Settings } from './settings.js';
import { Slowdown } from './slowdown.js';
import { StoreShortage } from './store-shortage.js';
import { TimerWheel } from './timer-wheel.js';

/** How often the broker looks at its timers. */
const TICK_MS = 100;

/** Output chunks that were not needed for this long, in ticks, are given back. */
const TICKS_PER_TRIM = 50;

/** How often the memory in use is looked at, in ticks. */
const TICKS_PER_MEMORY_CHECK = 10;

/** So many objects are read back from the store between two reports. */
const OBJECTS_PER_REPORT = 1000;

/** How long `stop` waits for clients to take their last bytes. */
const STOP_LIMIT_MS = 5000;

const LISTENER_IS_GONE: Parting = {
  reasonCode: ReasonCode.ADMINISTRATIVE_ACTION,
  message: 'its listener is not in the configuration any more',
};

const SILENT: Log = { types: 0, write() {} };

const BOUNDLESS: Memory = { usedBytes: () => 0, collect() {} };

export interface BrokerOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly store: Store;
  readonly settings?: Partial<Settings>;
  /** Default: everybody whom the listener's `allowAnonymous` lets in. */
  readonly authenticator?: Authenticator;
  /** Default: CONNECT with an authentication method is refused. */
  readonly enhancedAuthenticator?: EnhancedAuthenticator;
  /** Default: everybody may do everything. */
  readonly authorizer?: Authorizer;
  /** Nobody is turned away without one. */
  readonly doorkeeper?: Doorkeeper;
  /** Default: nothing is logged. */
  readonly log?: Log;
  /** Default: this process is alone. */
  readonly peers?: Peers;
  /** What `memoryLimitBytes` is measured by. Default: nothing is measured. */
  readonly memory?: Memory;
  /** Called by the constructor now and then while it reads the store back, with what it has so far. */
  readonly onProgress?: (loaded: Loaded) => void;
}

/** What a start has read back from the store. */
export interface Loaded {
  readonly retained: number;
  readonly sessions: number;
}

/** How things stand at one moment. */
export interface Gauges {
  /** Network connections that are not closed, of clients and others. */
  readonly connections: number;
  readonly clientsConnected: number;
  /** Of clients that are connected, and of those that are not. */
  readonly sessions: number;
  /** Those of all sessions, without shared ones. */
  readonly subscriptions: number;
  readonly sharedSubscriptions: number;
  /** Retained messages, those of the broker itself included. */
  readonly retained: number;
  /** Messages that are retained, wait for clients, or are in flight to lasting sessions, each once (once per shard). */
  readonly storedMessages: number;
  /**
   * Topics, payloads and properties of messages that are retained or wait: what waits for several sessions counts for
   * each of them, what is in flight does not count.
   */
  readonly storedBytes: number;
  /** Bytes that wait for clients to take them, in this process. */
  readonly outputBytes: number;
}

export interface PublishOptions {
  readonly qos?: QoS;
  readonly retain?: boolean;
  /** Those of PUBLISH, without topic alias and subscription identifiers. */
  readonly properties?: Properties;
}

/**
 * An MQTT broker without sockets: transports give it links with `accept`, and the program that embeds it can publish,
 * subscribe and listen to events without one. All that it knows of the world comes in by its options.
 */
export class Broker {
  readonly #context: Context;
  readonly #stopTicking: () => void;
  readonly #memoryBound: MemoryBound;
  readonly #retainedSweep: RetainedSweep;
  /** What waits for the store, in order of tickets. */
  #commitActions: { readonly ticket: Ticket; readonly action: () => void }[] = [];
  #onIdle: (() => void) | null = null;
  #ticks = 0;

  /** Reads back what the store kept. @throws what the store throws when it cannot be read. */
  constructor(options: BrokerOptions) {
    const { clock, random, store, log = SILENT } = options;
    const hooks = new Hooks((event, error) => {
      if (log.types & LogType.ERROR) log.write(LogType.ERROR, `Error: in a '${event}' hook: ${String(error)}`);
    });
    const counters = new Counters();
    const parts = {
      settings: { ...DEFAULT_SETTINGS, ...options.settings },
      clock,
      random,
      log,
      store,
      authenticator: options.authenticator ?? openAuthenticator,
      enhancedAuthenticator: options.enhancedAuthenticator ?? null,
      authorizer: options.authorizer ?? openAuthorizer,
      doorkeeper: options.doorkeeper ?? openDoorkeeper,
      peers: options.peers ?? peersAlone,
      control: new ControlTopics(),
      hooks,
      counters,
      queues: new QueueTotals(),
      wheel: new TimerWheel(clock.monotonicMs()),
      outputs: new OutputPool(counters),
      connections: new Set<Connection>(),
      awaitingCommit: new Set<Connection>(),
      afterCommit: (ticket: Ticket, action: () => void) => this.#afterCommit(ticket, action),
      backlog: new Backlog(clock, () => this.#flush()),
      readTurns: new ReadTurns(clock, () => this.#flush()),
      flush: () => this.#flush(),
    };
    this.#context = assemble(parts);
    this.#memoryBound = new MemoryBound(this.#context, options.memory ?? BOUNDLESS);
    this.#retainedSweep = new RetainedSweep(this.#context);
    store.onCommit = (committed) => this.#committed(committed);
    store.onFault = (fault) => this.#context.shortage.faultChanged(fault);
    if (store.fault !== null) this.#context.shortage.faultChanged(store.fault);
    this.#restore(options.onProgress ?? (() => {}));
    this.#stopTicking = clock.every(TICK_MS, () => this.#tick());
  }

  /** Values may be changed at any time; `settingsChanged` makes those take effect that decide who gets what. */
  get settings(): Settings {
    return this.#context.settings;
  }

  get counters(): Readonly<Counters> {
    return this.#context.counters;
  }

  /** How things stand, for reports. */
  get gauges(): Gauges {
    const { connections, sessions, queues, router, retained, store } = this.#context;
    let outputBytes = 0;
    for (const { output } of connections) outputBytes += output.pendingBytes;
    return {
      connections: connections.size,
      clientsConnected: sessions.connected,
      sessions: sessions.size,
      subscriptions: router.subscriptions,
      sharedSubscriptions: router.sharedSubscriptions,
      retained: retained.size,
      storedMessages: retained.size + store.storedMessages + queues.unstoredMessages,
      storedBytes: retained.bytes + queues.bytes,
      outputBytes,
    };
  }

  /** To be called when values of `settings` were changed: clients whose ids are not allowed any more have to leave. */
  /** All levels of all filters with who subscribed, each before those below it; what changes meanwhile is met, or not. */
  subscriptionLevels(): ReturnType<Router['levels']> {
    return this.#context.router.levels();
  }

  /** All levels of all topics with their retained messages, in the same way. */
  retainedLevels(): ReturnType<RetainedMessages['levels']> {
    return this.#context.retained.levels();
  }

  settingsChanged(): void {
    const { connections, router, settings } = this.#context;
    router.invalidate();
    for (const connection of [...connections]) {
      if (connection.isOpen && !connection.clientId.startsWith(settings.clientIdPrefix)) {
        connection.disconnect(ReasonCode.NOT_AUTHORIZED, 'its id is not allowed any more (clientid_prefixes)');
      }
      connection.sendMaximum = Math.min(connection.clientReceiveMaximum, settings.maxInflightMessages);
      connection.session?.pump();
    }
    this.#memoryBound.check();
    this.#flush();
  }

  /**
   * Why a broker that was just made cannot work with so much memory, in words for whoever set `memory_limit`: what it has
   * loaded needs more already. Null: it can. Takes as long as collecting garbage.
   */
  problemWithMemory(limitBytes = this.settings.memoryLimitBytes): string | null {
    return this.#memoryBound.problemWith(limitBytes);
  }

  /**
   * The policies of listeners change: by each that connections came with (`accept`), the one that is in its place now, or
   * null for a listener that is no more. Clients that have lost a right with that are disconnected at once, with a line in
   * the log; all others stay, and the new values hold for them, apart from those that their CONNACK told them.
   * `objectionTo` says why somebody who came by a policy may not stay for what TLS told of them; null: they may.
   */
  replacePolicies(
    changes: ReadonlyMap<ListenerPolicy, ListenerPolicy | null>,
    objectionTo: (before: ListenerPolicy, tls: TlsSession | null) => string | null = () => null,
  ): void {
    for (const connection of [...this.#context.connections]) {
      const after = changes.get(connection.listener);
      if (after === undefined || connection.state >= ConnectionState.CLOSING) continue;
      const objection = objectionTo(connection.listener, connection.link.tls);
      if (objection !== null) {
        connection.dismiss(ReasonCode.NOT_AUTHORIZED, objection);
        continue;
      }
      const parting = after === null ? LISTENER_IS_GONE : partingAt(connection, after);
      if (after !== null && parting === null) connection.follow(after);
      else if (parting !== null) connection.dismiss(parting.reasonCode, parting.message);
    }
    this.#flush();
  }

  /**
   * Ends the connections of clients that have lost the right to be here, with the reason that `objectionTo` gives; null:
   * this one may stay. It is not asked about those whose certificate says who they are.
   */
  expel(objectionTo: (client: Principal) => string | null): void {
    for (const connection of [...this.#context.connections]) {
      const { link, listener, session } = connection;
      const isCertified = listener.usernameFrom !== 'connect' && link.tls?.client?.proof === 'certificate';
      const objection = session === null || isCertified ? null : objectionTo(session.principal);
      if (objection !== null) connection.dismiss(ReasonCode.NOT_AUTHORIZED, objection);
    }
    this.#flush();
  }

  /** To be called when the `doorkeeper` may want somebody to leave who is here. Returns how many had to. */
  reviewClients(): number {
    const { connections, doorkeeper } = this.#context;
    let left = 0;
    for (const connection of [...connections]) {
      const { link, session } = connection;
      if (session === null) continue;
      const { clientId, username } = session.principal;
      const denial = doorkeeper.mayStay({ address: link.remoteAddress, clientId, username });
      if (denial === null) continue;
      turnAway(this.#context, connection, denial);
      left++;
    }
    this.#flush();
    return left;
  }

  /** Takes a new network connection. The transport calls the handler that is returned with all that happens to it. */
  accept(link: Link, listener: ListenerPolicy = DEFAULT_LISTENER): LinkHandler {
    const { connections, counters, doorkeeper, settings, wheel, log } = this.#context;
    counters.sockets++;
    const connection = new Connection(this.#context, link, listener);
    const isFull = connections.size >= settings.maxConnections;
    connections.add(connection);
    if (settings.connectionMessages && log.types & LogType.NOTICE) {
      log.write(LogType.NOTICE, `New connection from ${connection.address} on port ${link.localPort}.`, {
        address: connection.address,
      });
    }
    const denial = isFull ? null : doorkeeper.mayCome(link.remoteAddress);
    if (isFull) connection.fail(new ProtocolError(ReasonCode.QUOTA_EXCEEDED, 'global_max_connections is reached'));
    else if (denial !== null) turnAway(this.#context, connection, denial);
    else wheel.schedule(connection.timer, this.#context.clock.monotonicMs() + settings.connectTimeoutMs);
    return connection;
  }

  /**
   * Publishes as the broker itself. Resolves when what the message promises is durable. Rejects with a ProtocolError,
   * QUOTA_EXCEEDED, while the store takes nothing new and the message would have to be stored: nobody gets it then.
   * @throws ProtocolError when the topic is not a valid topic name.
   */
  publish(topic: string, payload: Uint8Array | string, options: PublishOptions = {}): Promise<void> {
    assertTopicName(topic);
    const { clock, counters, router, shortage, store } = this.#context;
    const { qos = 0, retain = false, properties = null } = options;
    const bytes = typeof payload === 'string' ? new TextEncoder().encode(payload) : payload;
    const lifeS = properties?.messageExpiryInterval;
    const expiresAtMs = lifeS === undefined ? Number.POSITIVE_INFINITY : clock.wallMs() + lifeS * 1000;
    const message = new Message(topic, bytes, qos, retain, properties, '', expiresAtMs);
    const targets = router.targetsOf(topic);
    const reason = shortage.reasonAgainst(message, targets, null);
    if (reason !== null) {
      counters.storeRefusals++;
      return Promise.reject(new ProtocolError(ReasonCode.QUOTA_EXCEEDED, reason));
    }
    const appendedBefore = store.appended;
    publishMessage(this.#context, message, targets, null);
    this.#flush();
    if (store.appended === appendedBefore) return Promise.resolve();
    return new Promise((resolve) => this.#afterCommit(store.appended, resolve));
  }

  /**
   * Publishes what the broker says of itself, below `$SYS/`: retained, with QoS 2, and never stored with the retained
   * messages. While nothing new can be stored it goes out with QoS 0, which needs no store.
   */
  publishStatus(messages: Iterable<readonly [topic: string, payload: string]>): void {
    const { router, shortage } = this.#context;
    const qos = shortage.isShort ? 0 : 2;
    const encoder = new TextEncoder();
    for (const [topic, payload] of messages) {
      const bytes = encoder.encode(payload);
      const message = new Message(topic, bytes, qos, true, null, '', Number.POSITIVE_INFINITY, true);
      publishMessage(this.#context, message, router.targetsOf(topic), null);
    }
    this.#flush();
  }

  /** Takes back what `publishStatus` published: who subscribes later does not get it. */
  withdrawStatus(topics: Iterable<string>): void {
    for (const topic of topics) this.#context.retained.withdraw(topic);
  }

  /**
   * Calls `handler` for each message that matches, first for the retained ones. The function that is returned
   * ends it. @throws ProtocolError when the filter is not valid.
   */
  subscribe(filter: string, handler: MessageHandler): () => void {
    assertTopicFilter(filter);
    const { log, retained, router } = this.#context;
    // A fault of the program is not its clients' fault.
    const guarded: MessageHandler = (message) => {
      try {
        handler(message);
      } catch (error) {
        if (log.types & LogType.ERROR) {
          log.write(LogType.ERROR, `Error: in the handler of '${filter}': ${String(error)}`);
        }
      }
    };
    const unsubscribe = router.subscribeLocal(filter, guarded);
    for (const message of retained.match(filter)) if (message !== null) guarded(message);
    return unsubscribe;
  }

  /** Listens to an event; the function that is returned ends it. See `HookHandlers`. */
  on<Event extends keyof HookHandlers>(event: Event, handler: HookHandlers[Event]): () => void {
    return this.#context.hooks.on(event, handler);
  }

  /**
   * What clients publish to `topic`, which begins with `$CONTROL/`, is for `endpoint`; the function that is returned ends
   * it. Who may is for the access rules to say. @throws Error if the topic has an endpoint
   */
  control(topic: string, endpoint: ControlEndpoint): () => void {
    return this.#context.control.add(topic, endpoint);
  }

  /** The topics that have an endpoint. */
  get controlTopics(): Iterable<string> {
    return this.#context.control.topics;
  }

  /** Those who are connected, as the access rules see them. */
  *clients(): Generator<Principal> {
    for (const { isOpen, session } of this.#context.connections)
      if (isOpen && session !== null) yield session.principal;
  }

  /** Ends the connection of a client, if it has one. False: it has none. */
  disconnect(clientId: string, reason = 'administrative action'): boolean {
    const connection = this.#context.sessions.get(clientId)?.connection ?? null;
    if (connection === null) return false;
    connection.disconnect(ReasonCode.ADMINISTRATIVE_ACTION, reason);
    this.#flush();
    return true;
  }

  /** Has the store bring all to its final form. Resolves with why it cannot, in words for a person; null: it is done. */
  save(): Promise<string | null> {
    return this.#context.store.save();
  }

  /**
   * Ends all connections, telling 5.0 clients why, and closes the store. Wills are published, as after any connection
   * that the client did not end itself. Resolves when all is gone, after a bounded time.
   */
  async stop(): Promise<void> {
    const { connections, clock, store } = this.#context;
    for (const connection of [...connections]) {
      if (connection.isOpen) connection.disconnect(ReasonCode.SERVER_SHUTTING_DOWN, 'server shutting down');
      else connection.close({ reason: 'server shutting down', why: null, publishWill: false });
    }
    this.#flush();
    const startedMs = clock.monotonicMs();
    if (connections.size > 0) {
      await new Promise<void>((resolve) => {
        const stopWaiting = clock.every(TICK_MS, () => {
          if (clock.monotonicMs() - startedMs < STOP_LIMIT_MS) return;
          for (const connection of [...connections]) connection.link.destroy();
          done();
        });
        const done = (): void => {
          stopWaiting();
          this.#onIdle = null;
          resolve();
        };
        this.#onIdle = done;
      });
    }
    this.#stopTicking();
    await store.close();
  }

  #restore(onProgress: (loaded: Loaded) => void): void {
    const { store, sessions, retained } = this.#context;
    const report = (): void => {
      if ((retained.size + sessions.size) % OBJECTS_PER_REPORT !== 0) return;
      onProgress({ retained: retained.size, sessions: sessions.size });
    };
    for (const message of store.retained()) {
      retained.restore(message);
      report();
    }
    for (const stored of store.sessions()) {
      sessions.restore(stored);
      report();
    }
    sessions.endOver();
  }

  #tick(): void {
    const { clock, wheel } = this.#context;
    wheel.advance(clock.monotonicMs());
    if (++this.#ticks % TICKS_PER_TRIM === 0) this.#context.outputs.trim();
    if (this.#ticks % TICKS_PER_MEMORY_CHECK === 0) this.#memoryBound.check();
    this.#retainedSweep.tick();
    this.#flush();
  }

  #flush(): void {
    const { connections, outputs, peers, slowdown } = this.#context;
    slowdown.resume();
    outputs.flush();
    if (peers.count > 0) peers.flush();
    if (connections.size === 0 && this.#onIdle !== null) this.#onIdle();
  }

  #afterCommit(ticket: Ticket, action: () => void): void {
    if (ticket <= this.#context.store.committed) action();
    else this.#commitActions.push({ ticket, action });
  }

  #committed(committed: Ticket): void {
    for (const connection of [...this.#context.awaitingCommit]) connection.committed(committed);
    const due = this.#commitActions.filter(({ ticket }) => ticket <= committed);
    if (due.length > 0) {
      this.#commitActions = this.#commitActions.filter(({ ticket }) => ticket > committed);
      for (const { action } of due) action();
    }
    this.#flush();
  }
}

/** The parts know each other through the context, so it is made first and completed with them. */
function assemble(parts: Omit<Context, 'router' | 'sessions' | 'retained' | 'run' | 'slowdown' | 'shortage'>): Context {
  const context = parts as Context;
  return Object.assign(context, {
    router: new Router(context),
    sessions: new SessionRegistry(context),
    retained: new RetainedMessages(context),
    run: new PublishRun(context),
    slowdown: new Slowdown(context),
    shortage: new StoreShortage(context),
  });
}
