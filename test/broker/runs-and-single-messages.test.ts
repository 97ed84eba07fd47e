import { encodePacket, PacketType, type ProtocolVersion, type Publish, type QoS } from '@cauldron/codec';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TestBroker } from '../support/test-broker.js';
import type { TestClient } from '../support/test-client.js';

/**
 * The broker handles adjacent messages together where it can ("runs"). Here the same script is played to two brokers, one
 * of which is made to handle each message alone, and every client must see the same bytes from both.
 */

interface SubscriberPlan {
  readonly version: ProtocolVersion;
  readonly filters: readonly { filter: string; qos: QoS; noLocal: boolean; retainAsPublished: boolean }[];
  readonly identifier: number;
  readonly receiveMaximum: number;
  readonly aliases: number;
  readonly maximumPacketSize: number;
  readonly lasting: boolean;
  /** Acknowledges everything as it comes, or nothing. */
  readonly acknowledges: boolean;
}

interface MessagePlan {
  readonly topic: string;
  readonly qos: QoS;
  readonly size: number;
  readonly retain: boolean;
  readonly property: boolean;
  /** An acknowledgement of nothing follows, in the same read. */
  readonly acknowledgement: boolean;
}

interface Script {
  readonly subscribers: readonly SubscriberPlan[];
  readonly publishers: readonly {
    version: ProtocolVersion;
    batches: readonly (readonly MessagePlan[])[];
    cut: number;
  }[];
  readonly merge: boolean;
}

const version = fc.constantFrom<ProtocolVersion>(3, 4, 5);
const qos = fc.constantFrom<QoS>(0, 1, 2);
const topic = fc.constantFrom('a', 'a/b', 'a/c', 'b', 'b/c', '/', 'c/ü');
const filter = fc.constantFrom('a', 'a/b', 'a/+', 'a/#', '#', '+/c', 'b', 'c/ü', '$share/g/a/+');

const subscriber: fc.Arbitrary<SubscriberPlan> = fc.record({
  version,
  filters: fc.uniqueArray(fc.record({ filter, qos, noLocal: fc.constant(false), retainAsPublished: fc.boolean() }), {
    selector: (each) => each.filter,
    minLength: 1,
    maxLength: 3,
  }),
  identifier: fc.constantFrom(0, 0, 7),
  receiveMaximum: fc.constantFrom(65_535, 65_535, 3),
  aliases: fc.constantFrom(0, 0, 2),
  maximumPacketSize: fc.constantFrom(1_000_000, 1_000_000, 60),
  lasting: fc.constantFrom(false, false, true),
  acknowledges: fc.constantFrom(true, true, false),
});

const message: fc.Arbitrary<MessagePlan> = fc.record({
  topic,
  qos: fc.constantFrom<QoS>(0, 0, 1, 1, 2),
  size: fc.constantFrom(0, 1, 20, 20, 130, 5000),
  retain: fc.constantFrom(false, false, false, false, true),
  property: fc.constantFrom(false, false, false, true),
  acknowledgement: fc.constantFrom(false, false, false, true),
});

const script: fc.Arbitrary<Script> = fc.record({
  subscribers: fc.array(subscriber, { minLength: 1, maxLength: 4 }),
  publishers: fc.array(
    fc.record({
      version,
      batches: fc.array(fc.array(message, { minLength: 1, maxLength: 30 }), { minLength: 1, maxLength: 4 }),
      cut: fc.integer({ min: 1, max: 300 }),
    }),
    { minLength: 1, maxLength: 2 },
  ),
  merge: fc.boolean(),
});

/** What each client saw, packet by packet. */
async function play({ subscribers, publishers, merge }: Script, oneByOne: boolean): Promise<unknown> {
  const test = new TestBroker({ settings: { allowDuplicateMessages: !merge, maxPublisherWaitMs: 0 } });
  if (oneByOne) test.broker.on('publish', () => undefined);
  const seen: Uint8Array[][] = [];
  const clients: TestClient[] = [];
  for (const [i, plan] of subscribers.entries()) {
    const client = test.client(plan.version);
    const v5 = plan.version === 5;
    await client.connect({
      clientId: `s${i}`,
      clean: !plan.lasting || v5,
      ...(v5 && {
        properties: {
          receiveMaximum: plan.receiveMaximum,
          topicAliasMaximum: plan.aliases,
          maximumPacketSize: plan.maximumPacketSize,
          sessionExpiryInterval: plan.lasting ? 100 : 0,
        },
      }),
    });
    const identified = v5 && plan.identifier > 0;
    await client.subscribe(
      plan.filters.map((each) => (v5 ? each : { filter: each.filter, qos: each.qos })),
      0,
      identified ? { subscriptionIdentifiers: [plan.identifier] } : undefined,
    );
    if (plan.acknowledges) client.acknowledgeAll();
    seen.push(client.record());
    clients.push(client);
  }
  for (const [i, plan] of publishers.entries()) {
    const client = await test.connected(`p${i}`, plan.version);
    client.acknowledgeAll();
    seen.push(client.record());
    clients.push(client);
    let packetId = 0;
    for (const batch of plan.batches) {
      const bytes = Buffer.concat(
        batch.flatMap((each) => [
          encodePacket(publish(each, ++packetId, plan.version), plan.version),
          each.acknowledgement ? Uint8Array.of(0x40, 2, 0xff, 0xff) : new Uint8Array(),
        ]),
      );
      // Cut where it may hurt: in the middle of a length, a topic, a payload.
      client.sendBytes(bytes.subarray(0, plan.cut));
      client.sendBytes(bytes.subarray(plan.cut));
      await client.settle();
    }
  }
  for (const client of clients) await client.settle();
  return seen.map((packets) => packets.map((bytes) => Buffer.from(bytes).toString('hex')));
}

function publish(plan: MessagePlan, packetId: number, protocol: ProtocolVersion): Publish {
  return {
    type: PacketType.PUBLISH,
    topic: plan.topic,
    payload: new Uint8Array(plan.size).fill(packetId & 0xff),
    qos: plan.qos,
    retain: plan.retain,
    dup: false,
    ...(plan.qos > 0 && { packetId }),
    ...(protocol === 5 && plan.property && { properties: { contentType: 'text/x', userProperties: [['k', 'v']] } }),
  };
}

describe('messages that are handled together', () => {
  it('reach every client exactly as messages that are handled one by one', { timeout: 60_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(script, async (each) => {
        expect(await play(each, false)).toEqual(await play(each, true));
      }),
      { numRuns: 250, timeout: 5000 },
    );
  });
});
