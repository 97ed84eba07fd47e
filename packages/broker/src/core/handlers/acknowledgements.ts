import { decodeAcknowledgement, PacketType, ReasonCode } from '@cauldron/codec';
import type { Connection } from '../connection.js';
import type { Context } from '../context.js';
import { logAcknowledgementReceived } from '../packet-log.js';
import { LogType } from '../ports/log.js';
import type { Session } from '../session.js';

/**
 * PUBACK, PUBREC, PUBREL and PUBCOMP of an open connection: the short way for those that say no more than an id.
 * @throws ProtocolError when the packet is malformed.
 */
export function handleAcknowledgement(
  context: Context,
  connection: Connection,
  bytes: Uint8Array,
  start: number,
  body: number,
  end: number,
): void {
  const { session } = connection;
  if (session === null) return;
  const header = bytes[start];
  const type = (header >> 4) as PacketType;
  let packetId = 0;
  let reasonCode: ReasonCode = ReasonCode.SUCCESS;
  // [MQTT-3.6.1-1] Other flags than these are for the codec to judge: 3.1 allows them.
  if (end - body === 2 && (header & 0x0f) === (type === PacketType.PUBREL ? 2 : 0)) {
    packetId = (bytes[body] << 8) | bytes[body + 1];
  }
  if (packetId === 0) {
    const packet = decodeAcknowledgement(bytes, start, body, end, connection.version);
    packetId = packet.packetId;
    reasonCode = packet.reasonCode;
  }
  const { log } = context;
  if (log.types & LogType.DEBUG) logAcknowledgementReceived(log, connection.clientId, type, packetId, reasonCode);
  switch (type) {
    case PacketType.PUBACK:
      if (session.acknowledged(packetId) && reasonCode >= ReasonCode.UNSPECIFIED_ERROR) {
        session.reportRejection(reasonCode);
      }
      break;
    case PacketType.PUBREC:
      handlePubrec(connection, session, packetId, reasonCode);
      break;
    case PacketType.PUBREL:
      handlePubrel(connection, session, packetId);
      break;
    case PacketType.PUBCOMP:
      session.completed(packetId);
  }
  if (connection.isAwaited || connection.isStalled) context.slowdown.progressed(connection);
}

function handlePubrec(connection: Connection, session: Session, packetId: number, reasonCode: ReasonCode): void {
  if (reasonCode >= ReasonCode.UNSPECIFIED_ERROR) {
    if (session.refused(packetId)) session.reportRejection(reasonCode);
    return;
  }
  const ticket = session.received(packetId);
  // An id that is not known is answered all the same, or the client would repeat it for ever.
  if (ticket !== null) connection.sendPubrel(packetId, ticket);
  else refuseUnknown(connection, PacketType.PUBREL, packetId);
}

function handlePubrel(connection: Connection, session: Session, packetId: number): void {
  const ticket = session.releaseInbound(packetId);
  if (ticket !== null)
    connection.acknowledge(PacketType.PUBCOMP << 4, packetId, ticket); // [MQTT-4.3.3-11]
  else refuseUnknown(connection, PacketType.PUBCOMP, packetId);
}

function refuseUnknown(connection: Connection, type: 6 | 7, packetId: number): void {
  connection.acknowledgeRefusal(
    type,
    packetId,
    ReasonCode.PACKET_IDENTIFIER_NOT_FOUND,
    `no message with packet id ${packetId} is under way`,
  );
}
