import { type Auth, type Packet, PacketType, packetName, type ReasonCode } from '@cauldron/codec';
import { type Log, LogType } from './ports/log.js';

/**
 * The lines of `log_type debug`, in the words of Mosquitto, which people and scripts know. PUBLISH has a form of its own. Callers
 * look first whether anybody takes these lines.
 */
export function logSent(log: Log, clientId: string, packet: Packet): void {
  switch (packet.type) {
    case PacketType.PUBACK:
    case PacketType.PUBREC:
    case PacketType.PUBREL:
    case PacketType.PUBCOMP:
      logAcknowledgementSent(log, clientId, packet.type, packet.packetId, packet.reasonCode);
      return;
    case PacketType.CONNACK: {
      const present = packet.sessionPresent ? 1 : 0;
      log.write(LogType.DEBUG, `Sending CONNACK to ${clientId} (${present}, ${packet.reasonCode})`);
      return;
    }
    case PacketType.DISCONNECT:
      log.write(LogType.DEBUG, `Sending DISCONNECT to ${clientId} (rc${packet.reasonCode})`);
      return;
    case PacketType.AUTH:
      logAuth(log, 'Sending AUTH to', clientId, packet);
      return;
    default:
      log.write(LogType.DEBUG, `Sending ${packetName(packet.type)} to ${clientId}`);
  }
}

/** PUBACK, PUBREC, PUBREL or PUBCOMP. */
export function logAcknowledgementSent(
  log: Log,
  clientId: string,
  type: PacketType,
  packetId: number,
  reasonCode: ReasonCode,
): void {
  const isFirst = type === PacketType.PUBACK || type === PacketType.PUBREC;
  const details = isFirst ? `m${packetId}, rc${reasonCode}` : `m${packetId}`;
  log.write(LogType.DEBUG, `Sending ${packetName(type)} to ${clientId} (${details})`);
}

/** PUBACK, PUBREC, PUBREL or PUBCOMP. */
export function logAcknowledgementReceived(
  log: Log,
  clientId: string,
  type: PacketType,
  packetId: number,
  reasonCode: ReasonCode,
): void {
  const isLast = type === PacketType.PUBACK || type === PacketType.PUBCOMP;
  const details = isLast ? `Mid: ${packetId}, RC:${reasonCode}` : `Mid: ${packetId}`;
  log.write(LogType.DEBUG, `Received ${packetName(type)} from ${clientId} (${details})`);
}

/** An AUTH in either direction; `line` is "Received AUTH from" or "Sending AUTH to". Its data are not for the log. */
export function logAuth(log: Log, line: string, clientId: string, { reasonCode, properties }: Auth): void {
  log.write(LogType.DEBUG, `${line} ${clientId} (rc${reasonCode}, ${properties?.authenticationMethod ?? 'no method'})`);
}

/** A PUBLISH in either direction; `line` is "Received PUBLISH from" or "Sending PUBLISH to". */
export function logPublish(
  log: Log,
  line: string,
  clientId: string,
  topic: string,
  publish: { dup: boolean; qos: number; retain: boolean; packetId: number; payload: Uint8Array },
): void {
  const { dup, qos, retain, packetId, payload } = publish;
  const flags = `d${dup ? 1 : 0}, q${qos}, r${retain ? 1 : 0}, m${packetId}`;
  log.write(LogType.DEBUG, `${line} ${clientId} (${flags}, '${topic}', ... (${payload.length} bytes))`);
}

/** `details`: each gets a line of its own. */
export function logReceived(log: Log, clientId: string, type: PacketType, details: readonly string[] = []): void {
  log.write(LogType.DEBUG, `Received ${packetName(type)} from ${clientId}`);
  for (const detail of details) log.write(LogType.DEBUG, `\t${detail}`);
}
