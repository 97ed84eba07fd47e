import { type Auth, isReasonCodeOf, PacketType, ProtocolError, ReasonCode } from '@cauldron/codec';
import { Authentication, type Conclusion } from '../authentication.js';
import type { Connection } from '../connection.js';
import { ConnectionState } from '../connection-state.js';
import type { Context } from '../context.js';
import { lineOfAuth } from '../packet-log.js';
import type { Admission, AuthenticationStep, Credentials } from '../ports/access.js';
import type { Denial } from '../ports/doorkeeper.js';
import { LogType } from '../ports/log.js';
import { proceed } from '../proceed.js';

/**
 * A CONNECT that names an authentication method. `conclude` is called when the exchange is decided, unless the client goes
 * before. `data` is lent.
 * @throws ProtocolError BAD_AUTHENTICATION_METHOD when the method is not offered
 */
export function beginAuthentication(
  context: Context,
  connection: Connection,
  credentials: Credentials,
  method: string,
  data: Uint8Array | undefined,
  conclude: Conclusion,
): void {
  const authenticator = context.enhancedAuthenticator ?? { begin: () => null };
  const authentication = new Authentication(connection, authenticator, credentials, method);
  connection.authentication = authentication;
  takeStep(context, connection, authentication, authentication.begin(data, conclude));
}

/** AUTH: the client's answer, before CONNACK or after it; or its wish to authenticate again, while messages flow. */
export function handleAuth(context: Context, connection: Connection, packet: Auth): void {
  const { authentication } = connection;
  const { log } = context;
  if (log.types & LogType.DEBUG)
    log.write(LogType.DEBUG, lineOfAuth('Received AUTH from', connection.clientId, packet));
  if (authentication === null) {
    // [MQTT-4.12.0-7]
    throw new ProtocolError(ReasonCode.PROTOCOL_ERROR, 'AUTH without an authentication method in CONNECT');
  }
  const { authenticationMethod: method, authenticationData: data } = packet.properties ?? {};
  if (method !== authentication.method) {
    const difference = method === undefined ? 'without a method' : `with the method '${method}'`;
    // [MQTT-4.12.0-5] [MQTT-4.12.1-1]
    throw new ProtocolError(
      ReasonCode.PROTOCOL_ERROR,
      `AUTH ${difference}, but CONNECT named '${authentication.method}'`,
    );
  }
  if (packet.reasonCode === ReasonCode.CONTINUE_AUTHENTICATION && authentication.isClientsTurn) {
    takeStep(context, connection, authentication, authentication.next(data));
  } else if (packet.reasonCode === ReasonCode.REAUTHENTICATE && connection.isOpen && !authentication.isUnderWay) {
    const { settings, wheel } = context;
    wheel.schedule(authentication.timer, wheel.now + settings.connectTimeoutMs);
    const conclude: Conclusion = (admission, lastData) => endReauthentication(context, connection, admission, lastData);
    takeStep(context, connection, authentication, authentication.begin(data, conclude));
  } else {
    // [MQTT-4.12.0-3]
    throw new ProtocolError(ReasonCode.PROTOCOL_ERROR, `AUTH with code ${packet.reasonCode} is out of place`);
  }
}

/** The line for a client that is not let in, or not any more: what decided is for the log alone. */
export function logNotAdmitted({ log }: Context, connection: Connection, rule: string): void {
  if (log.types & LogType.NOTICE) {
    const { address, clientId: client } = connection;
    log.write(LogType.NOTICE, `Client ${connection.who} not admitted: ${rule}`, { client, address });
  }
}

/** Ends a connection for what the doorkeeper says. */
export function turnAway(context: Context, connection: Connection, { reasonCode, reason, rule }: Denial): void {
  logNotAdmitted(context, connection, rule);
  // Some codes, such as that of a ban, are for CONNACK alone.
  const isSayable = !connection.isOpen || isReasonCodeOf(PacketType.DISCONNECT, reasonCode);
  connection.dismiss(isSayable ? reasonCode : ReasonCode.ADMINISTRATIVE_ACTION, reason);
}

/** Goes on when the authenticator has answered: with a question to the client, or with the end. */
function takeStep(
  context: Context,
  connection: Connection,
  authentication: Authentication,
  answer: AuthenticationStep | Promise<AuthenticationStep>,
): void {
  proceed(context, connection, answer, (step) => {
    if (connection.state >= ConnectionState.CLOSING) return;
    if ('challenge' in step) {
      authentication.ask();
      sendAuth(connection, authentication, ReasonCode.CONTINUE_AUTHENTICATION, step.challenge); // [MQTT-4.12.0-2]
    } else authentication.conclude(step, step.admitted ? step.data : undefined);
  });
}

function endReauthentication(
  context: Context,
  connection: Connection,
  admission: Admission,
  data: Uint8Array | undefined,
): void {
  const { authentication, session } = connection;
  if (authentication === null || session === null) return;
  context.wheel.cancel(authentication.timer);
  const refusal = refusalOf(admission, session.principal.username);
  if (refusal === null) {
    if (admission.admitted && admission.untilMs !== undefined) connection.admittedUntil(admission.untilMs);
    sendAuth(connection, authentication, ReasonCode.SUCCESS, data);
    return;
  }
  logNotAdmitted(context, connection, refusal.rule);
  // Some codes are for CONNACK alone.
  const { reasonCode } = refusal;
  const told = isReasonCodeOf(PacketType.DISCONNECT, reasonCode) ? reasonCode : ReasonCode.NOT_AUTHORIZED;
  connection.disconnect(told, refusal.reason); // [MQTT-4.12.1-2]
}

type Refusal = Extract<Admission, { readonly admitted: false }>;

/** Null: the client may stay. What belongs to one user does not pass to another within a connection. */
function refusalOf(admission: Admission, username: string | undefined): Refusal | null {
  if (!admission.admitted) return admission;
  if (admission.username === username) return null;
  const reason = 'authenticated as another user than before';
  return { admitted: false, reasonCode: ReasonCode.NOT_AUTHORIZED, reason, rule: `${reason} (${admission.rule})` };
}

/** @throws ProtocolError PACKET_TOO_LARGE when the client does not take it: there is no way on. */
function sendAuth(
  connection: Connection,
  authentication: Authentication,
  reasonCode: ReasonCode,
  data: Uint8Array | undefined,
): void {
  const packet: Auth = { type: PacketType.AUTH, reasonCode, properties: authentication.propertiesWith(data) };
  if (!connection.fits(packet)) {
    // [MQTT-3.1.2-24]
    throw new ProtocolError(ReasonCode.PACKET_TOO_LARGE, 'AUTH is larger than the maximum packet size');
  }
  connection.send(packet);
}
