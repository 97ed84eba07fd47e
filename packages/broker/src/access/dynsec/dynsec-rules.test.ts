import { describe, expect, it } from 'vitest';
import { DynsecRules } from './dynsec-rules.js';
import { type AclType, addAcl, Client, DynsecState, Group, Role } from './dynsec-state.js';

type AclRow = readonly [type: AclType, topic: string, priority: number, allow: boolean];

function role(state: DynsecState, name: string, ...acls: readonly AclRow[]): Role {
  const made = new Role(name);
  for (const [type, topic, priority, allow] of acls) addAcl(made.acls, type, { topic, priority, allow });
  state.roles.set(name, made);
  return made;
}

function client(state: DynsecState, name: string, ...roles: readonly (readonly [Role, number])[]): Client {
  const made = new Client(name);
  for (const [item, priority] of roles) made.roles.add(item, priority);
  state.clients.set(name, made);
  return made;
}

function rulesOf(state: DynsecState, deniesSpecialChars = true): DynsecRules {
  return new DynsecRules(() => state, { path: 'd.json', deniesSpecialChars });
}

const BOB = { clientId: 'id', username: 'bob', address: '' };

describe('what decides', () => {
  it('is the role of the highest priority that says something, then those of groups, then the defaults', () => {
    const state = new DynsecState();
    const low = role(state, 'low', ['publishClientSend', 'a', 0, true]);
    const high = role(state, 'high', ['publishClientSend', 'a', 0, false]);
    const group = new Group('g');
    group.roles.add(role(state, 'of the group', ['publishClientSend', '#', 0, true]), -1);
    state.groups.set('g', group);
    const bob = client(state, 'bob', [low, 1], [high, 2]);
    state.addMember(group, bob, 5);
    const rules = rulesOf(state);
    expect(rules.mayPublish(BOB, 'a')).toEqual({
      allowed: false,
      rule: "d.json: role 'high' (priority 2): publishClientSend a deny (priority 0)",
    });
    expect(rules.mayPublish(BOB, 'b')).toEqual({
      allowed: true,
      rule: "d.json: group 'g' (priority 5), role 'of the group' (priority -1): publishClientSend # allow (priority 0)",
    });
    expect(rules.mayReceive(BOB, 'b')).toBeNull();
    state.defaults.publishClientReceive = true;
    expect(rules.mayReceive(BOB, 'b')).toMatchObject({ allowed: true });
    expect(rules.mayReceive(BOB, '$CONTROL/x')).toBeNull();
  });

  it('is among the ACLs of a role the one of the highest priority, then the one that came first', () => {
    const state = new DynsecState();
    const acls = role(
      state,
      'r',
      ['publishClientSend', 'a/#', 1, false],
      ['publishClientSend', 'a/b', 2, true],
      ['publishClientSend', '+/c', 1, true],
    );
    client(state, 'bob', [acls, 0]);
    const rules = rulesOf(state);
    expect(rules.mayPublish(BOB, 'a/b')?.allowed).toBe(true);
    expect(rules.mayPublish(BOB, 'a/c')?.allowed).toBe(false);
    expect(rules.mayPublish(BOB, 'x/c')?.allowed).toBe(true);
  });

  it('about clients without a user name are the roles of the anonymous group', () => {
    const state = new DynsecState();
    const group = new Group('g');
    group.roles.add(role(state, 'r', ['subscribeLiteral', 'a', 0, true]), 0);
    const nameless = { ...BOB, username: undefined };
    expect(rulesOf(state).maySubscribe(nameless, 'a')).toBeNull();
    state.anonymousGroup = group;
    expect(rulesOf(state).maySubscribe(nameless, 'a')).toMatchObject({ allowed: true });
  });

  it('about a client that is not known is not for dynamic security to say', () => {
    const state = new DynsecState();
    state.defaults.subscribe = true;
    expect(rulesOf(state).maySubscribe(BOB, 'a')).toBeNull();
  });

  it('is a special character in a name, unless auth_plugin_deny_special_chars is false', () => {
    const state = new DynsecState();
    client(state, 'bob', [role(state, 'r', ['publishClientSend', '#', 0, true]), 0]);
    for (const clientId of ['a+', '#']) {
      expect(rulesOf(state).mayPublish({ ...BOB, clientId }, 'a')).toMatchObject({ allowed: false });
      expect(rulesOf(state, false).mayPublish({ ...BOB, clientId }, 'a')).toMatchObject({ allowed: true });
    }
    expect(rulesOf(state).mayPublish({ ...BOB, username: 'b+b' }, 'a')).toMatchObject({ allowed: false });
  });
});

describe('subscribing', () => {
  it.each<[string, string, boolean]>([
    ['#', 'a', true],
    ['#', '#', true],
    ['#', '+/a', true],
    ['#', '$SYS/#', false],
    ['+', '$SYS', false],
    ['$SYS/#', '$SYS/a/+', true],
    ['a/#', 'a', true],
    ['a/#', 'a/#', true],
    ['a/#', '+/b', false],
    ['a/+', 'a/+', true],
    ['a/+', 'a/#', false],
    ['a/+', 'a/', true],
    ['a/+', 'a', false],
    ['a/b', 'a/+', false],
    ['a/+/c', 'a/b/c', true],
    ['a/+/c', 'a/b/c/d', false],
    ['%c/a', 'id/a', true],
    ['%c/a', '+/a', false],
    ['%u/#', 'bob/x', true],
    ['%u/#', '%u/x', false],
    ['x%c', 'xid', false],
    ['x%c', 'x%c', true],
  ])('what the pattern %s means, and %s asks for: %s', (pattern, filter, isAllowed) => {
    const state = new DynsecState();
    client(state, 'bob', [role(state, 'r', ['subscribePattern', pattern, 0, true]), 0]);
    expect(rulesOf(state).maySubscribe(BOB, filter)?.allowed ?? false).toBe(isAllowed);
  });

  it.each(['+', '#', 'a/b', '$SYS', ''])('by the client id %j in a pattern widens nothing', (clientId) => {
    const state = new DynsecState();
    client(state, 'bob', [
      role(state, 'r', ['subscribePattern', '%c/secret', 0, true], ['publishClientReceive', '%c/#', 0, true]),
      0,
    ]);
    const rules = rulesOf(state, false);
    const asker = { ...BOB, clientId };
    for (const filter of ['+/secret', '#', 'a/b/secret', '$SYS/secret', '/secret']) {
      expect(rules.maySubscribe(asker, filter)).toBeNull();
    }
    for (const topic of ['a/b/c', '$SYS/x', '/x', 'x/secret']) expect(rules.mayReceive(asker, topic)).toBeNull();
  });

  it('goes by the literal before the patterns of a role', () => {
    const state = new DynsecState();
    const acls = role(state, 'r', ['subscribePattern', '#', 9, true], ['subscribeLiteral', 'a/+', 0, false]);
    client(state, 'bob', [acls, 0]);
    expect(rulesOf(state).maySubscribe(BOB, 'a/+')?.allowed).toBe(false);
    expect(rulesOf(state).maySubscribe(BOB, 'a/b')?.allowed).toBe(true);
  });

  it('with wildcards is denied by a role that does not allow them, whatever its ACLs say', () => {
    const state = new DynsecState();
    const acls = role(state, 'r', ['subscribePattern', '#', 0, true]);
    acls.allowsWildcards = false;
    client(state, 'bob', [acls, 0]);
    expect(rulesOf(state).maySubscribe(BOB, 'a/+')).toEqual({
      allowed: false,
      rule: "d.json: role 'r' (priority 0): allowwildcardsubs false",
    });
    expect(rulesOf(state).maySubscribe(BOB, 'a/b')?.allowed).toBe(true);
  });

  it('and unsubscribing have ACLs of their own', () => {
    const state = new DynsecState();
    const acls = role(state, 'r', ['unsubscribePattern', 'a/#', 0, false], ['unsubscribeLiteral', 'a/b', 0, true]);
    client(state, 'bob', [acls, 0]);
    expect(rulesOf(state).mayUnsubscribe(BOB, 'a/c')?.allowed).toBe(false);
    expect(rulesOf(state).mayUnsubscribe(BOB, 'a/b')?.allowed).toBe(true);
    expect(rulesOf(state).mayUnsubscribe(BOB, 'c')).toBeNull();
  });
});
