import { describe, expect, it } from 'vitest';
import { type BrokerConfig, ConfigError } from './config.js';
import { readConfig } from './read-config.js';

function read(...lines: string[]): BrokerConfig {
  return readConfig(lines.join('\n'), 'test.conf');
}

function policy(...lines: string[]) {
  return read('listener 1', ...lines).listeners[0].policy;
}

const TLS = ['certfile /x', 'keyfile /y'];

describe('what a listener decides about its clients', () => {
  it('is what Mosquitto decides, if nothing is said', () => {
    expect(policy()).toMatchObject({
      allowAnonymous: false,
      allowEmptyClientId: true,
      assignedClientIdPrefix: 'auto-',
      usernameFrom: 'connect',
      usesUsernameAsClientId: false,
      mountPoint: '',
      acceptedVersions: [3, 4, 5],
      maximumQoS: 2,
      maxTopicAliasesFromClient: 10,
      maxTopicAliasesToClient: 10,
    });
  });

  it.each<[string, readonly number[]]>([
    ['5', [5]],
    ['3,4', [3, 4]],
    ['3, 4', [3, 4]],
    ['4 5', [4, 5]],
  ])('accept_protocol_versions %s are those', (value, versions) => {
    expect(policy(`accept_protocol_versions ${value}`).acceptedVersions).toEqual(versions);
  });

  it.each(['6', '3,x', ','])('accept_protocol_versions %s are none', (value) => {
    expect(() => policy(`accept_protocol_versions ${value}`)).toThrow('accept_protocol_versions must be a list');
  });

  it.each([
    [['use_identity_as_username true'], 'identity'],
    [['use_subject_as_username true'], 'subject'],
    [['use_subject_as_username true', 'use_identity_as_username true'], 'identity'],
    [['use_subject_as_username true', 'use_identity_as_username false'], 'subject'],
  ])('%j: user names come from the %s', (lines, source) => {
    expect(policy(...TLS, ...lines).usernameFrom).toBe(source);
    expect(policy('psk_hint hint', 'psk_file /z', ...lines).usernameFrom).toBe(source);
  });

  it('user names come from the identity that a proxy tells, too', () => {
    expect(policy('enable_proxy_protocol 2', 'use_identity_as_username true').usernameFrom).toBe('identity');
  });

  it.each(['use_identity_as_username', 'use_subject_as_username'])(
    '%s has no effect on a listener that cannot learn an identity, as with Mosquitto, and that is said',
    (name) => {
      const config = read('listener 1', `${name} true`);
      expect(config.listeners[0].policy.usernameFrom).toBe('connect');
      expect(config.warnings).toEqual([
        `test.conf:2: ${name} has no effect: the listener does not speak TLS. User names and passwords are asked for.`,
      ]);
    },
  );

  it('a mount point belongs to one listener', () => {
    const { listeners, warnings } = read('listener 1', 'mount_point a/', 'listener 2');
    expect(listeners.map(({ policy }) => policy.mountPoint)).toEqual(['a/', '']);
    expect(warnings).toEqual([]);
  });

  it('a mount point without a slash at its end is taken as it is, with a word about what that means', () => {
    const { listeners, warnings } = read('listener 1', 'mount_point a');
    expect(listeners[0].policy.mountPoint).toBe('a');
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain(
      "test.conf:2: mount_point a does not end with a slash: a client's topic 'x' becomes 'ax'",
    );
  });

  it.each(['a/#', '+/', '$share/x/', '$'])('a mount point cannot be %s', (text) => {
    expect(() => read('listener 1', `mount_point ${text}`)).toThrow(ConfigError);
    expect(() => read('listener 1', `mount_point ${text}`)).toThrow('test.conf:2: mount_point must');
  });
});
