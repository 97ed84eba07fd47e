import type { Packet, Properties, ProtocolVersion } from '@cauldron/codec';
import { encodePacket, PacketType } from '@cauldron/codec';

/**
 * The bytes of a packet for a client that takes at most `maximumSize` bytes, and may not want problem information. First
 * the reason string goes, then the user properties [MQTT-3.2.2-19] [MQTT-3.2.2-20] [MQTT-3.14.2-3]; null if even that
 * does not help: then nothing may be sent [MQTT-3.1.2-24].
 */
export function fitPacket(
  packet: Packet,
  version: ProtocolVersion,
  maximumSize: number,
  wantsProblemInformation: boolean,
): Uint8Array | null {
  if (version !== 5 || !('properties' in packet) || packet.properties === undefined) {
    return within(encodePacket(packet, version), maximumSize);
  }
  // CONNACK and DISCONNECT may always tell more; the others only if the client asked for it [MQTT-3.1.2-29].
  const mayExplain =
    wantsProblemInformation || packet.type === PacketType.CONNACK || packet.type === PacketType.DISCONNECT;
  const whole = mayExplain ? packet.properties : without(packet.properties, 'reasonString', 'userProperties');
  const attempts = [whole, without(whole, 'reasonString'), without(whole, 'reasonString', 'userProperties')];
  for (const properties of attempts) {
    const bytes = within(encodePacket({ ...packet, properties }, version), maximumSize);
    if (bytes !== null) return bytes;
  }
  return null;
}

function within(bytes: Uint8Array, maximumSize: number): Uint8Array | null {
  return bytes.length <= maximumSize ? bytes : null;
}

function without(properties: Properties, ...names: (keyof Properties)[]): Properties {
  const rest = { ...properties };
  for (const name of names) delete rest[name];
  return rest;
}
