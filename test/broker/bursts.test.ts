import { encodePacket, PacketType } from '@cauldron/codec';
import { expect, it } from 'vitest';
import { TestBroker } from '../support/test-broker.js';

/** Regression: all that one read brings was handled before the publisher was made to wait, and the queue ran over. */
it.each([1, 2] as const)('a burst of QoS %i in one read is not dropped when the subscriber keeps up', async (qos) => {
  const test = new TestBroker({ settings: { maxInflightMessages: 20, maxQueuedMessages: 1000 } });
  const subscriber = await test.connected('subscriber');
  await subscriber.subscribe('t', qos);
  subscriber.acknowledgeAll();
  const publisher = await test.connected('publisher');
  const payload = new Uint8Array(1);
  const frames = Array.from({ length: 4000 }, (_, i) =>
    encodePacket({ type: PacketType.PUBLISH, topic: 't', payload, qos, retain: false, dup: false, packetId: i + 1 }, 4),
  );
  const read = Buffer.concat(frames);
  publisher.sendBytes(read);
  for (let i = 0; i < frames.length; i++) await publisher.expect(qos === 1 ? PacketType.PUBACK : PacketType.PUBREC);
  await subscriber.settle();
  expect(subscriber.inbox.filter(({ type }) => type === PacketType.PUBLISH)).toHaveLength(frames.length);
  expect(test.broker.counters.publishDropped).toBe(0);
});
