import { type Client, type ConnectOptions, connect, type Message } from '@cauldron/client';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { BrokerProcess } from '../support/broker-process.js';
import { certificates } from '../support/certificates.js';
import { areInstalled } from '../support/programs.js';
import { killAll } from '../support/running-program.js';
import { Inbox } from './inbox.js';
import { type FlowNode, type Line, NodeRed } from './node-red/node-red.js';

type Version = 3 | 4 | 5;

let broker: BrokerProcess;
const started: NodeRed[] = [];
const clients: Client[] = [];

beforeAll(async () => {
  broker = await BrokerProcess.start();
});

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.disconnect()));
});

afterAll(async () => {
  await Promise.all(started.map((nodeRed) => nodeRed.stop()));
  await broker.stop();
  await killAll();
});

/** Our client, as the other side of what Node-RED does. */
async function open(options: ConnectOptions): Promise<Client> {
  const client = await connect(`mqtt://127.0.0.1:${broker.port}`, { reconnect: false, ...options });
  clients.push(client);
  return client;
}

/**
 * A flow with one connection: what is sent to `publish` and to `control` goes to an `mqtt out` and an `mqtt in` node;
 * `published`, `received` and `status` tell what they did. `properties` are those of the connection.
 */
function flow(version: Version, clientId: string, properties: Readonly<Record<string, unknown>> = {}): FlowNode[] {
  const connection = {
    id: 'connection-1',
    type: 'mqtt-broker',
    broker: '127.0.0.1',
    port: String(broker.port),
    clientid: clientId,
    protocolVersion: String(version),
    cleansession: true,
    ...properties,
  };
  // A property that equals an id is a reference, so that ids are not names.
  const flowNode = (id: string, type: string, more: object) => ({ id, type, z: 'flow-1', wires: [], ...more });
  return [
    { id: 'flow-1', type: 'tab' },
    connection,
    flowNode('in-1', 'mqtt in', { broker: 'connection-1', inputs: 1, wires: [['line-2']] }),
    flowNode('line-1', 'line in', { name: 'control', wires: [['in-1']] }),
    flowNode('line-2', 'line out', { name: 'received' }),
    flowNode('out-1', 'mqtt out', { broker: 'connection-1' }),
    flowNode('line-3', 'line in', { name: 'publish', wires: [['out-1']] }),
    flowNode('complete-1', 'complete', { scope: ['out-1'], wires: [['line-4']] }),
    flowNode('line-4', 'line out', { name: 'published' }),
    flowNode('status-1', 'status', { scope: ['out-1'], wires: [['line-5']] }),
    flowNode('line-5', 'line out', { name: 'status' }),
  ];
}

async function start(flows: readonly FlowNode[]): Promise<NodeRed> {
  const nodeRed = await NodeRed.start(flows);
  started.push(nodeRed);
  return nodeRed;
}

const says = (text: string) => (line: Line) => JSON.stringify(line.status).includes(`common.status.${text}"`);
const isConnected = (nodeRed: NodeRed) => nodeRed.next('status', says('connected'));
const isDisconnected = (nodeRed: NodeRed) => nodeRed.next('status', says('disconnected'));

describe.each([3, 4, 5] as const)("Node-RED's MQTT nodes, protocol version %i", (version) => {
  const clientId = `node-red-${version}`;
  const base = `node-red/${version}`;
  let nodeRed: NodeRed;

  beforeAll(async () => {
    const kept = { cleansession: false, autoUnsubscribe: false, sessionExpiry: '3600' };
    nodeRed = await start(flow(version, clientId, kept));
    await isConnected(nodeRed);
  });

  async function subscribe(topic: string, qos: number): Promise<void> {
    nodeRed.send('control', { action: 'subscribe', topic: { topic, qos } });
    await broker.hasSubscribed(clientId, topic);
  }

  async function publish(topic: string, payload: string, qos: number, retain = false): Promise<void> {
    nodeRed.send('publish', { topic, payload, qos, retain });
    await nodeRed.next('published');
  }

  it.each([0, 1, 2] as const)('messages of QoS %i go both ways, in order', async (qos) => {
    const client = await open({ protocolVersion: version });
    const inbox = new Inbox();
    const [outward, inward] = [`${base}/${qos}/out/ü`, `${base}/${qos}/in/ü`];
    await client.subscribe(outward, { qos }, inbox.take);
    await subscribe(inward, qos);
    const texts = Array.from({ length: 50 }, (_, i) => `text ${i} – grüße`);
    for (const text of texts) await publish(outward, text, qos); // one by one: it heeds no receive maximum
    await Promise.all(texts.map((text) => client.publish(inward, text, { qos })));
    for (const text of texts) {
      expect(await inbox.next()).toEqual({ topic: outward, text, qos, retain: false });
      expect(await nodeRed.next('received')).toMatchObject({ topic: inward, payload: text, qos, retain: false });
    }
    nodeRed.send('control', { action: 'unsubscribe', topic: inward });
  });

  it('a retained message waits for subscribers, until it is cleared', async () => {
    const topic = `${base}/retained`;
    await publish(topic, 'kept', 1, true);
    const [late, afterwards] = [new Inbox(), new Inbox()];
    await (await open({ protocolVersion: version })).subscribe(topic, { qos: 1 }, late.take);
    expect(await late.next()).toEqual({ topic, text: 'kept', qos: 1, retain: true });
    await subscribe(topic, 2);
    expect(await nodeRed.next('received')).toMatchObject({ topic, payload: 'kept', qos: 1, retain: true });
    await publish(topic, '', 1, true);
    // Node-RED subscribes with "retain as published", which is one of 5.0.
    expect(await nodeRed.next('received')).toMatchObject({ topic, payload: '', qos: 1, retain: version === 5 });
    await (await open({ protocolVersion: version })).subscribe(topic, { qos: 1 }, afterwards.take);
    await publish(topic, 'live', 1);
    expect(await afterwards.next()).toEqual({ topic, text: 'live', qos: 1, retain: false });
    expect(await nodeRed.next('received')).toMatchObject({ topic, payload: 'live', retain: false });
  });

  it('the will is published when Node-RED is killed, and what it wants to say before it disconnects else', async () => {
    const topic = `${base}/state`;
    const messages = {
      birthTopic: topic,
      birthPayload: 'here',
      birthQos: '1',
      closeTopic: topic,
      closePayload: 'left',
      closeQos: '1',
      willTopic: topic,
      willPayload: 'gone',
      willQos: '2',
    };
    const watching = new Inbox();
    await (await open({ protocolVersion: version })).subscribe(topic, { qos: 2 }, watching.take);
    const mortal = await start(flow(version, `mortal-${version}`, messages));
    const texts = async (count: number) => {
      const seen: string[] = [];
      while (seen.length < count) seen.push((await watching.next()).text);
      return seen;
    };
    expect(await texts(1)).toEqual(['here']);
    mortal.send('control', { action: 'disconnect' });
    await isDisconnected(mortal);
    mortal.send('control', { action: 'connect' });
    expect(await texts(2)).toEqual(['left', 'here']);
    await mortal.stop('SIGKILL');
    expect(await watching.next()).toEqual({ topic, text: 'gone', qos: 2, retain: false });
  });

  it('a kept session gets what came while Node-RED was away', async () => {
    const topic = `${base}/kept`;
    await subscribe(topic, 2);
    nodeRed.send('control', { action: 'disconnect' });
    await isDisconnected(nodeRed);
    const client = await open({ protocolVersion: version });
    const texts = Array.from({ length: 20 }, (_, i) => `text ${i}`);
    for (const text of texts) await client.publish(topic, text, { qos: 2 });
    nodeRed.send('control', { action: 'connect' });
    for (const text of texts) {
      expect(await nodeRed.next('received')).toMatchObject({ topic, payload: text, qos: 2, retain: false });
    }
    await isConnected(nodeRed);
  });

  it('a client with its id takes over, until Node-RED comes back', async () => {
    const twin = await connect(`mqtt://127.0.0.1:${broker.port}`, {
      protocolVersion: version,
      clientId,
      reconnect: false,
    });
    await isDisconnected(nodeRed);
    expect(await twin.closed).toBeInstanceOf(Error);
    await isConnected(nodeRed);
  });

  if (version !== 5) return;
  it("properties arrive in Node-RED's messages, and leave with them", async () => {
    const [outward, inward] = [`${base}/properties/out`, `${base}/properties/in`];
    const text = { contentType: 'text/plain', messageExpiryInterval: 300, responseTopic: 'answers' };
    const client = await open({});
    let take: (message: Message) => void = () => {};
    const arrival = new Promise<Message>((resolve) => {
      take = resolve;
    });
    await client.subscribe(outward, { qos: 1 }, take);
    const arriving = { ...text, userProperties: { colour: 'grün' } };
    nodeRed.send('publish', { topic: outward, payload: 'text', qos: 1, ...arriving, correlationData: 'case 7' });
    const properties = {
      ...text,
      correlationData: Buffer.from('case 7'),
      userProperties: [['colour', 'grün']] as const,
    };
    const correlationData = new Uint8Array(properties.correlationData);
    expect((await arrival).properties).toEqual({ ...properties, correlationData });
    await subscribe(inward, 1);
    await client.publish(inward, 'text', { qos: 1, properties });
    const inJson = { ...arriving, correlationData: properties.correlationData.toJSON() };
    expect(await nodeRed.next('received')).toMatchObject(inJson);
  });
});

it.skipIf(!areInstalled('openssl'))('Node-RED shows its certificate to a broker that asks for one', async () => {
  const { caFile, certFile, keyFile, clientCertFile, clientKeyFile } = await certificates();
  const asks = [`cafile ${caFile}`, `certfile ${certFile}`, `keyfile ${keyFile}`, 'require_certificate true'];
  const guarded = await BrokerProcess.start(asks);
  const tls = {
    id: 'tls-1',
    type: 'tls-config',
    ca: caFile,
    cert: clientCertFile,
    key: clientKeyFile,
    verifyservercert: true,
  };
  const connection = { port: String(guarded.port), usetls: true, tls: tls.id };
  const nodeRed = await start([tls, ...flow(5, 'node-red-tls', connection)]);
  await isConnected(nodeRed);
  nodeRed.send('control', { action: 'subscribe', topic: { topic: 'tls', qos: 2 } });
  await guarded.hasSubscribed('node-red-tls', 'tls');
  nodeRed.send('publish', { topic: 'tls', payload: 'secret', qos: 2 });
  expect(await nodeRed.next('received')).toMatchObject({ topic: 'tls', payload: 'secret', qos: 2 });
  await nodeRed.stop();
  await guarded.stop();
});
