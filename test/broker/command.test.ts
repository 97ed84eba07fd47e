import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const COMMAND = fileURLToPath(new URL('../../bin/cauldron.js', import.meta.url));

/** `cauldron broker` in a process of its own, as a person starts it. */
class Running {
  output = '';
  readonly process: ChildProcess;
  readonly exited: Promise<number | null>;
  #changed: () => void = () => {};

  constructor(...argv: string[]) {
    const { npm_lifecycle_event: _, ...env } = process.env;
    this.process = spawn(process.execPath, [COMMAND, 'broker', ...argv], { env });
    for (const stream of [this.process.stdout, this.process.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.output += chunk.toString();
        this.#changed();
      });
    }
    // `close`, not `exit`: then the output is complete.
    this.exited = once(this.process, 'close').then(([code]) => code as number | null);
    void this.exited.then(() => this.#changed());
  }

  async said(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = pattern.exec(this.output);
      if (found !== null) return found;
      if (this.process.exitCode !== null) throw new Error(`ended without saying ${pattern}: ${this.output}`);
      await new Promise<void>((resolve) => {
        this.#changed = resolve;
      });
    }
  }
}

let folder: string;
let running: Running[] = [];

function start(...argv: string[]): Running {
  const started = new Running(...argv);
  running.push(started);
  return started;
}

function configFile(...lines: string[]): string {
  const file = join(folder, 'test.conf');
  writeFileSync(file, `${lines.join('\n')}\n`);
  return file;
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cauldron-command-'));
});

afterEach(async () => {
  for (const { process: child } of running) child.kill('SIGKILL');
  await Promise.all(running.map(({ exited }) => exited));
  running = [];
  rmSync(folder, { recursive: true });
});

describe('cauldron broker', () => {
  it('says what it does while it starts, as Mosquitto does', async () => {
    const file = configFile('listener 0 127.0.0.1');
    const broker = start('-c', file);
    await broker.said(/running\n/);
    expect(broker.output.replace(/^\d+: /gm, '').split('\n')).toEqual([
      expect.stringMatching(/^cauldron version \d+\.\d+\.\d+ starting$/),
      `Config loaded from ${file}.`,
      'Opening ipv4 listen socket on port 0.',
      expect.stringMatching(/^Listening on 127\.0\.0\.1:\d+\.$/),
      expect.stringMatching(/^cauldron version \d+\.\d+\.\d+ running$/),
      '',
    ]);
  });

  it.each(['SIGINT', 'SIGTERM'] as const)('stops cleanly at %s and removes its pid_file', async (signal) => {
    const pidFile = join(folder, 'pid');
    const broker = start('-c', configFile('listener 0 127.0.0.1', `pid_file ${pidFile}`));
    await broker.said(/running\n/);
    expect(readFileSync(pidFile, 'utf8')).toBe(`${broker.process.pid}\n`);
    broker.process.kill(signal);
    expect(await broker.exited).toBe(0);
    expect(broker.output).toMatch(/terminating\n$/);
    expect(existsSync(pidFile)).toBe(false);
  });

  it('reads its configuration again at SIGHUP, and keeps the old one when the new one has a fault', async () => {
    const file = configFile('listener 0 127.0.0.1', 'log_timestamp true');
    const broker = start('-c', file);
    await broker.said(/running\n/);
    configFile('listener 0 127.0.0.1', 'max_qos 9');
    broker.process.kill('SIGHUP');
    await broker.said(/Error: \S+test\.conf:2: max_qos must be/);
    await broker.said(/was not reloaded/);
    configFile('listener 0 127.0.0.1', 'log_timestamp false');
    broker.process.kill('SIGHUP');
    await broker.said(/^Configuration reloaded/m);
  });

  it('says in one line that a port is in use, and ends with 1', async () => {
    const first = start('-c', configFile('listener 0 127.0.0.1', 'allow_anonymous true', 'log_type all'));
    await first.said(/running\n/);
    const port = await portOf(first);
    const second = start('-p', String(port));
    expect(await second.exited).toBe(1);
    const lines = second.output.split('\n').filter((line) => line.includes('Error'));
    expect(lines).toEqual([expect.stringContaining(`Port ${port} on 127.0.0.1 is in use`)]);
  });

  it('says that -p does not count when the configuration has a listener', async () => {
    const broker = start('-c', configFile('listener 0 127.0.0.1'), '-p', '1');
    await broker.said(/Warning: -p 1 does not count, because \S+test\.conf has a listener/);
  });

  it('ends with 3 and names the fault when the configuration is wrong', async () => {
    const broker = start('-c', configFile('alow_anonymous true'));
    expect(await broker.exited).toBe(3);
    expect(broker.output).toMatch(
      /^Error: \S+test\.conf:1: 'alow_anonymous' is not an option\. Did you mean 'allow_anonymous'\?\n$/,
    );
  });

  it('ends with 3 when the command line is wrong', async () => {
    for (const argv of [['--bogus'], ['-p', 'x'], ['-v', '-q']]) {
      const broker = start(...argv);
      expect(await broker.exited).toBe(3);
      expect(broker.output).toMatch(/^Error: .*\n'cauldron broker --help' shows what can be given\.\n$/);
    }
  });

  it('checks a configuration without starting', async () => {
    const good = start('-c', configFile('listener 0 127.0.0.1'), '--test-config');
    expect(await good.exited).toBe(0);
    const bad = start('-c', configFile('max_qos 9'), '--test-config');
    expect(await bad.exited).toBe(3);
  });

  it('shows examples before flags in its help', async () => {
    const broker = start('--help');
    expect(await broker.exited).toBe(0);
    expect(broker.output).toMatch(/Examples:[\s\S]*--config-file FILE[\s\S]*--test-config/);
  });

  it('is quiet with -q', async () => {
    const pidFile = join(folder, 'pid');
    const broker = start('-q', '-c', configFile('listener 0 127.0.0.1', `pid_file ${pidFile}`));
    while (!existsSync(pidFile)) await new Promise(setImmediate);
    broker.process.kill('SIGTERM');
    expect(await broker.exited).toBe(0);
    expect(broker.output).toBe('');
  });

  it('logs packets with -v', async () => {
    const broker = start('-v', '-c', configFile('listener 0 127.0.0.1', 'allow_anonymous true', 'log_type error'));
    await broker.said(/running\n/);
    const socket = connect(await portOf(broker), '127.0.0.1');
    socket.write(Buffer.from('100e00044d5154540402000000026162c000', 'hex'));
    await broker.said(/Sending PINGRESP to ab/);
    socket.destroy();
  });
});

/** The port that the system chose for port 0. */
async function portOf(broker: Running): Promise<number> {
  return Number((await broker.said(/Listening on 127\.0\.0\.1:(\d+)/))[1]);
}
