import { PacketType, type QoS, type ReasonCode, reasonName } from '@cauldron/codec';
import type { Connection } from './connection.js';
import type { Context } from './context.js';
import type { Delivery } from './delivery.js';
import { Inflight, InflightState } from './inflight.js';
import { InflightBytes } from './inflight-bytes.js';
import type { Message } from './message.js';
import { PacketIdSet } from './packet-id-set.js';
import type { Principal } from './ports/access.js';
import { LogType } from './ports/log.js';
import type { Position, SessionRecord, Ticket, WillRecord } from './ports/store.js';
import { type Found, Replays } from './replays.js';
import type { FrameLayout, RunFrames } from './run-layout.js';
import { SessionQueue } from './session-queue.js';
import { shardOf } from './shard.js';
import type { Subscription } from './subscription.js';
import type { Expiring } from './timer-wheel.js';
import { Timer } from './timer-wheel.js';

/** While this much waits for the socket, queues and retained replays hold back: what is sent later costs no memory now. */
const REPLAY_HIGH_WATER_BYTES = 256 * 1024;
/** Messages of queues and replays that are sent at once, about half a millisecond of work; then others have their turn. */
const PUMP_SLICE = 200;

/** Why a message is refused, in the log. */
export const QUEUE_IS_FULL = 'its queue is full (max_queued_messages, max_queued_bytes)';

/** The same, for the publisher of a message that nobody could take. */
export const NOBODY_HAS_ROOM = 'the queues of all who subscribed are full';

/** QoS 0 only: others wait. */
export const SOCKET_IS_FULL = 'it does not read what is sent to it (max_output_bytes)';

const TOO_LARGE = 'larger than the maximum packet size that it takes';

const OUTSIDE = 'their topics are outside of the mount_point of its listener';

const BARRED = 'the access rules do not let it have them any more';

/** No version of access rules: nobody knows by which ones messages were let in. */
const UNKNOWN_RULES = -1;

const EXPIRED = 'they waited for longer than their message expiry interval';

/** The log is told the same about one client this often at most. */
const REPORT_INTERVAL_MS = 60_000;

/**
 * What the broker keeps for a client beyond its connection: subscriptions, messages that wait or are in flight, its
 * will. It meets a connection through `attach`, `detach`, deliveries and acknowledgements alone, each with the epoch
 * that `attach` gave: what comes from an older connection is ignored.
 */
export class Session implements Expiring {
  readonly clientId: string;
  /** Unique in this process, never 0. */
  readonly serial: number;
  readonly shard: number;
  principal: Principal;
  connection: Connection | null = null;
  /** Raised by every take-over. */
  epoch = 0;
  /** Seconds that it outlives its connection; 0: it ends with it. */
  expiryIntervalS = 0;
  protocolVersion: 3 | 4 | 5 = 4;
  will: WillRecord | null = null;
  /** For the log, the registry and the store: when the last connection ended; null while there is one. */
  disconnectedAtMs: number | null = null;
  /** By the clock of the timer wheel; `Infinity` while nothing is due. */
  willDueMs = Number.POSITIVE_INFINITY;
  expiryDueMs = Number.POSITIVE_INFINITY;
  /** The store knows it. */
  isStored = false;
  /** It has been a member of a shared subscription, so messages of one may wait for it. */
  hasBeenMember = false;
  /** By filter, `$share/...` and mount point included. Null until the first. */
  subscriptions: Map<string, Subscription> | null = null;
  /** Outbound QoS 1 and 2. Made at the first such message. */
  inflight: Inflight<Delivery> | null = null;
  /** Ids of inbound QoS 2 messages that were taken over and await PUBREL. Made at the first. */
  inbound: PacketIdSet | null = null;
  /** Messages that wait for a connection or for the window. Made at the first. */
  queue: SessionQueue | null = null;
  /** The position in the store that it was given last; see `FanOut`. */
  lastPosition: Position = 0;
  /** Acknowledgements opened the window for what waits: `pump` is to be called when all of them are handled. */
  isPumpDue = false;
  readonly timer: Timer;
  #replays: Replays | null = null;
  /** What this connection has in flight, while `max_inflight_bytes` is set. Null until the first. */
  #inflightBytes: InflightBytes | null = null;
  /** Ids that were in flight on the last connection and were not sent again on this one yet, last first. */
  #resends: number[] | null = null;
  /** By kind: when the log was last told something about this client. Made when it first is. */
  #reportedAtMs: Map<string, number> | null = null;
  /** The version of the access rules by which it may have all that waits in its queue; see `doubtRights`. */
  #rulesOfQueue = UNKNOWN_RULES;
  readonly #context: Context;

  constructor(context: Context, clientId: string, serial: number, principal: Principal) {
    this.#context = context;
    this.clientId = clientId;
    this.serial = serial;
    this.shard = shardOf(clientId);
    this.principal = principal;
    this.timer = new Timer(this);
  }

  /** Whether it outlives its connection: then what it is promised goes to the store. */
  get lasting(): boolean {
    return this.expiryIntervalS > 0;
  }

  get record(): SessionRecord {
    return {
      clientId: this.clientId,
      username: this.principal.username,
      address: this.principal.address,
      protocolVersion: this.protocolVersion,
      expiryIntervalS: this.expiryIntervalS,
      disconnectedAtMs: this.disconnectedAtMs,
      will: this.will,
    };
  }

  /** Called by the timer wheel: a delayed will is due, or the session's end. */
  fire(): void {
    this.#context.sessions.timerFired(this);
  }

  /** The connection's window: how many more QoS 1 and 2 messages may be in flight. None while old ones wait for it. */
  get credit(): number {
    const { connection, inflight } = this;
    if (connection === null || this.#resends !== null || !this.#mayFly) return 0;
    return inflight === null ? connection.sendMaximum : connection.sendMaximum - inflight.size;
  }

  /** Whether `max_inflight_bytes` leaves room for one more message, whatever its size. */
  get #mayFly(): boolean {
    const bytes = this.#inflightBytes;
    return bytes === null || bytes.total < this.#context.settings.maxInflightBytes;
  }

  get queuedMessages(): number {
    return this.queue === null ? 0 : this.queue.length;
  }

  /** Whether its queue takes so many more messages, of this size together, whatever the size of each. */
  hasRoom(bytes: number, messages = 1): boolean {
    const { maxQueuedMessages, maxQueuedBytes } = this.#context.settings;
    const queuedBytes = this.queue === null ? 0 : this.queue.bytes;
    return this.queuedMessages + messages <= maxQueuedMessages && queuedBytes + bytes <= maxQueuedBytes;
  }

  /** Whether QoS 0 messages wait as others do: where they may, and also behind those that wait already [MQTT-4.6.0-5]. */
  get queuesQoS0(): boolean {
    return (
      this.#context.settings.queueQoS0Messages && this.lasting && (this.connection === null || this.queuedMessages > 0)
    );
  }

  /** Whether a QoS 1 or 2 message can be sent now or may wait. */
  canAccept(): boolean {
    const { queuedMessages } = this;
    if (queuedMessages === 0 && this.credit > 0) return true;
    const { maxQueuedMessages, maxQueuedBytes } = this.#context.settings;
    return queuedMessages < maxQueuedMessages && (this.queue === null || this.queue.bytes < maxQueuedBytes);
  }

  /** Takes messages that have expired out of its queue, and examines no more than `limit` for that. Returns how many it was. */
  dropExpired(limit: number): number {
    const { clock } = this.#context;
    return this.queue?.dropExpired(clock.wallMs(), limit, (delivery) => this.#expire(delivery)) ?? 0;
  }

  /** Counts messages that this client does not get for this reason, and says so now and then. `message`: the first. */
  refuse(message: Message, what: string, messages = 1): void {
    this.#context.counters.publishDropped += messages;
    this.#reportDropping(message, what);
  }

  /** Whether the log is to be told something of this kind about the client: at most once a minute. */
  mayReport(kind: string): boolean {
    const { now } = this.#context.wheel;
    const reportedAtMs = this.#reportedAtMs?.get(kind) ?? Number.NEGATIVE_INFINITY;
    if (now - reportedAtMs < REPORT_INTERVAL_MS) return false;
    this.#reportedAtMs ??= new Map();
    this.#reportedAtMs.set(kind, now);
    return true;
  }

  #reportDropping({ topic }: Message, what: string): void {
    const { log } = this.#context;
    if ((log.types & LogType.NOTICE) === 0 || !this.mayReport(what)) return;
    log.write(LogType.NOTICE, `Dropping messages for client ${this.clientId}: ${what} (topic '${topic}').`);
  }

  /** A QoS 0 message: now or never. */
  deliverAtMostOnce(message: Message, retain: boolean, identifiers: readonly number[] | null): void {
    const { connection } = this;
    if (connection === null) return;
    if (connection.output.pendingBytes >= this.#context.settings.maxOutputBytes) {
      this.refuse(message, SOCKET_IS_FULL);
      return;
    }
    const obstacle = obstacleTo(connection, message, 0, identifiers);
    if (obstacle === null) connection.sendPublish(message, 0, 0, false, retain, identifiers);
    else this.refuse(message, obstacle);
  }

  /**
   * A QoS 1 or 2 message: goes out if the window is open, else waits. The caller has seen to `hasRoom`, and to the
   * store's entry if the delivery has a position. The message has been kept if it may wait.
   */
  deliver(delivery: Delivery): void {
    if (this.credit > 0 && this.queuedMessages === 0) {
      this.#send(delivery);
      return;
    }
    this.enqueue(delivery);
  }

  enqueue(delivery: Delivery): void {
    delivery.message.keep();
    this.#queueToAdd().push(delivery);
  }

  /** The same for the frames of a run from the `from`th on, in the layout of the connection, which takes runs. */
  enqueueFrames(run: RunFrames, layout: FrameLayout, from: number): void {
    const { connection } = this;
    if (connection === null) return;
    this.#queueToAdd().pushFrames(connection.version, run, layout, from);
  }

  #queueToAdd(): SessionQueue {
    const { authorizer, queues, store } = this.#context;
    this.queue ??= new SessionQueue(this.clientId, store, queues);
    if (this.queue.length === 0) this.#rulesOfQueue = authorizer.version;
    return this.queue;
  }

  /** Sends what waits as far as the window and the socket allow. Called when either may have opened. */
  pump(): void {
    const { connection } = this;
    this.isPumpDue = false;
    if (connection === null || !connection.isOpen) return;
    const { output } = connection;
    if (this.#resends !== null) this.#pumpResends(this.#resends, connection);
    let slice = PUMP_SLICE;
    if (this.queue !== null) {
      while (this.queue.length > 0 && this.credit > 0 && output.pendingBytes < REPLAY_HIGH_WATER_BYTES) {
        if (slice <= 0) {
          this.#context.backlog.add(this);
          return;
        }
        const sent = this.#sendFrames(this.queue, connection, Math.min(slice, this.credit));
        if (sent > 0) {
          slice -= sent;
          continue;
        }
        slice--;
        const delivery = this.queue.shift();
        if (delivery === undefined) break;
        if (delivery.message.isExpired(this.#context.clock)) this.#expire(delivery);
        else if (this.#isBarredFrom(delivery.message)) this.#bar(delivery);
        else this.#send(delivery);
      }
      if (this.queue.length > 0) return;
    }
    if (this.#replays !== null) this.#pumpReplays(this.#replays, connection, slice);
  }

  /** Sends what waits next if it does so as frames, at most so many. 0: each message has to be looked at. */
  #sendFrames(queue: SessionQueue, connection: Connection, most: number): number {
    const frames = queue.nextFrames;
    if (frames === null) return 0;
    const { authorizer, counters, log, settings } = this.#context;
    if (!authorizer.unrestricted && authorizer.version !== this.#rulesOfQueue) return 0;
    if (settings.maxInflightBytes < Number.POSITIVE_INFINITY || (log.types & LogType.DEBUG) !== 0) return 0;
    this.inflight ??= new Inflight<Delivery>();
    const count = frames.adjacent(most);
    const firstId = this.inflight.addMany(
      frames.qos === 1 ? InflightState.AWAITING_PUBACK : InflightState.AWAITING_PUBREC,
      count,
    );
    if (firstId === 0) return 0;
    queue.framesSent(frames, count);
    counters.sent[PacketType.PUBLISH] += count;
    counters.publishBytesSent += frames.send(connection.output, count, firstId);
    return count;
  }

  /** Retained messages for a new subscription: they follow as the socket takes them, however many there are. */
  replay(found: Iterator<Found>): void {
    this.#replays ??= new Replays(this.#context.authorizer, () => {
      this.pump();
      this.#context.flush();
    });
    this.#replays.add(found);
    this.pump();
  }

  /**
   * Begins again on a new connection: what is in flight is sent again, in its order [MQTT-4.4.0-1]. PUBRELs go first: the
   * window is for PUBLISH alone [MQTT-3.3.4-10].
   */
  resume(): void {
    const { connection, inflight } = this;
    if (connection !== null && inflight !== null && inflight.size > 0) {
      const resends: number[] = [];
      for (const { id, state } of inflight.entries()) {
        if (state === InflightState.AWAITING_PUBCOMP) connection.sendPubrel(id, 0);
        else resends.push(id);
      }
      if (resends.length > 0) this.#resends = resends.reverse();
    }
    this.pump();
  }

  /** PUBACK, with whatever reason code. False: the id was not in flight. */
  acknowledged(id: number): boolean {
    const { inflight } = this;
    if (inflight === null || inflight.state(id) !== InflightState.AWAITING_PUBACK) return false;
    this.#complete(inflight, id);
    return true;
  }

  /** PUBREC. 0: the id was not in flight. Else PUBREL may go once the ticket, which may be 0, is committed. */
  received(id: number): Ticket | null {
    const { inflight } = this;
    const state = inflight === null ? 0 : inflight.state(id);
    if (inflight === null || (state !== InflightState.AWAITING_PUBREC && state !== InflightState.AWAITING_PUBCOMP))
      return null;
    if (state === InflightState.AWAITING_PUBCOMP) return 0;
    const isStored = this.#isStored(inflight.message(id));
    inflight.advance(id);
    return isStored ? this.#context.store.append({ kind: 'received', clientId: this.clientId, packetId: id }) : 0;
  }

  /** PUBREC with an error: the client does not want it, the id is free [MQTT-4.3.3-4]. */
  refused(id: number): boolean {
    const { inflight } = this;
    if (inflight === null || inflight.state(id) !== InflightState.AWAITING_PUBREC) return false;
    this.#complete(inflight, id);
    return true;
  }

  /** Counts a message that the client answered with an error, and says so now and then. */
  reportRejection(reasonCode: ReasonCode): void {
    const { counters, log } = this.#context;
    counters.publishRejected++;
    if ((log.types & LogType.NOTICE) === 0 || !this.mayReport('rejects')) return;
    log.write(LogType.NOTICE, `Client ${this.clientId} rejects messages: ${reasonName(reasonCode).toLowerCase()}.`);
  }

  /** Messages of QoS 1 and 2 that the client does not have, or has not said that it has. */
  get unacknowledgedMessages(): number {
    let count = this.queuedMessages;
    for (const { state } of this.inflight?.entries() ?? []) if (state !== InflightState.AWAITING_PUBCOMP) count++;
    return count;
  }

  /** PUBCOMP. False: the id was not in flight, or is not that far. */
  completed(id: number): boolean {
    const { inflight } = this;
    if (inflight === null || inflight.state(id) !== InflightState.AWAITING_PUBCOMP) return false;
    this.#complete(inflight, id);
    return true;
  }

  /** Takes over an inbound QoS 2 id. False: it is held already, so the message is a repetition [MQTT-4.3.3-10]. */
  holdInbound(id: number): boolean {
    this.inbound ??= new PacketIdSet();
    if (!this.inbound.add(id)) return false;
    if (this.lasting) this.#context.store.append({ kind: 'inboundHeld', clientId: this.clientId, packetId: id });
    return true;
  }

  /** PUBREL. Null: the id was not held. Else PUBCOMP may go once the ticket, which may be 0, is committed. */
  releaseInbound(id: number): Ticket | null {
    if (this.inbound === null || !this.inbound.delete(id)) return null;
    if (!this.lasting) return 0;
    return this.#context.store.append({ kind: 'inboundReleased', clientId: this.clientId, packetId: id });
  }

  /** Messages of shared subscriptions that this session did not get, for other members: it ends now. */
  *undelivered(): Generator<Delivery> {
    if (this.inflight !== null) {
      for (const { state, message: delivery } of this.inflight.entries()) {
        // A QoS 2 message that was sent may have arrived: nobody else gets it [MQTT-4.8.2-5].
        if (state === InflightState.AWAITING_PUBACK && delivery !== null && delivery.sharedFilter !== null)
          yield delivery;
      }
    }
    // A queue may be very long, and all of it would be read for nothing.
    if (this.queue === null || !this.hasBeenMember) return;
    for (const delivery of this.queue.drain()) if (delivery.sharedFilter !== null) yield delivery;
  }

  /** The connection is gone: what was to follow on it, apart from the queue, is forgotten. */
  forgetConnection(): void {
    this.connection = null;
    if (this.lasting) this.queue?.takeFramesApart(); // Else it is over.
    this.#replays = null;
    this.#resends = null;
    this.#inflightBytes = null;
    this.inflight?.trim();
  }

  #send(delivery: Delivery): void {
    const { connection } = this;
    const { store } = this.#context;
    if (connection === null) return;
    const { message, qos, position } = delivery;
    const obstacle = obstacleTo(connection, message, qos, delivery.identifiers);
    if (obstacle !== null) {
      this.#drop(position);
      this.refuse(message, obstacle);
      return;
    }
    if (qos === 0) {
      this.#drop(position);
      connection.sendPublish(message, 0, 0, false, delivery.retain, delivery.identifiers);
      return;
    }
    this.inflight ??= new Inflight<Delivery>();
    const keeps = position > 0 || delivery.sharedFilter !== null;
    if (keeps) message.keep();
    const id = this.inflight.add(
      qos === 1 ? InflightState.AWAITING_PUBACK : InflightState.AWAITING_PUBREC,
      keeps ? delivery : null,
    );
    this.#flies(id, message);
    let ticket: Ticket = 0;
    if (position > 0) ticket = store.append({ kind: 'sent', clientId: this.clientId, position, packetId: id });
    // A QoS 1 message may be sent twice by a crash, a QoS 2 message may not: its id must be known after one.
    connection.sendPublish(message, qos, id, false, delivery.retain, delivery.identifiers, qos === 2 ? ticket : 0);
  }

  /** In order, and no more of them than the window of this connection takes, which may be smaller than the last one's. */
  #pumpResends(resends: number[], connection: Connection): void {
    const { inflight } = this;
    const { authorizer, router } = this.#context;
    while (inflight !== null && inflight.size - resends.length < connection.sendMaximum && this.#mayFly) {
      const id = resends.pop();
      if (id === undefined) break;
      const delivery = inflight.message(id);
      if (delivery === null) continue; // Acknowledged meanwhile: the client has it from the last connection.
      const { message, qos, retain, identifiers } = delivery;
      // The last connection may have taken larger packets than this one, and may have had another mount point.
      const isBarred = !authorizer.unrestricted && !router.mayReceive(this, message.topic);
      const obstacle = isBarred ? BARRED : obstacleTo(connection, message, qos, identifiers);
      if (obstacle === null) {
        this.#flies(id, message);
        connection.sendPublish(message, qos, id, true, retain, identifiers);
        continue;
      }
      this.#finish(inflight, id);
      this.refuse(message, obstacle);
    }
    if (resends.length === 0) this.#resends = null;
  }

  #flies(id: number, { payload }: Message): void {
    if (this.#context.settings.maxInflightBytes === Number.POSITIVE_INFINITY) return;
    this.#inflightBytes ??= new InflightBytes();
    this.#inflightBytes.add(id, payload.length);
  }

  #complete(inflight: Inflight<Delivery>, id: number): void {
    this.#finish(inflight, id);
    this.isPumpDue = this.queuedMessages > 0 || this.#replays !== null || this.#resends !== null;
  }

  #finish(inflight: Inflight<Delivery>, id: number): void {
    const isStored =
      this.#isStored(inflight.message(id)) || (this.lasting && inflight.state(id) === InflightState.AWAITING_PUBCOMP);
    inflight.acknowledge(id);
    this.#inflightBytes?.remove(id);
    if (isStored) this.#context.store.append({ kind: 'completed', clientId: this.clientId, packetId: id });
  }

  #isStored(delivery: Delivery | null): boolean {
    return delivery !== null && delivery.position > 0;
  }

  /** Its client may not be the one for whom messages were put into the queue: it is asked again whether it may have them. */
  doubtRights(): void {
    this.#rulesOfQueue = UNKNOWN_RULES;
  }

  /** Whether the access rules have changed since the message began to wait, and do not let the client have it any more. */
  #isBarredFrom({ topic }: Message): boolean {
    const { authorizer, router } = this.#context;
    return !authorizer.unrestricted && authorizer.version !== this.#rulesOfQueue && !router.mayReceive(this, topic);
  }

  #bar({ message, position }: Delivery): void {
    this.#drop(position);
    this.refuse(message, BARRED);
  }

  /** It waited for too long [MQTT-3.3.2-5]. */
  #expire({ message, position }: Delivery): void {
    this.#drop(position);
    this.#context.counters.publishExpired++;
    this.#reportDropping(message, EXPIRED);
  }

  #drop(position: number): void {
    if (position > 0) this.#context.store.append({ kind: 'dropped', clientId: this.clientId, position });
  }

  #pumpReplays(replays: Replays, connection: Connection, most: number): void {
    const { authorizer, backlog, clock, router, shortage } = this.#context;
    for (let slice = most; ; slice--) {
      // Nothing is looked for before it can be sent: whether the client may have it is asked then.
      if (connection.output.pendingBytes >= REPLAY_HIGH_WATER_BYTES || this.credit <= 0) return;
      const next = slice > 0 ? replays.peek() : null;
      if (next === null) {
        if (slice > 0 && !replays.isSearching) break;
        backlog.add(this);
        return;
      }
      // It would have to be stored: it follows when there is room again.
      if (next.qos > 0 && this.lasting && shortage.isShort) return;
      const { rulesVersion } = replays;
      replays.shift();
      if (next.message.isExpired(clock)) continue;
      if (
        authorizer.version === rulesVersion ||
        authorizer.unrestricted ||
        router.mayReceive(this, next.message.topic)
      ) {
        this.#deliverRetained(next);
      }
    }
    if (!replays.isWaiting) this.#replays = null;
  }

  #deliverRetained(delivery: Delivery): void {
    const { qos, message, retain, identifiers } = delivery;
    if (qos === 0) this.deliverAtMostOnce(message, retain, identifiers);
    else this.#context.router.deliverTo(this, message, qos as QoS, retain, identifiers, null);
  }
}

/** Why the client cannot be sent the message over this connection; null: it can. */
function obstacleTo(
  connection: Connection,
  message: Message,
  qos: QoS,
  identifiers: readonly number[] | null,
): string | null {
  if (!connection.sees(message.topic)) return OUTSIDE;
  return connection.canTake(message, qos, identifiers) ? null : TOO_LARGE; // [MQTT-3.1.2-25]
}
