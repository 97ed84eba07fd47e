import {
  assertTopicName,
  type Connack,
  encodeClientPacket,
  isReasonCodeOf,
  PacketType,
  type Properties,
  type ProtocolVersion,
  type Publish,
  ReasonCode,
  reasonName,
} from '@cauldron/codec';
import { untilAborted } from './abort.js';
import { bytesOf } from './bytes.js';
import type { Clock } from './clock.js';
import type { Counters } from './counters.js';
import { Deferred } from './deferred.js';
import type { ClientError } from './errors.js';
import type { ClientEvents, ClientState } from './events.js';
import { Listeners } from './listeners.js';
import { requestPart } from './optional-part.js';
import type { ConnectOptions, PublishOptions, SubscribeOptions, UnsubscribeOptions } from './options.js';
import { type Decoder, decoderOf, encoded } from './payload.js';
import type { Servers } from './reconnection/servers.js';
import { Supervisor, type Surroundings } from './reconnection/supervisor.js';
import type { PublishResult } from './session/outgoing-message.js';
import type { Session } from './session/session.js';
import { Inbox } from './subscriptions/inbox.js';
import { type Message, type NoParams, receiptOf } from './subscriptions/message.js';
import type { Requester, RequestOptions, Responder, WithCodec } from './subscriptions/request-response.js';
import { Subscriber } from './subscriptions/subscriber.js';
import type { MessageHandler, Subscription } from './subscriptions/subscription.js';
import type { ConcreteTopic, TypedTopic } from './subscriptions/typed-topic.js';

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
  readonly #clock: Clock;
  /** Made with the first request. */
  #requester: Requester | null = null;
  readonly #protocolVersion: ProtocolVersion;
  /** The topic that was found to be valid last: most programs publish to the same one again and again. */
  #validTopic: string | null = null;

  /** @internal Use `connect`, `startClient` or `connectOver`. */
  constructor(servers: Servers, options: ConnectOptions, surroundings: Surroundings) {
    const closed = new Deferred<ClientError | null>();
    this.closed = closed.promise;
    const { onMessage, maximumReceivedBytes = DEFAULT_RECEIVED_BYTES } = options;
    this.#inbox = new Inbox(
      {
        congested: () => this.#updateBacklog(),
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
        subscriptionLost: (filter, reasonCode) => {
          this.#subscriber.lost(filter, reasonCode);
          this.#requester?.lost(filter);
        },
        closed: (error) => {
          this.#inbox.end(error);
          this.#requester?.end(error);
          closed.resolve(error);
        },
      },
      surroundings,
    );
    this.#subscriber = new Subscriber(this, this.#inbox, this.#supervisor, onMessage ?? null);
    this.#protocolVersion = options.protocolVersion ?? 5;
    this.#clock = surroundings.clock;
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
   * waits for one. Whoever publishes a lot awaits it now and then; with QoS 0 nobody need look at a rejection.
   * @param payload as text (UTF-8) or bytes, which must stay unchanged until the promise is settled
   * @throws (rejects) ProtocolError for what cannot be sent, such as a topic with wildcards; TypeError and RangeError for
   * another payload or QoS; NotSupportedByServer;
   * PublishRefused; OutboxFull; MessageExpired; Offline; ConnectionLost for QoS 0 that was not handed over in full; what
   * ended the client
   */
  publish(topic: string, payload: string | Uint8Array, options?: PublishOptions): Promise<PublishResult>;
  /**
   * Publishes a value, encoded by the codec of the topic.
   * @throws (rejects) also what the codec throws
   */
  publish<In>(topic: ConcreteTopic<In>, value: In, options?: PublishOptions): Promise<PublishResult>;
  publish<In>(
    topic: string | ConcreteTopic<In>,
    value: string | Uint8Array | In,
    options: PublishOptions = {},
  ): Promise<PublishResult> {
    if (typeof topic === 'string') return this.#publish(topic, value as string | Uint8Array, options);
    try {
      const { payload, properties } = encoded(topic.codec, value as In, options.properties);
      return this.#publish(topic.topic, payload, { ...options, properties });
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #publish(topic: string, payload: string | Uint8Array, options: PublishOptions): Promise<PublishResult> {
    const { qos = 0, retain = false, properties, until, signal } = options;
    try {
      this.#check(topic, payload, qos);
    } catch (error) {
      return Promise.reject(error);
    }
    if (qos === 0 && properties === undefined && signal === undefined) {
      const sent = this.#supervisor.publishPlain(topic, payload, retain);
      if (sent !== null) return sent;
    }
    const packet: Publish = { type: PacketType.PUBLISH, topic, payload: bytesOf(payload), qos, retain, dup: false };
    if (properties !== undefined) packet.properties = { ...properties };
    const acknowledged = this.#supervisor.publish(packet);
    if (until !== 'stored' || qos === 0) return untilAborted(acknowledged, signal);
    return untilAborted(this.#stored(acknowledged), signal);
  }

  /**
   * Subscribes to one or several topic filters. Messages go to `handler` from the moment of the call; without one they
   * wait for whoever iterates over the subscription. With a codec, or a schema, `value` of a message is what it decodes; a
   * payload that does not decode is told of by the event `undecodable`, and the message is refused.
   * @throws (rejects) SubscribeRefused when the server refuses all filters; ProtocolError for an invalid filter;
   * NotSupportedByServer; Offline; what ended the client
   */
  subscribe<T, In = T>(
    filters: string | readonly string[],
    options: SubscribeOptions & WithCodec<T, In>,
    handler?: MessageHandler<T>,
  ): Promise<Subscription<T>>;
  subscribe(
    filters: string | readonly string[],
    options?: SubscribeOptions,
    handler?: MessageHandler,
  ): Promise<Subscription>;
  /** Subscribes to all topics of one shape: messages have the value that its codec decodes, and the parameters. */
  subscribe<T, P, In>(
    topic: TypedTopic<T, P, In>,
    options?: SubscribeOptions,
    handler?: MessageHandler<T, P>,
  ): Promise<Subscription<T, P>>;
  async subscribe<T, P, In>(
    target: string | readonly string[] | TypedTopic<T, P, In>,
    options: SubscribeOptions & Partial<WithCodec<T, In>> = {},
    handler: MessageHandler<T, P> | null = null,
  ): Promise<Subscription<T, P>> {
    return this.#subscribe(target, options, options.codec === undefined ? null : decoderOf(options.codec), handler);
  }

  #subscribe<T, P>(
    target: string | readonly string[] | TypedTopic<T, P, never>,
    options: SubscribeOptions,
    codec: Decoder<T> | null,
    handler: MessageHandler<T, P> | null,
  ): Promise<Subscription<T, P>> {
    if (typeof target === 'object' && 'paramsOf' in target) {
      const paramsOf = (topic: string) => target.paramsOf(topic);
      return this.#subscriber.subscribe([target.filter], options, { codec: target.codec, paramsOf, handler });
    }
    const filters = typeof target === 'string' ? [target] : target;
    return this.#subscriber.subscribe(filters, options, { codec, paramsOf: null, handler });
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
   * Asks for something, and waits for the answer: publishes the request with a response topic of this client, to which it
   * subscribes with the first request, and with correlation data. 5.0 only. With a codec in the options, `value` is encoded
   * by it and the answer is decoded; with a typed topic, the codec of that is for the request.
   * @throws (rejects) RequestTimeout; TypeError before 5.0; what the codec throws; what `publish` and `subscribe` reject with
   */
  request<T, In>(topic: string, value: In, options: RequestOptions & WithCodec<T, In>): Promise<Message<T>>;
  request(topic: string, payload: string | Uint8Array, options?: RequestOptions): Promise<Message>;
  request<T, In, Other>(
    topic: ConcreteTopic<In>,
    value: In,
    options: RequestOptions & WithCodec<T, Other>,
  ): Promise<Message<T>>;
  request<In>(topic: ConcreteTopic<In>, value: In, options?: RequestOptions): Promise<Message>;
  async request<T, In>(
    topic: string | ConcreteTopic<In>,
    value: In,
    options: RequestOptions & Partial<WithCodec<T, In>> = {},
  ): Promise<Message<T>> {
    this.#assertResponses();
    const requester = this.#requester ?? (await this.#makeRequester());
    return requester.request(topic, value, options);
  }

  /**
   * Answers requests: what `responder` returns is published to the response topic of the request, with its QoS and its
   * correlation data. 5.0 only. A message without response topic is refused; an answer that the server does not take is told
   * of by the event `unanswered`. With a codec in the options, it decodes the requests and encodes the answers; with a typed
   * topic, the codec of that is for the requests, and the one of the options for the answers.
   * @throws (rejects) TypeError before 5.0; as `subscribe`
   */
  respond<T, In>(
    filters: string | readonly string[],
    responder: Responder<T, NoParams, In>,
    options: SubscribeOptions & WithCodec<T, In>,
  ): Promise<Subscription<T>>;
  respond(
    filters: string | readonly string[],
    responder: Responder<Uint8Array, NoParams, string | Uint8Array>,
    options?: SubscribeOptions,
  ): Promise<Subscription>;
  respond<T, P, In, Answer, Other>(
    topic: TypedTopic<T, P, In>,
    responder: Responder<T, P, Answer>,
    options: SubscribeOptions & WithCodec<Other, Answer>,
  ): Promise<Subscription<T, P>>;
  respond<T, P, In>(
    topic: TypedTopic<T, P, In>,
    responder: Responder<T, P, string | Uint8Array>,
    options?: SubscribeOptions,
  ): Promise<Subscription<T, P>>;
  async respond<T, P, Answer>(
    target: string | readonly string[] | TypedTopic<T, P, never>,
    responder: Responder<T, P, Answer>,
    options: SubscribeOptions & Partial<WithCodec<T, Answer>> = {},
  ): Promise<Subscription<unknown, unknown>> {
    this.#assertResponses();
    const { codec } = options;
    const handler: MessageHandler<T, P> = async (message, client) => {
      const { answer } = requestPart.loaded ?? (await requestPart.load());
      await answer(message, client, responder, codec ?? null, (error) =>
        this.events.tell('unanswered', { message, error }),
      );
    };
    return this.#subscribe(target, options, codec === undefined ? null : decoderOf(codec), handler);
  }

  async #makeRequester(): Promise<Requester> {
    // What cannot be loaded now, can be when there is a connection.
    const load = () => requestPart.load();
    const { Requester } = await load().catch(() => this.ready.then(load));
    this.#requester ??= new Requester(this, this.#clock, () => this.#updateBacklog());
    return this.#requester;
  }

  /** Answers to requests are messages like any other: whoever waits for one has to read. */
  #updateBacklog(): void {
    this.#supervisor.isBacklogged = this.#inbox.isCongested && !this.#requester?.isWaiting;
  }

  /** Response topics came with 5.0. */
  #assertResponses(): void {
    if (this.#protocolVersion < 5) throw new TypeError('Requests and answers need protocol version 5');
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
    encodeClientPacket({ type: PacketType.PUBACK, packetId: 1, ...refusal }, 5);
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
    this.#inbox.end(null);
    this.#requester?.end(null);
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

  /** Types do not hold in programs without them. @throws ProtocolError, TypeError, RangeError */
  #check(topic: string, payload: unknown, qos: number): void {
    if (topic !== this.#validTopic) {
      assertTopicName(topic);
      this.#validTopic = topic;
    }
    if (typeof payload !== 'string' && !(payload instanceof Uint8Array)) {
      throw new TypeError('A payload is text or a Uint8Array, or needs a codec');
    }
    if (qos !== 0 && qos !== 1 && qos !== 2) throw new RangeError(`QoS is 0, 1 or 2, not ${qos}`);
  }

  /** The message is in the outbox, unless it was refused at once; what becomes of it then is not waited for. */
  async #stored(acknowledged: Promise<PublishResult>): Promise<PublishResult> {
    const refused = new Promise<never>((_, reject) => acknowledged.catch(reject));
    await Promise.race([this.#supervisor.stored(), refused]);
    return { reasonCode: ReasonCode.SUCCESS };
  }
}
