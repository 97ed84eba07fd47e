import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { killAll, type Outcome, RunningProgram } from '../support/running-program.js';

const BIN = fileURLToPath(new URL('../../bin/', import.meta.url));

let folder: string;
const at = (name: string): string => join(folder, name);

function run(program: string, ...argv: readonly string[]): Promise<Outcome> {
  const { npm_lifecycle_event: _, ...env } = process.env;
  const environment = { ...env, XDG_RUNTIME_DIR: folder };
  return new RunningProgram(process.execPath, [join(BIN, program), ...argv], '', environment).ended;
}

function configure(...lines: readonly string[]): string {
  writeFileSync(at('test.conf'), ['log_timestamp false', `pid_file ${at('pid')}`, ...lines, ''].join('\n'));
  return at('test.conf');
}

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cauldron-background-'));
});

afterEach(async () => {
  await killAll();
  if (existsSync(at('pid'))) process.kill(Number(readFileSync(at('pid'), 'utf8')), 'SIGKILL');
  rmSync(folder, { recursive: true });
});

describe('in the background', () => {
  it.each(['cauldron.js', 'compat/mosquitto'])('%s runs when the command is over', async (program) => {
    const file = configure('listener 0 127.0.0.1', `log_dest file ${at('log')}`);
    const argv = ['-c', file, '-d'];
    const { exitCode, stderr, stdout } = await run(
      program,
      ...(program === 'cauldron.js' ? ['broker', ...argv] : argv),
    );
    expect([exitCode, stderr, stdout.toString()]).toEqual([0, '', '']);
    await expect.poll(() => readFileSync(at('log'), 'utf8')).toMatch(/ running\n/);
    const pid = Number(readFileSync(at('pid'), 'utf8'));
    process.kill(pid, 'SIGTERM');
    while (isThere(pid)) await new Promise((resolve) => setTimeout(resolve, 10));
    await expect.poll(() => readFileSync(at('log'), 'utf8')).toMatch(/ terminating\n$/);
    expect(existsSync(at('pid'))).toBe(false);
  });

  it('warns that a log to the terminal goes nowhere', async () => {
    const { exitCode, stderr } = await run('cauldron.js', 'broker', '-c', configure('listener 0 127.0.0.1'), '-d');
    expect([exitCode, stderr]).toEqual([
      0,
      "Warning: In the background, log_dest stderr goes nowhere. 'log_dest syslog' or 'log_dest file PATH' keeps the log.\n",
    ]);
  });

  it('is where nothing stays that could not start, and the command says why', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    try {
      const address = other.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      const file = configure(`listener ${port} 127.0.0.1`, 'log_dest none');
      const { exitCode, stderr } = await run('cauldron.js', 'broker', '-c', file, '-d');
      expect([exitCode, stderr]).toEqual([1, expect.stringMatching(`^Error: Port ${port} on 127.0.0.1 is in use, `)]);
      expect(existsSync(at('pid'))).toBe(false);
    } finally {
      other.close();
    }
  });

  it('is not reached with a configuration that is wrong', async () => {
    const { exitCode, stderr } = await run('cauldron.js', 'broker', '-c', configure('max_qos 9'), '-d');
    expect([exitCode, stderr]).toEqual([3, expect.stringContaining(':3: max_qos must be')]);
  });
});
