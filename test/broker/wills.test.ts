import { type Connect, ConnectReturnCode, PacketType, type Properties, ReasonCode, type Will } from '@cauldron/codec';
import { describe, expect, it } from 'vitest';
import { takeMessage } from '../support/exchange.js';
import { TestBroker } from '../support/test-broker.js';
import type { TestClient } from '../support/test-client.js';

function will(overrides: Partial<Will> = {}): Will {
  return { topic: 'will', payload: new TextEncoder().encode('gone'), qos: 1, retain: false, ...overrides };
}

async function watched(): Promise<{ test: TestBroker; watcher: TestClient }> {
  const test = new TestBroker();
  const watcher = await test.connected('watcher', 5);
  await watcher.subscribe([{ filter: 'will', qos: 2, retainAsPublished: true }]);
  return { test, watcher };
}

/** Connects with a will whose delay and session expiry are given, in seconds. */
function delayed(willDelayInterval: number, sessionExpiryInterval: number, clean = false): Partial<Connect> {
  const properties: Properties = { willDelayInterval };
  return { clean, properties: { sessionExpiryInterval }, will: will({ properties }) };
}

describe.each([3, 4, 5] as const)('a will of version %i', (version) => {
  it('is published when the network connection is lost [MQTT-3.1.2-8]', async () => {
    const { test, watcher } = await watched();
    const client = await test.connected('client', version, { will: will() });
    await watcher.expectNothing();
    client.cut();
    expect(await takeMessage(watcher)).toMatchObject({ topic: 'will', text: 'gone', qos: 1, retain: false });
    await watcher.expectNothing();
  });

  it('is published when nothing was heard for one and a half times the keep-alive', async () => {
    const { test, watcher } = await watched();
    const client = await test.connected('client', version, { will: will(), keepAlive: 10 });
    test.clock.advance(16_000);
    expect((await takeMessage(watcher)).text).toBe('gone');
    await client.expectClose();
  });

  it('is published when the client breaks the protocol', async () => {
    const { test, watcher } = await watched();
    const client = await test.connected('client', version, { will: will() });
    client.sendBytes(Uint8Array.of(0xc0, 1, 0));
    expect((await takeMessage(watcher)).text).toBe('gone');
    await client.expectClose();
  });

  it('is published when another connection takes over', async () => {
    const { test, watcher } = await watched();
    await test.connected('client', version, { will: will() });
    await test.connected('client', version);
    expect((await takeMessage(watcher)).text).toBe('gone');
    await watcher.expectNothing();
  });

  it('is published when the administrator ends the connection', async () => {
    const { test, watcher } = await watched();
    await test.connected('client', version, { will: will() });
    test.broker.disconnect('client');
    expect((await takeMessage(watcher)).text).toBe('gone');
  });

  it('is dropped by DISCONNECT [MQTT-3.14.4-3]', async () => {
    const { test, watcher } = await watched();
    const client = await test.connected('client', version, { will: will(), clean: version === 5 });
    client.disconnect();
    await client.expectClose();
    await watcher.expectNothing();
    // And it is no will of the next connection.
    const again = await test.connected('client', version, { clean: version === 5 });
    again.cut();
    await again.expectClose();
    await watcher.expectNothing();
  });

  it('is published once: a lasting session forgets it [MQTT-3.1.2-10]', async () => {
    const { test, watcher } = await watched();
    const lasting = { clean: false, properties: { sessionExpiryInterval: 100 } };
    const client = await test.connected('client', version, { ...lasting, will: will() });
    client.cut();
    await takeMessage(watcher);
    const again = await test.connected('client', version, lasting);
    again.cut();
    await again.expectClose();
    test.clock.advance(200_000);
    await watcher.expectNothing();
  });

  it('is replaced by that of the next connection', async () => {
    const { test, watcher } = await watched();
    const first = await test.connected('client', version, { will: will() });
    first.disconnect();
    await first.expectClose();
    const payload = new TextEncoder().encode('second');
    const second = await test.connected('client', version, { will: will({ payload }) });
    second.cut();
    expect((await takeMessage(watcher)).text).toBe('second');
  });

  it.each([0, 1, 2] as const)('has QoS %i where it says so', async (qos) => {
    const { test, watcher } = await watched();
    const client = await test.connected('client', version, { will: will({ qos }) });
    client.cut();
    expect((await takeMessage(watcher)).qos).toBe(qos);
  });

  it('is retained if it says so [MQTT-3.1.2-15]', async () => {
    const { test, watcher } = await watched();
    const client = await test.connected('client', version, { will: will({ retain: true }) });
    client.cut();
    expect((await takeMessage(watcher)).retain).toBe(true);
    const late = await test.connected('late');
    await late.subscribe('will');
    expect(await late.expectMessage()).toMatchObject({ text: 'gone', retain: true });
  });

  it('clears a retained message when it is empty and retained', async () => {
    const { test, watcher } = await watched();
    await test.broker.publish('will', 'here', { retain: true });
    await watcher.expectMessage();
    const empty = will({ retain: true, payload: new Uint8Array(0) });
    const client = await test.connected('client', version, { will: empty });
    client.cut();
    await takeMessage(watcher);
    expect(test.broker.gauges.retained).toBe(0);
  });

  it('to a topic of the broker goes nowhere', async () => {
    const test = new TestBroker();
    const watcher = await test.connected('watcher', version);
    await watcher.subscribe('$SYS/#');
    const client = await test.connected('client', version, {
      will: will({ topic: '$SYS/broker/version', retain: true }),
    });
    client.cut();
    await client.expectClose();
    await watcher.expectNothing();
    expect(test.broker.gauges.retained).toBe(0);
    expect(test.log.lines.join('\n')).toContain("Denied will of client client to '$SYS/broker/version'");
  });

  it('of a bridge tells below $SYS that it is gone', async () => {
    const test = new TestBroker();
    const watcher = await test.connected('watcher', version);
    await watcher.subscribe('$SYS/#');
    const topic = '$SYS/broker/connection/bridge/state';
    const client = await test.connected('client', version, { will: will({ topic, retain: true }) });
    client.cut();
    expect((await watcher.expectMessage()).topic).toBe(topic);
  });

  it('may not have more topic levels than other messages', async () => {
    const test = new TestBroker({ settings: { maxTopicLevels: 3 } });
    const client = test.client(version);
    const { reasonCode } = await client.connect({ will: will({ topic: 'a/b/c/d' }) });
    expect(reasonCode).toBe(version === 5 ? ReasonCode.TOPIC_NAME_INVALID : ConnectReturnCode.NOT_AUTHORIZED);
    await client.expectClose();
  });
});

describe('a will of version 5', () => {
  it('is published after DISCONNECT with 0x04, and after any other reason but 0', async () => {
    for (const reasonCode of [ReasonCode.DISCONNECT_WITH_WILL, ReasonCode.UNSPECIFIED_ERROR]) {
      const { test, watcher } = await watched();
      const client = await test.connected('client', 5, { will: will() });
      client.send({ type: PacketType.DISCONNECT, reasonCode });
      expect((await takeMessage(watcher)).text).toBe('gone');
      await client.expectClose();
    }
  });

  it('has its properties, user properties in order, and its own expiry [MQTT-3.1.3-10]', async () => {
    const { test, watcher } = await watched();
    const properties: Properties = {
      payloadFormatIndicator: 1,
      messageExpiryInterval: 60,
      contentType: 'text/plain',
      responseTopic: 'answers',
      correlationData: Uint8Array.of(1, 2, 3),
      userProperties: [
        ['b', '1'],
        ['a', '2'],
        ['b', '1'],
      ],
    };
    const client = await test.connected('client', 5, { will: will({ properties }) });
    // Its life begins with its publication.
    test.clock.advance(100_000);
    await client.expectNothing();
    client.cut();
    expect((await takeMessage(watcher)).properties).toEqual(properties);
  });

  it('that expires is counted down while it waits for a client', async () => {
    const test = new TestBroker();
    const lasting = { clean: false, properties: { sessionExpiryInterval: 1000 } };
    const watcher = await test.connected('watcher', 5, lasting);
    await watcher.subscribe('will', 1);
    watcher.disconnect();
    await watcher.expectClose();
    const client = await test.connected('client', 5, { will: will({ properties: { messageExpiryInterval: 60 } }) });
    client.cut();
    await client.expectClose();
    test.clock.advance(20_000);
    const again = await test.connected('watcher', 5, lasting);
    expect((await takeMessage(again)).properties?.messageExpiryInterval).toBe(40);
  });
});

describe('a will with a delay', () => {
  it('is published when the delay is over, not before', async () => {
    const { test, watcher } = await watched();
    const client = await test.connected('client', 5, delayed(30, 100));
    client.cut();
    await client.expectClose();
    test.clock.advance(29_000);
    await watcher.expectNothing();
    test.clock.advance(2000);
    expect((await takeMessage(watcher)).text).toBe('gone');
    expect(test.broker.gauges.sessions).toBe(2); // The session goes on.
    test.clock.advance(70_000);
    await watcher.expectNothing();
    expect(test.broker.gauges.sessions).toBe(1);
  });

  it('is not published when the client is back in time [MQTT-3.1.3-9]', async () => {
    const { test, watcher } = await watched();
    const client = await test.connected('client', 5, delayed(30, 100));
    client.cut();
    await client.expectClose();
    test.clock.advance(20_000);
    const again = await test.connected('client', 5, { clean: false, properties: { sessionExpiryInterval: 100 } });
    test.clock.advance(100_000);
    again.cut();
    await again.expectClose();
    test.clock.advance(200_000);
    await watcher.expectNothing();
  });

  it('is published at once when the client is back with a clean start: its session ends', async () => {
    const { test, watcher } = await watched();
    const client = await test.connected('client', 5, delayed(30, 100));
    client.cut();
    await client.expectClose();
    await watcher.expectNothing();
    await test.connected('client', 5, { clean: true });
    expect((await takeMessage(watcher)).text).toBe('gone');
  });

  it.each([
    [30, 10],
    [10, 10],
  ])('of %i s is published when the session expires after %i s', async (delayS, expiryS) => {
    const { test, watcher } = await watched();
    const client = await test.connected('client', 5, delayed(delayS, expiryS));
    client.cut();
    await client.expectClose();
    test.clock.advance(9000);
    await watcher.expectNothing();
    test.clock.advance(2000);
    expect((await takeMessage(watcher)).text).toBe('gone');
    test.clock.advance(60_000);
    await watcher.expectNothing();
  });

  it('is published at once where the session ends with its connection', async () => {
    const { test, watcher } = await watched();
    const client = await test.connected('client', 5, delayed(30, 0));
    client.cut();
    expect((await takeMessage(watcher)).text).toBe('gone');
  });

  it('is published at once when DISCONNECT 0x04 ends the session, too', async () => {
    const { test, watcher } = await watched();
    const client = await test.connected('client', 5, delayed(30, 100));
    const properties = { sessionExpiryInterval: 0 };
    client.send({ type: PacketType.DISCONNECT, reasonCode: ReasonCode.DISCONNECT_WITH_WILL, properties });
    expect((await takeMessage(watcher)).text).toBe('gone');
  });

  it('is not published by a take-over that resumes the session', async () => {
    const { test, watcher } = await watched();
    await test.connected('client', 5, delayed(30, 100));
    const second = await test.connected('client', 5, { clean: false, properties: { sessionExpiryInterval: 100 } });
    test.clock.advance(60_000);
    await second.expectNothing();
    await watcher.expectNothing();
  });

  it('is published by a take-over with a clean start', async () => {
    const { test, watcher } = await watched();
    await test.connected('client', 5, delayed(30, 100));
    await test.connected('client', 5, { clean: true });
    expect((await takeMessage(watcher)).text).toBe('gone');
    await watcher.expectNothing();
  });

  it('counts its expiry from its publication', async () => {
    const { test, watcher } = await watched();
    const properties = { willDelayInterval: 30, messageExpiryInterval: 10 };
    const client = await test.connected('client', 5, {
      clean: false,
      properties: { sessionExpiryInterval: 100 },
      will: will({ properties }),
    });
    client.cut();
    await client.expectClose();
    test.clock.advance(31_000);
    const message = await takeMessage(watcher);
    expect(message.properties).toEqual({ messageExpiryInterval: 10 });
  });

  it('of a lasting session that subscribed to it waits in its own queue', async () => {
    const test = new TestBroker();
    const client = await test.connected('client', 5, delayed(10, 100));
    await client.subscribe('will', 1);
    client.cut();
    await client.expectClose();
    test.clock.advance(11_000);
    const again = await test.connected('client', 5, { clean: false, properties: { sessionExpiryInterval: 100 } });
    expect((await takeMessage(again)).text).toBe('gone');
  });
});

describe('a will that the listener cannot take', () => {
  it('is refused with CONNACK 0x9A where there are no retained messages [MQTT-3.2.2-13]', async () => {
    const test = new TestBroker({ settings: { retainAvailable: false } });
    const client = test.client(5);
    const { reasonCode, properties } = await client.connect({ will: will({ retain: true }) });
    expect(reasonCode).toBe(ReasonCode.RETAIN_NOT_SUPPORTED);
    expect(properties?.reasonString).toContain('retain_available');
    await client.expectClose();
  });
});
