import { describe, expect, it } from 'vitest';
import { PacketType } from './constants.js';
import { ConnectReturnCode, connectReturnCodeOf, isReasonCodeOf, ReasonCode, reasonName } from './reason-codes.js';

/** MQTT 5.0, table 2-6. */
const TABLE: readonly (readonly [code: number, name: string, packets: string])[] = [
  [0x00, 'Success', 'CONNACK PUBACK PUBREC PUBREL PUBCOMP SUBACK UNSUBACK DISCONNECT AUTH'],
  [0x01, 'Granted QoS 1', 'SUBACK'],
  [0x02, 'Granted QoS 2', 'SUBACK'],
  [0x04, 'Disconnect with Will Message', 'DISCONNECT'],
  [0x10, 'No matching subscribers', 'PUBACK PUBREC'],
  [0x11, 'No subscription existed', 'UNSUBACK'],
  [0x18, 'Continue authentication', 'AUTH'],
  [0x19, 'Re-authenticate', 'AUTH'],
  [0x80, 'Unspecified error', 'CONNACK PUBACK PUBREC SUBACK UNSUBACK DISCONNECT'],
  [0x81, 'Malformed Packet', 'CONNACK DISCONNECT'],
  [0x82, 'Protocol Error', 'CONNACK DISCONNECT'],
  [0x83, 'Implementation specific error', 'CONNACK PUBACK PUBREC SUBACK UNSUBACK DISCONNECT'],
  [0x84, 'Unsupported Protocol Version', 'CONNACK'],
  [0x85, 'Client Identifier not valid', 'CONNACK'],
  [0x86, 'Bad User Name or Password', 'CONNACK'],
  [0x87, 'Not authorized', 'CONNACK PUBACK PUBREC SUBACK UNSUBACK DISCONNECT'],
  [0x88, 'Server unavailable', 'CONNACK'],
  [0x89, 'Server busy', 'CONNACK DISCONNECT'],
  [0x8a, 'Banned', 'CONNACK'],
  [0x8b, 'Server shutting down', 'DISCONNECT'],
  [0x8c, 'Bad authentication method', 'CONNACK DISCONNECT'],
  [0x8d, 'Keep Alive timeout', 'DISCONNECT'],
  [0x8e, 'Session taken over', 'DISCONNECT'],
  [0x8f, 'Topic Filter invalid', 'SUBACK UNSUBACK DISCONNECT'],
  [0x90, 'Topic Name invalid', 'CONNACK PUBACK PUBREC DISCONNECT'],
  [0x91, 'Packet Identifier in use', 'PUBACK PUBREC SUBACK UNSUBACK'],
  [0x92, 'Packet Identifier not found', 'PUBREL PUBCOMP'],
  [0x93, 'Receive Maximum exceeded', 'DISCONNECT'],
  [0x94, 'Topic Alias invalid', 'DISCONNECT'],
  [0x95, 'Packet too large', 'CONNACK DISCONNECT'],
  [0x96, 'Message rate too high', 'DISCONNECT'],
  [0x97, 'Quota exceeded', 'CONNACK PUBACK PUBREC SUBACK DISCONNECT'],
  [0x98, 'Administrative action', 'DISCONNECT'],
  [0x99, 'Payload format invalid', 'CONNACK PUBACK PUBREC DISCONNECT'],
  [0x9a, 'Retain not supported', 'CONNACK DISCONNECT'],
  [0x9b, 'QoS not supported', 'CONNACK DISCONNECT'],
  [0x9c, 'Use another server', 'CONNACK DISCONNECT'],
  [0x9d, 'Server moved', 'CONNACK DISCONNECT'],
  [0x9e, 'Shared Subscriptions not supported', 'SUBACK DISCONNECT'],
  [0x9f, 'Connection rate exceeded', 'CONNACK DISCONNECT'],
  [0xa0, 'Maximum connect time', 'DISCONNECT'],
  [0xa1, 'Subscription Identifiers not supported', 'SUBACK DISCONNECT'],
  [0xa2, 'Wildcard Subscriptions not supported', 'SUBACK DISCONNECT'],
];

describe('reasonName', () => {
  it('is the name that the standard gives to every reason code', () => {
    expect(Object.values(ReasonCode)).toEqual(TABLE.map(([code]) => code));
    expect(TABLE.map(([code]) => reasonName(code))).toEqual(TABLE.map(([, name]) => name));
  });

  it('says so when the standard has no such code', () => {
    expect(reasonName(0x03)).toBe('Unknown reason 0x03');
    expect(reasonName(0xff)).toBe('Unknown reason 0xff');
  });
});

describe('isReasonCodeOf', () => {
  it.each(Object.entries(PacketType))('allows in a %s what the standard lists', (name, type) => {
    const listed = TABLE.filter(([, , packets]) => packets.split(' ').includes(name)).map(([code]) => code);
    expect(Array.from({ length: 256 }, (_, code) => code).filter((code) => isReasonCodeOf(type, code))).toEqual(listed);
  });
});

describe('connectReturnCodeOf', () => {
  it('says in the words of 3.1.1 why a connection was refused', () => {
    const { NOT_AUTHORIZED, SERVER_UNAVAILABLE } = ConnectReturnCode;
    expect(connectReturnCodeOf(ReasonCode.SUCCESS)).toBe(ConnectReturnCode.ACCEPTED);
    expect(connectReturnCodeOf(ReasonCode.UNSUPPORTED_PROTOCOL_VERSION)).toBe(
      ConnectReturnCode.UNACCEPTABLE_PROTOCOL_VERSION,
    );
    expect(connectReturnCodeOf(ReasonCode.CLIENT_IDENTIFIER_NOT_VALID)).toBe(ConnectReturnCode.IDENTIFIER_REJECTED);
    expect(connectReturnCodeOf(ReasonCode.BAD_USER_NAME_OR_PASSWORD)).toBe(ConnectReturnCode.BAD_USER_NAME_OR_PASSWORD);
    expect(connectReturnCodeOf(ReasonCode.BANNED)).toBe(NOT_AUTHORIZED);
    expect(connectReturnCodeOf(ReasonCode.QOS_NOT_SUPPORTED)).toBe(NOT_AUTHORIZED);
    expect(connectReturnCodeOf(ReasonCode.SERVER_BUSY)).toBe(SERVER_UNAVAILABLE);
  });

  it('accepts nothing but a success', () => {
    for (const code of Object.values(ReasonCode)) {
      if (code !== ReasonCode.SUCCESS) expect(connectReturnCodeOf(code)).toBeGreaterThan(0);
    }
  });
});
