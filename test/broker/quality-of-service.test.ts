import { PacketType } from '@cauldron/codec';
import { describe, expect, it } from 'vitest';
import { TestBroker } from '../support/test-broker.js';

describe.each([3, 4, 5] as const)('messages between clients of protocol version %i', (version) => {
  it('delivers with the lower of publish and subscription QoS [MQTT-3.8.4-8]', async () => {
    const test = new TestBroker();
    const publisher = await test.connected('publisher', version);
    for (const granted of [0, 1, 2] as const) {
      const subscriber = await test.connected(`subscriber${granted}`, version);
      expect((await subscriber.subscribe(`t${granted}/+`, granted)).reasonCodes).toEqual([granted]);
      for (const qos of [0, 1, 2] as const) {
        publisher.publish(`t${granted}/x`, `q${qos}`, { qos });
        if (qos === 1) await publisher.expect(PacketType.PUBACK);
        if (qos === 2) {
          const { packetId } = await publisher.expect(PacketType.PUBREC);
          publisher.acknowledge(PacketType.PUBREL, packetId);
          await publisher.expect(PacketType.PUBCOMP);
        }
        const message = await subscriber.expectMessage();
        expect(message).toMatchObject({
          topic: `t${granted}/x`,
          text: `q${qos}`,
          qos: Math.min(qos, granted),
          dup: false,
        });
      }
    }
  });
});
