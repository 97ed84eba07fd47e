import type { TransportFactory } from '@cauldron/client';
import {
  type Connack,
  copyBytes,
  PacketType,
  type Properties,
  propertiesSize,
  type QoS,
  ReasonCode,
  reasonName,
  varintSize,
  writeProperties,
  writeText,
  writeVarint,
} from '@cauldron/codec';
import { Slot } from './board.js';
import type { LoadSetting } from './load-setting.js';
import { type LaneOwner, MessageLane } from './message-lane.js';
import { payloadSize, writeHead } from './payload.js';

/** What the publishers of one worker have in common. */
export interface PublisherSetting extends LoadSetting {
  readonly qos: QoS;
  readonly retain: boolean;
  /** Of each message, 5.0 only. */
  readonly properties: Properties;
  /** Whether topics are sent as aliases, as far as the broker takes them. */
  readonly aliases: boolean;
  /** Messages with QoS 1 and 2 that may be on their way to the broker. */
  readonly mostPending: number;
  /** Called when a publisher has room for another message, or will have none any more. */
  onRoom: () => void;
}

/** What is the same in all messages to a topic. */
interface TopicForm {
  /** The topic name as it is sent: empty once an alias stands for it. */
  name: Uint8Array;
  /** With their length; nothing before 5.0. */
  readonly properties: Uint8Array;
  readonly hasAlias: boolean;
}

/** Bytes that may wait for the network. */
const MOST_BUFFERED = 64 * 1_024 * 1_024;
const RECEIVE_MAXIMUM = 65_535;
const NO_STREAM = -1;
const NO_NAME = new Uint8Array(2);
const NOTHING = new Uint8Array(0);

/** One client that publishes to its topics by turns. */
export class Publisher implements LaneOwner {
  readonly lane: MessageLane;
  /** Messages that may still be published. */
  left: number;
  readonly #topics: readonly string[];
  readonly #firstStream: number;
  readonly #setting: PublisherSetting;
  #forms: TopicForm[] = [];
  #nextTopic = 0;
  #mostPending: number;
  /** By packet id: the stream of the message that is on its way to the broker, else NO_STREAM, and when it was due. */
  readonly #streams: number[] = [NO_STREAM];
  readonly #dueUs: number[] = [0];
  readonly #freeIds: number[] = [];
  #pendingCount = 0;
  /** When the messages were due that wait for others to be acknowledged, from `#firstWaiting` on. */
  #waiting: number[] = [];
  #firstWaiting = 0;

  /** @param through how the broker is reached @param quota how many messages it may publish */
  constructor(
    through: TransportFactory,
    topics: readonly string[],
    firstStream: number,
    quota: number,
    setting: PublisherSetting,
  ) {
    this.lane = new MessageLane(through, setting.version, this);
    this.#topics = topics;
    this.#firstStream = firstStream;
    this.left = quota;
    this.#setting = setting;
    this.#mostPending = setting.mostPending;
  }

  /** The broker has accepted a connection. */
  begin({ properties }: Connack): void {
    const { mostPending, aliases, onRoom } = this.#setting;
    this.#mostPending = Math.min(mostPending, properties?.receiveMaximum ?? RECEIVE_MAXIMUM);
    const mostAliases = aliases ? (properties?.topicAliasMaximum ?? 0) : 0;
    this.#forms = this.#topics.map((topic, n) => this.#formOf(topic, n < mostAliases ? n + 1 : 0));
    this.lane.isOnline = true;
    while (this.#firstWaiting < this.#waiting.length && this.hasRoom) this.#send(this.#nextWaiting());
    this.lane.flush();
    onRoom();
  }

  /** It publishes no more. */
  end(): void {
    this.left = 0;
    const unsent = this.#waiting.length - this.#firstWaiting;
    if (unsent > 0) this.#setting.errors.add('Not published: the broker was behind with its acknowledgements', unsent);
    this.#waiting = [];
    this.#firstWaiting = 0;
  }

  /** Whether a message would leave at once. */
  get hasRoom(): boolean {
    return this.lane.hasRoom && (this.#setting.qos === 0 || this.#pendingCount < this.#mostPending);
  }

  /**
   * Publishes a message, at once or as soon as there is room for it. `lane.flush` hands it over.
   * @param dueUs when it should have been sent
   * @returns how many deliveries that makes due now
   */
  publish(dueUs: number): number {
    this.left--;
    if (!this.lane.isOnline || this.lane.length > MOST_BUFFERED) {
      const why = this.lane.isOnline ? 'the network does not take it' : 'there is no connection';
      this.#setting.errors.add(`Not published: ${why}`);
      return 0;
    }
    if (this.#setting.qos > 0 && this.#pendingCount >= this.#mostPending) {
      this.#waiting.push(dueUs);
      return 0;
    }
    return this.#send(dueUs);
  }

  message(): void {
    this.#setting.errors.add('A publisher got a message, although it has not subscribed');
  }

  answered(packetId: number, reasonCode: number): void {
    const { times, clock, errors, measureFromUs, onRoom } = this.#setting;
    if ((this.#streams[packetId] ?? NO_STREAM) === NO_STREAM) {
      errors.add('A message was acknowledged that was not on its way');
      return;
    }
    const dueUs = this.#dueUs[packetId];
    if (reasonCode >= ReasonCode.UNSPECIFIED_ERROR) {
      this.#refuse(packetId, `Not published: ${reasonName(reasonCode)}`);
    } else if (dueUs >= measureFromUs) {
      times.acknowledgement.record(clock() - dueUs);
    }
    this.#settle(packetId);
    if (this.#firstWaiting < this.#waiting.length) this.#send(this.#nextWaiting());
    onRoom();
  }

  cut(): void {
    for (const [packetId, stream] of this.#streams.entries()) {
      if (stream === NO_STREAM) continue;
      this.#refuse(packetId, 'Not acknowledged before the connection was lost');
      this.#settle(packetId);
    }
  }

  drained(): void {
    this.#setting.onRoom();
  }

  #refuse(packetId: number, text: string): void {
    const { counts, errors, board } = this.#setting;
    errors.add(text);
    counts[Slot.refused]++;
    counts[Slot.refusedDeliveries] += board.receivers[this.#streams[packetId]];
  }

  /** The handshake of a message is over. */
  #settle(packetId: number): void {
    this.#streams[packetId] = NO_STREAM;
    this.#freeIds.push(packetId);
    this.#pendingCount--;
    this.#setting.counts[Slot.settled]++;
  }

  #nextWaiting(): number {
    const dueUs = this.#waiting[this.#firstWaiting++];
    if (this.#firstWaiting === this.#waiting.length) {
      this.#waiting = [];
      this.#firstWaiting = 0;
    }
    return dueUs;
  }

  #send(dueUs: number): number {
    const { board, counts, size: range, qos } = this.#setting;
    const topic = this.#nextTopic;
    this.#nextTopic = topic + 1 === this.#topics.length ? 0 : topic + 1;
    const stream = this.#firstStream + topic;
    const sequence = board.sent[stream]++;
    const size = payloadSize(range, stream, sequence);
    let packetId = 0;
    if (qos === 0) {
      counts[Slot.settled]++;
    } else {
      packetId = this.#freeIds.pop() ?? this.#streams.length;
      this.#streams[packetId] = stream;
      this.#dueUs[packetId] = dueUs;
      this.#pendingCount++;
    }
    this.#write(this.#forms[topic], stream, sequence, dueUs, size, packetId);
    const deliveries = board.receivers[stream];
    counts[Slot.published]++;
    counts[Slot.publishedBytes] += size;
    counts[Slot.due] += deliveries;
    return deliveries;
  }

  #write(form: TopicForm, stream: number, sequence: number, dueUs: number, size: number, packetId: number): void {
    const { lane } = this;
    const { qos, retain, mark } = this.#setting;
    const { name, properties } = form;
    const remaining = name.length + (qos === 0 ? 0 : 2) + properties.length + size;
    const packetSize = 1 + varintSize(remaining) + remaining;
    lane.reserve(packetSize);
    const { chunk, length } = lane;
    chunk[length] = (PacketType.PUBLISH << 4) | (qos << 1) | (retain ? 1 : 0);
    let at = writeVarint(chunk, length + 1, remaining);
    copyBytes(name, 0, name.length, chunk, at);
    at += name.length;
    if (qos > 0) {
      chunk[at++] = packetId >> 8;
      chunk[at++] = packetId & 0xff;
    }
    copyBytes(properties, 0, properties.length, chunk, at);
    writeHead(chunk, at + properties.length, mark, stream, sequence, dueUs);
    lane.length = length + packetSize;
    if (form.hasAlias) form.name = NO_NAME;
  }

  #formOf(topic: string, topicAlias: number): TopicForm {
    const name = new Uint8Array(2 + Buffer.byteLength(topic));
    writeText(name, 0, topic);
    const hasAlias = topicAlias > 0;
    if (this.#setting.version < 5) return { name, properties: NOTHING, hasAlias };
    const properties = { ...this.#setting.properties, ...(hasAlias && { topicAlias }) };
    const size = propertiesSize(properties, PacketType.PUBLISH);
    const bytes = new Uint8Array(varintSize(size) + size);
    writeProperties(bytes, 0, properties, size);
    return { name, properties: bytes, hasAlias };
  }
}
