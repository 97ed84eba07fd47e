import type { QoS } from '@cauldron/codec';
import { topicMatches } from '@cauldron/codec';
import type { QueuedFor } from '../core/ports/store.js';
import type { MosquittoMessage, MosquittoSubscription } from './mosquitto-db.js';

/**
 * Who gets a message with QoS 1 or 2: each session once, however many of its subscriptions match, and one member of each
 * shared subscription.
 * @param turn which member that is: members take turns as it grows
 */
export function receiversOf(
  message: MosquittoMessage,
  subscriptions: readonly MosquittoSubscription[],
  turn: number,
): QueuedFor[] {
  const { topic, publisher } = message;
  const ownBySession = new Map<string, MosquittoSubscription[]>();
  const members = new Map<string, MosquittoSubscription[]>();
  for (const subscription of subscriptions) {
    const { clientId, filter, noLocal } = subscription;
    if (!topicMatches(filter, topic)) continue;
    if (filter.startsWith('$share/')) addTo(members, filter, subscription);
    else if (!noLocal || clientId !== publisher) addTo(ownBySession, clientId, subscription); // [MQTT-3.8.3-3]
  }
  const receivers = [...ownBySession.values()].map((own) => toReceiver(message, own, null));
  for (const [sharedFilter, all] of members)
    receivers.push(toReceiver(message, [all[turn % all.length]], sharedFilter));
  return receivers.filter(({ qos }) => qos > 0);
}

/** One session's part, by those of its subscriptions that match. */
function toReceiver(
  message: MosquittoMessage,
  subscriptions: readonly MosquittoSubscription[],
  sharedFilter: string | null,
): QueuedFor {
  const identifiers = subscriptions.map(({ identifier }) => identifier).filter((identifier) => identifier > 0);
  return {
    clientId: subscriptions[0].clientId,
    qos: Math.min(message.qos, Math.max(...subscriptions.map(({ qos }) => qos))) as QoS, // [MQTT-3.3.5-1]
    retain: message.retain && subscriptions.some(({ retainAsPublished }) => retainAsPublished),
    identifiers: identifiers.length === 0 ? null : identifiers,
    sharedFilter,
  };
}

function addTo<T>(lists: Map<string, T[]>, key: string, item: T): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [item]);
  else list.push(item);
}
