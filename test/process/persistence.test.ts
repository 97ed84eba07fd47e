import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BrokerProcess, runCauldron } from '../support/broker-process.js';
import { killAll } from '../support/running-program.js';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cauldron-persistence-'));
});

afterEach(async () => {
  await killAll();
  rmSync(folder, { recursive: true });
});

function start(flags: readonly string[] = [], location = folder): Promise<BrokerProcess> {
  return BrokerProcess.start(['persistence true', `persistence_location ${location}`], flags);
}

async function run(...argv: string[]): Promise<string> {
  const { stdout, stderr, exitCode } = await runCauldron(argv, '').ended;
  expect([stderr, exitCode]).toEqual(['', 0]);
  return stdout.toString();
}

/** A configuration with the store in `location`, for a start that is to fail. */
function configFile(location: string): string {
  const file = join(folder, 'test.conf');
  const lines = [
    'listener 0 127.0.0.1',
    'allow_anonymous true',
    'persistence true',
    `persistence_location ${location}`,
  ];
  writeFileSync(file, `${lines.join('\n')}\n`);
  return file;
}

/** As after a commit that took one more page and had no use for it: both pages that say where everything is count it. */
function countOnePageMore(file: string): void {
  const bytes = readFileSync(file);
  for (const page of [0, 4096]) {
    const at = page + 24 + 120;
    bytes.writeBigUInt64LE(bytes.readBigUInt64LE(at) + 1n, at);
  }
  writeFileSync(file, bytes);
}

describe('with persistence, a broker', () => {
  it('has after SIGKILL what it acknowledged before, and says so', async () => {
    const first = await start();
    const subscribing = ['sub', ...first.flags, '-i', 'reader', '-c', '-q', '1', '-t', 'a/#'];
    await run(...subscribing, '-E');
    for (const text of ['one', 'two']) await run('pub', ...first.flags, '-q', '1', '-t', 'a/b', '-m', text);
    await run('pub', ...first.flags, '-q', '1', '-r', '-t', 'kept', '-m', 'still here');
    await first.program.stop('SIGKILL');

    const second = await start();
    expect(second.program.shown).toContain(`Sessions and messages are kept in ${folder}.\n`);
    expect(second.program.shown).toMatch(/^Loaded: 1 retained message, 1 session, in \d+\.\d s\.$/m);
    const flags = [...second.flags, '-i', 'reader', '-c', '-q', '1', '-t', 'kept'];
    expect((await run('sub', ...flags, '-C', '3')).trim().split('\n').sort()).toEqual(['one', 'still here', 'two']);
    await first.stop();
    await second.stop();
  });

  it('makes its folder, for its user alone', async () => {
    const location = join(folder, 'not', 'there');
    const broker = await start([], location);
    expect(existsSync(join(location, 'data'))).toBe(true);
    expect(statSync(location).mode & 0o777).toBe(0o700);
    await broker.stop();
  });

  it('does not start in a folder that another one works in, and names it', async () => {
    const first = await start();
    const second = await runCauldron(['broker', '-c', configFile(folder)], '').ended;
    expect(second.exitCode).toBe(1);
    const { pid } = first.program.process;
    expect(second.stderr).toContain(`Error: ${folder} is in use by another broker (process ${pid})`);
    await first.stop();
  });

  it('does not start where its folder cannot be made, and says why', async () => {
    const location = join(folder, 'file', 'data');
    writeFileSync(join(folder, 'file'), '');
    const { stderr, exitCode } = await runCauldron(['broker', '-c', configFile(location)], '').ended;
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(
      /^\d+: Error: The folder of the store cannot be made: .*ENOTDIR.*See persistence_location\.$/m,
    );
  });

  it('moves a file aside that is no store, and goes on', async () => {
    writeFileSync(join(folder, 'data'), 'this is something else');
    const broker = await start();
    expect(broker.program.shown).toMatch(/^Warning: The store .* is not good: .*kept as data\.damaged-/m);
    expect(readdirSync(folder).filter((name) => name.startsWith('data.damaged-'))).toHaveLength(1);
    await broker.stop();
  });

  it('goes on with a file that lacks a page at its end which LMDB took and never wrote', async () => {
    const first = await start();
    await run('pub', ...first.flags, '-q', '1', '-r', '-t', 'kept', '-m', 'still here');
    await first.stop();
    countOnePageMore(join(folder, 'data'));
    expect(await run('store', 'check', folder)).toMatch(/^All is well/);
    const second = await start(['--strict-store']);
    expect(second.program.shown).not.toContain('Warning');
    expect(await run('sub', ...second.flags, '-t', 'kept', '-C', '1')).toBe('still here\n');
    await second.stop();
  });

  it('moves a file aside whose end is gone, and says how long it should be', async () => {
    const first = await start();
    await run('pub', ...first.flags, '-q', '1', '-r', '-t', 'kept', '-m', 'x'.repeat(20_000));
    await first.stop();
    const { size } = statSync(join(folder, 'data'));
    truncateSync(join(folder, 'data'), 4096 * 3);
    const second = await start();
    expect(second.program.shown).toContain(`is not good: it has 12288 bytes and should have ${size}. It is kept as`);
    await second.stop();
  });

  it('has queues in their order after it has saved them from a damaged file', async () => {
    const first = await start();
    const flags = ['-i', 'reader', '-c', '-q', '1', '-t', 'a'];
    await run('sub', ...first.flags, ...flags, '-E');
    const publish = async (broker: BrokerProcess, text: string): Promise<string> =>
      run('pub', ...broker.flags, '-q', '1', '-t', 'a', '-m', text);
    for (const text of ['1', '2', '3']) await publish(first, text);
    await run('pub', ...first.flags, '-q', '1', '-r', '-t', 'kept', '-m', 'x'.repeat(40_000));
    await first.program.stop('SIGKILL');
    // In the middle of the large message, which lies at the end.
    truncateSync(join(folder, 'data'), statSync(join(folder, 'data')).size - 4 * 4096);

    const second = await start();
    expect(second.program.shown).toMatch(/^Warning: Saved from it: .* and 3 messages, /m);
    for (const text of ['4', '5', '6']) await publish(second, text);
    expect(await run('sub', ...second.flags, ...flags, '-C', '6')).toBe('1\n2\n3\n4\n5\n6\n');
    await first.stop();
    await second.stop();
  });

  it('does not start with such a file when --strict-store is given, and leaves it alone', async () => {
    writeFileSync(join(folder, 'data'), 'this is something else');
    const argv = ['broker', '-c', configFile(folder), '--strict-store'];
    const { stderr, exitCode } = await runCauldron(argv, '').ended;
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/Error: The store .*data is not good: .*--strict-store/);
    expect(readdirSync(folder).sort()).toEqual(['data', 'test.conf']);
  });

  it("says how to take over Mosquitto's data, as long as it has none of its own", async () => {
    const file = join(folder, 'mosquitto.db');
    writeFileSync(file, '');
    const hint = `cauldron store import ${file} --dir ${folder}`;
    const first = await start();
    expect(first.program.shown).toContain(hint);
    await first.stop();
    const second = await start();
    expect(second.program.shown).not.toContain('cauldron store import');
    await second.stop();
  });
});

describe('without persistence, a broker', () => {
  it('writes nothing', async () => {
    const broker = await BrokerProcess.start([`persistence_location ${folder}`]);
    await run('pub', ...broker.flags, '-q', '1', '-r', '-t', 'kept', '-m', 'gone soon');
    await broker.stop();
    expect(readdirSync(folder)).toEqual([]);
  });
});
