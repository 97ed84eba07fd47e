import { PacketType, ReasonCode } from '@cauldron/codec';
import { describe, expect, it } from 'vitest';
import type { ConnectOptions } from '../options.js';
import { connected, publish, turn } from '../scripted-server.test-support.js';

const { PUBLISH, PUBACK, SUBSCRIBE, SUBACK, UNSUBACK } = PacketType;

/** A client with more messages waiting for a loop than it wants to have. */
async function backlogged(options: ConnectOptions = {}) {
  const { client, server } = await connected({ maximumReceivedBytes: 1_000, ...options });
  const subscribing = client.subscribe('a');
  await turn();
  await server.send({ type: SUBACK, packetId: 1, reasonCodes: [ReasonCode.SUCCESS] });
  const subscription = await subscribing;
  server.take();
  expect(server.paused).toBe(false);
  await server.send(...Array.from({ length: 10 }, () => publish('a', 'x'.repeat(200))));
  expect(server.paused).toBe(true);
  return { client, server, subscription, messages: subscription[Symbol.asyncIterator]() };
}

describe('a client with too many messages that wait', () => {
  it('reads on when the loop has taken half of what is too much', async () => {
    const { server, messages } = await backlogged();
    for (let i = 0; i < 9; i++) await messages.next();
    expect(server.paused).toBe(false);
  });

  it('reads while a message of its own waits for its acknowledgement', async () => {
    const { client, server } = await backlogged();
    const published = client.publish('b', '', { qos: 1 });
    await turn();
    expect(server.paused).toBe(false);
    const packetId = server.take().find((packet) => packet.type === PUBLISH)?.packetId ?? 0;
    await server.send({ type: PUBACK, packetId, reasonCode: ReasonCode.SUCCESS });
    await published;
    expect(server.paused).toBe(true);
  });

  it('reads while it waits for the answer to an UNSUBSCRIBE, as of a loop that is left', async () => {
    const { client, server } = await backlogged();
    const answered = client.unsubscribe('b');
    await turn();
    expect(server.paused).toBe(false);
    await server.send({ type: UNSUBACK, packetId: 2, reasonCodes: [ReasonCode.SUCCESS] });
    await answered;
    expect(server.paused).toBe(true);
  });

  it('reads while a request waits for its answer, which is a message like any other', async () => {
    const { client, server } = await backlogged();
    const answered = client.request('rpc', '');
    await turn();
    const subscribe = server.take().find((packet) => packet.type === SUBSCRIBE);
    await server.send({ type: SUBACK, packetId: subscribe?.packetId ?? 0, reasonCodes: [ReasonCode.SUCCESS] });
    expect(server.paused).toBe(false);
    const [request] = server.take();
    if (request.type !== PUBLISH) throw new Error('There is no request');
    const { responseTopic = '', correlationData = new Uint8Array() } = request.properties ?? {};
    await server.send(publish(responseTopic, 'answer', { properties: { correlationData } }));
    expect((await answered).text()).toBe('answer');
    await turn();
    expect(server.paused).toBe(true);
  });

  it('reads no more for requests that were given up', async () => {
    const { client, server } = await backlogged();
    const failed = client.request('rpc', '', { timeoutMs: 100 }).catch(() => {});
    await turn();
    const subscribe = server.take().find((packet) => packet.type === SUBSCRIBE);
    await server.send({ type: SUBACK, packetId: subscribe?.packetId ?? 0, reasonCodes: [ReasonCode.SUCCESS] });
    await server.clock.advance(100);
    await failed;
    await turn();
    expect(server.paused).toBe(true);
  });

  it('is one no more when the subscription is over', async () => {
    const { server, subscription } = await backlogged();
    void subscription.unsubscribe();
    await turn();
    await server.send({ type: UNSUBACK, packetId: 2, reasonCodes: [ReasonCode.SUCCESS] });
    expect(server.paused).toBe(false);
  });

  it('does not resume against the will of the program', async () => {
    const { client, server, messages } = await backlogged();
    client.pause();
    for (let i = 0; i < 10; i++) await messages.next();
    expect(server.paused).toBe(true);
    client.resume();
    expect(server.paused).toBe(false);
  });
});
