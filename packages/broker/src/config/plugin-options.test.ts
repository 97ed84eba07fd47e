import { describe, expect, it } from 'vitest';
import { ConfigError } from './config.js';
import { readConfig, readConfigFrom } from './read-config.js';

const SQLITE = '/usr/lib/mosquitto_persist_sqlite.so';
const SPARKPLUG = '/usr/lib/mosquitto_sparkplug_aware.so';

function read(...lines: string[]) {
  return readConfig(lines.join('\n'), 'test.conf');
}

function notes(...lines: string[]): readonly string[] {
  return readConfigFrom({ file: 'test.conf', text: lines.join('\n') }).draft.notes;
}

function problems(...lines: string[]): readonly string[] {
  try {
    read(...lines);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe('plugins that decide about clients', () => {
  it('mean the same as the options, in their order', () => {
    const { access } = read(
      'plugin /usr/lib/mosquitto_acl_file.so',
      'plugin_opt_acl_file /a',
      'plugin /usr/lib/mosquitto_password_file.so',
      'plugin_opt_password_file /b',
      'password_file /c',
    );
    expect(access.get('')).toEqual([
      { kind: 'acl-file', path: '/a' },
      { kind: 'password-file', path: '/b' },
      { kind: 'password-file', path: '/c' },
    ]);
  });

  it('belong to their listener with per_listener_settings', () => {
    const { access } = read(
      'per_listener_settings true',
      'listener 1883',
      'plugin /usr/lib/mosquitto_acl_file.so',
      'plugin_opt_acl_file /a',
      'listener 1884',
      'password_file /b',
    );
    expect([...access]).toEqual([
      ['* 1883', [{ kind: 'acl-file', path: '/a' }]],
      ['* 1884', [{ kind: 'password-file', path: '/b' }]],
    ]);
  });

  it('are dynamic security, which can be there once', () => {
    const dynsec = 'plugin /usr/lib/x86_64-linux-gnu/mosquitto_dynamic_security.so';
    const { access } = read(dynsec, 'plugin_opt_config_file /a.json', 'plugin_opt_password_init_file /b');
    expect(access.get('')).toEqual([
      { kind: 'dynamic-security', path: '/a.json', passwordInitFile: '/b', deniesSpecialChars: true },
    ]);
    const options = ['auth_opt_config_file /a.json', 'auth_plugin_deny_special_chars false'];
    expect(read('auth_plugin mosquitto_dynamic_security.dll', ...options).access.get('')).toEqual([
      { kind: 'dynamic-security', path: '/a.json', passwordInitFile: null, deniesSpecialChars: false },
    ]);
    const twice = [dynsec, 'plugin_opt_config_file /a.json', dynsec, 'plugin_opt_config_file /b.json'];
    expect(problems(...twice)).toEqual([
      'test.conf:3: plugin /usr/lib/x86_64-linux-gnu/mosquitto_dynamic_security.so can be there once only. Remove one of its lines.',
    ]);
  });

  it('need their file', () => {
    expect(problems('plugin /usr/lib/mosquitto_acl_file.so')).toEqual([
      "test.conf:1: plugin /usr/lib/mosquitto_acl_file.so needs its file: 'plugin_opt_acl_file /path/to/file' below it.",
    ]);
  });
});

describe('plugins of others', () => {
  it.each(['plugin', 'auth_plugin', 'global_plugin'])('are refused by %s', (name) => {
    expect(problems(`${name} /opt/go-auth.so`)).toEqual([
      `test.conf:1: ${name} /opt/go-auth.so cannot be loaded: it is compiled for Mosquitto. Remove the line and its plugin_opt_ lines if the broker may run without it; a program that embeds the broker can do the same with its own Authenticator, Authorizer or hooks.`,
    ]);
  });
});

describe('mosquitto_persist_sqlite', () => {
  const lines = [`plugin ${SQLITE}`, 'plugin_opt_db_file /var/lib/mosquitto/m.sqlite3', 'plugin_opt_sync normal'];

  it('means that data are kept, in the folder of its database', () => {
    expect(read(...lines).persistence).toMatchObject({ folder: '/var/lib/mosquitto' });
    expect(notes(...lines)).toEqual([
      `test.conf:1: plugin ${SQLITE} means 'persistence true' here: data are kept in /var/lib/mosquitto, and those of the plugin are not read.`,
    ]);
  });

  it('may have a comment behind it', () => {
    expect(read('listener 1883', `plugin ${SQLITE} # data`).plugins[0].path).toBe(SQLITE);
  });

  it('leaves the folder to persistence_location if that is there', () => {
    expect(read('persistence_location /data', ...lines).persistence).toMatchObject({ folder: '/data' });
  });
});

describe('plugins', () => {
  it('are told with their options, and for whom they are', () => {
    const { plugins } = read(
      `plugin ${SPARKPLUG}`,
      'auth_opt_a 1 2',
      'plugin_opt_b x',
      'auth_plugin_deny_special_chars false',
    );
    expect(plugins).toEqual([
      {
        origin: { file: 'test.conf', line: 1 },
        path: SPARKPLUG,
        name: null,
        options: new Map([
          ['a', '1 2'],
          ['b', 'x'],
        ]),
        deniesSpecialChars: false,
        listeners: null,
      },
    ]);
  });

  it('that guard nothing are done without, which a warning says', () => {
    expect(read(`plugin ${SPARKPLUG}`).warnings).toEqual([
      `test.conf:1: plugin ${SPARKPLUG} has no effect yet: this version does not look into Sparkplug messages.`,
    ]);
  });

  it('belong to the listener above them with per_listener_settings, unless they are global', () => {
    const { plugins } = read(
      'per_listener_settings true',
      'listener 1883',
      'listener 1884',
      `plugin ${SPARKPLUG}`,
      `global_plugin ${SPARKPLUG}`,
    );
    expect(plugins.map(({ listeners }) => listeners)).toEqual([[1], null]);
  });

  it('are loaded once and used by several listeners', () => {
    const { plugins } = read(
      `plugin_load s ${SPARKPLUG}`,
      'plugin_opt_a 1',
      'listener 1883',
      'plugin_use s',
      'listener 1884',
      'listener 1885',
      'plugin_use s',
      'plugin_opt_b 2',
    );
    expect(plugins).toMatchObject([{ name: 's', listeners: [0, 2] }]);
    expect([...plugins[0].options.keys()]).toEqual(['a', 'b']);
  });

  it.each<[string[], string]>([
    [['plugin'], '1: plugin must be a path, and there is no value.'],
    [['plugin_load s'], "1: plugin_load is followed by a name and a path: 'plugin_load rules /path/to/plugin.so'."],
    [
      [`plugin_load s ${SPARKPLUG}`, `plugin_load s ${SPARKPLUG}`],
      "2: plugin_load 's' is there already, at test.conf:1.",
    ],
    [['listener 1', 'plugin_use s'], "2: plugin_use 's' needs 'plugin_load s /path/to/plugin.so' above it."],
    [[`plugin_load s ${SPARKPLUG}`, 'plugin_use s'], '2: plugin_use belongs below the listener that it is for.'],
    [['plugin_opt_a 1'], "1: plugin_opt_a belongs to a plugin: 'plugin PATH' has to stand above it."],
    [[`plugin ${SPARKPLUG}`, 'plugin_opt_ 1'], '2: plugin_opt_ needs a name behind plugin_opt_.'],
    [[`plugin ${SPARKPLUG}`, 'plugin_opt_a'], '2: plugin_opt_a must be a text, and there is no value.'],
  ])('%j is a fault', (lines, message) => {
    expect(problems(...lines)).toEqual([`test.conf:${message}`]);
  });
});
