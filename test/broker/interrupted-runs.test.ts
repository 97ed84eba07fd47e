import { encodePacket, type Packet, PacketType } from '@cauldron/codec';
import { expect, it } from 'vitest';
import { TestBroker } from '../support/test-broker.js';

/** Regression: the acknowledgements became part of the message before them. */
it.each([3, 4, 5] as const)(
  'acknowledgements between messages in one read stay out of them (version %i)',
  async (version) => {
    const test = new TestBroker();
    const publisher = await test.connected('publisher', version);
    const subscribers = [await test.connected('v4', 4), await test.connected('v5', 5)];
    for (const subscriber of subscribers) await subscriber.subscribe('t', 2);
    const message = (packetId: number, text: string): Packet => {
      const payload = new TextEncoder().encode(text);
      return { type: PacketType.PUBLISH, topic: 't', payload, qos: 2, retain: false, dup: false, packetId };
    };
    const release = (packetId: number): Packet => ({ type: PacketType.PUBREL, packetId, reasonCode: 0 });
    const packets = [message(1, 'one'), message(2, 'two'), release(1), message(3, 'three'), release(2), release(3)];
    publisher.sendBytes(Buffer.concat(packets.map((packet) => encodePacket(packet, version))));
    for (const subscriber of subscribers) {
      for (const text of ['one', 'two', 'three']) expect(await subscriber.expectMessage()).toMatchObject({ text });
    }
    const { PUBREC, PUBCOMP } = PacketType;
    const answers = [
      { type: PUBREC, packetId: 1 },
      { type: PUBREC, packetId: 2 },
      { type: PUBCOMP, packetId: 1 },
      { type: PUBREC, packetId: 3 },
      { type: PUBCOMP, packetId: 2 },
      { type: PUBCOMP, packetId: 3 },
    ];
    for (const answer of answers) expect(await publisher.expect(answer.type)).toMatchObject(answer);
  },
);
