import { describe, expect, it } from 'vitest';
import { BROKER_COMMANDS, commandNamed, DYNSEC_COMMANDS } from './command-words.js';

function read(line: string, isShell = false): unknown {
  const [typed, ...args] = line.split(' ');
  return commandNamed(DYNSEC_COMMANDS, typed)?.command.read(args, isShell);
}

describe('the words of a command', () => {
  it.each<[string, object]>([
    ['getDefaultACLAccess', {}],
    ['setDefaultACLAccess subscribe ALLOW', { acls: [{ acltype: 'subscribe', allow: true }] }],
    ['createClient anna', { username: 'anna' }],
    ['createClient anna -p pw -i id', { username: 'anna', password: 'pw', clientid: 'id' }],
    ['createClient anna -c id', { username: 'anna', clientid: 'id' }],
    ['setClientPassword anna', { username: 'anna' }],
    ['setClientPassword anna pw', { username: 'anna', password: 'pw' }],
    ['setClientId anna', { username: 'anna' }],
    ['addClientRole anna r -5', { username: 'anna', rolename: 'r', priority: -5 }],
    ['addGroupClient g anna 3', { groupname: 'g', username: 'anna', priority: 3 }],
    ['listclients 10 20', { count: 10, offset: 20 }],
    [
      'addRoleACL r subscribePattern a/# deny',
      { rolename: 'r', acltype: 'subscribePattern', topic: 'a/#', allow: false },
    ],
    [
      'addRoleACL r subscribePattern a/# allow 7',
      { rolename: 'r', acltype: 'subscribePattern', topic: 'a/#', priority: 7, allow: true },
    ],
    ['removeRoleACL r subscribePattern a/#', { rolename: 'r', acltype: 'subscribePattern', topic: 'a/#' }],
    ['modifyClient anna TEXTNAME Anna of the garden', { username: 'anna', textname: 'Anna of the garden' }],
    ['modifyRole r allowWildcardSubs false', { rolename: 'r', allowwildcardsubs: false }],
  ])('%s', (line, fields) => {
    expect(read(line)).toEqual(fields);
  });

  it.each<[string, object]>([
    ['createClient anna pw id', { username: 'anna', password: 'pw', clientid: 'id' }],
    ['addRoleACL r subscribePattern allow a', { rolename: 'r', acltype: 'subscribePattern', topic: 'a', allow: true }],
    [
      'addRoleACL r subscribePattern deny 3 a',
      { rolename: 'r', acltype: 'subscribePattern', topic: 'a', priority: 3, allow: false },
    ],
  ])('%s, in the shell', (line, fields) => {
    expect(read(line, true)).toEqual(fields);
  });

  it.each([
    'getDefaultACLAccess x',
    'setDefaultACLAccess subscribe',
    'setDefaultACLAccess subscribe perhaps',
    'setDefaultACLAccess subscribeLiteral allow',
    'createClient',
    'createClient anna -p',
    'createClient anna -x y',
    'addClientRole anna',
    'addClientRole anna r high',
    'addRoleACL r nonsense a allow',
    'addRoleACL r subscribePattern a',
    'addRoleACL r subscribePattern a allow much',
    'removeRoleACL r nonsense a',
    'modifyClient anna textName',
    'modifyRole r allowWildcardSubs perhaps',
    'listRoles many',
  ])('%s makes no sense', (line) => {
    expect(read(line)).toBeNull();
  });

  it('are found in whatever case they are typed', () => {
    expect(commandNamed(BROKER_COMMANDS, 'LISTLISTENERS')?.name).toBe('listListeners');
    expect(commandNamed(BROKER_COMMANDS, 'constructor')).toBeNull();
  });
});
