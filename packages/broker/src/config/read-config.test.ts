import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { LogType } from '../core/ports/log.js';
import { DEFAULT_SETTINGS } from '../core/settings.js';
import { ConfigError } from './config.js';
import { readConfigFolder } from './config-files.js';
import { exampleLines } from './option-words.js';
import { OPTION_NAMES, OPTIONS } from './options.js';
import { defaultConfig, loadConfig, readConfig, readConfigFrom, withPorts, withStrictStore } from './read-config.js';

function read(...lines: string[]) {
  return readConfig(lines.join('\n'), 'test.conf');
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

describe('who can connect', () => {
  it('is anybody on this machine, on port 1883, without a configuration', () => {
    const { listeners, localOnly } = defaultConfig();
    expect(listeners.map(({ address, port }) => [address, port])).toEqual([
      ['127.0.0.1', 1883],
      ['::1', 1883],
    ]);
    expect(listeners.every(({ policy }) => policy.allowAnonymous)).toBe(true);
    expect(localOnly).toBe(true);
  });

  it('stays this machine when a configuration has no listener', () => {
    const { listeners, localOnly } = read('max_inflight_messages 5');
    expect(listeners.map(({ address }) => address)).toEqual(['127.0.0.1', '::1']);
    expect(localOnly).toBe(true);
  });

  it('is nobody without a user name on this machine when allow_anonymous is false', () => {
    expect(read('allow_anonymous false').listeners[0].policy.allowAnonymous).toBe(false);
  });

  it('is nobody without a user name once there is a listener', () => {
    const { listeners, localOnly } = read('listener 1884');
    expect(listeners).toHaveLength(1);
    expect(listeners[0]).toMatchObject({ port: 1884, address: null, policy: { allowAnonymous: false } });
    expect(localOnly).toBe(false);
  });

  it('is decided by allow_anonymous for all listeners, wherever it stands, and by each listener for itself', () => {
    const { listeners } = read(
      'listener 1883 127.0.0.1',
      'listener 1884',
      'listener_allow_anonymous false',
      'allow_anonymous true',
    );
    expect(listeners.map(({ policy }) => policy.allowAnonymous)).toEqual([true, false]);
  });
});

describe('listeners', () => {
  it('each have the options of the lines below them', () => {
    const { listeners } = read(
      'listener 1883',
      'max_qos 1',
      'listener 1884 ::1',
      'max_connections 7',
      'max_topic_alias 3',
    );
    expect(listeners[0]).toMatchObject({ maxConnections: Number.POSITIVE_INFINITY, policy: { maximumQoS: 1 } });
    expect(listeners[1]).toMatchObject({ address: '::1', maxConnections: 7, policy: { maximumQoS: 2 } });
    expect(listeners[1].policy.maxTopicAliasesFromClient).toBe(3);
  });

  it('may be Unix sockets, whose paths may have spaces', () => {
    expect(read('listener 0 /run/my broker.sock').listeners[0]).toMatchObject({ port: 0, path: '/run/my broker.sock' });
  });

  it('all have what is said about access, and each its own prefix of client ids', () => {
    const { listeners } = read(
      'listener 1883',
      'auto_id_prefix x-',
      'listener 1884',
      'listener_auto_id_prefix y-',
      'allow_zero_length_clientid false',
    );
    expect(listeners.map(({ policy }) => policy.assignedClientIdPrefix)).toEqual(['x-', 'y-']);
    expect(listeners.map(({ policy }) => policy.allowEmptyClientId)).toEqual([false, false]);
  });

  it('have what is said about access below them alone with per_listener_settings, wherever that stands', () => {
    const { listeners, warnings } = read(
      'allow_anonymous true',
      'listener 1883',
      'listener 1884',
      'allow_anonymous true',
      'per_listener_settings true',
    );
    expect(listeners.map(({ policy }) => policy.allowAnonymous)).toEqual([false, true]);
    expect(warnings).toEqual([
      'test.conf:1: allow_anonymous has no effect: with per_listener_settings it belongs below the listener that it is for.',
    ]);
  });

  it('begin with the default one when an option of a listener stands before any', () => {
    const { listeners } = read('port 1885', 'bind_address localhost', 'socket_domain ipv4', 'listener 1886');
    expect(listeners.map(({ port, address, family }) => [port, address, family])).toEqual([
      [1885, 'localhost', 'ipv4'],
      [1886, null, null],
    ]);
  });

  it('are left alone by port and bind_address, which are about the default one', () => {
    const { listeners } = read('listener 1884', 'max_qos 1', 'port 1885', 'bind_address ::1', 'max_qos 0');
    expect(listeners.map(({ port, address, policy }) => [port, address, policy.maximumQoS])).toEqual([
      [1884, null, 1],
      [1885, '::1', 0],
    ]);
  });

  it('are not opened to others by what is said about them alone', () => {
    const { listeners, localOnly } = read('max_qos 1', 'max_connections 5');
    expect(localOnly).toBe(true);
    expect(listeners.map(({ address }) => address)).toEqual(['127.0.0.1', '::1']);
    expect(listeners.every(({ policy, maxConnections }) => policy.maximumQoS === 1 && maxConnections === 5)).toBe(true);
    expect(read('socket_domain ipv6').listeners.map(({ address }) => address)).toEqual(['::1']);
  });

  it('take a list of protocol versions', () => {
    expect(read('accept_protocol_versions 4, 5').listeners[0].policy.acceptedVersions).toEqual([4, 5]);
    expect(problems('accept_protocol_versions 4,6')).toHaveLength(1);
  });

  it('of the command line stand in when there are none', () => {
    const config = withPorts(defaultConfig(), [1884, 1885]);
    expect(config.listeners.map(({ address, port }) => `${address} ${port}`)).toEqual([
      '127.0.0.1 1884',
      '::1 1884',
      '127.0.0.1 1885',
      '::1 1885',
    ]);
    expect(config.listeners.every(({ policy }) => policy.allowAnonymous)).toBe(true);
  });

  it('of the configuration count, and not those of the command line', () => {
    const config = read('listener 1883 127.0.0.1');
    expect(withPorts(config, [1884])).toBe(config);
  });
});

describe('what is noted for those who look after a file', () => {
  const notes = (...lines: string[]) => readConfigFrom({ file: 'test.conf', text: lines.join('\n') }).draft.notes;

  it('is what has another name by now, and what has no effect', () => {
    expect(notes('maximum_qos 1', 'autosave_interval 5')).toEqual([
      'test.conf:1: maximum_qos is another name of max_qos.',
      expect.stringMatching(/^test\.conf:2: autosave_interval has no effect: .*\.$/),
    ]);
  });

  it('is what is deprecated, with what to write instead', () => {
    expect(notes('auto_id_prefix a')).toEqual([
      'test.conf:1: auto_id_prefix is deprecated. Write listener_auto_id_prefix below each listener.',
    ]);
  });

  it('is nothing in a file that is up to date', () => {
    expect(notes('listener 1883', 'max_qos 1', 'listener_allow_anonymous true')).toEqual([]);
  });
});

describe('values', () => {
  it('may be followed by a comment where they are one word, and not where they are a text', () => {
    const { settings, log } = read('max_keepalive 5 # seconds', 'queue_qos0_messages 1 # yes', 'log_dest file /a # b');
    expect(settings).toMatchObject({ maxKeepAliveS: 5, queueQoS0Messages: true });
    expect(log.destinations).toEqual([{ kind: 'file', path: '/a # b' }]);
    expect(read('listener 1884 # the network').listeners[0]).toMatchObject({ port: 1884, address: null });
  });

  it('become settings in the units of the core', () => {
    const { settings } = read(
      'max_packet_size 1000',
      'connect_timeout 5',
      'persistent_client_expiration 2d',
      'max_keepalive 60',
      'max_inflight_bytes 100',
      'message_size_limit 200',
      'retain_expiry_interval 3',
      'check_retain_source false',
      'global_max_clients 4',
      'global_max_connections 5',
      'memory_limit 1G',
    );
    expect(settings).toEqual({
      ...DEFAULT_SETTINGS,
      maximumPacketSize: 1000,
      connectTimeoutMs: 5000,
      maxSessionExpiryS: 172_800,
      maxKeepAliveS: 60,
      maxInflightBytes: 100,
      maxPayloadBytes: 200,
      retainExpiryIntervalMs: 180_000,
      checkRetainSource: false,
      maxClients: 4,
      maxConnections: 5,
      memoryLimitBytes: 1024 ** 3,
    });
  });

  it.each([
    ['30s', 30],
    ['2h', 7200],
    ['3d', 259_200],
    ['1w', 604_800],
    ['1m', 2_592_000],
    ['1y', 31_536_000],
  ])('are durations with the units of Mosquitto, where a month has 30 days: %s', (text, seconds) => {
    expect(read(`persistent_client_expiration ${text}`).settings.maxSessionExpiryS).toBe(seconds);
  });

  it.each([
    ['max_inflight_messages 0', 'maxInflightMessages'],
    ['max_queued_messages 0', 'maxQueuedMessages'],
    ['max_queued_bytes 0', 'maxQueuedBytes'],
    ['max_queued_messages -7', 'maxQueuedMessages'],
    ['global_max_connections -1', 'maxConnections'],
    ['global_max_connections 0', 'maxConnections'],
    ['global_max_clients -1', 'maxClients'],
    ['max_inflight_bytes 0', 'maxInflightBytes'],
    ['message_size_limit 0', 'maxPayloadBytes'],
    ['memory_limit 0', 'memoryLimitBytes'],
  ] as const)('%s means that there is no limit', (line, name) => {
    expect(read(line).settings[name]).toBe(Number.POSITIVE_INFINITY);
  });

  it('choose where and what is logged', () => {
    const { log } = read('log_dest stdout', 'log_dest file /a path', 'log_type error', 'log_type debug');
    expect(log.destinations).toEqual([{ kind: 'stdout' }, { kind: 'file', path: '/a path' }]);
    expect(log.types).toBe(LogType.ERROR | LogType.DEBUG);
    expect(read('log_dest none').log.destinations).toEqual([]);
    expect(read('').log.destinations).toEqual([{ kind: 'stderr' }]);
  });

  it('choose the facility of the system log: local0 to local7, which are 16 to 23, or else that of daemons', () => {
    expect(['log_facility 0', 'log_facility 7', ''].map((line) => read(line).log.facility)).toEqual([16, 23, 3]);
  });

  it('are free of comments, empty lines, and what editors leave behind', () => {
    const { settings } = read('\uFEFF# a comment', '', '  \t', '\tmax_keepalive \t 7 \r');
    expect(settings.maxKeepAliveS).toBe(7);
  });
});

describe('what is kept on disk', () => {
  it('is nothing unless persistence says so, whatever else is said about it', () => {
    expect(defaultConfig().persistence).toBeNull();
    expect(read('persistence_location /var/lib/cauldron', 'persistence_max_bytes 5').persistence).toBeNull();
  });

  it('is in the current folder, and there before it is acknowledged', () => {
    expect(read('persistence true').persistence).toEqual({
      folder: process.cwd(),
      sync: 'always',
      syncIntervalMs: 1000,
      maxBytes: Number.POSITIVE_INFINITY,
      strict: false,
      mosquittoFile: 'mosquitto.db',
    });
    expect(read('retained_persistence true').persistence).toEqual(read('persistence true').persistence);
  });

  it('can be elsewhere, bounded, and later', () => {
    const { persistence } = read(
      'persistence_location data/broker',
      'persistence_sync interval',
      'persistence_sync_interval 5',
      'persistence_max_bytes 500M',
      'persistence_file old.db',
      'persistence true',
    );
    expect(persistence).toEqual({
      folder: resolve('data/broker'),
      sync: 'interval',
      syncIntervalMs: 5000,
      maxBytes: 500 * 1024 * 1024,
      strict: false,
      mosquittoFile: 'old.db',
    });
  });

  it.each([
    ['2000000', 2_000_000],
    ['64k', 65_536],
    ['2G', 2_147_483_648],
    ['1T', 1_099_511_627_776],
    ['0', Number.POSITIVE_INFINITY],
  ])('has a bound of %s', (written, maxBytes) => {
    expect(read('persistence true', `persistence_max_bytes ${written}`).persistence).toMatchObject({ maxBytes });
  });

  it('is refused when it is damaged, if the command line says so', () => {
    expect(withStrictStore(read('persistence true')).persistence).toMatchObject({ strict: true });
    expect(withStrictStore(defaultConfig())).toEqual(defaultConfig());
  });

  it("takes Mosquitto's options about when to save, and does it at once all the same", () => {
    const options = ['autosave_interval 60', 'autosave_on_changes true'];
    expect(read('persistence true', ...options)).toEqual(read('persistence true'));
  });
});

describe('a fault is named with file and line', () => {
  it.each([
    ['max_qos 3', "max_qos must be a whole number from 0 to 2, not '3'."],
    ['max_qos', 'max_qos must be a whole number from 0 to 2, and there is no value.'],
    ['allow_anonymous yes', "allow_anonymous must be true or false, not 'yes'."],
    [
      'allow_anonymous true#for now',
      "allow_anonymous must be true or false, not 'true#for now' (a comment needs a line of its own).",
    ],
    ['alow_anonymous true', "'alow_anonymous' is not an option. Did you mean 'allow_anonymous'?"],
    ['listner 1883', "'listner' is not an option. Did you mean 'listener'?"],
    ['xyzzy 1', "'xyzzy' is not an option."],
    ['plugin_opt_x 1', "plugin_opt_x belongs to a plugin: 'plugin PATH' has to stand above it."],
    ['keepalive_interval 60', "keepalive_interval belongs to a bridge: 'connection NAME' has to stand above it."],
    [' # indented', "a comment has to begin in the first column: there is a space before this '#'."],
    ['persistence_sync sometimes', "persistence_sync must be always or interval or never, not 'sometimes'."],
    ['persistence_sync_interval 0', 'persistence_sync_interval must be a whole number of seconds from 1 to 3600'],
    ['persistence_max_bytes 2X', 'persistence_max_bytes must be a number of bytes such as 500M or 2G'],
    ['persistence_max_bytes 99999999T', 'persistence_max_bytes must be a number of bytes such as 500M or 2G'],
    ['persistence_file a/b.db', 'persistence_file must be a name without a folder; persistence_location is for that.'],
    ['listener 1883 /run/mqtt.sock', "listener with a Unix socket has no port: 'listener 0 /run/mqtt.sock'."],
    ['log_dest file', "log_dest must be followed by a path: 'log_dest file /var/log/cauldron.log'."],
    ['log_timestamp_format %Q', 'log_timestamp_format must be a strftime format'],
    ['response_topic_prefix a/#', 'response_topic_prefix must not contain + or #.'],
    ['max_packet_size 19', 'max_packet_size must be a whole number of bytes from 20 to 268435460'],
    ['persistent_client_expiration 5', 'such as 14d'],
  ])('%s', (line, message) => {
    const found = problems('# first line', line);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(`test.conf:2: ${message.startsWith('such') ? '' : message}`);
    expect(found[0]).toContain(message);
  });

  it('all of them at once', () => {
    expect(problems('max_qos 3', 'listener x', 'max_qos 4')).toEqual([
      expect.stringContaining('test.conf:1'),
      expect.stringContaining('test.conf:2'),
      expect.stringContaining('test.conf:3'),
    ]);
  });

  it('also when the file cannot be read', () => {
    expect(() => loadConfig('/nowhere/cauldron.conf')).toThrow(/^Unable to open configuration file .*ENOENT/);
  });
});

describe('include_dir', () => {
  const main = { file: '/etc/main.conf', text: 'listener 1\ninclude_dir more\nmax_qos 1\n' };

  it('brings in files that each begin without a block; afterwards the block goes on', () => {
    const asked: string[] = [];
    const { config } = readConfigFrom(main, (folder) => {
      asked.push(folder);
      return [
        { file: '/etc/more/a.conf', text: 'listener 2' },
        { file: '/etc/more/b.conf', text: 'max_qos 0' },
      ];
    });
    expect(asked).toEqual(['/etc/more']);
    expect(config.listeners.map(({ port, policy }) => [port, policy.maximumQoS])).toEqual([
      [1, 1],
      [2, 2],
      [1883, 0],
    ]);
  });

  it('may say per_listener_settings for what follows it', () => {
    const text = 'per_listener_settings true\nlistener 2\nallow_anonymous true\nlistener 3\n';
    const { config } = readConfigFrom(main, () => [{ file: '/etc/more/a.conf', text }]);
    expect(config.listeners.map(({ port, policy }) => [port, policy.allowAnonymous])).toEqual([
      [1, false],
      [2, true],
      [3, false],
    ]);
  });

  it.each([
    ['max_qos 7', '/etc/more/a.conf:1: max_qos must be a whole number from 0 to 2'],
    ['include_dir x', '/etc/more/a.conf:1: include_dir counts in the main file only. Move the line there.'],
  ])('with %s in a file: that file and line are named', (text, message) => {
    const including = () => readConfigFrom(main, () => [{ file: '/etc/more/a.conf', text }]);
    expect(including).toThrow(message);
  });

  it('of a folder that is not there is a fault', () => {
    expect(problems('include_dir /nowhere')[0]).toMatch(
      /^test\.conf:1: Unable to open the include_dir \/nowhere: ENOENT/,
    );
  });

  it('takes the files that end in .conf, letter by letter, capitals first', () => {
    const folder = mkdtempSync(join(tmpdir(), 'cauldron-config-'));
    try {
      for (const name of ['b.conf', 'A.conf', '01.conf', 'a.conf', 'B.conf', 'c.txt']) {
        writeFileSync(join(folder, name), '');
      }
      const names = readConfigFolder(folder).map(({ file }) => basename(file));
      expect(names).toEqual(['01.conf', 'A.conf', 'a.conf', 'B.conf', 'b.conf']);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

it('reads a file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'cauldron-config-'));
  try {
    const file = join(folder, 'a.conf');
    writeFileSync(file, 'listener 1\n');
    expect(loadConfig(file)).toMatchObject({ file, listeners: [{ port: 1 }] });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

describe('the table of options', () => {
  it('has each name once', () => {
    expect(new Set(OPTION_NAMES).size).toBe(OPTION_NAMES.length);
  });

  // To say the port of the default listener opens it to others.
  const withPlainDefault = OPTIONS.filter(({ name, default: value, scope }) => {
    return name !== 'port' && scope !== 'file' && /^(-?\d+|true|false|auto-|response\/|mqtt|stderr|3,4,5)$/.test(value);
  });

  it.each(withPlainDefault)('$name: its default is what applies without it', (option) => {
    const block = {
      listener: ['listener 1883'],
      bridge: ['connection a', 'address b', 'topic #'],
      plugin: ['plugin /mosquitto_persist_sqlite.so'],
    };
    const lines = option.scope in block ? block[option.scope as keyof typeof block] : [];
    const { warnings: _, ...said } = read(...lines, `${option.name} ${option.default}`);
    expect(said).toEqual({ ...read(...lines), warnings: undefined });
  });

  const taken = OPTIONS.filter(({ status }) => status.kind !== 'refused');

  it.each(taken)('$name: its example can be read', (option) => {
    expect(option.example).not.toBe('TEXT');
    const name = option.name.replace('*', 'db_file');
    const text = exampleLines(option, name).join('\n');
    expect(text).toContain(`${name} `);
    expect(() => readConfigFrom({ file: 'example.conf', text }, () => [])).not.toThrow();
  });
});
