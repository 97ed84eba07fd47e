import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import {
  type BrokerConfig,
  ConfigError,
  type ConfigReading,
  findOption,
  type Option,
  readConfigFrom,
  shownOrigin,
} from '@cauldron/broker';
import { describe, expect, it } from 'vitest';

const DEBIAN = '/etc/mosquitto/mosquitto.conf';
const EXAMPLES = ['', '.example', '.gz', '.example.gz'].map(
  (ending) => `/usr/share/doc/mosquitto/examples/mosquitto.conf${ending}`,
);

/**
 * What guards access and is not there yet: files with these lines are refused, and say so. When one of them comes, its
 * name goes from here, and the files with it have to work as a whole.
 */
const NOT_THERE_YET: readonly string[] = ['go-auth.so'];

const isNotThereYet = (line: string): boolean => NOT_THERE_YET.some((name) => line.includes(name) && !/^#/.test(line));

function readFixture(name: string): { file: string; text: string } {
  const file = fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url));
  return { file, text: readFileSync(file, 'utf8') };
}

/** As they would be read on a machine whose folders to include are empty. */
function read(file: string, text: string): ConfigReading {
  return readConfigFrom({ file, text }, () => []);
}

function problemsOf(file: string, text: string): readonly string[] {
  try {
    read(file, text);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

/** `port`, `port tls`, `address:port` or a path, for each listener. */
function listenersOf({ listeners }: BrokerConfig): string[] {
  return listeners.map(({ port, address, path, tls }) => {
    return `${path ?? (address === null ? port : `${address}:${port}`)}${tls === null ? '' : ' tls'}`;
  });
}

interface Expected {
  readonly listeners: readonly string[];
  /** Whether clients without a user name get in, for each listener. */
  readonly anonymous: readonly boolean[];
  readonly folder?: string;
  readonly warnings?: readonly unknown[];
}

const LOCAL = { listeners: ['127.0.0.1:1883', '::1:1883'], anonymous: [true, true] };

const FIXTURES: readonly (readonly [name: string, expected: Expected])[] = [
  ['debian.conf', { ...LOCAL, folder: '/var/lib/mosquitto' }],
  ['docker-volumes.conf', { listeners: ['1883'], anonymous: [true], folder: '/mosquitto/data' }],
  [
    'docker-2.1.conf',
    {
      listeners: ['1883', '9883'],
      anonymous: [true, true],
      warnings: expect.arrayContaining([expect.stringMatching(/http/)]),
    },
  ],
  ['zigbee2mqtt.conf', { listeners: ['1883', '9001'], anonymous: [true, true], folder: '/mosquitto/data' }],
  ['passwords.conf', { listeners: ['0.0.0.0:1883'], anonymous: [false] }],
  ['client-certificates.conf', { listeners: ['8883 tls'], anonymous: [false] }],
  [
    'home-assistant.conf',
    { listeners: ['1883', '1884', '8883 tls', '8884 tls'], anonymous: [false, false, false, false], folder: '/data' },
  ],
  [
    'rights.conf',
    {
      listeners: ['192.168.1.2:1883', '8883 tls'],
      anonymous: [true, false],
      warnings: [expect.stringMatching(/^bridge 'cloud' .*rights\.conf:\d+\) is not made/)],
    },
  ],
  ['dynamic-security.conf', { listeners: ['1883'], anonymous: [false], folder: '/var/lib/mosquitto' }],
  ['sqlite.conf', { listeners: ['1883'], anonymous: [true], folder: '/var/lib/mosquitto' }],
];

describe.each(FIXTURES)('%s', (name, { listeners, anonymous, folder, warnings }) => {
  const { file, text } = readFixture(name);
  const lines = text.split('\n');

  it('works as it is, but for what guards access and is not there yet', () => {
    const refused = lines.flatMap((line, index) => (isNotThereYet(line) ? [`${file}:${index + 1}: `] : []));
    const problems = problemsOf(file, text);
    expect(problems.map((problem) => problem.slice(0, problem.indexOf(' ') + 1))).toEqual(refused);
  });

  it('comes to what its author wanted', () => {
    // Without the plugins and files that are not there yet; the line numbers of the others stay.
    const kept = lines.map((line) => {
      const isOfPlugin = NOT_THERE_YET.includes('go-auth.so') && /^(auth|plugin)_(opt|plugin_deny)/.test(line);
      return isNotThereYet(line) || (isOfPlugin && lines.some(isNotThereYet)) ? '' : line;
    });
    const { config } = read(file, kept.join('\n'));
    expect(listenersOf(config)).toEqual(listeners);
    expect(config.listeners.map(({ policy }) => policy.allowAnonymous)).toEqual(anonymous);
    expect(config.persistence?.folder).toBe(folder);
    expect(config.warnings).toEqual(warnings ?? []);
  });
});

describe('the file that the package of Debian installs', () => {
  it.skipIf(!existsSync(DEBIAN))(
    `${DEBIAN} works as it is, with what it includes (needs the package mosquitto)`,
    () => {
      const { config } = readConfigFrom({ file: DEBIAN, text: readFileSync(DEBIAN, 'utf8') });
      expect(listenersOf(config)).toEqual(LOCAL.listeners);
      expect(config.persistence?.folder).toBe('/var/lib/mosquitto');
      expect(config.log.destinations).toEqual([{ kind: 'file', path: '/var/log/mosquitto/mosquitto.log' }]);
      expect(config.warnings).toEqual([]);
    },
  );
});

/** Lines that an option of the commented example needs around it. */
function surroundings({ name, scope }: Option): { before: string[]; after: string[] } {
  const without = (lines: string[]) => lines.filter((line) => !line.startsWith(`${name} `));
  if (name === 'connection') return { before: [], after: ['address a', 'topic #'] };
  if (scope === 'bridge') {
    const pairs = [
      ['bridge_identity a', 'bridge_psk 00'],
      ['bridge_certfile /c', 'bridge_keyfile /k'],
    ];
    const pair = pairs.find((lines) => lines.some((line) => line.startsWith(`${name} `))) ?? [];
    return { before: without(['connection a', 'address b', 'topic #', ...pair]), after: [] };
  }
  if (name === 'psk_hint' || name === 'psk_file') {
    const lines = ['psk_file /psk', 'listener 8883', 'psk_hint a'];
    return { before: without(lines.slice(0, 2)), after: without(lines.slice(1)).slice(name === 'psk_file' ? 0 : 1) };
  }
  if (scope === 'listener') {
    const isOfTls = /^(ca|cert|key|crl|dh|tls_|ciphers|require_certificate|use_identity)/.test(name);
    const tls = ['certfile /c', 'keyfile /k', 'cafile /a', ...(name === 'crlfile' ? ['require_certificate true'] : [])];
    return { before: ['listener 8883', ...(isOfTls ? without(tls) : [])], after: [] };
  }
  return { before: [], after: [] };
}

describe("Mosquitto's commented example", () => {
  const example = EXAMPLES.find((file) => existsSync(file));
  /** Names whose lines say what this broker cannot do. A packet cannot be of no size, and Mosquitto refuses that, too. */
  const REFUSED = new Set(['max_packet_size']);

  it.skipIf(example === undefined)('has lines that are options (needs the package mosquitto)', () => {
    expect(exampleLines().length).toBeGreaterThan(90);
  });

  it.each(exampleLines())('line %i: %s', (number, line, name) => {
    const option = findOption(name);
    if (option === undefined) throw new Error(`${name} is not an option`);
    const { before, after } = surroundings(option);
    const written = `${name} ${valueFor(option, line.slice(name.length).trim())}`;
    const padding = Array.from({ length: number - 1 - before.length }, () => '');
    const problems = problemsOf('example.conf', [...padding, ...before, written, ...after].join('\n'));
    const where = shownOrigin({ file: 'example.conf', line: number });
    expect(problems).toEqual(REFUSED.has(name) ? [expect.stringContaining(`${where}: ${name} `)] : []);
  });

  /** The lines that would say something without the `#` in front: number, line, name. */
  function exampleLines(): [number, string, string][] {
    if (example === undefined) return [];
    const bytes = readFileSync(example);
    const text = (example.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString();
    return text.split('\n').flatMap((line, index): [number, string, string][] => {
      const [, said, name] = /^#((\w[\w.]*)(?: .*)?)$/.exec(line) ?? [];
      return said === undefined || name === undefined ? [] : [[index + 1, said, name]];
    });
  }
});

/** What the example has behind the name, unless that is nothing or a word for what is to be put there. */
function valueFor(option: Option, value: string): string {
  return value === '' || /^[<[]/.test(value) ? option.example : value;
}
