import { encodePacket, PacketType, topicMatches } from '@cauldron/codec';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TestBroker } from '../support/test-broker.js';

const LEVELS = ['a', 'b', 'c'];
const topics = fc.array(fc.constantFrom(...LEVELS), { minLength: 1, maxLength: 3 }).map((levels) => levels.join('/'));
const filters = fc
  .tuple(fc.array(fc.constantFrom(...LEVELS, '+'), { minLength: 1, maxLength: 3 }), fc.boolean())
  .map(([levels, isSubtree]) => [...levels, ...(isSubtree ? ['#'] : [])].join('/'));
const client = fc.integer({ min: 0, max: 2 });
const steps = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant('subscribe' as const), client, filter: filters }),
    fc.record({ kind: fc.constant('unsubscribe' as const), client, filter: filters }),
    // Many of the same topics, so that routes are used again.
    fc.record({ kind: fc.constant('publish' as const), topics: fc.array(topics, { minLength: 1, maxLength: 6 }) }),
  ),
  { minLength: 5, maxLength: 60 },
);

function publish(topic: string): Uint8Array {
  const payload = new TextEncoder().encode('x');
  return encodePacket({ type: PacketType.PUBLISH, topic, payload, qos: 0, retain: false, dup: false }, 4);
}

describe('routes', () => {
  it('are right at each moment, however subscriptions come and go', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (list) => {
        const broker = new TestBroker();
        const publisher = await broker.connected('publisher');
        const subscribers = await Promise.all(['x', 'y', 'z'].map((id) => broker.connected(id)));
        const held = subscribers.map(() => new Set<string>());
        for (const step of list) {
          if (step.kind === 'subscribe') {
            held[step.client].add(step.filter);
            await subscribers[step.client].subscribe(step.filter);
          } else if (step.kind === 'unsubscribe') {
            held[step.client].delete(step.filter);
            const { filter } = step;
            const subscriber = subscribers[step.client];
            subscriber.send({ type: PacketType.UNSUBSCRIBE, packetId: subscriber.nextPacketId(), filters: [filter] });
            await subscriber.expect(PacketType.UNSUBACK);
          } else {
            // In one read, so that they go out in runs.
            publisher.sendBytes(Buffer.concat(step.topics.map(publish)));
            await publisher.settle();
            for (const [i, subscriber] of subscribers.entries()) {
              // A message comes once for each subscription that it matches.
              const wanted = step.topics.flatMap((topic) =>
                [...held[i]].filter((filter) => topicMatches(filter, topic)).map(() => topic),
              );
              await subscriber.settle();
              const came = subscriber.inbox.splice(0);
              expect(came.map((packet) => packet.type === PacketType.PUBLISH && packet.topic)).toEqual(wanted);
            }
          }
        }
      }),
      { numRuns: 150 },
    );
  });
});
