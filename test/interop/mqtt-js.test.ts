import {
  connect as connectTo,
  type IClientOptions,
  type IConnackPacket,
  type IPublishPacket,
  type MqttClient,
} from 'mqtt';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { BrokerProcess } from '../support/broker-process.js';
import { randomPayload } from '../support/payloads.js';

/** On a busy machine a subscriber may be away for longer than publishers are held for it. */
const UNLIMITED = 'max_queued_messages 0';

const WAYS = (['mqtt', 'ws'] as const).flatMap((scheme) =>
  ([3, 4, 5] as const).map((version) => [scheme, version] as const),
);

let broker: BrokerProcess;
let clients: MqttClient[] = [];
let count = 0;

beforeAll(async () => {
  broker = await BrokerProcess.start(['max_packet_size 20000000', 'max_topic_alias_broker 5', UNLIMITED]);
});

afterEach(async () => {
  await Promise.all(clients.map((client) => client.endAsync(true)));
  clients = [];
});

afterAll(() => broker.stop());

/** A message as the tests compare it. */
type Received = Pick<IPublishPacket, 'topic' | 'qos' | 'retain' | 'properties'> & { readonly payload: Buffer };

/** Takes messages in the order in which they come. */
class Inbox {
  readonly #messages: Received[] = [];
  #wake: () => void = () => {};

  constructor(client: MqttClient) {
    client.on('message', (topic, payload, { qos, retain, properties }) => {
      this.#messages.push({ topic, payload, qos, retain, ...(properties && { properties }) });
      this.#wake();
    });
  }

  async next(): Promise<Received> {
    for (;;) {
      const message = this.#messages.shift();
      if (message !== undefined) return message;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async texts(wanted: number): Promise<string[]> {
    const texts: string[] = [];
    while (texts.length < wanted) texts.push((await this.next()).payload.toString());
    return texts;
  }
}

type Scheme = 'mqtt' | 'ws';

interface Connected {
  readonly client: MqttClient;
  /** There before the first message. */
  readonly inbox: Inbox;
  readonly connack: IConnackPacket;
}

function connected(client: MqttClient): Promise<IConnackPacket> {
  return new Promise((resolve, reject) => {
    client.once('connect', resolve);
    client.once('error', reject);
  });
}

async function connect(scheme: Scheme, version: 3 | 4 | 5, options: IClientOptions = {}): Promise<Connected> {
  const client = connectTo(`${scheme}://127.0.0.1:${broker.port}`, {
    protocolVersion: version,
    protocolId: version === 3 ? 'MQIsdp' : 'MQTT',
    clientId: `js-${++count}`,
    reconnectPeriod: 0,
    ...options,
  });
  clients.push(client);
  const inbox = new Inbox(client);
  const connack = await connected(client);
  return { client, inbox, connack };
}

describe.each(WAYS)('MQTT.js over %s, protocol version %i', (scheme, version) => {
  const base = `${scheme}/${version}`;

  it.each([0, 1, 2] as const)('messages of QoS %i that are sent at once arrive in order', async (qos) => {
    const { client: publisher, connack } = await connect(scheme, version);
    const { client: subscriber, inbox } = await connect(scheme, version);
    await subscriber.subscribeAsync(`${base}/many/+`, { qos });
    // MQTT.js does not heed the receive maximum; with QoS 1 that has no consequences.
    const length = qos === 2 ? (connack.properties?.receiveMaximum ?? 2_000) : 2_000;
    const texts = Array.from({ length }, (_, i) => String(i));
    const sent = texts.map((text, i) => publisher.publishAsync(`${base}/many/${i % 3}`, text, { qos }));
    expect(await inbox.texts(texts.length)).toEqual(texts);
    await Promise.all(sent);
  });

  it('the client connects again by itself, and goes on', async () => {
    const clientId = `again-${base.replace('/', '-')}`;
    const properties = { sessionExpiryInterval: 3600 };
    const lasting = { clean: false, ...(version === 5 && { properties }) };
    const { client, inbox } = await connect(scheme, version, { clientId, reconnectPeriod: 1, ...lasting });
    await client.subscribeAsync(`${base}/again`, { qos: 1 });
    const isBack = connected(client);
    client.stream.destroy();
    await broker.hasLost(clientId);
    const { client: publisher } = await connect(scheme, version);
    await publisher.publishAsync(`${base}/again`, 'meanwhile', { qos: 1 });
    const connack = await isBack;
    if (version > 3) expect(connack).toMatchObject({ sessionPresent: true });
    expect(await inbox.texts(1)).toEqual(['meanwhile']);
    await client.publishAsync(`${base}/again`, 'afterwards', { qos: 2 });
    expect(await inbox.texts(1)).toEqual(['afterwards']);
  });

  it.each([0, 1, 2] as const)('10 MB with QoS %i arrive whole', async (qos) => {
    const { client, inbox } = await connect(scheme, version);
    await client.subscribeAsync(`${base}/large`, { qos });
    const payload = randomPayload(10_000_000);
    await client.publishAsync(`${base}/large`, payload, { qos });
    expect((await inbox.next()).payload.equals(payload)).toBe(true);
  });
});

describe.each(['mqtt', 'ws'] as const)('MQTT.js with MQTT 5 over %s', (scheme) => {
  it('properties arrive as they were published, and each matching subscription names itself', async () => {
    const { client, inbox } = await connect(scheme, 5);
    await client.subscribeAsync(`${scheme}/p/+`, { qos: 1, properties: { subscriptionIdentifier: 3 } });
    const properties = {
      payloadFormatIndicator: true,
      messageExpiryInterval: 300,
      contentType: 'text/plain',
      responseTopic: `${scheme}/answers`,
      correlationData: Buffer.from([0, 1, 0xff]),
      userProperties: { colour: ['blau', 'grün'], größe: 'XL' },
    };
    await client.publishAsync(`${scheme}/p/x`, 'text', { qos: 1, properties });
    const received = await inbox.next();
    expect(received.properties).toEqual({ ...properties, subscriptionIdentifier: 3 });
  });

  it('topic aliases in both directions name the right topics', async () => {
    const { client: subscriber, inbox } = await connect(scheme, 5, { properties: { topicAliasMaximum: 5 } });
    const { client: publisher } = await connect(scheme, 5, { autoAssignTopicAlias: true });
    await subscriber.subscribeAsync(`${scheme}/alias/#`, { qos: 1 });
    const topics = Array.from({ length: 100 }, (_, i) => `${scheme}/alias/${(i * 7) % 12}`);
    for (const topic of topics) await publisher.publishAsync(topic, topic, { qos: 1 });
    for (const topic of topics) expect(await inbox.next()).toMatchObject({ topic, payload: Buffer.from(topic) });
  });

  it('a request finds its answer by response topic and correlation data', async () => {
    const { client: asking, inbox: answers } = await connect(scheme, 5);
    const { client: answering, inbox: requests } = await connect(scheme, 5);
    await asking.subscribeAsync(`${scheme}/answers/me`);
    await answering.subscribeAsync(`${scheme}/requests`);
    const properties = { responseTopic: `${scheme}/answers/me`, correlationData: Buffer.from('7') };
    await asking.publishAsync(`${scheme}/requests`, 'question', { properties });
    const { properties: asked } = await requests.next();
    const { responseTopic = '', correlationData = Buffer.alloc(0) } = asked ?? {};
    await answering.publishAsync(responseTopic, 'answer', { properties: { correlationData } });
    expect(await answers.next()).toMatchObject({
      payload: Buffer.from('answer'),
      properties: { correlationData: Buffer.from('7') },
    });
  });

  it('no-local keeps the own messages away', async () => {
    const { client, inbox } = await connect(scheme, 5);
    await client.subscribeAsync(`${scheme}/local`, { qos: 0, nl: true });
    await client.subscribeAsync(`${scheme}/end`);
    await client.publishAsync(`${scheme}/local`, 'own');
    await client.publishAsync(`${scheme}/end`, 'end');
    expect(await inbox.texts(1)).toEqual(['end']);
  });

  it('CONNACK tells the id that the broker chose, and what it can do', async () => {
    const { connack } = await connect(scheme, 5, { clientId: '' });
    expect(connack.properties).toMatchObject({
      assignedClientIdentifier: expect.stringMatching(/^auto-/),
      topicAliasMaximum: 10,
      maximumPacketSize: 20_000_000,
    });
  });

  it('a client whose id is used again is told so', async () => {
    const clientId = `twin-${scheme}`;
    const { client: first } = await connect(scheme, 5, { clientId });
    const disconnected = new Promise((resolve) => first.once('disconnect', resolve));
    await connect(scheme, 5, { clientId });
    expect(await disconnected).toMatchObject({ reasonCode: 0x8e });
  });

  it('a message that nobody wanted is acknowledged with that reason', async () => {
    const { client } = await connect(scheme, 5);
    const puback = new Promise((resolve) => {
      client.on('packetreceive', (packet) => packet.cmd === 'puback' && resolve(packet));
    });
    await client.publishAsync(`${scheme}/nobody`, 'x', { qos: 1 });
    expect(await puback).toMatchObject({ reasonCode: 0x10 });
  });
});
