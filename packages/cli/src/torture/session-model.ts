import { topicMatches } from '@cauldron/codec';
import type { Findings } from './findings.js';
import { type Moment, OPEN, type Timeline } from './timeline.js';

/**
 * `clean`: the client began anew. `lost`: the broker was found to have forgotten the session, which excuses nothing that
 * it had promised before.
 */
type ChangeKind = 'subscribe' | 'unsubscribe' | 'clean' | 'lost';

/** It happened between these two moments; `until` is OPEN while the broker has not answered. */
interface Change {
  readonly kind: ChangeKind;
  readonly since: Moment;
  until: Moment;
  /** It was sent again, so that the answer may be about a second time. */
  isRepeated: boolean;
}

/** How a connection ended. After all but `disconnect`, the broker may not have read what the client sent last. */
export type Ending = 'disconnect' | 'drop' | 'take-over' | 'kill';

/** Whether the broker has the session. `unknown`: it was asked to begin one and has not answered. */
type Presence = 'absent' | 'unknown' | 'present';

/** Whether a subscription was there all the time between two moments. */
export type Subscribed = 'throughout' | 'never' | 'unknown';

/** What the broker has promised to one client whose session lasts. */
export class SessionModel {
  readonly clientId: string;
  readonly #timeline: Timeline;
  readonly #findings: Findings;
  /** By filter, in the order in which they were asked for. No two filters of a session match the same topic. */
  readonly #changes = new Map<string, Change[]>();
  /** Those that wait for their answer. */
  readonly #asked = new Map<string, Change>();
  readonly #filterOfTopic = new Map<string, string>();
  #presence: Presence = 'absent';
  #isClean = false;
  #connectSince: Moment = 0;
  #cleanSince: Moment = 0;
  #cutOff = 0;

  constructor(clientId: string, timeline: Timeline, findings: Findings) {
    this.clientId = clientId;
    this.#timeline = timeline;
    this.#findings = findings;
  }

  /**
   * How often the broker may have missed what the client said last: kills, and ends of its connection without DISCONNECT.
   * A message of QoS 1 may come once more for each.
   */
  get interruptions(): number {
    return this.#timeline.kills + this.#cutOff;
  }

  /** When the client asked for the session that it has now: what was over before must not come in it. */
  get cleanSince(): Moment {
    return this.#cleanSince;
  }

  connecting(clean: boolean): void {
    const since = this.#timeline.note(this.clientId, `${this.clientId} connects${clean ? ' with a clean start' : ''}`);
    this.#isClean = clean;
    this.#connectSince = since;
    if (clean) this.#changeAll('clean', since, OPEN);
  }

  /** CONNACK came. */
  connected(sessionPresent: boolean): void {
    const { clientId } = this;
    const at = this.#timeline.note(clientId, `${clientId} is told: session ${sessionPresent ? '' : 'not '}present`);
    const presence = this.#presence;
    this.#presence = 'present';
    if (presence !== 'unknown') this.#findings.checks.sessions++;
    if (this.#isClean) {
      this.#cleanSince = this.#connectSince;
      this.#close(at);
      if (sessionPresent) this.#complain(`${clientId} asked for a clean start, and got an old session`);
      return;
    }
    if (sessionPresent && presence === 'absent') this.#complain(`${clientId} is told of a session that never was`);
    if (sessionPresent) return;
    if (presence === 'present') this.#complain(`${clientId} has lost its session`);
    this.#close(at);
    this.#changeAll('lost', at, at);
  }

  ended(how: Ending, wasConnected: boolean): void {
    if (!wasConnected && this.#presence === 'absent') this.#presence = 'unknown';
    if (how === 'drop' || how === 'take-over') this.#cutOff++;
    this.#timeline.note(this.clientId, `the connection of ${this.clientId} has ended (${how})`);
  }

  /** SUBSCRIBE leaves, perhaps once more. */
  subscribing(filter: string): void {
    this.#ask('subscribe', filter);
  }

  subscribed(filter: string): void {
    this.#answer(filter);
  }

  /** UNSUBSCRIBE leaves, perhaps once more. */
  unsubscribing(filter: string): void {
    this.#ask('unsubscribe', filter);
  }

  /** @param existed what the broker says about the subscription that was to end; undefined where it says nothing (3.1.1) */
  unsubscribed(filter: string, existed: boolean | undefined): void {
    const asked = this.#asked.get(filter);
    if (asked !== undefined && existed !== undefined) {
      const before = stateOver(this.#changes.get(filter) ?? [], asked.since, this.#timeline.now(), asked);
      if (before !== 'unknown') this.#findings.checks.subscriptions++;
      if (!existed && before === 'throughout' && !asked.isRepeated) {
        this.#complain(`${this.clientId} has lost its subscription to ${filter}`, filter, 'subscription');
      } else if (existed && before === 'never') {
        this.#complain(
          `${this.clientId} still has its subscription to ${filter}, which was ended`,
          filter,
          'subscription',
        );
      }
    }
    this.#answer(filter);
  }

  /** The filter, of all that the session has ever had, that matches the topic. */
  filterOf(topic: string): string | undefined {
    let filter = this.#filterOfTopic.get(topic);
    if (filter !== undefined) return filter;
    for (const candidate of this.#changes.keys()) if (topicMatches(candidate, topic)) filter = candidate;
    if (filter !== undefined) this.#filterOfTopic.set(topic, filter);
    return filter;
  }

  subscribedOver(filter: string, since: Moment, until: Moment): Subscribed {
    return stateOver(this.#changes.get(filter) ?? [], since, until);
  }

  /** Whether the client has asked since then for what may have thrown away messages of this filter that waited. */
  hasLeft(filter: string, since: Moment): boolean {
    const changes = this.#changes.get(filter) ?? [];
    for (let at = changes.length - 1; at >= 0 && changes[at].until > since; at--) {
      const { kind } = changes[at];
      if (kind === 'unsubscribe' || kind === 'clean') return true;
    }
    return false;
  }

  history(since: Moment, filter: string): string[] {
    return this.#timeline.history(['broker', this.clientId, subjectOf(this.clientId, filter)], since);
  }

  #ask(kind: 'subscribe' | 'unsubscribe', filter: string): void {
    const before = this.#asked.get(filter);
    const again = before !== undefined ? ' again' : '';
    const since = this.#timeline.note(
      subjectOf(this.clientId, filter),
      `${this.clientId} asks${again}: ${kind} ${filter}`,
    );
    if (before !== undefined) {
      before.isRepeated = true;
      return;
    }
    const change: Change = { kind, since, until: OPEN, isRepeated: false };
    this.#asked.set(filter, change);
    const changes = this.#changes.get(filter);
    if (changes === undefined) this.#changes.set(filter, [change]);
    else changes.push(change);
  }

  #answer(filter: string): void {
    const asked = this.#asked.get(filter);
    if (asked === undefined) return;
    const subject = subjectOf(this.clientId, filter);
    asked.until = this.#timeline.note(subject, `${this.clientId} is answered: ${asked.kind} ${filter}`);
    this.#asked.delete(filter);
  }

  /** What was not answered until now never will be; it happened or not. */
  #close(at: Moment): void {
    for (const changes of this.#changes.values()) {
      for (const change of changes) if (change.until === OPEN) change.until = at;
    }
    this.#asked.clear();
  }

  #changeAll(kind: 'clean' | 'lost', since: Moment, until: Moment): void {
    for (const changes of this.#changes.values()) changes.push({ kind, since, until, isRepeated: false });
  }

  #complain(text: string, filter = '', kind: 'session' | 'subscription' = 'session'): void {
    this.#findings.add(kind, text, () => this.history(0, filter));
  }
}

function subjectOf(clientId: string, filter: string): string {
  return `${clientId} ${filter}`;
}

function stateOver(changes: readonly Change[], since: Moment, until: Moment, except?: Change): Subscribed {
  let first = changes.length;
  // The last that was certainly over before decides; what came earlier does not matter.
  while (first > 0 && (changes[first - 1].until > since || changes[first - 1] === except)) first--;
  const settled = changes[first - 1];
  const isThere = settled?.kind === 'subscribe';
  for (let at = first; at < changes.length; at++) {
    const change = changes[at];
    if (change === except || change.since >= until) continue;
    if ((change.kind === 'subscribe') !== isThere) return 'unknown';
  }
  return isThere ? 'throughout' : 'never';
}
