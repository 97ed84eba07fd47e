import {
  assertTopicFilter,
  assertTopicName,
  type Connack,
  type Disconnect,
  encodePacket,
  isReasonCodeOf,
  PacketType,
  type Properties,
  type Publish,
  ReasonCode,
  reasonName,
  type SubscribeRequest,
} from '@cauldron/codec';
import { untilAborted } from './abort.js';
import { type Clock, systemClock } from './clock.js';
import { Connection } from './connection.js';
import { Deferred } from './deferred.js';
import type { ClientError } from './errors.js';
import { Listeners, throwLater } from './listeners.js';
import {
  bytesOf,
  type ConnectOptions,
  connectionSettings,
  type PublishOptions,
  type SubscribeOptions,
  type UnsubscribeOptions,
} from './options.js';
import { type PublishResult, Session } from './session.js';
import { type Message, type MessageHandler, Subscriptions } from './subscriptions.js';
import type { TransportFactory } from './transport.js';

export interface ClientEvents {
  /** The connection is over; null when `disconnect` ended it. */
  close: ClientError | null;
  /** The server said that it ends the connection, and why (5.0); `close` follows. */
  serverDisconnect: Disconnect;
}

export interface DisconnectOptions {
  /** 5.0 only. DISCONNECT_WITH_WILL lets the server publish the will. Default SUCCESS, a normal end. */
  reasonCode?: ReasonCode;
  /** 5.0 only. */
  properties?: Pick<Properties, 'sessionExpiryInterval' | 'reasonString' | 'userProperties'>;
  /** Ends the waiting for handshakes: the client leaves at once, and those who wait for a message are told. */
  signal?: AbortSignal;
}

/** A connection to a server, as a program uses it. Made by `connect`. */
export class Client {
  /** What outlives this client; give it to the next `connect` to go on with `clean: false`. */
  readonly session: Session;
  /** What the server answered to CONNECT. */
  readonly connack: Connack;
  /** Resolved when the connection is over, with null after `disconnect`, else with what ended it. Never rejected. */
  readonly closed: Promise<ClientError | null>;

  readonly #connection: Connection;
  readonly #subscriptions: Subscriptions;
  readonly #listeners: Listeners<ClientEvents>;
  /** The topic that was found to be valid last: most programs publish to the same one again and again. */
  #validTopic = '';

  /** @internal Use `connect` or `connectOver`. */
  constructor(
    connection: Connection,
    session: Session,
    connack: Connack,
    closed: Promise<ClientError | null>,
    subscriptions: Subscriptions,
    listeners: Listeners<ClientEvents>,
  ) {
    this.#connection = connection;
    this.session = session;
    this.connack = connack;
    this.closed = closed;
    this.#subscriptions = subscriptions;
    this.#listeners = listeners;
  }

  /** The id that the server knows this client by. */
  get clientId(): string {
    return this.session.clientId;
  }

  /** @returns a function that takes the listener away again */
  on<Name extends keyof ClientEvents>(name: Name, listener: (value: ClientEvents[Name]) => void): () => void {
    return this.#listeners.add(name, listener);
  }

  /**
   * Publishes a message. The promise is resolved when its QoS is fulfilled: with 0, when it has been handed over to a
   * network that has room for more; with 1 and 2, when the server has acknowledged it. Whoever publishes a lot waits for
   * it now and then.
   * @param payload as text (UTF-8) or bytes, which must stay unchanged until the promise is settled
   * @throws (rejects) ProtocolError for what cannot be sent, such as a topic with wildcards; NotSupportedByServer;
   * PublishRefused; OutboxFull; the error that ended the connection
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
    const { qos = 0, retain = false, properties, signal } = options;
    const packet: Publish = { type: PacketType.PUBLISH, topic, payload: bytesOf(payload), qos, retain, dup: false };
    if (properties !== undefined) packet.properties = { ...properties };
    return untilAborted(this.#connection.publish(packet), signal);
  }

  /**
   * Subscribes to one or several topic filters. Messages go to `handler` from the moment of the call; without one they
   * go to `onMessage` of the connect options.
   * @returns for each filter the granted QoS, or a code of 0x80 and above where the server refused it
   * @throws (rejects) ProtocolError for an invalid filter; NotSupportedByServer; the error that ended the connection
   */
  async subscribe(
    filters: string | readonly string[],
    options: SubscribeOptions = {},
    handler?: MessageHandler,
  ): Promise<readonly ReasonCode[]> {
    const list = typeof filters === 'string' ? [filters] : filters;
    const { qos = 0, noLocal = false, retainAsPublished = false, retainHandling = 0, userProperties } = options;
    const subscriptions: SubscribeRequest[] = list.map((filter) => {
      assertTopicFilter(filter);
      return { filter, qos, noLocal, retainAsPublished, retainHandling };
    });
    const properties: Properties = {};
    if (options.subscriptionIdentifier !== undefined) {
      properties.subscriptionIdentifiers = [options.subscriptionIdentifier];
    }
    if (userProperties !== undefined) properties.userProperties = userProperties;
    const answer = this.#connection.subscribe({ type: PacketType.SUBSCRIBE, subscriptions, properties });
    if (handler === undefined) return (await untilAborted(answer, options.signal)).reasonCodes;

    for (const filter of list) this.#subscriptions.add(filter, handler);
    const refused = (reasonCodes: readonly ReasonCode[] | null) => {
      list.forEach((filter, i) => {
        if ((reasonCodes?.[i] ?? ReasonCode.UNSPECIFIED_ERROR) >= ReasonCode.UNSPECIFIED_ERROR) {
          this.#subscriptions.remove(filter, handler);
        }
      });
    };
    const granted = answer.then(
      ({ reasonCodes }) => {
        refused(reasonCodes);
        return reasonCodes;
      },
      (error) => {
        refused(null);
        throw error;
      },
    );
    return untilAborted(granted, options.signal);
  }

  /**
   * Ends subscriptions. Their handlers get no more messages once the server has answered.
   * @returns one code for each filter: SUCCESS or NO_SUBSCRIPTION_EXISTED, or a refusal; empty before 5.0
   */
  async unsubscribe(
    filters: string | readonly string[],
    options: UnsubscribeOptions = {},
  ): Promise<readonly ReasonCode[]> {
    const list = typeof filters === 'string' ? [filters] : filters;
    for (const filter of list) assertTopicFilter(filter);
    const { userProperties, signal } = options;
    const answer = this.#connection.unsubscribe({
      type: PacketType.UNSUBSCRIBE,
      filters: list,
      ...(userProperties && { properties: { userProperties } }),
    });
    const done = answer.then(({ reasonCodes }) => {
      list.forEach((filter, i) => {
        if ((reasonCodes[i] ?? ReasonCode.SUCCESS) < ReasonCode.UNSPECIFIED_ERROR) this.#subscriptions.remove(filter);
      });
      return reasonCodes;
    });
    return untilAborted(done, signal);
  }

  /**
   * Called in a handler, for its message: the server is told that the client does not take it, and why. It sees the
   * message as acknowledged and does not send it again. Without effect before 5.0 and at QoS 0, which have no refusals.
   * @param reasonCode 0x80 or above, one of those of PUBACK
   * @param properties left out where they make the packet larger than the server takes
   * @throws TypeError for a message that is not being delivered; RangeError for another reason code; ProtocolError for
   * properties that cannot be encoded
   */
  refuse(
    message: Message,
    reasonCode: ReasonCode,
    properties?: Pick<Properties, 'reasonString' | 'userProperties'>,
  ): void {
    if (reasonCode < ReasonCode.UNSPECIFIED_ERROR || !isReasonCodeOf(PacketType.PUBACK, reasonCode)) {
      throw new RangeError(`A message is not refused with "${reasonName(reasonCode)}"`); // [MQTT-3.4.2-1] [MQTT-3.5.2-1]
    }
    const refusal = { reasonCode, ...(properties && { properties }) };
    encodePacket({ type: PacketType.PUBACK, packetId: 1, ...refusal }, 5);
    this.#connection.refuse(message, refusal);
  }

  /**
   * Authenticates again, by the method of the connect options: with 5.0, a server may demand that now and then. Messages
   * flow meanwhile.
   * @returns when the server has accepted
   * @throws (rejects) TypeError without `authentication` in the connect options, and while an earlier call is under way;
   * what its `begin` throws; NotSupportedByServer for data that are too large for the server. The connection then stays as
   * it is. Or the error that ended it: ServerDisconnected when the server refuses, AuthenticationFailed when the client does.
   */
  reauthenticate(): Promise<void> {
    return this.#connection.reauthenticate();
  }

  /**
   * Asks for no more messages, until `resume`; those already read may still come. For a receiver that cannot keep up:
   * the server, or TCP, holds the rest back.
   */
  pause(): void {
    this.#connection.pause();
  }

  resume(): void {
    this.#connection.resume();
  }

  /**
   * Ends the connection in good order: messages on their way, also those that wait for their turn, are brought to their
   * end first. No message is delivered from now on; those with QoS 1 and 2 stay with a server that keeps the session.
   * @returns when the connection is closed
   * @throws (rejects) RangeError for a reason code that a client does not leave with; ProtocolError for properties that
   * cannot be encoded. The connection then stays as it is.
   */
  async disconnect(options: DisconnectOptions = {}): Promise<void> {
    const { reasonCode = ReasonCode.SUCCESS, properties, signal } = options;
    this.#connection.disconnect(reasonCode, properties);
    const hurry = () => this.#connection.hurry();
    if (signal?.aborted) hurry();
    signal?.addEventListener('abort', hurry, { once: true });
    await this.closed;
    signal?.removeEventListener('abort', hurry);
  }
}

/**
 * Connects over a stream of the caller's own.
 * @throws (rejects) ConnectionFailed, ConnectTimeout, ConnectionRefused, ConnectionLost, ProtocolViolation,
 * AuthenticationFailed; NotSupportedByServer for one that takes packets of four bytes at most; the reason of
 * `options.signal`; what `options.authentication` throws when it begins; TypeError and RangeError for options that make no
 * sense
 */
export async function connectOver(
  open: TransportFactory,
  options: ConnectOptions = {},
  clock: Clock = systemClock,
): Promise<Client> {
  const { authentication, session = new Session(), onMessage, trace = null, signal } = options;
  signal?.throwIfAborted();
  const exchange = authentication && (await untilAborted(Promise.resolve(authentication.begin()), signal));
  const subscriptions = new Subscriptions();
  const listeners = new Listeners<ClientEvents>();
  const opened = new Deferred<Client>();
  const closed = new Deferred<ClientError | null>();
  let client: Client | null = null;
  const connection = new Connection(
    connectionSettings(options, exchange),
    session,
    open,
    {
      opened: (connack) => {
        client = new Client(connection, session, connack, closed.promise, subscriptions, listeners);
        opened.resolve(client);
      },
      message: (message) => {
        if (client === null) return;
        const handlers = subscriptions.handlersOf(message.topic);
        if (handlers.length > 0) for (const handler of handlers) call(handler, message, client);
        else if (onMessage !== undefined) call(onMessage, message, client);
      },
      serverDisconnected: (packet) => listeners.tell('serverDisconnect', packet),
      closed: (error) => {
        if (error !== null) opened.reject(error);
        closed.resolve(error);
        listeners.tell('close', error);
      },
      trace,
    },
    clock,
  );
  const abort = () => {
    if (client === null) connection.abort();
  };
  signal?.addEventListener('abort', abort, { once: true });
  try {
    return await opened.promise;
  } catch (error) {
    throw signal?.aborted ? signal.reason : error;
  } finally {
    signal?.removeEventListener('abort', abort);
  }
}

function call(handler: MessageHandler, message: Publish, client: Client): void {
  try {
    handler(message, client);
  } catch (error) {
    throwLater(error);
  }
}
