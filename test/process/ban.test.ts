import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { killAll, RunningProgram } from '../support/running-program.js';

const BIN = fileURLToPath(new URL('../../bin/cauldron.js', import.meta.url));

/** `right`, as mosquitto_passwd writes it. */
const PASSWORDS =
  'fred:$6$THLLFJMoXaCtxt6E$4jAEe2HfLpHc1cBHmVrv5wUBaHlrTOW44RF32Em2cDgh6SbFbcwIuUb16EqnXNQncBvj/q87jZ6Du7jJfEHTQQ==\n';

let folder: string;
let environment: NodeJS.ProcessEnv;

function program(...argv: readonly string[]): RunningProgram {
  return new RunningProgram(process.execPath, [BIN, ...argv], '', environment);
}

async function cauldron(...argv: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await program(...argv).ended;
  return `${exitCode} ${stdout.toString()}${stderr.toString()}`.trimEnd();
}

/** Asks the broker of this test, whichever others run. */
function asking(...argv: readonly string[]): Promise<string> {
  return cauldron(...argv, '-c', join(folder, 'test.conf'));
}

async function start(...lines: readonly string[]): Promise<{ broker: RunningProgram; port: string }> {
  const all = ['listener 0 127.0.0.1', 'allow_anonymous true', 'log_timestamp false', ...lines, ''];
  writeFileSync(join(folder, 'test.conf'), all.join('\n').replaceAll('{folder}', folder));
  writeFileSync(join(folder, 'passwords'), PASSWORDS);
  const broker = program('broker', '-c', join(folder, 'test.conf'));
  await broker.shows(' running\n');
  const socket = `${broker.process.pid}.sock`;
  const list = () => {
    try {
      return readdirSync(join(folder, 'cauldron'));
    } catch {
      return [];
    }
  };
  // It opens right after that line.
  while (!list().includes(socket)) await new Promise(setImmediate);
  const [, port] = await broker.showsMatch(/Listening on 127\.0\.0\.1:(\d+)/);
  return { broker, port };
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cauldron-ban-'));
  const { npm_lifecycle_event: _, ...env } = process.env;
  environment = { ...env, XDG_RUNTIME_DIR: folder };
});

afterEach(async () => {
  await killAll();
  rmSync(folder, { recursive: true });
});

describe('cauldron ban', () => {
  it('ends connections at once, keeps clients out after a restart, and lets them in again', async () => {
    const { broker, port } = await start('bans_file {folder}/bans.json');
    const publish = (at: string) => cauldron('pub', '-h', '127.0.0.1', '-p', at, '-i', 'eve', '-t', 't', '-m', 'x');
    program('sub', '-h', '127.0.0.1', '-p', port, '-i', 'eve', '-t', 't');
    await broker.shows(' as eve ');
    expect(await asking('ban', 'list')).toBe('0 Nobody is banned.');
    const added = await asking('ban', 'add', '--client', 'eve', '--reason', 'a test', '--for', '1h');
    expect(added).toBe('0 Banned. Connections that were ended by it: 1.');
    await broker.shows("client id 'eve' is banned: a test");
    await broker.stop();
    await killAll();

    const again = await start('bans_file {folder}/bans.json');
    expect(await publish(again.port)).toMatch(/^[1-9]/);
    expect(await asking('ban', 'list')).toMatch(/^0 client id 'eve' until \d{4}-.*Z: a test$/);
    expect(await asking('ban', 'remove', '--client', 'eve')).toBe('0 No longer banned.');
    expect(await publish(again.port)).toBe('0');
  });

  it('says what is wrong with what it was asked', async () => {
    await start();
    expect(await asking('ban', 'remove', '--user', 'eve')).toBe("1 Error: There is no ban of user 'eve'.");
    expect(await asking('ban', 'add', '--address', 'here')).toContain("1 Error: 'here' is no address or network");
    expect(await asking('ban', 'add')).toContain('1 Error: Say who is meant');
    expect(await asking('ban', 'add', '--user', 'a', '--client', 'b')).toContain('1 Error: Say who is meant');
    expect(await asking('ban', 'add', '--user', 'a', '--for', '0h')).toContain('1 Error: --for takes a number');
    expect(await asking('ban', 'exile', '--user', 'a')).toContain("1 Error: 'exile' is none of add, remove, list.");
  });
});

describe('cauldron lockouts', () => {
  it('shows who has to wait, and lifts it', async () => {
    const { port } = await start(
      'password_file {folder}/passwords',
      'auth_lockout_failures 2',
      'auth_lockout_seconds 1000',
      'abuse_exempt none',
    );
    const publish = (password: string) =>
      cauldron('pub', '-h', '127.0.0.1', '-p', port, '-u', 'fred', '-P', password, '-t', 't', '-m', 'x');
    expect(await asking('lockouts')).toBe('0 Nobody has to wait.');
    for (const password of ['one', 'two', 'right']) expect(await publish(password)).toMatch(/^[1-9]/);
    expect(await asking('lockouts')).toMatch(/^0 address 127\.0\.0\.1: 2 failed logins, \d+ s left$/);
    expect(await asking('lockouts', 'lift', '127.0.0.1')).toBe('0 Lock-outs that were lifted: 1.');
    expect(await publish('right')).toBe('0');
    expect(await asking('lockouts', 'life')).toContain("1 Error: 'life' is not lift.");
  });
});
