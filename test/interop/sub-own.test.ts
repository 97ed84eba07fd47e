import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Client, connect, type PublishOptions } from '@cauldron/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BrokerProcess, runCauldron } from '../support/broker-process.js';
import { freePort } from '../support/free-port.js';
import { killAll } from '../support/running-program.js';

type Publication = readonly [topic: string, payload: string | Uint8Array, options?: PublishOptions];

describe.concurrent('cauldron sub, beyond mosquitto_sub', () => {
  let broker: BrokerProcess;
  let publisher: Client;
  let folder: string;
  let count = 0;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'cauldron-sub-'));
    broker = await BrokerProcess.start();
    publisher = await connect(`mqtt://127.0.0.1:${broker.port}`, { clientId: 'publisher' });
  });

  afterAll(async () => {
    await publisher.disconnect();
    await broker.stop();
    await killAll();
    rmSync(folder, { recursive: true });
  });

  /** What it prints when these are published, below a topic of its own. It ends by -C. */
  async function printed(flags: readonly string[], all: readonly Publication[]) {
    const base = `own/${++count}`;
    const id = `own-${count}`;
    const program = runCauldron(['sub', ...broker.flags, '-i', id, '-t', `${base}/#`, ...flags]);
    await broker.hasSubscribed(id, `${base}/#`);
    for (const [topic, payload, options] of all) await publisher.publish(`${base}/${topic}`, payload, options);
    const { stdout, stderr, exitCode } = await program.ended;
    return { stdout: stdout.toString().replaceAll(`${base}/`, ''), stderr, exitCode };
  }

  const done = (stdout: string) => ({ stdout, stderr: '', exitCode: 0 });

  it('--changes counts and prints what is new only', async () => {
    const all: Publication[] = [
      ['a', '1'],
      ['a', '1'],
      ['b', '1'],
      ['a', '2'],
    ];
    expect(await printed(['-v', '--changes', '-C', '3'], all)).toEqual(done('a 1\nb 1\na 2\n'));
  });

  it('--since leaves out what says that it is old', async () => {
    const tst = (secondsAgo: number) => `{"tst":${Math.floor(Date.now() / 1_000) - secondsAgo}}`;
    const now = tst(10);
    const all: Publication[] = [
      ['a', tst(10_000)],
      ['b', now],
      ['c', 'x'],
    ];
    expect(await printed(['-v', '--since', '1h', '-C', '2'], all)).toEqual(done(`b ${now}\nc x\n`));
  });

  it('--count and --stats tell at the end', async () => {
    const all: Publication[] = [
      ['a', '1'],
      ['b', '1'],
      ['b', '1'],
    ];
    expect(await printed(['--count', '-C', '3'], all)).toEqual(done('2 b\n1 a\n'));
    const { stdout, exitCode } = await printed(['--stats', '-C', '3'], all);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^messages +3 in [\d.]+ s, [\d.]+ a second\n[\s\S]*topics +2\n/);
  });

  it('--stats shows no table when there is no broker', async () => {
    const argv = ['sub', '-h', '127.0.0.1', '-p', String(await freePort()), '-t', 'x', '--stats'];
    const { stdout, exitCode } = await runCauldron(argv).ended;
    expect([stdout.toString(), exitCode]).toEqual(['', 1]);
  });

  it('--decode shows payloads as text, whatever the format', async () => {
    const cbor: Publication[] = [['a', Uint8Array.of(0xa1, 0x61, 0x61, 0x01)]];
    expect(await printed(['-v', '--decode', 'cbor', '-C', '1'], cbor)).toEqual(done('a {"a": 1}\n'));
    expect(await printed(['-F', '%p|%x', '--decode', 'cbor', '-C', '1'], cbor)).toEqual(done('{"a": 1}|a1616101\n'));
    expect(await printed(['-F', '%p', '--decode', 'cbor', '--pretty', '-C', '1'], cbor)).toEqual(
      done('{\n  "a": 1\n}\n'),
    );
  });

  it('has colours in a pipe only when they are asked for', async () => {
    const all: Publication[] = [['a', 'x']];
    expect(await printed(['-v', '-C', '1'], all)).toEqual(done('a x\n'));
    const { stdout } = await printed(['-v', '--color', 'always', '-C', '1'], all);
    expect(stdout.replaceAll('\u001b', 'ESC')).toMatch(/^ESC\[\d+ma?.*ESC\[0m x\n$/);
  });

  it('--record writes what is printed, and more', async () => {
    const file = join(folder, 'recording');
    const all: Publication[] = [
      ['a', 'x', { qos: 1 }],
      ['b', Uint8Array.of(0xff)],
    ];
    expect(await printed(['-v', '-q', '1', '--record', file, '-T', 'other', '-C', '2'], all)).toMatchObject({
      exitCode: 0,
    });
    const [, first, second] = readFileSync(file, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect([first.topic.split('/').at(-1), first.payload, first.qos]).toEqual(['a', 'x', 1]);
    expect([second.payloadBase64, second.qos]).toEqual(['/w==', 0]);
    const again = await runCauldron(['sub', ...broker.flags, '-t', 'x', '--record', file]).ended;
    expect([again.exitCode, again.stderr]).toEqual([1, expect.stringContaining('is there already')]);
  });

  it('--record - is the recording alone', async () => {
    const { stdout } = await printed(['--record', '-', '-C', '1'], [['a', 'x']]);
    expect(
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toMatchObject([{ cauldron: 'recording' }, { topic: 'a', payload: 'x' }]);
  });

  it.each([
    [['--since', 'yesterday'], '--since is 10m'],
    [['--tree'], '--tree needs a terminal'],
    [['--count', '--stats'], '--count and --stats cannot be used together'],
    [['--decode', 'yaml'], "There is no decoder 'yaml'"],
    [['--color', 'sometimes'], '--color is one of auto, always, never'],
  ])('%j is refused', async (flags, text) => {
    const { exitCode, stderr } = await runCauldron(['sub', ...broker.flags, '-t', 'x', ...flags]).ended;
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining(text)]);
  });
});
