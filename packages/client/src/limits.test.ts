import { PacketType, type Properties, ReasonCode } from '@cauldron/codec';
import { describe, expect, it } from 'vitest';
import { connectOver } from './connect-over.js';
import { NotSupportedByServer, ProtocolViolation, ServerDisconnected } from './errors.js';
import { connack, connected, failureOf, publish, ScriptedServer, turn } from './scripted-server.test-support.js';
import type { Message } from './subscriptions/message.js';

const { DISCONNECT, AUTH, PINGREQ, SUBSCRIBE } = PacketType;

describe('what the server said it does not do', () => {
  it.each<[string, Properties, (properties?: Properties) => [string, string, object]]>([
    ['[MQTT-3.2.2-11] a higher QoS', { maximumQoS: 1 }, () => ['a', 'x', { qos: 2 }]],
    ['[MQTT-3.2.2-14] retained messages', { retainAvailable: 0 }, () => ['a', 'x', { retain: true }]],
    ['[MQTT-3.2.2-15] larger packets', { maximumPacketSize: 20 }, () => ['a', 'x'.repeat(20), {}]],
    ['[MQTT-3.2.2-15] larger packets with QoS 1', { maximumPacketSize: 20 }, () => ['a', 'x'.repeat(20), { qos: 1 }]],
    ['[MQTT-3.2.2-17] topic aliases', { topicAliasMaximum: 1 }, () => ['a', 'x', { properties: { topicAlias: 2 } }]],
  ])('is not asked of it: %s', async (_, properties, message) => {
    const { client, server } = await connected({}, connack(properties));
    await expect(client.publish(...message())).rejects.toThrow(NotSupportedByServer);
    await turn();
    expect(server.take()).toEqual([]);
    expect(client.session.idle).toBe(true);
  });

  it.each<[string, Properties, string, object]>([
    ['wildcards', { wildcardSubscriptionAvailable: 0 }, 'a/#', {}],
    ['shared subscriptions', { sharedSubscriptionAvailable: 0 }, '$share/g/a', {}],
    ['subscription identifiers', { subscriptionIdentifierAvailable: 0 }, 'a', { subscriptionIdentifier: 1 }],
  ])('is not asked of it: %s', async (_, properties, filter, options) => {
    const { client, server } = await connected({}, connack(properties));
    await expect(client.subscribe(filter, options)).rejects.toThrow(NotSupportedByServer);
    await turn();
    expect(server.take()).toEqual([]);
  });
});

describe('a server that takes packets of four bytes at most', () => {
  it('is not connected to: there is no room for what the protocol itself demands', async () => {
    const small = new ScriptedServer(5);
    const failure = failureOf(connectOver(small.open, {}, small.clock));
    small.events.opened();
    await turn();
    await small.send(connack({ maximumPacketSize: 4 }));
    expect(await failure).toBeInstanceOf(NotSupportedByServer);
    const { server } = await connected({}, connack({ maximumPacketSize: 5 }));
    await server.send({ type: PacketType.PUBREL, packetId: 9, reasonCode: ReasonCode.SUCCESS });
    expect(server.take()).toMatchObject([{ type: PacketType.PUBCOMP }]);
  });
});

describe('what cannot be sent', () => {
  it('is refused with a reason, and the connection goes on', async () => {
    const { client, server } = await connected();
    await expect(client.publish('a/#', 'x')).rejects.toThrow('a/#');
    await expect(client.publish('', 'x')).rejects.toThrow();
    await expect(client.publish('a', 'x', { properties: { contentType: 'a\0' } })).rejects.toThrow();
    await expect(client.publish('a', 'x', { qos: 1, properties: { contentType: 'a\0' } })).rejects.toThrow();
    await expect(client.subscribe('a/#/b')).rejects.toThrow('a/#/b');
    await expect(client.unsubscribe('a+')).rejects.toThrow('a+');
    await client.publish('a', 'y');
    expect(server.take()).toEqual([publish('a', 'y')]);
  });
});

describe('topic aliases of the server', () => {
  it('[MQTT-3.3.2-10] stand for the topics that they were set to', async () => {
    const topics: string[] = [];
    const { server } = await connected({ topicAliasMaximum: 2, onMessage: ({ topic }) => topics.push(topic) });
    await server.send(
      publish('first', '', { properties: { topicAlias: 1 } }),
      publish('second', '', { properties: { topicAlias: 2 } }),
      publish('', '', { properties: { topicAlias: 1 } }),
      publish('other', '', { properties: { topicAlias: 1 } }),
      publish('', '', { properties: { topicAlias: 1 } }),
    );
    expect(topics).toEqual(['first', 'second', 'first', 'other', 'other']);
  });

  it.each([
    ['above the maximum', publish('a', '', { properties: { topicAlias: 3 } }), ReasonCode.TOPIC_ALIAS_INVALID],
    ['never set', publish('', '', { properties: { topicAlias: 1 } }), ReasonCode.PROTOCOL_ERROR],
  ])('end the connection when they are %s', async (_, packet, reasonCode) => {
    const { client, server } = await connected({ topicAliasMaximum: 2 });
    await server.send(packet);
    expect(server.take()).toMatchObject([{ type: DISCONNECT, reasonCode }]);
    expect(server.ended).toBe(true);
    await server.close();
    expect(await client.closed).toMatchObject({ name: 'ProtocolViolation', reasonCode });
  });
});

describe('a server that breaks the protocol', () => {
  it('is told so in a DISCONNECT (5.0)', async () => {
    const { client, server } = await connected();
    await server.sendBytes(Uint8Array.of(0x36, 0, 0));
    expect(server.take()).toMatchObject([{ type: DISCONNECT, reasonCode: ReasonCode.MALFORMED_PACKET }]);
    await server.close();
    expect(await client.closed).toBeInstanceOf(ProtocolViolation);
  });

  it('is hung up on (3.1.1)', async () => {
    const { client, server } = await connected({ protocolVersion: 4 });
    await server.sendBytes(Uint8Array.of(0x36, 0, 0));
    expect(server.take()).toEqual([]);
    expect(server.destroyed).toBe(true);
    expect(await client.closed).toBeInstanceOf(ProtocolViolation);
  });

  it.each([
    [
      '[MQTT-4.12.0-7] asks for authentication',
      { type: AUTH, reasonCode: ReasonCode.CONTINUE_AUTHENTICATION, properties: { authenticationMethod: 'x' } },
    ],
    ['sends what only clients send', { type: PINGREQ }],
    ['accepts twice', connack()],
  ] as const)('has to go when it %s', async (_, packet) => {
    const { client, server } = await connected();
    await server.send(packet);
    expect(server.take()).toMatchObject([{ type: DISCONNECT, reasonCode: ReasonCode.PROTOCOL_ERROR }]);
    await server.close();
    expect(await client.closed).toBeInstanceOf(ProtocolViolation);
  });

  it('has to go when it sends a larger packet than we take', async () => {
    const { client, server } = await connected({ maximumPacketSize: 50 });
    await server.send(publish('a', 'x'.repeat(50)));
    expect(server.take()).toMatchObject([{ type: DISCONNECT, reasonCode: ReasonCode.PACKET_TOO_LARGE }]);
    await server.close();
    expect(await client.closed).toBeInstanceOf(ProtocolViolation);
  });

  it('has to go when it answers a SUBSCRIBE with an UNSUBACK', async () => {
    const { client, server } = await connected();
    const failed = failureOf(client.subscribe('a'));
    await turn();
    expect(server.take()).toMatchObject([{ type: SUBSCRIBE, packetId: 1 }]);
    await server.send({ type: PacketType.UNSUBACK, packetId: 1, reasonCodes: [ReasonCode.SUCCESS] });
    expect(server.take()).toMatchObject([{ type: DISCONNECT, reasonCode: ReasonCode.PROTOCOL_ERROR }]);
    expect(await failed).toBeInstanceOf(Error);
  });

  it('[MQTT-3.14.2-3] is told without the reason string when it takes only small packets', async () => {
    const { server } = await connected({}, connack({ maximumPacketSize: 10 }));
    await server.send({ type: PINGREQ });
    expect(server.take()).toEqual([{ type: DISCONNECT, reasonCode: ReasonCode.PROTOCOL_ERROR }]);
  });

  it('is told with a reason code of a client, whatever it sent', async () => {
    const { client, server } = await connected();
    // A CONNECT of a version that nobody knows: the decoder's reason code is one of CONNACK.
    await server.sendBytes(Uint8Array.from([0x10, 13, 0, 4, 0x4d, 0x51, 0x54, 0x54, 9, 2, 0, 0, 0, 0, 0]));
    expect(server.take()).toMatchObject([{ type: DISCONNECT, reasonCode: ReasonCode.PROTOCOL_ERROR }]);
    await server.close();
    expect(await client.closed).toBeInstanceOf(ProtocolViolation);
  });
});

describe('a DISCONNECT of the server', () => {
  it('is told to the listeners, and is why the connection closes', async () => {
    const { client, server } = await connected();
    const told: unknown[] = [];
    client.events.on('serverDisconnect', (packet) => told.push(packet.reasonCode));
    client.events.on('close', (error) => told.push(error));
    const failed = failureOf(client.publish('a', 'x', { qos: 1 }));
    await turn();
    const properties = { reasonString: 'bye', serverReference: 'other:1883' };
    await server.send({ type: DISCONNECT, reasonCode: ReasonCode.SERVER_MOVED, properties });
    expect(server.ended).toBe(true);
    await server.close();
    const error = await client.closed;
    expect(error).toBeInstanceOf(ServerDisconnected);
    expect(error).toMatchObject({ reasonCode: ReasonCode.SERVER_MOVED, ...properties });
    expect(told).toEqual([ReasonCode.SERVER_MOVED, error]);
    expect(await failed).toBe(error);
  });

  it('is a violation before 5.0', async () => {
    const { client, server } = await connected({ protocolVersion: 4 });
    await server.send({ type: DISCONNECT, reasonCode: ReasonCode.SUCCESS });
    expect(await client.closed).toBeInstanceOf(ProtocolViolation);
  });

  it('ends the delivery of what follows', async () => {
    const messages: Message[] = [];
    const { server } = await connected({ onMessage: (message) => messages.push(message) });
    await server.send({ type: DISCONNECT, reasonCode: ReasonCode.SERVER_BUSY }, publish('a', 'x'));
    expect(messages).toEqual([]);
  });
});
