import type { RetainHandling } from '@cauldron/codec';
import type { SubscriptionRecord } from './ports/store.js';
import type { Session } from './session.js';
import type { SharedSubscriptions } from './shared-subscriptions.js';
import { Target } from './targets.js';

/**
 * One session's subscription to one filter, and what a matching message makes of it. A SUBSCRIBE that changes it replaces
 * the object. There may be millions: what can be worked out is not kept.
 */
export class Subscription extends Target {
  /** Unique in this process: target lists are known by the serial numbers in them. */
  readonly serial: number;
  /** As it was subscribed, `$share/...` included. */
  readonly filter: string;
  /** The group that it takes part in, for `$share/...`. */
  readonly group: SharedSubscriptions | null;
  readonly #retainHandling: RetainHandling;

  constructor(serial: number, session: Session, record: SubscriptionRecord, group: SharedSubscriptions | null) {
    const { filter, qos, retainAsPublished, retainHandling, identifier, noLocal } = record;
    super(session, qos, retainAsPublished, identifier === 0 ? null : [identifier]);
    this.serial = serial;
    this.filter = filter;
    this.group = group;
    this.#retainHandling = retainHandling;
    if (noLocal) this.forOwn = null; // [MQTT-3.8.3-3]
  }

  get kind(): 'session' {
    return 'session';
  }

  /** For the choice of a member within its group. */
  get connected(): boolean {
    return this.session.connection !== null;
  }

  /** Whether it is just this: clients subscribe again whenever they connect. */
  is({ filter, qos, noLocal, retainAsPublished, retainHandling, identifier }: SubscriptionRecord): boolean {
    return (
      this.filter === filter &&
      this.qos === qos &&
      (this.forOwn === null) === noLocal &&
      this.retainAsPublished === retainAsPublished &&
      this.#retainHandling === retainHandling &&
      (this.identifiers?.[0] ?? 0) === identifier
    );
  }
}
