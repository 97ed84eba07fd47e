import { PacketType, type ProtocolVersion, type QoS } from './constants.js';
import { zeroPacketId } from './packet-parts.js';
import type { Properties, Publish } from './packets.js';
import { decodeProperties } from './properties.js';
import { ProtocolError } from './protocol-error.js';
import { Reader, viewOf } from './reader.js';
import { ReasonCode } from './reason-codes.js';
import { assertTopicName } from './topic.js';
import { decodeUtf8 } from './utf8.js';

/** As `decodePacket`, for a frame whose type is PUBLISH. An empty topic means that the topic alias stands for it. */
export function decodePublish(
  bytes: Uint8Array,
  start: number,
  body: number,
  end: number,
  version: ProtocolVersion,
): Publish {
  const header = bytes[start];
  const qos = (header >> 1) & 3;
  const dup = (header & 8) !== 0;
  if (qos === 3) throw malformedPublish('the QoS is 3'); // [MQTT-3.3.1-4]
  if (dup && qos === 0) throw malformedPublish('DUP is set at QoS 0'); // [MQTT-3.3.1-2]
  const topicAt = body + 2;
  const topicEnd = topicAt + ((bytes[body] << 8) | bytes[body + 1]);
  let at = qos === 0 ? topicEnd : topicEnd + 2;
  // Also catches a topic length that is cut itself: what `topicEnd` then is does not matter.
  if (topicAt > end || at > end)
    throw malformedPublish('ends before the end of the topic name or the packet identifier');
  const topic = decodeUtf8(bytes, topicAt, topicEnd, 'PUBLISH: the topic name'); // [MQTT-3.3.2-1]
  let properties: Properties | undefined;
  if (version === 5) {
    if (at < end && bytes[at] === 0) {
      at++;
    } else {
      const reader = new Reader(bytes, at, end, 'PUBLISH');
      properties = decodeProperties(reader, PacketType.PUBLISH);
      at = reader.at;
    }
  }
  if (topic !== '' || version !== 5) {
    assertTopicName(topic); // [MQTT-3.3.2-2]
  } else if (properties?.topicAlias === undefined) {
    throw new ProtocolError(ReasonCode.PROTOCOL_ERROR, 'PUBLISH: the topic name is empty and there is no topic alias');
  }
  const packet: Publish = {
    type: PacketType.PUBLISH,
    topic,
    payload: viewOf(bytes, at, end),
    qos: qos as QoS,
    retain: (header & 1) === 1,
    dup,
  };
  if (qos !== 0) {
    packet.packetId = (bytes[topicEnd] << 8) | bytes[topicEnd + 1];
    if (packet.packetId === 0) throw zeroPacketId('PUBLISH');
  }
  if (properties !== undefined) packet.properties = properties;
  return packet;
}

function malformedPublish(message: string): ProtocolError {
  return new ProtocolError(ReasonCode.MALFORMED_PACKET, `PUBLISH: ${message}`);
}
