import { PacketType, ProtocolError, ReasonCode } from '@cauldron/codec';
import { describe, expect, it } from 'vitest';
import { ConnectionClosed, ConnectionLost } from './errors.js';
import { connack, connected, failureOf, publish, turn } from './scripted-server.test-support.js';
import type { MessageHandler } from './subscriptions/subscription.js';

const { DISCONNECT, PUBACK, PUBREC, PUBREL, PUBCOMP, SUBACK } = PacketType;
const { SUCCESS } = ReasonCode;

describe('disconnect', () => {
  it.each([3, 4, 5] as const)('[MQTT-3.14.4-2] sends DISCONNECT and closes (version %i)', async (protocolVersion) => {
    const { client, server } = await connected({ protocolVersion });
    const left = client.disconnect();
    await turn();
    expect(server.take()).toEqual([{ type: DISCONNECT, reasonCode: SUCCESS }]);
    expect(server.ended).toBe(true);
    await server.close();
    await left;
    expect(await client.closed).toBeNull();
  });

  it('carries the reason and the properties', async () => {
    const { client, server } = await connected();
    const properties = { sessionExpiryInterval: 5 };
    void client.disconnect({ reasonCode: ReasonCode.DISCONNECT_WITH_WILL, properties });
    await turn();
    expect(server.take()).toEqual([{ type: DISCONNECT, reasonCode: ReasonCode.DISCONNECT_WITH_WILL, properties }]);
  });

  it('rejects what a client cannot say, and stays', async () => {
    const { client, server } = await connected();
    await expect(client.disconnect({ reasonCode: ReasonCode.SESSION_TAKEN_OVER })).rejects.toThrow(RangeError);
    const reasonString = 'x'.repeat(65_536);
    await expect(client.disconnect({ properties: { reasonString } })).rejects.toThrow(ProtocolError);
    await client.publish('a', 'still open');
    expect(server.take()).toMatchObject([{ topic: 'a' }]);
  });

  it('[MQTT-3.14.2-3] keeps what counts where the server takes only small packets', async () => {
    const { client, server } = await connected({ sessionExpiryInterval: 9 }, connack({ maximumPacketSize: 20 }));
    const properties = { reasonString: 'a long explanation', sessionExpiryInterval: 5 };
    void client.disconnect({ properties });
    await turn();
    expect(server.take()).toEqual([
      { type: DISCONNECT, reasonCode: SUCCESS, properties: { sessionExpiryInterval: 5 } },
    ]);
  });

  it('says the reason alone where there is room for no more', async () => {
    const { client, server } = await connected({ sessionExpiryInterval: 9 }, connack({ maximumPacketSize: 5 }));
    void client.disconnect({ reasonCode: ReasonCode.DISCONNECT_WITH_WILL, properties: { sessionExpiryInterval: 5 } });
    await turn();
    expect(server.take()).toEqual([{ type: DISCONNECT, reasonCode: ReasonCode.DISCONNECT_WITH_WILL }]);
  });

  it('waits for what is on its way, and for what waits for its turn', async () => {
    const { client, server } = await connected({ maximumInflight: 1 });
    const results = Promise.all([
      client.publish('a', '1', { qos: 2 }),
      client.publish('a', '2', { qos: 1 }),
      client.subscribe('s'),
    ]);
    void client.disconnect();
    await turn();
    await server.send({ type: PUBREC, packetId: 1, reasonCode: SUCCESS });
    await server.send({ type: PUBCOMP, packetId: 1, reasonCode: SUCCESS });
    await server.send({ type: PUBACK, packetId: 3, reasonCode: SUCCESS });
    expect(server.take().map(({ type }) => type)).not.toContain(DISCONNECT);
    await server.send({ type: SUBACK, packetId: 2, reasonCodes: [SUCCESS] });
    expect(server.take()).toMatchObject([{ type: DISCONNECT }]);
    await results;
  });

  it('waits for the PUBREL of a QoS 2 message that was delivered', async () => {
    const { client, server } = await connected();
    await server.send(publish('a', 'x', { qos: 2, packetId: 4 }));
    server.take();
    void client.disconnect();
    await turn();
    expect(server.take()).toEqual([]);
    await server.send({ type: PUBREL, packetId: 4, reasonCode: SUCCESS });
    expect(server.take()).toMatchObject([{ type: PUBCOMP }, { type: DISCONNECT }]);
  });

  it('in a handler acknowledges that message, and leaves those behind it to the server', async () => {
    const texts: string[] = [];
    const onMessage: MessageHandler = ({ payload }, client) => {
      texts.push(new TextDecoder().decode(payload));
      void client.disconnect();
    };
    const { server } = await connected({ onMessage });
    await server.send(publish('a', '1', { qos: 1, packetId: 1 }), publish('a', '2', { qos: 1, packetId: 2 }));
    expect(texts).toEqual(['1']);
    expect(server.take()).toEqual([
      { type: PUBACK, packetId: 1, reasonCode: SUCCESS },
      { type: DISCONNECT, reasonCode: SUCCESS },
    ]);
  });

  it('does not wait any longer when its signal says so', async () => {
    const { client, server } = await connected();
    const failed = failureOf(client.publish('a', '1', { qos: 1 }));
    const hurry = new AbortController();
    void client.disconnect({ signal: hurry.signal });
    await turn();
    server.take();
    hurry.abort();
    await turn();
    expect(server.take()).toMatchObject([{ type: DISCONNECT }]);
    await server.close();
    expect(await failed).toBeInstanceOf(ConnectionClosed);
  });

  it('reads again if the client had paused', async () => {
    const { client, server } = await connected();
    client.pause();
    void client.disconnect();
    expect(server.paused).toBe(false);
  });

  it('hangs up on a server that does not close', async () => {
    const { client, server } = await connected();
    void client.disconnect();
    await turn();
    expect(server.destroyed).toBe(false);
    await server.clock.advance(5_000);
    expect(server.destroyed).toBe(true);
    expect(await client.closed).toBeNull();
  });

  it('sends what the network did not take yet before it closes', async () => {
    const { client, server } = await connected();
    server.full = true;
    void failureOf(client.publish('a', '1'));
    await turn();
    void failureOf(client.publish('a', '2'));
    void client.disconnect();
    await turn();
    expect(server.ended).toBe(false);
    server.take();
    await server.drain();
    expect(server.take()).toMatchObject([{ topic: 'a' }, { type: DISCONNECT }]);
    expect(server.ended).toBe(true);
  });

  it('may be called twice, and after the end', async () => {
    const { client, server } = await connected();
    void client.disconnect();
    void client.disconnect();
    await turn();
    await server.close();
    await client.disconnect();
    expect(server.take()).toHaveLength(1);
  });

  it('is the end of publishing and subscribing', async () => {
    const { client, server } = await connected();
    void client.disconnect();
    await expect(client.publish('a', 'x')).rejects.toThrow(ConnectionClosed);
    await turn();
    await server.close();
    await expect(client.subscribe('a')).rejects.toThrow(ConnectionClosed);
    await expect(client.unsubscribe('a')).rejects.toThrow(ConnectionClosed);
  });
});

describe('a connection that is lost', () => {
  it('before DISCONNECT has left is not ended in good order', async () => {
    const { client, server } = await connected();
    server.full = true;
    void failureOf(client.publish('a', 'x'));
    await turn();
    void client.disconnect();
    await turn();
    await server.close();
    expect(await client.closed).toBeInstanceOf(ConnectionLost);
  });

  it('tells everybody who waits, with the cause', async () => {
    const { client, server } = await connected();
    server.full = true;
    const failures = [
      failureOf(client.publish('a', 'x')),
      failureOf(client.publish('a', 'x', { qos: 1 })),
      failureOf(client.subscribe('a')),
      failureOf(client.unsubscribe('a')),
    ];
    await turn();
    const cause = new Error('cable cut');
    await server.close(cause);
    const error = await client.closed;
    expect(error).toBeInstanceOf(ConnectionLost);
    expect(error?.cause).toBe(cause);
    expect(await Promise.all(failures)).toEqual([error, error, error, error]);
    await expect(client.publish('a', 'x')).rejects.toBe(error);
  });
});
