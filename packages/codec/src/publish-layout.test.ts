import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodePacket } from './encode.js';
import { publish } from './packet-arbitraries.test-support.js';
import { ProtocolError } from './protocol-error.js';
import { encodePublishLayout, PublishLayout } from './publish-layout.js';
import { ReasonCode } from './reason-codes.js';

describe('PublishLayout', () => {
  for (const version of [3, 4, 5] as const) {
    it(`writes the same bytes as encodePacket, anywhere and as often as wanted (version ${version})`, () => {
      fc.assert(
        fc.property(publish(version), fc.nat({ max: 20 }), (packet, at) => {
          const expected = encodePacket(packet, version);
          const layout = new PublishLayout(packet, packet.qos, packet.retain, version);
          expect(layout.size).toBe(expected.length);
          const out = new Uint8Array(at + 2 * layout.size + 1).fill(0xee);
          const middle = layout.write(out, at, packet.packetId, packet.dup);
          const end = layout.write(out, middle, packet.packetId, packet.dup);
          expect(end).toBe(at + 2 * layout.size);
          expect(out.subarray(at, middle)).toEqual(expected);
          expect(out.subarray(middle, end)).toEqual(expected);
          expect(out[end]).toBe(0xee);
        }),
        { numRuns: 300 },
      );
    });
  }

  it('leaves the packet identifier to be filled in where it says', () => {
    fc.assert(
      fc.property(publish(5), (packet) => {
        const { bytes, packetIdAt } = encodePublishLayout(packet, packet.qos, packet.retain, 5);
        if (packet.packetId === undefined) {
          expect(packetIdAt).toBe(0);
        } else {
          expect([bytes[packetIdAt], bytes[packetIdAt + 1]]).toEqual([0, 0]);
          bytes[packetIdAt] = packet.packetId >> 8;
          bytes[packetIdAt + 1] = packet.packetId;
        }
        expect(bytes).toEqual(encodePacket({ ...packet, dup: false }, 5));
      }),
    );
  });

  it('encodes one message for QoS, retain flag and version as asked, not as it came', () => {
    const message = { topic: 't', payload: Uint8Array.of(1), properties: { payloadFormatIndicator: 1 as const } };
    expect([...encodePublishLayout(message, 0, true, 4).bytes]).toEqual([0x31, 4, 0, 1, 0x74, 1]);
    expect([...encodePublishLayout(message, 2, false, 5).bytes]).toEqual([0x34, 9, 0, 1, 0x74, 0, 0, 2, 1, 1, 1]);
  });

  it('refuses what no packet can hold', () => {
    const payload = new Uint8Array(268_435_453);
    const refusal = (topic: string) => {
      try {
        new PublishLayout({ topic, payload }, 0, false, 4);
      } catch (error) {
        return error instanceof ProtocolError ? error.reasonCode : error;
      }
      return undefined;
    };
    expect(refusal('')).toBeUndefined();
    expect(refusal('t')).toBe(ReasonCode.PACKET_TOO_LARGE);
    expect(refusal('\0')).toBe(ReasonCode.MALFORMED_PACKET);
  });
});
