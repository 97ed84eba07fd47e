import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Credentials } from '../../core/ports/access.js';
import { DEFAULT_LISTENER } from '../../core/settings.js';
import { systemRandom } from '../../system.js';
import { AccessFileError } from '../access-file-error.js';
import { HashingPool } from '../passwords/hashing-pool.js';
import { PasswordChecker } from '../passwords/password-checker.js';
import { DynamicSecurity, type DynamicSecurityOptions } from './dynamic-security.js';
import { readDynsecFile } from './dynsec-file.js';

const ADMIN = { clientId: 'console', username: 'admin', address: '127.0.0.1' };
const SALT = Buffer.from('123456789012').toString('base64');

let folder: string;
let file: string;
const lines: string[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cauldron-dynsec-'));
  file = join(folder, 'dynamic-security.json');
  lines.length = 0;
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

async function open(options: Partial<DynamicSecurityOptions> = {}): Promise<DynamicSecurity> {
  const pool = new HashingPool();
  return DynamicSecurity.open({
    configFile: file,
    passwordInitFile: null,
    firstPassword: 'the first password',
    checker: new PasswordChecker(pool),
    pool,
    random: systemRandom,
    log: { types: 0xff, write: (_type, line) => void lines.push(line) },
    ...options,
  });
}

/** Does one command; resolves with its outcome. */
async function does(dynsec: DynamicSecurity, name: string, fields: object = {}): Promise<unknown> {
  const outcome = await dynsec.run({ name, fields: { command: name, ...fields } }, ADMIN);
  (await dynsec.settle())();
  return outcome;
}

/** Does them all, and expects that all are done. */
async function doAll(dynsec: DynamicSecurity, commands: readonly (readonly [string, object])[]): Promise<void> {
  for (const [name, fields] of commands) expect([name, await does(dynsec, name, fields)]).toEqual([name, 'done']);
}

function logIn(
  dynsec: DynamicSecurity,
  username: string | undefined,
  password?: string,
  more: Partial<Credentials> = {},
) {
  const credentials = {
    listener: DEFAULT_LISTENER,
    protocolVersion: 5,
    clientId: 'c',
    username,
    password: password === undefined ? undefined : Buffer.from(password),
    provenBy: null,
    ...more,
  } as Credentials;
  return Promise.resolve(dynsec.gate.authenticate(credentials));
}

describe('a file that is not there', () => {
  it('is made, with passwords that nobody can guess, in a file that only its owner can read', async () => {
    const dynsec = await open({ firstPassword: undefined });
    const passwords = readFileSync(`${file}.pw`, 'utf8');
    const [, admin, demo] = /^admin (\S{20})\ndemoclient (\S{20})\n$/.exec(passwords) ?? [];
    expect(statSync(`${file}.pw`).mode & 0o777).toBe(0o600);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(await logIn(dynsec, 'admin', admin)).toMatchObject({ admitted: true, username: 'admin' });
    expect(await logIn(dynsec, 'democlient', demo)).toMatchObject({ admitted: true });
    expect(await logIn(dynsec, 'democlient', admin)).toMatchObject({ admitted: false });
    expect(readFileSync(file, 'utf8')).not.toContain(admin);
    expect(lines.join('\n')).not.toContain(admin);
    expect(await does(dynsec, 'listRoles')).toMatchObject({
      data: {
        totalCount: 7,
        roles: ['broker-admin', 'client', 'dynsec-admin', 'super-admin', 'sys-notify', 'sys-observe', 'topic-observe'],
      },
    });
    const rules = dynsec.rules(true);
    const admins = { ...ADMIN };
    expect(rules.mayPublish(admins, '$CONTROL/dynamic-security/v1')).toMatchObject({ allowed: true });
    expect(rules.mayPublish(admins, 'a')).toBeNull();
    expect(rules.mayPublish({ ...ADMIN, username: 'democlient' }, 'a')).toMatchObject({ allowed: true });
    expect(rules.mayPublish({ ...ADMIN, username: 'democlient' }, '$CONTROL/x')).toBeNull();
  });

  it('is made with the password that the environment or a file tells, and with admin alone', async () => {
    const init = join(folder, 'first');
    writeFileSync(init, 'from the file \nsecond line\n');
    const dynsec = await open({ passwordInitFile: init });
    expect(await logIn(dynsec, 'admin', 'from the file')).toMatchObject({ admitted: true });
    rmSync(file);
    const other = await open();
    expect(await logIn(other, 'admin', 'the first password')).toMatchObject({ admitted: true });
    expect(await does(other, 'listClients')).toMatchObject({ data: { clients: ['admin'] } });
    expect(existsSync(`${file}.pw`)).toBe(false);
  });

  it('is not made with a password that is too short, empty or not to be had', async () => {
    await expect(open({ firstPassword: 'short' })).rejects.toThrow('fewer than 12 characters');
    await expect(open({ passwordInitFile: join(folder, 'none') })).rejects.toThrow(AccessFileError);
    writeFileSync(join(folder, 'empty'), '\n');
    await expect(open({ passwordInitFile: join(folder, 'empty') })).rejects.toThrow('is empty');
    expect(existsSync(file)).toBe(false);
  });
});

describe('a file', () => {
  it.each([
    ['{', 'is not JSON'],
    ['[]', 'is JSON, but no object'],
    ['{"clients":{}}', "'clients' is no list"],
  ])('%s is refused with what is wrong', (text, problem) => {
    writeFileSync(file, text);
    expect(() => readDynsecFile(file)).toThrow(problem);
    expect(() => readDynsecFile(file)).toThrow(file);
  });

  it('that has things in it that do not count is used, and they are told', async () => {
    writeFileSync(
      file,
      JSON.stringify({
        clients: [
          { username: 'a', roles: [{ rolename: 'none' }], encoded_password: '$argon2i$v=19$x' },
          { username: 'a' },
          {},
        ],
        groups: [{ groupname: 'g', clients: [{ username: 'nobody' }] }],
        roles: [{ rolename: 'r', acls: [{ acltype: 'x' }, { acltype: 'subscribeLiteral', topic: 'a/#/b' }] }],
        anonymousGroup: 'gone',
      }),
    );
    const dynsec = await open();
    expect(dynsec.warnings).toHaveLength(8);
    expect(dynsec.warnings).toContain(`${file}: client 'a' names role 'none', and there is none. That does not count.`);
    expect(await logIn(dynsec, 'a', 'x')).toBeNull();
    // What cannot be used is not lost.
    await doAll(dynsec, [['createRole', { rolename: 'other' }]]);
    expect(readFileSync(file, 'utf8')).toContain('$argon2i$v=19$x');
  });

  it('in the form of Mosquitto 2.0 stays in it, and in that of 2.1 as well', async () => {
    const password = { password: Buffer.alloc(64).toString('base64'), salt: SALT, iterations: 101 };
    const encoded = { encoded_password: `$7$101$${SALT}$${password.password}` };
    for (const form of [password, encoded]) {
      writeFileSync(file, JSON.stringify({ clients: [{ username: 'old', textName: 'Old', ...form }] }));
      const dynsec = await open();
      await doAll(dynsec, [['createClient', { username: 'new', password: 'secret' }]]);
      const { clients } = JSON.parse(readFileSync(file, 'utf8')) as { clients: Record<string, unknown>[] };
      expect(clients[1]).toEqual({ username: 'old', textname: 'Old', roles: [], ...form });
      expect(Object.keys(clients[0])).toEqual(['username', 'roles', ...Object.keys(form)]);
    }
  });

  it('keeps its permissions, and is the old one whenever the new one cannot be written', async () => {
    const dynsec = await open();
    chmodSync(file, 0o640);
    await doAll(dynsec, [['createClient', { username: 'bob', password: 'secret' }]]);
    expect(statSync(file).mode & 0o777).toBe(0o640);
    expect(readDynsecFile(file).state.clients.has('bob')).toBe(true);
    const before = readFileSync(file, 'utf8');
    // Something stands where the new file is written first.
    mkdirSync(join(`${file}.new`, 'full'), { recursive: true });
    expect(await dynsec.run({ name: 'deleteClient', fields: { username: 'bob' } }, ADMIN)).toBe('done');
    await expect(dynsec.settle()).rejects.toThrow('Nothing was changed');
    expect(readFileSync(file, 'utf8')).toBe(before);
    expect(await logIn(dynsec, 'bob', 'secret')).toMatchObject({ admitted: true });
  });

  it('has after any commands what the program knows', async () => {
    const dynsec = await open();
    await doAll(dynsec, [
      [
        'createRole',
        { rolename: 'r', allowwildcardsubs: false, textname: 'R', acls: [acl('publishClientSend', 'a/#', 3)] },
      ],
      ['createGroup', { groupname: 'g', textdescription: 'D', roles: [{ rolename: 'r', priority: 7 }] }],
      [
        'createClient',
        { username: 'c', clientid: 'i', groups: [{ groupname: 'g', priority: 2 }], roles: [{ rolename: 'r' }] },
      ],
      ['disableClient', { username: 'c' }],
      ['setAnonymousGroup', { groupname: 'g' }],
      ['setDefaultACLAccess', { acls: [{ acltype: 'subscribe', allow: true }] }],
    ]);
    const questions = [
      'getDefaultACLAccess',
      'getAnonymousGroup',
      'listClients',
      'listGroups',
      'listRoles',
      'getDetails',
    ];
    const ask = (one: DynamicSecurity) => Promise.all(questions.map((name) => does(one, name, { verbose: true })));
    expect(await ask(await open())).toEqual(await ask(dynsec));
  });
});

function acl(acltype: string, topic: string, priority: number, allow = true): object {
  return { acltype, topic, priority, allow };
}

describe('clients', () => {
  it('get in with their password and their client id, until they are disabled or gone', async () => {
    const dynsec = await open();
    await doAll(dynsec, [['createClient', { username: 'bob', password: 'secret', clientid: 'id' }]]);
    expect(await logIn(dynsec, 'bob', 'secret', { clientId: 'id' })).toMatchObject({ admitted: true });
    expect(await logIn(dynsec, 'bob', 'secret')).toMatchObject({ admitted: false, reasonCode: 0x87 });
    expect(await logIn(dynsec, 'bob', 'wrong', { clientId: 'id' })).toMatchObject({
      admitted: false,
      reasonCode: 0x87,
    });
    await doAll(dynsec, [['setClientId', { username: 'bob' }]]);
    expect(await logIn(dynsec, 'bob', 'secret')).toMatchObject({ admitted: true });
    expect(await logIn(dynsec, 'bob', undefined, { provenBy: 'psk' })).toMatchObject({ admitted: true });
    await doAll(dynsec, [['disableClient', { username: 'bob' }]]);
    expect(await logIn(dynsec, 'bob', 'secret')).toMatchObject({ admitted: false });
    expect(await logIn(dynsec, 'bob', undefined, { provenBy: 'psk' })).toMatchObject({ admitted: false });
    await doAll(dynsec, [
      ['enableClient', { username: 'bob' }],
      ['setClientPassword', { username: 'bob', password: 'other' }],
    ]);
    expect(await logIn(dynsec, 'bob', 'secret')).toMatchObject({ admitted: false });
    expect(await logIn(dynsec, 'bob', 'other')).toMatchObject({ admitted: true });
    await doAll(dynsec, [['deleteClient', { username: 'bob' }]]);
    expect(await logIn(dynsec, 'bob', 'other')).toBeNull();
  });

  it('without a name, without a password or unknown are for others to judge', async () => {
    const dynsec = await open();
    await doAll(dynsec, [['createClient', { username: 'bob' }]]);
    expect(await logIn(dynsec, undefined)).toBeNull();
    expect(await logIn(dynsec, 'admin')).toBeNull();
    expect(await logIn(dynsec, 'bob', '')).toBeNull();
    expect(await logIn(dynsec, 'nobody', 'x')).toBeNull();
    expect(await logIn(dynsec, 'nobody', undefined, { provenBy: 'psk' })).toBeNull();
  });
});

describe('those who lose or gain a right', () => {
  it.each<[string, Record<string, unknown>, readonly string[]]>([
    ['createRole', { rolename: 'new' }, []],
    ['createClient', { username: 'new' }, []],
    ['enableClient', { username: 'member' }, []],
    ['addClientRole', { username: 'alone', rolename: 'r' }, ['alone']],
    ['removeClientRole', { username: 'owner', rolename: 'r' }, ['owner']],
    ['setClientPassword', { username: 'alone', password: 'x' }, ['alone']],
    ['deleteClient', { username: 'alone' }, ['alone']],
    ['modifyClient', { username: 'alone', textname: 'x' }, ['alone']],
    ['addGroupClient', { groupname: 'g', username: 'alone' }, ['alone']],
    ['removeGroupClient', { groupname: 'g', username: 'member' }, ['member']],
    ['addGroupRole', { groupname: 'g', rolename: 's' }, ['member']],
    ['modifyGroup', { groupname: 'g', clients: [{ username: 'alone' }] }, ['member', 'alone']],
    ['deleteGroup', { groupname: 'g' }, ['member']],
    ['addRoleACL', { rolename: 'r', acltype: 'subscribeLiteral', topic: 'a', allow: true }, ['owner', 'member']],
    ['modifyRole', { rolename: 'r', textname: 'x' }, []],
    ['modifyRole', { rolename: 'r', allowwildcardsubs: false }, ['owner', 'member']],
    ['deleteRole', { rolename: 'r' }, ['owner', 'member']],
    ['addGroupRole', { groupname: 'anonymous', rolename: 'r' }, ['nameless']],
    ['setAnonymousGroup', { groupname: 'g' }, ['nameless']],
    ['setDefaultACLAccess', { acls: [{ acltype: 'subscribe', allow: true }] }, []],
  ])('by %s %j connect again, after the answer', async (name, fields, expected) => {
    const dynsec = await open();
    await doAll(dynsec, [
      ['createRole', { rolename: 'r' }],
      ['createRole', { rolename: 's' }],
      ['createGroup', { groupname: 'g', roles: [{ rolename: 'r' }] }],
      ['createGroup', { groupname: 'anonymous' }],
      ['setAnonymousGroup', { groupname: 'anonymous' }],
      ['createClient', { username: 'owner', roles: [{ rolename: 'r' }] }],
      ['createClient', { username: 'member', groups: [{ groupname: 'g' }] }],
      ['createClient', { username: 'alone' }],
    ]);
    const gone: string[] = [];
    const connected = ['owner', 'member', 'alone', undefined].map((username) => ({
      clientId: username ?? 'nameless',
      username,
      address: '127.0.0.1',
    }));
    dynsec.attach({ clients: () => connected, disconnect: (clientId) => gone.push(clientId) > 0 });
    expect(await dynsec.run({ name, fields }, ADMIN)).toBe('done');
    const answered = await dynsec.settle();
    expect(gone).toEqual([]);
    answered();
    expect(gone).toEqual(expected);
  });

  it('are known to the rules at once, and to nobody who was refused a command', async () => {
    const dynsec = await open();
    const rules = dynsec.rules(true);
    let changes = 0;
    rules.onChange = () => changes++;
    await does(dynsec, 'createRole', { rolename: 'r' });
    expect(changes).toBe(1);
    await does(dynsec, 'createRole', { rolename: 'r' });
    await does(dynsec, 'listRoles');
    expect(changes).toBe(1);
  });
});

describe('a command that cannot be carried out says why, in the words of Mosquitto, and changes nothing', () => {
  it.each<[string, object, string]>([
    ['nonsense', {}, 'Unknown command'],
    ['createClient', {}, 'Invalid/missing username'],
    ['createClient', { username: '' }, 'Empty username'],
    ['createClient', { username: 'a\u0001' }, 'Username not valid UTF-8'],
    ['createClient', { username: 'x', password: 3 }, 'Invalid/missing password'],
    ['createClient', { username: 'x', clientid: 3 }, 'Invalid/missing client id'],
    ['createClient', { username: 'x', clientid: '\u0001' }, 'Client ID not valid UTF-8'],
    ['createClient', { username: 'x', textname: 3 }, 'Invalid/missing textname'],
    ['createClient', { username: 'admin' }, 'Client already exists'],
    ['createClient', { username: 'x', roles: 3 }, "'roles' not an array or missing/invalid rolename"],
    ['createClient', { username: 'x', roles: [{}] }, "'roles' not an array or missing/invalid rolename"],
    ['createClient', { username: 'x', roles: [{ rolename: 'none' }] }, 'Role not found'],
    ['createClient', { username: 'x', groups: [{ groupname: 'none' }] }, 'Group not found'],
    ['deleteClient', { username: 'x' }, 'Client not found'],
    [
      'modifyClient',
      { username: 'admin', textname: 'y', groups: [{ groupname: 'none' }] },
      "'groups' contains an object with a 'groupname' that does not exist",
    ],
    ['modifyClient', { username: 'admin', groups: [{}] }, "'groups' contains an object with an invalid 'groupname'"],
    ['setClientPassword', { username: 'admin' }, 'Invalid/missing password'],
    ['setClientPassword', { username: 'admin', password: '' }, 'Empty password is not allowed'],
    ['setClientId', { username: 'admin', clientid: 3 }, 'Invalid/missing client ID'],
    ['addClientRole', { username: 'admin' }, 'Invalid/missing rolename'],
    ['addClientRole', { username: 'admin', rolename: 'super-admin' }, 'Internal error'],
    ['createGroup', { groupname: 'unauthenticated' }, 'Group already exists'],
    ['createGroup', { groupname: '' }, 'Empty groupname'],
    ['deleteGroup', { groupname: 'unauthenticated' }, 'Deleting the anonymous group is forbidden'],
    ['deleteGroup', { groupname: 'x\u0085' }, 'Group name not valid UTF-8'],
    ['addGroupClient', { groupname: 'none', username: 'admin' }, 'Group not found'],
    ['addGroupClient', { groupname: 'none', username: 'x' }, 'Client not found'],
    [
      'modifyGroup',
      { groupname: 'unauthenticated', clients: [{ username: 'x' }] },
      "'clients' contains an object with a 'username' that does not exist",
    ],
    ['createRole', { rolename: 'client' }, 'Role already exists'],
    ['createRole', { rolename: 'x', allowwildcardsubs: 1 }, 'Invalid allowwildcardsubs'],
    ['createRole', { rolename: 'x', acls: [{ acltype: 'x' }] }, 'Unknown acltype'],
    ['modifyRole', { rolename: 'x' }, 'Role does not exist'],
    ['getRole', { rolename: 'x' }, 'Role not found'],
    ['addRoleACL', { rolename: 'client' }, 'Invalid/missing acltype'],
    ['addRoleACL', { rolename: 'client', acltype: 'subscribeLiteral' }, 'Invalid/missing topic'],
    ['addRoleACL', { rolename: 'client', acltype: 'subscribeLiteral', topic: 'a/#/b' }, 'Invalid ACL topic'],
    [
      'addRoleACL',
      { rolename: 'client', acltype: 'SUBSCRIBEPATTERN', topic: '#' },
      'ACL with this topic already exists',
    ],
    ['removeRoleACL', { rolename: 'client', acltype: 'subscribeLiteral', topic: '#' }, 'ACL not found'],
    ['setAnonymousGroup', { groupname: 'x' }, 'Group not found'],
    ['setDefaultACLAccess', {}, 'Missing/invalid actions array'],
  ])('%s %j: %s', async (name, fields, error) => {
    const dynsec = await open();
    const before = readFileSync(file, 'utf8');
    expect(await does(dynsec, name, fields)).toEqual({ error });
    expect(readFileSync(file, 'utf8')).toBe(before);
  });
});

describe('lists', () => {
  it('tell how many there are, and show the page that was asked for', async () => {
    const dynsec = await open();
    for (const username of ['c', 'a', 'b']) await does(dynsec, 'createClient', { username });
    const list = (fields: object) => does(dynsec, 'LISTCLIENTS', fields);
    const page = (clients: readonly string[]) => ({ command: 'listClients', data: { totalCount: 4, clients } });
    expect(await list({})).toEqual(page(['a', 'admin', 'b', 'c']));
    expect(await list({ count: 2, offset: 1 })).toEqual(page(['admin', 'b']));
    expect(await list({ count: 0 })).toEqual(page(['a']));
    expect(await list({ count: -1, offset: 3 })).toEqual(page(['c']));
    expect(await list({ offset: 9 })).toEqual(page([]));
  });

  it('show with verbose what there is to know, and who is connected from where', async () => {
    const dynsec = await open();
    await doAll(dynsec, [['createClient', { username: 'bob', roles: [{ rolename: 'client', priority: 200000 }] }]]);
    dynsec.attach({
      clients: () => [{ clientId: 'x', username: 'bob', address: '10.0.0.1' }],
      disconnect: () => false,
    });
    expect(await does(dynsec, 'getClient', { username: 'bob' })).toEqual({
      command: 'getClient',
      data: {
        client: {
          username: 'bob',
          roles: [{ rolename: 'client', priority: 100000 }],
          groups: [],
          connections: [{ address: '10.0.0.1' }],
        },
      },
    });
    expect(lines).toContain('dynsec: console/admin | getClient | username=bob');
  });
});

describe('whatever commands say', () => {
  const NAMES = [
    'createClient',
    'modifyClient',
    'deleteClient',
    'getClient',
    'listClients',
    'setClientId',
    'disableClient',
  ];
  const OTHERS = [
    'addClientRole',
    'removeClientRole',
    'createGroup',
    'modifyGroup',
    'deleteGroup',
    'listGroups',
    'getGroup',
  ];
  const MORE = [
    'addGroupClient',
    'removeGroupClient',
    'addGroupRole',
    'removeGroupRole',
    'setAnonymousGroup',
    'createRole',
  ];
  const LAST = [
    'modifyRole',
    'deleteRole',
    'getRole',
    'listRoles',
    'addRoleACL',
    'removeRoleACL',
    'setDefaultACLAccess',
  ];
  const name = fc.constantFrom('a', 'b', 'c', '', 'admin', 'unauthenticated');
  const odd = fc.constantFrom<unknown>(null, 3, true, [], {}, [3], 'x'.repeat(100), '\ud800', '__proto__', -1e99);
  const member = fc.record({ username: name, groupname: name, rolename: name, priority: odd }, { requiredKeys: [] });
  const acls = fc.record({
    acltype: fc.constantFrom<unknown>('subscribeLiteral', 'publishClientSend', 'subscribe', 3),
    topic: fc.constantFrom<unknown>('a/#', '+', '%c', '#a', 3),
    priority: odd,
    allow: fc.constantFrom<unknown>(true, false, 'yes'),
  });
  const fields = fc.record(
    {
      username: fc.oneof(name, odd),
      groupname: fc.oneof(name, odd),
      rolename: fc.oneof(name, odd),
      clientid: fc.oneof(name, odd),
      textname: fc.oneof(name, odd),
      allowwildcardsubs: odd,
      acltype: fc.constantFrom('subscribeLiteral', 'publishClientSend'),
      topic: fc.constantFrom('a/#', '+', '%c'),
      priority: fc.oneof(fc.integer(), odd),
      count: odd,
      verbose: fc.boolean(),
      roles: fc.oneof(fc.array(member, { maxLength: 3 }), odd),
      groups: fc.oneof(fc.array(member, { maxLength: 3 }), odd),
      clients: fc.oneof(fc.array(member, { maxLength: 3 }), odd),
      acls: fc.oneof(fc.array(acls, { maxLength: 3 }), odd),
    },
    { requiredKeys: [] },
  );
  const command = fc.record({ name: fc.constantFrom(...NAMES, ...OTHERS, ...MORE, ...LAST), fields });

  it('they are carried out or refused, and the file has what the program knows', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(command, { minLength: 20, maxLength: 40 }), async (commands) => {
        rmSync(file, { force: true });
        const dynsec = await open();
        for (const one of commands) {
          const outcome = await dynsec.run(one, ADMIN);
          expect(outcome === 'done' || 'error' in outcome || 'data' in outcome).toBe(true);
        }
        await dynsec.settle();
        const reopened = await open();
        expect(reopened.warnings).toEqual([]);
        for (const list of ['listClients', 'listGroups', 'listRoles', 'getAnonymousGroup', 'getDefaultACLAccess']) {
          expect(await does(reopened, list, { verbose: true })).toEqual(await does(dynsec, list, { verbose: true }));
        }
      }),
      { numRuns: 25 },
    );
  }, 60_000);
});
