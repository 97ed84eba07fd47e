import {
  type Disconnect,
  encodeClientPacket,
  PacketType,
  type Properties,
  type ProtocolError,
  ReasonCode,
  reasonName,
} from '@cauldron/codec';
import { NotSupportedByServer } from '../errors.js';

/** What a DISCONNECT of a client may say (MQTT 5.0, table 3-13); the other reason codes are for servers. */
const REASON_CODES: ReadonlySet<ReasonCode> = new Set([
  ReasonCode.SUCCESS,
  ReasonCode.DISCONNECT_WITH_WILL,
  ReasonCode.UNSPECIFIED_ERROR,
  ReasonCode.MALFORMED_PACKET,
  ReasonCode.PROTOCOL_ERROR,
  ReasonCode.IMPLEMENTATION_SPECIFIC_ERROR,
  ReasonCode.TOPIC_NAME_INVALID,
  ReasonCode.RECEIVE_MAXIMUM_EXCEEDED,
  ReasonCode.TOPIC_ALIAS_INVALID,
  ReasonCode.PACKET_TOO_LARGE,
  ReasonCode.MESSAGE_RATE_TOO_HIGH,
  ReasonCode.QUOTA_EXCEEDED,
  ReasonCode.ADMINISTRATIVE_ACTION,
  ReasonCode.PAYLOAD_FORMAT_INVALID,
]);

/**
 * The DISCONNECT that the program asks for.
 * @throws RangeError for a reason code that a client does not send; ProtocolError for properties that cannot be encoded
 */
export function farewell(reasonCode: ReasonCode, properties?: Properties): Disconnect {
  // [MQTT-3.14.2-1]
  if (!REASON_CODES.has(reasonCode)) throw new RangeError(`A client does not leave with "${reasonName(reasonCode)}"`);
  const packet: Disconnect = { type: PacketType.DISCONNECT, reasonCode, ...(properties && { properties }) };
  encodeClientPacket(packet, 5);
  return packet;
}

/** The DISCONNECT for a server that broke the protocol. The reason codes of `decodeServerPacket` are those of clients, too. */
export function farewellFor({ reasonCode, message }: ProtocolError): Disconnect {
  return { type: PacketType.DISCONNECT, reasonCode, properties: { reasonString: message } };
}

/**
 * Sends a DISCONNECT, as far as the server has room for it: first goes what explains it [MQTT-3.14.2-3] [MQTT-3.14.2-4], then
 * the session expiry interval.
 * @returns what was sent
 */
export function sendFarewell(packet: Disconnect, send: (packet: Disconnect) => void): Disconnect {
  const { type, reasonCode, properties } = packet;
  const { sessionExpiryInterval } = properties ?? {};
  const shorter: Disconnect[] = [{ type, reasonCode }];
  if (sessionExpiryInterval !== undefined) shorter.unshift({ type, reasonCode, properties: { sessionExpiryInterval } });
  for (const candidate of [packet, ...shorter]) {
    try {
      send(candidate);
      return candidate;
    } catch (error) {
      if (!(error instanceof NotSupportedByServer)) throw error;
    }
  }
  return packet;
}
