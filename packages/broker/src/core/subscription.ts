import type { SubscriptionRecord } from './ports/store.js';
import type { Session } from './session.js';
import type { SharedSubscriptions } from './shared-subscriptions.js';
import { Target } from './targets.js';

/** One session's subscription to one filter. A SUBSCRIBE that changes it replaces the object. */
export class Subscription {
  readonly kind = 'session';
  /** Unique in this process: target lists are known by the serial numbers in them. */
  readonly serial: number;
  readonly session: Session;
  readonly record: SubscriptionRecord;
  readonly target: Target;
  /** The group that it takes part in, for `$share/...`. */
  readonly group: SharedSubscriptions | null;

  constructor(serial: number, session: Session, record: SubscriptionRecord, group: SharedSubscriptions | null) {
    this.serial = serial;
    this.session = session;
    this.record = record;
    this.group = group;
    const { qos, retainAsPublished, identifier, noLocal } = record;
    this.target = new Target(session, qos, retainAsPublished, identifier === 0 ? null : [identifier]);
    if (noLocal) this.target.forOwn = null; // [MQTT-3.8.3-3]
  }

  /** For the choice of a member within its group. */
  get connected(): boolean {
    return this.session.connection !== null;
  }
}
