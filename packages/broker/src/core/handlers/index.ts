import { decodePacket, PacketType, ProtocolError, packetName, ReasonCode } from '@cauldron/codec';
import type { Connection } from '../connection.js';
import { ConnectionState } from '../connection-state.js';
import type { Context } from '../context.js';
import { handleAuth } from './auth.js';
import { handleConnect } from './connect.js';
import { handleDisconnect } from './disconnect.js';
import { handlePingreq } from './ping.js';
import { handlePublish } from './publish.js';
import { handleSubscribe } from './subscribe.js';
import { handleUnsubscribe } from './unsubscribe.js';

/**
 * Handles one packet of any type that does not come by the short way (acknowledgements, and PUBLISH in runs).
 * @throws ProtocolError for the connection to turn into what the peer is told.
 */
export function handlePacket(
  context: Context,
  connection: Connection,
  type: PacketType | 0,
  bytes: Uint8Array,
  start: number,
  body: number,
  end: number,
): void {
  if (connection.state === ConnectionState.AWAITING_CONNECT) {
    if (type !== PacketType.CONNECT) {
      // [MQTT-3.1.0-1]
      throw new ProtocolError(ReasonCode.PROTOCOL_ERROR, `${packetName(type)} came before CONNECT`);
    }
    handleConnect(context, connection, bytes, start, body, end);
    return;
  }
  if (
    connection.state === ConnectionState.AUTHENTICATING &&
    type !== PacketType.AUTH &&
    type !== PacketType.DISCONNECT
  ) {
    // [MQTT-3.1.2-30]
    throw new ProtocolError(ReasonCode.PROTOCOL_ERROR, `${packetName(type)} came before the authentication was over`);
  }
  if (type === PacketType.PUBLISH) {
    handlePublish(context, connection, bytes, start, body, end);
    return;
  }
  if (type === PacketType.CONNECT) {
    throw new ProtocolError(ReasonCode.PROTOCOL_ERROR, 'a second CONNECT on one connection'); // [MQTT-3.1.0-2]
  }
  const packet = decodePacket(bytes, start, body, end, connection.version);
  switch (packet.type) {
    case PacketType.SUBSCRIBE:
      handleSubscribe(context, connection, packet);
      return;
    case PacketType.UNSUBSCRIBE:
      handleUnsubscribe(context, connection, packet);
      return;
    case PacketType.PINGREQ:
      handlePingreq(context, connection);
      return;
    case PacketType.DISCONNECT:
      handleDisconnect(context, connection, packet);
      return;
    case PacketType.AUTH:
      handleAuth(context, connection, packet);
      return;
    default:
      throw new ProtocolError(ReasonCode.PROTOCOL_ERROR, `${packetName(type)} is for servers to send`);
  }
}
