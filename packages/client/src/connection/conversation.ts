import {
  type Connack,
  type Packet,
  PacketType,
  type Publish,
  type Suback,
  type Subscribe,
  type Unsuback,
  type Unsubscribe,
} from '@cauldron/codec';
import type { Clock } from '../clock.js';
import type { Counters } from '../counters.js';
import { OutboxFull } from '../errors.js';
import { OutgoingMessage, type PublishResult } from '../session/outgoing-message.js';
import type { Session } from '../session/session.js';
import { Message, NO_PARAMS } from '../subscriptions/message.js';
import type { ConnectionOwner } from './connection-owner.js';
import type { ConnectionSettings } from './connection-settings.js';
import { Handshakes } from './handshakes.js';
import { KeepAlive } from './keep-alive.js';
import type { ReadPublish } from './packet-reader.js';
import { Requests } from './requests.js';
import type { Sender } from './sender.js';
import type { ServerLimits } from './server-limits.js';
import { TopicAliases } from './topic-aliases.js';

/** PINGREQ leaves this long after the last packet for each second of keep alive: a timer is never early, but often late. */
const PING_AFTER_MS = 900;
/** What a server may send without an acknowledgement, where nothing else was said. */
const MOST_UNACKNOWLEDGED = 65_535;

/** What a conversation needs of its connection. */
export interface ConversationOwner extends Pick<ConnectionOwner, 'message'> {
  /** The client waits for an answer of the server. */
  asked(): void;
  /** The server is silent after a PINGREQ. */
  silent(): void;
}

/** What client and server tell each other on one connection, from the CONNACK to the end. */
export class Conversation {
  readonly limits: ServerLimits;
  /** Whether the connection is gone. */
  hasEnded = false;
  readonly #settings: ConnectionSettings;
  readonly #session: Session;
  readonly #sender: Sender;
  readonly #owner: ConversationOwner;
  readonly #clock: Clock;
  readonly #counters: Counters;
  readonly #handshakes: Handshakes;
  readonly #requests: Requests;
  readonly #aliases: TopicAliases;
  /** Null: nobody wants it. */
  readonly #keepAlive: KeepAlive | null;

  constructor(
    connack: Connack,
    limits: ServerLimits,
    settings: ConnectionSettings,
    session: Session,
    sender: Sender,
    owner: ConversationOwner,
    clock: Clock,
    counters: Counters,
  ) {
    this.limits = limits;
    this.#settings = settings;
    this.#session = session;
    this.#sender = sender;
    this.#owner = owner;
    this.#clock = clock;
    this.#counters = counters;
    const { connect, maximumInflight, pingTimeoutMs } = settings;
    sender.learn(limits, settings.automaticTopicAliases);
    this.#aliases = new TopicAliases(connect.properties?.topicAliasMaximum ?? 0);
    this.#requests = new Requests(session.packetIds, (packet) => sender.send(packet));
    this.#handshakes = new Handshakes(session, {
      sendMaximum: Math.min(limits.receiveMaximum, maximumInflight),
      receiveMaximum: connect.properties?.receiveMaximum ?? MOST_UNACKNOWLEDGED,
      clock,
      send: (packet) => sender.send(packet),
      acknowledge: (type, packetId) => sender.acknowledge(type, packetId),
      publish: (packet) => {
        // What waits in the session was published to a server that may have announced something else.
        limits.checkPublish(packet);
        sender.sendPublish(packet);
      },
      written: () => sender.written(),
    });
    const keepAlive = connack.properties?.serverKeepAlive ?? connect.keepAlive; // [MQTT-3.1.2-21]
    this.#keepAlive =
      keepAlive === 0
        ? null
        : new KeepAlive(
            clock,
            keepAlive * PING_AFTER_MS, // [MQTT-3.1.2-23] of 3.1.1
            pingTimeoutMs,
            () => this.#ping(),
            () => owner.silent(),
          );
  }

  /** Whether nothing is under way in either direction, and nothing waits. */
  get isIdle(): boolean {
    return this.#session.idle && this.#requests.idle;
  }

  /** Whether the program is not done with messages that came. */
  get isOwing(): boolean {
    return this.#handshakes.isOwing;
  }

  /** Whether the client waits for the server to say something. */
  get awaitsAnswer(): boolean {
    return this.#handshakes.outstanding > 0 || !this.#requests.idle || this.#keepAlive?.awaitsAnswer === true;
  }

  /** Takes up what earlier connections left; `fill` then sends it. */
  start(sessionPresent: boolean): void {
    this.#handshakes.start(sessionPresent);
  }

  /** Sends what waits in the session. */
  fill(): void {
    this.#handshakes.fill();
  }

  /**
   * Sends a message. QoS 0: resolved when it has been handed to a transport that has room for more. QoS 1 and 2:
   * resolved when the handshake is over, rejected with PublishRefused when the server does not want the message.
   * @throws ProtocolError, NotSupportedByServer, OutboxFull
   */
  publish(packet: Publish): Promise<PublishResult> {
    this.limits.checkPublish(packet);
    const { maximumBufferedBytes } = this.#settings;
    if (this.#sender.waiting + this.#session.queuedBytes > maximumBufferedBytes) {
      throw new OutboxFull(`More than ${maximumBufferedBytes} bytes wait to be sent`);
    }
    this.#counters.messagesPublished++;
    if (packet.qos > 0 || this.#session.queuedAtMostOnce > 0) {
      const message = new OutgoingMessage(packet, this.#clock.epochMs());
      this.#handshakes.publish(message);
      this.#owner.asked();
      return message.promise;
    }
    this.#sender.sendPublish(packet);
    return this.#sender.written();
  }

  /**
   * The short way for a message with QoS 0 and without properties.
   * @returns null when it has to take the other one
   * @throws NotSupportedByServer for one that is too large
   */
  publishPlain(topic: string, payload: string | Uint8Array, retain: boolean): Promise<PublishResult> | null {
    if (this.#sender.isTraced || (retain && !this.limits.retainAvailable)) return null;
    const { queuedAtMostOnce, queuedBytes } = this.#session;
    if (queuedAtMostOnce > 0 || this.#sender.waiting + queuedBytes > this.#settings.maximumBufferedBytes) return null;
    this.#sender.publish(topic, payload, 0, retain, false, 0, undefined);
    this.#counters.messagesPublished++;
    return this.#sender.written();
  }

  /** Sends a SUBSCRIBE under a packet id of its own, and waits for the SUBACK. @throws NotSupportedByServer, OutboxFull */
  subscribe(request: Omit<Subscribe, 'packetId'>): Promise<Suback> {
    this.limits.checkSubscribe(request);
    const answer = this.#requests.subscribe(request);
    this.#owner.asked();
    return answer;
  }

  unsubscribe(request: Omit<Unsubscribe, 'packetId'>): Promise<Unsuback> {
    const answer = this.#requests.unsubscribe(request);
    this.#owner.asked();
    return answer;
  }

  receivePublish(packet: ReadPublish): void {
    if (packet.properties !== undefined) this.#aliases.resolve(packet);
    const { qos, packetId } = packet;
    let receipt = null;
    if (qos > 0 && packetId !== undefined) {
      receipt = this.#handshakes.accept(packetId, qos === 2 ? 2 : 1);
      if (receipt === null) return;
    }
    this.#counters.messagesReceived++;
    this.#owner.message(new Message(packet, receipt, packet.payload, NO_PARAMS));
  }

  receivePlainPuback(packetId: number): void {
    this.#handshakes.receivePlainPuback(packetId);
  }

  /** @returns false for a packet that it has nothing to do with */
  receive(packet: Packet): boolean {
    switch (packet.type) {
      case PacketType.PUBACK:
      case PacketType.PUBREC:
      case PacketType.PUBREL:
      case PacketType.PUBCOMP:
        this.#handshakes.receive(packet);
        return true;
      case PacketType.SUBACK:
      case PacketType.UNSUBACK:
        this.#requests.receive(packet);
        return true;
      case PacketType.PINGRESP:
        return true;
      default:
        return false;
    }
  }

  /** Something was received. */
  heard(): void {
    this.#keepAlive?.heard();
  }

  /** All that was sent is about to be written. */
  writing(): void {
    this.#handshakes.flushed();
    this.#keepAlive?.sent();
  }

  /** Finds out whether the server is still there. */
  probe(): void {
    this.#keepAlive?.probe();
  }

  /** The client reads no more, until `resume`: the silence of the server says nothing. */
  pause(): void {
    this.#keepAlive?.pause();
  }

  resume(): void {
    this.#keepAlive?.resume();
  }

  /** DISCONNECT is sent, or was received: nothing is acknowledged any more. */
  fallSilent(): void {
    this.#handshakes.end();
  }

  /** The connection is gone. */
  end(error: Error): void {
    this.hasEnded = true;
    this.#keepAlive?.stop();
    this.#handshakes.end();
    this.#requests.end(error);
  }

  #ping(): void {
    this.#sender.send({ type: PacketType.PINGREQ });
    this.#owner.asked();
  }
}
