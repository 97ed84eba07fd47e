import { PacketType, type ProtocolVersion, ReasonCode } from '@cauldron/codec';
import { describe, expect, it } from 'vitest';
import { TestBroker } from '../support/test-broker.js';

/** A fixed header that claims so many bytes after it, and nothing of them. */
function header(type: PacketType, flags: number, remaining: number): Uint8Array {
  const bytes = [(type << 4) | flags];
  let rest = remaining;
  do {
    bytes.push((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
    rest >>= 7;
  } while (rest > 0);
  return Uint8Array.from(bytes);
}

const { CONNECT, PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP, SUBSCRIBE, UNSUBSCRIBE, PINGREQ, DISCONNECT, AUTH } =
  PacketType;

describe('packets that are no PUBLISH', () => {
  it.each<[string, ProtocolVersion, PacketType, number, number]>([
    ['SUBSCRIBE', 5, SUBSCRIBE, 2, 100_001],
    ['UNSUBSCRIBE', 5, UNSUBSCRIBE, 2, 100_001],
    ['AUTH', 5, AUTH, 0, 100_001],
    ['PUBACK', 5, PUBACK, 0, 10_001],
    ['PUBREC', 4, PUBREC, 0, 10_001],
    ['PUBREL', 5, PUBREL, 2, 10_001],
    ['PUBCOMP', 3, PUBCOMP, 0, 10_001],
    ['PINGREQ', 4, PINGREQ, 0, 10_001],
    ['DISCONNECT', 5, DISCONNECT, 0, 10_001],
  ])(
    'are refused by their length, before they are there: %s (version %i)',
    async (name, version, type, flags, size) => {
      const test = new TestBroker();
      const client = await test.connected('client', version);
      client.sendBytes(header(type, flags, size));
      if (version === 5) {
        const { reasonCode, properties } = await client.expect(DISCONNECT);
        expect(reasonCode).toBe(ReasonCode.PACKET_TOO_LARGE);
        expect(properties?.reasonString).toContain(`The ${name} has`);
      }
      await client.expectClose();
      expect(test.log.lines.join('\n')).toContain(`The ${name} has`);
    },
  );

  it.each<[string, ProtocolVersion, PacketType, number, number]>([
    ['a PUBLISH', 5, PUBLISH, 0, 1_999_990],
    ['a SUBSCRIBE of 3.1.1', 4, SUBSCRIBE, 2, 1_999_990],
    ['a SUBSCRIBE of 5.0 at its limit', 5, SUBSCRIBE, 2, 100_000],
    ['an UNSUBSCRIBE of 3.1.1', 4, UNSUBSCRIBE, 2, 1_999_990],
  ])(
    'may be as large as max_packet_size where they have no limit of their own: %s',
    async (_, version, type, flags, size) => {
      const test = new TestBroker();
      const client = await test.connected('client', version);
      client.sendBytes(header(type, flags, size));
      await (await test.connected('other')).expectNothing();
      expect(client.closed).toBe(false);
    },
  );

  it('are bound by max_packet_size where that is less', async () => {
    const test = new TestBroker({ settings: { maximumPacketSize: 1000 } });
    const client = await test.connected('client', 5);
    client.sendBytes(header(SUBSCRIBE, 2, 1000));
    expect((await client.expect(DISCONNECT)).properties?.reasonString).toContain('the largest allowed has 1000');
  });

  it('end the connection if they are a CONNECT: up to 100,000 bytes are taken', async () => {
    const test = new TestBroker();
    const taken = test.client(5);
    taken.sendBytes(header(CONNECT, 0, 100_000));
    const refused = test.client(5);
    refused.sendBytes(header(CONNECT, 0, 100_001));
    await refused.expectClose();
    expect(refused.inbox).toEqual([]);
    expect(taken.closed).toBe(false);
    expect(test.log.lines.join('\n')).toContain('The CONNECT has 100005 bytes');
  });
});
