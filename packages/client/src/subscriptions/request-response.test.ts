import { type Packet, PacketType, type Publish, ReasonCode, type Subscribe } from '@cauldron/codec';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { PublishRefused } from '../errors.js';
import { connack, connected, failureOf, publish, type ScriptedServer, turn } from '../scripted-server.test-support.js';
import type { Message } from './message.js';
import { json, text } from './payload-codec.js';
import { type RequestOptions, RequestTimeout } from './request-response.js';
import { topic } from './typed-topic.js';

const { SUBSCRIBE, SUBACK, PUBLISH, PUBACK } = PacketType;
const decode = (payload: Uint8Array) => new TextDecoder().decode(payload);

function only<Type extends PacketType>(packets: readonly Packet[], type: Type): Extract<Packet, { type: Type }> {
  const [packet, ...more] = packets;
  expect(more).toEqual([]);
  expect(packet?.type).toBe(type);
  return packet as Extract<Packet, { type: Type }>;
}

/** Grants the subscription for the answers, and returns the request that follows. */
async function requestAt(server: ScriptedServer): Promise<Publish> {
  await turn();
  const { packetId } = only(server.take(), SUBSCRIBE);
  await server.send({ type: SUBACK, packetId, reasonCodes: [ReasonCode.GRANTED_QOS_1] });
  return only(server.take(), PUBLISH);
}

async function answer(server: ScriptedServer, request: Publish, payload: string): Promise<void> {
  const { responseTopic = '', correlationData = new Uint8Array() } = request.properties ?? {};
  await server.send(publish(responseTopic, payload, { properties: { correlationData } }));
}

describe('request', () => {
  it('publishes with a response topic of the client and correlation data, and resolves with the answer', async () => {
    const { client, server } = await connected({ clientId: 'me' });
    const answered = client.request('rpc/add', '1 2', { properties: { contentType: 'text/plain' } });
    const request = await requestAt(server);
    expect(decode(request.payload)).toBe('1 2');
    expect(request).toMatchObject({ topic: 'rpc/add', qos: 0, properties: { contentType: 'text/plain' } });
    expect(request.properties?.responseTopic).toMatch(/^reply\/me\/[0-9a-f]{32}$/);
    await answer(server, request, '3');
    expect((await answered).text()).toBe('3');
  });

  it('subscribes once for all requests, and tells their answers apart', async () => {
    const { client, server } = await connected();
    const first = client.request('a', '1');
    const second = client.request('a', '2');
    await turn();
    const { packetId } = only(server.take(), SUBSCRIBE);
    await server.send({ type: SUBACK, packetId, reasonCodes: [ReasonCode.GRANTED_QOS_1] });
    const [one, two] = server.take() as Publish[];
    const third = client.request('a', '3');
    await turn();
    const three = only(server.take(), PUBLISH);
    for (const request of [three, two, one]) await answer(server, request, `answer ${decode(request.payload)}`);
    expect((await Promise.all([first, second, third])).map((message) => message.text())).toEqual([
      'answer 1',
      'answer 2',
      'answer 3',
    ]);
  });

  it('takes the topic that the server tells', async () => {
    const { client, server } = await connected({}, connack({ responseInformation: 'answers/to/me/' }));
    void client.request('a', '').catch(() => {});
    expect((await requestAt(server)).properties?.responseTopic).toMatch(/^answers\/to\/me\/[0-9a-f]{32}$/);
  });

  it('has no wildcards in the response topic, whatever the client is called', async () => {
    const { client, server } = await connected({ clientId: 'a+b#c' });
    void client.request('a', '').catch(() => {});
    expect((await requestAt(server)).properties?.responseTopic).toMatch(/^reply\/a_b_c\//);
  });

  it('is rejected when nobody answers in time, also if the server does not even answer the subscription', async () => {
    const { client, server } = await connected();
    const failed = failureOf(client.request('a', '', { timeoutMs: 500 }));
    await turn();
    const { packetId } = only(server.take(), SUBSCRIBE);
    await server.clock.advance(499);
    await server.clock.advance(1);
    expect(await failed).toBeInstanceOf(RequestTimeout);
    await server.send({ type: SUBACK, packetId, reasonCodes: [ReasonCode.SUCCESS] });
    expect(server.take()).toEqual([]);
  });

  it('waits for ten seconds, if nothing else is said', async () => {
    const { client, server } = await connected();
    const failed = failureOf(client.request('a', ''));
    const request = await requestAt(server);
    await server.clock.advance(9_999);
    await answer(server, request, 'late');
    expect(await failed).toBe(null);
  });

  it('is rejected with the reason of its signal', async () => {
    const { client, server } = await connected();
    expect(await failureOf(client.request('a', '', { signal: AbortSignal.abort('no') }))).toBe('no');
    const stop = new AbortController();
    const failed = failureOf(client.request('a', '', { signal: stop.signal }));
    await requestAt(server);
    stop.abort('enough');
    expect(await failed).toBe('enough');
  });

  it('is rejected when the server refuses the request, or the subscription; the next one tries again', async () => {
    const { client, server } = await connected();
    const first = failureOf(client.request('a', ''));
    await turn();
    const { packetId } = only(server.take(), SUBSCRIBE);
    await server.send({ type: SUBACK, packetId, reasonCodes: [ReasonCode.NOT_AUTHORIZED] });
    expect(await first).toMatchObject({ name: 'SubscribeRefused' });
    const second = failureOf(client.request('a', '', { qos: 1 }));
    const request = await requestAt(server);
    await server.send({ type: PUBACK, packetId: request.packetId ?? 0, reasonCode: ReasonCode.NOT_AUTHORIZED });
    expect(await second).toBeInstanceOf(PublishRefused);
  });

  it('is rejected when the client ends, and afterwards', async () => {
    const { client, server } = await connected({ reconnect: false });
    const failed = failureOf(client.request('a', ''));
    await requestAt(server);
    await server.close();
    expect(await failed).toMatchObject({ name: 'ConnectionLost' });
    expect(await failureOf(client.request('a', ''))).toMatchObject({ name: 'ConnectionLost' });
  });

  it('is rejected when the client disconnects', async () => {
    const { client, server } = await connected();
    const failed = failureOf(client.request('a', ''));
    await requestAt(server);
    void client.disconnect();
    expect(await failed).toMatchObject({ name: 'ConnectionClosed' });
  });

  it('ignores answers to nothing', async () => {
    const { client, server } = await connected();
    const answered = client.request('a', '');
    const request = await requestAt(server);
    const responseTopic = request.properties?.responseTopic ?? '';
    await server.send(
      publish(responseTopic, 'none'),
      publish(responseTopic, 'short', { properties: { correlationData: Uint8Array.of(1) } }),
      publish(responseTopic, 'unknown', { properties: { correlationData: new Uint8Array(8) } }),
    );
    await answer(server, request, 'it');
    expect((await answered).text()).toBe('it');
  });

  it('subscribes again when the server has lost the subscription', async () => {
    const { client, server } = await connected({ reconnect: { minDelayMs: 10, maxDelayMs: 10 } });
    void client.request('a', '1').catch(() => {});
    const before = (await requestAt(server)).properties?.responseTopic;
    await server.close();
    await server.clock.advance(20);
    server.events.opened();
    await turn();
    server.take();
    await server.send(connack());
    const { packetId } = only(server.take(), SUBSCRIBE);
    await server.send({ type: SUBACK, packetId, reasonCodes: [ReasonCode.QUOTA_EXCEEDED] });
    const answered = client.request('a', '2');
    const request = await requestAt(server);
    expect(request.properties?.responseTopic).not.toBe(before);
    await answer(server, request, 'again');
    expect((await answered).text()).toBe('again');
  });

  it('encodes the request and decodes the answer with its codec', async () => {
    const { client, server } = await connected();
    const codec = json<number, { a: number; b: number }>();
    const answered = client.request('rpc/add', { a: 1, b: 2 }, { codec });
    expectTypeOf(answered).resolves.toEqualTypeOf<Message<number>>();
    const request = await requestAt(server);
    expect(decode(request.payload)).toBe('{"a":1,"b":2}');
    expect(request.properties?.contentType).toBe('application/json');
    await answer(server, request, '3');
    expect((await answered).value).toBe(3);
    const wrong = failureOf(client.request('rpc/add', { a: 1, b: 2 }, { codec }));
    await turn();
    await answer(server, only(server.take(), PUBLISH), 'three');
    expect(await wrong).toBeInstanceOf(SyntaxError);
  });

  it('takes typed topics, whose codec is for the request', async () => {
    const { client, server } = await connected();
    const method = topic('rpc/{method}', json<number[]>());
    const answered = client.request(method.for({ method: 'add' }), [1, 2], { codec: text });
    expectTypeOf(answered).resolves.toEqualTypeOf<Message<string>>();
    const request = await requestAt(server);
    expect([request.topic, decode(request.payload)]).toEqual(['rpc/add', '[1,2]']);
    await answer(server, request, 'three');
    expect((await answered).value).toBe('three');
  });

  it('needs 5.0', async () => {
    const { client } = await connected({ protocolVersion: 4 });
    await expect(client.request('a', '')).rejects.toThrow(TypeError);
    await expect(client.respond('a', () => '')).rejects.toThrow(TypeError);
  });

  it('does not let the program set what is the business of the client', () => {
    expectTypeOf<NonNullable<RequestOptions['properties']>>().not.toHaveProperty('correlationData');
    expectTypeOf<NonNullable<RequestOptions['properties']>>().not.toHaveProperty('responseTopic');
  });
});

describe('respond', () => {
  const correlationData = Uint8Array.of(1, 2, 3);
  const asked = (name: string, payload: string, more: Partial<Publish> = {}) =>
    publish(name, payload, { properties: { responseTopic: 'to/me', correlationData }, ...more });

  async function granted(server: ScriptedServer): Promise<Subscribe> {
    await turn();
    const packet = only(server.take(), SUBSCRIBE);
    await server.send({ type: SUBACK, packetId: packet.packetId, reasonCodes: [ReasonCode.GRANTED_QOS_2] });
    return packet;
  }

  it('answers to the response topic, with the correlation data and the QoS of the request', async () => {
    const { client, server } = await connected();
    const responding = client.respond('rpc/+', (message) => `${message.topic}: ${message.text()}`, { qos: 2 });
    const { subscriptions } = await granted(server);
    expect(subscriptions).toMatchObject([{ filter: 'rpc/+', qos: 2 }]);
    expect((await responding).filters).toEqual(['rpc/+']);
    await server.send(asked('rpc/x', '1', { qos: 1, packetId: 7 }));
    const response = server.take().find((packet) => packet.type === PUBLISH);
    expect(response).toMatchObject({ topic: 'to/me', qos: 1, properties: { correlationData } });
    expect(decode((response as Publish).payload)).toBe('rpc/x: 1');
  });

  it('waits for a responder that takes time, and acknowledges the request afterwards', async () => {
    const { client, server } = await connected();
    let finish: (value: string) => void = () => {};
    void client.respond('rpc', () => new Promise<string>((resolve) => (finish = resolve)));
    await granted(server);
    await server.send(asked('rpc', '', { qos: 1, packetId: 7 }));
    expect(server.take()).toEqual([]);
    finish('done');
    await turn();
    const response = only(server.take(), PUBLISH);
    await server.send({ type: PUBACK, packetId: response.packetId ?? 0, reasonCode: ReasonCode.SUCCESS });
    expect(server.take()).toMatchObject([{ type: PUBACK, packetId: 7 }]);
  });

  it('leaves out correlation data where the request has none', async () => {
    const { client, server } = await connected();
    void client.respond('rpc', () => 'x');
    await granted(server);
    await server.send(asked('rpc', '', { properties: { responseTopic: 'to/me' } }));
    expect(only(server.take(), PUBLISH).properties).toBeUndefined();
  });

  it('refuses a message without response topic, and does not call the responder for it', async () => {
    const { client, server } = await connected();
    void client.respond('rpc', () => {
      throw new Error('The responder was called');
    });
    await granted(server);
    await server.send(publish('rpc', ''), publish('rpc', '', { qos: 1, packetId: 7 }));
    expect(server.take()).toMatchObject([
      { type: PUBACK, packetId: 7, reasonCode: ReasonCode.IMPLEMENTATION_SPECIFIC_ERROR },
    ]);
  });

  it('tells of an answer that the server does not take, and goes on', async () => {
    const { client, server } = await connected();
    const unanswered: string[] = [];
    client.events.on('unanswered', ({ message, error }) => unanswered.push(`${message.topic}: ${error.name}`));
    void client.respond('rpc', () => 'x', { qos: 1 });
    await granted(server);
    await server.send(asked('rpc', '', { qos: 1, packetId: 7 }));
    const { packetId = 0 } = only(server.take(), PUBLISH);
    await server.send({ type: PUBACK, packetId, reasonCode: ReasonCode.NOT_AUTHORIZED });
    expect(unanswered).toEqual(['rpc: PublishRefused']);
    expect(server.take()).toMatchObject([{ type: PUBACK, packetId: 7, reasonCode: ReasonCode.SUCCESS }]);
  });

  it('decodes requests and encodes answers with its codec', async () => {
    const { client, server } = await connected();
    void client.respond('rpc/add', ({ value }) => value.a + value.b, {
      codec: json<{ a: number; b: number }, number>(),
    });
    await granted(server);
    await server.send(asked('rpc/add', '{"a":1,"b":2}'));
    expect(decode(only(server.take(), PUBLISH).payload)).toBe('3');
  });

  it('takes typed topics, whose codec is for the requests', async () => {
    const { client, server } = await connected();
    const method = topic('rpc/{method}', json<number[]>());
    void client.respond(method, ({ value, params }) => [params.method, ...value], {
      codec: json<(string | number)[]>(),
    });
    await granted(server);
    void client.respond(topic('plain/{x}'), ({ params }) => params.x);
    await granted(server);
    await server.send(asked('rpc/add', '[1,2]'), asked('plain/y', ''));
    expect((server.take() as Publish[]).map(({ payload }) => decode(payload))).toEqual(['["add",1,2]', 'y']);
  });
});
