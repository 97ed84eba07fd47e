import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { entriesFrom, readMosquittoDb, systemClock } from '@cauldron/broker';
import { PacketType } from '@cauldron/codec';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openTcp } from '../conformance/raw/channels.js';
import type { ConnectFields, ProtocolLevel } from '../conformance/raw/packet-writer.js';
import { acknowledgementPacket, publishPacket } from '../conformance/raw/packet-writer.js';
import { RawClient } from '../conformance/raw/raw-client.js';
import { Trace } from '../conformance/raw/trace.js';
import { takeMessage, takeTexts } from '../support/exchange.js';
import { freePort } from '../support/free-port.js';
import { areInstalled, programPath } from '../support/programs.js';
import { killAll, RunningProgram } from '../support/running-program.js';
import { TestBroker } from '../support/test-broker.js';
import type { TestClient } from '../support/test-client.js';

const { PUBACK, PUBREC, PUBREL, PUBCOMP } = PacketType;

const TIMEOUT_MS = 10_000;
const EXPIRY_S = 1000;
const LASTING = { clean: false, properties: { sessionExpiryInterval: EXPIRY_S } };
const PROPERTIES = {
  payloadFormatIndicator: 1,
  contentType: 'text/plain',
  responseTopic: 'answers/here',
  correlationData: Buffer.from('0102ff', 'hex'),
} as const;

/** Debian's Mosquitto with a database in a folder of its own. */
class Mosquitto {
  readonly #folder: string;
  readonly #port: number;
  readonly #program: RunningProgram;

  private constructor(folder: string, port: number) {
    this.#folder = folder;
    this.#port = port;
    const file = join(folder, 'mosquitto.conf');
    const lines = [
      `listener ${port} 127.0.0.1`,
      'allow_anonymous true',
      'persistence true',
      `persistence_location ${folder}/`,
      'max_inflight_messages 3',
      'queue_qos0_messages true',
      'user root',
    ];
    writeFileSync(file, lines.join('\n'));
    this.#program = new RunningProgram(programPath('mosquitto'), ['-c', file]);
  }

  static async start(): Promise<Mosquitto> {
    const broker = new Mosquitto(mkdtempSync(join(tmpdir(), 'cauldron-mosquitto-db-')), await freePort());
    await broker.#program.shows('running');
    return broker;
  }

  /** A client that is connected, and acknowledges nothing by itself. */
  async connected(clientId: string, level: ProtocolLevel, fields: Partial<ConnectFields> = {}): Promise<RawClient> {
    const trace = new Trace();
    const options = { level, label: clientId, trace, timeoutMs: TIMEOUT_MS, graceMs: 0, mustExplain: false };
    const client = new RawClient(options);
    client.attach(await openTcp({ host: '127.0.0.1', port: this.#port }, client));
    await client.connect({ clientId, ...fields });
    return client;
  }

  /** Resolves when it knows that this client's connection is broken. */
  async hasLost(clientId: string): Promise<void> {
    await this.#program.showsMatch(new RegExp(`(Socket error on client|Client) ${clientId}(,| closed its)`));
  }

  /** Ends it, and returns what it wrote. */
  async stop(): Promise<Uint8Array> {
    await this.#program.stop();
    const bytes = readFileSync(join(this.#folder, 'mosquitto.db'));
    rmSync(this.#folder, { recursive: true });
    return bytes;
  }
}

/** A client of 3.1.1 with messages in every state: 1 awaits PUBACK, 2 PUBCOMP, 3 PUBREC; 4 to 7 wait. */
async function leaveOld(broker: Mosquitto, publisher: RawClient): Promise<void> {
  const client = await broker.connected('old', 4, { clean: false, username: 'bob', password: 'secret' });
  await client.subscribe([
    { filter: 'old/#', qos: 2 },
    { filter: '/from/+/root', qos: 1 },
  ]);
  const qosOf = [1, 2, 2, 1, 2];
  for (const [i, qos] of qosOf.entries()) await publisher.publish({ topic: `old/${i + 1}`, payload: `${i + 1}`, qos });
  await client.receive('PUBLISH');
  const { packetId = 0 } = await client.receive('PUBLISH');
  await client.receive('PUBLISH');
  client.send(acknowledgementPacket('PUBREC', packetId));
  await client.receive('PUBREL');
  client.drop();
  await broker.hasLost('old');
  await publisher.publish({ topic: 'old/6', payload: '6' });
  await publisher.publish({ topic: '/from/the/root', payload: '7', qos: 2 });
}

/** A client of 5.0 that is connected to the end, with one message in flight and one with everything that waits. */
async function stayNew(broker: Mosquitto, publisher: RawClient): Promise<void> {
  const properties = { sessionExpiryInterval: EXPIRY_S, receiveMaximum: 1 };
  const client = await broker.connected('new', 5, { clean: false, properties });
  const options = { qos: 2, noLocal: true, retainAsPublished: true };
  await client.subscribe({ filter: 'new/+', ...options }, { subscriptionIdentifier: [268_435_455] });
  await publisher.publish({ topic: 'new/1', payload: '1', qos: 1 });
  const list = { ...PROPERTIES, messageExpiryInterval: 500, userProperty: [['k', 'ü'] as [string, string]] };
  await publisher.publish({ topic: 'new/2', payload: '2', qos: 2, retain: true, properties: list });
  await client.receive('PUBLISH');
}

/** A client of 5.0 that sent a message of QoS 2 and no PUBREL. */
async function leaveSender(broker: Mosquitto): Promise<void> {
  const properties = { sessionExpiryInterval: EXPIRY_S };
  const client = await broker.connected('sender', 5, { clean: false, properties });
  client.send(publishPacket(5, { topic: 'unreleased', payload: 'once', qos: 2, packetId: 4711 }));
  await client.receive('PUBREC');
  client.drop();
  const receiver = await broker.connected('receiver', 4, { clean: false });
  await receiver.subscribe({ filter: 'unreleased', qos: 2 });
  await receiver.disconnect();
}

async function madeByMosquitto(): Promise<Uint8Array> {
  const broker = await Mosquitto.start();
  const publisher = await broker.connected('publisher', 5);
  await publisher.publish({ topic: 'kept', payload: 'old', qos: 1, retain: true });
  await publisher.publish({ topic: 'kept', payload: 'new', qos: 1, retain: true, properties: PROPERTIES });
  await publisher.publish({ topic: 'cleared', payload: 'text', retain: true });
  await publisher.publish({ topic: 'cleared', retain: true });
  await leaveOld(broker, publisher);
  await stayNew(broker, publisher);
  await leaveSender(broker);
  const passing = await broker.connected('passing', 5, { clean: false });
  await passing.subscribe('old/#');
  return broker.stop();
}

describe.skipIf(!areInstalled('mosquitto'))('with the database of Mosquitto, this broker', () => {
  let file: Uint8Array;
  let test: TestBroker;

  beforeAll(async () => {
    file = await madeByMosquitto();
  });

  afterAll(killAll);

  beforeEach(() => {
    test = new TestBroker({ clock: systemClock });
    for (const entry of entriesFrom(readMosquittoDb(file), test.store)) test.store.append(entry);
    test.restart();
  });

  afterEach(() => test.broker.stop());

  /** A client that comes back. */
  async function returned(clientId: string, version: 4 | 5): Promise<TestClient> {
    const client = test.client(version);
    const connack = await client.connect({ clientId, ...LASTING });
    expect(connack).toMatchObject({ reasonCode: 0, sessionPresent: true });
    return client;
  }

  it('has its sessions for as long as they would have lasted, and no other', () => {
    const records = [...test.store.sessions()].map(({ record }) => record);
    const byId = new Map(records.map((record) => [record.clientId, record]));
    expect([...byId.keys()].sort()).toEqual(['new', 'old', 'receiver', 'sender']);
    // Mosquitto 2.0.11 leaves the remains of his name in the chunks of others.
    for (const { username } of records) expect([undefined, 'bob']).toContain(username);
    expect(byId.get('old')).toMatchObject({ username: 'bob', expiryIntervalS: 0xffffffff });
    const sender = byId.get('sender');
    expect(sender).toMatchObject({ expiryIntervalS: EXPIRY_S });
    expect(Math.abs((sender?.disconnectedAtMs ?? 0) - Date.now())).toBeLessThan(60_000);
  });

  it('sends what was in flight again, with its ids, then what waited, in order', async () => {
    const client = await returned('old', 4);
    expect(await client.expect(PUBREL)).toMatchObject({ packetId: 2 });
    const repeated = { dup: true, retain: false };
    expect(await client.expectMessage()).toMatchObject({ ...repeated, topic: 'old/1', text: '1', qos: 1, packetId: 1 });
    expect(await client.expectMessage()).toMatchObject({ ...repeated, topic: 'old/3', text: '3', qos: 2, packetId: 3 });
    client.acknowledge(PUBCOMP, 2);
    client.acknowledge(PUBACK, 1);
    const rest = [];
    for (let i = 4; i <= 7; i++) rest.push(await client.expectMessage());
    expect(rest.map(({ text, qos, dup }) => [text, qos, dup])).toEqual([
      ['4', 1, false],
      ['5', 2, false],
      ['6', 0, false],
      ['7', 1, false],
    ]);
    client.acknowledge(PUBREC, 3);
    expect(await client.expect(PUBREL)).toMatchObject({ packetId: 3 });
    client.acknowledge(PUBCOMP, 3);
    const ids = rest.map(({ packetId }) => packetId).filter((id) => id !== undefined);
    expect(new Set([1, 2, 3, ...ids]).size).toBe(6);
    await client.expectNothing();
  });

  it.each(['old/and/new', '/from/another/root'])('goes on with the subscriptions of 3.1.1 (%s)', async (topic) => {
    const client = await returned('old', 4);
    client.acknowledgeAll();
    await client.settle();
    client.inbox.length = 0;
    const publisher = await test.connected('other', 4);
    publisher.publish(topic, 'text', { qos: 2 });
    publisher.publish('elsewhere', 'text', { qos: 2 });
    const qos = topic.startsWith('old') ? 2 : 1;
    expect(await client.expectMessage()).toMatchObject({ topic, text: 'text', qos, dup: false });
    await client.settle();
    expect(client.inbox.filter(({ type }) => type === PacketType.PUBLISH)).toEqual([]);
  });

  it('keeps properties, identifiers, what is left of a life, and the options of subscriptions', async () => {
    const client = await returned('new', 5);
    const subscriptionIdentifiers = [268_435_455];
    const first = await takeMessage(client);
    expect(first).toMatchObject({ text: '1', qos: 1, dup: true, packetId: 1, properties: { subscriptionIdentifiers } });
    const second = await takeMessage(client);
    expect(second).toMatchObject({ topic: 'new/2', text: '2', qos: 2, dup: false, retain: true });
    const { messageExpiryInterval = 0, correlationData, ...properties } = second.properties ?? {};
    const { correlationData: sent, ...others } = PROPERTIES;
    expect(properties).toEqual({ ...others, subscriptionIdentifiers, userProperties: [['k', 'ü']] });
    expect(Buffer.from(correlationData ?? []).equals(sent)).toBe(true);
    expect(messageExpiryInterval).toBeGreaterThan(400);
    expect(messageExpiryInterval).toBeLessThanOrEqual(500);

    client.publish('new/own', 'not for its sender');
    const publisher = await test.connected('fresh', 5);
    publisher.publish('new/3', '3', { retain: true, qos: 0 });
    expect(await takeMessage(client)).toMatchObject({
      text: '3',
      retain: true,
      properties: { subscriptionIdentifiers },
    });
    await client.expectNothing();
  });

  it('passes on once what a client had not released yet', async () => {
    const receiver = await returned('receiver', 4);
    expect(await takeTexts(receiver, 1)).toEqual(['once']);
    const sender = await returned('sender', 5);
    sender.publish('unreleased', 'once', { qos: 2, packetId: 4711, dup: true });
    expect(await sender.expect(PUBREC)).toMatchObject({ packetId: 4711, reasonCode: 0 });
    sender.acknowledge(PUBREL, 4711);
    expect(await sender.expect(PUBCOMP)).toMatchObject({ packetId: 4711, reasonCode: 0 });
    await receiver.expectNothing();
  });

  it('has its retained messages', async () => {
    const client = await test.connected('anybody', 5);
    await client.subscribe([{ filter: 'kept' }, { filter: 'cleared' }, { filter: '$SYS/#' }], 2);
    const { properties, ...message } = await takeMessage(client);
    expect(message).toMatchObject({ topic: 'kept', text: 'new', qos: 1, retain: true });
    const { correlationData, ...others } = PROPERTIES;
    expect(properties).toMatchObject(others);
    expect(Buffer.from(properties?.correlationData ?? []).equals(correlationData)).toBe(true);
    await client.expectNothing();
  });
});
