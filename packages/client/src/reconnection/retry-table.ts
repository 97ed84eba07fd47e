import { ConnectReturnCode, ReasonCode } from '@cauldron/codec';
import {
  AuthenticationFailed,
  type ClientError,
  ConnectionRefused,
  NotSupportedByServer,
  ProtocolViolation,
  ServerDisconnected,
} from '../errors.js';

/** What a server says that will not be otherwise the next time, and why. Everything else passes, and is worth a retry. */
const POINTLESS: ReadonlySet<ReasonCode> = new Set([
  ReasonCode.MALFORMED_PACKET, // the client would send the same packet again
  ReasonCode.PROTOCOL_ERROR, // the client would break the same rule again
  ReasonCode.UNSUPPORTED_PROTOCOL_VERSION, // the client would speak the same version
  ReasonCode.CLIENT_IDENTIFIER_NOT_VALID, // the client would have the same id
  ReasonCode.BAD_USER_NAME_OR_PASSWORD, // the password would be the same, and many tries lock users out
  ReasonCode.NOT_AUTHORIZED, // the user would be the same
  ReasonCode.BANNED, // a person has to lift the ban
  ReasonCode.BAD_AUTHENTICATION_METHOD, // the method would be the same
  ReasonCode.SESSION_TAKEN_OVER, // another client has the same id: each would throw the other out for ever
  ReasonCode.TOPIC_FILTER_INVALID, // the client would subscribe to the same filter
  ReasonCode.TOPIC_NAME_INVALID, // the will, or a message that waits, would have the same topic
  ReasonCode.PACKET_TOO_LARGE, // the packet would be as large
  ReasonCode.PAYLOAD_FORMAT_INVALID, // the will would have the same payload
  ReasonCode.RETAIN_NOT_SUPPORTED, // the will would be retained again
  ReasonCode.QOS_NOT_SUPPORTED, // the will would have the same QoS
  ReasonCode.SHARED_SUBSCRIPTIONS_NOT_SUPPORTED, // the client would subscribe to the same filter
  ReasonCode.SUBSCRIPTION_IDENTIFIERS_NOT_SUPPORTED, // the client would subscribe in the same way
  ReasonCode.WILDCARD_SUBSCRIPTIONS_NOT_SUPPORTED, // the client would subscribe to the same filter
]);

/** The same for the return codes of 3.1 and 3.1.1. */
const POINTLESS_BEFORE_5: ReadonlySet<number> = new Set([
  ConnectReturnCode.UNACCEPTABLE_PROTOCOL_VERSION, // the client would speak the same version
  ConnectReturnCode.IDENTIFIER_REJECTED, // the client would have the same id
  ConnectReturnCode.BAD_USER_NAME_OR_PASSWORD, // the password would be the same, and many tries lock users out
  ConnectReturnCode.NOT_AUTHORIZED, // the user would be the same
]);

/** Whether it is pointless to connect again after this end of a connection. */
export function isPointless(error: ClientError): boolean {
  if (error instanceof ConnectionRefused) {
    const reasons: ReadonlySet<number> = error.protocolVersion === 5 ? POINTLESS : POINTLESS_BEFORE_5;
    return reasons.has(error.reasonCode);
  }
  if (error instanceof ServerDisconnected) return POINTLESS.has(error.reasonCode);
  return (
    error instanceof ProtocolViolation || // the server would break the same rule again
    error instanceof AuthenticationFailed || // the client would not trust the server, or itself, again
    error instanceof NotSupportedByServer // the server would announce the same limits
  );
}
