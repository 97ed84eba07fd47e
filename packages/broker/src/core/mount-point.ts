import { isValidTopicFilter, isValidTopicName, ProtocolError, parseSharedFilter, ReasonCode } from '@cauldron/codec';

/**
 * Where the clients of a listener live in the topics of the broker: a text that is put in front of each of their topics
 * and filters, and taken away from what they get. It is a plain prefix, as in Mosquitto: `a` and `b` make `ab`. What the
 * broker holds (subscriptions, queues, retained messages) and what access rules see has the whole topic.
 */
export class MountPoint {
  readonly text: string;

  /** @param text one for which `mountPointFault` is null */
  constructor(text: string) {
    this.text = text;
  }

  /**
   * The whole topic for a valid one of the client.
   * @throws ProtocolError TOPIC_NAME_INVALID when it would be too long
   */
  topic(topic: string): string {
    const whole = this.text + topic;
    if (isValidTopicName(whole)) return whole;
    const reason = `the topic has more than 65535 bytes with the mount_point of the listener, '${this.text}'`;
    throw new ProtocolError(ReasonCode.TOPIC_NAME_INVALID, reason);
  }

  /**
   * The whole filter for a valid one of the client; in that of a shared subscription, behind `$share/GROUP/`. Null if it
   * would be none: too long, or with a wildcard that is not alone in its level, because the mount point ends within one.
   * @throws ProtocolError TOPIC_FILTER_INVALID for a shared subscription without group or filter
   */
  filter(filter: string): string | null {
    const shared = parseSharedFilter(filter);
    const whole = shared === null ? this.text + filter : `$share/${shared.group}/${this.text}${shared.filter}`;
    return isValidTopicFilter(whole) ? whole : null;
  }

  /** Why `filter` is null for a filter, in words for the client. */
  get filterFault(): string {
    const end = this.text.endsWith('/') ? '' : ', which does not end with a slash: a wildcard cannot come first';
    return `this is no filter with the mount_point of the listener, '${this.text}'${end}`;
  }

  /** The topic as the client knows it; null for one that is not below the mount point: the client must not see it. */
  seen(topic: string): string | null {
    return topic.length > this.text.length && topic.startsWith(this.text) ? topic.slice(this.text.length) : null;
  }
}

/** What is wrong with a text as a mount point, in words that follow the option's name; null: nothing. */
export function mountPointFault(text: string): string | null {
  if (!isValidTopicName(text)) return 'must be the beginning of a topic: not empty, and without + and #';
  // With 'share/x/#' for a filter, '$' would make a shared subscription that leads out of it.
  if (text.startsWith('$share/') || '$share/'.startsWith(text)) return "must not be a part of '$share/'";
  return null;
}
