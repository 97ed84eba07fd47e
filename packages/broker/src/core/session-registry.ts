import { NEVER_EXPIRES } from '@cauldron/codec';
import type { Connection } from './connection.js';
import { type Ending, endingText } from './connection-ending.js';
import type { Context } from './context.js';
import { Delivery } from './delivery.js';
import { Inflight } from './inflight.js';
import { PacketIdSet } from './packet-id-set.js';
import type { Decision, Principal } from './ports/access.js';
import { LogType } from './ports/log.js';
import type { StoredSession, Ticket, WillRecord } from './ports/store.js';
import { publishMessage, reasonWhyReserved, reasonWhyTooLarge } from './publishing.js';
import { Session } from './session.js';
import { SessionQueue } from './session-queue.js';

/** What a CONNECT asks of the session that it opens. */
export interface SessionRequest {
  readonly principal: Principal;
  readonly protocolVersion: 3 | 4 | 5;
  /** Clean Session or Clean Start. */
  readonly clean: boolean;
  readonly expiryIntervalS: number;
  readonly will: WillRecord | null;
}

/** All sessions by client id: how they begin, are resumed, left and ended; their wills and their expiry. */
export class SessionRegistry {
  readonly #context: Context;
  readonly #sessions = new Map<string, Session>();
  #lastSerial = 0;
  #connected = 0;

  constructor(context: Context) {
    this.#context = context;
  }

  /** Sessions, connected or not. */
  get size(): number {
    return this.#sessions.size;
  }

  get connected(): number {
    return this.#connected;
  }

  get(clientId: string): Session | undefined {
    return this.#sessions.get(clientId);
  }

  /**
   * Begins or resumes a session; whoever had it has been disconnected. `present`: it is an old one. What the client is
   * promised with its CONNACK is durable once `ticket` is committed.
   */
  open(request: SessionRequest): { session: Session; present: boolean; ticket: Ticket } {
    const { router, store, wheel } = this.#context;
    const { principal, clean } = request;
    let session = this.#sessions.get(principal.clientId);
    // One that does not last has no connection here if it was opened a moment ago, for a CONNECT that this one supersedes.
    if (session !== undefined && (clean || !session.lasting)) {
      this.end(session); // [MQTT-3.1.2-4]
      session = undefined;
    }
    const present = session !== undefined;
    if (session === undefined) {
      session = new Session(this.#context, principal.clientId, ++this.#lastSerial, principal);
      this.#add(session);
    }
    wheel.cancel(session.timer);
    // What the one before might do or read says nothing about this one.
    if (present && !haveSameRights(session.principal, principal)) {
      router.invalidate();
      session.doubtRights();
    }
    session.principal = principal;
    session.protocolVersion = request.protocolVersion;
    session.expiryIntervalS = request.expiryIntervalS;
    session.will = request.will; // A delayed will of the last connection is not sent any more [MQTT-3.1.3-9].
    session.disconnectedAtMs = null;
    session.epoch++;
    if (session.lasting || session.isStored) {
      session.isStored = true;
      store.append({ kind: 'session', record: session.record });
    }
    return { session, present, ticket: session.isStored ? store.appended : 0 };
  }

  #add(session: Session): void {
    const { counters } = this.#context;
    this.#sessions.set(session.clientId, session);
    if (this.#sessions.size > counters.sessionsMaximum) counters.sessionsMaximum = this.#sessions.size;
  }

  /** From now on the session's messages go to this connection. */
  attach(session: Session, connection: Connection): void {
    session.connection = connection;
    connection.session = session;
    connection.epoch = session.epoch;
    this.#connected++;
  }

  /** The connection that was attached with `epoch` is over. Calls of an older epoch do nothing. */
  detach(session: Session, epoch: number, ending: Ending): void {
    if (session.epoch !== epoch || session.connection === null) return;
    session.forgetConnection();
    this.#connected--;
    if (!ending.publishWill) session.will = null; // [MQTT-3.14.4-3]
    this.#leave(session);
    // After its will: whoever takes rights away at this event does not mean that.
    this.#context.hooks.disconnected(session.principal, endingText(ending));
  }

  /** The connection that opened the session with `epoch` went before it was attached: it has no will yet. */
  abandon(session: Session, epoch: number): void {
    if (!this.isCurrent(session, epoch)) return;
    session.will = null;
    this.#leave(session);
  }

  /** Whether nobody has taken the session over, or replaced it, since it was opened with `epoch`. */
  isCurrent(session: Session, epoch: number): boolean {
    return session.epoch === epoch && this.#sessions.get(session.clientId) === session;
  }

  /** A session without a connection: it is over, or waits for the next one. */
  #leave(session: Session): void {
    const { clock, store } = this.#context;
    session.disconnectedAtMs = clock.wallMs();
    if (!session.lasting) {
      this.end(session);
      return;
    }
    if (session.will !== null && session.will.delayS === 0) this.#publishWill(session);
    else store.append({ kind: 'session', record: session.record });
    this.#arm(session, clock.monotonicMs());
  }

  /** The session is over, with all that belongs to it. */
  end(session: Session): void {
    const { router, store, wheel } = this.#context;
    wheel.cancel(session.timer);
    this.#sessions.delete(session.clientId);
    router.unsubscribeAll(session);
    // A will that waits is due at the latest when the session ends [MQTT-3.1.2-8].
    if (session.will !== null) this.#publishWill(session);
    let discarded = session.isStored ? session.unacknowledgedMessages : 0;
    const undelivered = [...session.undelivered()];
    session.queue?.forget();
    if (session.isStored) store.append({ kind: 'sessionRemoved', clientId: session.clientId });
    for (const delivery of undelivered) if (router.reassign(delivery)) discarded--;
    if (discarded > 0) this.#discarded(session, discarded);
  }

  /** Whether a session ends, and when, is for its client to choose. */
  #discarded({ clientId }: Session, messages: number): void {
    const { counters, log } = this.#context;
    counters.publishDiscarded += messages;
    if (log.types & LogType.NOTICE) {
      const what = messages === 1 ? 'a message that was' : `${messages} messages that were`;
      log.write(LogType.NOTICE, `The session of client ${clientId} ended with ${what} not delivered.`);
    }
  }

  /** Called by the session when its timer fires: its delayed will is due, or its end. */
  timerFired(session: Session): void {
    const { clock, counters, log } = this.#context;
    const nowMs = clock.monotonicMs();
    if (session.will !== null && session.willDueMs <= nowMs) this.#publishWill(session);
    if (session.expiryDueMs <= nowMs) {
      counters.sessionsExpired++;
      if (log.types & LogType.NOTICE) log.write(LogType.NOTICE, `Session of client ${session.clientId} expired.`);
      this.end(session);
    } else this.#schedule(session);
  }

  /** For the start: a session that the store kept. Its client is not connected, whatever it was when the process ended. */
  restore(stored: StoredSession): void {
    const { record } = stored;
    const { clock, queues, router, store } = this.#context;
    const { clientId, username, address } = record;
    const session = new Session(this.#context, clientId, ++this.#lastSerial, { clientId, username, address });
    session.isStored = true;
    session.protocolVersion = record.protocolVersion;
    session.expiryIntervalS = record.expiryIntervalS;
    session.will = record.will;
    session.disconnectedAtMs = record.disconnectedAtMs ?? clock.wallMs();
    this.#add(session);
    for (const subscription of stored.subscriptions) router.subscribe(session, subscription);
    if (stored.inflight.length > 0) {
      session.inflight = new Inflight<Delivery>();
      for (const { packetId, state, delivery } of stored.inflight) {
        session.inflight.restore(packetId, state, delivery === null ? null : Delivery.from(delivery));
      }
    }
    if (stored.inbound.length > 0) {
      session.inbound = new PacketIdSet();
      for (const id of stored.inbound) session.inbound.add(id);
    }
    if (stored.queuedMessages > 0) {
      session.queue = new SessionQueue(clientId, store, queues);
      session.queue.restore(stored.queuedMessages, stored.queuedBytes);
    }
    if (!session.lasting) return;
    if (record.disconnectedAtMs === null) store.append({ kind: 'session', record: session.record });
    const awayMs = Math.max(0, clock.wallMs() - session.disconnectedAtMs);
    this.#arm(session, clock.monotonicMs() - awayMs);
  }

  /**
   * For the start, once all are restored: those that were to end with their connections, which a crash ended, are over.
   * Their wills go to all the others.
   */
  endOver(): void {
    for (const session of [...this.#sessions.values()]) if (!session.lasting) this.end(session);
  }

  #arm(session: Session, sinceMs: number): void {
    const { will } = session;
    // The longest that is granted may be less than it was when the client connected.
    const longestS = this.#context.settings.maxSessionExpiryS;
    const expiryIntervalS = Math.min(session.expiryIntervalS, longestS);
    session.willDueMs = will === null ? Number.POSITIVE_INFINITY : sinceMs + will.delayS * 1000;
    session.expiryDueMs =
      expiryIntervalS === NEVER_EXPIRES ? Number.POSITIVE_INFINITY : sinceMs + expiryIntervalS * 1000;
    this.#schedule(session);
  }

  #schedule(session: Session): void {
    const dueMs = Math.min(session.willDueMs, session.expiryDueMs);
    if (dueMs < Number.POSITIVE_INFINITY) this.#context.wheel.schedule(session.timer, dueMs);
  }

  /** The will's message goes out, once; the session forgets it [MQTT-3.1.2-10]. */
  #publishWill(session: Session): void {
    const { authorizer, clock, counters, log, settings, store } = this.#context;
    const { will, principal } = session;
    if (will === null) return;
    session.will = null;
    session.willDueMs = Number.POSITIVE_INFINITY;
    const { topic } = will.message;
    const message = will.message.startingAt(clock.wallMs());
    const decide = ({ allowed, rule }: Decision): void => {
      // In one turn with the message: a crash leaves the will, or what became of it.
      const isOver = this.#sessions.get(session.clientId) !== session;
      if (session.isStored && !isOver) store.append({ kind: 'session', record: session.record });
      if (allowed) publishMessage(this.#context, message, this.#context.router.targetsOf(topic), session);
      else if (log.types & LogType.NOTICE) {
        log.write(LogType.NOTICE, `Denied will of client ${session.clientId} to '${topic}': ${rule}`);
      }
    };
    // The limit may be lower than it was when the client connected.
    const tooLarge = reasonWhyTooLarge(settings, message.payload);
    if (tooLarge !== null) counters.publishDropped++;
    const obstacle = reasonWhyReserved(topic) ?? tooLarge;
    let answer: Decision | Promise<Decision> = { allowed: obstacle === null, rule: obstacle ?? '' };
    if (obstacle === null && !authorizer.unrestricted) answer = authorizer.mayPublish(principal, topic);
    if (!(answer instanceof Promise)) {
      decide(answer);
      return;
    }
    const later = (decision: Decision): void => {
      decide(decision);
      this.#context.flush();
    };
    answer.then(later, (error: unknown) => later({ allowed: false, rule: `the authorizer failed: ${String(error)}` }));
  }
}

function haveSameRights(a: Principal, b: Principal): boolean {
  return a.username === b.username && a.address === b.address && a.access === b.access && a.grants === b.grants;
}
