import type { QoS } from '@cauldron/codec';
import { copyBytes, decodePublish, PacketType, ProtocolError, ReasonCode, viewOf } from '@cauldron/codec';
import type { Connection } from './connection.js';
import type { Context } from './context.js';
import { Delivery } from './delivery.js';
import { Inflight, InflightState } from './inflight.js';
import { Message } from './message.js';
import { CHUNK_BYTES, type Output } from './output.js';
import { LogType } from './ports/log.js';
import type { Ticket } from './ports/store.js';
import { PublishProperties } from './publish-properties.js';
import { passedOn } from './publishing.js';
import type { Route } from './route-cache.js';
import { MAX_FRAME_GROWTH, RunFrames, RunLayout } from './run-layout.js';
import { NOBODY_HAS_ROOM, type Session, SOCKET_IS_FULL } from './session.js';
import type { Target, Targets } from './targets.js';

const PUBACK = PacketType.PUBACK << 4;
const PUBREC = PacketType.PUBREC << 4;

/**
 * Messages of QoS 1 and 2 in a run: after each run a lagging subscriber can make the publisher wait. A read of many small
 * messages would run over its queue before.
 */
const MAX_ACKNOWLEDGED = 256;

/** PUBLISH with QoS 0, 1, 2, neither DUP nor RETAIN: the headers that a run may have. */
const PLAIN_PUBLISH = 0x30;
const FLAGS_BUT_QOS = 0x09;

/** The first byte of a topic that the broker may have its own way with. */
const DOLLAR = 0x24;

/**
 * A run: adjacent PUBLISH frames of one read, with the same header byte and the same targets (not: the same topic).
 * What others decide for each message is decided here once for all of them, and a target gets them as one piece of
 * bytes; only packet ids are written into it afterwards. Targets that cannot take the frames as they are get them in
 * another layout, made once for all such targets, or, where each message needs a decision, one by one.
 *
 * A broker has one, for the connection whose read is being handled. The connection hands it frames with `add` and calls
 * `finish` before it does anything else, and before the bytes of the frames go.
 */
export class PublishRun {
  readonly #context: Context;
  #connection: Connection | null = null;
  #targets: Targets | null = null;
  #header = 0;
  readonly #frames = new RunFrames();
  #start = 0;
  /** How much larger the frames can be in another layout. */
  #growth = 0;
  readonly #properties = new PublishProperties();
  /** Of all payloads. */
  #payloadBytes = 0;
  /** The store's last ticket when the run began: if there is a later one, acknowledgements wait for it. */
  #appendedBefore: Ticket = 0;
  #publisherId = '';
  /** Larger frames are for the general way, which looks at the payload alone; see `maxPayloadBytes`. */
  #maxFrameBytes = CHUNK_BYTES;
  /** There are access rules. */
  #isGuarded = false;
  /** The frames for targets of another QoS or protocol version, by `(version 5 ? 3 : 0) + QoS`; made when first used. */
  readonly #layouts: RunLayout[] = [];
  /** Which of them hold the present run. */
  #layoutsMade = 0;
  /** The messages one by one, for targets that need that; made when first used. */
  readonly #messages: Message[] = [];
  /** Those targets. */
  readonly #singles: Target[] = [];

  constructor(context: Context) {
    this.#context = context;
    for (let key = 0; key < 6; key++) this.#layouts.push(new RunLayout(key >= 3, (key % 3) as QoS));
  }

  /** Whether messages of this connection may be handled by runs at all: nobody wants to see each of them. */
  takes(connection: Connection): boolean {
    const { authorizer, hooks, log, settings, peers } = this.#context;
    this.#isGuarded = !authorizer.unrestricted;
    this.#maxFrameBytes = Math.min(CHUNK_BYTES, settings.maxPayloadBytes);
    return (
      !hooks.perMessage &&
      (log.types & LogType.DEBUG) === 0 &&
      !settings.upgradeOutgoingQoS &&
      peers.count === 0 &&
      connection.mountPoint === null &&
      connection.session !== null
    );
  }

  /**
   * Takes the frame, or returns false: then it has to go the general way, after `finish`. A frame that it takes is a
   * valid PUBLISH to a topic on which the client may publish.
   */
  add(connection: Connection, bytes: Uint8Array, start: number, body: number, end: number): boolean {
    const header = bytes[start];
    if ((header & FLAGS_BUT_QOS) !== 0) return false;
    const qos = (header - PLAIN_PUBLISH) >> 1;
    // QoS 3 is malformed; more than the listener allows is refused there, too.
    if (qos > connection.maximumQoS) return false;
    const topicAt = body + 2;
    if (topicAt > end) return false;
    const topicEnd = topicAt + ((bytes[body] << 8) | bytes[body + 1]);
    if (topicEnd > end) return false;
    let at = topicEnd;
    if (qos > 0) {
      at += 2;
      // A packet id of 0 is malformed.
      if (at > end || (bytes[topicEnd] | bytes[topicEnd + 1]) === 0) return false;
    }
    let hasProperties = false;
    let aliased: Uint8Array | null = null;
    if (connection.version === 5) {
      if (at < end && bytes[at] === 0) at++;
      else {
        const properties = this.#properties;
        if (!properties.read(bytes, at, end)) return false;
        hasProperties = true;
        at = properties.end;
        if (properties.alias > 0) {
          // One that comes with its topic is set by it.
          aliased = topicEnd > topicAt ? null : (connection.inboundAliases?.resolve(properties.alias) ?? null);
          if (aliased === null) return false;
        }
      }
    }
    const { router } = this.#context;
    if (end - start > this.#maxFrameBytes) return false;
    const route =
      aliased === null
        ? (router.knownRoute(bytes, topicAt, topicEnd - topicAt) ?? this.#newRoute(bytes, topicAt, topicEnd))
        : router.knownRoute(aliased, 0, aliased.length);
    if (route === null) return false;
    const { session } = connection;
    if (session === null) return false;
    if (
      this.#isGuarded &&
      route.writer !== session.serial &&
      !route.admits(session.serial) &&
      !this.#mayPublish(session, route)
    ) {
      return false;
    }
    const { targets } = route;
    if (targets === null || targets.perMessage) return false;

    if (
      targets !== this.#targets ||
      header !== this.#header ||
      connection !== this.#connection ||
      end - this.#start + this.#growth + MAX_FRAME_GROWTH > CHUNK_BYTES ||
      (qos > 0 && this.#frames.count === MAX_ACKNOWLEDGED)
    ) {
      this.finish();
      if (qos > 0) {
        if (this.#needsStoreInVain(session, targets, qos, route.topic)) return false;
        if (this.#context.slowdown.mustWait(connection, targets.sessions)) return false;
      }
      this.#begin(connection, targets, header, bytes, start);
    }
    const frames = this.#frames;
    if (qos > 0) {
      if (qos === 2 && !this.#holdInbound(connection, session, (bytes[topicEnd] << 8) | bytes[topicEnd + 1]))
        return false;
      frames.ids[frames.count] = topicEnd;
    }
    this.#growth += MAX_FRAME_GROWTH;
    if (hasProperties) {
      frames.hasProperties = true;
      if (aliased !== null) {
        frames.addAlias(this.#properties.aliasAt, aliased);
        this.#growth += aliased.length;
      }
    }
    frames.payloads[frames.count] = at;
    frames.starts[frames.count++] = start;
    frames.end = end;
    this.#payloadBytes += end - at;
    if (frames.count === frames.starts.length) frames.grow();
    return true;
  }

  /** Delivers what was added, and acknowledges it. Called before anything else happens with the connection. */
  finish(): void {
    const connection = this.#connection;
    const targets = this.#targets;
    if (connection === null || targets === null) return;
    this.#connection = null;
    this.#targets = null;
    const { session } = connection;
    if (this.#frames.count === 0 || session === null) return;
    const { counters } = this.#context;
    counters.received[PacketType.PUBLISH] += this.#frames.count;
    counters.publishBytesReceived += this.#payloadBytes;
    let matched = 0;
    const { repeated, sessions } = targets;
    for (let k = 0; k < sessions.length; k++) {
      const listed = sessions[k];
      const target = listed.session === session ? listed.forOwn : listed;
      if (target === null) continue;
      matched++;
      const isRepeated = repeated?.has(target.session) === true;
      if (isRepeated || !this.#deliverAsOne(connection, target)) this.#singles.push(listed);
    }
    if (this.#singles.length > 0) this.#deliverSingly(connection, session, matched);
    else if ((this.#header & 6) !== 0) this.#acknowledgeAll(connection, matched);
    this.#layoutsMade = 0;
    if (this.#messages.length > 0) this.#messages.length = 0;
  }

  #begin(connection: Connection, targets: Targets, header: number, bytes: Uint8Array, start: number): void {
    this.#connection = connection;
    this.#targets = targets;
    this.#header = header;
    const frames = this.#frames;
    frames.bytes = bytes;
    frames.end = start;
    frames.count = 0;
    frames.hasIds = (header & 6) !== 0;
    frames.isV5 = connection.version === 5;
    frames.hasProperties = frames.hasAliases = false;
    this.#start = start;
    this.#growth = 0;
    this.#payloadBytes = 0;
    this.#publisherId = connection.clientId;
    this.#appendedBefore = this.#context.store.appended;
  }

  /** The route of a topic that is not known yet. Null: it is no valid one, or one of the broker's own. */
  #newRoute(bytes: Uint8Array, start: number, end: number): Route | null {
    if (bytes[start] === DOLLAR) return null;
    try {
      return this.#context.router.routeOf(bytes, start, end);
    } catch (error) {
      if (error instanceof ProtocolError) return null;
      throw error;
    }
  }

  /** Asks the access rules. False: no, or they may answer later; the general way asks again, and knows what to do. */
  #mayPublish(session: Session, route: Route): boolean {
    const { authorizer } = this.#context;
    if (authorizer.answersAtOnce !== true) return false;
    const decision = authorizer.mayPublish(session.principal, route.topic);
    if (decision instanceof Promise || !decision.allowed) return false;
    route.admit(session.serial);
    return true;
  }

  /** While the store takes nothing new: whether such messages are to be refused, which is for the general way. */
  #needsStoreInVain(session: Session, targets: Targets, qos: number, topic: string): boolean {
    const { router, shortage } = this.#context;
    return shortage.isShort && ((qos === 2 && session.lasting) || router.needsStore(targets, topic, session));
  }

  /** False when the id is held already, or one too many would be: the general way knows what to say. */
  #holdInbound(connection: Connection, session: Session, id: number): boolean {
    if (session.inbound !== null && session.inbound.size >= connection.receiveMaximum) return false;
    return session.holdInbound(id);
  }

  // ---- all frames as one piece ---------------------------------------------------------------------------------------

  /** False: this target has to get the messages one by one. */
  #deliverAsOne(publisher: Connection, target: Target): boolean {
    const { session } = target;
    const { connection } = session;
    const publishQoS = ((this.#header >> 1) & 3) as QoS;
    if (connection === null) return publishQoS === 0 && !session.queuesQoS0;
    if (!connection.takesRuns || target.identifiers !== null) return false;
    const qos = publishQoS > target.qos ? target.qos : publishQoS;
    // With a limit of bytes, each message has to be counted.
    if (qos > 0 && (session.lasting || this.#context.settings.maxInflightBytes < Number.POSITIVE_INFINITY))
      return false;
    const isV5 = connection.version === 5;
    const isPlain = qos === publishQoS && isV5 === (publisher.version === 5) && !this.#frames.hasAliases;
    const layout = isPlain ? null : this.#layoutFor(isV5, qos);
    const size = layout === null ? this.#frames.end - this.#start : layout.end;
    if (size > CHUNK_BYTES || size > connection.maximumPacketSize) return false;
    if (qos === 0) {
      if (session.queuesQoS0) return false;
      this.#deliverAtMostOnce(session, connection, layout, size);
    } else {
      const sent = this.#openWindow(session);
      // Messages that find no room are refused one by one: the publisher may have to be told.
      if (sent < this.#frames.count && !session.hasRoom(size, this.#frames.count - sent)) return false;
      this.#deliverIntoWindow(session, connection, qos, layout, sent);
    }
    if (connection.output.isBehind || session.queuedMessages > 0) {
      this.#context.slowdown.consider(publisher, session, this.#frames.count);
    }
    return true;
  }

  /** QoS 0: as many as may wait for the socket; the rest is dropped. */
  #deliverAtMostOnce(session: Session, connection: Connection, layout: RunLayout | null, size: number): void {
    const { output } = connection;
    const bytes = layout === null ? this.#frames.bytes : layout.bytes;
    const starts = layout === null ? this.#frames.starts : layout.starts;
    const first = layout === null ? this.#start : 0;
    const room = this.#context.settings.maxOutputBytes - output.pendingBytes;
    let sent = this.#frames.count;
    let end = first + size;
    if (size > room) {
      while (sent > 0 && starts[sent - 1] - first >= room) end = starts[--sent];
      if (sent < this.#frames.count) session.refuse(this.#message(sent), SOCKET_IS_FULL, this.#frames.count - sent);
    }
    if (sent > 0) output.copy(bytes, first, end);
    this.#countSent(sent);
  }

  /** How many of the frames the session's window takes now. None while others wait for it. */
  #openWindow(session: Session): number {
    const credit = session.queuedMessages > 0 ? 0 : Math.max(0, session.credit);
    return credit < this.#frames.count ? credit : this.#frames.count;
  }

  /** QoS 1 and 2 for a session that ends with its connection: `open` frames go out, the rest waits, for which is room. */
  #deliverIntoWindow(session: Session, connection: Connection, qos: QoS, layout: RunLayout | null, open: number): void {
    const count = this.#frames.count;
    let sent = open;
    if (sent > 0) {
      session.inflight ??= new Inflight<Delivery>();
      const firstId = session.inflight.addMany(
        qos === 1 ? InflightState.AWAITING_PUBACK : InflightState.AWAITING_PUBREC,
        sent,
      );
      if (firstId === 0) sent = 0;
      else if (layout === null) {
        const end = sent === count ? this.#frames.end : this.#frames.starts[sent];
        copyWithIds(connection.output, this.#frames.bytes, this.#start, end, this.#frames.ids, sent, firstId);
      } else {
        const end = sent === count ? layout.end : layout.starts[sent];
        copyWithIds(connection.output, layout.bytes, 0, end, layout.ids, sent, firstId);
      }
      this.#countSent(sent);
    }
    if (sent === count) return;
    if (sent === open) {
      session.enqueueFrames(this.#frames, layout ?? this.#frames, sent);
      return;
    }
    // The next ids are not all free: they have to be found one by one.
    for (let i = sent; i < count; i++) {
      session.deliver(new Delivery(this.#message(i), session.clientId, qos, false, null, 0, null));
    }
  }

  #layoutFor(isV5: boolean, qos: QoS): RunLayout {
    const key = (isV5 ? 3 : 0) + qos;
    const layout = this.#layouts[key];
    if ((this.#layoutsMade & (1 << key)) === 0) {
      this.#layoutsMade |= 1 << key;
      layout.make(this.#frames);
    }
    return layout;
  }

  /** The first so many messages went to a target. */
  #countSent(messages: number): void {
    const { counters } = this.#context;
    counters.sent[PacketType.PUBLISH] += messages;
    if (messages === this.#frames.count) counters.publishBytesSent += this.#payloadBytes;
    else for (let i = 0; i < messages; i++) counters.publishBytesSent += this.#frames.payloadBytes(i);
  }

  /** PUBACK or PUBREC for each frame: at once if nothing durable was touched, else after the store's commit. */
  #acknowledgeAll(publisher: Connection, matched: number): void {
    const { store, counters } = this.#context;
    const header = (this.#header & 6) === 2 ? PUBACK : PUBREC;
    const ticket = store.appended === this.#appendedBefore ? 0 : store.appended;
    const bytes = this.#frames.bytes;
    const ids = this.#frames.ids;
    const says = publisher.version === 5 && matched === 0 && header === PUBACK; // see handlers/publish.ts
    if (ticket > store.committed || publisher.holdsBack || says) {
      const reasonCode = says ? ReasonCode.NO_MATCHING_SUBSCRIBERS : ReasonCode.SUCCESS;
      for (let i = 0; i < this.#frames.count; i++) {
        publisher.acknowledge(header, (bytes[ids[i]] << 8) | bytes[ids[i] + 1], ticket, reasonCode);
      }
      return;
    }
    const { output } = publisher;
    counters.sent[header >> 4] += this.#frames.count;
    for (let i = 0; i < this.#frames.count; i++) {
      const chunk = output.reserve(4);
      let at = output.length;
      chunk[at++] = header;
      chunk[at++] = 2;
      chunk[at++] = bytes[ids[i]];
      chunk[at++] = bytes[ids[i] + 1];
      output.length = at;
    }
  }

  // ---- one by one ----------------------------------------------------------------------------------------------------

  /** For targets with lasting sessions, topic aliases, subscription identifiers, or a full socket. */
  #deliverSingly(publisher: Connection, session: Session, matched: number): void {
    const { router, store, slowdown } = this.#context;
    const singles = this.#singles;
    const qos = (this.#header >> 1) & 3;
    const bytes = this.#frames.bytes;
    for (let i = 0; i < this.#frames.count; i++) {
      const { refused } = router.routeTo(this.#message(i), singles, session);
      if (qos === 0) continue;
      const id = (bytes[this.#frames.ids[i]] << 8) | bytes[this.#frames.ids[i] + 1];
      const ticket = store.appended === this.#appendedBefore ? 0 : store.appended;
      if (refused > 0 && refused === matched) this.#refuse(publisher, session, qos, id);
      else publisher.acknowledge(qos === 1 ? PUBACK : PUBREC, id, ticket);
    }
    for (const target of singles) slowdown.consider(publisher, target.session, this.#frames.count);
    singles.length = 0;
  }

  /** Nobody could take the message. */
  #refuse(publisher: Connection, session: Session, qos: number, id: number): void {
    if (qos === 2 && publisher.version === 5) session.releaseInbound(id); // [MQTT-4.3.3-9]
    const type = qos === 1 ? PacketType.PUBACK : PacketType.PUBREC;
    publisher.acknowledgeRefusal(type, id, ReasonCode.QUOTA_EXCEEDED, NOBODY_HAS_ROOM);
  }

  /** The message of the `i`th frame, as the general way makes it. */
  #message(i: number): Message {
    const known = this.#messages[i];
    if (known !== undefined) return known;
    const { router } = this.#context;
    const { bytes, starts, payloads, isV5, hasProperties } = this.#frames;
    const end = this.#frames.endOf(i);
    const body = this.#frames.bodyOf(i);
    const topicEnd = body + 2 + ((bytes[body] << 8) | bytes[body + 1]);
    const aliased = this.#frames.aliased(i);
    const { topic } =
      aliased === null ? router.routeOf(bytes, body + 2, topicEnd) : router.routeOf(aliased, 0, aliased.length);
    const qos = ((this.#header >> 1) & 3) as QoS;
    const properties =
      hasProperties && isV5 ? passedOn(decodePublish(bytes, starts[i], body, end, 5).properties) : null;
    const payload = viewOf(bytes, payloads[i], end);
    const message = new Message(topic, payload, qos, false, properties, this.#publisherId, Number.POSITIVE_INFINITY);
    this.#messages[i] = message;
    return message;
  }
}

/** Sends frames and writes consecutive packet ids into them; `ids` tells where, relative to `bytes`. */
function copyWithIds(
  output: Output,
  bytes: Uint8Array,
  start: number,
  end: number,
  ids: Int32Array,
  count: number,
  firstId: number,
): void {
  const chunk = output.reserve(end - start);
  const shift = output.length - start;
  copyBytes(bytes, start, end, chunk, output.length);
  output.length += end - start;
  let id = firstId;
  for (let i = 0; i < count; i++) {
    const at = shift + ids[i];
    chunk[at] = id >> 8;
    chunk[at + 1] = id & 0xff;
    id = id === 65_535 ? 1 : id + 1;
  }
}
