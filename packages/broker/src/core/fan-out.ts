import type { QoS } from '@cauldron/codec';
import type { Context } from './context.js';
import { Delivery } from './delivery.js';
import type { Message } from './message.js';
import type { Position } from './ports/store.js';
import { SHARDS } from './ports/store.js';
import { QUEUE_IS_FULL, type Session } from './session.js';

/** Messages in full queues that are examined in one tick at most, whether they have expired: a few ms of work. */
const EXAMINED_PER_TICK = 4096;

/**
 * Gives one message to several sessions with QoS 1 or 2. Two steps, because the store must know a message before anybody
 * gets it: `add` for each session, then `deliver`. What lasting sessions of one shard wait for is stored once.
 */
export class FanOut {
  readonly #context: Context;
  readonly #sessions: Session[] = [];
  readonly #deliveries: Delivery[] = [];
  /** By shard: where the message will lie; 0 while no lasting session of the shard wants it. */
  readonly #positions: Position[] = new Array(SHARDS).fill(0);
  /** The copies that the store is to keep. More than one for a shard only if a session gets the message twice. */
  readonly #copies: { readonly shard: number; readonly position: Position }[] = [];
  /** The tick, by the wheel's clock, in which queues were examined last, and how many messages still may be in it. */
  #examinedAtMs = 0;
  #mayExamine = 0;

  constructor(context: Context) {
    this.#context = context;
  }

  /** False: the session's queue is full, or the store takes nothing new; it has been counted and logged. */
  add(
    session: Session,
    message: Message,
    qos: QoS,
    retain: boolean,
    identifiers: readonly number[] | null,
    sharedFilter: string | null,
  ): boolean {
    if (!session.canAccept() && !this.#makesRoom(session)) {
      session.refuse(message, QUEUE_IS_FULL);
      return false;
    }
    // With QoS 1 and 2 it was refused before, or promised before; nothing was ever promised of one with QoS 0.
    if (message.qos === 0 && session.lasting && this.#context.shortage.isShort) {
      session.refuse(message, this.#context.shortage.summary);
      return false;
    }
    const position = session.lasting ? this.#positionFor(session) : 0;
    this.#sessions.push(session);
    this.#deliveries.push(new Delivery(message, session.clientId, qos, retain, identifiers, position, sharedFilter));
    return true;
  }

  /** What has expired while it waited must not keep new messages out of the queue. */
  #makesRoom(session: Session): boolean {
    const { wheel } = this.#context;
    if (this.#examinedAtMs !== wheel.now) {
      this.#examinedAtMs = wheel.now;
      this.#mayExamine = EXAMINED_PER_TICK;
    }
    if (this.#mayExamine <= 0) return false;
    this.#mayExamine -= session.dropExpired(this.#mayExamine);
    return session.canAccept();
  }

  deliver(message: Message): void {
    const sessions = this.#sessions;
    if (sessions.length === 0) return;
    for (const { shard, position } of this.#copies) this.#store(shard, position, message);
    empty(this.#copies);
    for (let i = 0; i < sessions.length; i++) sessions[i].deliver(this.#deliveries[i]);
    empty(sessions);
    empty(this.#deliveries);
  }

  #positionFor(session: Session): Position {
    const { shard } = session;
    let position = this.#positions[shard];
    // Overlapping subscriptions can give a session the message twice: each has a position of its own.
    if (position === 0 || position === session.lastPosition) {
      position = this.#context.store.nextPosition(shard);
      this.#positions[shard] = position;
      this.#copies.push({ shard, position });
    }
    session.lastPosition = position;
    return position;
  }

  #store(shard: number, position: Position, message: Message): void {
    this.#positions[shard] = 0;
    const deliveries = this.#deliveries;
    const sessions =
      deliveries.length === 1
        ? [deliveries[0]]
        : deliveries.filter((delivery, i) => delivery.position === position && this.#sessions[i].shard === shard);
    this.#context.store.append({ kind: 'queued', shard, position, message: message.keep(), sessions });
  }
}

/** Not `length = 0`: that gives the memory of the elements away, and the next message would need new one. */
function empty(list: unknown[]): void {
  while (list.length > 0) list.pop();
}
