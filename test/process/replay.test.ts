import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BrokerProcess, runCauldron } from '../support/broker-process.js';
import { killAll } from '../support/running-program.js';

let broker: BrokerProcess;
let folder: string;
let count = 0;

beforeAll(async () => {
  broker = await BrokerProcess.start();
  folder = mkdtempSync(join(tmpdir(), 'cauldron-replay-'));
});

afterAll(async () => {
  await broker.stop();
  await killAll();
  rmSync(folder, { recursive: true });
});

const HEADER = { cauldron: 'recording', version: 1, startedAt: '2023-11-14T22:13:20.000Z' };

interface Line {
  readonly ms: number;
  readonly topic: string;
  readonly [field: string]: unknown;
}

function recordingOf(...lines: readonly Line[]): string {
  const file = join(folder, `recording-${++count}.jsonl`);
  writeFileSync(file, [HEADER, ...lines].map((line) => `${JSON.stringify(line)}\n`).join(''));
  return file;
}

/** The messages of a recording that `cauldron sub --record` makes while the work is done. */
async function recorded(filter: string, messages: number, work: () => Promise<void>, ending = ''): Promise<Line[]> {
  const clientId = `recorder-${++count}`;
  const file = join(folder, `${clientId}.jsonl${ending}`);
  const flags = ['-i', clientId, '-V', '5', '-q', '2', '-C', String(messages), '--retain-as-published'];
  const program = runCauldron(['sub', ...broker.flags, ...flags, '-t', filter, '--record', file]);
  await broker.hasSubscribed(clientId, filter);
  await work();
  expect(await program.ended).toMatchObject({ exitCode: 0, stderr: '' });
  if (ending !== '') return [{ ms: 0, topic: file }];
  const [header, ...lines] = readFileSync(file, 'utf8').trimEnd().split('\n');
  expect(JSON.parse(header)).toMatchObject({ cauldron: 'recording', version: 1 });
  return lines.map((line) => JSON.parse(line));
}

async function replay(...argv: readonly string[]): Promise<void> {
  const { exitCode, stderr } = await runCauldron(['replay', ...argv, ...broker.flags]).ended;
  expect([exitCode, stderr]).toEqual([0, '']);
}

const LINES: readonly Line[] = [
  { ms: 60_000, topic: 'home/a', qos: 0, payload: 'one' },
  { ms: 60_000, topic: 'home/a', qos: 1, retain: true, payload: '{"tst":1700000060,"lat":52.5}' },
  {
    ms: 60_400,
    topic: 'home/b',
    qos: 2,
    payloadBase64: '//4=',
    properties: {
      payloadFormatIndicator: 0,
      contentType: 'image/x',
      responseTopic: 'answers',
      correlationData: 'id',
      userProperties: [
        ['k', '1'],
        ['k', '2'],
      ],
    },
  },
  { ms: 60_800, topic: 'other/c', qos: 1, payload: '' },
];

const byTopic = (a: Line, b: Line) => (a.topic < b.topic ? -1 : Number(a.topic > b.topic));

const withoutTime = (lines: readonly Line[]) => lines.map(({ ms: _, ...rest }) => rest);

describe.concurrent('cauldron replay', () => {
  it('publishes what was recorded, with its properties and its timing', async () => {
    const file = recordingOf(...LINES);
    const lines = await recorded('play/#', 4, () => replay(file, '--map', '#=play/#'));
    expect(withoutTime(lines)).toEqual(withoutTime(LINES.map((line) => ({ ...line, topic: `play/${line.topic}` }))));
    // 800 ms; the machine may be late with the first one, or with the last.
    const [first, , , last] = lines.map(({ ms }) => ms);
    expect(last - first).toBeGreaterThan(400);
    expect(last - first).toBeLessThan(8_000);
  });

  it('what it plays can be recorded, packed, and played again', async () => {
    const file = recordingOf(...LINES);
    const [{ topic: packed }] = await recorded(
      'again/#',
      4,
      () => replay(file, '--speed=max', '--map=#=again/#'),
      '.gz',
    );
    const lines = await recorded('twice/#', 4, () => replay(packed, '--speed', '1000', '--map', 'again=twice'));
    // At once, so that nothing is said about the order of topics.
    expect(withoutTime(lines.toSorted(byTopic))).toEqual(
      withoutTime(LINES.map((line) => ({ ...line, topic: `twice/${line.topic}` }))),
    );
  });

  it('moves times, and takes only the topics that are asked for', async () => {
    const file = recordingOf(...LINES);
    const before = Math.floor(Date.now() / 1_000);
    const argv = [file, '--shift-time', '-t', 'home/a', '--map', 'home=now', '--speed', 'max'];
    const lines = await recorded('now/#', 2, () => replay(...argv));
    const { tst, lat } = JSON.parse(String(lines[1].payload));
    // As old as it was: not at all.
    expect(tst).toBeGreaterThanOrEqual(before);
    expect(tst).toBeLessThanOrEqual(Math.ceil(Date.now() / 1_000));
    expect([lines[0].payload, lat]).toEqual(['one', 52.5]);
  });

  it('reads the standard input, and says what older versions cannot carry', async () => {
    const input = readFileSync(recordingOf(...LINES));
    const argv = ['replay', '-', '-V', '311', '--speed', 'max', '--map', '#=old/#', ...broker.flags];
    const lines = await recorded('old/#', 4, async () => {
      const { exitCode, stderr } = await runCauldron(argv, input).ended;
      expect([exitCode, stderr]).toEqual([0, 'Warning: The properties of messages are left out: they need -V 5.\n']);
    });
    expect(lines.map(({ properties }) => properties)).toEqual([undefined, undefined, undefined, undefined]);
  });

  it('--dry-run tells what would be published, and needs no broker', async () => {
    const argv = ['replay', recordingOf(...LINES), '--dry-run', '--speed', '2', '-p', '1', '--map', 'home=x'];
    const { exitCode, stdout, stderr } = await runCauldron(argv).ended;
    expect([exitCode, stderr]).toEqual([0, '4 messages would be published.\n']);
    expect(stdout.toString()).toBe(
      '     0.000 s  x/a  QoS 0, 3 bytes\n     0.000 s  x/a  QoS 1, retained, 29 bytes\n' +
        '     0.200 s  x/b  QoS 2, 2 bytes\n     0.400 s  other/c  QoS 1, 0 bytes\n',
    );
  });

  it('--loop plays it again and again, until it is interrupted', async () => {
    const file = recordingOf(
      { ms: 0, topic: 'loop', qos: 1, payload: 'x' },
      { ms: 1, topic: 'loop', qos: 1, payload: 'y' },
    );
    const program = runCauldron(['replay', file, '--loop', ...broker.flags]);
    const argv = ['sub', ...broker.flags, '-t', 'loop', '-C', '100'];
    const { stdout } = await runCauldron(argv).ended;
    expect(stdout.toString()).toMatch(/^(?:x\n)?(y\nx\n)+(?:y\n)?$/);
    expect(await program.stop('SIGINT')).toMatchObject({ exitCode: 0, stderr: '' });
  });

  it('is interrupted while it waits', async () => {
    const file = recordingOf(
      { ms: 0, topic: 'wait/a', qos: 1, payload: 'x' },
      { ms: 3_600_000, topic: 'wait/b', qos: 1, payload: 'y' },
    );
    const argv = ['replay', file, '-d', ...broker.flags];
    const program = runCauldron(argv);
    await program.shows('received PUBACK');
    expect(await program.stop('SIGINT')).toMatchObject({ exitCode: 130, stderr: '' });
  });

  it.each([
    [[], 1, 'Which recording?'],
    [['x', 'y'], 1, "'y' is one file too many"],
    [['missing'], 3, 'missing cannot be read: ENOENT'],
    [['x', '--speed', '-1'], 1, '--speed is a number'],
    [['x', '--map', 'a'], 1, '--map is FROM=TO'],
    [['-', '--loop'], 1, '--loop needs a file'],
  ])('says what is wrong: %j', async (argv, exitCode, message) => {
    const outcome = await runCauldron(['replay', ...argv, ...broker.flags], '').ended;
    expect(outcome).toMatchObject({ exitCode, stderr: expect.stringContaining(message) });
  });

  it('ends as `cauldron pub` does when there is no broker, or it goes away', async () => {
    const file = recordingOf(
      { ms: 0, topic: 'a', qos: 1, payload: 'x' },
      { ms: 1e9, topic: 'a', qos: 1, payload: 'y' },
    );
    const nowhere = await runCauldron(['replay', file, '-h', '127.0.0.1', '-p', '1']).ended;
    expect(nowhere).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('Connection refused') });
    const other = await BrokerProcess.start();
    const program = runCauldron(['replay', file, '-d', ...other.flags]);
    await program.shows('received PUBACK');
    other.program.process.kill('SIGKILL');
    expect(await program.ended).toMatchObject({ exitCode: 7, stderr: expect.stringMatching(/^Error: /) });
    await other.stop();
  });
});
