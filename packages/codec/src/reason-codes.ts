import { PacketType } from './constants.js';

/** The reason codes of MQTT 5.0, table 2-6. */
export const ReasonCode = {
  SUCCESS: 0x00,
  GRANTED_QOS_1: 0x01,
  GRANTED_QOS_2: 0x02,
  DISCONNECT_WITH_WILL: 0x04,
  NO_MATCHING_SUBSCRIBERS: 0x10,
  NO_SUBSCRIPTION_EXISTED: 0x11,
  CONTINUE_AUTHENTICATION: 0x18,
  REAUTHENTICATE: 0x19,
  UNSPECIFIED_ERROR: 0x80,
  MALFORMED_PACKET: 0x81,
  PROTOCOL_ERROR: 0x82,
  IMPLEMENTATION_SPECIFIC_ERROR: 0x83,
  UNSUPPORTED_PROTOCOL_VERSION: 0x84,
  CLIENT_IDENTIFIER_NOT_VALID: 0x85,
  BAD_USER_NAME_OR_PASSWORD: 0x86,
  NOT_AUTHORIZED: 0x87,
  SERVER_UNAVAILABLE: 0x88,
  SERVER_BUSY: 0x89,
  BANNED: 0x8a,
  SERVER_SHUTTING_DOWN: 0x8b,
  BAD_AUTHENTICATION_METHOD: 0x8c,
  KEEP_ALIVE_TIMEOUT: 0x8d,
  SESSION_TAKEN_OVER: 0x8e,
  TOPIC_FILTER_INVALID: 0x8f,
  TOPIC_NAME_INVALID: 0x90,
  PACKET_IDENTIFIER_IN_USE: 0x91,
  PACKET_IDENTIFIER_NOT_FOUND: 0x92,
  RECEIVE_MAXIMUM_EXCEEDED: 0x93,
  TOPIC_ALIAS_INVALID: 0x94,
  PACKET_TOO_LARGE: 0x95,
  MESSAGE_RATE_TOO_HIGH: 0x96,
  QUOTA_EXCEEDED: 0x97,
  ADMINISTRATIVE_ACTION: 0x98,
  PAYLOAD_FORMAT_INVALID: 0x99,
  RETAIN_NOT_SUPPORTED: 0x9a,
  QOS_NOT_SUPPORTED: 0x9b,
  USE_ANOTHER_SERVER: 0x9c,
  SERVER_MOVED: 0x9d,
  SHARED_SUBSCRIPTIONS_NOT_SUPPORTED: 0x9e,
  CONNECTION_RATE_EXCEEDED: 0x9f,
  MAXIMUM_CONNECT_TIME: 0xa0,
  SUBSCRIPTION_IDENTIFIERS_NOT_SUPPORTED: 0xa1,
  WILDCARD_SUBSCRIPTIONS_NOT_SUPPORTED: 0xa2,
} as const;
export type ReasonCode = (typeof ReasonCode)[keyof typeof ReasonCode];

/** The return codes of a 3.1 and 3.1.1 CONNACK (MQTT 3.1.1, table 3.1). */
export const ConnectReturnCode = {
  ACCEPTED: 0,
  UNACCEPTABLE_PROTOCOL_VERSION: 1,
  IDENTIFIER_REJECTED: 2,
  SERVER_UNAVAILABLE: 3,
  BAD_USER_NAME_OR_PASSWORD: 4,
  NOT_AUTHORIZED: 5,
} as const;
export type ConnectReturnCode = (typeof ConnectReturnCode)[keyof typeof ConnectReturnCode];

const { CONNACK, PUBACK, PUBREC, PUBREL, PUBCOMP, SUBACK, UNSUBACK, DISCONNECT, AUTH } = PacketType;

/** MQTT 5.0, table 2-6: the name of each reason code, and the packets that may carry it. */
const ROWS: readonly (readonly [code: ReasonCode, name: string, packets: readonly PacketType[]])[] = [
  [0x00, 'Success', [CONNACK, PUBACK, PUBREC, PUBREL, PUBCOMP, SUBACK, UNSUBACK, DISCONNECT, AUTH]],
  [0x01, 'Granted QoS 1', [SUBACK]],
  [0x02, 'Granted QoS 2', [SUBACK]],
  [0x04, 'Disconnect with Will Message', [DISCONNECT]],
  [0x10, 'No matching subscribers', [PUBACK, PUBREC]],
  [0x11, 'No subscription existed', [UNSUBACK]],
  [0x18, 'Continue authentication', [AUTH]],
  [0x19, 'Re-authenticate', [AUTH]],
  [0x80, 'Unspecified error', [CONNACK, PUBACK, PUBREC, SUBACK, UNSUBACK, DISCONNECT]],
  [0x81, 'Malformed Packet', [CONNACK, DISCONNECT]],
  [0x82, 'Protocol Error', [CONNACK, DISCONNECT]],
  [0x83, 'Implementation specific error', [CONNACK, PUBACK, PUBREC, SUBACK, UNSUBACK, DISCONNECT]],
  [0x84, 'Unsupported Protocol Version', [CONNACK]],
  [0x85, 'Client Identifier not valid', [CONNACK]],
  [0x86, 'Bad User Name or Password', [CONNACK]],
  [0x87, 'Not authorized', [CONNACK, PUBACK, PUBREC, SUBACK, UNSUBACK, DISCONNECT]],
  [0x88, 'Server unavailable', [CONNACK]],
  [0x89, 'Server busy', [CONNACK, DISCONNECT]],
  [0x8a, 'Banned', [CONNACK]],
  [0x8b, 'Server shutting down', [DISCONNECT]],
  [0x8c, 'Bad authentication method', [CONNACK, DISCONNECT]],
  [0x8d, 'Keep Alive timeout', [DISCONNECT]],
  [0x8e, 'Session taken over', [DISCONNECT]],
  [0x8f, 'Topic Filter invalid', [SUBACK, UNSUBACK, DISCONNECT]],
  [0x90, 'Topic Name invalid', [CONNACK, PUBACK, PUBREC, DISCONNECT]],
  [0x91, 'Packet Identifier in use', [PUBACK, PUBREC, SUBACK, UNSUBACK]],
  [0x92, 'Packet Identifier not found', [PUBREL, PUBCOMP]],
  [0x93, 'Receive Maximum exceeded', [DISCONNECT]],
  [0x94, 'Topic Alias invalid', [DISCONNECT]],
  [0x95, 'Packet too large', [CONNACK, DISCONNECT]],
  [0x96, 'Message rate too high', [DISCONNECT]],
  [0x97, 'Quota exceeded', [CONNACK, PUBACK, PUBREC, SUBACK, DISCONNECT]],
  [0x98, 'Administrative action', [DISCONNECT]],
  [0x99, 'Payload format invalid', [CONNACK, PUBACK, PUBREC, DISCONNECT]],
  [0x9a, 'Retain not supported', [CONNACK, DISCONNECT]],
  [0x9b, 'QoS not supported', [CONNACK, DISCONNECT]],
  [0x9c, 'Use another server', [CONNACK, DISCONNECT]],
  [0x9d, 'Server moved', [CONNACK, DISCONNECT]],
  [0x9e, 'Shared Subscriptions not supported', [SUBACK, DISCONNECT]],
  [0x9f, 'Connection rate exceeded', [CONNACK, DISCONNECT]],
  [0xa0, 'Maximum connect time', [DISCONNECT]],
  [0xa1, 'Subscription Identifiers not supported', [SUBACK, DISCONNECT]],
  [0xa2, 'Wildcard Subscriptions not supported', [SUBACK, DISCONNECT]],
];

const names: (string | undefined)[] = new Array(256).fill(undefined);
/** By reason code: one bit for each packet type. */
const carriers = new Uint16Array(256);
for (const [code, name, packets] of ROWS) {
  names[code] = name;
  for (const type of packets) carriers[code] |= 1 << type;
}

/** The standard's own name, for people: 'Not authorized'. 'Unknown reason 0xff' for what the standard does not know. */
export function reasonName(code: number): string {
  return names[code] ?? `Unknown reason 0x${code.toString(16).padStart(2, '0')}`;
}

/** Whether a packet of this type may carry `code` in MQTT 5.0. */
export function isReasonCodeOf(type: PacketType, code: number): code is ReasonCode {
  return ((carriers[code] >> type) & 1) === 1;
}

/**
 * What a CONNACK of 3.1 and 3.1.1 says for a reason that only 5.0 has a code for. It knows five refusals, so what the
 * client may mend by coming back later becomes SERVER_UNAVAILABLE, and what it must not do at all NOT_AUTHORIZED.
 */
export function connectReturnCodeOf(reason: ReasonCode): ConnectReturnCode {
  switch (reason) {
    case ReasonCode.SUCCESS:
      return ConnectReturnCode.ACCEPTED;
    case ReasonCode.UNSUPPORTED_PROTOCOL_VERSION:
      return ConnectReturnCode.UNACCEPTABLE_PROTOCOL_VERSION;
    case ReasonCode.CLIENT_IDENTIFIER_NOT_VALID:
      return ConnectReturnCode.IDENTIFIER_REJECTED;
    case ReasonCode.BAD_USER_NAME_OR_PASSWORD:
    case ReasonCode.BAD_AUTHENTICATION_METHOD:
      return ConnectReturnCode.BAD_USER_NAME_OR_PASSWORD;
    case ReasonCode.NOT_AUTHORIZED:
    case ReasonCode.BANNED:
    case ReasonCode.TOPIC_NAME_INVALID:
    case ReasonCode.PACKET_TOO_LARGE:
    case ReasonCode.PAYLOAD_FORMAT_INVALID:
    case ReasonCode.RETAIN_NOT_SUPPORTED:
    case ReasonCode.QOS_NOT_SUPPORTED:
      return ConnectReturnCode.NOT_AUTHORIZED;
    default:
      return ConnectReturnCode.SERVER_UNAVAILABLE;
  }
}
