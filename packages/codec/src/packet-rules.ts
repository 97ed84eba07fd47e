import { PacketType } from './constants.js';
import type { Properties } from './packets.js';
import { ProtocolError } from './protocol-error.js';
import { ReasonCode } from './reason-codes.js';

// What the decoder demands and the encoder keeps to.

/** The lower half of the first byte, for every type but PUBLISH. */
export function fixedHeaderFlags(type: PacketType): number {
  return type === PacketType.PUBREL || type === PacketType.SUBSCRIBE || type === PacketType.UNSUBSCRIBE ? 2 : 0;
}

/**
 * An AUTH must name the method (MQTT 5.0, section 3.15.2.2.2), but for the one that is only its fixed header.
 * @throws ProtocolError PROTOCOL_ERROR
 */
export function assertAuthenticationMethod(reasonCode: ReasonCode, properties: Properties | undefined): void {
  if (properties?.authenticationMethod !== undefined) return;
  if (reasonCode === ReasonCode.SUCCESS && properties === undefined) return;
  throw new ProtocolError(ReasonCode.PROTOCOL_ERROR, 'AUTH: the authentication method is missing');
}
