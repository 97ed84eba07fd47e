import type { Authorizer, Decision } from '@cauldron/broker';
import {
  encodePacket,
  PacketType,
  type Properties,
  type ProtocolVersion,
  type Publish,
  type QoS,
} from '@cauldron/codec';
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
  /** Reads nothing before all is published. */
  readonly isPaused: boolean;
}

interface MessagePlan {
  readonly topic: string;
  readonly qos: QoS;
  readonly size: number;
  readonly retain: boolean;
  readonly properties: keyof typeof PROPERTIES;
  /** 5.0: nothing, what sets an alias for the topic, or an alias in its place if one was set. */
  readonly alias: 'none' | 'set' | 'use';
  /** What follows in the same read: nothing, an acknowledgement of nothing, or an UNSUBSCRIBE that ends nothing. */
  readonly interruption: 'none' | 'acknowledgement' | 'unsubscribe';
}

interface PublisherPlan {
  readonly version: ProtocolVersion;
  readonly batches: readonly (readonly MessagePlan[])[];
  /** Where each batch is cut in pieces that arrive one by one. */
  readonly cuts: readonly number[];
  /** It gets its own messages, too, or those of others only. */
  readonly own: { readonly filter: string; readonly qos: QoS; readonly noLocal: boolean } | null;
}

interface Script {
  readonly subscribers: readonly SubscriberPlan[];
  readonly publishers: readonly PublisherPlan[];
  readonly merge: boolean;
  readonly maxQueuedMessages: number;
  /** There are access rules; if so, whether they promise to answer at once. */
  readonly rules: 'none' | 'at once' | 'perhaps later';
}

const PROPERTIES = {
  none: {},
  user: {
    contentType: 'text/x',
    userProperties: [
      ['k', 'v'],
      ['k', 'ü'],
    ],
  },
  request: { responseTopic: 'answers/1', correlationData: Uint8Array.of(0, 0xff), payloadFormatIndicator: 0 },
  // As the codec does not write them.
  apart: { userProperties: [['k', 'v']], contentType: 'x'.repeat(140) },
  expiring: { messageExpiryInterval: 1000 },
} as const satisfies Record<string, Properties>;

const ALIASES = ['a', 'a/b', 'a/c', 'b', 'b/c', '/', 'c/ü'];

const version = fc.constantFrom<ProtocolVersion>(3, 4, 5);
const qos = fc.constantFrom<QoS>(0, 1, 2);
const topic = fc.constantFrom('a', 'a/b', 'a/c', 'b', 'b/c', '/', 'c/ü');
const filter = fc.constantFrom('a', 'a/b', 'a/+', 'a/#', '#', '+/c', 'b', 'c/ü', '$share/g/a/+');

const subscriber: fc.Arbitrary<SubscriberPlan> = fc.record({
  version,
  filters: fc.uniqueArray(fc.record({ filter, qos, noLocal: fc.boolean(), retainAsPublished: fc.boolean() }), {
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
  isPaused: fc.constantFrom(false, false, false, true),
});

const message: fc.Arbitrary<MessagePlan> = fc.record({
  topic,
  qos: fc.constantFrom<QoS>(0, 0, 1, 1, 2),
  size: fc.constantFrom(0, 1, 20, 20, 130, 5000),
  retain: fc.constantFrom(false, false, false, false, true),
  properties: fc.constantFrom('none', 'none', 'none', 'user', 'request', 'apart', 'expiring'),
  alias: fc.constantFrom('none', 'none', 'set', 'use', 'use'),
  interruption: fc.constantFrom('none', 'none', 'none', 'none', 'none', 'none', 'acknowledgement', 'unsubscribe'),
});

const publisher: fc.Arbitrary<PublisherPlan> = fc.record({
  version,
  batches: fc.array(fc.array(message, { minLength: 1, maxLength: 30 }), { minLength: 1, maxLength: 4 }),
  cuts: fc.uniqueArray(fc.integer({ min: 1, max: 2000 }), { maxLength: 3 }),
  own: fc.option(fc.record({ filter, qos, noLocal: fc.boolean() })),
});

const script: fc.Arbitrary<Script> = fc.record({
  subscribers: fc.array(subscriber, { minLength: 1, maxLength: 4 }),
  publishers: fc.array(publisher, { minLength: 1, maxLength: 3 }),
  merge: fc.boolean(),
  maxQueuedMessages: fc.constantFrom(1000, 1000, 4),
  rules: fc.constantFrom('none', 'at once', 'perhaps later'),
});

/** Nobody may write to one topic, and nobody read another. */
function authorizer(rules: Script['rules']): Authorizer {
  const decision = (allowed: boolean): Decision => ({ allowed, rule: 'test' });
  return {
    unrestricted: rules === 'none',
    version: 1,
    answersAtOnce: rules === 'at once',
    mayPublish: (_, name) => decision(name !== 'b/c'),
    maySubscribe: () => decision(true),
    mayReceive: (_, name) => decision(name !== 'a/c'),
  };
}

/** What each client saw, packet by packet, and what the broker counted. */
async function play(script: Script, oneByOne: boolean): Promise<unknown> {
  const { subscribers, publishers, merge, maxQueuedMessages, rules } = script;
  const test = new TestBroker({
    authorizer: authorizer(rules),
    settings: { allowDuplicateMessages: !merge, maxPublisherWaitMs: 0, maxQueuedMessages },
  });
  if (oneByOne) test.broker.on('publish', () => undefined);
  const seen: Uint8Array[][] = [];
  const clients: TestClient[] = [];
  const readers: TestClient[] = [];
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
      plan.filters.map((each) => {
        const { filter: text, qos: granted, noLocal } = each;
        return v5 ? { ...each, noLocal: noLocal && !text.startsWith('$share') } : { filter: text, qos: granted };
      }),
      0,
      identified ? { subscriptionIdentifiers: [plan.identifier] } : undefined,
    );
    if (plan.acknowledges) client.acknowledgeAll();
    if (plan.isPaused) client.pause();
    else readers.push(client);
    seen.push(client.record());
    clients.push(client);
  }
  for (const [i, plan] of publishers.entries()) {
    const client = await test.connected(`p${i}`, plan.version);
    if (plan.own !== null) {
      const { noLocal, ...rest } = plan.own;
      const isAllowed = plan.version === 5 && !rest.filter.startsWith('$share');
      await client.subscribe([{ ...rest, noLocal: noLocal && isAllowed }]);
    }
    client.acknowledgeAll();
    seen.push(client.record());
    clients.push(client);
    let packetId = 0;
    const aliases = new Set<string>();
    for (const batch of plan.batches) {
      const bytes = Buffer.concat(batch.map((each) => frames(each, ++packetId, plan.version, aliases)));
      // Cut where it may hurt: in the middle of a length, a topic, a payload.
      let from = 0;
      for (const cut of [...plan.cuts].sort((a, b) => a - b)) {
        client.sendBytes(bytes.subarray(from, cut));
        from = Math.min(cut, bytes.length);
      }
      client.sendBytes(bytes.subarray(from));
      await client.settle();
      // What comes next must find the same windows in both brokers.
      for (const reader of readers) await reader.settle();
    }
  }
  for (const client of clients) client.resume();
  for (const client of [...clients, ...clients]) await client.settle();
  const packetsByClient = seen.map((packets) => {
    // Messages keep their order, and answers theirs; how the two mix for a client that gets its own messages is open.
    const hex = packets.map((bytes) => Buffer.from(bytes).toString('hex'));
    return { messages: hex.filter(isMessage), answers: hex.filter((packet) => !isMessage(packet)) };
  });
  return { packetsByClient, counters: withoutPings(test.broker.counters) };
}

/** How often `settle` asks depends on how messages and answers mix. */
function withoutPings(counters: TestBroker['broker']['counters']): object {
  const received = Array.from(counters.received);
  const sent = Array.from(counters.sent);
  const bytesReceived = counters.bytesReceived - 2 * received[PacketType.PINGREQ];
  const bytesSent = counters.bytesSent - 2 * sent[PacketType.PINGRESP];
  received[PacketType.PINGREQ] = sent[PacketType.PINGRESP] = 0;
  return { ...counters, received, sent, bytesReceived, bytesSent };
}

/** PUBLISH and PUBREL, by their first digit. */
function isMessage(hex: string): boolean {
  return hex.startsWith('3') || hex.startsWith('6');
}

function frames(plan: MessagePlan, packetId: number, protocol: ProtocolVersion, aliases: Set<string>): Uint8Array {
  const message = encodePacket(publish(plan, packetId, protocol, aliases), protocol);
  if (plan.interruption === 'none') return message;
  if (plan.interruption === 'acknowledgement') return Buffer.concat([message, Uint8Array.of(0x40, 2, 0xff, 0xff)]);
  const unsubscribe = { type: PacketType.UNSUBSCRIBE, packetId: 60_000, filters: ['none'] } as const;
  return Buffer.concat([message, encodePacket(unsubscribe, protocol)]);
}

/** `aliases`: the topics that have one. */
function publish(plan: MessagePlan, packetId: number, protocol: ProtocolVersion, aliases: Set<string>): Publish {
  const { topic: name, alias } = plan;
  const isUsed = protocol === 5 && alias === 'use' && aliases.has(name);
  const isSet = protocol === 5 && alias === 'set';
  if (isSet) aliases.add(name);
  const properties: Properties = {
    ...PROPERTIES[plan.properties],
    ...((isUsed || isSet) && { topicAlias: ALIASES.indexOf(name) + 1 }),
  };
  return {
    type: PacketType.PUBLISH,
    topic: isUsed ? '' : name,
    payload: new Uint8Array(plan.size).fill(packetId & 0xff),
    qos: plan.qos,
    retain: plan.retain,
    dup: false,
    ...(plan.qos > 0 && { packetId }),
    ...(protocol === 5 && { properties }),
  };
}

describe('messages that are handled together', () => {
  it('reach every client, and are counted, exactly as messages that are handled one by one', {
    timeout: 60_000,
  }, async () => {
    await fc.assert(
      fc.asyncProperty(script, async (each) => {
        expect(await play(each, false)).toEqual(await play(each, true));
      }),
      { numRuns: 400, timeout: 5000 },
    );
  });
});
