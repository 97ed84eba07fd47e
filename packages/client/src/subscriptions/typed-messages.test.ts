import { PacketType, type Publish, ReasonCode } from '@cauldron/codec';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { connected, failureOf, publish, turn } from '../scripted-server.test-support.js';
import type { Message } from './message.js';
import { json, text } from './payload-codec.js';
import type { StandardSchema } from './standard-schema.js';
import type { Subscription } from './subscription.js';
import { topic } from './typed-topic.js';

const { PUBACK, SUBSCRIBE, SUBACK } = PacketType;

interface Celsius {
  celsius: number;
}
const temperature = topic('home/{room}/temperature', json<Celsius>());

const celsius: StandardSchema<Celsius, number> = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value) => {
      const number = (value as Partial<Celsius> | null)?.celsius;
      return typeof number === 'number' ? { value: number } : { issues: [{ message: 'no temperature' }] };
    },
  },
};

describe('publishing to a typed topic', () => {
  it('sends the encoded value with its content type', async () => {
    const { client, server } = await connected();
    await client.publish(temperature.for({ room: 'kitchen' }), { celsius: 21.5 }, { retain: true });
    const [packet] = server.take() as Publish[];
    expect(packet).toMatchObject({
      topic: 'home/kitchen/temperature',
      retain: true,
      properties: { contentType: 'application/json' },
    });
    expect(new TextDecoder().decode(packet.payload)).toBe('{"celsius":21.5}');
  });

  it('leaves the content type to the caller', async () => {
    const { client, server } = await connected();
    const properties = { contentType: 'application/senml+json' };
    await client.publish(temperature.for({ room: 'kitchen' }), { celsius: 21.5 }, { properties });
    expect(server.take()).toMatchObject([{ properties }]);
  });

  it('rejects what the codec cannot encode', async () => {
    const { client, server } = await connected();
    const cyclic: { celsius: number; self?: unknown } = { celsius: 1 };
    cyclic.self = cyclic;
    expect(await failureOf(client.publish(temperature.for({ room: 'kitchen' }), cyclic))).toBeInstanceOf(TypeError);
    expect(server.take()).toEqual([]);
  });

  it('takes values of its type only', async () => {
    const { client } = await connected();
    // @ts-expect-error
    await client.publish(temperature.for({ room: 'kitchen' }), { fahrenheit: 70.7 });
    // @ts-expect-error
    await failureOf(client.publish('home/kitchen/temperature', { celsius: 21.5 }));
  });
});

describe('subscribing', () => {
  it('to a typed topic gives values and parameters', async () => {
    const { client, server } = await connected();
    const seen: unknown[] = [];
    void client.subscribe(temperature, { qos: 1 }, ({ value, params }) => seen.push([params.room, value.celsius]));
    await turn();
    expect(server.take()).toMatchObject([{ type: SUBSCRIBE, subscriptions: [{ filter: temperature.filter, qos: 1 }] }]);
    await server.send(publish('home/kitchen/temperature', '{"celsius":21.5}'));
    expect(seen).toEqual([['kitchen', 21.5]]);
  });

  it('with a schema gives what that returns; what does not fit is told of and refused', async () => {
    const { client, server } = await connected();
    const undecodable: string[] = [];
    client.events.on('undecodable', ({ message, error }) => undecodable.push(`${message.topic}: ${error}`));
    const values: number[] = [];
    void client.subscribe('t', { codec: celsius }, ({ value }) => values.push(value));
    await turn();
    server.take();
    await server.send(publish('t', '{"celsius":1}'), publish('t', '{}', { qos: 1, packetId: 4 }));
    expect(values).toEqual([1]);
    expect(undecodable).toEqual(['t: PayloadInvalid: The payload does not fit its schema: no temperature']);
    expect(server.take()).toEqual([{ type: PUBACK, packetId: 4, reasonCode: ReasonCode.PAYLOAD_FORMAT_INVALID }]);
  });

  it('before 5.0 acknowledges what does not decode like any other message', async () => {
    const { client, server } = await connected({ protocolVersion: 4 });
    void client.subscribe('t', { codec: celsius }, () => {});
    await turn();
    server.take();
    await server.send(publish('t', '{}', { qos: 1, packetId: 4 }));
    expect(server.take()).toEqual([{ type: PUBACK, packetId: 4, reasonCode: ReasonCode.SUCCESS }]);
  });

  it('gives messages that read their payload as text and as JSON', async () => {
    const { client, server } = await connected();
    const seen: unknown[] = [];
    void client.subscribe('#', {}, (message) =>
      seen.push(message.text(), message.value === message.payload, message.params),
    );
    void client.subscribe('json', {}, (message) => seen.push(message.json()));
    await server.send(publish('json', '[1]', { properties: { contentType: 'x' } }), publish('a', ''));
    expect(seen).toEqual(['[1]', true, {}, [1], '', true, {}]);
  });

  it('has the types of its codec, its schema or its topic', async () => {
    const { client, server } = await connected();
    const all = Promise.all([
      client.subscribe('a'),
      client.subscribe(['a', 'b'], { codec: text }),
      client.subscribe('a', { codec: celsius }),
      client.subscribe(temperature),
    ]);
    expectTypeOf(all).resolves.toEqualTypeOf<
      [Subscription, Subscription<string>, Subscription<number>, Subscription<Celsius, { readonly room: string }>]
    >();
    await turn();
    for (const packet of server.take()) {
      if (packet.type !== SUBSCRIBE) continue;
      await server.send({ type: SUBACK, packetId: packet.packetId, reasonCodes: packet.subscriptions.map(() => 0) });
    }
    const [plain, texts, numbers, typed] = await all;
    await server.send(publish('a', '{"celsius":2}'), publish('home/x/temperature', '{"celsius":3}'));
    const first = async <T, P>(subscription: Subscription<T, P>): Promise<Message<T, P> | undefined> => {
      for await (const message of subscription) return message;
      return undefined;
    };
    expect((await first(plain))?.value).toEqual(new TextEncoder().encode('{"celsius":2}'));
    expect((await first(texts))?.value).toBe('{"celsius":2}');
    expect((await first(numbers))?.value).toBe(2);
    expect((await first(typed))?.params).toEqual({ room: 'x' });
  });
});
