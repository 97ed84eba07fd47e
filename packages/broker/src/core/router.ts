import type { QoS } from '@cauldron/codec';
import {
  countLevels,
  decodeUtf8,
  isValidTopicName,
  ProtocolError,
  parseSharedFilter,
  ReasonCode,
} from '@cauldron/codec';
import type { Context } from './context.js';
import { isControlTopic } from './control-topics.js';
import type { Delivery } from './delivery.js';
import { FanOut } from './fan-out.js';
import type { MessageHandler } from './local-subscription.js';
import { LocalSubscription } from './local-subscription.js';
import type { Message } from './message.js';
import { LogType } from './ports/log.js';
import type { SubscriptionRecord } from './ports/store.js';
import { Route, RouteCache } from './route-cache.js';
import type { Session } from './session.js';
import { SharedSubscriptions } from './shared-subscriptions.js';
import { Subscription } from './subscription.js';
import { SubscriptionChanges } from './subscription-changes.js';
import { NO_TARGETS, Target, Targets } from './targets.js';
import { type FilterLevel, TopicTree } from './topic-tree.js';

/**
 * Subscriptions that may have gone before all routes are worked out again: until then target lists may still name sessions
 * that are over, and keep them in memory.
 */
const MAX_REMOVALS = 1_000;
/** Targets in all lists that are kept. */
const MAX_INTERNED_TARGETS = 1_000_000;

/** Topics of shared subscriptions for which rights are remembered; then that begins anew. */
const MAX_TOPICS_WITH_RIGHTS = 10_000;

type Interest = Subscription | SharedSubscriptions | LocalSubscription;

/** What became of a message. */
export interface Routed {
  /** Sessions, group members and local handlers that it was meant for. */
  matched: number;
  /** Of these, sessions that could not take it: their bounds are reached. */
  refused: number;
}

/** Who subscribed to a filter, for a report. */
export interface Subscriber {
  /** Null: the program that embeds the broker. */
  readonly clientId: string | null;
  readonly qos: QoS;
  /** Of the shared subscription that it takes part in; null: it has the filter for itself. */
  readonly group: string | null;
}

/** From topics to those who want their messages. */
export class Router {
  readonly #context: Context;
  readonly #tree = new TopicTree<Interest>();
  readonly #routes = new RouteCache();
  /** By `$share/GROUP/FILTER`. */
  readonly #shared = new Map<string, SharedSubscriptions>();
  /** Target lists, by the serial numbers of the subscriptions in them. */
  readonly #interned = new Map<string, Targets>();
  /** How many targets are in them. */
  #internedTargets = 0;
  /** Subscriptions that have gone since they were forgotten. */
  #removals = 0;
  /** The version since which rights are as they are. */
  #rightsSince = 1;
  /** Of the present version, for members of shared subscriptions: by topic, what the rules say of which session. */
  readonly #rights = new Map<string, Map<number, boolean>>();
  #lastSerial = 0;
  #subscriptions = 0;
  #sharedSubscriptions = 0;
  /** The authorizer's version that `version` takes into account. */
  #rulesVersion = 0;
  readonly #fanOut: FanOut;
  // Scratch of `targetsOf`.
  readonly #found: Interest[] = [];

  /**
   * Raised by every change of subscriptions, access rules, or settings that decide who gets what: whether a route of an
   * older version is still right has to be seen.
   */
  version = 1;
  readonly #changes = new SubscriptionChanges(this.version);

  constructor(context: Context) {
    this.#context = context;
    this.#fanOut = new FanOut(context);
  }

  /** Of all sessions, without shared ones. */
  get subscriptions(): number {
    return this.#subscriptions;
  }

  /** The same, of shared ones alone. */
  get sharedSubscriptions(): number {
    return this.#sharedSubscriptions;
  }

  /** Forgets all that was worked out. To be called when settings changed, or whom the rules mean. */
  invalidate(): void {
    this.#rightsSince = ++this.version;
    this.#forgetRoutes();
  }

  /** The same if the access rules changed. Called before routes are looked up: the next message already obeys them. */
  followRules(): void {
    const { version } = this.#context.authorizer;
    if (version === this.#rulesVersion) return;
    this.#rulesVersion = version;
    this.invalidate();
  }

  // ---- subscriptions -------------------------------------------------------------------------------------------------

  /** Adds a session's subscription, or replaces the one to the same filter. True: there was none before. */
  subscribe(session: Session, record: SubscriptionRecord): boolean {
    if (session.subscriptions?.get(record.filter)?.is(record) === true) return false;
    const isNew = !this.unsubscribe(session, record.filter);
    session.subscriptions ??= new Map();
    const shared = record.filter.startsWith('$share/') ? parseSharedFilter(record.filter) : null;
    const serial = ++this.#lastSerial;
    if (shared === null) {
      const subscription = new Subscription(serial, session, record, null);
      session.subscriptions.set(record.filter, subscription);
      this.#tree.add(record.filter, subscription);
      this.#subscriptions++;
    } else {
      let group = this.#shared.get(record.filter);
      if (group === undefined) {
        group = new SharedSubscriptions(++this.#lastSerial, record.filter, shared.filter);
        this.#shared.set(record.filter, group);
        this.#tree.add(shared.filter, group);
      }
      const subscription = new Subscription(serial, session, record, group);
      session.subscriptions.set(record.filter, subscription);
      session.hasBeenMember = true;
      group.members.add(subscription);
      this.#sharedSubscriptions++;
    }
    this.#context.peers.interestAdded(record.filter);
    this.#changed(shared?.filter ?? record.filter);
    return isNew;
  }

  /** False: there was no such subscription. */
  unsubscribe(session: Session, filter: string): boolean {
    const subscription = session.subscriptions?.get(filter);
    if (subscription === undefined) return false;
    session.subscriptions?.delete(filter);
    const { group } = subscription;
    if (group === null) {
      this.#tree.remove(filter, subscription);
      this.#subscriptions--;
    } else {
      group.members.remove(subscription);
      this.#sharedSubscriptions--;
      if (group.members.size === 0) {
        this.#shared.delete(filter);
        this.#tree.remove(group.filter, group);
      }
    }
    this.#context.peers.interestRemoved(filter);
    this.#removals++;
    this.#changed(group?.filter ?? filter);
    return true;
  }

  unsubscribeAll(session: Session): void {
    if (session.subscriptions === null) return;
    for (const filter of [...session.subscriptions.keys()]) this.unsubscribe(session, filter);
  }

  /** A handler of the embedding program; the function that is returned ends the subscription. */
  subscribeLocal(filter: string, handler: MessageHandler): () => void {
    const subscription = new LocalSubscription(++this.#lastSerial, filter, handler);
    this.#tree.add(filter, subscription);
    this.#context.peers.interestAdded(filter);
    this.#changed(filter);
    return () => {
      if (!this.#tree.remove(filter, subscription)) return;
      this.#context.peers.interestRemoved(filter);
      this.#changed(filter);
    };
  }

  /** Subscriptions to the filter came or went: routes of topics that it matches are not right any more. */
  #changed(filter: string): void {
    this.version++;
    if (this.#removals > MAX_REMOVALS || this.#internedTargets > MAX_INTERNED_TARGETS) this.#forgetRoutes();
    else this.#changes.add(filter, this.version);
  }

  /** No route of an older version is right, and target lists are made anew. */
  #forgetRoutes(): void {
    this.#changes.forget(this.version);
    this.#interned.clear();
    this.#rights.clear();
    this.#internedTargets = this.#removals = 0;
  }

  /** See `TopicTree.levels`. */
  *levels(): Generator<FilterLevel<Subscriber>> {
    for (const { depth, level, values } of this.#tree.levels()) yield { depth, level, values: subscribersOf(values) };
  }

  // ---- routes --------------------------------------------------------------------------------------------------------

  /** The route of a topic that is known and worked out; null: take `routeOf`. For the hot path: makes no string. */
  knownRoute(bytes: Uint8Array, start: number, length: number): Route | null {
    const route = this.#routes.find(bytes, start, length);
    return route === null || route.version === this.version || this.#isStillRight(route) ? route : null;
  }

  /**
   * The route of the topic in `bytes[start, end)`, worked out for the present version.
   * @throws ProtocolError when it is not a valid topic name.
   */
  routeOf(bytes: Uint8Array, start: number, end: number): Route {
    let route = this.#routes.find(bytes, start, end - start);
    if (route === null) {
      const topic = decodeUtf8(bytes, start, end);
      if (!isValidTopicName(topic)) {
        // [MQTT-3.3.2-2]
        throw new ProtocolError(
          ReasonCode.TOPIC_NAME_INVALID,
          `'${topic}' is not a topic name: it is empty or has a wildcard`,
        );
      }
      this.#checkLevels(topic);
      // The broker's own topics are not for the hot path, which asks neither who may write to them nor what they are for.
      route =
        topic.startsWith('$SYS/') || isControlTopic(topic)
          ? new Route(topic, -1, end - start)
          : this.#routes.add(bytes, start, end, topic);
    }
    if (route.version !== this.version && !this.#isStillRight(route)) {
      route.targets = this.targetsOf(route.topic);
      if (route.version < this.#rightsSince) route.forgetWriters();
      route.version = this.version;
    }
    return route;
  }

  /** Whether nothing has changed since its version that concerns the route; then it is one of the present version. */
  #isStillRight(route: Route): boolean {
    if (!this.#changes.spared(route.topic, route.version)) return false;
    route.version = this.version;
    return true;
  }

  /** Everybody who wants messages of this topic and may have them. */
  targetsOf(topic: string): Targets {
    const found = this.#found;
    this.#tree.match(topic, found);
    if (found.length === 0) return NO_TARGETS;
    const { authorizer } = this.#context;
    if (!authorizer.unrestricted) this.#keepReadable(topic, found);
    let key = '';
    for (const interest of found) key += `${interest.serial},`;
    let targets = this.#interned.get(key);
    if (targets === undefined) {
      targets = this.#targetsFrom(found);
      this.#interned.set(key, targets);
      this.#internedTargets += found.length;
    }
    found.length = 0;
    return targets;
  }

  /**
   * Whether a message with QoS 1 or 2 would have to be stored for one of its receivers. A shared subscription needs the
   * store only if none of its members can do without; then `route` gives the message to such a member.
   */
  needsStore(targets: Targets, topic: string, origin: Session | null): boolean {
    for (const listed of targets.sessions) {
      const target = listed.session === origin ? listed.forOwn : listed;
      if (target?.isStored === true) return true;
    }
    return targets.shared.some(({ members }) => {
      const mayHave = this.#mayHave(topic);
      return members.some(mayHave) && !members.some((member) => !member.isStored && mayHave(member));
    });
  }

  // ---- messages ------------------------------------------------------------------------------------------------------

  /**
   * Gives a message to everybody who wants it: the way of messages that are handled one by one. `origin` is the
   * publisher's session, null for the broker itself.
   */
  route(message: Message, targets: Targets, origin: Session | null): Routed {
    const routed: Routed = { matched: 0, refused: 0 };
    this.#planAll(message, targets.sessions, origin, routed);
    for (const group of targets.shared) {
      const member = this.#pickMember(group, message);
      if (member !== null) this.#plan(member, message, group.sharedFilter, routed);
    }
    this.#fanOut.deliver(message);
    for (const { handler } of targets.local) {
      routed.matched++;
      handler(message.keep());
    }
    return routed;
  }

  /** The same for some targets only. */
  routeTo(message: Message, targets: readonly Target[], origin: Session | null): Routed {
    const routed: Routed = { matched: 0, refused: 0 };
    this.#planAll(message, targets, origin, routed);
    this.#fanOut.deliver(message);
    return routed;
  }

  /** For one session alone, whatever it subscribed to: retained messages, and those of members that left. */
  deliverTo(
    session: Session,
    message: Message,
    qos: QoS,
    retain: boolean,
    identifiers: readonly number[] | null,
    sharedFilter: string | null,
  ): void {
    if (qos === 0) session.deliverAtMostOnce(message, retain, identifiers);
    else {
      this.#fanOut.add(session, message, qos, retain, identifiers, sharedFilter);
      this.#fanOut.deliver(message);
    }
  }

  /** A member of a shared subscription ended without having got this message: another one gets it. False: there is none. */
  reassign(delivery: Delivery): boolean {
    const group = delivery.sharedFilter === null ? undefined : this.#shared.get(delivery.sharedFilter);
    const member = group === undefined ? null : this.#pickMember(group, delivery.message);
    if (member === null) return false;
    const { session, qos, identifiers } = member;
    const lower = delivery.qos > qos ? qos : delivery.qos;
    this.deliverTo(session, delivery.message, lower, delivery.retain, identifiers, delivery.sharedFilter);
    return true;
  }

  #planAll(message: Message, targets: readonly Target[], origin: Session | null, routed: Routed): void {
    for (const listed of targets) {
      const target = listed.session === origin ? listed.forOwn : listed;
      if (target !== null) this.#plan(target, message, null, routed);
    }
  }

  #plan(target: Target, message: Message, sharedFilter: string | null, routed: Routed): void {
    const { settings, hooks } = this.#context;
    const { session, identifiers } = target;
    if (hooks.perMessage && !hooks.mayDeliver(message, session.principal)) return;
    routed.matched++;
    const qos = settings.upgradeOutgoingQoS || message.qos > target.qos ? target.qos : message.qos; // [MQTT-3.8.4-8]
    const retain = target.retainAsPublished && message.retain; // [MQTT-3.3.1-12] [MQTT-3.3.1-13]
    if (qos > 0 || session.queuesQoS0) {
      if (!this.#fanOut.add(session, message, qos, retain, identifiers, sharedFilter)) routed.refused++;
    } else {
      session.deliverAtMostOnce(message, retain, identifiers);
    }
  }

  /** The member whose turn it is of those who may have the message; if its queue is full, the next: perhaps it has room. */
  #pickMember({ members }: SharedSubscriptions, message: Message): Subscription | null {
    const mayHave = this.#mayHave(message.topic);
    let suits = mayHave;
    if (this.#context.shortage.isShort) {
      const needsNoStore = (member: Subscription): boolean => !member.isStored && mayHave(member);
      if (members.some(needsNoStore)) suits = needsNoStore;
    }
    const first = members.pick(suits);
    if (first === null || message.qos === 0 || first.session.canAccept()) return first;
    return members.pick((member) => member !== first && suits(member)) ?? first;
  }

  #mayHave(topic: string): (member: Subscription) => boolean {
    if (this.#context.authorizer.unrestricted) return () => true;
    this.followRules();
    let rights = this.#rights.get(topic);
    if (rights === undefined) {
      rights = new Map();
      if (this.#rights.size >= MAX_TOPICS_WITH_RIGHTS) this.#rights.clear();
      this.#rights.set(topic, rights);
    }
    const known = rights;
    return ({ session }) => {
      let may = known.get(session.serial);
      if (may === undefined) {
        may = this.mayReceive(session, topic);
        known.set(session.serial, may);
      }
      return may;
    };
  }

  /** Of a group, each member is asked when its turn comes. */
  #keepReadable(topic: string, found: Interest[]): void {
    let kept = 0;
    for (const interest of found) {
      if (interest.kind !== 'session' || this.mayReceive(interest.session, topic)) found[kept++] = interest;
    }
    found.length = kept;
  }

  /** Asks the access rules, which are not for everybody. */
  mayReceive({ principal }: Session, topic: string): boolean {
    const { authorizer, log } = this.#context;
    const { allowed, rule } = authorizer.mayReceive(principal, topic);
    if (!allowed && log.types & LogType.DEBUG) {
      log.write(LogType.DEBUG, `Denied delivery of '${topic}' to ${principal.clientId}: ${rule}`);
    }
    return allowed;
  }

  #targetsFrom(found: readonly Interest[]): Targets {
    const sessions: Target[] = [];
    const shared: SharedSubscriptions[] = [];
    const local: LocalSubscription[] = [];
    for (const interest of found) {
      if (interest.kind === 'session') sessions.push(interest);
      else if (interest.kind === 'shared') shared.push(interest);
      else local.push(interest);
    }
    const { allowDuplicateMessages } = this.#context.settings;
    return new Targets(allowDuplicateMessages ? sessions : mergeBySession(sessions), shared, local);
  }

  #checkLevels(topic: string): void {
    const levels = countLevels(topic);
    const { maxTopicLevels } = this.#context.settings;
    if (levels > maxTopicLevels) {
      throw new ProtocolError(
        ReasonCode.TOPIC_NAME_INVALID,
        `The topic has ${levels} levels, max_topic_levels is ${maxTopicLevels}`,
      );
    }
  }
}

function* subscribersOf(interests: Iterable<Interest>): Generator<Subscriber> {
  for (const interest of interests) {
    if (interest.kind === 'local') yield { clientId: null, qos: 2, group: null };
    else if (interest.kind === 'session') yield subscriberOf(interest, null);
    else {
      const group = parseSharedFilter(interest.sharedFilter)?.group ?? null;
      for (const member of interest.members.all()) yield subscriberOf(member, group);
    }
  }
}

function subscriberOf({ session, qos }: Subscription, group: string | null): Subscriber {
  return { clientId: session.clientId, qos, group };
}

/** One target for each session: the highest QoS, and the identifiers of all matching subscriptions [MQTT-3.3.4-2]. */
function mergeBySession(targets: readonly Target[]): readonly Target[] {
  const bySession = new Map<Session, Target[]>();
  for (const target of targets) {
    const same = bySession.get(target.session);
    if (same === undefined) bySession.set(target.session, [target]);
    else same.push(target);
  }
  if (bySession.size === targets.length) return targets;
  return [...bySession.values()].map((same) => {
    const merged = mergeTargets(same);
    merged.forOwn = same.every((target) => target.forOwn !== null)
      ? merged
      : mergeOrNull(same.filter((target) => target.forOwn !== null));
    return merged;
  });
}

function mergeOrNull(same: readonly Target[]): Target | null {
  return same.length === 0 ? null : mergeTargets(same);
}

function mergeTargets(same: readonly Target[]): Target {
  const identifiers = same.flatMap((target) => target.identifiers ?? []);
  const qos = same.reduce<QoS>((highest, target) => (target.qos > highest ? target.qos : highest), 0);
  const retainAsPublished = same.some((target) => target.retainAsPublished);
  return new Target(same[0].session, qos, retainAsPublished, identifiers.length === 0 ? null : identifiers);
}
