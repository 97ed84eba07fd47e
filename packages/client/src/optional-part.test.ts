import { type Packet, PacketType, ReasonCode, type Subscribe } from '@cauldron/codec';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { connectOver } from './connect-over.js';
import { AuthenticationFailed } from './errors.js';
import { authenticationPart, codecPart, OptionalPart, presencePart, requestPart } from './optional-part.js';
import { connack, connected, failureOf, publish, ScriptedServer, turn } from './scripted-server.test-support.js';

beforeEach(() => {
  for (const part of [authenticationPart, codecPart, presencePart, requestPart]) part.loaded = null;
});

/** The next packets that the server receives, however long the client needs to load what it needs. */
async function received(server: ScriptedServer): Promise<Packet[]> {
  await vi.waitUntil(() => server.received.length > 0);
  return server.take();
}

async function grant(server: ScriptedServer): Promise<void> {
  const [{ packetId }] = (await received(server)) as Subscribe[];
  await server.send({ type: PacketType.SUBACK, packetId, reasonCodes: [ReasonCode.SUCCESS] });
}

describe('a part that is loaded when it is needed', () => {
  it('is loaded once', async () => {
    const load = vi.fn(async () => 'part');
    const part = new OptionalPart(load);
    expect(part.loaded).toBeNull();
    expect([await part.load(), await part.load()]).toEqual(['part', 'part']);
    expect(part.loaded).toBe('part');
    expect(load).toHaveBeenCalledOnce();
  });

  it('is tried again after a failure', async () => {
    const load = vi.fn(async () => 'part').mockRejectedValueOnce(new Error('no network'));
    const part = new OptionalPart(load);
    await expect(part.load()).rejects.toThrow('no network');
    expect(await part.load()).toBe('part');
  });
});

describe('a client whose parts are not loaded yet', () => {
  it('sends requests', async () => {
    const { client, server } = await connected();
    const answered = Promise.all([client.request('rpc', '1'), client.request('rpc', '2')]);
    await grant(server);
    for (const request of await received(server)) {
      if (request.type !== PacketType.PUBLISH) throw new Error('There is no request');
      const { responseTopic = '', correlationData = new Uint8Array() } = request.properties ?? {};
      const { length } = request.payload;
      await server.send(publish(responseTopic, `answer of ${length}`, { properties: { correlationData } }));
    }
    expect((await answered).map((message) => message.text())).toEqual(['answer of 1', 'answer of 1']);
  });

  it('waits for a connection when they cannot be loaded before', async () => {
    const load = vi.spyOn(requestPart, 'load').mockRejectedValueOnce(new Error('no network'));
    const { client, server } = await connected();
    const answered = client.request('rpc', '1');
    await grant(server);
    expect((await received(server))[0]).toMatchObject({ topic: 'rpc' });
    expect(load).toHaveBeenCalledTimes(2);
    const failure = failureOf(answered);
    void client.disconnect();
    expect(await failure).toMatchObject({ message: 'The client was disconnected' });
  });

  it('refuses requests once it is over', async () => {
    const { client } = await connected();
    void client.disconnect();
    await expect(client.request('rpc', '1')).rejects.toThrow('The client is disconnected');
  });

  it('answers requests, also those that come before the parts', async () => {
    const { client, server } = await connected();
    const answering = client.respond('rpc', (message) => `${message.text()}!`);
    await grant(server);
    await answering;
    await server.send(publish('rpc', 'yes', { properties: { responseTopic: 'reply' } }));
    expect((await received(server))[0]).toMatchObject({ topic: 'reply', payload: new TextEncoder().encode('yes!') });
  });

  it('says that it is there', async () => {
    const server = new ScriptedServer(5);
    const connecting = connectOver(server.open, { presence: { topic: 'here' } }, server.clock);
    await vi.waitUntil(() => presencePart.loaded !== null);
    await turn();
    server.events.opened();
    const [connect] = await received(server);
    expect(connect).toMatchObject({ will: { topic: 'here', payload: new TextEncoder().encode('offline') } });
    await server.send(connack());
    expect((await received(server))[0]).toMatchObject({ topic: 'here', payload: new TextEncoder().encode('online') });
    await connecting;
  });

  it('decodes by a schema', async () => {
    const { client, server } = await connected();
    const validate = (value: unknown) => ({ value: `${value}!` });
    const codec = { '~standard': { version: 1, vendor: 'test', validate } } as const;
    const values: unknown[] = [];
    const subscribed = client.subscribe('a', { codec }, ({ value }) => {
      values.push(value);
    });
    await grant(server);
    for (const payload of ['1', '2', '3']) await server.send(publish('a', payload));
    await vi.waitUntil(() => values.length === 3);
    await server.send(publish('a', '4'));
    expect(values).toEqual(['1!', '2!', '3!', '4!']);
    await subscribed;
  });

  const authentication = { method: 'm', begin: () => ({ respond: async () => undefined }) };

  it('authenticates', async () => {
    const server = new ScriptedServer(5);
    const connecting = connectOver(server.open, { authentication }, server.clock);
    await vi.waitUntil(() => authenticationPart.loaded !== null);
    await turn();
    server.events.opened();
    const [connect] = await received(server);
    expect(connect).toMatchObject({ properties: { authenticationMethod: 'm' } });
    await server.send(connack({ authenticationMethod: 'm' }));
    expect((await connecting).state).toBe('online');
  });

  it('says what kept it from authenticating', async () => {
    vi.spyOn(authenticationPart, 'load').mockRejectedValueOnce(new Error('no network'));
    const server = new ScriptedServer(5);
    const options = { authentication, reconnect: false } as const;
    const failure = await failureOf(connectOver(server.open, options, server.clock));
    expect(failure).toMatchObject({ name: 'ConnectionFailed', cause: { message: 'no network' } });
    expect(failure).not.toBeInstanceOf(AuthenticationFailed);
  });
});
