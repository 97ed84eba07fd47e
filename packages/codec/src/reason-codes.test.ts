import { describe, expect, it } from 'vitest';
import { PacketType } from './constants.js';
import { ConnectReturnCode, connectReturnCodeOf, isReasonCodeOf, ReasonCode, reasonName } from './reason-codes.js';

describe('reasonName', () => {
  it('has a name for every reason code, each its own', () => {
    const names = Object.values(ReasonCode).map(reasonName);
    expect(new Set(names).size).toBe(43);
    for (const name of names) expect(name).not.toContain('Unknown');
    expect(reasonName(ReasonCode.NOT_AUTHORIZED)).toBe('Not authorized');
  });

  it('says so when the standard has no such code', () => {
    expect(reasonName(0x03)).toBe('Unknown reason 0x03');
    expect(reasonName(0xff)).toBe('Unknown reason 0xff');
  });
});

describe('isReasonCodeOf', () => {
  it.each([
    [PacketType.CONNACK, 22],
    [PacketType.PUBACK, 9],
    [PacketType.PUBREC, 9],
    [PacketType.PUBREL, 2],
    [PacketType.PUBCOMP, 2],
    [PacketType.SUBACK, 12],
    [PacketType.UNSUBACK, 7],
    [PacketType.DISCONNECT, 30],
    [PacketType.AUTH, 3],
    [PacketType.PUBLISH, 0],
  ] as const)('allows packet type %i as many codes as the standard lists: %i', (type, count) => {
    expect(Array.from({ length: 256 }, (_, code) => code).filter((code) => isReasonCodeOf(type, code))).toHaveLength(
      count,
    );
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
