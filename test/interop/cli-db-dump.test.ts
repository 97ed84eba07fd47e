import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MosquittoDbWriter } from '../../packages/broker/src/storage/mosquitto-db-writer.test-support.js';
import { freePort } from '../support/free-port.js';
import { areInstalled, type ProgramName, programPath } from '../support/programs.js';
import { killAll, RunningProgram } from '../support/running-program.js';
import { runCompat } from './tool-comparison.js';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'cauldron-db-dump-'));
});

afterAll(async () => {
  await killAll();
  rmSync(folder, { recursive: true });
});

async function dump(...argv: string[]): Promise<[exitCode: number | null, stdout: string, stderr: string]> {
  const { exitCode, stdout, stderr } = await runCompat('mosquitto_db_dump', argv).ended;
  return [exitCode, stdout.toString(), stderr];
}

function write(name: string, bytes: Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

/** Debian does not have Mosquitto's program: what is expected here is the layout that it has. */
describe('mosquitto_db_dump', () => {
  const sample = () =>
    new MosquittoDbWriter()
      .configuration()
      .message(273732462748327, 'test-topic', 'message', {
        publisher: 'sender',
        expiresAtS: 1_669_799_825,
        properties: {
          contentType: 'text/plain',
          correlationData: Uint8Array.of(0x5c, 0xff),
          payloadFormatIndicator: 1,
          responseTopic: 'answers',
          userProperties: [
            ['k', 'one'],
            ['k', 'two'],
          ],
        },
      })
      .message(7, 'binary', Uint8Array.of(0x41, 0x0a), { qos: 2, retain: true, username: 'anna' })
      .client('one', { expiresAtS: 1_669_799_784, expiryIntervalS: 60, username: 'bob' })
      .clientMessage('one', 7, { state: 11, packetId: 1, retain: true, properties: { subscriptionIdentifiers: [42] } })
      .subscription('one', 'test/#', 1, { options: 0x2c, identifier: 42 })
      .retained(7);

  it('shows each part of the file', async () => {
    const [exitCode, stdout] = await dump(write('sample', sample().bytes));
    expect(exitCode).toBe(0);
    expect(stdout).toBe(`Mosquitto DB dump
CRC: 0
DB version: 6
DB_CHUNK_CFG:
	Length: 16
	Shutdown: 1
	DB ID size: 8
	Last DB ID: 99
DB_CHUNK_BASE_MSG:
	Length: 104
	Store ID: 273732462748327
	Source Port: 1883
	Source MID: 7
	Topic: test-topic
	QoS: 1
	Retain: 0
	Payload Length: 7
	Expiry Time: 1669799825
	Payload: message
	Properties:
		Content type: text/plain
		Correlation data: 5CFF
		Payload format indicator: 1
		Response topic: answers
		User property: k , one
		User property: k , two
DB_CHUNK_BASE_MSG:
	Length: 44
	Store ID: 7
	Source Port: 1883
	Source MID: 7
	Topic: binary
	QoS: 2
	Retain: 1
	Payload Length: 2
	Expiry Time: 0
DB_CHUNK_CLIENT:
	Length: 30
	Client ID: one
	Username: bob
	Listener port: 1883
	Last MID: 1
	Session expiry time: 1669799784
	Session expiry interval: 60
DB_CHUNK_CLIENT_MSG:
	Length: 22
	Client ID: one
	Store ID: 7
	MID: 1
	QoS: 1
	Retain: 1
	Direction: 1
	State: 11
	Dup: 0
	Subscription identifier: 42
DB_CHUNK_SUB:
	Length: 21
	Client ID: one
	Topic: test/#
	QoS: 1
	Subscription ID: 42
	Options: 0x2C
DB_CHUNK_RETAIN:
	Length: 8
	Store ID: 7
`);
  });

  it('counts the parts with --stats, and what each client has with --client-stats', async () => {
    const path = write('counted', sample().client('two').bytes);
    expect(await dump('--stats', path)).toEqual([
      0,
      `DB_CHUNK_CFG:        1
DB_CHUNK_BASE_MSG:   2
DB_CHUNK_CLIENT_MSG: 1
DB_CHUNK_RETAIN:     1
DB_CHUNK_SUB:        1
DB_CHUNK_CLIENT:     2
`,
      '',
    ]);
    // The message of a client is its own part and that of the message.
    const lines = ['SC: 1 SS: 21 MC: 1 MS: 66   one', 'SC: 0 SS: 0 MC: 0 MS: 0   two'];
    expect(await dump('--client-stats', path)).toEqual([0, `${lines.join('\n')}\n`, '']);
  });

  it('writes all of it as JSON with --json', async () => {
    const [exitCode, stdout] = await dump('--json', write('json', sample().bytes));
    expect(exitCode).toBe(0);
    expect(stdout.startsWith('{\n\t"base-messages":\t[{\n\t\t\t"storeid":\t273732462748327,\n')).toBe(true);
    expect(JSON.parse(stdout)).toEqual({
      'base-messages': [
        {
          storeid: 273732462748327,
          'expiry-time': 1669799825,
          'source-mid': 7,
          'source-port': 1883,
          qos: 1,
          retain: 0,
          topic: 'test-topic',
          clientid: 'sender',
          payload: 'bWVzc2FnZQ==',
          properties: [
            { identifier: 'content-type', value: 'text/plain' },
            { identifier: 'correlation-data', value: '5CFF' },
            { identifier: 'payload-format-indicator', value: 1 },
            { identifier: 'response-topic', value: 'answers' },
            { identifier: 'user-property', name: 'k', value: 'one' },
            { identifier: 'user-property', name: 'k', value: 'two' },
          ],
        },
        {
          storeid: 7,
          'expiry-time': 0,
          'source-mid': 7,
          'source-port': 1883,
          qos: 2,
          retain: 1,
          topic: 'binary',
          username: 'anna',
          payload: 'QQo=',
        },
      ],
      clients: [
        {
          clientid: 'one',
          username: 'bob',
          'session-expiry-time': 1669799784,
          'session-expiry-interval': 60,
          'last-mid': 1,
          'listener-port': 1883,
        },
      ],
      'client-messages': [
        {
          clientid: 'one',
          storeid: 7,
          mid: 1,
          qos: 1,
          state: 11,
          'retain-dup': 16,
          direction: 1,
          'subscription-identifier': 42,
        },
      ],
      'retained-messages': [{ storeid: 7 }],
      subscriptions: [{ clientid: 'one', topic: 'test/#', qos: 1, options: 44, identifier: 42 }],
    });
  });

  it('shows what stands before a damage, and says where that is', async () => {
    const { bytes } = sample();
    const [exitCode, stdout, stderr] = await dump('--stats', write('damaged', bytes.subarray(0, bytes.length - 3)));
    expect(exitCode).toBe(1);
    expect(stdout).toContain('DB_CHUNK_SUB:        1\nDB_CHUNK_CLIENT:     1\n');
    expect(stderr).toMatch(/^Error: mosquitto\.db, byte \d+: .*\n$/);
  });

  it.each<[argv: string[], says: RegExp]>([
    [[], /^Error: One file has to be given\n\nUse 'mosquitto_db_dump --help' to see usage\.\n$/],
    [['--stats', '--json', 'x'], /^Error: Only one of --stats, --client-stats and --json/],
    [['/none'], /^Error: Unable to open \/none: ENOENT/],
    [['/etc/hostname'], /^Error: mosquitto\.db, byte 0: this is not a mosquitto\.db/],
  ])('refuses %j with 1', async (argv, says) => {
    const [exitCode, stdout, stderr] = await dump(...argv);
    expect([exitCode, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(says);
  });

  it.skipIf(!areInstalled('mosquitto', 'mosquitto_pub', 'mosquitto_sub'))(
    "counts what is in a file of Debian's Mosquitto",
    async () => {
      const port = await freePort();
      const lines = [`listener ${port} 127.0.0.1`, 'allow_anonymous true', 'persistence true', 'user root'];
      writeFileSync(join(folder, 'conf'), [...lines, `persistence_location ${folder}/`].join('\n'));
      const broker = new RunningProgram(programPath('mosquitto'), ['-c', join(folder, 'conf')]);
      await broker.shows('running');
      const run = async (name: ProgramName, ...argv: string[]) => {
        const where = ['-h', '127.0.0.1', '-p', String(port), '-q', '1'];
        expect((await new RunningProgram(programPath(name), [...where, ...argv]).ended).exitCode).toBe(0);
      };
      await run('mosquitto_sub', '-c', '-i', 'keeper', '-t', 'a/#', '-t', 'b', '-E');
      await run('mosquitto_pub', '-t', 'a/1', '-m', 'waits');
      await run('mosquitto_pub', '-t', 'other', '-m', 'kept', '-r');
      await broker.stop();
      const file = join(folder, 'mosquitto.db');
      const [, stats] = await dump('--stats', file);
      expect(stats.match(/\d+$/gm)).toEqual(['1', '2', '1', '1', '2', '1']);
      const [, text] = await dump(file);
      expect(text).toContain(
        '\tTopic: a/1\n\tQoS: 1\n\tRetain: 0\n\tPayload Length: 5\n\tExpiry Time: 0\n\tPayload: waits\n',
      );
      expect((await dump('--client-stats', file))[1]).toMatch(/^SC: 2 SS: \d+ MC: 1 MS: \d+ {3}keeper\n$/);
    },
  );
});
