import { PacketType, ReasonCode } from '@cauldron/codec';
import { describe, expect, it } from 'vitest';
import { MessageExpired, NotSupportedByServer, Offline, OutboxFull, SubscribeRefused } from '../errors.js';
import { ScriptedNetwork } from '../scripted-network.test-support.js';
import { connack, failureOf, publish, turn } from '../scripted-server.test-support.js';
import type { Message } from '../subscriptions/message.js';

const { PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP, SUBSCRIBE, SUBACK, UNSUBSCRIBE, DISCONNECT, PINGREQ } = PacketType;
const { SUCCESS, GRANTED_QOS_1, NOT_AUTHORIZED, QUOTA_EXCEEDED } = ReasonCode;

const nothing = () => {};

describe('subscriptions of a client that connects again', () => {
  async function subscribed(options = {}) {
    const network = new ScriptedNetwork(options);
    await network.accept();
    const subscribing = [
      network.client.subscribe(['a/#', 'b'], { qos: 1 }, nothing),
      network.client.subscribe('c', { subscriptionIdentifier: 7, retainHandling: 1 }, nothing),
      network.client.subscribe('d', { qos: 1 }, nothing),
    ];
    await turn();
    await network.answerAll();
    const [, , d] = await Promise.all(subscribing);
    const unsubscribing = d?.unsubscribe();
    await turn();
    await network.answerAll();
    await unsubscribing;
    return network;
  }

  it('are left alone when the server has the session', async () => {
    const network = await subscribed();
    await network.reconnect();
    expect(network.server.received).toEqual([]);
  });

  it('are made again when it has not, as they were made, before anything that waits', async () => {
    const network = await subscribed();
    const resubscribed = network.client.events.once('resubscribed');
    await network.cut();
    void failureOf(network.client.publish('a/1', 'x', { qos: 1 }));
    await network.passTime();
    await network.accept(connack());
    const flags = { noLocal: false, retainAsPublished: false };
    expect(network.server.received).toMatchObject([
      {
        type: SUBSCRIBE,
        subscriptions: [
          { filter: 'a/#', qos: 1, retainHandling: 0, ...flags },
          { filter: 'b', qos: 1, retainHandling: 0, ...flags },
        ],
      },
      {
        type: SUBSCRIBE,
        subscriptions: [{ filter: 'c', qos: 0, retainHandling: 1, ...flags }],
        properties: { subscriptionIdentifiers: [7] },
      },
      { type: PUBLISH, topic: 'a/1' },
    ]);
    await network.answerAll();
    expect(await resubscribed).toEqual({ filters: ['a/#', 'b', 'c'] });
  });

  it('are made again by a clean client of 3.1.1 each time', async () => {
    const network = await subscribed({ protocolVersion: 4 });
    for (let i = 0; i < 2; i++) {
      await network.reconnect(connack());
      expect(network.server.received.map(({ type }) => type)).toEqual([SUBSCRIBE, SUBSCRIBE]);
      await network.answerAll();
    }
  });

  it('are lost when the server does not want them any more, and that is told', async () => {
    const network = new ScriptedNetwork();
    await network.accept();
    const subscribing = network.client.subscribe(['a', 'b']);
    await turn();
    await network.answerAll();
    const subscription = await subscribing;
    const lost: unknown[] = [];
    network.client.events.on('subscriptionLost', (value) => lost.push(value));
    const failure = failureOf(
      (async () => {
        for await (const _ of subscription) nothing();
      })(),
    );
    await network.reconnect(connack());
    const [{ packetId }] = network.server.take() as { packetId: number }[];
    await network.server.send({ type: SUBACK, packetId, reasonCodes: [NOT_AUTHORIZED, GRANTED_QOS_1] });
    expect(lost).toEqual([{ filter: 'a', reasonCode: NOT_AUTHORIZED }]);
    await network.reconnect(connack());
    const [again] = network.server.take();
    expect(again).toMatchObject({ subscriptions: [{ filter: 'b' }] });
    await network.server.send({
      type: SUBACK,
      packetId: (again as { packetId: number }).packetId,
      reasonCodes: [NOT_AUTHORIZED],
    });
    expect(await failure).toBeInstanceOf(SubscribeRefused);
  });

  it('are lost when the next server does not take such subscriptions', async () => {
    const network = new ScriptedNetwork();
    await network.accept();
    void network.client.subscribe('a/#', {}, nothing);
    await turn();
    await network.answerAll();
    const lost = network.client.events.once('subscriptionLost');
    await network.reconnect(connack({ wildcardSubscriptionAvailable: 0 }));
    expect(await lost).toMatchObject({ filter: 'a/#' });
  });

  it('are asked for again when the connection ends before the answer', async () => {
    const network = new ScriptedNetwork();
    await network.accept();
    const subscribing = network.client.subscribe('a', {}, nothing);
    const unsubscribing = network.client.unsubscribe('b');
    await turn();
    await network.reconnect();
    expect((await network.answerAll()).map(({ type }) => type)).toEqual([SUBSCRIBE, UNSUBSCRIBE]);
    expect((await subscribing).reasonCodes).toEqual([0]);
    expect(await unsubscribing).toEqual([0]);
  });

  it('go on receiving', async () => {
    const network = new ScriptedNetwork();
    await network.accept();
    const texts: string[] = [];
    void network.client.subscribe('a', {}, (message) => void texts.push(message.text()));
    await turn();
    await network.answerAll();
    await network.server.send(publish('a', '1'));
    await network.reconnect();
    await network.server.send(publish('a', '2'));
    expect(texts).toEqual(['1', '2']);
  });
});

describe('while there is no connection', () => {
  async function offline(options = {}) {
    const network = new ScriptedNetwork(options);
    await network.accept();
    await network.cut();
    return network;
  }

  it('messages of all QoS wait, and leave in their order', async () => {
    const network = await offline();
    const results = [0, 1, 2, 0].map((qos, i) => network.client.publish('a', `${i}`, { qos: qos as 0 | 1 | 2 }));
    await network.passTime();
    await network.accept(connack(undefined, { sessionPresent: true }));
    expect(network.server.received.map((packet) => 'qos' in packet && packet.qos)).toEqual([0, 1, 2, 0]);
    await network.answerAll();
    expect(await Promise.all(results)).toHaveLength(4);
  });

  it('a message with QoS 0 does not overtake those that wait', async () => {
    const network = await offline({ maximumInflight: 1 });
    void network.client.publish('a', '1', { qos: 1 });
    void network.client.publish('a', '2', { qos: 1 });
    void network.client.publish('a', '3');
    await network.passTime();
    await network.accept(connack(undefined, { sessionPresent: true }));
    void network.client.publish('a', '4');
    const payloads = (await network.answerAll()).flatMap((packet) => ('payload' in packet ? [packet.payload] : []));
    expect(payloads.map((bytes) => new TextDecoder().decode(bytes))).toEqual(['1', '2', '3', '4']);
  });

  it('not more may wait than is allowed', async () => {
    const network = await offline({ maximumQueuedMessages: 2 });
    for (let i = 0; i < 2; i++) void failureOf(network.client.publish('a', 'x'));
    await expect(network.client.publish('a', 'x')).rejects.toThrow(OutboxFull);
    const small = await offline({ maximumBufferedBytes: 10 });
    void failureOf(small.client.publish('a', 'x'.repeat(20)));
    await expect(small.client.publish('a', 'x')).rejects.toThrow(OutboxFull);
  });

  it('everything fails at once, if the program wants that', async () => {
    const network = await offline({ offline: 'fail' });
    await expect(network.client.publish('a', 'x', { qos: 1 })).rejects.toThrow(Offline);
    await expect(network.client.subscribe('a')).rejects.toThrow(Offline);
    await expect(network.client.unsubscribe('a')).rejects.toThrow(Offline);
    await expect(network.client.reauthenticate()).rejects.toThrow(Offline);
  });

  it('a message that waits for too long is not sent, and others with what is left of their time', async () => {
    const network = await offline({ reconnect: { minDelayMs: 40_000 } });
    const properties = (messageExpiryInterval: number) => ({ properties: { messageExpiryInterval } });
    const expired = [1, 0].map((qos) =>
      failureOf(network.client.publish('a', 'old', { qos: qos as 0 | 1, ...properties(20) })),
    );
    void network.client.publish('a', 'new', properties(60));
    void network.client.publish('a', 'timeless', { properties: { contentType: 'x' } });
    await network.passTime(20_000);
    await network.accept(connack(undefined, { sessionPresent: true }));
    for (const failure of expired) expect(await failure).toBeInstanceOf(MessageExpired);
    expect(network.server.take()).toMatchObject([
      { properties: { messageExpiryInterval: 40 } },
      { properties: { contentType: 'x' } },
    ]);
  });

  it('requests wait, also those made before the first connection', async () => {
    const network = new ScriptedNetwork();
    const published = network.client.publish('a', 'x', { qos: 1 });
    const subscribing = network.client.subscribe('a', {}, nothing);
    await network.accept();
    expect((await network.answerAll()).map(({ type }) => type)).toEqual([PUBLISH, SUBSCRIBE]);
    await published;
    await subscribing;
  });

  it('what the next server does not take is refused', async () => {
    const network = await offline();
    const failure = failureOf(network.client.publish('a', 'x', { qos: 2 }));
    await network.passTime();
    await network.accept(connack({ maximumQoS: 1 }, { sessionPresent: true }));
    expect(await failure).toBeInstanceOf(NotSupportedByServer);
  });

  it('waiting ends when the signal says so', async () => {
    const network = await offline();
    const abort = new AbortController();
    const waiting = failureOf(network.client.publish('a', 'x', { qos: 1, signal: abort.signal }));
    abort.abort(new Error('enough'));
    expect(await waiting).toMatchObject({ message: 'enough' });
  });
});

describe('presence and birth', () => {
  it('are a will, messages at each connect before anything that waits, and one before an orderly end', async () => {
    const birth = { topic: 'b', payload: 'born', properties: { contentType: 'x' } };
    const network = new ScriptedNetwork({ presence: { topic: 'p' }, birth });
    void network.client.publish('q', 'waited', { qos: 1 });
    const connect = await network.accept();
    expect(connect).toMatchObject({ will: { topic: 'p', qos: 1, retain: true } });
    const births = [
      publish('p', 'online', { qos: 1, retain: true, packetId: 1 }),
      publish('b', 'born', { properties: { contentType: 'x' } }),
    ];
    expect(network.server.received).toEqual([...births, publish('q', 'waited', { qos: 1, packetId: 2 })]);
    await network.answerAll();
    await network.reconnect();
    expect(await network.answerAll()).toMatchObject([{ topic: 'p' }, { topic: 'b' }]);
    const left = network.client.disconnect();
    await turn();
    const [goodbye, disconnect] = await network.answerAll();
    expect(goodbye).toMatchObject({ topic: 'p', payload: new TextEncoder().encode('offline'), retain: true });
    expect(disconnect).toMatchObject({ type: DISCONNECT });
    await network.server.close();
    await left;
  });

  it('are not piled up by connections that break at once', async () => {
    const network = new ScriptedNetwork({ presence: { topic: 'p' } });
    await network.accept();
    for (let i = 0; i < 3; i++) await network.reconnect();
    expect(network.server.received).toEqual([publish('p', 'online', { qos: 1, retain: true, packetId: 1, dup: true })]);
  });

  it('leave the last word to the will where the program wants that', async () => {
    const network = new ScriptedNetwork({ presence: { topic: 'p', qos: 0 } });
    await network.accept();
    network.server.take();
    void network.client.disconnect({ reasonCode: ReasonCode.DISCONNECT_WITH_WILL });
    await turn();
    expect(network.server.take()).toMatchObject([{ type: DISCONNECT }]);
  });

  it('tell when they are not taken', async () => {
    const network = new ScriptedNetwork({ birth: { topic: 'b', qos: 1 } });
    const failed = network.client.events.once('birthFailed');
    await network.accept();
    await network.server.send({ type: PUBACK, packetId: 1, reasonCode: QUOTA_EXCEEDED });
    expect(await failed).toMatchObject({ topic: 'b', error: { reasonCode: QUOTA_EXCEEDED } });
  });

  it('are refused what makes no sense', () => {
    expect(() => new ScriptedNetwork({ presence: { topic: 'a/#' } })).toThrow();
    expect(() => new ScriptedNetwork({ birth: { topic: '' } })).toThrow();
    expect(() => new ScriptedNetwork({ presence: { topic: 'a' }, will: { topic: 'b' } })).toThrow(TypeError);
  });
});

describe('automatic topic aliases', () => {
  const long = 'a/topic/that/is/worth/an/alias';
  const other = 'another/topic/that/is/worth/it';
  const aliased = async (network: ScriptedNetwork, ...topics: string[]) => {
    for (const topic of topics) void network.client.publish(topic, 'x');
    await turn();
    return network.server.take().map((packet) => {
      if (packet.type !== PUBLISH) throw new Error('Not a PUBLISH');
      return [packet.topic, packet.properties?.topicAlias];
    });
  };

  it('stand for topics that come again, as many as the server takes', async () => {
    const network = new ScriptedNetwork();
    await network.accept(connack({ topicAliasMaximum: 1 }));
    expect(await aliased(network, long, long, long, 'short', 'short', other, other, long)).toEqual([
      [long, undefined],
      [long, 1],
      ['', 1],
      ['short', undefined],
      ['short', undefined],
      [other, undefined],
      [other, undefined],
      ['', 1],
    ]);
  });

  it('[MQTT-3.3.2-7] begin anew with each connection, and are not kept with messages', async () => {
    const network = new ScriptedNetwork();
    await network.accept(connack({ topicAliasMaximum: 5 }));
    await aliased(network, long, long);
    void network.client.publish(long, 'x', { qos: 1 });
    await turn();
    await network.reconnect(connack({ topicAliasMaximum: 5 }, { sessionPresent: true }));
    expect(network.server.take()).toEqual([publish(long, 'x', { qos: 1, packetId: 1, dup: true })]);
    expect(await aliased(network, long, long)).toEqual([
      [long, 1],
      ['', 1],
    ]);
  });

  it('are none where the server takes none, before 5.0, and if the program does not want them', async () => {
    for (const [options, accept] of [
      [{}, connack()],
      [{ protocolVersion: 4 } as const, connack()],
      [{ automaticTopicAliases: false }, connack({ topicAliasMaximum: 5 })],
    ] as const) {
      const network = new ScriptedNetwork(options);
      await network.accept(accept);
      expect(await aliased(network, long, long)).toEqual([
        [long, undefined],
        [long, undefined],
      ]);
    }
  });

  it('end when the program sets aliases itself', async () => {
    const network = new ScriptedNetwork();
    await network.accept(connack({ topicAliasMaximum: 5 }));
    await aliased(network, long, long);
    await network.client.publish(other, 'x', { properties: { topicAlias: 1 } });
    network.server.take();
    expect(await aliased(network, long)).toEqual([[long, undefined]]);
  });
});

describe('what is written straight into the output', () => {
  it.each([4, 5] as const)('is the message, whatever its text is (version %i)', async (protocolVersion) => {
    const network = new ScriptedNetwork({ protocolVersion });
    await network.accept(connack(protocolVersion === 5 ? { topicAliasMaximum: 5 } : undefined));
    const topic = 'тема/with/more/than/24/characters';
    for (const text of ['', 'plain', 'ö', '\u{1f9ea}', 'x'.repeat(200), `${'y'.repeat(130)}é`, 'z'.repeat(70_000)]) {
      for (const qos of [0, 1] as const) {
        void network.client.publish(topic, text, { qos, retain: qos === 1 });
        await turn();
        const [packet] = network.server.take();
        expect(packet).toMatchObject({ qos, retain: qos === 1 });
        if (packet?.type !== PUBLISH) throw new Error('Not a PUBLISH');
        expect(packet.topic === '' ? packet.properties?.topicAlias : packet.topic).toBe(
          packet.topic === '' ? 1 : topic,
        );
        expect(new TextDecoder().decode(packet.payload)).toBe(text);
        if (packet.packetId !== undefined) {
          await network.server.send({ type: PUBACK, packetId: packet.packetId, reasonCode: SUCCESS });
        }
      }
    }
  });

  it('is refused where it is too large, and leaves nothing behind', async () => {
    const network = new ScriptedNetwork();
    const topic = 'a/topic/that/is/worth/an/alias';
    await network.accept(connack({ maximumPacketSize: 50, topicAliasMaximum: 1 }));
    await expect(network.client.publish(topic, 'x'.repeat(50))).rejects.toThrow(NotSupportedByServer);
    await network.client.publish(topic, 'fits');
    expect(network.server.take()).toEqual([publish(topic, 'fits')]);
  });
});

describe('acknowledgements that come later', () => {
  /** A client whose handler ends when the test says so. */
  async function working(options = {}) {
    const done = new Map<string, () => void>();
    const texts: string[] = [];
    const onMessage = (message: Message) => {
      const text = message.text();
      texts.push(text);
      return new Promise<void>((resolve) => done.set(text, resolve));
    };
    const network = new ScriptedNetwork({ onMessage, ...options });
    await network.accept();
    const finish = async (text: string) => {
      done.get(text)?.();
      await turn();
    };
    return { network, texts, finish };
  }

  it('[MQTT-4.6.0-2] [MQTT-4.6.0-3] leave in the order of the messages', async () => {
    const { network, finish } = await working();
    await network.server.send(
      publish('a', '1', { qos: 1, packetId: 1 }),
      publish('a', '2', { qos: 2, packetId: 2 }),
      publish('a', '3', { qos: 1, packetId: 3 }),
    );
    await finish('3');
    await finish('2');
    expect(network.server.take()).toEqual([]);
    await finish('1');
    expect(network.server.take()).toMatchObject([
      { type: PUBACK, packetId: 1 },
      { type: PUBREC, packetId: 2 },
      { type: PUBACK, packetId: 3 },
    ]);
  });

  it('count against our Receive Maximum until they leave', async () => {
    const { network, finish } = await working({ receiveMaximum: 2 });
    await network.server.send(publish('a', '1', { qos: 1, packetId: 1 }), publish('a', '2', { qos: 2, packetId: 2 }));
    await finish('1');
    await network.server.send(publish('a', '3', { qos: 1, packetId: 3 }));
    network.server.take();
    await network.server.send(publish('a', '4', { qos: 1, packetId: 4 }));
    expect(network.server.take()).toMatchObject([
      { type: DISCONNECT, reasonCode: ReasonCode.RECEIVE_MAXIMUM_EXCEEDED },
    ]);
  });

  it('go to nobody when the connection is gone; QoS 1 comes again', async () => {
    const { network, texts, finish } = await working();
    await network.server.send(publish('a', '1', { qos: 1, packetId: 1 }));
    await network.reconnect();
    await finish('1');
    expect(network.server.take()).toEqual([]);
    await network.server.send(publish('a', '1', { qos: 1, packetId: 1, dup: true }));
    expect(texts).toEqual(['1', '1']);
  });

  it('[MQTT-4.3.3-10] go to the next connection with QoS 2, whose messages do not come twice', async () => {
    const { network, texts, finish } = await working();
    await network.server.send(publish('a', '1', { qos: 2, packetId: 1 }), publish('a', '2', { qos: 2, packetId: 2 }));
    await network.reconnect();
    await finish('2');
    await network.server.send(
      publish('a', '1', { qos: 2, packetId: 1, dup: true }),
      publish('a', '2', { qos: 2, packetId: 2, dup: true }),
    );
    await finish('1');
    expect(network.server.take()).toMatchObject([
      { type: PUBREC, packetId: 2 },
      { type: PUBREC, packetId: 1 },
    ]);
    expect(texts).toEqual(['1', '2']);
    for (const packetId of [1, 2]) await network.server.send({ type: PUBREL, packetId, reasonCode: SUCCESS });
    expect(network.server.take()).toMatchObject([{ type: PUBCOMP }, { type: PUBCOMP }]);
  });

  it('come before DISCONNECT when a handler asks for the end, and ends soon', async () => {
    const network: ScriptedNetwork = new ScriptedNetwork({
      onMessage: async (_, client) => {
        void client.disconnect();
      },
    });
    await network.accept();
    await network.server.send(publish('a', 'x', { qos: 1, packetId: 1 }));
    await network.passTime(0);
    expect(network.server.take()).toMatchObject([{ type: PUBACK, packetId: 1 }, { type: DISCONNECT }]);
  });

  it('are left out when a handler takes longer than that', async () => {
    const { network } = await working();
    await network.server.send(publish('a', '1', { qos: 1, packetId: 1 }));
    void network.client.disconnect();
    await turn();
    expect(network.server.take()).toEqual([]);
    await network.passTime(0);
    expect(network.server.take()).toMatchObject([{ type: DISCONNECT }]);
  });

  it('can be refusals until then', async () => {
    const messages: Message[] = [];
    const { network, finish } = await working();
    void network.client.subscribe('r', {}, (message) => {
      messages.push(message);
      return new Promise<void>(() => {});
    });
    await turn();
    await network.answerAll();
    await network.server.send(publish('a', '1', { qos: 1, packetId: 1 }), publish('r', '2', { qos: 1, packetId: 2 }));
    network.client.refuse(messages[0] as Message, QUOTA_EXCEEDED);
    await finish('1');
    expect(network.server.take()).toMatchObject([{ type: PUBACK, packetId: 1, reasonCode: SUCCESS }]);
  });
});

describe('a program that is slower than its server', () => {
  it('makes the client read no more, until it has caught up', async () => {
    const network = new ScriptedNetwork({ maximumReceivedBytes: 1_000 });
    await network.accept();
    const subscribing = network.client.subscribe('a');
    await turn();
    await network.answerAll();
    const iterator = (await subscribing)[Symbol.asyncIterator]();
    await network.server.send(...Array.from({ length: 20 }, () => publish('a', 'x'.repeat(50))));
    expect(network.server.paused).toBe(true);
    for (let i = 0; i < 20; i++) await iterator.next();
    expect(network.server.paused).toBe(false);
  });

  it('reads all the same while it waits for an answer itself', async () => {
    const network = new ScriptedNetwork({ maximumReceivedBytes: 1_000 });
    await network.accept();
    const subscribing = network.client.subscribe('a');
    await turn();
    await network.answerAll();
    await subscribing;
    await network.server.send(...Array.from({ length: 20 }, () => publish('a', 'x'.repeat(50))));
    const published = network.client.publish('b', 'x', { qos: 1 });
    expect(network.server.paused).toBe(false);
    await turn();
    await network.answerAll();
    await published;
    expect(network.server.paused).toBe(true);
    const unsubscribing = network.client.unsubscribe('c');
    expect(network.server.paused).toBe(false);
    await turn();
    await network.answerAll();
    await unsubscribing;
    await network.cut();
    await network.passTime();
    await network.accept(connack(undefined, { sessionPresent: true }));
    expect(network.server.paused).toBe(true);
  });

  it('reads all the same while the network takes no more, so that both cannot wait for each other', async () => {
    const network = new ScriptedNetwork({ maximumReceivedBytes: 1_000 });
    await network.accept();
    const subscribing = network.client.subscribe('a');
    await turn();
    await network.answerAll();
    await subscribing;
    await network.server.send(...Array.from({ length: 20 }, () => publish('a', 'x'.repeat(50))));
    expect(network.server.paused).toBe(true);
    network.server.full = true;
    const published = network.client.publish('b', 'x');
    await turn();
    expect(network.server.paused).toBe(false);
    await network.server.drain();
    await published;
    expect(network.server.paused).toBe(true);
  });

  it('stays paused over connections when the program paused it', async () => {
    const network = new ScriptedNetwork();
    await network.accept();
    network.client.pause();
    await network.reconnect();
    expect(network.server.paused).toBe(true);
    network.client.resume();
    expect(network.server.paused).toBe(false);
  });
});

describe('a machine that has slept', () => {
  it('asks the server at once, and gives it time to answer', async () => {
    const network = new ScriptedNetwork({ keepAliveSeconds: 60, pingTimeoutMs: 5_000 });
    await network.accept();
    await network.passTime(54_000);
    expect(network.server.take()).toEqual([{ type: PINGREQ }]);
    await network.clock.sleep(3_600_000);
    expect(network.server.take()).toEqual([{ type: PINGREQ }]);
    expect(network.client.state).toBe('online');
    await network.passTime(5_000);
    expect(network.client.state).toBe('offline');
  });
});

describe('events', () => {
  it('are told to those who listen, until they do not', async () => {
    const network = new ScriptedNetwork();
    const states: string[] = [];
    const forget = network.client.events.on('state', (state) => states.push(state));
    const first = network.client.events.once('state');
    await network.accept();
    expect(await first).toBe('online');
    forget();
    await network.cut();
    expect(states).toEqual(['online']);
  });

  it('are waited for as long as the signal allows', async () => {
    const network = new ScriptedNetwork();
    const abort = new AbortController();
    const waiting = failureOf(network.client.events.once('close', { signal: abort.signal }));
    abort.abort(new Error('enough'));
    expect(await waiting).toMatchObject({ message: 'enough' });
    expect(await failureOf(network.client.events.once('close', { signal: abort.signal }))).toBe(abort.signal.reason);
  });
});
