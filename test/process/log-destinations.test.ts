import { mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BrokerProcess, runCauldron } from '../support/broker-process.js';
import { killAll } from '../support/running-program.js';

describe('a broker that logs to several places', () => {
  let folder: string;
  let path: string;
  let broker: BrokerProcess | null = null;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'cauldron-log-'));
    path = join(folder, 'broker.log');
  });

  afterEach(async () => {
    await broker?.stop();
    broker = null;
    await killAll();
    rmSync(folder, { recursive: true });
  });

  /** A client that comes and goes: three lines of the log. */
  const visit = (id: string) => runCauldron(['pub', ...flags(), '-i', id, '-t', 't', '-m', 'x']).ended;
  const flags = (): string[] => broker?.flags ?? [];

  it('has the same lines everywhere, and in topics', async () => {
    broker = await BrokerProcess.start(['log_dest stderr', `log_dest file ${path}`, 'log_dest topic']);
    const watcher = runCauldron(['sub', ...flags(), '-i', 'watcher', '-t', '$SYS/broker/log/#', '-v']);
    await broker.hasSubscribed('watcher', '$SYS/broker/log/#');
    await visit('visitor');
    await broker.hasLost('visitor');
    const line = /Client visitor \[127\.0\.0\.1:\d+\] disconnected\.\n/;
    const [, text] = await watcher.showsMatch(/\$SYS\/broker\/log\/N (Client visitor .* disconnected\.\n)/);
    expect(text).toMatch(line);
    expect(broker.program.shown).toContain(text);
    await broker.stop();
    broker = null;
    expect(readFileSync(path, 'utf8')).toContain(text);
    // What is delivered to the watcher is not news for it.
    expect(watcher.shown.match(/visitor/g)).toHaveLength(2);
  });

  it('goes on in a new file when the old one was moved away and it is told so', async () => {
    broker = await BrokerProcess.start(['log_dest stderr', `log_dest file ${path}`]);
    await visit('before');
    await broker.hasLost('before');
    renameSync(path, `${path}.1`);
    expect(await broker.reload(['log_dest stderr', `log_dest file ${path}`])).toBe(true);
    await visit('after');
    await broker.hasLost('after');
    await broker.stop();
    broker = null;
    expect(readFileSync(`${path}.1`, 'utf8')).toContain('Client before ');
    const text = readFileSync(path, 'utf8');
    expect(text).toContain('Client after ');
    expect(text).not.toContain('Client before ');
  });

  it('writes one object a line with log_format json', async () => {
    broker = await BrokerProcess.start(['log_dest stderr', `log_dest file ${path}`]);
    await broker.reload(['log_dest stderr', `log_dest file ${path}`, 'log_format json', 'log_timestamp true']);
    await visit('visitor');
    await broker.program.showsMatch(/"message":"Client visitor .* disconnected\."/);
    await broker.stop();
    broker = null;
    const objects = readFileSync(path, 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line));
    const of = (start: string) => objects.find(({ message }) => message.startsWith(start));
    const address = expect.stringMatching(/^127\.0\.0\.1:\d+$/);
    const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(of('New client connected')).toMatchObject({ time, type: 'notice', client: 'visitor', address });
    const reason = 'disconnected by client';
    expect(of('Client visitor')).toMatchObject({ time, type: 'notice', client: 'visitor', address, reason });
  });
});
