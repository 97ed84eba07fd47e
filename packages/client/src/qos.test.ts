import { PacketType, ReasonCode } from '@cauldron/codec';
import { describe, expect, it } from 'vitest';
import { OutboxFull, ProtocolViolation, PublishRefused } from './errors.js';
import { connack, connected, failureOf, publish, turn } from './scripted-server.test-support.js';
import type { Message } from './subscriptions/message.js';
import type { MessageHandler } from './subscriptions/subscription.js';

const { PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP, DISCONNECT } = PacketType;
const { SUCCESS } = ReasonCode;
const versions = [4, 5] as const;

/** Whether a promise is settled by now. */
async function settled(promise: Promise<unknown>): Promise<boolean> {
  let done = false;
  promise.then(
    () => {
      done = true;
    },
    () => {
      done = true;
    },
  );
  await turn();
  return done;
}

describe.each(versions)('sending with MQTT version %i', (protocolVersion) => {
  it('QoS 0 is done when it has been written', async () => {
    const { client, server } = await connected({ protocolVersion });
    expect(await client.publish('a/b', 'hello', { retain: true })).toEqual({ reasonCode: SUCCESS });
    expect(server.take()).toEqual([publish('a/b', 'hello', { retain: true })]);
  });

  it('QoS 1 is done with the PUBACK, whose id is free again then', async () => {
    const { client, server } = await connected({ protocolVersion });
    const result = client.publish('a', 'x', { qos: 1 });
    await turn();
    expect(server.take()).toEqual([publish('a', 'x', { qos: 1, packetId: 1 })]);
    expect(await settled(result)).toBe(false);
    await server.send({ type: PUBACK, packetId: 1, reasonCode: SUCCESS });
    expect(await result).toEqual({ reasonCode: SUCCESS });
    expect(client.session.idle).toBe(true);
  });

  it('[MQTT-4.3.3-4] QoS 2 is done with the PUBCOMP, after PUBREC and PUBREL', async () => {
    const { client, server } = await connected({ protocolVersion });
    const result = client.publish('a', 'x', { qos: 2 });
    await turn();
    expect(server.take()).toEqual([publish('a', 'x', { qos: 2, packetId: 1 })]);
    await server.send({ type: PUBREC, packetId: 1, reasonCode: SUCCESS });
    expect(server.take()).toEqual([{ type: PUBREL, packetId: 1, reasonCode: SUCCESS }]);
    expect(await settled(result)).toBe(false);
    await server.send({ type: PUBCOMP, packetId: 1, reasonCode: SUCCESS });
    expect(await result).toEqual({ reasonCode: SUCCESS });
    expect(client.session.idle).toBe(true);
  });

  it('what is no message is refused, and leaves nothing behind', async () => {
    const { client, server } = await connected({ protocolVersion });
    for (const qos of [-1, 3, 0.5, Number.NaN]) {
      await expect(client.publish('a', 'x', { qos: qos as 0 })).rejects.toThrow(RangeError);
    }
    for (const payload of [1, null, undefined, ['x'], {}]) {
      await expect(client.publish('a', payload as unknown as string)).rejects.toThrow(TypeError);
    }
    for (const topic of ['', 'a/#', 'a\0', '\ud800', 'x'.repeat(70_000)]) {
      await expect(client.publish(topic, 'x')).rejects.toThrow();
    }
    await client.publish('a', 'x');
    expect(server.take()).toEqual([publish('a', 'x')]);
  });

  it('all packets of a turn leave in one write', async () => {
    const { client, server } = await connected({ protocolVersion });
    server.writes.length = 0;
    const results = [client.publish('a', '1'), client.publish('a', '2', { qos: 1 }), client.publish('a', '3')];
    await turn();
    expect(server.writes).toHaveLength(1);
    expect(server.take()).toHaveLength(3);
    expect(results[0]).toBe(results[2]);
  });

  it('an acknowledgement of the wrong kind ends the connection', async () => {
    const { client, server } = await connected({ protocolVersion });
    client.publish('a', 'x', { qos: 2 }).catch(() => {});
    await turn();
    await server.send({ type: PUBACK, packetId: 1, reasonCode: SUCCESS });
    await server.close();
    expect(await client.closed).toBeInstanceOf(ProtocolViolation);
  });

  it('an acknowledgement for an unknown id is let pass', async () => {
    const { client, server } = await connected({ protocolVersion });
    await server.send({ type: PUBACK, packetId: 9, reasonCode: SUCCESS });
    await client.publish('still', 'here');
    expect(server.take()).toMatchObject([{ type: PUBLISH, topic: 'still' }]);
  });

  it('[MQTT-4.9.0-2] not more messages are on their way than maximumInflight, and the rest follows in order', async () => {
    const { client, server } = await connected({ protocolVersion, maximumInflight: 2 });
    for (const text of ['1', '2', '3', '4']) client.publish('a', text, { qos: 1 }).catch(() => {});
    await turn();
    expect(server.take()).toMatchObject([{ packetId: 1 }, { packetId: 2 }]);
    await server.send({ type: PUBACK, packetId: 1, reasonCode: SUCCESS });
    expect(server.take()).toEqual([publish('a', '3', { qos: 1, packetId: 3 })]);
    await server.send(
      { type: PUBACK, packetId: 2, reasonCode: SUCCESS },
      { type: PUBACK, packetId: 3, reasonCode: SUCCESS },
    );
    expect(server.take()).toEqual([publish('a', '4', { qos: 1, packetId: 4 })]);
  });
});

describe('sending with MQTT 5.0', () => {
  it('[MQTT-3.3.4-7] the Receive Maximum of the server counts, if it is smaller', async () => {
    const { client, server } = await connected({}, connack({ receiveMaximum: 1 }));
    client.publish('a', '1', { qos: 2 }).catch(() => {});
    client.publish('a', '2', { qos: 1 }).catch(() => {});
    await turn();
    expect(server.take()).toHaveLength(1);
    await server.send({ type: PUBREC, packetId: 1, reasonCode: SUCCESS });
    expect(server.take()).toMatchObject([{ type: PUBREL }]);
    await server.send({ type: PUBCOMP, packetId: 1, reasonCode: SUCCESS });
    expect(server.take()).toMatchObject([{ type: PUBLISH, packetId: 2 }]);
  });

  it.each([PUBACK, PUBREC] as const)('[MQTT-4.4.0-2] a refusal in packet type %i ends the handshake', async (type) => {
    const { client, server } = await connected();
    const failed = failureOf(client.publish('a', 'x', { qos: type === PUBACK ? 1 : 2 }));
    await turn();
    const properties = { reasonString: 'no' };
    await server.send({ type, packetId: 1, reasonCode: ReasonCode.NOT_AUTHORIZED, properties });
    const error = await failed;
    expect(error).toBeInstanceOf(PublishRefused);
    expect(error).toMatchObject({ reasonCode: ReasonCode.NOT_AUTHORIZED, reasonString: 'no' });
    expect(client.session.idle).toBe(true);
  });

  it('the result tells that nobody was there', async () => {
    const { client, server } = await connected();
    const result = client.publish('a', 'x', { qos: 1 });
    await turn();
    await server.send({ type: PUBACK, packetId: 1, reasonCode: ReasonCode.NO_MATCHING_SUBSCRIBERS });
    expect(await result).toEqual({ reasonCode: ReasonCode.NO_MATCHING_SUBSCRIBERS });
  });

  it('a PUBREC for an unknown id is answered, so that the server comes to an end', async () => {
    const { server } = await connected();
    await server.send({ type: PUBREC, packetId: 7, reasonCode: SUCCESS });
    expect(server.take()).toEqual([{ type: PUBREL, packetId: 7, reasonCode: ReasonCode.PACKET_IDENTIFIER_NOT_FOUND }]);
  });

  it('all properties of a message are sent', async () => {
    const { client, server } = await connected({}, connack({ topicAliasMaximum: 5 }));
    const properties = {
      payloadFormatIndicator: 1,
      messageExpiryInterval: 60,
      topicAlias: 5,
      responseTopic: 'answer',
      correlationData: Uint8Array.of(1, 2),
      contentType: 'text/plain',
      userProperties: [['a', 'b']],
    } as const;
    await client.publish('a', 'x', { properties });
    expect(server.take()).toEqual([publish('a', 'x', { properties })]);
  });
});

describe('a network that takes no more', () => {
  it('holds QoS 0 back until it has room, and then sends all at once', async () => {
    const { client, server } = await connected();
    server.full = true;
    const first = client.publish('a', '1');
    await turn();
    const second = client.publish('a', '2');
    expect(await settled(first)).toBe(false);
    expect(server.take()).toHaveLength(1);
    await server.drain();
    expect(await settled(first)).toBe(true);
    expect(await settled(second)).toBe(true);
    expect(server.take()).toEqual([publish('a', '2')]);
  });

  it('makes publish refuse when more than maximumBufferedBytes wait', async () => {
    const { client, server } = await connected({ maximumBufferedBytes: 100 });
    server.full = true;
    client.publish('a', 'first').catch(() => {});
    await turn();
    client.publish('a', 'x'.repeat(200)).catch(() => {});
    await expect(client.publish('a', 'y')).rejects.toThrow(OutboxFull);
    await expect(client.publish('a', 'y', { qos: 1 })).rejects.toThrow(OutboxFull);
  });
});

describe.each(versions)('receiving with MQTT version %i', (protocolVersion) => {
  async function receiver() {
    const messages: Message[] = [];
    const onMessage = (message: Message) => {
      messages.push(message);
    };
    const { client, server } = await connected({ protocolVersion, onMessage });
    const texts = () => messages.map(({ payload }) => new TextDecoder().decode(payload));
    return { client, server, messages, texts };
  }

  it('[MQTT-3.3.4-1] QoS 0 is not answered, QoS 1 with PUBACK, QoS 2 with PUBREC and PUBCOMP', async () => {
    const { server, texts } = await receiver();
    await server.send(
      publish('a', '0'),
      publish('a', '1', { qos: 1, packetId: 5 }),
      publish('a', '2', { qos: 2, packetId: 6 }),
      { type: PUBREL, packetId: 6, reasonCode: SUCCESS },
    );
    expect(texts()).toEqual(['0', '1', '2']);
    expect(server.take()).toEqual([
      { type: PUBACK, packetId: 5, reasonCode: SUCCESS },
      { type: PUBREC, packetId: 6, reasonCode: SUCCESS },
      { type: PUBCOMP, packetId: 6, reasonCode: SUCCESS },
    ]);
  });

  it('[MQTT-4.3.3-10] a repeated QoS 2 message is acknowledged again and not delivered again', async () => {
    const { server, texts } = await receiver();
    await server.send(publish('a', 'x', { qos: 2, packetId: 6 }));
    await server.send(publish('a', 'x', { qos: 2, packetId: 6, dup: true }));
    expect(texts()).toEqual(['x']);
    expect(server.take()).toMatchObject([
      { type: PUBREC, packetId: 6 },
      { type: PUBREC, packetId: 6 },
    ]);
  });

  it('[MQTT-4.3.3-12] after PUBREL the same id is a new message', async () => {
    const { server, texts } = await receiver();
    await server.send(publish('a', 'x', { qos: 2, packetId: 6 }), {
      type: PUBREL,
      packetId: 6,
      reasonCode: SUCCESS,
    });
    await server.send(publish('a', 'y', { qos: 2, packetId: 6 }));
    expect(texts()).toEqual(['x', 'y']);
  });

  it('a message is the own copy of the receiver', async () => {
    const { server, messages, texts } = await receiver();
    await server.send(publish('a', 'kept', { qos: 1, packetId: 1 }));
    expect(messages).toHaveLength(1);
    expect(texts()).toEqual(['kept']);
  });
});

describe('receiving with MQTT 5.0', () => {
  it('a PUBREL for an unknown id is answered with PACKET_IDENTIFIER_NOT_FOUND', async () => {
    const { server } = await connected();
    await server.send({ type: PUBREL, packetId: 3, reasonCode: SUCCESS });
    expect(server.take()).toEqual([{ type: PUBCOMP, packetId: 3, reasonCode: ReasonCode.PACKET_IDENTIFIER_NOT_FOUND }]);
  });

  it.each([
    ['QoS 2', 2],
    ['QoS 1 in one piece', 1],
  ] as const)('more than our Receive Maximum ends the connection: %s', async (_, qos) => {
    const { client, server } = await connected({ receiveMaximum: 2 });
    await server.send(...[1, 2, 3].map((packetId) => publish('a', 'x', { qos, packetId })));
    expect(server.take().at(-1)).toMatchObject({
      type: DISCONNECT,
      reasonCode: ReasonCode.RECEIVE_MAXIMUM_EXCEEDED,
    });
    await server.close();
    expect(await client.closed).toBeInstanceOf(ProtocolViolation);
  });

  it('our Receive Maximum counts anew when the acknowledgements have left', async () => {
    const { server } = await connected({ receiveMaximum: 2 });
    await server.send(...[1, 2].map((packetId) => publish('a', 'x', { qos: 1, packetId })));
    await server.send(...[1, 2].map((packetId) => publish('a', 'x', { qos: 1, packetId })));
    expect(server.take().map(({ type }) => type)).toEqual([PUBACK, PUBACK, PUBACK, PUBACK]);
  });

  it('correlation data outlives the read buffer', async () => {
    const received: Message[] = [];
    const { server } = await connected({ onMessage: (message) => received.push(message) });
    await server.send(publish('a', 'x', { properties: { correlationData: Uint8Array.of(1, 2, 3) } }));
    expect(received[0]?.properties?.correlationData).toEqual(Uint8Array.of(1, 2, 3));
  });
});

describe('a message that the program refuses', () => {
  const refusing: MessageHandler = (message, client) => {
    client.refuse(message, ReasonCode.QUOTA_EXCEEDED, { reasonString: 'full' });
  };
  const answer = { reasonCode: ReasonCode.QUOTA_EXCEEDED, properties: { reasonString: 'full' } };

  it('is answered with the reason code, and is new when it comes again', async () => {
    const { server } = await connected({ onMessage: refusing });
    await server.send(publish('a', 'x', { qos: 1, packetId: 1 }), publish('a', 'x', { qos: 2, packetId: 2 }));
    await server.send(publish('a', 'x', { qos: 2, packetId: 2, dup: true }));
    expect(server.take()).toEqual([
      { type: PUBACK, packetId: 1, ...answer },
      { type: PUBREC, packetId: 2, ...answer },
      { type: PUBREC, packetId: 2, ...answer },
    ]);
  });

  it('is acknowledged like any other before 5.0, and at QoS 0 not at all', async () => {
    const { server } = await connected({ protocolVersion: 4, onMessage: refusing });
    await server.send(publish('a', 'x', { qos: 2, packetId: 2 }), publish('a', 'x'));
    expect(server.take()).toEqual([{ type: PUBREC, packetId: 2, reasonCode: ReasonCode.SUCCESS }]);
  });

  it('leaves the next one as it is', async () => {
    const { server } = await connected({
      onMessage: (message, client) => {
        if (message.qos === 0) refusing(message, client);
      },
    });
    await server.send(publish('a', 'x'), publish('a', 'x', { qos: 1, packetId: 1 }));
    expect(server.take()).toEqual([{ type: PUBACK, packetId: 1, reasonCode: ReasonCode.SUCCESS }]);
  });

  it('can be refused only while it is delivered, and only with what an acknowledgement can say', async () => {
    const messages: Message[] = [];
    const errors: unknown[] = [];
    const { client, server } = await connected({
      onMessage: (message, self) => {
        messages.push(message);
        for (const reasonCode of [ReasonCode.SUCCESS, ReasonCode.SESSION_TAKEN_OVER]) {
          try {
            self.refuse(message, reasonCode);
          } catch (error) {
            errors.push(error);
          }
        }
      },
    });
    await server.send(publish('a', 'x', { qos: 1, packetId: 1 }));
    expect(errors).toEqual([expect.any(RangeError), expect.any(RangeError)]);
    expect(() => client.refuse(messages[0], ReasonCode.QUOTA_EXCEEDED)).toThrow(TypeError);
    expect(server.take()).toEqual([{ type: PUBACK, packetId: 1, reasonCode: ReasonCode.SUCCESS }]);
  });
});
