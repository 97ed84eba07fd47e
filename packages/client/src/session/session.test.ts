import { PacketType, type Publish, ReasonCode } from '@cauldron/codec';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { connectOver } from '../connect-over.js';
import { ConnectionLost } from '../errors.js';
import { connack, connected, failureOf, publish, ScriptedServer, turn } from '../scripted-server.test-support.js';
import { Session } from './session.js';

const { PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP } = PacketType;
const { SUCCESS } = ReasonCode;
const kept = connack(undefined, { sessionPresent: true });

function reconnect(session: Session, accept = kept, more = {}) {
  return connected({ clean: false, clientId: 'me', session, ...more }, accept);
}

describe('a session that goes on with another connection', () => {
  it('[MQTT-4.4.0-1] sends what is unacknowledged again, under the old ids, in order, with DUP', async () => {
    const session = new Session();
    const first = await reconnect(session, connack());
    const lost = [
      failureOf(first.client.publish('a', '1', { qos: 1 })),
      failureOf(first.client.publish('a', '2', { qos: 2 })),
      failureOf(first.client.publish('a', '3', { qos: 1 })),
    ];
    await turn();
    await first.server.send({ type: PUBACK, packetId: 1, reasonCode: SUCCESS });
    await first.server.close();
    expect(await lost[0]).toBeNull();
    expect(await lost[1]).toBeInstanceOf(ConnectionLost);

    const { server } = await reconnect(session);
    expect(server.take()).toEqual([
      publish('a', '2', { qos: 2, packetId: 2, dup: true }),
      publish('a', '3', { qos: 1, packetId: 3, dup: true }),
    ]);
    await server.send(
      { type: PUBREC, packetId: 2, reasonCode: SUCCESS },
      { type: PUBCOMP, packetId: 2, reasonCode: SUCCESS },
      { type: PUBACK, packetId: 3, reasonCode: SUCCESS },
    );
    expect(session.idle).toBe(true);
  });

  it('[MQTT-4.3.3-6] sends PUBREL, and not PUBLISH, for what the server has taken over', async () => {
    const session = new Session();
    const first = await reconnect(session, connack());
    void failureOf(first.client.publish('a', 'x', { qos: 2 }));
    await turn();
    await first.server.send({ type: PUBREC, packetId: 1, reasonCode: SUCCESS });
    await first.server.close();

    const { server } = await reconnect(session);
    expect(server.take()).toEqual([{ type: PUBREL, packetId: 1, reasonCode: SUCCESS }]);
  });

  it('keeps to the window of the new connection', async () => {
    const session = new Session();
    const first = await reconnect(session, connack());
    for (const text of ['1', '2', '3']) void failureOf(first.client.publish('a', text, { qos: 1 }));
    await turn();
    await first.server.close();

    const accept = connack({ receiveMaximum: 1 }, { sessionPresent: true });
    const { server } = await reconnect(session, accept);
    expect(server.take()).toMatchObject([{ packetId: 1, dup: true }]);
    await server.send({ type: PUBACK, packetId: 1, reasonCode: SUCCESS });
    expect(server.take()).toMatchObject([{ packetId: 2, dup: true }]);
  });

  it('[MQTT-3.2.2-5] sends messages as new ones when the server has lost the session', async () => {
    const session = new Session();
    const first = await reconnect(session, connack());
    void failureOf(first.client.publish('a', 'taken over', { qos: 2 }));
    void failureOf(first.client.publish('a', 'not yet', { qos: 2 }));
    await turn();
    await first.server.send({ type: PUBREC, packetId: 1, reasonCode: SUCCESS });
    await first.server.close();

    const { server } = await reconnect(session, connack());
    expect(server.take()).toEqual([publish('a', 'not yet', { qos: 2, packetId: 3 })]);
  });

  it('[MQTT-3.1.2-4] forgets everything with a clean start', async () => {
    const session = new Session();
    const first = await reconnect(session, connack());
    void failureOf(first.client.publish('a', 'x', { qos: 1 }));
    await turn();
    await first.server.close();

    const { server } = await reconnect(session, connack(), { clean: true });
    await turn();
    expect(server.take()).toEqual([]);
    expect(session.idle).toBe(true);
  });

  it('[MQTT-3.3.2-7] sends no topic alias of the old connection', async () => {
    const session = new Session();
    const first = await reconnect(session, connack({ topicAliasMaximum: 1 }));
    void failureOf(first.client.publish('a', 'x', { qos: 1, properties: { topicAlias: 1 } }));
    await turn();
    expect(first.server.take()).toMatchObject([{ properties: { topicAlias: 1 } }]);
    await first.server.close();

    const { server } = await reconnect(session);
    expect(server.take()).toEqual([publish('a', 'x', { qos: 1, packetId: 1, dup: true })]);
  });

  it('knows the QoS 2 messages that it has received', async () => {
    const session = new Session();
    const texts: string[] = [];
    const onMessage = ({ payload }: { payload: Uint8Array }) => {
      texts.push(new TextDecoder().decode(payload));
    };
    const first = await reconnect(session, connack(), { onMessage });
    await first.server.send(publish('a', 'once', { qos: 2, packetId: 8 }));
    await first.server.close();

    const { server } = await reconnect(session, kept, { onMessage });
    await server.send(publish('a', 'once', { qos: 2, packetId: 8, dup: true }));
    expect(texts).toEqual(['once']);
    expect(server.take()).toEqual([{ type: PUBREC, packetId: 8, reasonCode: SUCCESS }]);
  });
});

describe('a session that ends with its connection', () => {
  it.each([
    ['a clean one of 3.1.1', { protocolVersion: 4, clean: true } as const, connack()],
    ['one with expiry interval 0', { clean: true }, connack()],
    ['one that the server does not keep', { clean: false }, connack({ sessionExpiryInterval: 0 })],
  ])('is empty afterwards: %s', async (_, options, accept) => {
    const session = new Session();
    const first = await connected({ clientId: 'me', session, ...options }, accept);
    const failure = failureOf(first.client.publish('a', 'x', { qos: 1 }));
    await turn();
    await first.server.close();
    expect(await failure).toBeInstanceOf(ConnectionLost);
    expect(session.idle).toBe(true);
    expect(session.hasEnded).toBe(true);
  });

  it('is one that DISCONNECT ends', async () => {
    const { client, server } = await reconnect(new Session(), connack());
    void failureOf(client.publish('a', 'x', { qos: 1 }));
    const leaving = client.disconnect({ properties: { sessionExpiryInterval: 0 }, signal: AbortSignal.abort() });
    await turn();
    await server.close();
    await leaving;
    expect(client.session.idle).toBe(true);
  });

  it('is used again under any client id', async () => {
    const session = new Session();
    const first = await connected({ clientId: 'me', session });
    await first.server.close();
    const second = await reconnect(session, connack(), { clientId: 'another' });
    expect(second.client.clientId).toBe('another');
    await second.server.close();
    const mistaken = connectOver(new ScriptedServer(5).open, { clean: false, clientId: 'me', session });
    await expect(mistaken).rejects.toThrow('The session is that of another');
  });
});

describe('a server that announces less than the one before', () => {
  it('is not sent what it does not take, nor another message under an id that it may know', async () => {
    const session = new Session();
    const first = await reconnect(session, connack());
    void failureOf(first.client.publish('a', 'x', { qos: 2 }));
    await turn();
    await first.server.close();
    const { client, server } = await reconnect(session, connack({ maximumQoS: 1 }, { sessionPresent: true }));
    expect(server.take()).toEqual([]);
    expect(session.idle).toBe(true);
    void failureOf(client.publish('a', 'y', { qos: 1 }));
    await turn();
    expect(server.take()).toMatchObject([{ packetId: 2 }]);
  });
});

describe('a server that keeps its session', () => {
  /** What a server does with QoS 1 and 2; it keeps its state over connections that break. */
  class Receiver {
    readonly delivered: string[] = [];
    readonly #held = new Set<number>();

    answer(packet: Publish | { type: typeof PUBREL; packetId: number }) {
      const { packetId = 0 } = packet;
      if (packet.type === PUBREL) {
        this.#held.delete(packetId);
        return { type: PUBCOMP, packetId, reasonCode: SUCCESS };
      }
      if (packet.qos === 1 || !this.#held.has(packetId)) this.delivered.push(new TextDecoder().decode(packet.payload));
      if (packet.qos === 1) return { type: PUBACK, packetId, reasonCode: SUCCESS };
      this.#held.add(packetId);
      return { type: PUBREC, packetId, reasonCode: SUCCESS };
    }
  }

  it('gets each QoS 2 message exactly once and each QoS 1 message at least once, however often the line breaks', async () => {
    const steps = fc.array(
      fc.record({
        publish: fc.array(fc.constantFrom(1, 2), { maxLength: 3 }),
        /** How many packets arrive before the connection breaks, and how many of the answers come back. */
        arrive: fc.nat(4),
        answers: fc.nat(4),
      }),
      { minLength: 1, maxLength: 8 },
    );
    await fc.assert(
      fc.asyncProperty(steps, fc.integer({ min: 1, max: 3 }), async (script, maximumInflight) => {
        const session = new Session();
        const receiver = new Receiver();
        const sent: { text: string; qos: number }[] = [];
        let known = false;
        for (const step of script) {
          const accept = connack(undefined, { sessionPresent: known });
          known = true;
          const { client, server } = await reconnect(session, accept, { maximumInflight });
          for (const qos of step.publish) {
            const text = String(sent.length);
            sent.push({ text, qos });
            void failureOf(client.publish('a', text, { qos: qos === 1 ? 1 : 2 }));
          }
          await turn();
          const answers = server.take().slice(0, step.arrive).map(answer(receiver));
          for (const packet of answers.slice(0, step.answers)) await server.send(packet);
          await server.close();
        }
        const { server } = await reconnect(session, connack(undefined, { sessionPresent: true }), { maximumInflight });
        for (let packets = server.take(); packets.length > 0; packets = server.take()) {
          await server.send(...packets.map(answer(receiver)));
        }

        expect(session.idle).toBe(true);
        for (const { text, qos } of sent) {
          const count = receiver.delivered.filter((one) => one === text).length;
          if (qos === 2) expect(count).toBe(1);
          else expect(count).toBeGreaterThanOrEqual(1);
        }
        const firsts = [...new Set(receiver.delivered)].map(Number);
        expect(firsts).toEqual(firsts.toSorted((a, b) => a - b));
      }),
      { numRuns: 60 },
    );
  });

  function answer(receiver: Receiver) {
    return (packet: { type: number }) => {
      if (packet.type !== PUBLISH && packet.type !== PUBREL) throw new Error(`Unexpected packet ${packet.type}`);
      return receiver.answer(packet as Publish);
    };
  }
});
