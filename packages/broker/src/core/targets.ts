import type { QoS } from '@cauldron/codec';
import type { LocalSubscription } from './local-subscription.js';
import type { Session } from './session.js';
import type { SharedSubscriptions } from './shared-subscriptions.js';

/** One delivery that a publish makes: to which session, and how its subscription, or several of them, want it. */
export class Target {
  readonly session: Session;
  /** The most that the subscription takes. */
  readonly qos: QoS;
  readonly retainAsPublished: boolean;
  /** The identifiers of the matching subscriptions; null for none. */
  readonly identifiers: readonly number[] | null;
  /** What the session gets of its own messages: this target, less of it, or nothing (no-local). */
  forOwn: Target | null = this;

  constructor(session: Session, qos: QoS, retainAsPublished: boolean, identifiers: readonly number[] | null) {
    this.session = session;
    this.qos = qos;
    this.retainAsPublished = retainAsPublished;
    this.identifiers = identifiers;
  }

  /** Whether what it gets of messages with QoS 1 and 2 is stored. */
  get isStored(): boolean {
    return this.qos > 0 && this.session.lasting;
  }
}

/**
 * All that a topic leads to. Topics with the same matching subscriptions share one object, so that two adjacent messages
 * with different topics can be seen to go the same way by comparing one reference.
 */
export class Targets {
  readonly sessions: readonly Target[];
  /** Groups of which one member gets the message. */
  readonly shared: readonly SharedSubscriptions[];
  readonly local: readonly LocalSubscription[];
  /** Sessions that are in there more than once: they get each message as often before the next. Null: none. */
  readonly repeated: ReadonlySet<Session> | null;
  /** Whether who gets what must be decided for each message; else a run of messages goes out as one piece. */
  readonly perMessage: boolean;

  constructor(
    sessions: readonly Target[],
    shared: readonly SharedSubscriptions[],
    local: readonly LocalSubscription[],
  ) {
    this.sessions = sessions;
    this.shared = shared;
    this.local = local;
    this.repeated = repeatedSessions(sessions);
    this.perMessage = shared.length > 0 || local.length > 0;
  }

  get isEmpty(): boolean {
    return this.sessions.length === 0 && !this.perMessage;
  }
}

function repeatedSessions(targets: readonly Target[]): Set<Session> | null {
  const once = new Set<Session>();
  let repeated: Set<Session> | null = null;
  for (const { session } of targets) {
    if (once.has(session)) {
      repeated ??= new Set();
      repeated.add(session);
    } else once.add(session);
  }
  return repeated;
}

export const NO_TARGETS = new Targets([], [], []);
