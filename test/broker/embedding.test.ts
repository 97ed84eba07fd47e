import { type Loaded, Message } from '@cauldron/broker';
import { PacketType, ReasonCode } from '@cauldron/codec';
import { describe, expect, it } from 'vitest';
import { sampleMessage, sampleRecord } from '../contract/store-samples.js';
import { publishThrough, takeMessage } from '../support/exchange.js';
import { TestBroker } from '../support/test-broker.js';

const { DISCONNECT } = PacketType;

const text = (payload: Uint8Array): string => new TextDecoder().decode(payload);

describe('the program that embeds a broker', () => {
  it('hears of clients that come and go, and of their subscriptions', async () => {
    const test = new TestBroker();
    const events: string[] = [];
    const { broker } = test;
    broker.on('connect', ({ clientId, username }, present) => events.push(`+${clientId} ${username} ${present}`));
    broker.on('disconnect', ({ clientId }, reason) => events.push(`-${clientId} ${reason}`));
    broker.on('subscribe', ({ clientId }, { filter, qos }) => events.push(`${clientId} +${filter} ${qos}`));
    broker.on('unsubscribe', ({ clientId }, filter) => events.push(`${clientId} -${filter}`));
    const lasting = { clean: false, username: 'ann' };
    const client = await test.connected('a', 4, lasting);
    await client.subscribe('f', 1);
    client.send({ type: PacketType.UNSUBSCRIBE, packetId: 5, filters: ['f', 'none'] });
    await client.expect(PacketType.UNSUBACK);
    client.disconnect();
    await client.expectClose();
    const again = await test.connected('a', 4, lasting);
    again.cut();
    await again.expectClose();
    expect(events).toEqual([
      '+a ann false',
      'a +f 1',
      'a -f',
      '-a disconnected by client',
      '+a ann true',
      '-a connection closed by client',
    ]);
  });

  it('publishes as the broker: with QoS, retained, with properties and an expiry', async () => {
    const test = new TestBroker();
    const client = await test.connected('client', 5);
    await client.subscribe('t', 1);
    const properties = { messageExpiryInterval: 60, contentType: 'text/plain' };
    await test.broker.publish('t', 'text', { qos: 2, retain: true, properties });
    expect(await takeMessage(client)).toMatchObject({ text: 'text', qos: 1, retain: false, properties });
    test.clock.advance(20_000);
    await test.broker.publish('t', Uint8Array.of(0x68, 0x69));
    expect(await takeMessage(client)).toMatchObject({ text: 'hi', qos: 0 });
    const late = await test.connected('late', 5);
    await late.subscribe('t', 1);
    const left = { ...properties, messageExpiryInterval: 40 };
    expect(await takeMessage(late)).toMatchObject({ text: 'text', retain: true, properties: left });
  });

  it('hears how far a start is', () => {
    const reports: string[] = [];
    const onProgress = ({ retained, sessions }: Loaded) => reports.push(`${retained}+${sessions}`);
    const test = new TestBroker({ onProgress });
    for (let n = 0; n < 1500; n++) {
      test.store.append({ kind: 'retained', message: sampleMessage({ topic: `t/${n}` }) });
      const record = sampleRecord(`client-${n}`, { disconnectedAtMs: test.clock.wallMs() });
      test.store.append({ kind: 'session', record });
    }
    test.restart();
    expect(reports).toEqual(['1000+0', '1500+500', '1500+1500']);
  });

  it.each(['', 'a/+', 'a/#', 'a\0b'])('cannot publish to %j', (topic) => {
    expect(() => new TestBroker().broker.publish(topic, 'x')).toThrow();
  });

  it.each(['', 'a/#/b', 'a+'])('cannot subscribe to %j', (filter) => {
    expect(() => new TestBroker().broker.subscribe(filter, () => {})).toThrow();
  });

  it.each([4, 5] as const)('ends the connection of a client, whose will is published (version %i)', async (version) => {
    const test = new TestBroker();
    const watcher = await test.connected('watcher');
    await watcher.subscribe('will');
    const will = { topic: 'will', payload: Buffer.from('gone'), qos: 0, retain: false } as const;
    const client = await test.connected('client', version, { will });
    expect(test.broker.disconnect('client', 'go away')).toBe(true);
    expect(test.broker.disconnect('client')).toBe(false);
    expect(test.broker.disconnect('nobody')).toBe(false);
    if (version === 5) {
      const { reasonCode, properties } = await client.expect(DISCONNECT);
      expect(reasonCode).toBe(ReasonCode.ADMINISTRATIVE_ACTION);
      expect(properties?.reasonString).toBe('go away');
    }
    await client.expectClose();
    expect((await watcher.expectMessage()).text).toBe('gone');
    expect(test.log.lines).toContain('Disconnecting client [127.0.0.1:5]: go away.');
    expect(test.log.lines).toContain('Client client [127.0.0.1:5] disconnected: administrative action.');
  });

  it('stops it: 5.0 clients hear 0x8B, everybody is disconnected, and the store is closed', async () => {
    const test = new TestBroker();
    const clients = [await test.connected('a', 4), await test.connected('b', 5)];
    const unknown = test.client(5);
    let isClosed = false;
    test.store.close = async () => {
      isClosed = true;
    };
    await test.broker.stop();
    expect(isClosed).toBe(true);
    expect((await clients[1].expect(DISCONNECT)).reasonCode).toBe(ReasonCode.SERVER_SHUTTING_DOWN);
    for (const client of [...clients, unknown]) {
      await client.expectClose();
      expect(client.inbox).toEqual([]);
    }
    expect(test.broker.gauges).toMatchObject({ connections: 0, clientsConnected: 0 });
  });

  it('does not wait for ever for a client that takes nothing when it stops it', async () => {
    const test = new TestBroker();
    const client = await test.connected('stuck', 5);
    await client.subscribe('t');
    client.pause();
    await test.broker.publish('t', 'x'.repeat(100_000));
    let hasStopped = false;
    const stopped = test.broker.stop().then(() => (hasStopped = true));
    await new Promise<void>((resolve) => setImmediate(resolve));
    expect(hasStopped).toBe(false);
    test.clock.advance(6000);
    expect(await stopped).toBe(true);
    await client.expectClose();
    expect(test.broker.gauges.connections).toBe(0);
  });
});

describe('a `publish` hook', () => {
  it('sees what clients publish, and may put another message in its place', async () => {
    const test = new TestBroker();
    const client = await test.connected('client', 5);
    await client.subscribe('#', 1);
    const remove = test.broker.on('publish', (message, { clientId }) => {
      const payload = new TextEncoder().encode(`${clientId}: ${text(message.payload)}`);
      return new Message(`moved/${message.topic}`, payload, 1, false, null, clientId, Number.POSITIVE_INFINITY);
    });
    // A second one gets what the first one made.
    const seen: string[] = [];
    const removeToo = test.broker.on('publish', ({ topic }) => {
      seen.push(topic);
      return undefined;
    });
    client.publish('t', 'hello');
    expect(await takeMessage(client)).toMatchObject({ topic: 'moved/t', text: 'client: hello', qos: 1 });
    expect(seen).toEqual(['moved/t']);
    remove();
    removeToo();
    client.publish('t', 'hello');
    expect(await takeMessage(client)).toMatchObject({ topic: 't', text: 'hello', qos: 0 });
  });

  it.each([4, 5] as const)('may refuse: 5.0 is told, nobody gets the message (version %i)', async (version) => {
    const test = new TestBroker();
    const client = await test.connected('client', version);
    await client.subscribe('#', 2);
    test.broker.on('publish', () => ({ refuse: ReasonCode.PAYLOAD_FORMAT_INVALID, reason: 'not JSON' }));
    for (const qos of [1, 2] as const) {
      const packetId = client.publish('t', 'x', { qos, retain: true });
      const answer = await client.expect(qos === 1 ? PacketType.PUBACK : PacketType.PUBREC);
      expect(answer).toMatchObject({ packetId, reasonCode: version === 5 ? ReasonCode.PAYLOAD_FORMAT_INVALID : 0 });
      if (version === 5) expect(answer.properties?.reasonString).toBe('not JSON');
      if (qos === 2 && version === 4) {
        client.acknowledge(PacketType.PUBREL, packetId);
        await client.expect(PacketType.PUBCOMP);
      }
    }
    client.publish('t', 'x');
    await client.expectNothing();
    expect(test.broker.gauges.retained).toBe(0);
    expect(test.log.lines.filter((line) => line === "Denied PUBLISH from client to 't': not JSON")).toHaveLength(3);
  });

  it('does not see a repeated QoS 2 message twice', async () => {
    const test = new TestBroker();
    let seen = 0;
    test.broker.on('publish', () => {
      seen++;
      return undefined;
    });
    const client = await test.connected('client');
    for (const dup of [false, true]) client.publish('t', 'x', { qos: 2, packetId: 1, dup });
    for (let i = 0; i < 2; i++) await client.expect(PacketType.PUBREC);
    expect(seen).toBe(1);
  });

  it('may publish itself', async () => {
    const test = new TestBroker();
    const client = await test.connected('client', 4, { clean: false });
    await client.subscribe('#', 1);
    test.broker.on('publish', ({ topic }) => {
      void test.broker.publish(`echo/${topic}`, 'echo', { qos: 1 });
      return undefined;
    });
    client.publish('t', 'x', { qos: 1 });
    for (const topic of ['echo/t', 't']) expect((await takeMessage(client)).topic).toBe(topic);
    await client.expect(PacketType.PUBACK);
  });
});

describe('a `deliver` hook', () => {
  it('withholds messages from clients, one by one', async () => {
    const test = new TestBroker();
    const clients = [await test.connected('yes'), await test.connected('no')];
    for (const client of clients) await client.subscribe('t', 1);
    const publisher = await test.connected('publisher', 5);
    // The route is known by then.
    await publishThrough(publisher, 't', 'to both', { qos: 1 });
    for (const client of clients) expect((await takeMessage(client)).text).toBe('to both');
    const remove = test.broker.on('deliver', (_, { clientId }) => clientId !== 'no');
    expect(await publishThrough(publisher, 't', 'to one', { qos: 1 })).toBe(0);
    expect((await takeMessage(clients[0])).text).toBe('to one');
    await clients[1].expectNothing();
    clients[0].cut();
    await clients[0].expectClose();
    expect(await publishThrough(publisher, 't', 'to none', { qos: 1 })).toBe(ReasonCode.NO_MATCHING_SUBSCRIBERS);
    remove();
    await publishThrough(publisher, 't', 'again', { qos: 1 });
    expect((await takeMessage(clients[1])).text).toBe('again');
  });
});

describe('hooks', () => {
  it('that throw are passed over, and the error is logged', async () => {
    const test = new TestBroker();
    const fault = (): never => {
      throw new Error('a fault of the program');
    };
    const events = ['connect', 'disconnect', 'subscribe', 'unsubscribe', 'publish', 'deliver'] as const;
    for (const event of events) test.broker.on(event, fault);
    const client = await test.connected('client');
    await client.subscribe('t', 1);
    await publishThrough(client, 'elsewhere', 'x', { qos: 1 });
    client.publish('t', 'x');
    expect((await client.expectMessage()).text).toBe('x');
    client.send({ type: PacketType.UNSUBSCRIBE, packetId: 5, filters: ['t'] });
    await client.expect(PacketType.UNSUBACK);
    client.disconnect();
    await client.expectClose();
    for (const event of events) {
      expect(test.log.lines).toContain(`Error: in a '${event}' hook: Error: a fault of the program`);
    }
  });

  it('may take themselves away while they run: the others still hear of it', async () => {
    const test = new TestBroker();
    const heard: string[] = [];
    const remove = test.broker.on('connect', () => {
      heard.push('once');
      remove();
    });
    test.broker.on('connect', () => heard.push('always'));
    await test.connected('a');
    await test.connected('b');
    expect(heard).toEqual(['once', 'always', 'always']);
  });

  it('may end the connection of the client that they hear of', async () => {
    const test = new TestBroker();
    test.broker.on('connect', ({ clientId }) => {
      test.broker.disconnect(clientId, 'not you');
    });
    const client = test.client(5);
    expect((await client.connect()).reasonCode).toBe(0);
    expect((await client.expect(DISCONNECT)).properties?.reasonString).toBe('not you');
    await client.expectClose();
    expect(test.broker.gauges).toMatchObject({ clientsConnected: 0, sessions: 0 });
  });
});
