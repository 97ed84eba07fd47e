import { ProtocolError } from './protocol-error.js';
import { ReasonCode } from './reason-codes.js';
import { MAX_STRING_BYTES, utf8Length } from './utf8.js';

const SLASH = 0x2f;
const PLUS = 0x2b;
const HASH = 0x23;
const DOLLAR = 0x24;
const SHARE_PREFIX = '$share/';

/** A shared subscription's filter, taken apart (MQTT 5.0, section 4.8.2). */
export interface SharedFilter {
  group: string;
  /** What the members of the group share: an ordinary topic filter. */
  filter: string;
}

/** Whether a message may be published to `topic`: 1 to 65,535 bytes, no wildcard, no null character. */
export function isValidTopicName(topic: string): boolean {
  return topicNameFault(topic) === null;
}

/**
 * Whether `filter` may be subscribed to: 1 to 65,535 bytes, no null character, `+` alone in its level, `#` alone in the
 * last one. Does not look into `$share/...`; `parseSharedFilter` does.
 */
export function isValidTopicFilter(filter: string): boolean {
  return topicFilterFault(filter) === null;
}

/** @throws ProtocolError TOPIC_NAME_INVALID that says what is wrong, where `isValidTopicName` is false */
export function assertTopicName(topic: string): void {
  const fault = topicNameFault(topic);
  if (fault !== null) throw new ProtocolError(ReasonCode.TOPIC_NAME_INVALID, `Topic name ${quote(topic)} ${fault}`);
}

/** @throws ProtocolError TOPIC_FILTER_INVALID that says what is wrong, where `isValidTopicFilter` is false */
export function assertTopicFilter(filter: string): void {
  const fault = topicFilterFault(filter);
  if (fault !== null) throw invalidFilter(filter, fault);
}

/**
 * Takes a shared subscription's filter apart; null if `filter` is an ordinary one.
 * @param filter valid by itself (`isValidTopicFilter`)
 * @throws ProtocolError TOPIC_FILTER_INVALID if it begins with `$share/` but the group name or the filter is missing, or
 * the group name contains a wildcard
 */
export function parseSharedFilter(filter: string): SharedFilter | null {
  if (!filter.startsWith(SHARE_PREFIX)) return null;
  const slash = filter.indexOf('/', SHARE_PREFIX.length);
  // [MQTT-4.8.2-1]
  if (slash === SHARE_PREFIX.length || filter.length === SHARE_PREFIX.length) {
    throw invalidFilter(filter, 'has no group name after $share/');
  }
  const group = slash === -1 ? filter.slice(SHARE_PREFIX.length) : filter.slice(SHARE_PREFIX.length, slash);
  // [MQTT-4.8.2-2]
  if (hasWildcard(group)) throw invalidFilter(filter, 'has a wildcard in the group name');
  if (slash === -1 || slash + 1 === filter.length)
    throw invalidFilter(filter, 'has no topic filter after the group name');
  return { group, filter: filter.slice(slash + 1) };
}

/**
 * Whether a message to `topic` belongs to a subscription with `filter`. Both must be valid. For a shared subscription the
 * filter behind the group name decides.
 */
export function topicMatches(filter: string, topic: string): boolean {
  const filterEnd = filter.length;
  const topicEnd = topic.length;
  let f = filter.startsWith(SHARE_PREFIX) ? filter.indexOf('/', SHARE_PREFIX.length) + 1 : 0;
  let t = 0;
  const first = filter.charCodeAt(f);
  // [MQTT-4.7.2-1]
  if ((first === PLUS || first === HASH) && topic.charCodeAt(0) === DOLLAR) return false;
  // Each turn compares one level; `f` and `t` are where it begins.
  for (;;) {
    const code = filter.charCodeAt(f);
    if (code === HASH) return true;
    if (code === PLUS) {
      f++;
      while (t < topicEnd && topic.charCodeAt(t) !== SLASH) t++;
    } else {
      while (f < filterEnd && filter.charCodeAt(f) !== SLASH) {
        if (t === topicEnd || topic.charCodeAt(t) !== filter.charCodeAt(f)) return false;
        f++;
        t++;
      }
      if (t < topicEnd && topic.charCodeAt(t) !== SLASH) return false;
    }
    if (f === filterEnd) return t === topicEnd;
    // `sport/#` includes `sport` itself.
    if (t === topicEnd) return f + 2 === filterEnd && filter.charCodeAt(f + 1) === HASH;
    f++;
    t++;
  }
}

/** The number of levels: `a/b` has two, and so has `/a`. */
export function countLevels(topic: string): number {
  let levels = 1;
  for (let at = topic.indexOf('/'); at !== -1; at = topic.indexOf('/', at + 1)) levels++;
  return levels;
}

/** Whether a wildcard character stands anywhere in `text`. */
export function hasWildcard(text: string): boolean {
  return text.includes('+') || text.includes('#');
}

/** What is wrong with a topic name, in words that follow the name; null if it is valid. */
function topicNameFault(topic: string): string | null {
  const fault = textFault(topic);
  if (fault !== null) return fault;
  return hasWildcard(topic) ? 'contains a wildcard' : null; // [MQTT-4.7.0-1]
}

function topicFilterFault(filter: string): string | null {
  const fault = textFault(filter);
  if (fault !== null) return fault;
  for (let i = 0; i < filter.length; i++) {
    const code = filter.charCodeAt(i);
    if (code !== PLUS && code !== HASH) continue;
    const atLevelStart = i === 0 || filter.charCodeAt(i - 1) === SLASH;
    const isLast = i + 1 === filter.length;
    // [MQTT-4.7.1-1]
    if (code === HASH && !(atLevelStart && isLast)) return 'has a # that is not alone in the last level';
    // [MQTT-4.7.1-2]
    if (code === PLUS && !(atLevelStart && (isLast || filter.charCodeAt(i + 1) === SLASH))) {
      return 'has a + that is not alone in its level';
    }
  }
  return null;
}

function textFault(topic: string): string | null {
  if (topic.length === 0) return 'is empty'; // [MQTT-4.7.3-1]
  const bytes = utf8Length(topic);
  if (bytes < 0) return 'contains the null character or half of a surrogate pair'; // [MQTT-4.7.3-2]
  return bytes > MAX_STRING_BYTES ? `has more than ${MAX_STRING_BYTES} bytes` : null; // [MQTT-4.7.3-3]
}

function invalidFilter(filter: string, fault: string): ProtocolError {
  return new ProtocolError(ReasonCode.TOPIC_FILTER_INVALID, `Topic filter ${quote(filter)} ${fault}`);
}

/** For messages: short, and without control characters, which a log line must not carry. */
function quote(topic: string): string {
  return JSON.stringify(topic.length > 100 ? `${topic.slice(0, 100)}...` : topic);
}
