import {
  type Auth,
  type Connack,
  type Disconnect,
  type Packet,
  PacketType,
  type Properties,
  ProtocolError,
  type Publish,
  ReasonCode,
} from '@cauldron/codec';
import type { Exchanges } from '../authentication/authentication.js';
import type { Clock } from '../clock.js';
import type { Counters } from '../counters.js';
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
  ProtocolViolation,
  ServerDisconnected,
} from '../errors.js';
import type { Session } from '../session/session.js';
import type { Transport, TransportEvents, TransportFactory } from '../transport.js';
import { checkConnack, keepsSession } from './connack-check.js';
import type { ConnectionOwner } from './connection-owner.js';
import type { ConnectionSettings } from './connection-settings.js';
import { Conversation } from './conversation.js';
import { farewell, farewellFor, sendFarewell } from './farewell.js';
import { PacketReader, type PacketReaderOwner } from './packet-reader.js';
import { Reading } from './reading.js';
import { Sender, type SenderOwner } from './sender.js';
import { ServerLimits } from './server-limits.js';

/**
 * - `opening`: the transport is
 * - `awaitingConnack`: CONNECT has been sent
 * - `open`
 * - `draining`: the client wants to leave; what has begun is ended first
 * - `disconnecting`: DISCONNECT is sent or about to be, nothing is read any more
 * - `closed`
 */
type State = 'opening' | 'awaitingConnack' | 'open' | 'draining' | 'disconnecting' | 'closed';

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
  /** Null: CONNECT names no authentication method. */
  readonly #exchanges: Exchanges | null;
  /** Null before the CONNACK. */
  #conversation: Conversation | null = null;
  #state: State = 'opening';
  /** Why the connection ends, once that is known. */
  #error: ClientError | null = null;
  #cancelTimer: () => void;
  #farewell: Disconnect = { type: PacketType.DISCONNECT, reasonCode: ReasonCode.SUCCESS };
  /** Whether it was waited for handlers that are about to end. */
  #hasWaited = false;
  /** Whether the session outlives the connection. */
  #keepsSession = true;
  /** Decides whether it reads; that may be told at any time. */
  readonly reading = new Reading(
    () => this.#awaitsServer(),
    (isReading) => this.#read(isReading),
  );

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
    const { protocolVersion } = settings.connect;
    const { trace } = owner;
    const traceReceived = trace && ((packet: Packet) => trace('received', packet));
    this.#reader = new PacketReader(protocolVersion, settings.maximumPacketSize, this.#readerOwner(), traceReceived);
    this.#sender = new Sender(protocolVersion, owner.trace, counters, this.#senderOwner());
    this.#exchanges = settings.begun?.exchanges(this.#sendAuth, this.#giveUpAuthentication) ?? null;
    this.#transport = open(this.#transportEvents());
    this.#sender.open(this.#transport);
    this.#cancelTimer = clock.after(settings.connectTimeoutMs, () => {
      this.#destroy(new ConnectTimeout(`The server did not answer within ${settings.connectTimeoutMs} ms`));
    });
  }

  /** What messages and requests can be given to; null while, or because, nothing can. */
  get open(): Conversation | null {
    return this.#state === 'open' ? this.#conversation : null;
  }

  /** Whether the session outlives the connection, once the server has accepted. */
  get keepsSession(): boolean {
    return this.#keepsSession;
  }

  /** Authenticates again. @throws (rejects) as `Client.reauthenticate` says */
  async reauthenticate(): Promise<void> {
    if (this.#state !== 'open') throw this.#error ?? new ConnectionClosed('The client is disconnected');
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
    this.reading.readToTheEnd();
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

  #read(isReading: boolean): void {
    if (isReading) {
      this.#conversation?.resume();
      this.#transport.resume();
    } else {
      this.#conversation?.pause();
      this.#transport.pause();
    }
  }

  /** Whether the client cannot go on before the server has answered, or taken what it is sent. */
  #awaitsServer(): boolean {
    if (this.#conversation === null || this.#conversation.awaitsAnswer) return true;
    // A server may read no more itself, before the client has read.
    return this.#sender.isClogged || this.#exchanges?.isUnderWay === true;
  }

  #senderOwner(): SenderOwner {
    return {
      turnEnds: () => {
        if (this.#state === 'draining' && this.#conversation?.isIdle) this.#leaveSoon(this.#conversation);
      },
      writing: () => this.#conversation?.writing(),
      durable: () => this.#session.journal?.durable() ?? null,
      failed: (error) => this.#destroy(error),
      clogged: () => this.reading.reconsider(),
      emptied: () => {
        this.reading.reconsider();
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
      data: (bytes, length) => this.#take(bytes, length),
      drained: () => this.#sender.drained(),
      closed: (error) => this.#end(error),
    };
  }

  #take(bytes: Uint8Array, length: number): void {
    this.#conversation?.heard();
    this.#counters.bytesReceived += length;
    if (!this.#reads()) return;
    const before = this.#reader.count;
    try {
      this.#reader.read(bytes, length);
      this.reading.reconsider();
    } catch (error) {
      this.#fail(error);
    }
    this.#counters.packetsReceived += this.#reader.count - before;
    if (this.#state === 'draining') this.#sender.schedule();
  }

  #readerOwner(): PacketReaderOwner {
    return {
      reads: () => this.#reads(),
      publish: (packet) => {
        const conversation = this.#accepted();
        // The client is leaving: the message stays with the server, which keeps it as long as the session. To acknowledge
        // it would be to lose it. ![MQTT-4.5.0-2]
        if (this.#state === 'open') conversation.receivePublish(packet);
      },
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
    if (this.#conversation === null && packet.type === PacketType.CONNACK) {
      this.#receiveConnack(packet);
      return;
    }
    if (this.#accepted().receive(packet)) return;
    if (packet.type !== PacketType.DISCONNECT) {
      throw new ProtocolError(ReasonCode.PROTOCOL_ERROR, 'A server sends no second CONNACK');
    }
    this.#receiveDisconnect(packet);
  }

  /** @throws ProtocolError before the CONNACK */
  #accepted(): Conversation {
    if (this.#conversation !== null) return this.#conversation;
    throw new ProtocolError(ReasonCode.PROTOCOL_ERROR, 'The first packet is not a CONNACK');
  }

  #receiveConnack(connack: Connack): void {
    const { connect, pingTimeoutMs } = this.#settings;
    if (connack.reasonCode !== ReasonCode.SUCCESS) {
      this.#error = new ConnectionRefused(connect.protocolVersion, connack.reasonCode, connack.properties);
      this.#state = 'disconnecting';
      this.#hangUp(); // [MQTT-4.13.2-1]
      return;
    }
    checkConnack(connack, connect, this.#session);
    const limits = new ServerLimits(connack);
    if (limits.maximumPacketSize < SMALLEST_LIMIT) {
      this.#state = 'disconnecting';
      this.#destroy(new NotSupportedByServer(`The server takes packets up to ${limits.maximumPacketSize} bytes`));
      return;
    }
    if (this.#exchanges?.admitted(connack.properties?.authenticationData) === false) return;
    this.#session.hasEnded = false;
    this.#keepsSession = keepsSession(connect, connack);
    this.#cancelTimer();
    this.#session.identify(connack.properties?.assignedClientIdentifier ?? connect.clientId);
    this.#state = 'open';
    const conversation = new Conversation(
      connack,
      limits,
      this.#settings,
      this.#session,
      this.#sender,
      {
        message: (message) => this.#owner.message(message),
        asked: () => this.reading.reconsider(),
        silent: () => this.#destroy(new KeepAliveTimeout(`The server did not answer within ${pingTimeoutMs} ms`)),
      },
      this.#clock,
      this.#counters,
    );
    this.#conversation = conversation;
    conversation.start(connack.sessionPresent);
    this.#counters.connects++;
    this.#owner.opened(connack);
    conversation.fill();
  }

  #receiveDisconnect(packet: Disconnect): void {
    if (this.#settings.connect.protocolVersion < 5) {
      throw new ProtocolError(ReasonCode.PROTOCOL_ERROR, 'A server sends no DISCONNECT before MQTT 5.0');
    }
    this.#error = new ServerDisconnected(packet.reasonCode, packet.properties);
    this.#state = 'disconnecting';
    this.#conversation?.fallSilent();
    this.#sender.clear();
    this.#owner.serverDisconnected(packet);
    this.#hangUp();
  }

  /** A handler that asked for the end is often about to end itself, so that its message can be acknowledged first. */
  #leaveSoon(conversation: Conversation): void {
    if (!conversation.isOwing || this.#hasWaited) {
      this.#leave(this.#farewell);
    } else {
      this.#clock.after(0, () => {
        this.#hasWaited = true;
        this.#sender.schedule();
      });
    }
  }

  /** Sends the last packet [MQTT-3.14.4-1] and closes. */
  #leave(packet: Disconnect): void {
    const { sessionExpiryInterval } = sendFarewell(packet, (one) => this.#sender.send(one)).properties ?? {};
    if (this.#settings.connect.protocolVersion === 5 && sessionExpiryInterval !== undefined) {
      this.#keepsSession = sessionExpiryInterval > 0;
    }
    this.#conversation?.fallSilent();
    this.#state = 'disconnecting';
  }

  readonly #sendAuth = (packet: Auth): void => {
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
    if (this.#settings.connect.protocolVersion === 5 && this.#conversation !== null) {
      this.#leave(farewellFor(error));
    } else {
      this.#destroy(this.#error);
    }
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
    const error = this.#error ?? new ConnectionClosed('The client was disconnected');
    this.#conversation?.end(error);
    this.#sender.end(error);
    this.#exchanges?.end(error);
    if (this.#conversation !== null && !this.#keepsSession) this.#session.hasEnded = true;
    this.#owner.closed(this.#error);
  }
}
