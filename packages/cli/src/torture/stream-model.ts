import type { Findings } from './findings.js';
import type { SessionModel } from './session-model.js';
import { type Moment, type Note, OPEN, type Timeline } from './timeline.js';

/** QoS of the messages of a stream, and of their subscriptions. */
export type StreamQoS = 1 | 2;

/** One message. It may have been routed, each time that it was sent, at any moment from `since` to `finished`. */
interface Sent {
  readonly number: number;
  readonly since: Moment;
  /** The broker has taken it over: PUBACK or PUBREC came. OPEN until then. */
  accepted: Moment;
  /** PUBACK or PUBCOMP came: it is not routed again. OPEN until then, or for ever if nobody will ask. */
  finished: Moment;
  resent: readonly Moment[];
  isAbandoned: boolean;
}

interface FirstArrival {
  readonly at: Moment;
  readonly interruptions: number;
  repetitions: number;
}

/** What one session has had of one stream. */
interface Inbox {
  readonly session: SessionModel;
  readonly filter: string;
  highest: number;
  /** Numbers up to `highest` that have not come. */
  readonly missing: Set<number>;
  readonly arrivals: Map<number, FirstArrival>;
}

/** What most messages share: they are sent once. */
const NEVER: readonly Moment[] = [];

/** Messages that stay known after all have had them, so that a repetition finds its history. */
const KEPT = 2_000;
const PRUNE_EVERY = 1_000;

/**
 * The numbered messages of one topic: one publisher, one QoS. Whoever subscribes gets them in the order of their numbers;
 * at QoS 2 once; at QoS 1 as often as the publisher sent it, and each of these once more for each time that the broker may have missed
 * the acknowledgement.
 */
export class StreamModel {
  readonly topic: string;
  readonly qos: StreamQoS;
  readonly #publisher: string;
  readonly #timeline: Timeline;
  readonly #findings: Findings;
  /** In the order of their numbers, which begin with `#base`. */
  readonly #sent: Sent[] = [];
  #base = 1;
  readonly #inboxes = new Map<SessionModel, Inbox>();
  readonly #lossKind: 'lost' | 'will';

  /** @param lossKind what it is called when a message is lost */
  constructor(
    topic: string,
    qos: StreamQoS,
    publisher: string,
    timeline: Timeline,
    findings: Findings,
    lossKind: 'lost' | 'will' = 'lost',
  ) {
    this.topic = topic;
    this.qos = qos;
    this.#publisher = publisher;
    this.#timeline = timeline;
    this.#findings = findings;
    this.#lossKind = lossKind;
  }

  /** The number of the next message, which is about to be sent. */
  publishing(): number {
    const number = this.#base + this.#sent.length;
    const since = this.#timeline.now();
    this.#sent.push({ number, since, accepted: OPEN, finished: OPEN, resent: NEVER, isAbandoned: false });
    if (number % PRUNE_EVERY === 0) this.#prune();
    return number;
  }

  resending(number: number): void {
    const sent = this.#get(number);
    if (sent !== undefined) sent.resent = [...sent.resent, this.#timeline.now()];
  }

  /** PUBACK or PUBREC came. */
  accepted(number: number): void {
    const sent = this.#get(number);
    if (sent !== undefined && sent.accepted === OPEN) sent.accepted = this.#timeline.now();
  }

  /** PUBACK or PUBCOMP came. */
  finished(number: number): void {
    const sent = this.#get(number);
    if (sent !== undefined) sent.finished = this.#timeline.now();
  }

  /** Its publisher has lost its session: whether the message is routed, and when, will not be known. */
  abandoned(number: number): void {
    const sent = this.#get(number);
    if (sent !== undefined) sent.isAbandoned = true;
  }

  /** A session whose filter matches the topic exists. Called again and again. */
  isFor(session: SessionModel): void {
    if (this.#inboxes.has(session)) return;
    const filter = session.filterOf(this.topic);
    if (filter === undefined) return;
    this.#inboxes.set(session, { session, filter, highest: 0, missing: new Set(), arrivals: new Map() });
  }

  /** A message came, which is not the repetition of one whose QoS 2 handshake is under way. */
  arrived(session: SessionModel, number: number): void {
    this.isFor(session);
    const inbox = this.#inboxes.get(session);
    const sent = this.#get(number);
    const { clientId } = session;
    if (inbox === undefined || number >= this.#base + this.#sent.length) {
      const why = inbox === undefined ? 'never subscribed to' : 'that nobody has published yet';
      this.#complain('corrupt', `${clientId} got ${this.#name(number)}, ${why}`, number, session);
      return;
    }
    const at = this.#timeline.now();
    if (number > inbox.highest) {
      for (let skipped = Math.max(inbox.highest + 1, this.#base); skipped < number; skipped++)
        inbox.missing.add(skipped);
      inbox.highest = number;
    } else if (inbox.missing.delete(number)) {
      if (!this.#mayBeLate(inbox, sent)) {
        this.#complain('disorder', `${clientId} got ${this.#name(number)} after ${inbox.highest}`, number, session);
      }
    } else {
      this.#repeated(inbox, number, sent, at);
      return;
    }
    this.#findings.checks.deliveries++;
    inbox.arrivals.set(number, { at, interruptions: session.interruptions, repetitions: 0 });
    if (sent !== undefined) this.#judgeRight(inbox, sent, at);
  }

  /** How many that must come have not come yet. */
  get outstanding(): number {
    let count = 0;
    for (const inbox of this.#inboxes.values()) for (const _ of this.#lacking(inbox)) count++;
    return count;
  }

  /** Nothing comes any more: what has not come is lost. */
  judge(): void {
    for (const inbox of this.#inboxes.values()) for (const sent of this.#lacking(inbox)) this.#lost(inbox, sent);
  }

  /** Whether any session has had it. */
  hasArrived(number: number): boolean {
    return [...this.#inboxes.values()].some(({ arrivals }) => arrivals.has(number));
  }

  #repeated(inbox: Inbox, number: number, sent: Sent | undefined, at: Moment): void {
    const first = inbox.arrivals.get(number);
    const { session } = inbox;
    if (first !== undefined && this.qos === 1) {
      first.repetitions++;
      const copies = 1 + (sent?.resent.length ?? 0);
      const allowed = copies * (1 + session.interruptions - first.interruptions);
      if (1 + first.repetitions <= allowed) return;
    }
    const before = first === undefined ? [] : [{ at: first.at, text: `${session.clientId} gets it` }];
    const text = `${session.clientId} got ${this.#name(number)} again`;
    this.#complain('duplicate', text, number, session, [...before, { at, text: `${session.clientId} gets it again` }]);
  }

  /**
   * Whether a message may come for the first time after later ones: at QoS 1, if it was sent again to a session that had
   * not subscribed when it was sent first.
   */
  #mayBeLate({ session, filter }: Inbox, sent: Sent | undefined): boolean {
    const resentAt = sent?.resent.at(-1);
    if (this.qos === 2 || sent === undefined || resentAt === undefined) return false;
    return session.subscribedOver(filter, sent.since, resentAt) !== 'throughout';
  }

  /** Whether it may come to this session at all. */
  #judgeRight({ session, filter }: Inbox, sent: Sent, at: Moment): void {
    const { clientId } = session;
    if (session.subscribedOver(filter, sent.since, Math.min(sent.finished, at)) === 'never') {
      const text = `${clientId} got ${this.#name(sent.number)} through ${filter}, which it had ended before`;
      this.#findings.add('subscription', text, () => this.#history(sent.number, session, filter));
    } else if (sent.finished < session.cleanSince) {
      const text = `${clientId} got ${this.#name(sent.number)}, which is older than its clean start`;
      this.#findings.add('session', text, () => this.#history(sent.number, session, filter));
    }
  }

  /** What this session must get and has not. */
  *#lacking(inbox: Inbox): Generator<Sent> {
    for (const number of inbox.missing) {
      const sent = this.#get(number);
      if (sent !== undefined && this.#isOwed(inbox, sent)) yield sent;
    }
    for (let number = Math.max(inbox.highest + 1, this.#base); number < this.#base + this.#sent.length; number++) {
      const sent = this.#get(number);
      if (sent !== undefined && this.#isOwed(inbox, sent)) yield sent;
    }
  }

  #isOwed({ session, filter }: Inbox, { since, accepted, finished }: Sent): boolean {
    if (accepted === OPEN) return false;
    const routed = Math.min(finished, this.#timeline.now());
    return session.subscribedOver(filter, since, routed) === 'throughout' && !session.hasLeft(filter, since);
  }

  #lost({ session, filter }: Inbox, { number }: Sent): void {
    const text = `${session.clientId} never got ${this.#name(number)}, which was acknowledged`;
    this.#findings.add(this.#lossKind, text, () => this.#history(number, session, filter));
  }

  /** Forgets messages that all sessions have had, or will not have any more. */
  #prune(): void {
    let end = this.#base + this.#sent.length - KEPT;
    for (const { session, filter, highest } of this.#inboxes.values()) {
      const now = this.#timeline.now();
      if (session.subscribedOver(filter, now, now) !== 'never') end = Math.min(end, highest);
    }
    const isOver = ({ finished, isAbandoned }: Sent): boolean => finished !== OPEN || isAbandoned;
    let count = 0;
    while (this.#base + count < end && isOver(this.#sent[count])) count++;
    if (count === 0) return;
    const base = this.#base + count;
    for (const inbox of this.#inboxes.values()) {
      for (const number of inbox.missing) {
        if (number >= base) continue;
        const sent = this.#get(number);
        // Later ones have come: it would be out of order now.
        if (sent !== undefined && this.#isOwed(inbox, sent)) this.#lost(inbox, sent);
        inbox.missing.delete(number);
      }
      for (const number of inbox.arrivals.keys()) {
        if (number >= base) break;
        inbox.arrivals.delete(number);
      }
    }
    this.#sent.splice(0, count);
    this.#base = base;
  }

  #get(number: number): Sent | undefined {
    return this.#sent[number - this.#base];
  }

  #name(number: number): string {
    return `message ${number} of ${this.topic} (QoS ${this.qos})`;
  }

  #complain(
    kind: 'corrupt' | 'disorder' | 'duplicate',
    text: string,
    number: number,
    session: SessionModel,
    own: readonly Note[] = [],
  ): void {
    this.#findings.add(kind, text, () => this.#history(number, session, '', own));
  }

  #history(number: number, session: SessionModel, filter: string, own: readonly Note[] = []): string[] {
    const sent = this.#get(number);
    const { clientId } = session;
    const subjects = ['broker', clientId, this.#publisher, `${clientId} ${filter}`];
    if (sent === undefined) return this.#timeline.history(subjects, 0, own);
    const [accepted, finished] = this.qos === 1 ? ['PUBACK', 'PUBACK'] : ['PUBREC', 'PUBCOMP'];
    const notes: Note[] = [...own, { at: sent.since, text: `${this.#publisher} sends PUBLISH ${number}` }];
    for (const at of sent.resent) notes.push({ at, text: `${this.#publisher} sends it again` });
    if (sent.accepted !== OPEN) notes.push({ at: sent.accepted, text: `${this.#publisher} gets ${accepted}` });
    if (sent.finished !== OPEN && this.qos === 2) {
      notes.push({ at: sent.finished, text: `${this.#publisher} gets ${finished}` });
    }
    return this.#timeline.history(subjects, sent.since, notes);
  }
}
