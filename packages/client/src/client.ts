import {
  assertTopicName,
  type Connack,
  encodePacket,
  isReasonCodeOf,
  PacketType,
  type Properties,
  type Publish,
  ReasonCode,
  reasonName,
} from '@cauldron/codec';
import { untilAborted } from './abort.js';
import { type Clock, systemClock } from './clock.js';
import type { Counters } from './counters.js';
import { Deferred } from './deferred.js';
import type { ClientError } from './errors.js';
import type { ClientEvents, ClientState } from './events.js';
import { Inbox } from './inbox.js';
import { Listeners } from './listeners.js';
import { type Message, receiptOf } from './message.js';
import {
  bytesOf,
  type ConnectOptions,
  type PublishOptions,
  type SubscribeOptions,
  type UnsubscribeOptions,
} from './options.js';
import type { PublishResult } from './outgoing-message.js';
import { Servers } from './servers.js';
import type { Session } from './session.js';
import { Subscriber } from './subscriber.js';
import type { MessageHandler, Subscription } from './subscription.js';
import { Supervisor, type Surroundings } from './supervisor.js';
import type { TransportFactory } from './transport.js';

/** Bytes of received messages that may wait for the program, if nobody says anything else. */
const DEFAULT_RECEIVED_BYTES = 1_024 * 1_024;

export interface DisconnectOptions {
  /** 5.0 only. DISCONNECT_WITH_WILL lets the server publish the will. Default SUCCESS, a normal end. */
  reasonCode?: ReasonCode;
  /** 5.0 only. */
  properties?: Pick<Properties, 'sessionExpiryInterval' | 'reasonString' | 'userProperties'>;
  /** Ends the waiting for handshakes: the client leaves at once, and those who wait for a message are told. */
  signal?: AbortSignal;
}

/**
 * A client of an MQTT server, as a program uses it; made by `connect` and `startClient`. It outlives its connections: when
 * one ends it makes another, and what was asked for meanwhile waits for that.
 */
export class Client {
  /** Tells what becomes of the client: `client.events.on('offline', ({ error }) => ...)`. */
  readonly events: Listeners<ClientEvents> = new Listeners();
  /** Resolved when the client is over, with null after `disconnect`, else with the reason. Never rejected. */
  readonly closed: Promise<ClientError | null>;

  readonly #supervisor: Supervisor;
  readonly #inbox: Inbox;
  readonly #subscriber: Subscriber;
  /** The topic that was found to be valid last: most programs publish to the same one again and again. */
  #validTopic = '';

  /** @internal Use `connect`, `startClient` or `connectOver`. */
  constructor(servers: Servers, options: ConnectOptions, surroundings: Surroundings) {
    const closed = new Deferred<ClientError | null>();
    this.closed = closed.promise;
    const { onMessage, maximumReceivedBytes = DEFAULT_RECEIVED_BYTES } = options;
    this.#inbox = new Inbox(
      {
        congested: (isCongested) => {
          this.#supervisor.isBacklogged = isCongested;
        },
        undecodable: (message, error) => this.events.tell('undecodable', { message, error }),
        dropped: (count) => {
          this.#supervisor.counters.messagesDropped += count;
          this.events.tell('dropped', { count });
        },
      },
      maximumReceivedBytes,
    );
    this.#supervisor = new Supervisor(
      servers,
      options,
      this.events,
      {
        message: (message) => this.#inbox.receive(message),
        subscriptionLost: (filter, reasonCode) => this.#subscriber.lost(filter, reasonCode),
        closed: (error) => {
          this.#inbox.end(error);
          closed.resolve(error);
        },
      },
      surroundings,
    );
    this.#subscriber = new Subscriber(this, this.#inbox, this.#supervisor, onMessage ?? null);
    this.#supervisor.start();
  }

  /** What outlives this client; give it to the next `connect` to go on with `clean: false`. */
  get session(): Session {
    return this.#supervisor.session;
  }

  /** The id that the server knows this client by; empty before the first connection, if the server chooses it. */
  get clientId(): string {
    return this.session.clientId;
  }

  /** What the server answered to the last CONNECT. @throws TypeError before the first connection */
  get connack(): Connack {
    const { connack } = this.#supervisor;
    if (connack === null) throw new TypeError('The client was not connected yet');
    return connack;
  }

  get state(): ClientState {
    return this.#supervisor.state;
  }

  /** Resolved with the first connection. Rejected when the client is over before, with what `connect` would throw. */
  get ready(): Promise<void> {
    return this.#supervisor.ready.promise;
  }

  get counters(): Readonly<Counters> {
    return this.#supervisor.counters;
  }

  /**
   * Publishes a message. The promise is resolved when its QoS is fulfilled: with 0, when it has been handed over to a
   * network that has room for more; with 1 and 2, when the server has acknowledged it. While there is no connection it
   * waits for one. Whoever publishes a lot awaits it now and then.
   * @param payload as text (UTF-8) or bytes, which must stay unchanged until the promise is settled
   * @throws (rejects) ProtocolError for what cannot be sent, such as a topic with wildcards; NotSupportedByServer;
   * PublishRefused; OutboxFull; MessageExpired; Offline; ConnectionLost for QoS 0 that was not handed over in full; what
   * ended the client
   */
  publish(topic: string, payload: string | Uint8Array, options: PublishOptions = {}): Promise<PublishResult> {
    if (topic !== this.#validTopic) {
      try {
        assertTopicName(topic);
      } catch (error) {
        return Promise.reject(error);
      }
      this.#validTopic = topic;
    }
    const { qos = 0, retain = false, properties, until, signal } = options;
    const packet: Publish = { type: PacketType.PUBLISH, topic, payload: bytesOf(payload), qos, retain, dup: false };
    if (properties !== undefined) packet.properties = { ...properties };
    const acknowledged = this.#supervisor.publish(packet);
    if (until !== 'stored' || qos === 0) return untilAborted(acknowledged, signal);
    return untilAborted(this.#stored(acknowledged), signal);
  }

  /**
   * Subscribes to one or several topic filters. Messages go to `handler` from the moment of the call; without one they
   * wait for whoever iterates over the subscription.
   * @throws (rejects) SubscribeRefused when the server refuses all filters; ProtocolError for an invalid filter;
   * NotSupportedByServer; Offline; what ended the client
   */
  async subscribe(
    filters: string | readonly string[],
    options: SubscribeOptions = {},
    handler?: MessageHandler,
  ): Promise<Subscription> {
    const list = typeof filters === 'string' ? [filters] : filters;
    return this.#subscriber.subscribe(list, options, { codec: null, paramsOf: null, handler: handler ?? null });
  }

  /**
   * Ends subscriptions. They get no more messages once the server has answered.
   * @returns one code for each filter: SUCCESS or NO_SUBSCRIPTION_EXISTED, or a refusal; empty before 5.0
   */
  async unsubscribe(
    filters: string | readonly string[],
    options: UnsubscribeOptions = {},
  ): Promise<readonly ReasonCode[]> {
    const list = typeof filters === 'string' ? [filters] : filters;
    return this.#subscriber.unsubscribe(list, options);
  }

  /**
   * The server is told that the client does not take a message, and why; it sees the message as acknowledged and does not
   * send it again. To be called before the message is acknowledged: in its handler, or in the body of the loop. Without
   * effect before 5.0 and at QoS 0, which have no refusals.
   * @param reasonCode 0x80 or above, one of those of PUBACK
   * @param properties left out where they make the packet larger than the server takes
   * @throws TypeError for a message that was acknowledged; RangeError for another reason code; ProtocolError for
   * properties that cannot be encoded
   */
  refuse(
    message: Message<unknown, unknown>,
    reasonCode: ReasonCode,
    properties?: Pick<Properties, 'reasonString' | 'userProperties'>,
  ): void {
    if (reasonCode < ReasonCode.UNSPECIFIED_ERROR || !isReasonCodeOf(PacketType.PUBACK, reasonCode)) {
      throw new RangeError(`A message is not refused with "${reasonName(reasonCode)}"`); // [MQTT-3.4.2-1] [MQTT-3.5.2-1]
    }
    const refusal = { reasonCode, ...(properties && { properties }) };
    encodePacket({ type: PacketType.PUBACK, packetId: 1, ...refusal }, 5);
    this.#supervisor.refuse(receiptOf(message), refusal);
  }

  /**
   * Authenticates again, by the method of the connect options: with 5.0, a server may demand that now and then. Messages
   * flow meanwhile.
   * @returns when the server has accepted
   * @throws (rejects) TypeError without `authentication` in the connect options, and while an earlier call is under way;
   * what its `begin` throws; NotSupportedByServer for data that are too large for the server; Offline. The connection then
   * stays as it is. Or the error that ended it: ServerDisconnected when the server refuses, AuthenticationFailed when the
   * client does.
   */
  reauthenticate(): Promise<void> {
    return this.#supervisor.reauthenticate();
  }

  /**
   * Asks for no more messages, until `resume`; those already read may still come. For a receiver that cannot keep up:
   * the server, or TCP, holds the rest back.
   */
  pause(): void {
    this.#supervisor.pause();
  }

  resume(): void {
    this.#supervisor.resume();
  }

  /**
   * Ends the client in good order: messages on their way, also those that wait for their turn, are brought to their end
   * first, if there is a connection; without one, those who wait for them are told. No message is delivered from now on;
   * those with QoS 1 and 2 stay with a server that keeps the session.
   * @returns when the connection is closed
   * @throws (rejects) RangeError for a reason code that a client does not leave with; ProtocolError for properties that
   * cannot be encoded. The client then stays as it is.
   */
  async disconnect(options: DisconnectOptions = {}): Promise<void> {
    const { reasonCode = ReasonCode.SUCCESS, properties, signal } = options;
    this.#supervisor.disconnect(reasonCode, properties);
    const hurry = () => this.#supervisor.hurry();
    if (signal?.aborted) hurry();
    signal?.addEventListener('abort', hurry, { once: true });
    await this.closed;
    signal?.removeEventListener('abort', hurry);
  }

  /** `disconnect`, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.disconnect();
  }

  /** @internal Gives up before the first connection. */
  abort(): void {
    this.#supervisor.abort();
  }

  /** The message is in the outbox, unless it was refused at once; what becomes of it then is not waited for. */
  async #stored(acknowledged: Promise<PublishResult>): Promise<PublishResult> {
    const refused = new Promise<never>((_, reject) => acknowledged.catch(reject));
    await Promise.race([this.#supervisor.stored(), refused]);
    return { reasonCode: ReasonCode.SUCCESS };
  }
}

/**
 * Connects over streams of the caller's own.
 * @param open is called for each connection
 * @param clock, random: for tests
 * @throws (rejects) ConnectionFailed, ConnectTimeout, ConnectionRefused, ConnectionLost, ProtocolViolation,
 * AuthenticationFailed; NotSupportedByServer for one that takes packets of four bytes at most; the reason of
 * `options.signal`; what `options.authentication` throws when it begins; TypeError and RangeError for options that make no
 * sense
 */
export async function connectOver(
  open: TransportFactory,
  options: ConnectOptions = {},
  clock: Clock = systemClock,
  random: () => number = Math.random,
): Promise<Client> {
  options.signal?.throwIfAborted();
  const servers = new Servers([{ url: null, open, credentials: {} }], null);
  return whenReady(new Client(servers, options, { clock, random }), options.signal);
}

/** @internal The client, once it is connected; it is over if that fails, or `signal` says so. */
export async function whenReady(client: Client, signal: AbortSignal | undefined): Promise<Client> {
  const abort = () => client.abort();
  if (signal?.aborted) abort();
  signal?.addEventListener('abort', abort, { once: true });
  try {
    await client.ready;
    return client;
  } catch (error) {
    throw signal?.aborted ? signal.reason : error;
  } finally {
    signal?.removeEventListener('abort', abort);
  }
}
