import type { QoS } from '@cauldron/codec';
import type { Decision, Principal } from '../core/ports/access.js';

/**
 * One set of rules about topics, such as an ACL file. Several stand in a row for a listener; the first that knows something
 * about a topic decides. Null: it has nothing to say, and the next one is asked.
 */
export interface TopicRules {
  readonly name: string;
  /** Called when an answer may have changed, so that earlier ones are forgotten. Set by whoever asks. */
  onChange: () => void;
  /** Whether `mayPublish` gives no promise. */
  readonly answersAtOnce: boolean;
  mayPublish(client: Principal, topic: string): Decision | null | Promise<Decision | null>;
  maySubscribe(client: Principal, filter: string, qos: QoS): Decision | null | Promise<Decision | null>;
  /** Absent: everybody may. Asked while an UNSUBSCRIBE is handled: it has to know. */
  mayUnsubscribe?(client: Principal, filter: string): Decision | null;
  /** Asked at delivery: it has to know. */
  mayReceive(client: Principal, topic: string): Decision | null;
}
