import {
  countLevels,
  PacketType,
  ProtocolError,
  type QoS,
  ReasonCode,
  type Subscribe,
  type SubscribeRequest,
} from '@cauldron/codec';
import type { Connection } from '../connection.js';
import type { Context } from '../context.js';
import { Delivery } from '../delivery.js';
import { LogType } from '../ports/log.js';
import type { SubscriptionRecord } from '../ports/store.js';
import type { Session } from '../session.js';

/** How the filters of shared subscriptions begin. */
const SHARED = '$share/';

export function handleSubscribe(context: Context, connection: Connection, packet: Subscribe): void {
  const { session } = connection;
  if (session === null) return;
  checkSharedOptions(packet.subscriptions);
  const verdicts: ReasonCode[] = [];
  for (const request of packet.subscriptions) {
    const verdict = judge(context, connection, session, request);
    if (verdict === null) return;
    verdicts.push(verdict);
  }
  connection.forgetDecisions();

  const identifier = packet.properties?.subscriptionIdentifiers?.[0] ?? 0;
  const { store } = context;
  const appendedBefore = store.appended;
  const reasonCodes: ReasonCode[] = [];
  const replays: SubscriptionRecord[] = [];
  packet.subscriptions.forEach((request, i) => {
    const added = verdicts[i] < ReasonCode.UNSPECIFIED_ERROR ? subscribe(context, session, request, identifier) : null;
    if (added === null) {
      // Several filters in one packet may together be too many.
      reasonCodes.push(verdicts[i] < ReasonCode.UNSPECIFIED_ERROR ? ReasonCode.QUOTA_EXCEEDED : verdicts[i]);
      return;
    }
    reasonCodes.push(verdicts[i]);
    if (repliesWithRetained(added.record, added.isNew)) replays.push(added.record);
  });
  const ticket = store.appended === appendedBefore ? 0 : store.appended;
  // [MQTT-3.8.4-1] [MQTT-3.8.4-2] [MQTT-3.8.4-5] [MQTT-3.8.4-6]
  connection.send({ type: PacketType.SUBACK, packetId: packet.packetId, reasonCodes }, ticket);
  context.afterCommit(ticket, () => {
    for (const record of replays) session.replay(retainedFor(context, session, record));
  });
}

/** [MQTT-3.8.3-4] No-local is for a session's own messages; in a group, they may be anybody's. */
function checkSharedOptions(requests: readonly SubscribeRequest[]): void {
  for (const { filter, noLocal } of requests) {
    if (noLocal && filter.startsWith(SHARED)) {
      throw new ProtocolError(ReasonCode.PROTOCOL_ERROR, `no-local with the shared subscription '${filter}'`);
    }
  }
}

/** What SUBACK says of one filter; null while somebody has to be asked. Changes nothing. */
function judge(
  context: Context,
  connection: Connection,
  session: Session,
  { filter, qos }: SubscribeRequest,
): ReasonCode | null {
  const { authorizer, settings, log } = context;
  const { maximumQoS } = connection.listener;
  const granted: QoS = qos > maximumQoS ? maximumQoS : qos; // [MQTT-3.2.2-9]
  const refuse = (reasonCode: ReasonCode, why: string): ReasonCode => {
    if (log.types & LogType.NOTICE) {
      log.write(LogType.NOTICE, `Denied SUBSCRIBE from ${connection.clientId} to '${filter}': ${why}`);
    }
    return reasonCode;
  };
  const levels = countLevels(filter);
  if (levels > settings.maxTopicLevels) {
    return refuse(ReasonCode.TOPIC_FILTER_INVALID, `${levels} levels, max_topic_levels is ${settings.maxTopicLevels}`);
  }
  const { subscriptions } = session;
  if (subscriptions !== null && subscriptions.size >= settings.maxSubscriptions && !subscriptions.has(filter)) {
    return refuse(ReasonCode.QUOTA_EXCEEDED, `max_subscriptions is ${settings.maxSubscriptions}`);
  }
  if (authorizer.unrestricted) return granted;
  const decision = connection.decide(`subscribe ${filter}`, () =>
    authorizer.maySubscribe(session.principal, filter, granted),
  );
  if (decision === null) return null;
  return decision.allowed ? granted : refuse(ReasonCode.NOT_AUTHORIZED, decision.rule);
}

/** Null: the session has too many subscriptions by now. */
function subscribe(
  context: Context,
  session: Session,
  request: SubscribeRequest,
  identifier: number,
): { record: SubscriptionRecord; isNew: boolean } | null {
  const { hooks, log, router, settings, store } = context;
  const { filter, qos, noLocal, retainAsPublished, retainHandling } = request;
  const { subscriptions } = session;
  if (subscriptions !== null && subscriptions.size >= settings.maxSubscriptions && !subscriptions.has(filter))
    return null;
  const maximumQoS = session.connection?.listener.maximumQoS ?? 2;
  const record: SubscriptionRecord = {
    filter,
    qos: qos > maximumQoS ? maximumQoS : qos,
    noLocal,
    retainAsPublished,
    retainHandling,
    identifier,
  };
  const isNew = router.subscribe(session, record); // [MQTT-3.8.4-3]
  if (session.isStored) store.append({ kind: 'subscribed', clientId: session.clientId, subscription: record });
  if (log.types & LogType.SUBSCRIBE) log.write(LogType.SUBSCRIBE, `${session.clientId} ${record.qos} ${filter}`);
  hooks.subscribed(session.principal, record);
  return { record, isNew };
}

/** [MQTT-3.3.1-9] [MQTT-3.3.1-10] [MQTT-3.3.1-11]; a shared subscription gets none (4.8.2). */
function repliesWithRetained({ filter, retainHandling }: SubscriptionRecord, isNew: boolean): boolean {
  return !filter.startsWith(SHARED) && (retainHandling === 0 || (retainHandling === 1 && isNew));
}

function* retainedFor(context: Context, session: Session, record: SubscriptionRecord): Generator<Delivery> {
  const { authorizer, retained, settings } = context;
  const identifiers = record.identifier === 0 ? null : [record.identifier];
  for (const message of retained.match(record.filter)) {
    if (record.noLocal && message.publisher === session.clientId) continue;
    if (!authorizer.unrestricted && !authorizer.mayReceive(session.principal, message.topic).allowed) continue;
    const qos = settings.upgradeOutgoingQoS || message.qos > record.qos ? record.qos : message.qos;
    yield new Delivery(message, session.clientId, qos, true, identifiers, 0, null); // [MQTT-3.3.1-8]
  }
}
