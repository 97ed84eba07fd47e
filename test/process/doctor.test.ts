import { createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BrokerProcess, runCauldron } from '../support/broker-process.js';
import { freePort } from '../support/free-port.js';

const outcomeOf = async (...argv: string[]) => {
  const { stdout, stderr, exitCode } = await runCauldron(['doctor', ...argv], '').ended;
  return { stdout: stdout.toString(), stderr, exitCode };
};

let broker: BrokerProcess;
let address: string;
beforeAll(async () => {
  broker = await BrokerProcess.start();
  address = `mqtt://127.0.0.1:${broker.port}`;
});
afterAll(() => broker.stop());

describe('cauldron doctor', () => {
  it('tells in its help what it examines, and that there is the suite of conformance, too', async () => {
    const { stdout, exitCode } = await outcomeOf('--help');
    expect(stdout).toContain('cauldron doctor mqtts://broker.example.org');
    expect(stdout).toContain('cauldron doctor conformance mqtt://localhost:1883');
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(100);
    expect(exitCode).toBe(0);
    const { stderr, exitCode: without } = await outcomeOf();
    expect(stderr).toContain('Error: Which broker?');
    expect(without).toBe(2);
  });

  it('examines a broker, and tells it as JSON', async () => {
    const { stdout, exitCode } = await outcomeOf(address);
    expect(stdout).toMatch(/^ok {4}The broker speaks MQTT 5\.0 +[\d.]+ m?s$/m);
    expect(stdout).toMatch(/^Good for use on this machine\./m);
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThan(80);
    expect(exitCode).toBe(0);
    const { stdout: json } = await outcomeOf(`127.0.0.1:${broker.port}`, '--json');
    expect(JSON.parse(json)).toMatchObject({ url: address, verdict: { exitStatus: 0 } });
    const { exitCode: unreachable } = await outcomeOf(`mqtt://127.0.0.1:${await freePort()}`);
    expect(unreachable).toBe(2);
  });

  it('knows what was meant', async () => {
    const { stderr, exitCode } = await outcomeOf('conformence');
    expect(stderr).toBe('cauldron doctor: did you mean `cauldron doctor conformance`, or mqtt://conformence?\n');
    expect(exitCode).toBe(2);
  });
});

describe('cauldron doctor conformance', () => {
  it('judges a broker by address: totals, and with -v each test', async () => {
    const { stdout, stderr, exitCode } = await outcomeOf('conformance', address, '--only', '3.12', '-v');
    expect(stdout).toBe(`MQTT 3.1.1 · 3.12 PINGREQ: 1 passed
  ✓ [MQTT-3.12.4-1] each PINGREQ is answered by a PINGRESP
MQTT 5.0 · 3.12 PINGREQ: 1 passed
  ✓ [MQTT-3.12.4-1] each PINGREQ is answered by a PINGRESP

127.0.0.1:${broker.port}: 2 passed
`);
    expect([stderr, exitCode]).toEqual(['', 0]);
  });

  it('takes one version, a statement as it is written in the standard, and tells it as JSON', async () => {
    const flags = ['--version', '5', '--only', '[MQTT-3.12.4-1]', '--json'];
    const { stdout, exitCode } = await outcomeOf('conformance', address, ...flags);
    expect(JSON.parse(stdout)).toEqual({
      broker: `127.0.0.1:${broker.port}`,
      passed: 1,
      failed: 0,
      skipped: 0,
      tests: [
        {
          standard: 'MQTT 5.0',
          section: '3.12 PINGREQ',
          side: 'server',
          statements: ['MQTT-3.12.4-1'],
          title: 'each PINGREQ is answered by a PINGRESP',
          result: 'passed',
          durationMs: expect.any(Number),
        },
      ],
    });
    expect(exitCode).toBe(0);
  });

  it('says which tests need another setting, and runs those alone with --with', async () => {
    const skipped = await outcomeOf('conformance', address, '--version', '5', '--only', '3.2.2-9');
    expect(skipped.stdout).toMatch(/^ {2}- \[MQTT-3\.2\.2-9\] .* \(needs maximum-qos-1: max_qos 1\)$/m);
    expect(skipped.exitCode).toBe(0);

    const limited = await BrokerProcess.start(['max_qos 1']);
    const flags = ['--version', '5', '--only', '3.2.2-9', '--with', 'maximum-qos-1'];
    const run = await outcomeOf('conformance', `mqtt://127.0.0.1:${limited.port}`, ...flags);
    expect(run.stdout).toMatch(/: [1-9]\d* passed\n$/);
    await limited.stop();
  });

  it('shows the packets of a failure, and ends with 1', async () => {
    // Says to every CONNECT that it is not welcome.
    const server = createServer((socket) => {
      socket.on('error', () => {}); // the doctor hangs up
      socket.on('data', () => socket.end(Buffer.from([0x20, 2, 0, 5])));
    });
    const port = await new Promise<number>((resolve) => {
      server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port));
    });
    const { stdout, exitCode } = await outcomeOf(
      'conformance',
      `mqtt://127.0.0.1:${port}`,
      '--version',
      '3',
      '--only',
      '3.12',
    );
    server.close();
    const lines = stdout.split('\n');
    expect(lines[1]).toBe('  ✗ [MQTT-3.12.4-1] each PINGREQ is answered by a PINGRESP');
    expect(lines[2]).toBe('      CONNECT was refused with reason code 0x05');
    expect(lines[3]).toMatch(/^ +[\d.]+ ms {2}client {5}> CONNECT {5}10 [\da-f ]+$/);
    expect(lines[4]).toMatch(/^ +[\d.]+ ms {2}client {5}< CONNACK {5}20 02 00 05$/);
    expect(stdout).toMatch(/0 passed, 1 failed\n$/);
    expect(exitCode).toBe(1);
  });

  it('ends with 2 when there is no broker', async () => {
    const nobody = `mqtt://127.0.0.1:${await freePort()}`;
    const { stderr, exitCode } = await outcomeOf('conformance', nobody);
    expect(stderr).toContain(`Error: ${nobody} cannot be reached: connect ECONNREFUSED`);
    expect(exitCode).toBe(2);
  });

  it.each([
    [['localhost'], "'localhost' is no address of a broker"],
    [['mqtts://localhost'], 'The tests speak plain MQTT: mqtt://HOST:PORT, not mqtts://'],
    [['mqtt://fry@localhost'], 'The tests connect without a user name'],
    [['mqtt://localhost', 'mqtt://elsewhere'], "One broker at a time: what is 'mqtt://elsewhere'?"],
    [['--only', '9.9'], 'No test is like that'],
    [['--version', '4'], '--version is one of 3, 5, 3.1.1, 5.0, not "4"'],
    [['--websocket', 'ws://localhost'], '--websocket belongs to the address of a broker'],
  ])('%j is bad usage', async (argv, message) => {
    const { stderr, exitCode } = await outcomeOf('conformance', ...argv);
    expect(stderr).toContain(`Error: ${message}`);
    expect(exitCode).toBe(1);
  });
});
