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

const CONNACK = 1 << PacketType.CONNACK;
const DISCONNECT = 1 << PacketType.DISCONNECT;
const AUTH = 1 << PacketType.AUTH;
const SUBACK = 1 << PacketType.SUBACK;
const UNSUBACK = 1 << PacketType.UNSUBACK;
const RELEASES = (1 << PacketType.PUBREL) | (1 << PacketType.PUBCOMP);
const RECEIPTS = (1 << PacketType.PUBACK) | (1 << PacketType.PUBREC);
/** Whatever a server answers. */
const ANSWERS = CONNACK | RECEIPTS | SUBACK | UNSUBACK | DISCONNECT;

/** MQTT 5.0, table 2-6: the packets that may carry each reason code, one bit for each, in the order of `ReasonCode`. */
const CARRIERS: readonly number[] = [
  ANSWERS | RELEASES | AUTH, // SUCCESS
  SUBACK,
  SUBACK,
  DISCONNECT, // DISCONNECT_WITH_WILL
  RECEIPTS,
  UNSUBACK, // NO_SUBSCRIPTION_EXISTED
  AUTH,
  AUTH,
  ANSWERS, // UNSPECIFIED_ERROR
  CONNACK | DISCONNECT,
  CONNACK | DISCONNECT,
  ANSWERS, // IMPLEMENTATION_SPECIFIC_ERROR
  CONNACK,
  CONNACK,
  CONNACK,
  ANSWERS, // NOT_AUTHORIZED
  CONNACK,
  CONNACK | DISCONNECT, // SERVER_BUSY
  CONNACK,
  DISCONNECT, // SERVER_SHUTTING_DOWN
  CONNACK | DISCONNECT,
  DISCONNECT, // KEEP_ALIVE_TIMEOUT
  DISCONNECT,
  SUBACK | UNSUBACK | DISCONNECT, // TOPIC_FILTER_INVALID
  CONNACK | RECEIPTS | DISCONNECT,
  RECEIPTS | SUBACK | UNSUBACK, // PACKET_IDENTIFIER_IN_USE
  RELEASES,
  DISCONNECT, // RECEIVE_MAXIMUM_EXCEEDED
  DISCONNECT,
  CONNACK | DISCONNECT, // PACKET_TOO_LARGE
  DISCONNECT,
  CONNACK | RECEIPTS | SUBACK | DISCONNECT, // QUOTA_EXCEEDED
  DISCONNECT,
  CONNACK | RECEIPTS | DISCONNECT, // PAYLOAD_FORMAT_INVALID
  CONNACK | DISCONNECT,
  CONNACK | DISCONNECT,
  CONNACK | DISCONNECT, // USE_ANOTHER_SERVER
  CONNACK | DISCONNECT,
  SUBACK | DISCONNECT, // SHARED_SUBSCRIPTIONS_NOT_SUPPORTED
  CONNACK | DISCONNECT,
  DISCONNECT, // MAXIMUM_CONNECT_TIME
  SUBACK | DISCONNECT,
  SUBACK | DISCONNECT,
];

/** Words that the standard writes with a capital, wherever they stand. */
const CAPITALIZED =
  /^.|\b(packet|protocol|version|identifiers?|user|name|password|alive|filter|maximum|alias|subscriptions)\b/g;
/** The names that are not the key in words. */
const OTHER_NAMES: { readonly [code: number]: string } = {
  [ReasonCode.DISCONNECT_WITH_WILL]: 'Disconnect with Will Message',
  [ReasonCode.REAUTHENTICATE]: 'Re-authenticate',
  [ReasonCode.PROTOCOL_ERROR]: 'Protocol Error',
};

/** By reason code. */
const keys: (string | undefined)[] = new Array(256).fill(undefined);
const carriers = new Uint16Array(256);
Object.entries(ReasonCode).forEach(([key, code], row) => {
  keys[code] = key;
  carriers[code] = CARRIERS[row];
});

/** The standard's own name, for people: 'Not authorized'. 'Unknown reason 0xff' for what the standard does not know. */
export function reasonName(code: number): string {
  const key = keys[code];
  if (key === undefined) return `Unknown reason 0x${code.toString(16).padStart(2, '0')}`;
  const words = key.toLowerCase().replaceAll('_', ' ').replace('qos', 'QoS');
  return OTHER_NAMES[code] ?? words.replace(CAPITALIZED, (word) => word[0].toUpperCase() + word.slice(1));
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
