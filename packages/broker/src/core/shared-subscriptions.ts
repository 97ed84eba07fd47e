import { SharedGroup } from './shared-groups.js';
import type { Subscription } from './subscription.js';

/** The subscriptions `$share/GROUP/FILTER` of all sessions: one of them gets each message. */
export class SharedSubscriptions {
  readonly kind = 'shared';
  readonly serial: number;
  /** As the clients wrote it. */
  readonly sharedFilter: string;
  readonly filter: string;
  readonly members = new SharedGroup<Subscription>();

  constructor(serial: number, sharedFilter: string, filter: string) {
    this.serial = serial;
    this.sharedFilter = sharedFilter;
    this.filter = filter;
  }
}
