import { type Connack, ReasonCode } from '@cauldron/codec';
import { untilAborted } from '../abort.js';
import type { Client } from '../client.js';
import type { Clock } from '../clock.js';
import { Deferred } from '../deferred.js';
import { ClientError, ConnectionClosed } from '../errors.js';
import type { PublishOptions, PublishProperties, SubscribeOptions } from '../options.js';
import { encoded } from '../payload.js';
import type { PublishResult } from '../session/outgoing-message.js';
import { Message, NO_PARAMS, receiptOf } from './message.js';
import { codecOf, type PayloadCodec, type PayloadType } from './payload-codec.js';
import type { MessageHandler } from './subscription.js';
import type { ConcreteTopic } from './typed-topic.js';

/** Nobody answered a request in time. Whether it was received is unknown. */
export class RequestTimeout extends ClientError {
  override readonly name = 'RequestTimeout';
}

export interface RequestOptions {
  /** Milliseconds for the answer. Default 10,000. */
  timeoutMs?: number;
  /** Of the request, and what most responders answer with. Default 0. */
  qos?: PublishOptions['qos'];
  /** Of the request; response topic and correlation data are the client's own. */
  properties?: Omit<PublishProperties, 'responseTopic' | 'correlationData'>;
  /** Ends the waiting. */
  signal?: AbortSignal;
}

/**
 * What a responder returns: the payload of the answer, or a value for the codec of the options; or a promise of it. What it
 * throws becomes an uncaught exception, as with any handler, and the request has no answer.
 */
export type Responder<T, P, Answer> = (message: Message<T, P>, client: Client) => Answer | Promise<Answer>;

/** Options with a codec. */
export interface WithCodec<T, In = T> {
  codec: PayloadType<T, In>;
}

/** What a requester needs of the client. */
export interface RequesterPort {
  /** Resolved when there is a connection. */
  readonly ready: Promise<void>;
  /** Of the last connection. */
  readonly connack: Connack;
  readonly clientId: string;
  subscribe(filter: string, options: SubscribeOptions, handler: MessageHandler): Promise<unknown>;
  publish(topic: string, payload: string | Uint8Array, options: PublishOptions): Promise<PublishResult>;
}

/** For payloads that are given as such. */
const AS_IT_IS: PayloadCodec<unknown> = {
  encode: (value) => value as string | Uint8Array,
  decode: (payload) => payload,
};

const DEFAULT_TIMEOUT_MS = 10_000;
/** Random bytes in the topic of the answers: nobody who does not see the requests can answer them. */
const SECRET_BYTES = 16;

/** The requests of a client that wait for answers. They share one subscription, made with the first of them. */
export class Requester {
  readonly #port: RequesterPort;
  readonly #clock: Clock;
  readonly #onWaiting: () => void;
  readonly #waiting = new Map<number, Deferred<Message>>();
  /** Resolved with the topic that the answers come to. */
  #responseTopic: Promise<string> | null = null;
  #topic = '';
  #lastNumber = 0;
  #ended: ClientError | null = null;

  /** @param waiting called when `isWaiting` has changed */
  constructor(port: RequesterPort, clock: Clock, waiting: () => void) {
    this.#port = port;
    this.#clock = clock;
    this.#onWaiting = waiting;
  }

  /** Whether a request waits for its answer. */
  get isWaiting(): boolean {
    return this.#waiting.size > 0;
  }

  /** As `Client.request`: the codec of a topic is that of the request alone, and comes before that of the options. */
  async request<In, T = Uint8Array>(
    target: string | ConcreteTopic<In>,
    value: In,
    options: RequestOptions & Partial<WithCodec<T, In>>,
  ): Promise<Message<T>> {
    const codec = options.codec === undefined ? null : codecOf(options.codec);
    const [topic, encoder] = typeof target === 'string' ? [target, codec] : [target.topic, target.codec];
    const { payload, properties } = encoded(encoder ?? AS_IT_IS, value, options.properties);
    const answer = await this.#ask(topic, payload, { ...options, properties });
    if (codec === null) return answer as Message<unknown> as Message<T>;
    return new Message(answer, receiptOf(answer), await codec.decode(answer.payload), NO_PARAMS);
  }

  async #ask(topic: string, payload: string | Uint8Array, options: RequestOptions): Promise<Message> {
    const { timeoutMs = DEFAULT_TIMEOUT_MS, qos = 0, properties, signal } = options;
    signal?.throwIfAborted();
    if (this.#ended !== null) throw this.#ended;
    const number = ++this.#lastNumber;
    const answer = new Deferred<Message>();
    this.#waiting.set(number, answer);
    if (this.#waiting.size === 1) this.#onWaiting();
    const cancelTimer = this.#clock.after(timeoutMs, () => {
      answer.reject(new RequestTimeout(`Nobody answered the request to ${topic} within ${timeoutMs} ms`));
    });
    const send = async () => {
      const responseTopic = await this.#subscribed();
      // It may be too late by now.
      if (!this.#waiting.has(number)) return;
      const correlationData = new Uint8Array(8);
      new DataView(correlationData.buffer).setFloat64(0, number);
      await this.#port.publish(topic, payload, { qos, properties: { ...properties, responseTopic, correlationData } });
    };
    send().catch(answer.reject);
    try {
      return await untilAborted(answer.promise, signal);
    } finally {
      cancelTimer();
      this.#waiting.delete(number);
      if (this.#waiting.size === 0) this.#onWaiting();
    }
  }

  /** The server has forgotten a subscription: if it was that of the answers, the next request makes another one. */
  lost(filter: string): void {
    if (filter === this.#topic) this.#responseTopic = null;
  }

  /** The client is over, or about to be: no answer will come. */
  end(error: ClientError | null): void {
    this.#ended ??= error ?? new ConnectionClosed('The client was disconnected');
    for (const answer of this.#waiting.values()) answer.reject(this.#ended);
  }

  #subscribed(): Promise<string> {
    this.#responseTopic ??= this.#subscribe();
    return this.#responseTopic;
  }

  async #subscribe(): Promise<string> {
    try {
      await this.#port.ready;
      const topic = responseTopicOf(this.#port.connack, this.#port.clientId);
      await this.#port.subscribe(topic, { qos: 1 }, (message) => this.#receive(message));
      this.#topic = topic;
      return topic;
    } catch (error) {
      this.#responseTopic = null;
      throw error;
    }
  }

  #receive(message: Message): void {
    const { correlationData } = message.properties;
    if (correlationData?.length !== 8) return;
    const view = new DataView(correlationData.buffer, correlationData.byteOffset, 8);
    this.#waiting.get(view.getFloat64(0))?.resolve(message);
  }
}

/** Where the answers to this client go: under what the server says (MQTT 5.0, section 3.2.2.3.15), if it says something. */
function responseTopicOf({ properties }: Connack, clientId: string): string {
  const base = properties?.responseInformation ?? `reply/${clientId.replace(/[+#]/g, '_')}`;
  let secret = '';
  for (const byte of crypto.getRandomValues(new Uint8Array(SECRET_BYTES))) secret += byte.toString(16).padStart(2, '0');
  return `${base.replace(/\/$/, '')}/${secret}`;
}

/**
 * Answers a request.
 * @param codec of what the responder returns; null: that is the payload itself
 * @param unanswered is told of an answer that could not be published. It is not thrown: whoever sends requests chooses the
 * topic of the answer, and could stop the program otherwise.
 */
export async function answer<T, P, Answer>(
  message: Message<T, P>,
  client: Client,
  responder: Responder<T, P, Answer>,
  codec: PayloadType<unknown, Answer> | null,
  unanswered: (error: ClientError) => void,
): Promise<void> {
  const { responseTopic, correlationData } = message.properties;
  if (responseTopic === undefined) {
    const reasonString = 'A request needs a response topic';
    client.refuse(message, ReasonCode.IMPLEMENTATION_SPECIFIC_ERROR, { reasonString });
    return;
  }
  const properties: PublishProperties = correlationData === undefined ? {} : { correlationData };
  const answer = encoded<Answer>(
    codec === null ? AS_IT_IS : codecOf(codec),
    await responder(message, client),
    properties,
  );
  try {
    await client.publish(responseTopic, answer.payload, { qos: message.qos, properties: answer.properties });
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    unanswered(error);
  }
}
