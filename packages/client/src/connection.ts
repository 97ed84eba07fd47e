import {
  type Connack,
  type Connect,
  type Disconnect,
  type Packet,
  PacketType,
  type Properties,
  ProtocolError,
  type Publish,
  ReasonCode,
  type Suback,
  type Subscribe,
  type Unsuback,
  type Unsubscribe,
} from '@cauldron/codec';
import { Exchanges } from './authentication.js';
import type { Clock } from './clock.js';
import type { ConnectionOwner } from './connection-owner.js';
import type { ConnectionSettings } from './connection-settings.js';
import type { Counters } from './counters.js';
import {
  AuthenticationFailed,
  type ClientError,
  ConnectionClosed,
  ConnectionFailed,
  ConnectionLost,
  ConnectionRefused,
  ConnectTimeout,
  KeepAliveTimeout,
  NotSupportedByServer,
  OutboxFull,
  ProtocolViolation,
  ServerDisconnected,
} from './errors.js';
import { farewell, farewellFor, shortened } from './farewell.js';
import { Handshakes } from './handshakes.js';
import { KeepAlive } from './keep-alive.js';
import { Message, NO_PARAMS } from './message.js';
import { OutgoingMessage, type PublishResult } from './outgoing-message.js';
import { PacketReader, type PacketReaderOwner, type ReadPublish } from './packet-reader.js';
import type { Receipt } from './receipt.js';
import { Requests } from './requests.js';
import { Sender, type SenderOwner } from './sender.js';
import { ServerLimits } from './server-limits.js';
import type { Session } from './session.js';
import { TopicAliases } from './topic-aliases.js';
import type { Transport, TransportEvents, TransportFactory } from './transport.js';

/**
 * - `opening`: the transport is
 * - `awaitingConnack`: CONNECT has been sent
 * - `open`
 * - `draining`: the client wants to leave; what has begun is ended first
 * - `disconnecting`: DISCONNECT is sent or about to be, nothing is read any more
 * - `closed`
 */
type State = 'opening' | 'awaitingConnack' | 'open' | 'draining' | 'disconnecting' | 'closed';

/** PINGREQ leaves this long after the last packet for each second of keep alive: a timer is never early, but often late. */
const PING_AFTER_MS = 900;
/** Bytes of the largest packet that the protocol may demand of a client: PUBREL and PUBCOMP with a reason code. */
const SMALLEST_LIMIT = 5;
/** A server that does not close after DISCONNECT is hung up on after this time. */
const CLOSE_GRACE_MS = 5_000;

/**
 * The protocol on one network connection: bytes to packets and back, the order of things, limits and time-outs. It ends
 * with the transport; what outlives it is in the session.
 */
export class Connection {
  readonly #settings: ConnectionSettings;
  readonly #session: Session;
  readonly #owner: ConnectionOwner;
  readonly #clock: Clock;
  readonly #counters: Counters;
  readonly #transport: Transport;
  readonly #reader: PacketReader;
  readonly #sender: Sender;
  readonly #aliases: TopicAliases;
  readonly #requests: Requests;
  /** Null: CONNECT names no authentication method. */
  readonly #exchanges: Exchanges | null;
  #handshakes: Handshakes | null = null;
  #limits: ServerLimits | null = null;
  #keepAlive: KeepAlive | null = null;
  #state: State = 'opening';
  /** Why the connection ends, once that is known. */
  #error: ClientError | null = null;
  #cancelTimer: () => void;
  #farewell: Disconnect = { type: PacketType.DISCONNECT, reasonCode: ReasonCode.SUCCESS };
  /** Whether the session outlives the connection. */
  #keepsSession = true;
  #isPaused = false;
  #isBacklogged = false;
  /** What the transport was told last. */
  #isReading = true;

  /** @throws what `open` throws */
  constructor(
    settings: ConnectionSettings,
    session: Session,
    open: TransportFactory,
    owner: ConnectionOwner,
    clock: Clock,
    counters: Counters,
  ) {
    this.#settings = settings;
    this.#session = session;
    this.#owner = owner;
    this.#clock = clock;
    this.#counters = counters;
    const { protocolVersion, properties } = settings.connect;
    const { trace } = owner;
    const traceReceived = trace && ((packet: Packet) => trace('received', packet));
    this.#reader = new PacketReader(protocolVersion, settings.maximumPacketSize, this.#readerOwner(), traceReceived);
    this.#aliases = new TopicAliases(properties?.topicAliasMaximum ?? 0);
    this.#sender = new Sender(protocolVersion, owner.trace, counters, this.#senderOwner());
    this.#requests = new Requests(session.packetIds, (packet) => this.#sender.send(packet));
    this.#exchanges =
      settings.begun === null ? null : new Exchanges(settings.begun, this.#sendAuth, this.#giveUpAuthentication);
    this.#transport = open(this.#transportEvents());
    this.#sender.open(this.#transport);
    this.#cancelTimer = clock.after(settings.connectTimeoutMs, () => {
      this.#destroy(new ConnectTimeout(`The server did not answer within ${settings.connectTimeoutMs} ms`));
    });
  }

  /** Whether messages and requests can be given to it. */
  get isOpen(): boolean {
    return this.#state === 'open';
  }

  /** Whether the session outlives the connection, once the server has accepted. */
  get keepsSession(): boolean {
    return this.#keepsSession;
  }

  /**
   * Sends a message. QoS 0: resolved when it has been handed to a transport that has room for more. QoS 1 and 2:
   * resolved when the handshake is over, rejected with PublishRefused when the server does not want the message.
   */
  publish(packet: Publish): Promise<PublishResult> {
    try {
      const { limits, handshakes } = this.#usable();
      limits.checkPublish(packet);
      if (this.#sender.waiting + this.#session.queuedBytes > this.#settings.maximumBufferedBytes) {
        throw new OutboxFull(`More than ${this.#settings.maximumBufferedBytes} bytes wait to be sent`);
      }
      if (packet.qos > 0 || this.#session.queuedAtMostOnce > 0) {
        const message = new OutgoingMessage(packet, this.#clock.epochMs());
        handshakes.publish(message);
        this.#updateReading();
        return message.promise;
      }
      this.#sendPublish(packet);
      return this.#sender.written();
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * The short way for a message with QoS 0 and without properties.
   * @returns null when it has to take the other one
   */
  publishPlain(topic: string, payload: string | Uint8Array, retain: boolean): Promise<PublishResult> | null {
    const limits = this.#limits;
    if (limits === null || this.#state !== 'open' || (retain && !limits.retainAvailable) || this.#sender.isTraced) {
      return null;
    }
    const { queuedAtMostOnce, queuedBytes } = this.#session;
    if (queuedAtMostOnce > 0 || this.#sender.waiting + queuedBytes > this.#settings.maximumBufferedBytes) return null;
    try {
      this.#sender.publish(topic, payload, 0, retain, false, 0);
    } catch (error) {
      return Promise.reject(error);
    }
    return this.#sender.written();
  }

  #sendPublish(packet: Publish): void {
    const { topic, payload, qos, retain, dup, packetId = 0, properties } = packet;
    if (properties === undefined && !this.#sender.isTraced) {
      this.#sender.publish(topic, payload, qos, retain, dup, packetId);
      return;
    }
    if (properties?.topicAlias !== undefined) this.#sender.stopAliases();
    this.#sender.send(packet);
  }

  /** Sends a SUBSCRIBE under a packet id of its own, and waits for the SUBACK. */
  async subscribe(request: Omit<Subscribe, 'packetId'>): Promise<Suback> {
    this.#usable().limits.checkSubscribe(request);
    const answer = this.#requests.subscribe(request);
    this.#updateReading();
    return answer;
  }

  async unsubscribe(request: Omit<Unsubscribe, 'packetId'>): Promise<Unsuback> {
    this.#usable();
    const answer = this.#requests.unsubscribe(request);
    this.#updateReading();
    return answer;
  }

  /** Authenticates again. @throws (rejects) as `Client.reauthenticate` says */
  async reauthenticate(): Promise<void> {
    this.#usable();
    // [MQTT-4.12.0-7]
    if (this.#exchanges === null) throw new TypeError('The client has connected without `authentication`');
    return this.#exchanges.reauthenticate();
  }

  /**
   * Ends the connection when every handshake is over: those of the messages sent (also the ones that still wait), those
   * of QoS 2 messages received, and requests. Messages that arrive meanwhile are left to the server.
   * @throws RangeError, ProtocolError for what a client cannot say
   */
  disconnect(reasonCode: ReasonCode, properties?: Properties): void {
    const packet = farewell(reasonCode, properties);
    if (this.#state !== 'open') return;
    this.#farewell = packet;
    this.#state = 'draining';
    this.#updateReading();
    // Not at once: this may be called while a message is delivered, and its acknowledgement comes before DISCONNECT.
    this.#sender.schedule();
  }

  /** Ends the waiting of `disconnect`: DISCONNECT is sent now. */
  hurry(): void {
    if (this.#state === 'draining') this.#leave(this.#farewell);
  }

  /** Gives up an attempt to connect. */
  abort(): void {
    this.#destroy(new ConnectionClosed('The attempt to connect was given up'));
  }

  /** The program wants no more messages. */
  pause(): void {
    this.#isPaused = true;
    this.#updateReading();
  }

  resume(): void {
    this.#isPaused = false;
    this.#updateReading();
  }

  /** Too many messages wait for the program: reads only while the client itself waits for an answer. */
  set isBacklogged(isBacklogged: boolean) {
    this.#isBacklogged = isBacklogged;
    this.#updateReading();
  }

  /** Finds out whether the server is still there. */
  probe(): void {
    if (this.#state === 'open') this.#keepAlive?.probe();
  }

  #updateReading(): void {
    const isReading = this.#state === 'draining' || !(this.#isPaused || (this.#isBacklogged && !this.#awaitsAnswer()));
    if (isReading === this.#isReading) return;
    this.#isReading = isReading;
    if (isReading) {
      this.#keepAlive?.resume();
      this.#transport.resume();
    } else {
      this.#keepAlive?.pause();
      this.#transport.pause();
    }
  }

  #awaitsAnswer(): boolean {
    return (
      (this.#handshakes?.outstanding ?? 1) > 0 ||
      !this.#requests.idle ||
      this.#exchanges?.isUnderWay === true ||
      this.#keepAlive?.awaitsAnswer === true
    );
  }

  #senderOwner(): SenderOwner {
    return {
      turnEnds: () => {
        if (this.#state === 'draining' && this.#session.idle && this.#requests.idle) this.#leave(this.#farewell);
      },
      writing: () => {
        this.#handshakes?.flushed();
        this.#keepAlive?.sent();
      },
      durable: () => this.#session.journal?.durable() ?? null,
      failed: (error) => this.#destroy(error),
      emptied: () => {
        if (this.#state === 'disconnecting') this.#hangUp();
      },
    };
  }

  #transportEvents(): TransportEvents {
    return {
      opened: () => {
        if (this.#state !== 'opening') return;
        this.#state = 'awaitingConnack';
        try {
          this.#sender.send(this.#settings.connect); // [MQTT-3.1.0-1]
        } catch (error) {
          this.#destroy(new ConnectionFailed('CONNECT cannot be written', { cause: error }));
        }
      },
      data: (bytes, length) => this.#read(bytes, length),
      drained: () => this.#sender.drained(),
      closed: (error) => this.#end(error),
    };
  }

  #read(bytes: Uint8Array, length: number): void {
    this.#keepAlive?.heard();
    this.#counters.bytesReceived += length;
    if (!this.#reads()) return;
    const before = this.#reader.count;
    try {
      this.#reader.read(bytes, length);
      if (this.#isBacklogged) this.#updateReading();
    } catch (error) {
      this.#fail(error);
    }
    this.#counters.packetsReceived += this.#reader.count - before;
    if (this.#state === 'draining') this.#sender.schedule();
  }

  #readerOwner(): PacketReaderOwner {
    return {
      reads: () => this.#reads(),
      publish: (packet) => this.#receivePublish(packet),
      puback: (packetId) => this.#accepted().receivePlainPuback(packetId),
      packet: (packet) => this.#receive(packet),
    };
  }

  #reads(): boolean {
    return this.#state === 'open' || this.#state === 'draining' || this.#state === 'awaitingConnack';
  }

  #receive(packet: Exclude<Packet, Publish>): void {
    if (packet.type === PacketType.AUTH) {
      // [MQTT-4.12.0-6]
      if (this.#exchanges === null) {
        throw new ProtocolError(ReasonCode.PROTOCOL_ERROR, 'AUTH without an authentication method');
      }
      this.#exchanges.receive(packet);
      return;
    }
    if (this.#handshakes === null) {
      if (packet.type !== PacketType.CONNACK) {
        throw new ProtocolError(ReasonCode.PROTOCOL_ERROR, 'The first packet is not a CONNACK');
      }
      this.#receiveConnack(packet);
      return;
    }
    switch (packet.type) {
      case PacketType.PUBACK:
      case PacketType.PUBREC:
      case PacketType.PUBREL:
      case PacketType.PUBCOMP:
        this.#handshakes.receive(packet);
        break;
      case PacketType.SUBACK:
      case PacketType.UNSUBACK:
        this.#requests.receive(packet);
        break;
      case PacketType.PINGRESP:
        break;
      case PacketType.DISCONNECT:
        this.#receiveDisconnect(packet);
        break;
      default:
        throw new ProtocolError(ReasonCode.PROTOCOL_ERROR, 'A server sends no second CONNACK');
    }
  }

  /** @throws ProtocolError before the CONNACK */
  #accepted(): Handshakes {
    if (this.#handshakes !== null) return this.#handshakes;
    throw new ProtocolError(ReasonCode.PROTOCOL_ERROR, 'The first packet is not a CONNACK');
  }

  #receiveConnack(connack: Connack): void {
    const { connect, maximumInflight, pingTimeoutMs } = this.#settings;
    if (connack.reasonCode !== ReasonCode.SUCCESS) {
      this.#error = new ConnectionRefused(connect.protocolVersion, connack.reasonCode, connack.properties);
      this.#state = 'disconnecting';
      this.#hangUp(); // [MQTT-4.13.2-1]
      return;
    }
    if (connack.sessionPresent && (connect.clean || this.#session.hasEnded)) {
      // [MQTT-3.2.2-4]
      throw new ProtocolError(ReasonCode.PROTOCOL_ERROR, 'Session present, although the client has no session');
    }
    const { authenticationMethod, authenticationData } = connack.properties ?? {};
    if (authenticationMethod !== connect.properties?.authenticationMethod) {
      // [MQTT-4.12.0-5] [MQTT-4.12.0-6]
      throw new ProtocolError(ReasonCode.PROTOCOL_ERROR, 'CONNACK has another authentication method than CONNECT');
    }
    const limits = new ServerLimits(connack);
    if (limits.maximumPacketSize < SMALLEST_LIMIT) {
      this.#state = 'disconnecting';
      this.#destroy(new NotSupportedByServer(`The server takes packets up to ${limits.maximumPacketSize} bytes only`));
      return;
    }
    if (this.#exchanges?.admitted(authenticationData) === false) return;
    this.#session.hasEnded = false;
    this.#keepsSession = keepsSession(connect, connack);
    this.#cancelTimer();
    this.#limits = limits;
    this.#sender.learn(limits, this.#settings.automaticTopicAliases);
    this.#session.identify(connack.properties?.assignedClientIdentifier ?? connect.clientId);
    const keepAlive = connack.properties?.serverKeepAlive ?? connect.keepAlive; // [MQTT-3.1.2-21]
    if (keepAlive > 0) {
      this.#keepAlive = new KeepAlive(
        this.#clock,
        keepAlive * PING_AFTER_MS, // [MQTT-3.1.2-23] of 3.1.1
        pingTimeoutMs,
        () => this.#ping(),
        () => this.#destroy(new KeepAliveTimeout(`The server was silent for ${pingTimeoutMs} ms after a PINGREQ`)),
      );
    }
    this.#state = 'open';
    const handshakes = new Handshakes(this.#session, {
      sendMaximum: Math.min(limits.receiveMaximum, maximumInflight),
      receiveMaximum: connect.protocolVersion === 5 ? (connect.properties?.receiveMaximum ?? 65_535) : 65_535,
      clock: this.#clock,
      send: (packet) => this.#sender.send(packet),
      acknowledge: (type, packetId) => this.#sender.acknowledge(type, packetId),
      publish: (packet) => {
        // What waits in the session was published to a server that may have announced something else.
        limits.checkPublish(packet);
        this.#sendPublish(packet);
      },
      written: () => this.#sender.written(),
    });
    this.#handshakes = handshakes;
    handshakes.start(connack.sessionPresent);
    this.#counters.connects++;
    this.#owner.opened(connack);
    handshakes.fill();
  }

  #receivePublish(packet: ReadPublish): void {
    const handshakes = this.#accepted();
    // The client is leaving: the message stays with the server, which keeps it as long as the session. To acknowledge
    // it would be to lose it. ![MQTT-4.5.0-2]
    if (this.#state !== 'open') return;
    if (packet.properties !== undefined) this.#aliases.resolve(packet);
    const { qos, packetId } = packet;
    let receipt: Receipt | null = null;
    if (qos > 0 && packetId !== undefined) {
      receipt = handshakes.accept(packetId, qos === 2 ? 2 : 1);
      if (receipt === null) return;
    }
    this.#counters.messagesReceived++;
    this.#owner.message(new Message(packet, receipt, packet.payload, NO_PARAMS));
  }

  #receiveDisconnect(packet: Disconnect): void {
    if (this.#settings.connect.protocolVersion < 5) {
      throw new ProtocolError(ReasonCode.PROTOCOL_ERROR, 'A server sends no DISCONNECT before MQTT 5.0');
    }
    this.#error = new ServerDisconnected(packet.reasonCode, packet.properties);
    this.#state = 'disconnecting';
    this.#handshakes?.end();
    this.#sender.clear();
    this.#owner.serverDisconnected(packet);
    this.#hangUp();
  }

  /** @throws ConnectionClosed when nothing can be asked of the connection (any more). */
  #usable(): { limits: ServerLimits; handshakes: Handshakes } {
    if (this.#state !== 'open' || this.#limits === null || this.#handshakes === null) {
      throw this.#error ?? new ConnectionClosed('The client is disconnected');
    }
    return { limits: this.#limits, handshakes: this.#handshakes };
  }

  /** Sends the last packet [MQTT-3.14.4-1] and closes. */
  #leave(packet: Disconnect): void {
    const { sessionExpiryInterval } = this.#sendFirst(shortened(packet)).properties ?? {};
    if (this.#settings.connect.protocolVersion === 5 && sessionExpiryInterval !== undefined) {
      this.#keepsSession = sessionExpiryInterval > 0;
    }
    this.#handshakes?.end();
    this.#state = 'disconnecting';
  }

  /** Sends the first of these that the server has room for, and returns it. There is room for the last one. */
  #sendFirst([packet, ...shorter]: readonly Disconnect[]): Disconnect {
    try {
      this.#sender.send(packet);
      return packet;
    } catch (error) {
      if (shorter.length === 0 || !(error instanceof NotSupportedByServer)) throw error;
      return this.#sendFirst(shorter);
    }
  }

  readonly #sendAuth = (packet: Packet): void => {
    if (this.#reads()) this.#sender.send(packet);
  };

  /** The program's own authentication has thrown `cause` [MQTT-4.12.1-2]. */
  readonly #giveUpAuthentication = (cause: unknown): void => {
    if (!this.#reads()) return;
    this.#error = new AuthenticationFailed('The client gave up the authentication', { cause });
    this.#leave({ type: PacketType.DISCONNECT, reasonCode: ReasonCode.UNSPECIFIED_ERROR });
  };

  /** The one place where an error in what the server sent becomes the end of the connection. */
  #fail(error: unknown): void {
    if (!(error instanceof ProtocolError)) {
      this.#destroy(new ConnectionFailed('Internal error', { cause: error }));
      return;
    }
    const { reasonCode, message } = error;
    this.#error = new ProtocolViolation(reasonCode, message, { cause: error });
    if (this.#settings.connect.protocolVersion === 5 && this.#handshakes !== null) {
      this.#leave(farewellFor(error));
    } else {
      this.#destroy(this.#error);
    }
  }

  #ping(): void {
    if (this.#state !== 'open' && this.#state !== 'draining') return;
    this.#sender.send({ type: PacketType.PINGREQ });
    this.#updateReading();
  }

  /** Closes when all is written [MQTT-3.14.4-2], and does not wait for ever for the server to do the same. */
  #hangUp(): void {
    this.#transport.end();
    this.#cancelTimer();
    this.#cancelTimer = this.#clock.after(CLOSE_GRACE_MS, () => this.#transport.destroy());
  }

  #destroy(error: ClientError): void {
    if (this.#state === 'closed') return;
    this.#error ??= error;
    this.#transport.destroy();
  }

  /** The transport is gone. */
  #end(cause: Error | null): void {
    const before = this.#state;
    if (before === 'closed') return;
    const options = cause === null ? undefined : { cause };
    if (this.#error === null && before === 'opening') {
      this.#error = new ConnectionFailed(`The server cannot be reached${cause ? `: ${cause.message}` : ''}`, options);
    } else if (this.#error === null && (before !== 'disconnecting' || this.#sender.waiting > 0)) {
      this.#error = new ConnectionLost(`The connection was lost${cause ? `: ${cause.message}` : ''}`, options);
    }
    this.#state = 'closed';
    this.#cancelTimer();
    this.#keepAlive?.stop();
    const error = this.#error ?? new ConnectionClosed('The client was disconnected');
    this.#handshakes?.end();
    this.#sender.end(error);
    this.#requests.end(error);
    this.#exchanges?.end(error);
    if (this.#limits !== null && !this.#keepsSession) this.#session.hasEnded = true;
    this.#owner.closed(this.#error);
  }
}

/** Whether client and server keep the session when the connection is gone. */
function keepsSession({ protocolVersion, clean, properties }: Connect, connack: Connack): boolean {
  if (protocolVersion < 5) return !clean;
  return (connack.properties?.sessionExpiryInterval ?? properties?.sessionExpiryInterval ?? 0) > 0;
}
