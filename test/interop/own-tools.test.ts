import { type Client, type ConnectOptions, connect, type Message } from '@cauldron/client';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { BrokerProcess, runCauldron } from '../support/broker-process.js';
import { randomPayload } from '../support/payloads.js';
import { killAll, type RunningProgram } from '../support/running-program.js';
import { describeOwnClients } from './own-clients/suite.js';

/** On a busy machine a subscriber may be away for longer than publishers are held for it. */
const UNLIMITED = 'max_queued_messages 0';

let broker: BrokerProcess;
let count = 0;

beforeAll(async () => {
  broker = await BrokerProcess.start(['max_packet_size 20000000', UNLIMITED]);
});

afterAll(async () => {
  await broker.stop();
  await killAll();
});

describe('this broker', () => {
  describeOwnClients({
    versions: [3, 4, 5],
    toolVersions: [3, 4, 5],
    queuedQos: [1, 2],
    async start() {
      const process = await BrokerProcess.start();
      return { port: process.port, credentials: {}, stop: () => process.stop() };
    },
  });
});

describe.concurrent('cauldron pub and sub', () => {
  async function subscribe(filter: string, ...flags: readonly string[]): Promise<RunningProgram> {
    const clientId = `own-${++count}`;
    const program = runCauldron(['sub', ...broker.flags, '-i', clientId, '-t', filter, ...flags]);
    await broker.hasSubscribed(clientId, filter);
    return program;
  }

  async function publish(topic: string, flags: readonly string[], input = ''): Promise<void> {
    const { exitCode, stderr } = await runCauldron(['pub', ...broker.flags, '-t', topic, ...flags], input).ended;
    expect([exitCode, stderr]).toEqual([0, '']);
  }

  it.each(['0', '1', '2'])('-l publishes each line of a pipe, over WebSocket, too (QoS %s)', async (qos) => {
    const lines = Array.from({ length: 10_000 }, (_, i) => `line ${i}\n`).join('');
    const plain = await subscribe(`pipe/${qos}`, '-q', qos, '-C', '10000');
    const webSocket = await subscribe(`pipe/${qos}`, '--ws', '-q', qos, '-C', '10000');
    await publish(`pipe/${qos}`, ['--ws', '-q', qos, '-l'], lines);
    for (const subscriber of [plain, webSocket])
      expect((await subscriber.ended).stdout.toString() === lines).toBe(true);
  });

  it('-W ends with 27 when its time is over', async () => {
    const argv = ['sub', ...broker.flags, '-t', 'nothing', '-W', '1'];
    expect(await runCauldron(argv).ended).toMatchObject({ exitCode: 27, stderr: 'Timed out\n' });
  });
});

describe.each(['mqtt', 'ws'])('our client over %s', (scheme) => {
  const clients: Client[] = [];

  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.disconnect()));
  });

  const open = async (options: ConnectOptions = {}) => {
    const client = await connect(`${scheme}://127.0.0.1:${broker.port}`, { reconnect: false, ...options });
    clients.push(client);
    return client;
  };

  /** Resolves with that many messages. */
  function collector(wanted: number) {
    const messages: Message[] = [];
    let done: (messages: Message[]) => void = () => {};
    const all = new Promise<Message[]>((resolve) => {
      done = resolve;
    });
    const take = (message: Message): void => {
      if (messages.push(message) === wanted) done(messages);
    };
    return { all, take };
  }

  const text = ({ payload }: Message) => Buffer.from(payload).toString();

  describe.each([3, 4, 5] as const)('with protocol version %i', (protocolVersion) => {
    const base = `client/${scheme}/${protocolVersion}`;

    it.each([0, 1, 2] as const)('2,000 messages of QoS %i come in order', async (qos) => {
      const [publisher, subscriber] = [await open({ protocolVersion }), await open({ protocolVersion })];
      const { all, take } = collector(2_000);
      expect((await subscriber.subscribe(`${base}/${qos}`, { qos }, take)).reasonCodes).toEqual([qos]);
      const sent = Array.from({ length: 2_000 }, (_, i) => publisher.publish(`${base}/${qos}`, String(i), { qos }));
      await Promise.all(sent);
      expect((await all).map(text)).toEqual(sent.map((_, i) => String(i)));
    });

    it('10 MB arrive whole', async () => {
      const client = await open({ protocolVersion });
      const { all, take } = collector(1);
      await client.subscribe(`${base}/large`, { qos: 2 }, take);
      const payload = randomPayload(10_000_000);
      await client.publish(`${base}/large`, payload, { qos: 2 });
      expect(payload.equals((await all)[0].payload)).toBe(true);
    });
  });

  it('properties, an answer and its correlation data come back', async () => {
    const [asking, answering] = [await open(), await open()];
    const { all, take } = collector(1);
    await asking.subscribe(`${scheme}/answers`, {}, take);
    await answering.subscribe(`${scheme}/requests`, {}, ({ properties }, client) => {
      const { responseTopic = '', correlationData = new Uint8Array(0) } = properties ?? {};
      void client.publish(responseTopic, 'answer', { properties: { correlationData } });
    });
    const correlationData = Uint8Array.of(0, 255);
    await asking.publish(`${scheme}/requests`, 'question', {
      properties: { responseTopic: `${scheme}/answers`, correlationData },
    });
    const [answer] = await all;
    expect(text(answer)).toBe('answer');
    expect([...(answer.properties?.correlationData ?? [])]).toEqual([0, 255]);
  });
});
