import {
  type Connack,
  type Disconnect,
  type Properties,
  type Publish,
  ReasonCode,
  type Suback,
  type Subscribe,
  type Unsuback,
  type Unsubscribe,
} from '@cauldron/codec';
import type { Authentication, BegunAuthentication } from '../authentication/authentication.js';
import type { Clock } from '../clock.js';
import { Connection } from '../connection/connection.js';
import type { ConnectionOwner } from '../connection/connection-owner.js';
import { connectionSettings, continuingOptions, isClean, isSessionBrief } from '../connection/connection-settings.js';
import type { Conversation } from '../connection/conversation.js';
import { farewell } from '../connection/farewell.js';
import { Questions } from '../connection/questions.js';
import { Counters } from '../counters.js';
import { Deferred } from '../deferred.js';
import {
  AuthenticationFailed,
  type ClientError,
  ConnectionClosed,
  ConnectionFailed,
  Offline,
  OutboxFailed,
  OutboxFull,
} from '../errors.js';
import type { ClientEvents, ClientState } from '../events.js';
import type { Listeners } from '../listeners.js';
import { authenticationPart, loadFor, presencePart } from '../optional-part.js';
import type { ConnectOptions } from '../options.js';
import type { Outbox } from '../outbox.js';
import { OutgoingMessage, type PublishResult } from '../session/outgoing-message.js';
import type { Receipt, Refusal } from '../session/receipt.js';
import { Session } from '../session/session.js';
import type { Message } from '../subscriptions/message.js';
import { Subscriptions } from '../subscriptions/subscriptions.js';
import type { Presence } from './presence.js';
import { type NextAttempt, Reconnection } from './reconnect.js';
import type { Servers } from './servers.js';

/** Time and chance, passed in so that tests need not wait or guess. */
export interface Surroundings {
  readonly clock: Clock;
  /** 0 to below 1. */
  readonly random: () => number;
  /** Calls `wake` when connections should be looked after at once. Returns a function that ends it. */
  readonly wakeUps?: (wake: () => void) => () => void;
}

/** What a supervisor needs of the client that it works for. */
export interface SupervisorOwner {
  /** A message was received; see `ConnectionOwner.message`. */
  message(message: Message): void;
  /** The server has lost this subscription, and does not take it again. */
  subscriptionLost(filter: string, reasonCode: ReasonCode): void;
  /** The client is over. Exactly once, nothing else is called after it. */
  closed(error: ClientError | null): void;
}

/**
 * Keeps a client connected: owns its session, what it has subscribed, and one connection at a time. A connection that ends
 * is followed by another one, unless that is pointless or not wanted; what was asked for and not answered waits for it.
 */
export class Supervisor implements ConnectionOwner {
  readonly session: Session;
  readonly counters: Counters;
  readonly trace: ConnectionOwner['trace'];
  /** Settled with the first connection, or when the client is over before. */
  readonly ready = new Deferred<void>();
  state: ClientState = 'connecting';
  /** Of the last connection; null before the first. */
  connack: Connack | null = null;

  readonly #options: ConnectOptions;
  readonly #servers: Servers;
  readonly #events: Listeners<ClientEvents>;
  readonly #owner: SupervisorOwner;
  readonly #clock: Clock;
  readonly #subscriptions = new Subscriptions();
  readonly #reconnection: Reconnection;
  #connection: Connection | null = null;
  readonly #questions = new Questions(() => this.#asked());
  #cancelRetry: () => void = () => {};
  readonly #wakeUps: NonNullable<Surroundings['wakeUps']>;
  #stopWakeUps: () => void = () => {};
  /** When the server accepted the current connection. */
  #onlineSinceMs = 0;
  /** Resolved when the outbox, if there is one, has told what earlier processes left, or cannot. */
  #outboxOpened: Promise<void> = Promise.resolve();
  /** Null where the options ask for none. */
  #presence: Presence | null = null;
  #isPaused = false;
  #isBacklogged = false;
  /** Why everything is refused, once the client leaves or has left. */
  #leaving: ClientError | null = null;
  /** What the client ends with when an attempt to connect is given up; null: as its program wants it. */
  #outcome: ClientError | null = null;
  #isGivenUp = false;

  /** @throws TypeError, RangeError for options that make no sense */
  constructor(
    servers: Servers,
    options: ConnectOptions,
    events: Listeners<ClientEvents>,
    owner: SupervisorOwner,
    { clock, random, wakeUps = () => () => {} }: Surroundings,
  ) {
    const { session = new Session(), reconnect = true, trace = null } = options;
    if (options.outbox !== undefined && options.session !== undefined) {
      throw new TypeError('A client has a `session` or an `outbox`, not both');
    }
    this.#servers = servers;
    this.#options = { ...options, session };
    this.#events = events;
    this.#owner = owner;
    this.#clock = clock;
    this.#wakeUps = wakeUps;
    this.session = session;
    this.counters = new Counters(session);
    this.trace = trace;
    this.#reconnection = new Reconnection(servers, reconnect, random);
    // Nobody need wait for it.
    this.ready.promise.catch(() => {});
    connectionSettings(this.#options, null);
    session.attach();
    if (isClean(options)) session.clear(); // [MQTT-3.1.2-4]
  }

  /** Begins to connect. Called once. */
  start(): void {
    this.#stopWakeUps = this.#wakeUps(() => this.#wake());
    if (this.#options.outbox === undefined) this.#attempt();
    else void this.#openOutbox(this.#options.outbox);
  }

  publish(packet: Publish): Promise<PublishResult> {
    try {
      const conversation = this.#connection?.open ?? null;
      if (conversation !== null) return conversation.publish(packet);
      if (this.#leaving !== null) throw this.#leaving;
      this.#checkRoom();
      const nowMs = this.#clock.epochMs();
      const message = new OutgoingMessage(packet, nowMs);
      this.session.publish(message, nowMs);
      this.counters.messagesPublished++;
      // Nothing is sent that could wait for it, so it is made durable for its own sake.
      if (this.session.journal !== null) this.stored().catch(() => {});
      return message.promise;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** The short way: see `Conversation.publishPlain`. */
  publishPlain(topic: string, payload: string | Uint8Array, retain: boolean): Promise<PublishResult> | null {
    try {
      return this.#connection?.open?.publishPlain(topic, payload, retain) ?? null;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** @returns when all messages published so far are in the outbox. @throws (rejects) OutboxFailed, what ended the client */
  async stored(): Promise<void> {
    await this.#outboxOpened;
    if (this.state === 'closed' && this.#leaving !== null) throw this.#leaving;
    await this.session.journal?.durable();
  }

  async subscribe(request: Omit<Subscribe, 'packetId'>): Promise<Suback> {
    const suback = await this.#questions.ask((conversation) => conversation.subscribe(request));
    this.#subscriptions.granted(request, suback.reasonCodes);
    return suback;
  }

  async unsubscribe(request: Omit<Unsubscribe, 'packetId'>): Promise<Unsuback> {
    const unsuback = await this.#questions.ask((conversation) => conversation.unsubscribe(request));
    this.#subscriptions.ended(request, unsuback.reasonCodes);
    return unsuback;
  }

  /** The message that this is owed for is acknowledged with a refusal. @throws TypeError when it was acknowledged */
  refuse(receipt: Receipt | null, refusal: Refusal): void {
    if (receipt === null) return;
    if (receipt.isSettled) throw new TypeError('The message was acknowledged');
    if ((this.#options.protocolVersion ?? 5) === 5) receipt.refusal = refusal;
  }

  reauthenticate(): Promise<void> {
    const connection = this.#connection;
    if (connection?.open) return connection.reauthenticate();
    return Promise.reject(this.#leaving ?? new Offline('There is no connection'));
  }

  pause(): void {
    this.#isPaused = true;
    if (this.#connection !== null) this.#connection.reading.isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    if (this.#connection !== null) this.#connection.reading.isPaused = false;
  }

  /** Too many messages wait for the program: see `Reading`. */
  set isBacklogged(isBacklogged: boolean) {
    this.#isBacklogged = isBacklogged;
    if (this.#connection !== null) this.#connection.reading.isBacklogged = isBacklogged;
  }

  /** Leaves in good order: see `Client.disconnect`. @throws RangeError, ProtocolError for what a client cannot say */
  disconnect(reasonCode: ReasonCode, properties?: Properties): void {
    farewell(reasonCode, properties);
    if (this.#leaving !== null) return;
    this.#leaving = new ConnectionClosed('The client is disconnected');
    const connection = this.#connection;
    const conversation = connection?.open ?? null;
    if (connection === null || conversation === null) {
      this.#giveUp();
      return;
    }
    const message = reasonCode === ReasonCode.DISCONNECT_WITH_WILL ? null : this.#presence?.farewell();
    const publish = async () => message && conversation.publish(message);
    // If the server refuses it, it refused the will, too.
    publish().catch(() => {});
    const endsSession = connection.keepsSession && isSessionBrief(this.#options);
    connection.disconnect(reasonCode, endsSession ? { sessionExpiryInterval: 0, ...properties } : properties);
    this.#enter('closing');
  }

  /** Ends the waiting of `disconnect`. */
  hurry(): void {
    this.#connection?.hurry();
  }

  /** Ends the attempt to connect, and with it the client. */
  abort(): void {
    if (this.#leaving !== null) return;
    this.#leaving = this.#outcome = new ConnectionClosed('The attempt to connect was given up');
    this.#giveUp();
  }

  opened(connack: Connack): void {
    this.connack = connack;
    this.#onlineSinceMs = this.#clock.nowMs();
    const connection = this.#connection;
    if (connection === null) return;
    connection.reading.isPaused = this.#isPaused;
    connection.reading.isBacklogged = this.#isBacklogged;
    if (!connack.sessionPresent) void this.#resubscribe(connection);
    this.#presence?.appear(this.session, this.#clock.epochMs(), (topic, error) => {
      if (connection.open !== null) this.#events.tell('birthFailed', { topic, error });
    });
    this.ready.resolve();
    this.#enter('online');
    this.#events.tell('online', { connack, sessionPresent: connack.sessionPresent });
    this.#questions.wake();
  }

  message(message: Message): void {
    this.#owner.message(message);
  }

  serverDisconnected(packet: Disconnect): void {
    this.#events.tell('serverDisconnect', packet);
  }

  closed(error: ClientError | null): void {
    const lastedMs = this.state === 'online' ? this.#clock.nowMs() - this.#onlineSinceMs : null;
    this.#connection = null;
    if (this.#isGivenUp) this.#finish(this.#outcome);
    else if (error === null || this.#leaving !== null) this.#finish(error);
    else this.#carryOn(error, lastedMs);
  }

  /** After the end of a connection, or of an attempt: another one, now or later, or none. */
  #carryOn(error: ClientError, lastedMs: number | null): void {
    const next = this.#reconnection.after({ error, lastedMs, isInitial: this.connack === null });
    if (next instanceof Promise) next.then((found) => this.#goOn(error, found));
    else this.#goOn(error, next);
  }

  #goOn(error: ClientError, next: NextAttempt | null): void {
    if (this.state === 'closed') return;
    if (next === null) {
      this.#finish(error);
    } else if (next.referred !== null) {
      this.#events.tell('redirect', next.referred);
      this.#attempt();
    } else {
      this.#cancelRetry = this.#clock.after(next.inMs, () => this.#attempt());
      this.#enter('offline');
      this.#events.tell('offline', { error, retryInMs: next.inMs });
    }
  }

  /** The time for the next look at the server may long be over, without anybody having noticed. */
  #wake(): void {
    this.#connection?.open?.probe();
    if (this.state !== 'offline') return;
    this.#cancelRetry();
    this.#attempt();
  }

  /** Takes up what earlier processes left, and connects. */
  async #openOutbox(outbox: Outbox): Promise<void> {
    const opened = new Deferred<void>();
    this.#outboxOpened = opened.promise;
    try {
      const { openJournal } = await import('../session/journal.js'); // few clients have one
      const journal = await openJournal(outbox, this.session, this.#options, this.#clock);
      // The client has left meanwhile, and nobody else will close it.
      if (this.state === 'closed') await journal.close();
    } catch (cause) {
      this.#finish(new OutboxFailed('The outbox cannot be opened', { cause }));
    }
    opened.resolve();
    if (this.#leaving === null) this.#attempt();
  }

  #attempt(): void {
    this.#enter('connecting');
    const loading = loadFor(this.#options);
    if (loading === null) this.#begin();
    else {
      loading.then(
        () => this.#begin(),
        (cause) => this.closed(new ConnectionFailed('A part cannot be loaded', { cause })),
      );
    }
  }

  #begin(): void {
    this.#presence ??= presencePart.loaded && new presencePart.loaded.Presence(this.#options);
    const { authentication } = this.#options;
    if (authentication === undefined) this.#connect(null);
    else void this.#authenticate(authentication);
  }

  async #authenticate(authentication: Authentication): Promise<void> {
    try {
      const exchange = await authentication.begin();
      const { begunAuthentication } = await authenticationPart.load();
      this.#connect(begunAuthentication(authentication, exchange));
    } catch (cause) {
      this.#finish(new AuthenticationFailed('The authentication failed', { cause }), cause);
    }
  }

  #connect(begun: BegunAuthentication | null): void {
    if (this.#leaving !== null) return;
    const server = this.#servers.current;
    try {
      const options = { ...server.credentials, ...this.#options };
      const isLasting = this.#reconnection.isWanted;
      const next = isLasting ? continuingOptions(options, this.connack !== null, this.session) : options;
      const settings = connectionSettings(next, begun);
      this.#connection = new Connection(settings, this.session, server.open, this, this.#clock, this.counters);
    } catch (error) {
      this.#finish(new ConnectionFailed('The transport cannot be opened', { cause: error }), error);
    }
  }

  /** The server knows nothing (any more): what was subscribed is subscribed again. */
  async #resubscribe(connection: Connection): Promise<void> {
    const renewal = await this.#subscriptions.renew(
      async (packet) => {
        if (connection.open === null) throw new Offline('The connection is over');
        return connection.open.subscribe(packet);
      },
      () => connection !== this.#connection,
    );
    if (renewal === null) return;
    for (const subscription of renewal.lost) {
      this.#owner.subscriptionLost(subscription.filter, subscription.reasonCode);
      this.#events.tell('subscriptionLost', subscription);
    }
    this.#events.tell('resubscribed', { filters: renewal.renewed });
  }

  /** Whom to ask; null: nobody yet. @throws what ended the client, Offline */
  #asked(): Conversation | null {
    if (this.#leaving !== null) throw this.#leaving;
    const conversation = this.#connection?.open ?? null;
    if (conversation === null) this.#checkOnline();
    return conversation;
  }

  #checkOnline(): void {
    if (this.#options.offline === 'fail') throw new Offline('There is no connection');
  }

  /** @throws Offline, OutboxFull when a message may not wait for a connection */
  #checkRoom(): void {
    this.#checkOnline();
    const { maximumQueuedMessages = 10_000, maximumBufferedBytes = 64 * 1_024 * 1_024 } = this.#options;
    if (this.session.queueLength >= maximumQueuedMessages) {
      throw new OutboxFull(`${maximumQueuedMessages} messages wait for a connection`);
    }
    if (this.session.queuedBytes > maximumBufferedBytes) {
      throw new OutboxFull(`More than ${maximumBufferedBytes} bytes wait for a connection`);
    }
  }

  #enter(state: ClientState): void {
    if (state === this.state) return;
    this.state = state;
    this.#events.tell('state', state);
  }

  /** The client leaves, and there is nothing to bring to its end. */
  #giveUp(): void {
    this.#isGivenUp = true;
    this.#cancelRetry();
    this.#enter('closing');
    if (this.#connection === null) this.#finish(this.#outcome);
    else this.#connection.abort();
  }

  /** The client is over. @param rejection what `ready` is rejected with, if it is something else */
  #finish(error: ClientError | null, rejection: unknown = error): void {
    if (this.state === 'closed') return;
    this.#leaving ??= error ?? new ConnectionClosed('The client is disconnected');
    this.session.detach(error ?? this.#leaving);
    this.#enter('closed');
    this.#stopWakeUps();
    this.ready.reject((rejection ?? this.#leaving) as Error);
    this.#questions.wake();
    const tell = (): void => {
      this.#owner.closed(error);
      this.#events.tell('close', error);
    };
    // What could not be written was told to those who wait for it.
    if (this.session.journal === null) tell();
    else this.session.journal.close().then(tell, tell);
  }
}
