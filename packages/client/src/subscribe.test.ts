import { PacketType, ReasonCode, topicMatches } from '@cauldron/codec';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { connected, failureOf, publish, turn } from './scripted-server.test-support.js';
import { Inbox, type Receiver } from './subscriptions/inbox.js';
import { Message, NO_PARAMS } from './subscriptions/message.js';

const { SUBSCRIBE, SUBACK, UNSUBSCRIBE, UNSUBACK } = PacketType;
const { SUCCESS, GRANTED_QOS_1, NOT_AUTHORIZED } = ReasonCode;

function collector() {
  const topics: string[] = [];
  return { topics, handler: ({ topic }: Message) => void topics.push(topic) };
}

describe('subscribe', () => {
  it('sends one SUBSCRIBE for all filters, and resolves with the granted codes', async () => {
    const { client, server } = await connected();
    const granted = client.subscribe(['a/+', 'b'], {
      qos: 1,
      noLocal: true,
      retainAsPublished: true,
      retainHandling: 2,
      subscriptionIdentifier: 9,
      userProperties: [['x', 'y']],
    });
    await turn();
    const options = { qos: 1, noLocal: true, retainAsPublished: true, retainHandling: 2 };
    expect(server.take()).toEqual([
      {
        type: SUBSCRIBE,
        packetId: 1,
        subscriptions: [
          { filter: 'a/+', ...options },
          { filter: 'b', ...options },
        ],
        properties: { subscriptionIdentifiers: [9], userProperties: [['x', 'y']] },
      },
    ]);
    await server.send({ type: SUBACK, packetId: 1, reasonCodes: [GRANTED_QOS_1, NOT_AUTHORIZED] });
    expect((await granted).reasonCodes).toEqual([GRANTED_QOS_1, NOT_AUTHORIZED]);
  });

  it('gives messages to the handlers whose filters match, from the moment of the call', async () => {
    const rest = collector();
    const { client, server } = await connected({ onMessage: rest.handler });
    const plus = collector();
    const shared = collector();
    void client.subscribe('a/+', {}, plus.handler);
    void client.subscribe('$share/group/a/#', {}, shared.handler);
    await server.send(publish('a/1', ''), publish('a/1/2', ''), publish('b', ''));
    expect(plus.topics).toEqual(['a/1']);
    expect(shared.topics).toEqual(['a/1', 'a/1/2']);
    expect(rest.topics).toEqual(['b']);
  });

  it('calls a handler once for a message, however many of its filters match', async () => {
    const { client, server } = await connected();
    const { topics, handler } = collector();
    void client.subscribe(['a/#', 'a/+'], {}, handler);
    await server.send(publish('a/1', ''));
    expect(topics).toEqual(['a/1']);
  });

  it('takes the handler away from filters that the server refused', async () => {
    const { client, server } = await connected();
    const { topics, handler } = collector();
    const granted = client.subscribe(['yes', 'no'], {}, handler);
    await turn();
    await server.send({ type: SUBACK, packetId: 1, reasonCodes: [SUCCESS, NOT_AUTHORIZED] });
    await granted;
    await server.send(publish('yes', ''), publish('no', ''));
    expect(topics).toEqual(['yes']);
  });

  it('stops waiting when its signal says so', async () => {
    const { client } = await connected();
    const stop = new AbortController();
    const failed = failureOf(client.subscribe('a', { signal: stop.signal }));
    stop.abort('enough');
    expect(await failed).toBe('enough');
    expect(await failureOf(client.publish('a', 'x', { qos: 1, signal: stop.signal }))).toBe('enough');
  });
});

describe('unsubscribe', () => {
  it('ends the handlers of the filter with the answer of the server', async () => {
    const { client, server } = await connected();
    const { topics, handler } = collector();
    void client.subscribe(['a', 'b'], {}, handler);
    const done = client.unsubscribe('a');
    await turn();
    expect(server.take()).toMatchObject([{ type: SUBSCRIBE }, { type: UNSUBSCRIBE, packetId: 2, filters: ['a'] }]);
    await server.send(publish('a', ''));
    await server.send({ type: UNSUBACK, packetId: 2, reasonCodes: [SUCCESS] });
    expect(await done).toEqual([SUCCESS]);
    await server.send(publish('a', ''), publish('b', ''));
    expect(topics).toEqual(['a', 'b']);
  });
});

describe('a handler that throws', () => {
  it('does not disturb the connection, and is not swallowed', async () => {
    const thrown = new Error('handler');
    const uncaught: unknown[] = [];
    const listeners = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    process.on('uncaughtException', (error) => uncaught.push(error));
    try {
      const { server } = await connected({
        onMessage: () => {
          throw thrown;
        },
      });
      await server.send(publish('a', '', { qos: 1, packetId: 1 }));
      expect(server.take()).toMatchObject([{ type: PacketType.PUBACK, packetId: 1 }]);
      expect(uncaught).toEqual([thrown]);
    } finally {
      process.removeAllListeners('uncaughtException');
      for (const listener of listeners) process.on('uncaughtException', listener);
    }
  });
});

describe('Inbox', () => {
  it('finds the receivers that a search through all filters finds, while filters come and go', () => {
    const level = fc.constantFrom('a', 'b', '');
    const topic = fc.array(level, { minLength: 1, maxLength: 3 }).map((levels) => levels.join('/'));
    const filter = fc
      .tuple(fc.array(fc.constantFrom('a', 'b', '+', ''), { minLength: 1, maxLength: 3 }), fc.boolean())
      .map(([levels, all]) => [...levels, ...(all ? ['#'] : [])].join('/'))
      .filter((text) => text !== '');
    const step = fc.record({ add: fc.boolean(), filter, topic: topic.filter((text) => text !== '') });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20 }), (script) => {
        const told: Receiver[] = [];
        const inbox = new Inbox({ congested: () => {}, undecodable: () => {}, dropped: () => {} }, 1_000);
        const naive = new Map<string, Receiver>();
        for (const { add, filter, topic } of script) {
          if (add && !naive.has(filter)) {
            const receiver: Receiver = {
              matches: (topic) => topicMatches(filter, topic),
              take: () => void told.push(receiver),
              end: () => {},
            };
            naive.set(filter, receiver);
            inbox.add(receiver);
          } else if (!add) {
            const receiver = naive.get(filter);
            naive.delete(filter);
            if (receiver !== undefined) inbox.remove(receiver);
          }
          const expected = [...naive].filter(([one]) => topicMatches(one, topic)).map(([, receiver]) => receiver);
          const packet = publish(topic, '');
          inbox.receive(new Message(packet, null, packet.payload, NO_PARAMS));
          expect(new Set(told.splice(0))).toEqual(new Set(expected));
        }
      }),
    );
  });
});
