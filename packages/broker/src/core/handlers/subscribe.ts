import {
  countLevels,
  PacketType,
  type QoS,
  ReasonCode,
  type Suback,
  type Subscribe,
  type SubscribeRequest,
} from '@cauldron/codec';
import { accessReason } from '../access-reason.js';
import type { Connection } from '../connection.js';
import type { Context } from '../context.js';
import { Delivery } from '../delivery.js';
import { logReceived } from '../packet-log.js';
import { LogType } from '../ports/log.js';
import type { SubscriptionRecord } from '../ports/store.js';
import type { Found } from '../replays.js';
import { isSourceGood } from '../retained-source.js';
import type { Session } from '../session.js';

/** How the filters of shared subscriptions begin. */
const SHARED = '$share/';

export function handleSubscribe(context: Context, connection: Connection, packet: Subscribe): void {
  const { session } = connection;
  if (session === null) return;
  const identifier = packet.properties?.subscriptionIdentifiers?.[0] ?? 0;
  const requests = packet.subscriptions.map((request) => wholeRequest(connection, request));
  const verdicts = judgeAll(context, connection, session, requests, identifier);
  if (verdicts === null) return;
  connection.forgetDecisions();
  const { log, store } = context;
  if (log.types & LogType.DEBUG) logReceived(log, connection.clientId, PacketType.SUBSCRIBE);

  const suback: Suback = {
    type: PacketType.SUBACK,
    packetId: packet.packetId,
    reasonCodes: verdicts.map(({ reasonCode }) => reasonCode), // [MQTT-3.8.4-5] [MQTT-3.8.4-6]
  };
  const refusal = verdicts.find(({ reason }) => reason !== null && reason !== '');
  if (refusal?.reason) suback.properties = { reasonString: refusal.reason };
  connection.assertFits(suback);

  const appendedBefore = store.appended;
  const replays: SubscriptionRecord[] = [];
  requests.forEach((request, i) => {
    const { reasonCode, reason, rule = reason, isForStore = false } = verdicts[i];
    if (log.types & LogType.DEBUG) log.write(LogType.DEBUG, `\t${request.filter} (QoS ${request.qos})`);
    if (isForStore) context.counters.storeRefusals++;
    if (rule !== null) {
      if (!isForStore || session.mayReport('subscriptions')) logRefused(context, connection, request.filter, rule);
      return;
    }
    const record = recordOf(request, reasonCode as QoS, identifier);
    const isNew = subscribe(context, session, record);
    if (repliesWithRetained(record, isNew)) replays.push(record);
  });
  const ticket = store.appended === appendedBefore ? 0 : store.appended;
  connection.send(suback, ticket); // [MQTT-3.8.4-1] [MQTT-3.8.4-2]
  context.afterCommit(ticket, () => {
    if (connection.session !== session) return; // It went while the store was at work.
    for (const record of replays) session.replay(retainedFor(context, session, record));
  });
}

/** What a client asks for, as the broker sees it. */
interface Request extends SubscribeRequest {
  /** Why its filter cannot be one below the mount point of the client. */
  readonly fault?: string;
}

function wholeRequest({ isBridge, mountPoint }: Connection, request: SubscribeRequest): Request {
  let whole = request;
  // A bridge of 3.1 or 3.1.1 cannot ask for it: it wants RETAIN as it was, and not what it brought itself.
  if (isBridge) whole = { ...request, retainAsPublished: true, noLocal: !request.filter.startsWith(SHARED) };
  if (mountPoint === null) return whole;
  const filter = mountPoint.filter(request.filter);
  return filter === null ? { ...whole, fault: mountPoint.filterFault } : { ...whole, filter };
}

/** What SUBACK says of one filter. */
interface Verdict {
  readonly reasonCode: ReasonCode;
  /** Why not, for the client; empty: it is not told; null when it is granted. */
  readonly reason: string | null;
  /** What decided, for the log: a client that may not has no claim to know the rule. */
  readonly rule?: string;
  /** It would have to be stored, and cannot be now. */
  readonly isForStore?: boolean;
}

/** One verdict for each filter; null while somebody has to be asked. Changes nothing. */
function judgeAll(
  context: Context,
  connection: Connection,
  session: Session,
  requests: readonly Request[],
  identifier: number,
): Verdict[] | null {
  const { maxSubscriptions } = context.settings;
  const room = maxSubscriptions - (session.subscriptions?.size ?? 0);
  const added = new Set<string>();
  const verdicts: Verdict[] = [];
  for (const request of requests) {
    const { filter } = request;
    const isNew = session.subscriptions?.has(filter) !== true && !added.has(filter);
    const verdict =
      isNew && added.size >= room
        ? { reasonCode: ReasonCode.QUOTA_EXCEEDED, reason: `max_subscriptions is ${maxSubscriptions}` }
        : judge(context, connection, session, request, identifier);
    if (verdict === null) return null;
    if (isNew && verdict.reason === null) added.add(filter);
    verdicts.push(verdict);
  }
  return verdicts;
}

function judge(
  context: Context,
  connection: Connection,
  session: Session,
  request: Request,
  identifier: number,
): Verdict | null {
  const { authorizer, settings, shortage } = context;
  const { fault, filter } = request;
  if (fault !== undefined) return { reasonCode: ReasonCode.TOPIC_FILTER_INVALID, reason: fault };
  const qos = Math.min(request.qos, connection.maximumQoS) as QoS; // [MQTT-3.2.2-9]
  const levels = countLevels(filter);
  if (levels > settings.maxTopicLevels) {
    const reason = `the filter has ${levels} levels, max_topic_levels is ${settings.maxTopicLevels}`;
    return { reasonCode: ReasonCode.TOPIC_FILTER_INVALID, reason };
  }
  let granted: Verdict = { reasonCode: qos, reason: null };
  const { reason } = shortage;
  if (reason !== null && session.isStored && !isKnown(session, recordOf(request, qos, identifier))) {
    granted = { reasonCode: ReasonCode.QUOTA_EXCEEDED, reason, isForStore: true };
  }
  if (authorizer.unrestricted) return granted;
  const decision = connection.decide(`subscribe ${filter}`, () =>
    authorizer.maySubscribe(session.principal, filter, qos),
  );
  if (decision === null) return null;
  if (decision.allowed) return granted;
  const { rule } = decision;
  return { reasonCode: ReasonCode.NOT_AUTHORIZED, reason: accessReason(settings, rule), rule };
}

function recordOf(request: SubscribeRequest, qos: QoS, identifier: number): SubscriptionRecord {
  const { filter, noLocal, retainAsPublished, retainHandling } = request;
  return { filter, qos, noLocal, retainAsPublished, retainHandling, identifier };
}

/** Whether the session has this very subscription: clients subscribe again whenever they connect. */
function isKnown({ subscriptions }: Session, record: SubscriptionRecord): boolean {
  return subscriptions?.get(record.filter)?.is(record) === true;
}

function logRefused({ log }: Context, { clientId }: Connection, filter: string, reason: string): void {
  if (log.types & LogType.NOTICE)
    log.write(LogType.NOTICE, `Denied SUBSCRIBE from ${clientId} to '${filter}': ${reason}`, {
      client: clientId,
      topic: filter,
    });
}

/** True: there was no subscription to this filter. */
function subscribe(context: Context, session: Session, record: SubscriptionRecord): boolean {
  const { hooks, log, router, store } = context;
  const changes = !isKnown(session, record);
  const isNew = router.subscribe(session, record); // [MQTT-3.8.4-3]
  if (session.isStored && changes)
    store.append({ kind: 'subscribed', clientId: session.clientId, subscription: record });
  if (log.types & LogType.SUBSCRIBE)
    log.write(LogType.SUBSCRIBE, `${session.clientId} ${record.qos} ${record.filter}`, {
      client: session.clientId,
      topic: record.filter,
    });
  hooks.subscribed(session.principal, record);
  return isNew;
}

/** [MQTT-3.3.1-9] [MQTT-3.3.1-10] [MQTT-3.3.1-11]; a shared subscription gets none (4.8.2). */
function repliesWithRetained({ filter, retainHandling }: SubscriptionRecord, isNew: boolean): boolean {
  return !filter.startsWith(SHARED) && (retainHandling === 0 || (retainHandling === 1 && isNew));
}

function* retainedFor(context: Context, session: Session, record: SubscriptionRecord): Generator<Found> {
  const { authorizer, retained, settings } = context;
  const identifiers = record.identifier === 0 ? null : [record.identifier];
  for (const message of retained.match(record.filter)) {
    if (message === null) {
      yield null;
      continue;
    }
    if (record.noLocal && message.publisher === session.clientId) continue;
    if (!authorizer.unrestricted && !authorizer.mayReceive(session.principal, message.topic).allowed) continue;
    let isGood = isSourceGood(context, message);
    if (isGood instanceof Promise) {
      const answer = isGood;
      const { version } = authorizer;
      isGood = false;
      yield answer.then((good) => {
        isGood = good;
      });
      if (authorizer.version !== version && !authorizer.mayReceive(session.principal, message.topic).allowed) continue;
    }
    if (!isGood) continue;
    const qos = settings.upgradeOutgoingQoS || message.qos > record.qos ? record.qos : message.qos;
    yield new Delivery(message, session.clientId, qos, true, identifiers, 0, null); // [MQTT-3.3.1-8]
  }
}
