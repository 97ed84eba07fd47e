import type { Publish } from '@cauldron/codec';
import { decodePublish, PacketType, ProtocolError, ReasonCode } from '@cauldron/codec';
import { accessReason } from '../access-reason.js';
import type { Connection } from '../connection.js';
import type { Context } from '../context.js';
import { isControlTopic } from '../control-topics.js';
import { Message } from '../message.js';
import { lineOfPublish } from '../packet-log.js';
import { LogType } from '../ports/log.js';
import type { Ticket } from '../ports/store.js';
import { passedOn, publishMessage, reasonWhyReserved, reasonWhyTooLarge } from '../publishing.js';
import type { Route } from '../route-cache.js';
import { NOBODY_HAS_ROOM, type Session } from '../session.js';
import { InboundAliases } from '../topic-aliases.js';
import { handleControl } from './control.js';

const UTF8 = new TextEncoder();

/**
 * A PUBLISH by the general way: each check for this message alone. `PublishRun` is the short way for the plain ones; what
 * both do must be the same to the byte.
 */
export function handlePublish(
  context: Context,
  connection: Connection,
  bytes: Uint8Array,
  start: number,
  body: number,
  end: number,
): void {
  const { session } = connection;
  if (session === null) return;
  const packet = decodePublish(bytes, start, body, end, connection.version);
  checkFeatures(context, connection, packet);
  const route = routeOf(context, connection, packet, bytes, body);
  const decision = mayPublish(context, connection, session, route, packet);
  if (decision === null) return;
  if (decision && packet.qos > 0 && route.targets !== null) {
    if (context.slowdown.mustWait(connection, route.targets.sessions)) {
      connection.putBack();
      return;
    }
  }
  context.counters.publishBytesReceived += packet.payload.length;
  if (!decision) return;
  connection.forgetDecisions();
  if (context.log.types & LogType.DEBUG) {
    const { clientId: client } = connection;
    const line = lineOfPublish('Received PUBLISH from', client, route.topic, packet);
    context.log.write(LogType.DEBUG, line, { client, topic: route.topic });
  }
  const appendedBefore = context.store.appended;
  if (packet.qos === 2) {
    if (session.inbound?.has(packet.packetId ?? 0) === true) {
      // A repetition: acknowledged again, delivered never [MQTT-4.3.3-10].
      acknowledge(connection, packet, 0, ReasonCode.SUCCESS);
      return;
    }
    checkReceiveMaximum(connection, session);
    // Its id would have to be stored.
    const { reason } = context.shortage;
    if (session.lasting && reason !== null) {
      leaveOut(context, connection, session, packet, route.topic, reason);
      return;
    }
    session.holdInbound(packet.packetId ?? 0);
  }
  if (isControlTopic(route.topic)) {
    handleControl(context, connection, session, route.topic, packet.payload, () => {
      const ticket = context.store.appended === appendedBefore ? 0 : context.store.appended;
      acknowledge(connection, packet, ticket, ReasonCode.SUCCESS);
      return ticket;
    });
    return;
  }
  const outcome = accept(context, connection, session, route, packet);
  if (outcome.reason !== null) {
    // PUBREC with an error ends the exchange [MQTT-4.3.3-9]; before 5.0 it goes on, with a message that went nowhere.
    if (packet.qos === 2 && (connection.version === 5 || outcome.isForStore === true)) {
      session.releaseInbound(packet.packetId ?? 0);
    }
    if (outcome.isForStore === true) {
      leaveOut(context, connection, session, packet, route.topic, outcome.reason);
      return;
    }
    if (!outcome.isTooLarge || session.mayReport('sends too much')) {
      logRefused(context, connection, route.topic, outcome.reason);
    }
    refuse(connection, packet, outcome.reasonCode, outcome.reason);
    return;
  }
  const { appended } = context.store;
  // Mosquitto says that nobody subscribed in PUBACK only, and clients take a PUBREC with anything but 0 for a fault.
  const reasonCode = packet.qos === 2 ? ReasonCode.SUCCESS : outcome.reasonCode;
  acknowledge(connection, packet, appended === appendedBefore ? 0 : appended, reasonCode);
}

/** What the publisher is told; `reason` is null when the message was taken. */
interface Outcome {
  readonly reasonCode: ReasonCode;
  readonly reason: string | null;
  /** It would have to be stored, and cannot be: another time it would be taken. */
  readonly isForStore?: boolean;
  /** Its payload is; a client that sends one such message often sends many. */
  readonly isTooLarge?: boolean;
}

const TAKEN: Outcome = { reasonCode: ReasonCode.SUCCESS, reason: null };
const UNWANTED: Outcome = { reasonCode: ReasonCode.NO_MATCHING_SUBSCRIBERS, reason: null };
const NO_ROOM: Outcome = { reasonCode: ReasonCode.QUOTA_EXCEEDED, reason: NOBODY_HAS_ROOM };

/** Routes the message. */
function accept(context: Context, connection: Connection, session: Session, route: Route, packet: Publish): Outcome {
  const tooLarge = reasonWhyTooLarge(context.settings, packet.payload);
  if (tooLarge !== null) {
    context.counters.publishDropped++;
    const { log } = context;
    if (log.types & LogType.DEBUG) {
      log.write(
        LogType.DEBUG,
        lineOfPublish('Dropped too large PUBLISH from', connection.clientId, route.topic, packet),
      );
    }
    // Not PACKET_TOO_LARGE, as Mosquitto has it: PUBACK and PUBREC may not say that.
    return { reasonCode: ReasonCode.IMPLEMENTATION_SPECIFIC_ERROR, reason: tooLarge, isTooLarge: true };
  }
  let message = messageFrom(context, connection, packet, route.topic);
  let { targets } = route;
  if (context.hooks.perMessage) {
    const answer = context.hooks.published(message, session.principal);
    if (!(answer instanceof Message)) return { reasonCode: answer.refuse, reason: answer.reason };
    if (answer.topic !== message.topic) targets = context.router.targetsOf(answer.topic);
    message = answer;
  }
  if (targets === null) return UNWANTED;
  if (message.qos > 0) {
    const reason = context.shortage.reasonAgainst(message, targets, session);
    if (reason !== null) return { reasonCode: ReasonCode.QUOTA_EXCEEDED, reason, isForStore: true };
  }
  const { matched, refused } = publishMessage(context, message, targets, session);
  for (const target of targets.sessions) context.slowdown.consider(connection, target.session, 1);
  if (matched === 0) return UNWANTED;
  return refused === matched ? NO_ROOM : TAKEN;
}

function checkFeatures(context: Context, connection: Connection, packet: Publish): void {
  const { maximumQoS } = connection;
  if (packet.qos > maximumQoS) {
    // [MQTT-3.2.2-11]
    throw new ProtocolError(ReasonCode.QOS_NOT_SUPPORTED, `QoS ${packet.qos}, this listener has max_qos ${maximumQoS}`);
  }
  if (packet.properties?.subscriptionIdentifiers !== undefined) {
    // [MQTT-3.3.4-6]
    throw new ProtocolError(ReasonCode.PROTOCOL_ERROR, 'a subscription identifier: those are for the broker to add');
  }
  if (packet.retain && !context.settings.retainAvailable) {
    // [MQTT-3.2.2-14]
    throw new ProtocolError(ReasonCode.RETAIN_NOT_SUPPORTED, 'RETAIN is set, but retain_available is false');
  }
}

function checkReceiveMaximum({ receiveMaximum, version }: Connection, session: Session): void {
  if (version === 5 && session.inbound !== null && session.inbound.size >= receiveMaximum) {
    // [MQTT-3.3.4-9]
    throw new ProtocolError(
      ReasonCode.RECEIVE_MAXIMUM_EXCEEDED,
      `more than ${receiveMaximum} messages of QoS 2 that were not released`,
    );
  }
}

/** The route of the topic that the packet names, or that its alias stands for [MQTT-3.3.2-7]. */
function routeOf(context: Context, connection: Connection, packet: Publish, bytes: Uint8Array, body: number): Route {
  const topicAt = body + 2;
  const topicEnd = topicAt + ((bytes[body] << 8) | bytes[body + 1]);
  const alias = packet.properties?.topicAlias;
  if (alias === undefined) return routeAt(context, connection, packet.topic, bytes, topicAt, topicEnd);
  const { maximumAlias } = connection;
  if (alias > maximumAlias) {
    // [MQTT-3.2.2-17]
    throw new ProtocolError(ReasonCode.TOPIC_ALIAS_INVALID, `topic alias ${alias}, max_topic_alias is ${maximumAlias}`);
  }
  connection.inboundAliases ??= new InboundAliases(maximumAlias);
  if (topicEnd > topicAt) {
    const route = routeAt(context, connection, packet.topic, bytes, topicAt, topicEnd);
    connection.inboundAliases.set(alias, UTF8.encode(route.topic));
    return route;
  }
  const known = connection.inboundAliases.resolve(alias);
  if (known === undefined) {
    throw new ProtocolError(ReasonCode.PROTOCOL_ERROR, `topic alias ${alias} was not defined on this connection`);
  }
  return context.router.routeOf(known, 0, known.length);
}

/** The route of the topic in `bytes[start, end)`, below the mount point of the client. */
function routeAt(
  { router }: Context,
  { mountPoint }: Connection,
  topic: string,
  bytes: Uint8Array,
  start: number,
  end: number,
): Route {
  if (mountPoint === null) return router.routeOf(bytes, start, end);
  const whole = UTF8.encode(mountPoint.topic(topic));
  return router.routeOf(whole, 0, whole.length);
}

/** False: the client may not, and has been told. Null: the answer is not there yet. */
function mayPublish(
  context: Context,
  connection: Connection,
  session: Session,
  route: Route,
  packet: Publish,
): boolean | null {
  const { authorizer } = context;
  const { topic } = route;
  const reserved = reasonWhyReserved(topic);
  if (reserved !== null) {
    deny(context, connection, packet, topic, reserved);
    return false;
  }
  if (authorizer.unrestricted || route.admits(session.serial)) return true;
  const decision = connection.decide(`publish ${topic}`, () => authorizer.mayPublish(session.principal, topic));
  if (decision === null) return null;
  if (!decision.allowed) {
    connection.forgetDecisions();
    deny(context, connection, packet, topic, decision.rule);
    return false;
  }
  if (connection.isDecisionCurrent) route.admit(session.serial);
  return true;
}

/** 3.1 and 3.1.1 have no way to say no: the message is acknowledged, and goes nowhere [MQTT-3.3.5-2]. */
function deny(context: Context, connection: Connection, packet: Publish, topic: string, rule: string): void {
  const { log } = context;
  if (log.types & LogType.DEBUG) {
    const { clientId: client } = connection;
    log.write(LogType.DEBUG, lineOfPublish('Denied PUBLISH from', client, topic, packet), { client, topic });
  }
  logRefused(context, connection, topic, rule);
  refuse(connection, packet, ReasonCode.NOT_AUTHORIZED, accessReason(context.settings, rule));
}

/**
 * The store cannot take the message now. 3.1 and 3.1.1 have no way to say so: the message is not acknowledged, so that the
 * client sends it again on its next connection.
 */
function leaveOut(
  context: Context,
  connection: Connection,
  session: Session,
  packet: Publish,
  topic: string,
  reason: string,
): void {
  context.counters.storeRefusals++;
  if (session.mayReport(context.shortage.summary)) logRefused(context, connection, topic, reason);
  if (connection.version === 5) refuse(connection, packet, ReasonCode.QUOTA_EXCEEDED, reason);
  else if (packet.qos > 0) connection.awaitsAnswers = true;
}

/** `reason`: for a 5.0 client; empty: none. */
function refuse(connection: Connection, packet: Publish, reasonCode: ReasonCode, reason: string): void {
  if (packet.qos === 0) return;
  const type = packet.qos === 1 ? PacketType.PUBACK : PacketType.PUBREC;
  if (reason === '') connection.acknowledge(type << 4, packet.packetId ?? 0, 0, reasonCode);
  else connection.acknowledgeRefusal(type, packet.packetId ?? 0, reasonCode, reason);
}

function acknowledge(connection: Connection, packet: Publish, ticket: Ticket, reasonCode: ReasonCode): void {
  if (packet.qos === 0) return;
  const type = packet.qos === 1 ? PacketType.PUBACK : PacketType.PUBREC;
  connection.acknowledge(type << 4, packet.packetId ?? 0, ticket, reasonCode);
}

function messageFrom(context: Context, connection: Connection, packet: Publish, topic: string): Message {
  const { properties, payload, qos, retain } = packet;
  const lifeS = properties?.messageExpiryInterval;
  const expiresAtMs = lifeS === undefined ? Number.POSITIVE_INFINITY : context.clock.wallMs() + lifeS * 1000;
  return new Message(topic, payload, qos, retain, passedOn(properties), connection.clientId, expiresAtMs);
}

function logRefused(context: Context, connection: Connection, topic: string, why: string): void {
  if ((context.log.types & LogType.NOTICE) === 0) return;
  const { clientId: client } = connection;
  context.log.write(LogType.NOTICE, `Denied PUBLISH from ${client} to '${topic}': ${why}`, { client, topic });
}
