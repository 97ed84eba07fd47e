import { PacketType, ReasonCode } from '@cauldron/codec';
import { describe, expect, it } from 'vitest';
import { publishThrough, takeMessage, takeTexts } from '../support/exchange.js';
import { TestBroker } from '../support/test-broker.js';

const { PUBACK, PUBREC, PUBREL, PUBCOMP } = PacketType;

describe.each([3, 4, 5] as const)('messages between clients of protocol version %i', (version) => {
  const notFound = version === 5 ? ReasonCode.PACKET_IDENTIFIER_NOT_FOUND : ReasonCode.SUCCESS;

  async function pair(qos: 0 | 1 | 2) {
    const test = new TestBroker();
    const publisher = await test.connected('publisher', version);
    const subscriber = await test.connected('subscriber', version);
    await subscriber.subscribe('t/#', qos);
    return { test, publisher, subscriber };
  }

  it('are delivered with the lower of publish and subscription QoS [MQTT-3.8.4-8]', async () => {
    const test = new TestBroker();
    const publisher = await test.connected('publisher', version);
    for (const granted of [0, 1, 2] as const) {
      const subscriber = await test.connected(`subscriber${granted}`, version);
      expect((await subscriber.subscribe(`t${granted}/+`, granted)).reasonCodes).toEqual([granted]);
      for (const qos of [0, 1, 2] as const) {
        expect(await publishThrough(publisher, `t${granted}/x`, `q${qos}`, { qos })).toBe(0);
        const message = await subscriber.expectMessage();
        expect(message).toMatchObject({
          topic: `t${granted}/x`,
          text: `q${qos}`,
          qos: Math.min(qos, granted),
          dup: false,
        });
      }
    }
  });

  it('of QoS 0 are answered by nothing [MQTT-3.3.4-1]', async () => {
    const { publisher, subscriber } = await pair(2);
    publisher.publish('t', 'x');
    await publisher.expectNothing();
    expect(await subscriber.expectMessage()).toMatchObject({ qos: 0, text: 'x' });
    await subscriber.expectNothing();
  });

  it('of QoS 1 are acknowledged with their own packet id [MQTT-4.3.2-4] [MQTT-2.2.1-5]', async () => {
    const { publisher, subscriber } = await pair(1);
    publisher.publish('t', 'x', { qos: 1, packetId: 65_535 });
    expect(await publisher.expect(PUBACK)).toMatchObject({ packetId: 65_535, reasonCode: 0 });
    const message = await subscriber.expectMessage();
    subscriber.acknowledge(PUBACK, message.packetId ?? 0);
    await subscriber.expectNothing();
  });

  it('of QoS 1 are new messages when their packet id comes again after PUBACK, whatever DUP says [MQTT-4.3.2-5]', async () => {
    const { publisher, subscriber } = await pair(1);
    for (const dup of [false, true]) {
      publisher.publish('t', `dup ${dup}`, { qos: 1, packetId: 7, dup });
      expect((await publisher.expect(PUBACK)).packetId).toBe(7);
      // [MQTT-3.3.1-3]
      expect(await takeMessage(subscriber)).toMatchObject({ text: `dup ${dup}`, dup: false });
    }
  });

  it('of QoS 2 go through PUBREC, PUBREL and PUBCOMP in both directions [MQTT-4.3.3-8] [MQTT-4.3.3-11]', async () => {
    const { publisher, subscriber } = await pair(2);
    publisher.publish('t', 'x', { qos: 2, packetId: 300 });
    expect(await publisher.expect(PUBREC)).toMatchObject({ packetId: 300, reasonCode: 0 });
    publisher.acknowledge(PUBREL, 300);
    expect(await publisher.expect(PUBCOMP)).toMatchObject({ packetId: 300, reasonCode: 0 });
    const { packetId = 0 } = await subscriber.expectMessage();
    subscriber.acknowledge(PUBREC, packetId);
    expect(await subscriber.expect(PUBREL)).toMatchObject({ packetId, reasonCode: 0 }); // [MQTT-4.3.3-4]
    subscriber.acknowledge(PUBCOMP, packetId);
    await subscriber.expectNothing();
  });

  it.each([true, false])(
    'of QoS 2 with a held packet id are acknowledged and not delivered again, DUP %s [MQTT-4.3.3-10]',
    async (dup) => {
      const { publisher, subscriber } = await pair(2);
      publisher.publish('t', 'first', { qos: 2, packetId: 9 });
      publisher.publish('t', 'again', { qos: 2, packetId: 9, dup });
      expect((await publisher.expect(PUBREC)).packetId).toBe(9);
      expect((await publisher.expect(PUBREC)).packetId).toBe(9);
      expect((await takeMessage(subscriber)).text).toBe('first');
      await subscriber.expectNothing();
      publisher.acknowledge(PUBREL, 9);
      await publisher.expect(PUBCOMP);
      // [MQTT-4.3.3-12]
      publisher.publish('t', 'after PUBCOMP', { qos: 2, packetId: 9, dup });
      await publisher.expect(PUBREC);
      expect((await takeMessage(subscriber)).text).toBe('after PUBCOMP');
    },
  );

  it('have packet ids of their own in each direction: equal ones do not meet', async () => {
    const { test, publisher, subscriber } = await pair(2);
    const both = await test.connected('both', version);
    await both.subscribe('t/#', 2);
    both.publish('elsewhere', 'x', { qos: 2, packetId: 1 });
    await both.expect(PUBREC);
    await publishThrough(publisher, 't', 'x', { qos: 2 });
    expect((await both.expectMessage()).packetId).toBe(1);
    both.acknowledge(PUBREC, 1);
    await both.expect(PUBREL);
    both.acknowledge(PUBREL, 1);
    expect(await both.expect(PUBCOMP)).toMatchObject({ packetId: 1, reasonCode: 0 });
    both.acknowledge(PUBCOMP, 1);
    await both.expectNothing();
    await takeMessage(subscriber);
  });

  it('a PUBREL for an unknown id gets PUBCOMP, so that it is not repeated for ever', async () => {
    const { publisher } = await pair(0);
    publisher.acknowledge(PUBREL, 77);
    expect(await publisher.expect(PUBCOMP)).toMatchObject({ packetId: 77, reasonCode: notFound });
    await publisher.expectNothing();
  });

  it('a second PUBREL for the same id gets PUBCOMP again', async () => {
    const { publisher } = await pair(0);
    await publishThrough(publisher, 't', 'x', { qos: 2 });
    publisher.acknowledge(PUBREL, 1);
    expect(await publisher.expect(PUBCOMP)).toMatchObject({ packetId: 1, reasonCode: notFound });
  });

  it('a PUBREC for an unknown id gets PUBREL, and PUBACK and PUBCOMP for unknown ids are passed over', async () => {
    const { publisher, subscriber } = await pair(1);
    subscriber.acknowledge(PUBREC, 77);
    expect(await subscriber.expect(PUBREL)).toMatchObject({ packetId: 77, reasonCode: notFound });
    subscriber.acknowledge(PUBCOMP, 77);
    subscriber.acknowledge(PUBACK, 78);
    await subscriber.expectNothing();
    await publishThrough(publisher, 't', 'still there', { qos: 1 });
    expect((await takeMessage(subscriber)).text).toBe('still there');
  });

  it('a PUBREC that comes twice gets PUBREL twice', async () => {
    const { publisher, subscriber } = await pair(2);
    publisher.publish('t', 'x', { qos: 2 });
    const { packetId = 0 } = await subscriber.expectMessage();
    for (let i = 0; i < 2; i++) {
      subscriber.acknowledge(PUBREC, packetId);
      expect(await subscriber.expect(PUBREL)).toMatchObject({ packetId, reasonCode: 0 });
    }
  });

  it('keep their order for each topic and QoS, through a window that is smaller than what was sent [MQTT-4.6.0-5]', async () => {
    const { publisher, subscriber } = await pair(2);
    const wanted = Array.from({ length: 100 }, (_, i) => `${i}`);
    for (const text of wanted) publisher.publish('t/ordered', text, { qos: 1 });
    expect(await takeTexts(subscriber, 100)).toEqual(wanted);
    await subscriber.expectNothing();
  });

  it('get packet ids that are not in use, over the end of their range [MQTT-2.2.1-4]', async () => {
    const { publisher, subscriber } = await pair(1);
    const waiting: number[] = [];
    publisher.publish('t', 'kept', { qos: 1 });
    await publisher.expect(PUBACK);
    waiting.push((await subscriber.expectMessage()).packetId ?? 0);
    publisher.acknowledgeAll();
    for (let sent = 0; sent < 65_540; sent += 10) {
      for (let i = 0; i < 10; i++) publisher.publish('t', 'x', { qos: 1, packetId: i + 1 });
      for (let i = 0; i < 10; i++) {
        const { packetId = 0 } = await subscriber.expectMessage();
        if (waiting.includes(packetId) || packetId === 0) throw new Error(`packet id ${packetId} is in use`);
        subscriber.acknowledge(PUBACK, packetId);
      }
      publisher.inbox.length = 0;
    }
    await subscriber.expectNothing();
  });
});

describe('PUBREL', () => {
  it('may have DUP set in MQTT 3.1, and is answered all the same', async () => {
    const test = new TestBroker();
    const client = await test.connected('client', 3);
    client.publish('t', 'x', { qos: 2, packetId: 5 });
    await client.expect(PUBREC);
    client.sendBytes(Uint8Array.of(0x6a, 2, 0, 5));
    expect((await client.expect(PUBCOMP)).packetId).toBe(5);
  });

  it.each([4, 5] as const)('must have its flags right from version %i on [MQTT-3.6.1-1]', async (version) => {
    const test = new TestBroker();
    const client = await test.connected('client', version);
    client.sendBytes(Uint8Array.of(0x60, 2, 0, 5));
    if (version === 5) {
      expect((await client.expect(PacketType.DISCONNECT)).reasonCode).toBe(ReasonCode.MALFORMED_PACKET);
    }
    await client.expectClose();
  });
});

describe('refusals by a 5.0 subscriber', () => {
  it.each([1, 2] as const)(
    'free the packet id of a QoS %i message, which is not sent again [MQTT-4.4.0-2]',
    async (qos) => {
      const test = new TestBroker({ settings: { maxInflightMessages: 1 } });
      const publisher = await test.connected('publisher', 5);
      const connect = { clean: false, properties: { sessionExpiryInterval: 100 } };
      const subscriber = await test.connected('subscriber', 5, connect);
      await subscriber.subscribe('t', qos);
      await publishThrough(publisher, 't', 'refused', { qos });
      await publishThrough(publisher, 't', 'next', { qos });
      const { packetId = 0 } = await subscriber.expectMessage();
      subscriber.acknowledge(qos === 1 ? PUBACK : PUBREC, packetId, ReasonCode.IMPLEMENTATION_SPECIFIC_ERROR);
      // No PUBREL: the exchange is over, and the window of one is open again.
      expect((await takeMessage(subscriber)).text).toBe('next');
      await subscriber.expectNothing();
      subscriber.cut();
      const again = await test.connected('subscriber', 5, connect);
      await again.expectNothing();
    },
  );

  it('that come for an id in another state change nothing', async () => {
    const test = new TestBroker();
    const publisher = await test.connected('publisher', 5);
    const subscriber = await test.connected('subscriber', 5);
    await subscriber.subscribe('t', 2);
    publisher.publish('t', 'x', { qos: 2 });
    const { packetId = 0 } = await subscriber.expectMessage();
    subscriber.acknowledge(PUBACK, packetId); // Not what a QoS 2 message waits for.
    subscriber.acknowledge(PUBCOMP, packetId);
    subscriber.acknowledge(PUBREC, packetId);
    expect((await subscriber.expect(PUBREL)).reasonCode).toBe(0);
    subscriber.acknowledge(PUBREC, packetId, ReasonCode.UNSPECIFIED_ERROR);
    subscriber.acknowledge(PUBCOMP, packetId);
    await subscriber.expectNothing();
  });
});

describe('reason codes for a 5.0 publisher', () => {
  it.each([
    [1, ReasonCode.NO_MATCHING_SUBSCRIBERS],
    [2, ReasonCode.SUCCESS],
  ] as const)('of a message of QoS %i to which nobody subscribed are as those of Mosquitto', async (qos, code) => {
    const test = new TestBroker();
    const publisher = await test.connected('publisher', 5);
    expect(await publishThrough(publisher, 'nobody', 'x', { qos })).toBe(code);
    // The second one goes another way through the broker: its topic is known by now.
    expect(await publishThrough(publisher, 'nobody', 'x', { qos })).toBe(code);
  });
});

describe('a QoS 2 message that the broker refuses', () => {
  it('is over with PUBREC for a 5.0 client: its packet id is free, also within the window [MQTT-4.3.3-9]', async () => {
    const test = new TestBroker({ settings: { maxInflightMessages: 1 } });
    const subscriber = await test.connected('subscriber');
    await subscriber.subscribe('t');
    const publisher = await test.connected('publisher', 5);
    publisher.publish('$SYS/denied', 'x', { qos: 2, packetId: 5 });
    expect((await publisher.expect(PUBREC)).reasonCode).toBe(ReasonCode.NOT_AUTHORIZED);
    publisher.publish('t', 'new', { qos: 2, packetId: 5, dup: true });
    expect((await publisher.expect(PUBREC)).reasonCode).toBe(0);
    expect((await subscriber.expectMessage()).text).toBe('new');
  });

  it('goes nowhere for a 3.1.1 client, which cannot be told: the exchange goes on', async () => {
    const test = new TestBroker();
    const publisher = await test.connected('publisher', 4);
    for (const dup of [false, true]) {
      publisher.publish('$SYS/denied', 'x', { qos: 2, packetId: 5, dup });
      expect((await publisher.expect(PUBREC)).packetId).toBe(5);
    }
    publisher.acknowledge(PUBREL, 5);
    expect((await publisher.expect(PUBCOMP)).packetId).toBe(5);
    expect(
      test.log.lines.filter((line) => line.includes("Denied PUBLISH from publisher to '$SYS/denied'")),
    ).toHaveLength(2);
  });
});

describe('upgrade_outgoing_qos', () => {
  it('delivers with the QoS of the subscription, live and retained', async () => {
    const test = new TestBroker({ settings: { upgradeOutgoingQoS: true } });
    const subscriber = await test.connected('subscriber');
    await subscriber.subscribe('t', 2);
    const publisher = await test.connected('publisher');
    for (const qos of [0, 1, 2] as const) {
      await publishThrough(publisher, 't', 'x', { qos, retain: true });
      expect((await takeMessage(subscriber)).qos).toBe(2);
    }
    await subscriber.subscribe('t', 1);
    expect(await takeMessage(subscriber)).toMatchObject({ qos: 1, retain: true });
  });
});
