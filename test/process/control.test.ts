import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BrokerProcess } from '../support/broker-process.js';
import { killAll, type Outcome, RunningProgram } from '../support/running-program.js';

const BIN = fileURLToPath(new URL('../../bin/', import.meta.url));

let folder: string;
let environment: NodeJS.ProcessEnv;
const at = (name: string): string => join(folder, name);

function program(name: string, ...argv: readonly string[]): RunningProgram {
  return new RunningProgram(process.execPath, [join(BIN, name), ...argv], '', environment);
}

async function cauldron(...argv: readonly string[]): Promise<Outcome & { readonly text: string }> {
  const outcome = await program('cauldron.js', ...argv).ended;
  return { ...outcome, text: outcome.stdout.toString() };
}

function write(...lines: readonly string[]): void {
  writeFileSync(at('test.conf'), ['listener 0 127.0.0.1', 'allow_anonymous true', ...lines, ''].join('\n'));
}

/** A broker on that configuration that can be asked for things. */
async function start(...lines: readonly string[]): Promise<RunningProgram> {
  write('log_timestamp false', ...lines);
  const broker = program('cauldron.js', 'broker', '-c', at('test.conf'));
  await broker.shows(' running\n');
  const socket = `${broker.process.pid}.sock`;
  // It opens right after that line.
  while (!list(at('cauldron')).includes(socket)) await new Promise(setImmediate);
  return broker;
}

function list(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cauldron-asked-'));
  const { npm_lifecycle_event: _, ...env } = process.env;
  environment = { ...env, XDG_RUNTIME_DIR: folder };
});

afterEach(async () => {
  await killAll();
  rmSync(folder, { recursive: true });
});

describe('cauldron reload', () => {
  it('says what has changed, and what waits for the next start', async () => {
    const broker = await start();
    write('log_timestamp false', 'max_qos 1', `pid_file ${at('pid')}`);
    const { exitCode, text } = await cauldron('reload', '--pid', String(broker.process.pid));
    expect([exitCode, text]).toEqual([
      0,
      `Configuration reloaded.
  pid_file is ${at('pid')}, it was none
  listener 0 127.0.0.1: max_qos is 1, it was 2
Takes effect at the next start: pid_file.
`,
    ]);
    const again = await cauldron('reload', '-c', at('test.conf'));
    expect(again.text).toBe(
      `Configuration reloaded. What it says is the same; files that it names were read again.
Takes effect at the next start: pid_file.
`,
    );
  });

  it('says why a configuration was refused, and ends with 1', async () => {
    const broker = await start();
    write('max_qos 7', 'nonsense true');
    const { exitCode, stderr } = await cauldron('reload', '--pid', String(broker.process.pid));
    expect(exitCode).toBe(1);
    expect(stderr).toBe(
      `Error: ${at('test.conf')}:3: max_qos must be a whole number from 0 to 2, not '7'.\nError: ${at('test.conf')}:4: 'nonsense' is not an option.\n`,
    );
    await broker.shows('everything goes on as before');
  });

  it('finds a broker by the pid_file of its configuration, or by the configuration itself', async () => {
    const [named] = [await start(`pid_file ${at('pid')}`)];
    expect((await cauldron('reload', '-c', at('test.conf'))).exitCode).toBe(0);
    await named.shows('Configuration reloaded.');
    expect(readFileSync(at('pid'), 'utf8')).toBe(`${named.process.pid}\n`);
  });

  it('does not guess: it lists the brokers that run when several are meant, or none of them', async () => {
    const one = await start();
    const other = await start();
    const several = await cauldron('reload', '-c', at('test.conf'));
    expect(several.exitCode).toBe(1);
    expect(several.stderr).toContain('Several brokers run: name one by --pid.');
    for (const { process: child } of [one, other])
      expect(several.stderr).toContain(`process ${child.pid} on 127.0.0.1:`);
    writeFileSync(at('else.conf'), 'listener 0 127.0.0.1\n');
    const none = await cauldron('reload', '-c', at('else.conf'));
    expect([none.exitCode, none.stderr]).toEqual([1, expect.stringContaining('only these could be')]);
  });
});

describe('cauldron status', () => {
  it('tells what runs', async () => {
    const broker = await start();
    const { exitCode, text } = await cauldron('status', '--pid', String(broker.process.pid));
    expect(exitCode).toBe(0);
    expect(text).toMatch(
      new RegExp(
        `^process ${broker.process.pid} on 127\\.0\\.0\\.1:\\d+, configured by ${at('test.conf')}: cauldron version \\S+, up \\d+ s, 0 clients connected, 0 sessions\n$`,
      ),
    );
    await broker.stop();
    expect((await cauldron('status', '--pid', String(broker.process.pid))).exitCode).toBe(1);
    expect(list(at('cauldron'))).toEqual([]);
  });
});

describe('cauldron signal', () => {
  it('has log files opened again', async () => {
    const broker = await start(`log_dest file ${at('log')}`, 'log_dest stdout');
    renameSync(at('log'), at('log.1'));
    expect((await cauldron('signal', '-p', String(broker.process.pid), 'log-rotate')).exitCode).toBe(0);
    await broker.stop();
    expect(readFileSync(at('log.1'), 'utf8')).toMatch(/Opening log files again\.\n$/);
    expect(readFileSync(at('log'), 'utf8')).toMatch(/^cauldron version \S+ terminating\n$/);
  });

  it('prints the trees where it was called, and reloads, under its other name too', async () => {
    const broker = await start();
    const pid = String(broker.process.pid);
    const tree = await cauldron('signal', '-p', pid, 'tree-print');
    expect(tree.text).toMatch(/^Subscriptions:\n[\s\S]*Retained messages:\n/);
    const { exitCode, stdout } = await program('compat/mosquitto_signal', '-p', pid, 'config-reload').ended;
    expect([exitCode, stdout.toString()]).toEqual([0, expect.stringMatching(/^Configuration reloaded/)]);
  });

  it('stops a broker', async () => {
    const broker = await start();
    expect((await cauldron('signal', '-p', String(broker.process.pid), 'shutdown')).exitCode).toBe(0);
    expect((await broker.ended).exitCode).toBe(0);
  });

  it('sends the signal itself where there is no control socket', async () => {
    const broker = await start();
    environment = { ...environment, XDG_RUNTIME_DIR: at('nowhere'), TMPDIR: folder };
    expect((await cauldron('signal', '-p', String(broker.process.pid), 'config-reload')).exitCode).toBe(0);
    await broker.shows('Configuration reloaded.');
  });

  it.each([
    [['-p', '1', 'xtreport'], 'which this broker does not have'],
    [['-p', '1', 'jump'], "'jump' is none of config-reload"],
    [['-p', '1'], 'What is to be done?'],
    [['shutdown'], 'One of -a and -p has to be given'],
    [['-a', '-p', '1', 'shutdown'], 'One of -a and -p has to be given'],
    [['-p', '0', 'shutdown'], '-p is a whole number from 1'],
  ])('refuses %j', async (argv, message) => {
    const { exitCode, stderr } = await cauldron('signal', ...argv);
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining(message)]);
  });
});

describe('signals', () => {
  it('SIGUSR1 saves, and SIGUSR2 prints the trees to the standard output', async () => {
    const broker = await BrokerProcess.start(['persistence true', `persistence_location ${at('data')}`]);
    broker.program.process.kill('SIGUSR1');
    await broker.program.shows(`Saving in-memory database to ${at('data')}.`);
    broker.program.process.kill('SIGUSR2');
    await broker.program.showsMatch(/^Subscriptions:\n[\s\S]*^Retained messages:\n/m);
    await broker.stop();
  });

  it('SIGUSR1 says that there is nothing to save without persistence', async () => {
    const broker = await BrokerProcess.start();
    broker.program.process.kill('SIGUSR1');
    await broker.program.shows('There is nothing to save');
    expect(broker.program.shown).not.toContain('Debugger listening');
    await broker.stop();
  });
});
