import { setImmediate } from 'node:timers/promises';
import { encodePacket, PacketType, type QoS } from '@cauldron/codec';
import { describe, expect, it } from 'vitest';
import { TestBroker } from '../support/test-broker.js';

const PUBLISHERS = 100;
/** Messages that each of them sends at once. */
const WINDOW = 20;

function publish(topic: string, qos: QoS, packetId: number): Uint8Array {
  const payload = new TextEncoder().encode(`${topic} ${packetId}`);
  return encodePacket({ type: PacketType.PUBLISH, topic, payload, qos, packetId, retain: false, dup: false }, 4);
}

describe('many publishers to one subscriber that takes what it can', () => {
  it.each([1, 2] as const)(
    'wait before their messages are taken: none is dropped, though more are on their way than a queue takes, QoS %i',
    async (qos) => {
      const test = new TestBroker();
      expect(PUBLISHERS * WINDOW).toBeGreaterThan(test.broker.settings.maxQueuedMessages);
      const subscriber = await test.connected('subscriber');
      await subscriber.subscribe('in/#', qos);
      const publishers = await Promise.all(
        Array.from({ length: PUBLISHERS }, (_, i) => test.connected(`publisher-${i}`)),
      );
      // Topics that are known are handled in runs: a whole window at once.
      for (const [i, publisher] of publishers.entries()) {
        publisher.publish(`in/${i}`, 'first');
        await publisher.settle();
      }
      await subscriber.settle();
      subscriber.inbox.length = 0;
      const { counters } = test.broker;
      const before = counters.publishSent;
      subscriber.pause();
      publishers.forEach((publisher, i) => {
        publisher.acknowledgeAll();
        const frames = Array.from({ length: WINDOW }, (_, k) => publish(`in/${i}`, qos, k + 1));
        publisher.sendBytes(Buffer.concat(frames));
      });
      // All have been read before the subscriber says anything, as in one turn of an event loop.
      const other = await test.connected('other');
      await other.settle();
      subscriber.acknowledgeAll();
      subscriber.resume();
      while (counters.publishSent < before + PUBLISHERS * WINDOW && counters.publishDropped === 0) await setImmediate();
      expect(counters.publishDropped).toBe(0);
      await setImmediate();
      const texts = subscriber.inbox.flatMap((packet) =>
        packet.type === PacketType.PUBLISH ? [new TextDecoder().decode(packet.payload)] : [],
      );
      expect(new Set(texts).size).toBe(PUBLISHERS * WINDOW);
    },
  );
});
