import { PacketType, type ProtocolVersion } from './constants.js';
import { encodeClientPacket } from './encode-client-packet.js';
import { cannotSend, checkedQoS, PacketBody, wrongReason } from './packet-body.js';
import type { Connack, Packet, Publish, Suback, Unsuback } from './packets.js';
import { PublishLayout } from './publish-layout.js';
import { isReasonCodeOf, ReasonCode } from './reason-codes.js';
import { assertTopicName } from './topic.js';

/** A whole PINGREQ. Shared: not to be changed. */
export const PINGREQ_BYTES: Uint8Array = /* @__PURE__ */ Uint8Array.of(PacketType.PINGREQ << 4, 0);

/** A whole PINGRESP. Shared: not to be changed. */
export const PINGRESP_BYTES: Uint8Array = /* @__PURE__ */ Uint8Array.of(PacketType.PINGRESP << 4, 0);

const body = new PacketBody();

/**
 * The bytes of `packet`, in an array of its own and of the exact size.
 *
 * Writes only what `decodePacket` accepts. 3.1 and 3.1.1 leave out what they have no place for: properties, the reason
 * codes of acknowledgements, all subscription options but the QoS; and every failure in their SUBACK is 0x80.
 * @throws ProtocolError that says which field cannot be encoded, and why
 */
export function encodePacket(packet: Packet, version: ProtocolVersion): Uint8Array {
  switch (packet.type) {
    case PacketType.PUBLISH:
      return encodePublish(packet, version);
    case PacketType.PINGRESP:
      return PINGRESP_BYTES.slice();
    case PacketType.CONNACK:
    case PacketType.SUBACK:
    case PacketType.UNSUBACK:
      body.begin();
      if (packet.type === PacketType.CONNACK) writeConnack(packet, version);
      else writeAnswer(packet, version);
      return body.finish(packet.type).slice();
    default:
      return encodeClientPacket(packet, version).slice();
  }
}

function writeConnack(packet: Connack, version: ProtocolVersion): void {
  const { type, reasonCode, sessionPresent } = packet;
  if (version === 5 ? !isReasonCodeOf(type, reasonCode) : reasonCode > 5) throw wrongReason(type, reasonCode, version);
  if (sessionPresent && reasonCode !== 0) throw cannotSend(type, 'Session Present is set in a refusal'); // [MQTT-3.2.2-6]
  body.byte(sessionPresent && version !== 3 ? 1 : 0);
  body.byte(reasonCode);
  body.properties(packet.properties, type, version);
}

function writeAnswer(packet: Suback | Unsuback, version: ProtocolVersion): void {
  const { type, properties, reasonCodes } = packet;
  body.packetId(packet);
  body.properties(properties, type, version);
  if (type === PacketType.UNSUBACK && version !== 5) return;
  if (reasonCodes.length === 0) throw cannotSend(type, 'there is no reason code');
  for (const code of reasonCodes) {
    if (!isReasonCodeOf(type, code)) throw wrongReason(type, code, version);
    body.byte(version === 5 || code < ReasonCode.UNSPECIFIED_ERROR ? code : ReasonCode.UNSPECIFIED_ERROR);
  }
}

function encodePublish(packet: Publish, version: ProtocolVersion): Uint8Array {
  const { type, topic, qos, packetId, dup } = packet;
  checkedQoS(type, qos); // [MQTT-3.3.1-4]
  if (qos === 0) {
    if (dup) throw cannotSend(type, 'DUP is set at QoS 0'); // [MQTT-3.3.1-2]
  } else if (packetId === undefined || !(Number.isInteger(packetId) && packetId >= 1 && packetId <= 0xffff)) {
    throw cannotSend(type, `the packet identifier is ${packetId}, allowed is 1 to 65535`); // [MQTT-2.2.1-3]
  }
  const hasAlias = version === 5 && packet.properties?.topicAlias !== undefined;
  if (topic !== '' || !hasAlias) assertTopicName(topic); // [MQTT-3.3.2-2]
  const layout = new PublishLayout(packet, qos, packet.retain, version);
  const bytes = new Uint8Array(layout.size);
  layout.write(bytes, 0, packetId, dup);
  return bytes;
}
