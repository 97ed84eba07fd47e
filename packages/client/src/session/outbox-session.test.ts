import { PacketType, type Publish, ReasonCode } from '@cauldron/codec';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Client } from '../client.js';
import { connectOver } from '../connect-over.js';
import { ConnectionLost, OutboxFailed } from '../errors.js';
import { CrashingOutbox } from '../outbox.test-support.js';
import { ScriptedNetwork } from '../scripted-network.test-support.js';
import { connack, failureOf, publish, ScriptedServer, turn } from '../scripted-server.test-support.js';
import type { Message } from '../subscriptions/message.js';
import { Session } from './session.js';

const { PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP } = PacketType;
const { SUCCESS } = ReasonCode;

async function connected(outbox: CrashingOutbox, sessionPresent: boolean, more = {}) {
  const server = new ScriptedServer(5);
  const options = { clientId: 'me', outbox, reconnect: false, ...more };
  const connecting = connectOver(server.open, options, server.clock);
  await server.reached;
  server.events.opened();
  await turn();
  await server.send(connack(undefined, { sessionPresent }));
  const client = await connecting;
  const [connect] = server.received.splice(0, 1);
  return { client, server, connect };
}

describe('a client with an outbox', () => {
  it('asks for a session that lasts', async () => {
    const { connect } = await connected(new CrashingOutbox(), false);
    expect(connect).toMatchObject({ clean: false, properties: { sessionExpiryInterval: 0xffff_ffff } });
  });

  it('needs an id', async () => {
    const connecting = connectOver(new ScriptedServer(5).open, { outbox: new CrashingOutbox() });
    await expect(connecting).rejects.toThrow('needs a clientId');
  });

  it('sends nothing before it is durable, and all of a turn after one commit', async () => {
    const outbox = new CrashingOutbox();
    const { client, server } = await connected(outbox, false);
    outbox.isQuick = false;
    outbox.commits = 0;
    for (const text of ['1', '2', '3']) void failureOf(client.publish('a', text, { qos: 2 }));
    await turn();
    expect(server.take()).toEqual([]);
    outbox.finishCommit();
    await turn();
    expect(server.take()).toMatchObject([{ packetId: 1 }, { packetId: 2 }, { packetId: 3 }]);
    expect(outbox.commits).toBe(1);
    await server.send({ type: PUBREC, packetId: 1, reasonCode: SUCCESS });
    expect(server.take()).toEqual([]);
    outbox.finishCommit();
    await turn();
    expect(server.take()).toMatchObject([{ type: PUBREL, packetId: 1 }]);
  });

  it('goes on with what comes while a commit is under way, after it', async () => {
    const outbox = new CrashingOutbox();
    const { client, server } = await connected(outbox, false);
    outbox.isQuick = false;
    void failureOf(client.publish('a', '1', { qos: 1 }));
    await turn();
    void failureOf(client.publish('a', '2', { qos: 1 }));
    const last = client.publish('a', '3');
    await turn();
    outbox.finishCommit();
    await turn();
    expect(server.take()).toMatchObject([{ packetId: 1 }]);
    outbox.finishCommit();
    await turn();
    expect(server.take()).toMatchObject([{ packetId: 2 }, { qos: 0 }]);
    expect(await last).toEqual({ reasonCode: SUCCESS });
  });

  it('tells of QoS 0 when it was written, however much comes behind it', async () => {
    const outbox = new CrashingOutbox();
    const { client, server } = await connected(outbox, false);
    outbox.isQuick = false;
    const publishBoth = () => {
      void failureOf(client.publish('a', 'x', { qos: 1 }));
      return client.publish('a', 'y');
    };
    const first = publishBoth();
    await turn();
    const second = failureOf(publishBoth());
    outbox.finishCommit();
    expect(await first).toEqual({ reasonCode: SUCCESS });
    await server.close();
    expect(await second).toBeInstanceOf(ConnectionLost);
  });

  it('[MQTT-4.3.3-8] confirms a QoS 2 message when it has written down that it has it', async () => {
    const outbox = new CrashingOutbox();
    const { server } = await connected(outbox, false);
    outbox.isQuick = false;
    await server.send(publish('a', 'x', { qos: 2, packetId: 4 }));
    expect(server.take()).toEqual([]);
    outbox.finishCommit();
    await turn();
    expect(server.take()).toMatchObject([{ type: PUBREC, packetId: 4 }]);
  });

  it('resolves a publish until `stored` with the commit', async () => {
    const outbox = new CrashingOutbox();
    const { client } = await connected(outbox, false);
    outbox.isQuick = false;
    let isStored = false;
    const storing = client.publish('a', 'x', { qos: 1, until: 'stored' }).then(() => {
      isStored = true;
    });
    await turn();
    expect(isStored).toBe(false);
    outbox.finishCommit();
    await storing;
  });

  it('rejects a publish until `stored` that is refused at once', async () => {
    const { client } = await connected(new CrashingOutbox(), false, { maximumBufferedBytes: -1 });
    await expect(client.publish('a', 'x', { qos: 1, until: 'stored' })).rejects.toThrow('bytes wait');
  });

  it('keeps what it could not send for the next process, whatever becomes of the session', async () => {
    const outbox = new CrashingOutbox();
    const { client, server } = await connected(outbox, false, { sessionExpiryInterval: 0 });
    const lost = failureOf(client.publish('a', 'x', { qos: 1 }));
    await turn();
    await server.close();
    expect(await lost).toBeInstanceOf(ConnectionLost);
    await client.closed;
    expect(outbox.isClosed).toBe(true);
    const next = await connected(outbox.crashed(0, true), false);
    expect(next.server.take()).toEqual([publish('a', 'x', { qos: 1, packetId: 2 })]);
  });

  it('sends what waits as new messages after a clean start, and under another id', async () => {
    const outbox = new CrashingOutbox();
    const first = await connected(outbox, false);
    void failureOf(first.client.publish('a', 'x', { qos: 1 }));
    await turn();
    for (const more of [{ clean: true }, { clientId: 'another' }]) {
      const { server } = await connected(outbox.crashed(0, true), false, more);
      expect(server.take()).toEqual([publish('a', 'x', { qos: 1, packetId: 2 })]);
    }
  });

  it('ends the connection when the outbox cannot be written, and sends nothing', async () => {
    const outbox = new CrashingOutbox();
    const { client, server } = await connected(outbox, false);
    outbox.fault = new Error('no room');
    void failureOf(client.publish('a', 'x', { qos: 1 }));
    await turn();
    await server.close();
    expect(await client.closed).toBeInstanceOf(OutboxFailed);
    expect(server.take()).toEqual([]);
  });

  it('tries again, on another connection, what could not be written', async () => {
    const outbox = new CrashingOutbox();
    const network = new ScriptedNetwork({ clientId: 'me', outbox });
    await turn();
    await network.accept();
    outbox.fault = new Error('no room');
    const published = network.client.publish('a', 'x', { qos: 2 });
    const told = network.client.events.once('offline');
    await turn();
    await network.server.close();
    expect((await told).error).toBeInstanceOf(OutboxFailed);
    outbox.fault = null;
    await network.passTime();
    await network.accept(connack(undefined, { sessionPresent: true }));
    await turn();
    await network.answerAll();
    expect(await published).toEqual({ reasonCode: SUCCESS });
  });

  it('writes down what is published while there is no connection', async () => {
    const outbox = new CrashingOutbox();
    const network = new ScriptedNetwork({ clientId: 'me', outbox });
    const early = network.client.publish('a', 'early', { qos: 1, until: 'stored' });
    await early;
    expect(outbox.records.map(({ kind }) => kind)).toEqual(['queued', 'session']);
    expect(outbox.committed).toBe(2);
    await network.client.disconnect();
    expect(outbox.isClosed).toBe(true);
    const { server } = await connected(outbox.crashed(0, true), false);
    expect(server.take()).toEqual([publish('a', 'early', { qos: 1, packetId: 1 })]);
  });

  it('closes an outbox that was opened when the client had left already', async () => {
    const outbox = new CrashingOutbox();
    const network = new ScriptedNetwork({ clientId: 'me', outbox });
    const waiting = failureOf(network.client.publish('a', 'x', { qos: 1, until: 'stored' }));
    await network.client.disconnect();
    await waiting;
    await turn();
    expect(outbox.isClosed).toBe(true);
    expect(network.attempts).toHaveLength(0);
  });

  it('does not go with the session of an earlier client', () => {
    const options = { clientId: 'me', outbox: new CrashingOutbox(), session: new Session() };
    expect(() => new ScriptedNetwork(options)).toThrow('not both');
  });

  it('is over when the outbox cannot be opened', async () => {
    const outbox = new CrashingOutbox();
    outbox.open = () => Promise.reject(new Error('in use'));
    const connecting = connectOver(new ScriptedServer(5).open, { clientId: 'me', outbox });
    expect(await failureOf(connecting)).toMatchObject({ name: 'OutboxFailed', cause: { message: 'in use' } });
  });
});

/** A server that keeps its session whatever happens to clients and connections. */
class LastingServer {
  /** Payloads, in the order in which other clients would get them. */
  readonly delivered: string[] = [];
  readonly #held = new Set<number>();
  /** QoS 2 messages to the client, by packet id. */
  readonly #outgoing = new Map<number, { text: string; isReceived: boolean }>();
  #lastId = 0;

  /** What the client is sent when it comes back. */
  resent() {
    return [...this.#outgoing].map(([packetId, { text, isReceived }]) =>
      isReceived
        ? ({ type: PUBREL, packetId, reasonCode: SUCCESS } as const)
        : publish('to/client', text, { qos: 2, packetId, dup: true }),
    );
  }

  /** A new message to the client. Few ids, so that they are soon used again. */
  send(text: string): Publish | null {
    const packetId = (this.#lastId % 3) + 1;
    if (this.#outgoing.has(packetId)) return null;
    this.#lastId++;
    this.#outgoing.set(packetId, { text, isReceived: false });
    return publish('to/client', text, { qos: 2, packetId });
  }

  /** @returns what it answers; null: nothing */
  answer(packet: { type: number; packetId?: number; qos?: number; payload?: Uint8Array }) {
    const { type, packetId = 0, qos } = packet;
    switch (type) {
      case PUBLISH: {
        const text = new TextDecoder().decode(packet.payload);
        if (qos === 1 || !this.#held.has(packetId)) this.delivered.push(text);
        if (qos === 1) return { type: PUBACK, packetId, reasonCode: SUCCESS } as const;
        this.#held.add(packetId);
        return { type: PUBREC, packetId, reasonCode: SUCCESS } as const;
      }
      case PUBREL:
        this.#held.delete(packetId);
        return { type: PUBCOMP, packetId, reasonCode: SUCCESS } as const;
      case PUBREC: {
        const message = this.#outgoing.get(packetId);
        if (message !== undefined) message.isReceived = true;
        return { type: PUBREL, packetId, reasonCode: SUCCESS } as const;
      }
      case PUBCOMP:
        this.#outgoing.delete(packetId);
        return null;
      default:
        throw new Error(`Unexpected packet ${type}`);
    }
  }
}

/** One connection of one process: what is done on it, and how it ends. */
const episode = fc.record({
  actions: fc.array(
    fc.oneof(
      { weight: 3, arbitrary: fc.constantFrom('publish 1', 'publish 2', 'send') },
      { weight: 3, arbitrary: fc.constant('commit') },
      { weight: 4, arbitrary: fc.constant('exchange') },
    ),
    { maxLength: 20 },
  ),
  /** How many records are durable that nobody was told of; null: only the connection breaks, and the process goes on. */
  end: fc.option(fc.nat(6)),
});

describe('a process that dies at any moment', () => {
  it('leaves no QoS 2 message lost or doubled, and no QoS 1 message lost, of those that it was told are stored', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(episode, { minLength: 1, maxLength: 6 }), async (episodes) => {
        const server = new LastingServer();
        const published: { text: string; qos: 1 | 2; isStored: boolean }[] = [];
        const sent: string[] = [];
        /** By process: what its program was given. */
        const given: string[][] = [[]];
        let outbox = new CrashingOutbox();
        let known = false;

        const live = async (actions: readonly string[], end: number | null) => {
          const inbox = given[given.length - 1];
          outbox.isQuick = true;
          const { client, server: wire } = await connected(outbox, known, {
            onMessage: (message: Message) => void inbox.push(message.text()),
          });
          outbox.isQuick = false;
          known = true;
          await wire.send(...server.resent());
          for (const action of actions) await act(action, client, wire);
          // The same process that goes on finds all that was appended.
          const unsure = outbox.records.length - outbox.committed;
          outbox = outbox.crashed(end === null ? unsure : Math.min(end, unsure), true);
          if (end !== null) given.push([]);
          await wire.close();
        };

        const act = async (action: string, client: Client, wire: ScriptedServer) => {
          if (action === 'commit') {
            outbox.finishCommit();
          } else if (action === 'exchange') {
            const [packet] = wire.received.splice(0, 1);
            const answer = packet && server.answer(packet as Publish);
            if (answer) await wire.send(answer);
          } else if (action === 'send') {
            const text = `s${sent.length}`;
            const packet = server.send(text);
            if (packet === null) return;
            sent.push(text);
            await wire.send(packet);
          } else {
            const message = {
              text: `p${published.length}`,
              qos: action === 'publish 1' ? 1 : 2,
              isStored: false,
            } as const;
            const entry: { text: string; qos: 1 | 2; isStored: boolean } = { ...message };
            published.push(entry);
            client.publish('a', message.text, { qos: message.qos, until: 'stored' }).then(
              () => {
                entry.isStored = true;
              },
              () => {},
            );
          }
          await turn();
        };

        for (const { actions, end } of episodes) await live(actions, end);
        // In the end everything works.
        const inbox = given[given.length - 1];
        const last = await connected(outbox, known, {
          onMessage: (message: Message) => void inbox.push(message.text()),
        });
        await last.server.send(...server.resent());
        for (let packets = last.server.take(); packets.length > 0; packets = last.server.take()) {
          for (const packet of packets) {
            const answer = server.answer(packet as Publish);
            if (answer) await last.server.send(answer);
          }
        }

        expect(last.client.session.idle).toBe(true);
        for (const { text, qos, isStored } of published) {
          const count = server.delivered.filter((one) => one === text).length;
          if (qos === 2) expect(count, text).toBeLessThanOrEqual(1);
          if (isStored) expect(count, text).toBeGreaterThanOrEqual(1);
        }
        for (const text of sent) {
          const counts = given.map((texts) => texts.filter((one) => one === text).length);
          // A process that dies between the handler and the commit gets it again, in the next one.
          expect(Math.max(...counts), text).toBe(1);
        }
      }),
      { numRuns: 150 },
    );
  }, 60_000);

  it('goes on from any prefix of the records as if it had not died', async () => {
    const outbox = new CrashingOutbox();
    const { client, server } = await connected(outbox, false);
    for (const text of ['1', '2']) void failureOf(client.publish('a', text, { qos: 2 }));
    await turn();
    await server.send({ type: PUBREC, packetId: 1, reasonCode: SUCCESS });
    const kinds = outbox.records.map(({ kind }) => kind);
    expect(kinds).toEqual(['session', 'queued', 'sent', 'queued', 'sent', 'released']);
    const resent = [];
    for (let length = 1; length <= kinds.length; length++) {
      const next = await connected(new CrashingOutbox(outbox.records.slice(0, length)), true);
      resent.push(next.server.take().map(({ type, ...rest }) => [type, 'dup' in rest && rest.dup]));
    }
    expect(resent).toEqual([
      [],
      [[PUBLISH, false]],
      [[PUBLISH, true]],
      [
        [PUBLISH, true],
        [PUBLISH, false],
      ],
      [
        [PUBLISH, true],
        [PUBLISH, true],
      ],
      [
        [PUBREL, false],
        [PUBLISH, true],
      ],
    ]);
  });
});
