import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Client, connect } from '@cauldron/client';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startMosquitto } from '../interop/other-brokers/mosquitto.js';
import { BrokerProcess, runCauldron } from '../support/broker-process.js';
import { areInstalled } from '../support/programs.js';
import { killAll, type Outcome } from '../support/running-program.js';

interface Target {
  readonly port: number;
  readonly stop: () => Promise<void>;
}

afterAll(killAll);

async function ownBroker(): Promise<Target> {
  const broker = await BrokerProcess.start(['retain_available true']);
  return { port: broker.port, stop: () => broker.stop() };
}

const nowS = Math.floor(Date.now() / 1_000);
const DAY_S = 86_400;

describe.each([
  ['this broker', true, ownBroker],
  ["Debian's Mosquitto", areInstalled('mosquitto'), startMosquitto],
] as const)('cauldron retained at %s', (_name, isThere, start) => {
  describe.skipIf(!isThere)('that runs', () => {
    let target: Target;
    let client: Client;

    beforeEach(async () => {
      target = await start();
      client = await connect(`mqtt://127.0.0.1:${target.port}`);
    });

    afterEach(async () => {
      await client.disconnect();
      await target.stop();
    });

    const retain = (topic: string, payload: string | Uint8Array, properties = {}) =>
      client.publish(topic, payload, { qos: 1, retain: true, properties });

    async function retained(...argv: readonly string[]): Promise<Outcome & { readonly text: string }> {
      const flags = ['-h', '127.0.0.1', '-p', String(target.port)];
      const outcome = await runCauldron(['retained', ...argv, ...flags], '').ended;
      return { ...outcome, text: outcome.stdout.toString() };
    }

    it('list has topic, size and time of each', async () => {
      await retain('b/phone', `{"_type":"location","tst":${nowS - 60}}`);
      await retain('a b', Uint8Array.of(0xff, 0xfe));
      await retain('c', 'x', { messageExpiryInterval: 3_600 });
      await client.publish('live', 'not retained');
      const time = new Date((nowS - 60) * 1_000).toISOString();
      expect(await retained('list')).toMatchObject({
        exitCode: 0,
        stderr: '',
        text: `a b\t2\t\nb/phone\t37\t${time}\nc\t1\t\n`,
      });
      const { text } = await retained('list', '--json', 'b/#', 'c');
      const [phone, last] = text
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line));
      expect(phone).toEqual({ topic: 'b/phone', size: 37, time, ageSeconds: expect.any(Number) });
      expect(phone.ageSeconds).toBeGreaterThanOrEqual(60);
      expect(last).toEqual({ topic: 'c', size: 1, expiresInSeconds: expect.any(Number) });
    });

    it('list has all of 20,000', async () => {
      await Promise.all(Array.from({ length: 20_000 }, (_, i) => retain(`many/${i}`, `value ${i}`)));
      const { text } = await retained('list', '#');
      expect(text.trimEnd().split('\n')).toHaveLength(20_000);
    });

    it('get prints payloads as they are, with topics, decoded, or as JSON', async () => {
      await retain('bytes', Uint8Array.of(0, 0xff, 10));
      await retain('json', '{"a":1}', { contentType: 'application/json', userProperties: [['k', 'v']] });
      expect((await retained('get', 'bytes')).stdout).toEqual(Buffer.of(0, 0xff, 10, 10));
      expect((await retained('get', '-v', 'json')).text).toBe('json {"a":1}\n');
      expect((await retained('get', 'json', '--decode', 'json')).text).toBe('{"a": 1}\n');
      const { text } = await retained('get', '--json', '#');
      const messages = text
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line));
      expect(messages).toContainEqual({ topic: 'bytes', payloadBase64: 'AP8K' });
      expect(messages).toContainEqual({
        topic: 'json',
        payload: '{"a":1}',
        properties: { contentType: 'application/json', userProperties: [['k', 'v']] },
      });
      expect(await retained('get', 'nothing')).toMatchObject({
        exitCode: 1,
        text: '',
        stderr: 'There is no such retained message.\n',
      });
    });

    it('clear lets the broker forget what is old enough, and nothing else', async () => {
      await retain('phones/old', `{"tst":${nowS - 40 * DAY_S}}`);
      await retain('phones/new', `{"tst":${nowS - DAY_S}}`);
      await retain('phones/unknown', 'x');
      await retain('other', `{"tst":${nowS - 40 * DAY_S}}`);
      const left = 'Left alone: 1 younger, 1 of unknown age.\n';
      const flags = ['clear', 'phones/#', '--older-than', '30d'];
      expect(await retained(...flags, '--dry-run')).toMatchObject({
        exitCode: 0,
        text: expect.stringMatching(/^phones\/old +18 bytes +40 d\n$/),
        stderr: `${left}1 retained message, 18 bytes would be cleared.\n`,
      });
      expect(await retained(...flags)).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('give --yes') });
      expect(await retained(...flags, '--yes')).toMatchObject({
        exitCode: 0,
        text: '',
        stderr: `${left}Cleared 1 retained message.\n`,
      });
      const { text } = await retained('list');
      expect(text.split('\n').map((line) => line.split('\t')[0])).toEqual([
        'other',
        'phones/new',
        'phones/unknown',
        '',
      ]);
      expect(await retained('clear', '#', '-y', '-V', '311')).toMatchObject({
        stderr: 'Cleared 3 retained messages.\n',
      });
      expect((await retained('list')).stderr).toBe('There are no retained messages.\n');
      expect(await retained('clear', '#', '-y')).toMatchObject({
        exitCode: 0,
        stderr: 'There are no such retained messages.\n',
      });
    });
  });
});

describe('cauldron retained', () => {
  it('get ends quietly when nobody reads on', async () => {
    const broker = await BrokerProcess.start();
    const client = await connect(`mqtt://127.0.0.1:${broker.port}`);
    const payload = 'x'.repeat(100_000);
    for (let i = 0; i < 50; i++) await client.publish(`large/${i}`, payload, { qos: 1, retain: true });
    const program = runCauldron(['retained', 'get', '#', ...broker.flags]);
    program.process.stdout?.once('data', () => program.process.stdout?.destroy());
    expect(await program.ended).toMatchObject({ exitCode: 0, stderr: '' });
    await client.disconnect();
    await broker.stop();
  });
});

describe('cauldron retained clear', () => {
  it.each([
    ['5', 'Not authorized'],
    ['311', 'the broker did not clear them, or they were published again'],
  ])('with -V %s says what the broker did not let it clear: %s', async (version, reason) => {
    const folder = mkdtempSync(join(tmpdir(), 'cauldron-retained-'));
    const rules = join(folder, 'acl');
    writeFileSync(rules, 'topic read #\ntopic write free/#\nuser boss\ntopic readwrite #\n');
    const broker = await BrokerProcess.start([`acl_file ${rules}`]);
    const boss = await connect(`mqtt://127.0.0.1:${broker.port}`, { username: 'boss' });
    for (const topic of ['free/a', 'fixed/b']) await boss.publish(topic, 'x', { qos: 1, retain: true });
    const argv = ['retained', 'clear', '#', '--yes', '-V', version, ...broker.flags];
    const { exitCode, stderr } = await runCauldron(argv).ended;
    expect([exitCode, stderr]).toEqual([
      12,
      `Cleared 1 retained message.\n1 message still there (${reason}), such as fixed/b\n`,
    ]);
    await boss.disconnect();
    await broker.stop();
    rmSync(folder, { recursive: true });
  });

  it.each([
    [['clear', '--yes'], 'Which messages?'],
    [['clear', 'a/#/b', '--yes'], '# that is not alone in the last level'],
    [['clear', '$share/g/a', '--yes'], 'shared subscriptions get no retained messages'],
    [['clear', '#', '--yes', '--older-than', 'old'], 'such as 30d'],
    [['get'], 'Which messages?'],
    [['get', 'a', '--decode', 'yaml'], "There is no decoder 'yaml'"],
    [['lst'], 'Did you mean `cauldron retained list`?'],
  ])('says what is wrong: %j', async (argv, message) => {
    const outcome = await runCauldron(['retained', ...argv], '').ended;
    expect(outcome).toMatchObject({ exitCode: 1, stderr: expect.stringContaining(message) });
  });
});
