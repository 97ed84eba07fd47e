import {
  type Connect,
  NEVER_EXPIRES,
  type Packet,
  PacketType,
  type ProtocolVersion,
  type Publish,
  ReasonCode,
  reasonName,
} from '@cauldron/codec';
import type { Model } from './model.js';
import { MqttLink } from './mqtt-link.js';
import { numberIn, payloadOf } from './payload.js';
import type { Ending } from './session-model.js';
import type { StreamQoS } from './stream-model.js';
import type { WillModel } from './will-model.js';

/** A message on its way to the broker, and who wants to know about it. */
export interface Outgoing {
  readonly topic: string;
  readonly payload: string;
  readonly qos: StreamQoS;
  readonly retain: boolean;
  /** PUBLISH leaves another time. */
  resending(): void;
  /** PUBACK or PUBREC came. `latencyMs`: undefined when the connection is not the first one that it left on. */
  accepted(latencyMs: number | undefined): void;
  /** PUBACK or PUBCOMP came. */
  finished(): void;
  /** The broker refuses it, or has forgotten the session. */
  abandoned(): void;
}

/** What waits for an answer, under its packet id. */
type Flight =
  | { readonly kind: 'publish'; readonly message: Outgoing; readonly connection: number; readonly sentAtMs: number }
  | { readonly kind: 'release'; readonly message: Outgoing; isRepeated: boolean }
  | { readonly kind: 'subscribe' | 'unsubscribe'; readonly filter: string };

/** `leaving`: DISCONNECT is sent, the broker closes. */
type State = 'offline' | 'connecting' | 'online' | 'leaving';

export interface SessionClientOptions {
  readonly clientId: string;
  readonly version: ProtocolVersion;
  readonly model: Model;
  readonly will?: WillModel;
  /** What it subscribes to in a session that is new. */
  readonly filters?: readonly string[];
  /** Acknowledgements leave with `flush` only, so that there is always something that was delivered and not acknowledged. */
  readonly isLazy?: boolean;
  /** Whether the broker is being killed, so that connections end for that reason. */
  isBrokerDown(): boolean;
}

const MAX_INFLIGHT = 16;
const RECEIVE_MAXIMUM = 40;
const SUBSCRIPTION = { qos: 2, noLocal: false, retainAsPublished: false, retainHandling: 0 } as const;

/** A client whose session lasts. It does all that MQTT demands of one, and tells the model each thing that happens. */
export class SessionClient {
  readonly clientId: string;
  readonly #options: SessionClientOptions;
  /** In the order in which they were first sent. */
  readonly #flights = new Map<number, Flight>();
  /** Ids of messages with QoS 2 that came and whose PUBREL did not. */
  readonly #received = new Set<number>();
  /** What the client wants to be subscribed to. */
  readonly #filters: Set<string>;
  #answers: Packet[] = [];
  #link: MqttLink | null = null;
  /** Taken over: the broker is to close it. */
  #oldLink: MqttLink | null = null;
  #state: State = 'offline';
  /** CONNECT has left on this connection. */
  #hasSpoken = false;
  #wantsClean = false;
  /** No CONNACK has come yet, so that nothing was asked of a session that is there all the same. */
  #isNew = true;
  #connection = 0;
  #lastId = 0;
  #publishing = 0;
  #window = MAX_INFLIGHT;

  constructor(options: SessionClientOptions) {
    this.#options = options;
    this.clientId = options.clientId;
    this.#filters = new Set(options.filters);
  }

  get isOnline(): boolean {
    return this.#state === 'online';
  }

  get isOffline(): boolean {
    return this.#state === 'offline';
  }

  /** How many of its requests are not answered. */
  get waiting(): number {
    return this.#flights.size;
  }

  get mayPublish(): boolean {
    return this.isOnline && this.#publishing < this.#window;
  }

  /** The filters that it wants now. */
  get filters(): ReadonlySet<string> {
    return this.#filters;
  }

  /** Whether nobody waits for an answer about this filter. */
  maySubscribe(filter: string): boolean {
    if (!this.isOnline) return false;
    for (const flight of this.#flights.values()) if ('filter' in flight && flight.filter === filter) return false;
    return true;
  }

  /** Connects, also where a connection is there: that one is taken over. A wish to begin anew lasts until it is granted. */
  connect(port: number, clean = false): void {
    const { model, version } = this.#options;
    if (this.#link !== null) {
      this.#link.ignore();
      this.#oldLink = this.#link;
      this.#over('take-over');
    }
    this.#wantsClean ||= clean;
    this.#state = 'connecting';
    this.#hasSpoken = false;
    this.#connection++;
    const link: MqttLink = new MqttLink(port, version, {
      opened: () => {
        this.#hasSpoken = true;
        model.session(this.clientId).connecting(this.#wantsClean);
        link.send(this.#connectPacket());
      },
      packet: (packet) => this.#take(packet),
      ended: (why) => this.#ended(why),
    });
    this.#link = link;
  }

  /** Says DISCONNECT, after what is to be acknowledged; the broker closes. [MQTT-3.14.4-2] Nothing follows it. */
  disconnect(): void {
    if (!this.isOnline) return;
    this.flush();
    this.#send({ type: PacketType.DISCONNECT, reasonCode: ReasonCode.SUCCESS });
    this.#state = 'leaving';
  }

  /** Ends the connection as a broken network does. */
  drop(): void {
    this.#link?.drop();
    this.#oldLink?.drop();
    this.#oldLink = null;
    if (this.#link !== null) this.#over('drop');
  }

  publish(message: Outgoing): void {
    const id = this.#nextId();
    this.#flights.set(id, {
      kind: 'publish',
      message,
      connection: this.#connection,
      sentAtMs: performance.now(),
    });
    this.#publishing++;
    this.#send(publishPacket(id, message, false));
  }

  subscribe(filter: string): void {
    this.#filters.add(filter);
    this.#ask('subscribe', filter);
  }

  unsubscribe(filter: string): void {
    this.#filters.delete(filter);
    this.#ask('unsubscribe', filter);
  }

  /** Sends the acknowledgements that a lazy client has kept. */
  flush(): void {
    const answers = this.#answers;
    this.#answers = [];
    this.#send(...answers);
  }

  #connectPacket(): Connect {
    const { version, will } = this.#options;
    const packet: Connect = {
      type: PacketType.CONNECT,
      protocolVersion: version,
      clean: this.#wantsClean,
      keepAlive: 0,
      clientId: this.clientId,
    };
    const isNew = version === 5;
    if (isNew) packet.properties = { sessionExpiryInterval: NEVER_EXPIRES, receiveMaximum: RECEIVE_MAXIMUM };
    if (will === undefined) return packet;
    const { topic, qos } = will.stream;
    packet.will = { topic, payload: Buffer.from(payloadOf(topic, will.connecting())), qos, retain: false };
    if (isNew) packet.will.properties = { willDelayInterval: will.delayMs / 1000 };
    return packet;
  }

  #take(packet: Packet): void {
    // Nothing can be answered after DISCONNECT: as if it had not come.
    if (this.#state === 'leaving') return;
    switch (packet.type) {
      case PacketType.CONNACK:
        if (packet.reasonCode === 0) this.#connected(packet.sessionPresent, packet.properties?.receiveMaximum);
        else this.#complain(`refuses CONNECT with code ${packet.reasonCode}`);
        return;
      case PacketType.PUBLISH:
        this.#arrived(packet);
        return;
      case PacketType.PUBACK:
      case PacketType.PUBREC:
      case PacketType.PUBCOMP:
        this.#acknowledged(packet.type, packet.packetId, packet.reasonCode);
        return;
      case PacketType.PUBREL:
        this.#received.delete(packet.packetId);
        this.#answer({ type: PacketType.PUBCOMP, packetId: packet.packetId, reasonCode: ReasonCode.SUCCESS });
        return;
      case PacketType.SUBACK:
      case PacketType.UNSUBACK:
        this.#answered(packet.packetId, packet.reasonCodes);
        return;
      case PacketType.DISCONNECT:
        this.#complain(`disconnects ${this.clientId}: ${reasonName(packet.reasonCode)}`);
        return;
      default:
        this.#complain(`sends ${this.clientId} a packet of type ${packet.type}`);
    }
  }

  #connected(sessionPresent: boolean, receiveMaximum: number | undefined): void {
    const { model } = this.#options;
    model.connected(this.clientId, sessionPresent);
    this.#state = 'online';
    this.#window = Math.min(receiveMaximum ?? MAX_INFLIGHT, MAX_INFLIGHT);
    this.#oldLink?.drop();
    this.#oldLink = null;
    if (sessionPresent && !this.#wantsClean && !this.#isNew) this.#resend();
    else this.#beginAnew();
    this.#wantsClean = false;
    this.#isNew = false;
  }

  /** [MQTT-4.4.0-1] All that was not acknowledged leaves again, in its order. */
  #resend(): void {
    const packets: Packet[] = [];
    for (const [id, flight] of this.#flights) {
      if (flight.kind === 'publish') {
        flight.message.resending();
        packets.push(publishPacket(id, flight.message, true));
      } else if (flight.kind === 'release') {
        flight.isRepeated = true;
        packets.push({ type: PacketType.PUBREL, packetId: id, reasonCode: ReasonCode.SUCCESS });
      } else packets.push(this.#asking(id, flight.kind, flight.filter));
    }
    this.#send(...packets);
  }

  /** The broker has a new session for us: what was on its way stays where it is, and the subscriptions are made again. */
  #beginAnew(): void {
    for (const flight of this.#flights.values()) if ('message' in flight) flight.message.abandoned();
    this.#flights.clear();
    this.#received.clear();
    this.#publishing = 0;
    for (const filter of this.#filters) this.#ask('subscribe', filter);
  }

  #arrived({ topic, payload, qos, packetId, dup }: Publish): void {
    const { model } = this.#options;
    if (packetId === undefined) {
      this.#complain(`sends ${this.clientId} a message of ${topic} with QoS 0`);
      return;
    }
    if (!this.#received.has(packetId)) model.arrived(this.clientId, topic, numberIn(payload, topic));
    // [MQTT-3.3.1-1]
    else if (!dup) this.#complain(`repeats a message of ${topic} to ${this.clientId} without DUP`);
    if (qos === 2) this.#received.add(packetId);
    this.#answer({
      type: qos === 2 ? PacketType.PUBREC : PacketType.PUBACK,
      packetId,
      reasonCode: ReasonCode.SUCCESS,
    });
  }

  #acknowledged(type: PacketType, id: number, reasonCode: number): void {
    const flight = this.#flights.get(id);
    if (flight === undefined || 'filter' in flight || type !== awaited(flight)) {
      this.#complain(`sends ${this.clientId} an acknowledgement of what it has not sent (type ${type}, id ${id})`);
      return;
    }
    const { message } = flight;
    // 4.3.3 of MQTT 5.0: the answer to the first PUBREL was lost; the broker has forgotten the message in good order.
    const isLate = flight.kind === 'release' && flight.isRepeated;
    const isOver = isLate && reasonCode === ReasonCode.PACKET_IDENTIFIER_NOT_FOUND;
    if (reasonCode >= ReasonCode.UNSPECIFIED_ERROR && !isOver) {
      this.#complain(`refuses a message of ${this.clientId}: ${reasonName(reasonCode)}`);
      message.abandoned();
      this.#land(id);
      return;
    }
    if (flight.kind === 'publish') {
      message.accepted(flight.connection === this.#connection ? performance.now() - flight.sentAtMs : undefined);
    }
    if (type === PacketType.PUBREC) {
      this.#flights.set(id, { kind: 'release', message, isRepeated: false });
      this.#send({ type: PacketType.PUBREL, packetId: id, reasonCode: ReasonCode.SUCCESS });
    } else {
      this.#land(id);
      message.finished();
    }
  }

  #land(id: number): void {
    this.#flights.delete(id);
    this.#publishing--;
  }

  #answered(id: number, [reasonCode]: readonly number[]): void {
    const flight = this.#flights.get(id);
    if (flight === undefined || !('filter' in flight)) {
      this.#complain(`answers ${this.clientId} what it has not asked (id ${id})`);
      return;
    }
    this.#flights.delete(id);
    const session = this.#options.model.session(this.clientId);
    if (reasonCode !== undefined && reasonCode >= ReasonCode.UNSPECIFIED_ERROR) {
      this.#complain(`refuses ${this.clientId}: ${flight.kind} ${flight.filter}: ${reasonName(reasonCode)}`);
    } else if (flight.kind === 'subscribe') session.subscribed(flight.filter);
    else {
      const existed = reasonCode === undefined ? undefined : reasonCode !== ReasonCode.NO_SUBSCRIPTION_EXISTED;
      session.unsubscribed(flight.filter, existed);
    }
  }

  #ask(kind: 'subscribe' | 'unsubscribe', filter: string): void {
    const id = this.#nextId();
    this.#flights.set(id, { kind, filter });
    this.#send(this.#asking(id, kind, filter));
  }

  #asking(packetId: number, kind: 'subscribe' | 'unsubscribe', filter: string): Packet {
    const session = this.#options.model.session(this.clientId);
    if (kind === 'unsubscribe') {
      session.unsubscribing(filter);
      return { type: PacketType.UNSUBSCRIBE, packetId, filters: [filter] };
    }
    session.subscribing(filter);
    return { type: PacketType.SUBSCRIBE, packetId, subscriptions: [{ ...SUBSCRIPTION, filter }] };
  }

  #answer(packet: Packet): void {
    if (this.#options.isLazy === true) this.#answers.push(packet);
    else this.#send(packet);
  }

  #send(...packets: readonly Packet[]): void {
    if (this.#state !== 'leaving') this.#link?.send(...packets);
  }

  #nextId(): number {
    do this.#lastId = this.#lastId === 65_535 ? 1 : this.#lastId + 1;
    while (this.#flights.has(this.#lastId));
    return this.#lastId;
  }

  #ended(why: string): void {
    if (this.#state === 'leaving') this.#over('disconnect');
    else if (this.#options.isBrokerDown()) this.#over('kill');
    else {
      this.#complain(`ends the connection of ${this.clientId}: ${why}`);
      this.#over('drop');
    }
  }

  #over(how: Ending): void {
    const wasConnected = this.#state === 'online' || this.#state === 'leaving';
    this.#link = null;
    this.#state = 'offline';
    // What was not sent is not acknowledged: the broker will send those messages again.
    this.#answers = [];
    if (this.#hasSpoken) this.#options.model.ended(this.clientId, how, wasConnected);
  }

  #complain(what: string): void {
    // What it says while it is being killed does not matter.
    if (this.#options.isBrokerDown()) return;
    const { findings, timeline } = this.#options.model;
    findings.add('broker', `the broker ${what}`, () => timeline.history(['broker', this.clientId], 0));
  }
}

/** What answers it. */
function awaited(flight: Flight & { readonly message: Outgoing }): PacketType {
  if (flight.kind === 'release') return PacketType.PUBCOMP;
  return flight.message.qos === 1 ? PacketType.PUBACK : PacketType.PUBREC;
}

function publishPacket(packetId: number, { topic, payload, qos, retain }: Outgoing, dup: boolean): Publish {
  return { type: PacketType.PUBLISH, topic, payload: Buffer.from(payload), qos, retain, dup, packetId };
}
