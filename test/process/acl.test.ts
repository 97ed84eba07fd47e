import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Client, connect } from '@cauldron/client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { killAll, type Outcome, RunningProgram } from '../support/running-program.js';

const BIN = fileURLToPath(new URL('../../bin/', import.meta.url));

let folder: string;
let environment: NodeJS.ProcessEnv;
const at = (name: string): string => join(folder, name);

function program(...argv: readonly string[]): RunningProgram {
  return new RunningProgram(process.execPath, [join(BIN, 'cauldron.js'), ...argv], '', environment);
}

async function acl(...argv: readonly string[]): Promise<Outcome & { readonly text: string }> {
  const outcome = await program('acl', ...argv).ended;
  return { ...outcome, text: outcome.stdout.toString().replaceAll(folder, '') };
}

function write(name: string, ...lines: readonly string[]): void {
  writeFileSync(at(name), `${lines.join('\n')}\n`);
}

/** Of no process: there cannot be as many. */
const NO_PID = ['--pid', '2147483646'];
const RULES = ['user ann', 'topic readwrite home/#', 'topic deny home/safe', 'pattern read public/%c'];

/** A broker with these rules that can be asked for things. */
async function start(...lines: readonly string[]): Promise<{ port: number; pid: readonly string[] }> {
  write('acl', ...RULES);
  write('test.conf', 'listener 0 127.0.0.1', 'allow_anonymous true', 'log_timestamp false', ...lines);
  const broker = program('broker', '-c', at('test.conf'));
  const [, port] = await broker.showsMatch(/^Listening on 127\.0\.0\.1:(\d+)\.\n[\s\S]*running\n/m);
  const socket = `${broker.process.pid}.sock`;
  // It opens right after that line.
  while (!readdirSync(folder, { recursive: true }).some((name) => String(name).endsWith(socket))) {
    await new Promise(setImmediate);
  }
  // Root sees all brokers of the machine.
  return { port: Number(port), pid: ['--pid', String(broker.process.pid)] };
}

function client(port: number, username: string, clientId: string): Promise<Client> {
  return connect(`mqtt://127.0.0.1:${port}`, { username, clientId, reconnect: false });
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cauldron-acl-'));
  const { npm_lifecycle_event: _, ...env } = process.env;
  environment = { ...env, XDG_RUNTIME_DIR: folder, NO_COLOR: '1' };
});

afterEach(async () => {
  await killAll();
  rmSync(folder, { recursive: true });
});

describe('cauldron acl', () => {
  it('tells what it can do, and what is meant by a word that is nearly right', async () => {
    const help = await acl('--help');
    expect(help.exitCode).toBe(0);
    for (const action of ['check', 'explain', 'simulate']) {
      expect(help.text).toContain(`  ${action}`);
      const { exitCode, text } = await acl(action, '--help');
      expect([exitCode, text]).toEqual([0, expect.stringContaining('Examples:')]);
    }
    const wrong = await acl('chek');
    expect(wrong).toMatchObject({ exitCode: 3, stderr: expect.stringContaining('Did you mean `cauldron acl check`?') });
  });
});

describe('cauldron acl check', () => {
  it('finds a good file good, with notes on lines that do nothing', async () => {
    write('acl', ...RULES, 'user bob', 'topic #', 'topic read a');
    expect(await acl('check', at('acl'))).toMatchObject({
      exitCode: 0,
      text: "note     /acl:7: 'topic read a' adds nothing to line 6 (topic readwrite #).\nThe ACL file is good: 5 rules, 2 users.\n",
    });
  });

  it('names each fault with file and line, and ends with 3', async () => {
    write('acl', 'user', 'topics a', 'topic a/#/b');
    const { exitCode, text } = await acl('check', at('acl'));
    expect(exitCode).toBe(3);
    expect(text).toContain('/acl:1: ');
    expect(text).toContain('/acl:2: ');
    expect(text).toContain('/acl:3: ');
    expect(text).toContain('3 errors: a broker cannot start with it.\n');
    expect((await acl('check', at('missing'))).text).toContain('cannot be read');
  });
});

describe('cauldron acl explain', () => {
  const ann = ['--user', 'ann', '--client', 'phone'];

  it('says yes with 0 and no with 1, the line that decided, and the others that match', async () => {
    write('acl', ...RULES);
    const yes = await acl('explain', '--acl', at('acl'), ...ann, 'write', 'home/hall');
    expect([yes.exitCode, yes.text]).toEqual([
      0,
      'yes  ann as phone may write home/hall\n     /acl:2: topic readwrite home/#\n',
    ]);
    const no = await acl('explain', '--acl', at('acl'), ...ann, 'read', 'home/safe');
    expect([no.exitCode, no.text]).toEqual([
      1,
      `no   ann as phone may not read home/safe
     /acl:3: topic deny home/safe
Other lines that match, and what they would say:
     yes  /acl:2: topic readwrite home/#
`,
    ]);
    const nobody = await acl('explain', '--acl', at('acl'), 'write', 'x');
    expect(nobody.text).toBe('no   a client without a user name may not write x\n     /acl: no line allows it\n');
  });

  it('tells of a subscription what may come of it', async () => {
    write('acl', ...RULES);
    const { exitCode, text } = await acl('explain', '--acl', at('acl'), ...ann, 'subscribe', 'home/+');
    expect(exitCode).toBe(0);
    expect(text).toContain('subscribing is free');
    const shared = await acl('explain', '--acl', at('acl'), ...ann, 'subscribe', '$share/group/home/+');
    expect(shared.text.split('\n').slice(1)).toEqual(text.split('\n').slice(1));
    expect(text).toContain('     no  /acl:3: topic deny home/safe\n     yes  /acl:2: topic readwrite home/#\n');
  });

  it('asks what a configuration names, for each listener', async () => {
    write('acl', ...RULES);
    write('test.conf', 'per_listener_settings true', 'listener 1', `acl_file ${at('acl')}`, 'listener 2');
    const ask = (...port: string[]) => acl('explain', '-c', at('test.conf'), ...port, ...ann, 'write', 'home/safe');
    expect(await ask('--port', '1')).toMatchObject({ exitCode: 1, text: expect.stringContaining('/acl:3: ') });
    expect(await ask('--port', '2')).toMatchObject({ exitCode: 0, text: expect.stringContaining('no access rules') });
    expect(await ask()).toMatchObject({ exitCode: 3, stderr: expect.stringContaining('name one of them by --port') });
  });

  it('asks a broker that runs, and says so if there is none', async () => {
    expect(await acl('explain', ...NO_PID, ...ann, 'write', 'x')).toMatchObject({
      exitCode: 3,
      stderr: expect.stringContaining('No broker'),
    });
    const { pid } = await start(`acl_file ${at('acl')}`);
    expect(await acl('explain', ...pid, ...ann, 'write', 'home/hall')).toMatchObject({
      exitCode: 0,
      text: 'yes  ann as phone may write home/hall\n     /acl:2: topic readwrite home/#\n',
    });
    expect(await acl('explain', ...pid, ...ann, 'write', '$SYS/x')).toMatchObject({
      exitCode: 1,
      text: expect.stringContaining('$SYS is for the broker to write'),
    });
  });

  it.each([
    [['write'], 'TOPIC is missing'],
    [['fly', 'x'], "'fly' is not read, write or subscribe"],
    [['--acl', 'a', '-c', 'b', 'read', 'x'], '--acl and -c go one at a time'],
    [['--acl', '/nowhere/acl', 'read', 'x'], 'cannot be read'],
    [['write', 'a/#'], 'contains a wildcard'],
    [['subscribe', 'a/#/b'], 'a # that is not alone in the last level'],
    [['subscribe', '$share/group'], 'no topic filter after the group name'],
  ])('with %j ends with 3 and says why', async (argv, why) => {
    expect(await acl('explain', ...argv)).toMatchObject({ exitCode: 3, stderr: expect.stringContaining(why) });
  });
});

describe('cauldron acl simulate', () => {
  it('shows who would gain or lose what by what was done within the last hour, and changes nothing', async () => {
    const { pid, port } = await start(`acl_file ${at('acl')}`);
    const ann = await client(port, 'ann', 'phone');
    const eve = await client(port, 'eve', 'spy');
    await ann.subscribe('home/#');
    await ann.publish('home/hall', 'x', { qos: 1 });
    await expect(ann.publish('home/safe', 'x', { qos: 1 })).rejects.toThrow();
    await expect(eve.publish('home/hall', 'x', { qos: 1 })).rejects.toThrow();

    const same = await acl('simulate', ...pid, at('acl'));
    expect(same.exitCode).toBe(0);
    expect(same.text).toBe('Nobody would gain or lose anything of 6 accesses by 2 clients within the last hour.\n');

    write('new', 'user ann', 'topic read home/#', 'user eve', 'topic write home/#');
    const changed = await acl('simulate', ...pid, at('new'));
    expect(changed.exitCode).toBe(1);
    expect(changed.text).toBe(`loses  ann as phone: write home/hall
       now   /acl:2: topic readwrite home/#
       then  /new: no line allows it
gains  ann as phone: read home/safe
       now   /acl:3: topic deny home/safe
       then  /new:2: topic read home/#
gains  eve as spy: write home/hall
       now   /acl: no line allows it
       then  /new:4: topic write home/#
2 would be gained and 1 lost of 6 accesses by 2 clients within the last hour.
`);
    expect((await acl('simulate', ...pid, at('new'), '--most', '1')).text).toContain('... and 2 more');
    await ann.publish('home/hall', 'still', { qos: 1 });
    for (const one of [ann, eve]) await one.disconnect();
  });

  it('says why there is nothing to go by', async () => {
    write('acl', ...RULES);
    expect(await acl('simulate', ...NO_PID, at('acl'))).toMatchObject({
      exitCode: 3,
      stderr: expect.stringContaining('No broker'),
    });
    const { pid } = await start();
    expect(await acl('simulate', ...pid, at('acl'))).toMatchObject({
      exitCode: 0,
      text: expect.stringContaining('it has no access rules'),
    });
    write('acl', 'nonsense');
    expect(await acl('simulate', at('acl'))).toMatchObject({
      exitCode: 3,
      stderr: expect.stringContaining('/acl:1: '),
    });
  });
});
