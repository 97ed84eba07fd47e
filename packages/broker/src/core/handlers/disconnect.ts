import { type Disconnect, PacketType, ProtocolError, ReasonCode, reasonName } from '@cauldron/codec';
import type { Connection } from '../connection.js';
import type { Context } from '../context.js';
import { logReceived } from '../packet-log.js';
import { LogType } from '../ports/log.js';

export function handleDisconnect(context: Context, connection: Connection, packet: Disconnect): void {
  const { log } = context;
  if (log.types & LogType.DEBUG) logReceived(log, connection.clientId, PacketType.DISCONNECT);
  const { session } = connection;
  const expiryS = packet.properties?.sessionExpiryInterval;
  // There is no session before CONNACK: a client may leave in the middle of its authentication.
  if (session !== null && expiryS !== undefined) {
    if (expiryS > 0 && !session.lasting) {
      // [MQTT-3.14.2-2]
      throw new ProtocolError(
        ReasonCode.PROTOCOL_ERROR,
        'a session expiry interval in DISCONNECT, but none in CONNECT: the session cannot be made to last now',
      );
    }
    session.expiryIntervalS = Math.min(expiryS, context.settings.maxSessionExpiryS);
  }
  const { reasonCode } = packet;
  const isNormal = reasonCode === ReasonCode.SUCCESS;
  connection.close({
    reason: '',
    why: isNormal || reasonCode === ReasonCode.DISCONNECT_WITH_WILL ? null : reasonName(reasonCode).toLowerCase(),
    publishWill: !isNormal, // [MQTT-3.14.4-3]
  });
}
