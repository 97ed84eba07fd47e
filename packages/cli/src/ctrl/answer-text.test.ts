import { describe, expect, it } from 'vitest';
import { answerText, printable } from './answer-text.js';

describe('what a person is shown of an answer', () => {
  it.each<[string, object, string]>([
    ['listClients', { clients: ['a', { username: 'b' }] }, 'a\nb\n'],
    ['listRoles', { roles: [] }, ''],
    [
      'getClient',
      {
        client: {
          username: 'bob',
          disabled: true,
          roles: [{ rolename: 'r', priority: 3 }, { rolename: 's' }],
          groups: [{ groupname: 'g' }],
          connections: [{ address: '::1' }],
        },
      },
      'Username: bob\nClientid:\nDisabled: true\nRoles:    r (priority: 3)\n          s (priority: -1)\nGroups:   g (priority: -1)\nConnections: ::1\n',
    ],
    [
      'getGroup',
      { group: { groupname: 'g', roles: [{ rolename: 'r' }], clients: [{ username: 'a' }, { username: 'b' }] } },
      'Groupname: g\nRoles:     r (priority: -1)\nClients:   a\n           b\n',
    ],
    [
      'getRole',
      { role: { rolename: 'r', acls: [{ acltype: 'subscribeLiteral', allow: false, topic: 'a', priority: 2 }] } },
      'Rolename: r\nACLs:     subscribeLiteral     : deny  : a (priority: 2)\n',
    ],
    ['getAnonymousGroup', { group: { groupname: '' } }, '\n'],
    ['getDetails', { clientCount: 2, changeIndex: 9 }, 'clientCount: 2\nchangeIndex: 9\n'],
    [
      'listPlugins',
      { plugins: [{ name: 'p', 'control-endpoints': ['$CONTROL/a/v1', '$CONTROL/b/v1'] }] },
      'Plugin:            p\nControl endpoints: $CONTROL/a/v1\n                   $CONTROL/b/v1\n',
    ],
    [
      'listListeners',
      {
        listeners: [
          { port: 1883, protocol: 'mqtt', tls: false },
          { port: 0, 'socket-path': '/s', tls: false },
        ],
      },
      'Listener:\n  Port:         1883\n  Protocol:     mqtt\n  TLS:          false\n\nListener:\n  Port:         0\n  Socket path:  /s\n  TLS:          false\n',
    ],
  ])('%s %j', (command, data, text) => {
    expect(answerText(command, data)).toBe(text);
  });

  it('is nothing that a broken answer could not have, and nothing that steers the terminal', () => {
    for (const command of ['listClients', 'getClient', 'getGroup', 'getRole', 'listListeners', 'getDefaultACLAccess']) {
      for (const data of [null, 3, [], { client: 3, acls: 3, clients: {} }]) {
        expect(typeof answerText(command, data)).toBe('string');
      }
    }
    expect(printable('a\u001b[2Jb')).toBe('a?[2Jb');
  });
});
