import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from '@cauldron/client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BrokerProcess, runCauldron } from '../support/broker-process.js';
import { killAll } from '../support/running-program.js';

let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cauldron-ctrl-'));
  file = join(folder, 'dynamic-security.json');
});

afterEach(async () => {
  await killAll();
  rmSync(folder, { recursive: true });
});

interface Said {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number | null;
}

async function ctrl(words: readonly string[], input = ''): Promise<Said> {
  const { stdout, stderr, exitCode } = await runCauldron(['ctrl', ...words], input).ended;
  return { stdout: stdout.toString(), stderr, exitCode };
}

const done = (stdout = ''): Said => ({ stdout, stderr: '', exitCode: 0 });

function start(...more: readonly string[]): Promise<BrokerProcess> {
  return BrokerProcess.start([
    'allow_anonymous false',
    'plugin /anywhere/mosquitto_dynamic_security.so',
    `plugin_opt_config_file ${file}`,
    ...more,
  ]);
}

async function startWithAdmin(...more: readonly string[]): Promise<{ broker: BrokerProcess; admin: string[] }> {
  expect(await ctrl(['dynsec', 'init', file, 'admin', 'secret of admin'])).toMatchObject({ stderr: '', exitCode: 0 });
  const broker = await start(...more);
  return { broker, admin: [...broker.flags, '-u', 'admin', '-P', 'secret of admin'] };
}

describe('dynamic security', () => {
  it('begins with passwords in a file beside its own', async () => {
    const broker = await start();
    const [, password] = /^admin (\S+)$/m.exec(readFileSync(`${file}.pw`, 'utf8')) ?? [];
    expect(statSync(`${file}.pw`).mode & 0o777).toBe(0o600);
    const flags = [...broker.flags, '-u', 'admin', '-P', password];
    expect(await ctrl([...flags, 'dynsec', 'listClients'])).toEqual(done('admin\ndemoclient\n'));
    expect(broker.program.shown).not.toContain(password);
    await broker.stop();
  });

  it('holds for clients at once, and after a restart', async () => {
    const { broker, admin } = await startWithAdmin();
    const dynsec = (...words: string[]) => ctrl([...admin, 'dynsec', ...words]);
    expect(await dynsec('createRole', 'sensor')).toEqual(done());
    expect(await dynsec('addRoleACL', 'sensor', 'publishClientSend', 'sensors/%u/#', 'allow')).toEqual(done());
    expect(await dynsec('createClient', 'kitchen', '-p', 'secret of kitchen')).toEqual(done());
    expect(await dynsec('setDefaultACLAccess', 'subscribe', 'allow')).toEqual(done());
    const who = { clientId: 'k', username: 'kitchen', password: 'secret of kitchen' };
    const options = { protocolVersion: 5, reconnect: false, ...who } as const;
    const kitchen = await connect(`mqtt://127.0.0.1:${broker.port}`, options);
    await expect(kitchen.publish('sensors/kitchen/t', '21', { qos: 1 })).rejects.toThrow('Not authorized');
    expect((await dynsec('getClient', 'kitchen')).stdout).toContain('Connections: 127.0.0.1');
    // It has to connect again, and may then.
    expect(await dynsec('addClientRole', 'kitchen', 'sensor')).toEqual(done());
    expect(String(await kitchen.closed)).toContain('Administrative action');
    const again = await connect(`mqtt://127.0.0.1:${broker.port}`, options);
    await again.publish('sensors/kitchen/t', '21', { qos: 1 });
    await expect(again.publish('sensors/hall/t', '21', { qos: 1 })).rejects.toThrow('Not authorized');
    await again.disconnect();
    await broker.stop();
    const restarted = await start();
    const [, , , port] = restarted.flags;
    const third = await connect(`mqtt://127.0.0.1:${port}`, options);
    await third.publish('sensors/kitchen/t', '21', { qos: 1 });
    await third.disconnect();
    await restarted.stop();
  });
});

describe('a change that was answered', () => {
  it('is on the disk, whatever happens then', async () => {
    const { broker, admin } = await startWithAdmin();
    expect(await ctrl([...admin, 'dynsec', 'createClient', 'kitchen', '-p', 'secret of kitchen'])).toEqual(done());
    await broker.program.stop('SIGKILL');
    const restarted = await start();
    const flags = [...restarted.flags, '-u', 'admin', '-P', 'secret of admin'];
    expect(await ctrl([...flags, 'dynsec', 'listClients'])).toEqual(done('admin\nkitchen\n'));
    await restarted.stop();
  });
});

describe('cauldron ctrl', () => {
  it('says what is wrong, and ends accordingly', async () => {
    const { broker, admin } = await startWithAdmin();
    expect(await ctrl([...admin, 'dynsec', 'createClient', 'ghost'], '\n')).toMatchObject({ exitCode: 0 });
    expect((await ctrl([...admin, '-d', 'dynsec', 'getClient', 'ghost'])).stdout).toContain('sending PUBLISH');
    expect(await ctrl([...admin, 'dynsec', 'deleteClient', 'nobody'])).toEqual({
      stdout: '',
      stderr: 'deleteClient: Error: Client not found\n',
      exitCode: 1,
    });
    const unusable = await ctrl([...admin, 'dynsec', 'addClientRole', 'x']);
    expect(unusable).toMatchObject({ exitCode: 3 });
    expect(unusable.stderr).toContain('Usage: dynsec addClientRole USERNAME ROLENAME [PRIORITY]');
    expect(await ctrl([...admin, 'dynsec', 'nonsense'])).toMatchObject({ exitCode: 13 });
    expect(await ctrl([...admin, 'nonsense'])).toMatchObject({ exitCode: 10 });
    const stranger = [...broker.flags, '-u', 'admin', '-P', 'wrong', 'dynsec', 'listClients'];
    const refused = await ctrl(stranger);
    expect(refused.stderr).toContain('Connection error');
    expect(refused.exitCode).toBe(135);
    const absent = await ctrl([...admin, 'broker', 'listListeners']);
    expect(absent.stderr).toContain('Subscribe error');
    expect(absent.exitCode).toBe(1);
    await broker.stop();
  });

  it('asks the broker about itself, where enable_control_api is true', async () => {
    const broker = await BrokerProcess.start(['enable_control_api true']);
    const listeners = await ctrl([...broker.flags, 'broker', 'listListeners']);
    expect(listeners).toMatchObject({ stderr: '', exitCode: 0 });
    expect(listeners.stdout).toMatch(
      /^Listener:\n {2}Port: +\d+\n {2}Bind address: 127\.0\.0\.1\n {2}Protocol: +mqtt\n/,
    );
    expect(await ctrl([...broker.flags, 'broker', 'listPlugins'])).toMatchObject({ stderr: '', exitCode: 0 });
    await broker.stop();
    const closed = await BrokerProcess.start();
    const answer = await ctrl([...closed.flags, 'broker', 'listPlugins']);
    expect(answer).toEqual({ stdout: '', stderr: 'listPlugins: Error: endpoint not available\n', exitCode: 1 });
    await closed.stop();
  });

  it('makes a file, and sets a password in it, without a broker', async () => {
    expect(await ctrl(['dynsec', 'init', file, 'admin'], 'secret of admin\nsecret of admin\n')).toMatchObject({
      exitCode: 0,
    });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const before = readFileSync(file, 'utf8');
    expect(before).not.toContain('secret of admin');
    expect(await ctrl(['dynsec', 'init', file, 'admin', 'x'])).toMatchObject({ exitCode: 1 });
    expect(readFileSync(file, 'utf8')).toBe(before);
    const set = (username: string) => ctrl(['-f', file, 'dynsec', 'setClientPassword', username, 'another secret']);
    expect(await set('nobody')).toMatchObject({ exitCode: 1 });
    expect(await set('admin')).toEqual(done());
    const broker = await start();
    const flags = [...broker.flags, '-u', 'admin', '-P', 'another secret'];
    expect(await ctrl([...flags, 'dynsec', 'listClients'])).toEqual(done('admin\n'));
    await broker.stop();
    expect(existsSync(`${file}.new`)).toBe(false);
  });

  it('without a command is a shell with modes before and after a connection', async () => {
    const { broker } = await startWithAdmin('enable_control_api true');
    const lines = [
      'listClients',
      'auth admin',
      'secret of admin',
      `connect mqtt://127.0.0.1:${broker.port}`,
      'dynsec',
      'createClient bob secret-of-bob',
      'createClient bob secret-of-bob',
      'createClient anna',
      'secret-of-anna',
      'secret-of-anna',
      'LISTCLIENTS',
      'addRoleACL admin publishClientSend allow 5 x',
      'help addRoleACL',
      'nonsense',
      'return',
      'help dynsec',
      'disconnect',
      'exit',
    ];
    const { stdout, stderr, exitCode } = await ctrl([], `${lines.join('\n')}\n`);
    expect([stderr, exitCode]).toEqual(['', 0]);
    expect(stdout).not.toContain('secret');
    const shown = stdout.replaceAll(/mqtt:\/\/127\.0\.0\.1:\d+/g, 'URL').split(/\n|> /);
    expect(shown).toEqual(expect.arrayContaining(["Unknown command 'listClients'", 'OK', 'Client already exists']));
    expect(shown).toEqual(expect.arrayContaining(['admin', 'anna', 'bob', "Unknown command 'nonsense'"]));
    expect(stdout).toContain('addRoleACL ROLENAME ACLTYPE TOPICFILTER allow|deny [PRIORITY]');
    expect(stdout).toContain('dynsec: goes to the mode for clients, groups and roles.');
    await broker.stop();
  });
});
