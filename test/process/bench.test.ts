import { connect as connectTo, createServer, type Server, type Socket } from 'node:net';
import { connect } from '@cauldron/client';
import { Framer, PacketType } from '@cauldron/codec';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { BrokerProcess, runCauldron } from '../support/broker-process.js';
import { freePort } from '../support/free-port.js';
import { killAll } from '../support/running-program.js';

let broker: BrokerProcess;
const servers: Server[] = [];

beforeAll(async () => {
  broker = await BrokerProcess.start();
});

afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

afterAll(async () => {
  await killAll();
  await broker.stop();
});

interface Percentiles {
  readonly count: number;
  readonly p50: number;
  readonly max: number;
}

interface Result {
  readonly connections: { readonly count: number; readonly ms: Percentiles };
  readonly published: { readonly messages: number; readonly perSecond: number };
  readonly delivered: { readonly messages: number; readonly bytesPerSecond: number };
  readonly deliveryMs: Percentiles | null;
  readonly acknowledgementMs: Percentiles | null;
  readonly latenessMs: Percentiles | null;
  readonly checked: Readonly<Record<string, number>>;
  readonly errors: Readonly<Record<string, number>>;
  readonly broken: readonly string[];
  readonly utilisations: readonly unknown[];
}

/** Runs it against a port. */
async function bench(port: number, ...argv: readonly string[]): Promise<{ exitCode: number | null; result: Result }> {
  const program = runCauldron(['bench', '-h', '127.0.0.1', '-p', String(port), '--json', ...argv]);
  const { exitCode, stdout, stderr } = await program.ended;
  expect(stderr).toBe('');
  return { exitCode, result: JSON.parse(stdout.toString()) };
}

const ALL_WELL = { lost: 0, duplicated: 0, outOfOrder: 0, stray: 0, damaged: 0, unacknowledged: 0 };

describe('cauldron bench', () => {
  it.each([
    ['pair', '0', 3, 3, 90],
    ['pair', '1', 4, 4, 90],
    ['fan-out', '0', 2, 5, 450],
    ['fan-out', '2', 1, 3, 270],
    ['fan-in', '1', 6, 1, 90],
    ['fan-in', '2', 3, 2, 180],
    // Of the four kinds of filters, each matches a third of the messages, but for the last, which matches half of them.
    ['tree', '1', 3, 4, 30 + 30 + 15 + 45],
  ])(
    'puts the shape %s at QoS %s to the test, and finds that all is well',
    async (shape, qos, from, to, deliveries) => {
      const clients = ['--publishers', String(from), '--subscribers', String(to), '--topics', '2', '--workers', '2'];
      const { exitCode, result } = await bench(broker.port, '--shape', shape, '-q', qos, ...clients, '--count', '90');
      expect(result).toMatchObject({
        connections: { count: from + to, ms: { count: from + to } },
        published: { messages: 90 },
        delivered: { messages: deliveries },
        deliveryMs: { count: deliveries },
        checked: { expected: deliveries, ...ALL_WELL },
        errors: {},
        broken: [],
      });
      expect(result.acknowledgementMs?.count ?? 0).toBe(qos === '0' ? 0 : 90);
      expect(exitCode).toBe(0);
    },
  );

  it('sends on time in an open loop, and says how late it was', async () => {
    const { exitCode, result } = await bench(broker.port, '--rate', '500', '--count', '100', '-q', '1', '-s', '20-300');
    expect(result).toMatchObject({ latenessMs: { count: 100 }, deliveryMs: { count: 100 }, checked: ALL_WELL });
    // The last message is due after 99 intervals, and the first at once.
    expect(result.published.perSecond).toBeLessThan(100 / 0.198);
    expect(exitCode).toBe(0);
  });

  it('ends by the clock, and measures only what follows the warm-up', async () => {
    const times = ['--duration', '400ms', '--warm-up', '300ms'];
    const { exitCode, result } = await bench(broker.port, '--publishers', '2', '--window', '5', ...times);
    expect(result.published.messages).toBeGreaterThan(0);
    expect(result.deliveryMs?.count).toBeLessThan(result.checked.expected);
    expect(result.checked).toMatchObject(ALL_WELL);
    expect(exitCode).toBe(0);
  });

  it('has connections that do nothing, properties, aliases and retained messages, of which it leaves none', async () => {
    const properties = ['-D', 'publish', 'user-property', 'name', 'value', '--aliases', '-V', '5'];
    const flags = ['--idle', '20', '--connect-rate', '200', '--retain', '--topic', 'kept', '--count', '40', '-q', '1'];
    const { exitCode, result } = await bench(broker.port, '--publishers', '2', ...flags, ...properties);
    expect(result).toMatchObject({ connections: { count: 24 }, checked: { expected: 40, ...ALL_WELL }, errors: {} });
    expect(exitCode).toBe(0);
    const left: string[] = [];
    const client = await connect(`mqtt://127.0.0.1:${broker.port}`);
    const subscription = await client.subscribe('kept/#', {}, ({ topic }) => void left.push(topic));
    await subscription.unsubscribe();
    expect(left).toEqual([]);
    await client.disconnect();
  });

  it('ends early by Ctrl-C, with its table', async () => {
    const watcher = await connect(`mqtt://127.0.0.1:${broker.port}`);
    const messages = await watcher.subscribe('interrupted/#');
    const program = runCauldron(['bench', ...broker.flags, '--rate', '100', '--duration', '1h', '-t', 'interrupted']);
    for await (const { topic } of messages) {
      expect(topic).toMatch(/^interrupted\/[0-9a-f]{8}\/\d\/0$/);
      break;
    }
    const { exitCode, stdout, stderr } = await program.stop('SIGINT');
    expect(stderr).toBe('');
    expect(stdout.toString()).toMatch(/^Delivered +[\d,]+ messages? /m);
    expect(stdout.toString()).toMatch(/^Checked +[\d,]+ deliver\w+: 0 lost, 0 duplicated, 0 out of order$/m);
    expect(exitCode).toBe(0);
    await watcher.disconnect();
  });

  it('ends by Ctrl-C while it connects, without a table', async () => {
    const program = runCauldron(['bench', ...broker.flags, '--idle', '100', '--connect-rate', '0.5', '-i', 'slow']);
    await broker.program.showsMatch(/slow-s0/);
    const { exitCode, stdout, stderr } = await program.stop('SIGINT');
    expect([exitCode, stdout.toString(), stderr]).toEqual([2, '', '']);
  });

  it.each([
    [['--window', '5', '--rate', '10'], '--window is for a closed loop'],
    [['--size', '8'], '--size is a number of bytes from 16 on'],
    [['--publishers', '3', '--subscribers', '4'], '--shape pair has as many subscribers as publishers'],
    [['--count', '5', '--duration', '5s'], '--count is instead of --duration'],
    [['--aliases'], '--aliases needs MQTT 5'],
    [['--warm-up', 'soon'], '--warm-up is a time'],
    [['--duration', '11d'], '--duration is 10 days at most'],
    [['-A', 'here'], '-A is an address of this machine'],
    [['--shape', 'fan-out', '--publishers', '10000', '--subscribers', '10000'], 'Too much to watch'],
    [['--rat', '5'], 'Did you mean --rate?'],
  ])('does not take %j', async (argv, text) => {
    const { exitCode, stdout, stderr } = await runCauldron(['bench', ...broker.flags, ...argv]).ended;
    expect(stderr).toContain(text);
    expect([exitCode, stdout.toString()]).toEqual([2, '']);
  });

  it('says that there is no broker', async () => {
    const { exitCode, stderr } = await runCauldron(['bench', '-p', String(await freePort())]).ended;
    expect(stderr).toMatch(/^Error: Connection refused: nothing listens on .*\n$/);
    expect(exitCode).toBe(2);
  });
});

/** What becomes of a PUBLISH on its way to a subscriber: what is sent instead, or the end of the connection. */
type Fault = (frame: Buffer, nth: number) => readonly Buffer[] | 'cut';

/** A broker with faults: the real one behind a proxy that changes what it sends. @returns the port */
function faultyBroker(fault: Fault): Promise<number> {
  let count = 0;
  const relay = (client: Socket): void => {
    const upstream = connectTo(broker.port, '127.0.0.1');
    const framer = new Framer();
    for (const socket of [client, upstream]) {
      socket.on('error', () => {});
      socket.on('close', () => {
        client.destroy();
        upstream.destroy();
      });
    }
    client.on('data', (bytes) => upstream.write(bytes));
    upstream.on('data', (bytes: Buffer) => {
      framer.feed(bytes, bytes.length);
      while (framer.next()) {
        const frame = Buffer.from(framer.bytes.subarray(framer.start, framer.end));
        const sent = frame[0] >> 4 === PacketType.PUBLISH ? fault(frame, ++count) : [frame];
        if (sent === 'cut') client.destroy();
        else for (const one of sent) client.write(one);
      }
      framer.finish();
    });
  };
  const server = createServer(relay);
  servers.push(server);
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      if (address !== null && typeof address === 'object') resolve(address.port);
    });
  });
}

const LONE_PAIR = ['--publishers', '1', '--count', '50'];

describe('cauldron bench with a broker that has faults', () => {
  it.each([
    ['1', 1, ['1 lost, although QoS 1 promises delivery']],
    ['0', 0, []],
  ])('finds at QoS %s that one message was lost', async (qos, status, broken) => {
    const port = await faultyBroker((frame, nth) => (nth === 10 ? [] : [frame]));
    const { exitCode, result } = await bench(port, ...LONE_PAIR, '-q', qos);
    expect(result.checked).toEqual({ expected: 50, ...ALL_WELL, lost: 1 });
    expect([exitCode, result.broken]).toEqual([status, broken]);
  });

  it('does not wait for ever at QoS 0 for what was lost', async () => {
    const port = await faultyBroker((frame, nth) => (nth <= 20 ? [] : [frame]));
    const { exitCode, result } = await bench(port, ...LONE_PAIR, '--window', '10');
    expect(result).toMatchObject({ published: { messages: 50 }, checked: { expected: 50, lost: 20 } });
    expect(exitCode).toBe(0);
  });

  it.each([
    ['1', 0, []],
    ['0', 1, ['1 duplicated, although QoS 0 promises at most one']],
  ])('finds at QoS %s that one message came twice', async (qos, status, broken) => {
    const port = await faultyBroker((frame, nth) => (nth === 50 ? [frame, frame] : [frame]));
    const { exitCode, result } = await bench(port, ...LONE_PAIR, '-q', qos);
    expect(result.checked).toEqual({ expected: 50, ...ALL_WELL, duplicated: 1 });
    expect([exitCode, result.broken]).toEqual([status, broken]);
  });

  it.each(['0', '1', '2'])('finds at QoS %s that one message overtook another', async (qos) => {
    let held: Buffer | null = null;
    const port = await faultyBroker((frame, nth) => {
      if (nth === 10) held = frame;
      return nth === 10 ? [] : nth === 11 && held !== null ? [frame, held] : [frame];
    });
    const { exitCode, result } = await bench(port, ...LONE_PAIR, '-q', qos);
    expect(result.checked).toEqual({ expected: 50, ...ALL_WELL, outOfOrder: 1 });
    expect([exitCode, result.broken]).toEqual([1, ['1 out of order']]);
  });

  it('finds that a payload is not the one that was published', async () => {
    const port = await faultyBroker((frame, nth) => {
      // The mark of the run.
      if (nth === 7) frame[frame.length - 64] ^= 1;
      return [frame];
    });
    const { exitCode, result } = await bench(port, ...LONE_PAIR);
    expect(result.checked).toEqual({ expected: 50, ...ALL_WELL, lost: 1, damaged: 1 });
    expect([exitCode, result.broken]).toEqual([1, ['1 damaged']]);
  });

  it('goes on after a connection was lost, and says so', async () => {
    const port = await faultyBroker((frame, nth) => (nth === 20 ? 'cut' : [frame]));
    const { exitCode, result } = await bench(port, ...LONE_PAIR, '-q', '1', '-V', '5');
    // The session goes on: what was on its way comes again.
    expect(result.checked).toMatchObject({ expected: 50, lost: 0, outOfOrder: 0 });
    expect(Object.values(result.errors)).toEqual([1]);
    expect(exitCode).toBe(1);
  });
});
