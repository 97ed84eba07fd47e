import { type Auth, type Packet, PacketType, packetName, type ReasonCode } from '@cauldron/codec';
import { type Log, LogType } from './ports/log.js';

// The lines of `log_type debug`, in the words of Mosquitto, which people and programs know. Callers look first whether
// anybody takes these lines. What is sent may have to wait for the store, so those lines are made here and written when
// the packet leaves.

/** What is said of any packet but PUBLISH. */
export function lineOfSent(client: string, packet: Packet): string {
  switch (packet.type) {
    case PacketType.PUBACK:
    case PacketType.PUBREC:
    case PacketType.PUBREL:
    case PacketType.PUBCOMP:
      return lineOfAcknowledgementSent(client, packet.type, packet.packetId, packet.reasonCode);
    case PacketType.CONNACK:
      return `Sending CONNACK to ${client} (${packet.sessionPresent ? 1 : 0}, ${packet.reasonCode})`;
    case PacketType.DISCONNECT:
      return `Sending DISCONNECT to ${client} (rc${packet.reasonCode})`;
    case PacketType.AUTH:
      return lineOfAuth('Sending AUTH to', client, packet);
    default:
      return `Sending ${packetName(packet.type)} to ${client}`;
  }
}

/** PUBACK, PUBREC, PUBREL or PUBCOMP. */
export function lineOfAcknowledgementSent(
  client: string,
  type: PacketType,
  packetId: number,
  reasonCode: ReasonCode,
): string {
  const isFirst = type === PacketType.PUBACK || type === PacketType.PUBREC;
  const details = isFirst ? `m${packetId}, rc${reasonCode}` : `m${packetId}`;
  return `Sending ${packetName(type)} to ${client} (${details})`;
}

/** A PUBLISH in either direction; `what` is "Received PUBLISH from", "Denied PUBLISH from" or "Sending PUBLISH to". */
export function lineOfPublish(
  what: string,
  client: string,
  topic: string,
  publish: { dup: boolean; qos: number; retain: boolean; packetId?: number; payload: Uint8Array },
): string {
  const { dup, qos, retain, packetId = 0, payload } = publish;
  const flags = `d${dup ? 1 : 0}, q${qos}, r${retain ? 1 : 0}, m${packetId}`;
  return `${what} ${client} (${flags}, '${topic}', ... (${payload.length} bytes))`;
}

/** An AUTH in either direction; `what` is "Received AUTH from" or "Sending AUTH to". Its data are not for the log. */
export function lineOfAuth(what: string, client: string, { reasonCode, properties }: Auth): string {
  return `${what} ${client} (rc${reasonCode}, ${properties?.authenticationMethod ?? 'no method'})`;
}

/** A packet of which no more is said; SUBSCRIBE and UNSUBSCRIBE are followed by a line for each filter. */
export function logReceived(log: Log, client: string, type: PacketType): void {
  log.write(LogType.DEBUG, `Received ${packetName(type)} from ${client}`, { client });
}

/** PUBACK, PUBREC, PUBREL or PUBCOMP. */
export function logAcknowledgementReceived(
  log: Log,
  client: string,
  type: PacketType,
  packetId: number,
  reasonCode: ReasonCode,
): void {
  const isLast = type === PacketType.PUBACK || type === PacketType.PUBCOMP;
  const details = isLast ? `Mid: ${packetId}, RC:${reasonCode}` : `Mid: ${packetId}`;
  log.write(LogType.DEBUG, `Received ${packetName(type)} from ${client} (${details})`, { client });
}
