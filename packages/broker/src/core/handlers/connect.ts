import type { Connack, Connect, Properties, Will } from '@cauldron/codec';
import {
  countLevels,
  decodeConnect,
  NEVER_EXPIRES,
  PacketType,
  ProtocolError,
  ReasonCode,
  utf8Length,
} from '@cauldron/codec';
import type { Connection } from '../connection.js';
import { ConnectionState } from '../connection-state.js';
import type { Context } from '../context.js';
import { isControlTopic } from '../control-topics.js';
import { Message } from '../message.js';
import { packetLimits } from '../packet-limits.js';
import type { Admission, Credentials, Decision, Principal } from '../ports/access.js';
import type { Caller } from '../ports/doorkeeper.js';
import type { Link } from '../ports/link.js';
import { LogType } from '../ports/log.js';
import type { WillRecord } from '../ports/store.js';
import { proceed } from '../proceed.js';
import { reasonWhyTooLarge } from '../publishing.js';
import type { Session } from '../session.js';
import { noRoomFor } from '../session-limits.js';
import type { ListenerPolicy } from '../settings.js';
import { OutboundAliases } from '../topic-aliases.js';
import { beginAuthentication, logNotAdmitted, turnAway } from './auth.js';

/** How the body of a CONNECT of 5.0 begins: the protocol's name and version. */
const CONNECT_OF_5 = [0, 4, 0x4d, 0x51, 0x54, 0x54, 5];

/**
 * CONNECT: what is asked is checked, then who asks; then another connection of the same client is ended, and the session
 * begins or goes on. Whoever decides about a client may take time: meanwhile nothing is read from it.
 */
export function handleConnect(
  context: Context,
  connection: Connection,
  bytes: Uint8Array,
  start: number,
  body: number,
  end: number,
): void {
  const connect = readConnect(connection, bytes, start, body, end);
  const { listener, link, mountPoint } = connection;
  connection.clientId = connect.clientId;
  checkVersion(listener, connect);
  const identity = identityOf(link, listener, connect);
  const { clientId, assigned } = clientIdOf(context, listener, connect, identity.username);
  connection.clientId = clientId;
  if (mountPoint !== null && connect.will !== undefined) connect.will.topic = mountPoint.topic(connect.will.topic);
  checkConnect(context, listener, connect);
  const caller: Caller = { address: link.remoteAddress, clientId, username: identity.username };
  const denial = context.doorkeeper.mayTry(caller);
  if (denial !== null) {
    turnAway(context, connection, denial);
    return;
  }
  connection.moveTo(ConnectionState.AUTHENTICATING);
  const credentials: Credentials = {
    link,
    listener,
    protocolVersion: connect.protocolVersion,
    clientId,
    ...identity,
  };
  // What is needed later must not lie in the read buffer.
  const will = connect.will === undefined ? null : willRecord(connect.will, clientId);
  const request: ConnectRequest = { connect, caller, clientId, assigned, will };
  const { authenticationMethod, authenticationData } = connect.properties ?? {};
  if (authenticationMethod === undefined) {
    const isCertified = identity.provenBy === 'certificate';
    const admission = isCertified ? certified(identity) : context.authenticator.authenticate(credentials);
    proceed(context, connection, admission, (answer) => admit(context, connection, request, answer, undefined));
    return;
  }
  beginAuthentication(context, connection, credentials, authenticationMethod, authenticationData, (answer, data) =>
    admit(context, connection, request, answer, data),
  );
}

/** What is said to credentials that are wrong; other codes say that they could not be looked at. */
const NOT_GOOD: ReadonlySet<number> = new Set([
  ReasonCode.BAD_USER_NAME_OR_PASSWORD,
  ReasonCode.NOT_AUTHORIZED,
  ReasonCode.BAD_AUTHENTICATION_METHOD,
]);

interface ConnectRequest {
  readonly connect: Connect;
  readonly caller: Caller;
  readonly clientId: string;
  /** The client left the id to the broker. */
  readonly assigned: boolean;
  readonly will: WillRecord | null;
}

function readConnect(connection: Connection, bytes: Uint8Array, start: number, body: number, end: number): Connect {
  let connect: Connect;
  try {
    connect = decodeConnect(bytes, start, body, end);
  } catch (error) {
    if (error instanceof ProtocolError && error.reasonCode === ReasonCode.UNSUPPORTED_PROTOCOL_VERSION) {
      connection.connectSeen = true; // Answered with CONNACK 0x01 [MQTT-3.1.2-2]
    } else if (CONNECT_OF_5.every((byte, i) => body + i < end && bytes[body + i] === byte)) {
      connection.connectSeen = true; // Only 5.0 can be told what was wrong [MQTT-3.1.4-1]
      connection.version = 5;
    }
    throw error;
  }
  connection.connectSeen = true;
  connection.version = connect.protocolVersion;
  connection.isBridge = connect.bridge === true;
  connection.framer.strictLength = connect.protocolVersion === 5;
  connection.framer.limitTypes(packetLimits(connect.protocolVersion));
  connection.wantsProblemInformation =
    connect.protocolVersion === 5 && connect.properties?.requestProblemInformation !== 0;
  connection.maximumPacketSize = connect.properties?.maximumPacketSize ?? Number.POSITIVE_INFINITY;
  return connect;
}

function checkVersion({ acceptedVersions, name }: ListenerPolicy, { protocolVersion }: Connect): void {
  if (acceptedVersions.includes(protocolVersion)) return;
  throw new ProtocolError(
    ReasonCode.UNSUPPORTED_PROTOCOL_VERSION,
    `listener ${name} does not take this protocol version (accept_protocol_versions)`,
  );
}

/** Who a client says that it is, and what there is to prove it. */
type Identity = Pick<Credentials, 'username' | 'password' | 'provenBy'>;

/** What CONNECT says does not count where TLS has to say it. */
function identityOf({ tls }: Link, { usernameFrom }: ListenerPolicy, { username, password }: Connect): Identity {
  if (usernameFrom === 'connect') {
    return { username, password: password === undefined ? undefined : copyOf(password), provenBy: null };
  }
  const client = tls?.client ?? null;
  const name = client === null ? '' : usernameFrom === 'subject' ? client.subject : client.commonName;
  if (client === null || name === '' || utf8Length(name) < 0) {
    const missing =
      client === null ? 'no certificate or TLS-PSK identity' : `no ${usernameFrom} that can be a user name`;
    const option = usernameFrom === 'subject' ? 'use_subject_as_username' : 'use_identity_as_username';
    throw new ProtocolError(ReasonCode.BAD_USER_NAME_OR_PASSWORD, `the client has ${missing} (${option})`);
  }
  return { username: name, password: undefined, provenBy: client.proof };
}

/** Whoever issued the certificate has let the client in. */
function certified({ username }: Identity): Admission {
  return { admitted: true, username, rule: 'the user name is that of the certificate' };
}

function clientIdOf(
  context: Context,
  listener: ListenerPolicy,
  connect: Connect,
  username: string | undefined,
): { clientId: string; assigned: boolean } {
  const { clientIdPrefix } = context.settings;
  const assigned = connect.clientId === '';
  let clientId = assigned ? assignedClientId(context, listener, connect) : connect.clientId;
  if (listener.usesUsernameAsClientId) {
    if (username === undefined || username === '') {
      const reason = 'no user name, which is the client id here (use_username_as_clientid)';
      throw new ProtocolError(ReasonCode.NOT_AUTHORIZED, reason);
    }
    clientId = username;
  }
  if (clientId.startsWith(clientIdPrefix)) return { clientId, assigned };
  throw new ProtocolError(
    ReasonCode.NOT_AUTHORIZED,
    `the client id does not begin with '${clientIdPrefix}' (clientid_prefixes)`,
  );
}

function assignedClientId({ random }: Context, listener: ListenerPolicy, connect: Connect): string {
  if (connect.protocolVersion === 3) {
    throw new ProtocolError(ReasonCode.CLIENT_IDENTIFIER_NOT_VALID, 'MQTT 3.1 needs a client id');
  }
  if (connect.protocolVersion === 4 && !connect.clean) {
    // [MQTT-3.1.3-8]
    throw new ProtocolError(ReasonCode.CLIENT_IDENTIFIER_NOT_VALID, 'a session that is to last needs a client id');
  }
  if (!listener.allowEmptyClientId) {
    throw new ProtocolError(
      ReasonCode.CLIENT_IDENTIFIER_NOT_VALID,
      'no client id (allow_zero_length_clientid is false)',
    );
  }
  const hex = Array.from(random.bytes(16), (byte) => byte.toString(16).padStart(2, '0')).join('');
  return `${listener.assignedClientIdPrefix}${hex}`; // [MQTT-3.1.3-6]
}

function checkConnect({ settings }: Context, { maximumQoS }: ListenerPolicy, connect: Connect): void {
  const { protocolVersion, will, keepAlive } = connect;
  if (will !== undefined && will.qos > maximumQoS) {
    // [MQTT-3.2.2-12]
    throw new ProtocolError(ReasonCode.QOS_NOT_SUPPORTED, `a will with QoS ${will.qos}, max_qos is ${maximumQoS}`);
  }
  const levels = will === undefined ? 0 : countLevels(will.topic);
  if (levels > settings.maxTopicLevels) {
    throw new ProtocolError(
      ReasonCode.TOPIC_NAME_INVALID,
      `the will's topic has ${levels} levels, max_topic_levels is ${settings.maxTopicLevels}`,
    );
  }
  if (will !== undefined && isControlTopic(will.topic)) {
    throw new ProtocolError(ReasonCode.NOT_AUTHORIZED, 'a will cannot go to $CONTROL: nobody would get the answer');
  }
  if (will?.retain === true && !settings.retainAvailable) {
    // [MQTT-3.2.2-13]
    throw new ProtocolError(ReasonCode.RETAIN_NOT_SUPPORTED, 'a will with RETAIN, but retain_available is false');
  }
  const tooLarge = will === undefined ? null : reasonWhyTooLarge(settings, will.payload);
  if (tooLarge !== null) throw new ProtocolError(ReasonCode.PACKET_TOO_LARGE, `the will: ${tooLarge}`);
  if (protocolVersion !== 5 && settings.maxKeepAliveS > 0 && (keepAlive === 0 || keepAlive > settings.maxKeepAliveS)) {
    throw new ProtocolError(
      ReasonCode.CLIENT_IDENTIFIER_NOT_VALID,
      `keep-alive ${keepAlive}, max_keepalive is ${settings.maxKeepAliveS}`,
    );
  }
}

/** `data`: what enhanced authentication tells the client at last. */
function admit(
  context: Context,
  connection: Connection,
  request: ConnectRequest,
  admission: Admission,
  data: Uint8Array | undefined,
): void {
  const { caller, clientId } = request;
  tellDoorkeeper(context, request, admission);
  if (!admission.admitted) {
    logNotAdmitted(context, connection, admission.rule);
    connection.refuse(admission.reasonCode, admission.reason);
    return;
  }
  if (connection.listener.usesUsernameAsClientId && admission.username !== clientId) {
    connection.refuse(ReasonCode.NOT_AUTHORIZED, 'authenticated as another user than the client id says');
    return;
  }
  const denial = context.doorkeeper.mayStay({ ...caller, username: admission.username });
  if (denial !== null) {
    turnAway(context, connection, denial);
    return;
  }
  const { grants, untilMs } = admission;
  const principal: Principal = {
    clientId,
    username: admission.username,
    address: connection.link.remoteAddress,
    access: connection.listener.access,
    ...(grants !== undefined && { grants }),
  };
  proceed(context, connection, mayLeaveWill(context, principal, request.will), (decision) => {
    if (decision.allowed) admitPrincipal(context, connection, request, principal, untilMs, data);
    else {
      logNotAdmitted(context, connection, `its will: ${decision.rule}`);
      connection.refuse(ReasonCode.NOT_AUTHORIZED, 'the will may not be published');
    }
  });
}

/**
 * Whether it is certain that the will may be published. What let the client in may say so now, and be unknown when the will
 * is due, after a restart of the broker; all others are asked then.
 */
function mayLeaveWill(
  { authorizer }: Context,
  principal: Principal,
  will: WillRecord | null,
): Decision | Promise<Decision> {
  if (will === null || principal.grants === undefined || authorizer.unrestricted) return { allowed: true, rule: '' };
  return authorizer.mayPublish(principal, will.message.topic);
}

function admitPrincipal(
  context: Context,
  connection: Connection,
  request: ConnectRequest,
  principal: Principal,
  untilMs: number | undefined,
  data: Uint8Array | undefined,
): void {
  const elsewhere = context.peers.takeOver(principal.clientId);
  proceed(context, connection, elsewhere, () => {
    establish(context, connection, request, principal, data);
    // It may wait for the store still; then its time runs nevertheless.
    if (untilMs !== undefined && connection.state < ConnectionState.CLOSING) connection.admittedUntil(untilMs);
  });
}

/** Whether what the client brought was good. One that brought nothing has not guessed. */
function tellDoorkeeper({ doorkeeper }: Context, { connect, caller }: ConnectRequest, admission: Admission): void {
  const { username, password, properties } = connect;
  if (username === undefined && password === undefined && properties?.authenticationMethod === undefined) return;
  if (admission.admitted) doorkeeper.succeeded({ ...caller, username: admission.username });
  else if (NOT_GOOD.has(admission.reasonCode)) doorkeeper.failed(caller);
}

/** Whoever decides about the client has let it in. */
function establish(
  context: Context,
  connection: Connection,
  request: ConnectRequest,
  principal: Principal,
  data: Uint8Array | undefined,
): void {
  // It may have gone while somebody decided about it; then it takes nobody's place.
  if (connection.state !== ConnectionState.AUTHENTICATING) return;
  const { sessions, settings } = context;
  const { connect, clientId, will } = request;
  const expiryIntervalS = Math.min(wantedExpiryS(connect), settings.maxSessionExpiryS);
  const obstacle = noRoomFor(context, { clientId, clean: connect.clean, expiryIntervalS });
  if (obstacle !== null) {
    connection.refuse(obstacle.reasonCode, obstacle.reason);
    return;
  }
  // [MQTT-3.1.4-3]
  sessions.get(clientId)?.connection?.disconnect(ReasonCode.SESSION_TAKEN_OVER, 'session taken over');
  const { session, present, ticket } = sessions.open({
    principal,
    protocolVersion: connect.protocolVersion,
    clean: connect.clean,
    expiryIntervalS,
    will,
  });
  const { epoch } = session;
  const welcome = (): void => {
    if (connection.state !== ConnectionState.AUTHENTICATING) sessions.abandon(session, epoch);
    // Somebody else came with the same id while the store was at work.
    else if (!sessions.isCurrent(session, epoch))
      connection.refuse(ReasonCode.SESSION_TAKEN_OVER, 'session taken over');
    else open(context, connection, request, session, present, data);
  };
  if (ticket <= context.store.committed) {
    welcome();
    return;
  }
  connection.hold();
  context.afterCommit(ticket, () => {
    welcome();
    connection.unhold();
  });
}

function open(
  context: Context,
  connection: Connection,
  request: ConnectRequest,
  session: Session,
  present: boolean,
  data: Uint8Array | undefined,
): void {
  const { settings, counters, hooks, log, sessions, wheel } = context;
  const { connect } = request;
  connection.maximumQoS = connection.listener.maximumQoS;
  connection.maximumAlias = connection.listener.maxTopicAliasesFromClient;
  const connack: Connack = {
    type: PacketType.CONNACK,
    // [MQTT-3.2.2-2] [MQTT-3.2.2-3]; 3.1 has no such flag.
    sessionPresent: present && connect.protocolVersion > 3,
    reasonCode: ReasonCode.SUCCESS,
  };
  if (connect.protocolVersion === 5)
    connack.properties = connackProperties(context, connection, request, session, data);
  if (!connection.fits(connack)) {
    // A client that cannot be told that it is connected is not [MQTT-3.1.2-24].
    sessions.abandon(session, session.epoch);
    connection.refuse(ReasonCode.PACKET_TOO_LARGE, 'CONNACK is larger than the maximum packet size');
    return;
  }
  const { properties } = connect;
  connection.clientReceiveMaximum = properties?.receiveMaximum ?? 65_535;
  connection.sendMaximum = Math.min(connection.clientReceiveMaximum, settings.maxInflightMessages);
  connection.receiveMaximum = settings.maxInflightMessages;
  const aliases = Math.min(properties?.topicAliasMaximum ?? 0, connection.listener.maxTopicAliasesToClient);
  if (aliases > 0) connection.outboundAliases = new OutboundAliases(aliases); // [MQTT-3.1.2-26] [MQTT-3.1.2-27]
  connection.takesRuns = aliases === 0 && connection.mountPoint === null;
  const keepAliveS = keepAliveOf(context, connect);
  connection.silenceLimitMs = keepAliveS * 1500; // [MQTT-3.1.2-22]
  wheel.cancel(connection.timer);
  if (keepAliveS > 0) wheel.schedule(connection.timer, wheel.now + connection.silenceLimitMs);
  counters.connections++;
  connection.moveTo(ConnectionState.OPEN);
  sessions.attach(session, connection);
  if (settings.connectionMessages && log.types & LogType.NOTICE) {
    const user = session.principal.username === undefined ? '' : `, u'${session.principal.username}'`;
    const details = `p${connect.protocolVersion}, c${connect.clean ? 1 : 0}, k${connect.keepAlive}${user}`;
    log.write(
      LogType.NOTICE,
      `New ${connection.isBridge ? 'bridge' : 'client'} connected from ${connection.address} as ${connection.clientId} (${details}).`,
      { client: connection.clientId, address: connection.address, username: session.principal.username },
    );
  }
  logWillAndTls(context, connection, connect);
  connection.send(connack);
  hooks.connected(session.principal, present);
  session.resume();
}

/** What Mosquitto says of a new client besides; a connection's TLS, because it is decided anew for each. */
function logWillAndTls({ log, settings }: Context, connection: Connection, { will }: Connect): void {
  if (settings.connectionMessages && log.types & LogType.DEBUG) {
    if (will === undefined) log.write(LogType.DEBUG, 'No will message specified.');
    else {
      const flags = `r${will.retain ? 1 : 0}, q${will.qos}`;
      log.write(LogType.DEBUG, `Will message specified (${will.payload.length} bytes) (${flags}).`);
      log.write(LogType.DEBUG, `\t${will.topic}`);
    }
  }
  const { tls } = connection.link;
  if (tls !== null && log.types & LogType.NOTICE) {
    log.write(LogType.NOTICE, `Client ${connection.clientId} negotiated ${tls.protocol} cipher ${tls.cipher}`);
  }
}

/** Only what differs from what the client would assume. They are sent in this order, which is Mosquitto's. */
function connackProperties(
  context: Context,
  connection: Connection,
  request: ConnectRequest,
  session: Session,
  data: Uint8Array | undefined,
): Properties {
  const { settings } = context;
  const { maximumAlias, maximumQoS } = connection;
  const { connect } = request;
  const properties: Properties = {};
  const { maximumPacketSize, maxInflightMessages } = settings;
  const keepAliveS = keepAliveOf(context, connect);
  if (keepAliveS !== connect.keepAlive) properties.serverKeepAlive = keepAliveS; // [MQTT-3.1.2-21]
  if (maximumAlias > 0) properties.topicAliasMaximum = maximumAlias;
  if (request.assigned) properties.assignedClientIdentifier = request.clientId; // [MQTT-3.1.3-7]
  Object.assign(properties, connection.authentication?.propertiesWith(data)); // [MQTT-4.12.0-5] [MQTT-4.12.0-6]
  if (!settings.retainAvailable) properties.retainAvailable = 0;
  if (maximumPacketSize < Number.POSITIVE_INFINITY) properties.maximumPacketSize = maximumPacketSize;
  if (maxInflightMessages < 65_535) properties.receiveMaximum = maxInflightMessages;
  if (maximumQoS < 2) properties.maximumQoS = maximumQoS === 1 ? 1 : 0; // [MQTT-3.2.2-9]
  if (session.expiryIntervalS !== wantedExpiryS(connect)) properties.sessionExpiryInterval = session.expiryIntervalS;
  if (connect.properties?.requestResponseInformation === 1) {
    // [MQTT-3.1.2-28]
    properties.responseInformation = `${settings.responseTopicPrefix}${request.clientId}/`;
  }
  return properties;
}

function keepAliveOf(context: Context, connect: Connect): number {
  const { maxKeepAliveS } = context.settings;
  if (maxKeepAliveS === 0) return connect.keepAlive;
  return connect.keepAlive === 0 ? maxKeepAliveS : Math.min(connect.keepAlive, maxKeepAliveS);
}

/** 3.1 and 3.1.1 know only sessions that end with their connection, and those that never end. */
function wantedExpiryS(connect: Connect): number {
  if (connect.protocolVersion === 5) return connect.properties?.sessionExpiryInterval ?? 0; // [MQTT-3.1.2-23]
  return connect.clean ? 0 : NEVER_EXPIRES;
}

function willRecord(will: Will, clientId: string): WillRecord {
  const { willDelayInterval, ...rest } = will.properties ?? {};
  const properties = Object.keys(rest).length === 0 ? null : rest;
  const message = new Message(
    will.topic,
    will.payload,
    will.qos,
    will.retain,
    properties,
    clientId,
    Number.POSITIVE_INFINITY,
  );
  return { message: message.keep(), delayS: willDelayInterval ?? 0 };
}

function copyOf(bytes: Uint8Array): Uint8Array {
  return Uint8Array.prototype.slice.call(bytes);
}
