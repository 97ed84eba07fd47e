import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseArguments } from '../../packages/cli/src/command-line/arguments.js';
import { CONNECTION_FLAGS, connectionTarget } from '../../packages/cli/src/connection/connection-flags.js';
import { openConnection } from '../../packages/cli/src/connection/open-connection.js';
import type { SrvResolver } from '../../packages/cli/src/connection/service-records.js';
import { BrokerProcess, runCauldron } from '../support/broker-process.js';
import { freePort } from '../support/free-port.js';
import { areInstalled, programPath } from '../support/programs.js';
import { killAll, RunningProgram } from '../support/running-program.js';
import { runCompat } from './tool-comparison.js';

let folder: string;
let broker: BrokerProcess;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'cauldron-connection-'));
  const passwords = join(folder, 'passwords');
  const made = runCauldron(['passwd', '-H', 'scram-sha-256', '-c', '-b', passwords, 'anna', 'secret']);
  expect((await made.ended).exitCode).toBe(0);
  broker = await BrokerProcess.start(['allow_anonymous false', `password_file ${passwords}`]);
});

afterAll(async () => {
  await broker.stop();
  await killAll();
  rmSync(folder, { recursive: true });
});

/** Opens a connection with these flags and this DNS, and closes it. Resolves with the client id that the broker knew. */
async function connectBy(resolve: SrvResolver, ...argv: string[]): Promise<string> {
  const target = connectionTarget(parseArguments(CONNECTION_FLAGS, [...argv, '-u', 'anna', '-P', 'secret']));
  const client = await openConnection(target, {}, resolve);
  const { clientId } = client;
  await client.disconnect();
  return clientId;
}

describe('-S', () => {
  it('connects to the first broker of a domain that answers', async () => {
    const records = [
      { name: '127.0.0.1', port: await freePort(), priority: 1, weight: 1 },
      { name: '127.0.0.1', port: broker.port, priority: 2, weight: 1 },
    ];
    const resolve: SrvResolver = async (name) => (name === '_mqtt._tcp.example.org' ? records : []);
    expect(await connectBy(resolve, '-S', '-h', 'example.org', '-i', 'by-name')).toBe('by-name');
  });

  it('says which of them could not be reached, if none can', async () => {
    const port = await freePort();
    const resolve: SrvResolver = async () => [{ name: '127.0.0.1', port, priority: 1, weight: 1 }];
    await expect(connectBy(resolve, '-S', '-h', 'example.org')).rejects.toThrow(`127.0.0.1:${port}`);
  });

  it('does not try another broker when one refuses', async () => {
    const record = { name: '127.0.0.1', port: broker.port, priority: 1, weight: 1 };
    const resolve: SrvResolver = async () => [record, { ...record, port: await freePort(), priority: 2 }];
    const target = connectionTarget(parseArguments(CONNECTION_FLAGS, ['-S', '-h', 'example.org']));
    await expect(openConnection(target, {}, resolve)).rejects.toMatchObject({ name: 'ConnectionRefused' });
  });
});

describe('--scram', () => {
  const pub = (...argv: string[]) => runCauldron(['pub', ...broker.flags, '-t', 'x', '-m', 'x', '-q', '1', ...argv]);

  it('proves the password without sending it', async () => {
    const { exitCode, stderr } = await pub('--scram', '-u', 'anna', '-P', 'secret').ended;
    expect([exitCode, stderr]).toEqual([0, '']);
  });

  it('is refused with the status of a wrong password', async () => {
    const [scram, plain] = await Promise.all([
      pub('--scram', '-u', 'anna', '-P', 'wrong').ended,
      pub('-V', '5', '-u', 'anna', '-P', 'wrong').ended,
    ]);
    expect([scram.exitCode, plain.exitCode]).toEqual([135, 135]);
    expect(scram.stderr).toMatch(/^Connection error: Not authorized/);
  });

  it('has the tools subscribe and ask, too', async () => {
    const proof = ['--scram', '-u', 'anna', '-P', 'secret'];
    const { exitCode, stdout } = await runCauldron([
      ...['rr', ...broker.flags, ...proof, '-t', 'echo', '-e', 'echo', '-m', 'there', '-W', '20'],
    ]).ended;
    expect([exitCode, stdout.toString()]).toEqual([0, 'there\n']);
  });
});

describe('options files', () => {
  it.each<[how: string, argv: (file: string) => string[], env: () => NodeJS.ProcessEnv]>([
    ['-o', (file) => ['-o', file], () => ({})],
    ['the one of the user', () => [], () => ({ XDG_CONFIG_HOME: folder })],
  ])('tell mosquitto_ctrl where the broker is, and who asks (%s)', async (_how, argv, env) => {
    const file = join(folder, 'mosquitto_ctrl');
    writeFileSync(file, `-h 127.0.0.1\n-p ${broker.port}\n-u anna\n-P secret\n`);
    const asking = [...argv(file), 'broker', 'listListeners'];
    const { exitCode, stderr } = await runCompat('mosquitto_ctrl', asking, '', { ...process.env, ...env() }).ended;
    // It got in, and the broker has no such part.
    expect([exitCode, stderr]).toEqual([0, 'listListeners: Error: endpoint not available\n']);
  });
});

describe.skipIf(!areInstalled('mosquitto_pub')).concurrent('pub -l, when the broker was away for a while,', () => {
  it.each([
    ["Debian's", (argv: string[]) => new RunningProgram(programPath('mosquitto_pub'), argv)],
    ['ours', (argv: string[]) => runCompat('mosquitto_pub', argv)],
  ])('goes on with what came meanwhile (%s)', async (_who, start) => {
    const port = await freePort();
    const startBroker = async () => {
      const running = runCauldron(['broker', '-p', String(port), '-v']);
      await running.shows('running');
      return running;
    };
    const first = await startBroker();
    const where = ['-h', '127.0.0.1', '-p', String(port), '-i', 'follower'];
    const publisher = start([...where, '-q', '1', '-t', 'log', '-l']);
    publisher.process.stdin?.write('one\n');
    await first.shows('Sending PUBACK to follower (m1');
    await first.stop();
    publisher.process.stdin?.write('two\n');
    const second = await startBroker();
    publisher.process.stdin?.write('three\n');
    await second.shows('Sending PUBACK to follower (m2');
    await second.shows('Sending PUBACK to follower (m3');
    publisher.process.stdin?.end();
    expect((await publisher.ended).exitCode).toBe(0);
    await second.stop();
  });
});
