import { type Connack, type Connect, ProtocolError, ReasonCode } from '@cauldron/codec';
import type { Session } from '../session/session.js';

/** @throws ProtocolError for an acceptance that does not fit to the CONNECT */
export function checkConnack(connack: Connack, connect: Connect, session: Session): void {
  if (connack.sessionPresent && (connect.clean || session.hasEnded)) {
    // [MQTT-3.2.2-4]
    throw new ProtocolError(ReasonCode.PROTOCOL_ERROR, 'Session present, but the client has none');
  }
  if (connack.properties?.authenticationMethod !== connect.properties?.authenticationMethod) {
    // [MQTT-4.12.0-5] [MQTT-4.12.0-6]
    throw new ProtocolError(ReasonCode.PROTOCOL_ERROR, 'CONNACK has another authentication method');
  }
}

/** Whether client and server keep the session when the connection is gone. */
export function keepsSession({ protocolVersion, clean, properties }: Connect, connack: Connack): boolean {
  if (protocolVersion < 5) return !clean;
  return (connack.properties?.sessionExpiryInterval ?? properties?.sessionExpiryInterval ?? 0) > 0;
}
