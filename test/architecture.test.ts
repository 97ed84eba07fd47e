import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

/**
 * What the files of each room may import besides each other: other rooms, `node:` for Node's own modules, and packages
 * by their name. `type` in front: types only. A file of its own name adds what it alone may.
 */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  codec: [],

  client: [
    'codec',
    'client/authentication',
    'client/connection',
    'client/reconnection',
    'client/session',
    'client/subscriptions',
    'client/transports',
  ],
  'client/authentication': ['codec', 'client'],
  'client/connection': [
    'codec',
    'client',
    'client/session',
    'client/subscriptions/message.ts',
    'type client/authentication',
    'type client/reconnection',
  ],
  'client/reconnection': [
    'codec',
    'client',
    'client/connection',
    'client/session',
    'client/subscriptions',
    'type client/authentication',
  ],
  'client/session': ['codec', 'client'],
  // Whether a session that was left goes on is what CONNECT will say.
  'client/session/journal.ts': ['client/connection/connection-settings.ts'],
  'client/subscriptions': ['codec', 'client', 'client/session'],
  // The doors for Node and for browsers, and what both have.
  'client/index.ts': ['client/outboxes/file-outbox.ts'],
  'client/browser.ts': ['client/outboxes/indexed-db-outbox.ts'],
  'client/portable.ts': ['client/outboxes/outbox-error.ts'],
  'client/transports': ['type client', 'node:', 'ws'],
  'client/outboxes': ['codec', 'client/deferred.ts', 'type client', 'node:'],
  // What goes wrong with an outbox is a failure of the client, as any other.
  'client/outboxes/outbox-error.ts': ['client/errors.ts'],

  'broker/core': ['codec', 'broker/core/handlers', 'broker/core/ports'],
  'broker/core/handlers': ['codec', 'broker/core', 'broker/core/ports'],
  'broker/core/ports': ['type codec', 'type broker/core'],
  'broker/transports': ['codec', 'type broker/core', 'broker/core/ports', 'node:'],
  'broker/storage': ['codec', 'type broker/core', 'broker/core/ports', 'broker/storage/lmdb', 'node:'],
  // A session lies in its client's shard.
  'broker/storage/lmdb-store.ts': ['broker/core/shard.ts'],
  'broker/storage/lmdb': ['codec', 'type broker/core', 'broker/core/ports', 'lmdb', 'node:'],
  'broker/storage/lmdb/session-state.ts': ['broker/core/shard.ts'],
  // What the disk has becomes messages.
  'broker/storage/lmdb/records.ts': ['broker/core/message.ts'],
  // What another broker's file says becomes messages, and sessions in their shards.
  'broker/storage/mosquitto-db-entries.ts': ['broker/core'],
  'broker/access': ['codec', 'type broker/core', 'broker/core/ports', 'node:'],
  'broker/access/dynsec': [
    'codec',
    'type broker/core',
    'broker/core/ports',
    'broker/access',
    'broker/access/passwords',
    'broker/core/control-topics.ts',
    'node:',
  ],
  // They are what the configuration says.
  'broker/access/jwt': ['codec', 'broker/access', 'broker/core/ports', 'type broker/config', 'jose', 'node:'],
  'broker/access/http': ['codec', 'broker/access', 'broker/core/ports', 'type broker/config', 'node:'],
  'broker/access/abuse': [
    'broker/access/access-file-error.ts',
    'codec',
    'broker/core/ports',
    'type broker/config',
    'node:',
  ],
  'broker/access/passwords': [
    'codec',
    'type broker/core',
    'broker/core/ports',
    'broker/access',
    '@mongodb-js/saslprep',
    '@node-rs/argon2',
    'node:',
  ],
  'broker/admin': ['codec', 'type broker/core', 'broker/core/ports', 'node:'],
  'broker/config': ['codec', 'broker/core', 'broker/core/ports', 'node:'],
  // What the values of the options for the log mean, the log says.
  'broker/config/config.ts': ['type broker/admin'],
  'broker/config/draft.ts': ['broker/admin'],
  'broker/config/log-options.ts': ['broker/admin'],
  'broker/config/read-config.ts': ['broker/admin'],
  'broker/config/config-reader.ts': ['broker/nearest-name.ts'],
  // Puts the other rooms together.
  'broker/server': [
    'codec',
    'broker',
    'broker/access',
    'broker/access/abuse',
    'broker/access/dynsec',
    'broker/access/http',
    'broker/access/jwt',
    'broker/access/passwords',
    'broker/admin',
    'broker/config',
    'broker/core',
    'broker/core/ports',
    'broker/process',
    'broker/storage',
    'broker/transports',
    'node:',
  ],
  broker: [
    'codec',
    'broker/access',
    'broker/access/dynsec',
    'broker/access/passwords',
    'broker/admin',
    'broker/config',
    'broker/core',
    'broker/core/ports',
    'broker/process',
    'broker/server',
    'broker/storage',
    'broker/storage/lmdb',
    'broker/transports',
    'node:',
  ],
  // Administrators see and change what is in the list of bans.
  'broker/process/door-commands.ts': ['broker/access/abuse'],
  // Around the broker: it starts the server. What talks to a process from outside is here, too, and imports none of it.
  'broker/process': [
    'broker',
    'broker/admin',
    'broker/config',
    'broker/core/ports',
    'broker/server',
    'broker/storage',
    'node:',
    'broker/transports/listener.ts',
  ],

  conformance: [
    'conformance/client',
    'conformance/edge-cases',
    'conformance/raw',
    'conformance/sections',
    'conformance/statements',
    'conformance/suite',
    'conformance/targets',
  ],
  // Knows MQTT by itself: a fault of the codec must not hide in the suite that judges it.
  'conformance/raw': ['node:', 'ws'],
  'conformance/statements': [],
  'conformance/suite': ['type conformance', 'conformance/raw', 'conformance/statements', 'node:'],
  // Opens the client that it judges.
  'conformance/suite/client-test.ts': ['client'],
  'conformance/sections': ['conformance/raw', 'conformance/suite', 'node:'],
  'conformance/edge-cases': ['conformance/raw', 'conformance/sections', 'conformance/suite'],
  'conformance/client': ['client', 'conformance/raw', 'conformance/suite', 'node:'],
  'conformance/targets': ['broker', 'codec', 'conformance/raw', 'conformance/suite', 'node:'],

  // One file for each command; its parts are in the room of its name.
  cli: [
    'codec',
    'client',
    'broker',
    'conformance',
    'cli/acl',
    'cli/bench',
    'cli/command-line',
    'cli/completion',
    'cli/config',
    'cli/connection',
    'cli/ctrl',
    'cli/db-dump',
    'cli/decode',
    'cli/doctor',
    'cli/man',
    'cli/format',
    'cli/passwd',
    'cli/pub',
    'cli/recording',
    'cli/retained',
    'cli/rr',
    'cli/setup',
    'cli/simulate',
    'cli/store',
    'cli/sub',
    'cli/torture',
    'node:',
  ],
  'cli/command-line': ['broker', 'node:'],
  'cli/connection': ['broker', 'codec', 'client', 'cli/command-line', 'node:'],
  'cli/acl': ['broker', 'codec', 'cli', 'cli/command-line', 'cli/config', 'cli/ctrl', 'node:'],
  'cli/bench': ['client', 'codec', 'cli/command-line', 'cli/connection', 'cli/simulate/place.ts', 'node:'],
  'cli/config': ['broker', 'cli/command-line', 'node:'],
  'cli/format': ['codec', 'cli/command-line', 'node:'],
  'cli/ctrl': ['codec', 'client', 'broker', 'cli', 'cli/command-line', 'cli/connection', 'node:'],
  'cli/db-dump': ['type broker', 'codec', 'cli/command-line', 'cli/format'],
  'cli/decode': ['cli/command-line', 'cborg', '@msgpack/msgpack', 'protobufjs'],
  'cli/completion': ['cli/command-line'],
  'cli/man': ['cli/command-line'],
  'cli/simulate': ['broker', 'client', 'codec', 'cli/torture/random.ts', 'node:'],
  'cli/doctor': ['broker', 'codec', 'type client', 'cli/command-line', 'cli/config', 'cli/connection', 'node:'],
  'cli/passwd': ['broker', 'node:'],
  'cli/pub': ['client', 'codec', 'cli/command-line', 'node:'],
  'cli/recording': ['codec', 'client', 'cli/command-line', 'cli/decode', 'cli/store', 'node:'],
  'cli/rr': ['codec', 'client', 'cli/command-line', 'cli/connection', 'cli/format'],
  'cli/retained': ['codec', 'client', 'cli/command-line', 'cli/connection', 'cli/decode', 'cli/recording', 'node:'],
  'cli/setup': [
    'broker',
    'client',
    'cli',
    'cli/command-line',
    'cli/config',
    'cli/passwd',
    'node:',
    '@peculiar/x509',
    'reflect-metadata',
    'uqr',
  ],
  'cli/store': ['codec', 'broker', 'cli', 'cli/command-line', 'node:'],
  'cli/sub': [
    'client',
    'codec',
    'cli/command-line',
    'cli/connection',
    'cli/decode',
    'cli/format',
    'cli/recording',
    'cli/tree',
    'node:',
  ],
  'cli/torture': ['codec', 'node:'],
  'cli/tree': ['type client', 'cli/command-line', 'cli/decode', 'node:'],
};

/** What is no type in `core/ports`: names for numbers that both sides of a port use. */
const VALUES_OF_PORTS = ['log.ts LogType', 'store.ts SHARDS'];

/** Globals through which the world outside would come in. */
const WORLD = [
  'Buffer',
  'Date',
  'clearInterval',
  'clearTimeout',
  'console',
  'crypto',
  'fetch',
  'global',
  'globalThis',
  'performance',
  'process',
  'queueMicrotask',
  'require',
  'setImmediate',
  'setInterval',
  'setTimeout',
  'Math.random',
];

/** Rooms where they are not to be used, and where one may be after all. */
const NO_WORLD = ['codec', 'broker/core', 'broker/core/handlers', 'broker/core/ports'];
const WORLD_ALLOWED = [
  // Chunks outside of the pool of small Buffers; any Uint8Array would do, but has to be filled with zeros first.
  'broker/core/output.ts Buffer.allocUnsafeSlow',
];

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** Where each package is, and in it its sources. */
const PACKAGE_FOLDERS = new Map<string, { readonly folder: string; readonly sources: string }>(
  readdirSync(join(ROOT, 'packages')).map((name) => [name, { folder: `packages/${name}`, sources: 'src' }]),
).set('conformance', { folder: 'test/conformance', sources: '.' });
const PACKAGES = [...PACKAGE_FOLDERS.keys()];
const TOOL_FOLDERS = ['test', 'bench', 'fuzz', 'scripts'];
const TEST_FILE = /\.test(-support)?\.ts$/;

interface Import {
  readonly specifier: string;
  readonly typeOnly: boolean;
}

interface SourceFile {
  /** Package and path below its `src`: `broker/core/session.ts`. */
  readonly name: string;
  readonly room: string;
  readonly path: string;
  readonly code: string;
  readonly imports: readonly Import[];
}

function importsOf(code: string): Import[] {
  const found: Import[] = [];
  const statement = /^(?:import|export)\s+(type\s)?(?:[\w*{][^'";]*?\sfrom\s*)?['"]([^'"]+)['"]/gm;
  for (const [, type, specifier] of code.matchAll(statement)) found.push({ specifier, typeOnly: type !== undefined });
  for (const [, specifier] of code.matchAll(/\b(?:import|require)\(\s*['"]([^'"]+)['"]\s*\)/g)) {
    found.push({ specifier, typeOnly: false });
  }
  return found;
}

/** Code without comments. What looks like one within a text goes, too: no import and no global is lost by that. */
function withoutComments(code: string): string {
  return code.replace(/\/\*[\s\S]*?\*\/|(?<=^|[\s;{}(),])\/\/.*$/gm, '');
}

function sourceFolderOf(packageName: string): string {
  const { folder, sources } = PACKAGE_FOLDERS.get(packageName) ?? { folder: '', sources: '' };
  return join(folder, sources);
}

function sourcesOf(packageName: string): SourceFile[] {
  const folder = join(ROOT, sourceFolderOf(packageName));
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return names
    .filter((name) => name.endsWith('.ts') && !TEST_FILE.test(name) && !name.startsWith('dist/'))
    .map((name) => {
      const path = join(folder, name);
      const code = withoutComments(readFileSync(path, 'utf8'));
      const full = `${packageName}/${name}`;
      return { name: full, room: dirname(full), path, code, imports: importsOf(code) };
    });
}

const SOURCES = PACKAGES.flatMap(sourcesOf);

/** What `MAY_IMPORT` calls the target of an import; also the file's own name, for those that are listed alone. */
function targetsOf(file: SourceFile, specifier: string): string[] {
  if (specifier.startsWith('node:')) return ['node:'];
  const [, sibling] = /^@cauldron\/([^/]+)/.exec(specifier) ?? [];
  if (sibling !== undefined) return [sibling];
  if (!specifier.startsWith('.')) return [packageNameOf(specifier)];
  const target = join(dirname(file.name), specifier).replace(/\.js$/, '.ts');
  return [dirname(target), target];
}

const scoped = (packageName: string) => `@cauldron/${packageName}`;

function packageNameOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

function violationsOf(file: SourceFile): string[] {
  const allowed = [...(MAY_IMPORT[file.room] ?? []), ...(MAY_IMPORT[file.name] ?? [])];
  return file.imports
    .filter(({ specifier, typeOnly }) => {
      const targets = targetsOf(file, specifier);
      if (targets.includes(file.room)) return specifier.startsWith('@'); // a package does not import itself by name
      return !targets.some((target) => allowed.includes(target) || (typeOnly && allowed.includes(`type ${target}`)));
    })
    .map(({ specifier, typeOnly }) => `${file.name} imports ${specifier}${typeOnly ? ' (types)' : ''}`);
}

describe('imports', () => {
  it.each<[string, Import[]]>([
    ["import { a } from './a.js';", [{ specifier: './a.js', typeOnly: false }]],
    ["import type { A } from '@cauldron/codec';", [{ specifier: '@cauldron/codec', typeOnly: true }]],
    ["import {\n  a,\n  type B,\n} from 'ws';", [{ specifier: 'ws', typeOnly: false }]],
    ["import './side-effect.js';", [{ specifier: './side-effect.js', typeOnly: false }]],
    ["import * as fs from 'node:fs';", [{ specifier: 'node:fs', typeOnly: false }]],
    ["import name, { b } from 'ws';", [{ specifier: 'ws', typeOnly: false }]],
    ["export * from './b.js';", [{ specifier: './b.js', typeOnly: false }]],
    ["export type { C } from './c.js';", [{ specifier: './c.js', typeOnly: true }]],
    ["const { tcp } = await import('./tcp.js');", [{ specifier: './tcp.js', typeOnly: false }]],
    ["// import { a } from './a.js';\n/* import { b } from 'b'; */ const url = 'https://x';", []],
  ])('are found in %j', (code, expected) => {
    expect(importsOf(withoutComments(code))).toEqual(expected);
  });

  it('a wrong direction, a foreign package and a value where only types may come are noticed', () => {
    const file = (name: string, code: string): SourceFile => {
      return { name, room: dirname(name), path: '', code, imports: importsOf(code) };
    };
    expect(violationsOf(file('codec/x.ts', "import { connect } from 'node:net';"))).toHaveLength(1);
    expect(violationsOf(file('broker/core/x.ts', "import { Link } from '../transports/tcp.js';"))).toHaveLength(1);
    expect(violationsOf(file('broker/storage/x.ts', "import { Message } from '../core/message.js';"))).toHaveLength(1);
    expect(violationsOf(file('broker/storage/x.ts', "import type { Message } from '../core/message.js';"))).toEqual([]);
    expect(violationsOf(file('client/x.ts', "import { WebSocket } from 'ws';"))).toHaveLength(1);
    expect(violationsOf(file('client/x.ts', "import { connect } from '@cauldron/client';"))).toHaveLength(1);
  });

  it('every room has its rules, and every rule has its room', () => {
    const rooms = new Set(SOURCES.flatMap(({ room, name }) => [room, name]));
    expect(Object.keys(MAY_IMPORT).filter((room) => !rooms.has(room))).toEqual([]);
    expect([...new Set(SOURCES.map(({ room }) => room))].filter((room) => !(room in MAY_IMPORT))).toEqual([]);
  });

  it.each(PACKAGES)('of %s go the allowed ways', (packageName) => {
    const files = SOURCES.filter(({ name }) => name.startsWith(`${packageName}/`));
    expect(files.length).toBeGreaterThan(0);
    expect(files.flatMap(violationsOf)).toEqual([]);
  });

  it('go through the doors of other packages', () => {
    const doors = new Set(
      PACKAGES.flatMap((name) => {
        const manifest = manifestOf(folderOf(name));
        return Object.keys(manifest.exports ?? {}).map((door) => `@cauldron/${name}${door.slice(1)}`);
      }),
    );
    const used = SOURCES.flatMap(({ imports }) => imports.map(({ specifier }) => specifier));
    expect(used.filter((specifier) => specifier.startsWith('@cauldron/') && !doors.has(specifier))).toEqual([]);
    expect(SOURCES.filter((file) => leavesItsPackage(file)).map(({ name }) => name)).toEqual([]);
  });

  it('make no cycle between packages', () => {
    const left = new Map(PACKAGES.map((name) => [name, new Set(siblingsOf(name))]));
    // Takes away what imports nothing that is left, until all is gone, or all that is left is in a cycle.
    for (;;) {
      const free = [...left].find(([, needed]) => ![...needed].some((name) => left.has(name)));
      if (free === undefined) break;
      left.delete(free[0]);
    }
    expect([...left.keys()]).toEqual([]);
  });
});

function leavesItsPackage({ name, imports }: SourceFile): boolean {
  const [packageName] = name.split('/');
  return imports.some(
    ({ specifier }) => specifier.startsWith('.') && !join(dirname(name), specifier).startsWith(`${packageName}/`),
  );
}

function siblingsOf(packageName: string): string[] {
  return importedPackages(packageName)
    .filter((name) => name.startsWith('@cauldron/'))
    .map((name) => name.slice('@cauldron/'.length));
}

describe('the core of the broker', () => {
  it('has ports that are types, and a few names for numbers', () => {
    const values = SOURCES.filter(({ room }) => room === 'broker/core/ports').flatMap(({ name, code }) =>
      [...code.matchAll(/^export (?:async )?(?:const|let|function|class) (\w+)/gm)].map(
        ([, exported]) => `${name.split('/').at(-1)} ${exported}`,
      ),
    );
    expect(values.sort()).toEqual(VALUES_OF_PORTS);
  });

  it('gets clock, randomness and the network from outside, as the codec does', () => {
    const global = new RegExp(
      `(?<![\\w.'"#-])(?:${WORLD.join('|').replaceAll('.', '\\.')})\\b(?=[.([])(?:\\.\\w+)?`,
      'g',
    );
    expect('Buffer.from(x); now = Date.now(); setTimeout(f, 1)'.match(global)).toEqual([
      'Buffer.from',
      'Date.now',
      'setTimeout',
    ]);
    const uses = SOURCES.filter(({ room }) => NO_WORLD.includes(room)).flatMap(({ name, code }) =>
      [...code.matchAll(global)].map(([use]) => `${name} ${use}`),
    );
    expect(uses).toEqual(WORLD_ALLOWED);
  });
});

interface Manifest {
  readonly exports?: Readonly<Record<string, unknown>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

function folderOf(packageName: string): string {
  return PACKAGE_FOLDERS.get(packageName)?.folder ?? '';
}

function manifestOf(folder: string): Manifest {
  return JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8'));
}

/** The packages that its sources import, in order. */
function importedPackages(packageName: string): string[] {
  const files = SOURCES.filter(({ name }) => name.startsWith(`${packageName}/`));
  const specifiers = files.flatMap(({ imports }) => imports.map(({ specifier }) => specifier));
  return [...new Set(specifiers.filter((specifier) => !/^(\.|node:)/.test(specifier)).map(packageNameOf))].sort();
}

describe('dependencies', () => {
  it.each(PACKAGES)('of %s are what it imports', (name) => {
    const { dependencies = {}, devDependencies = {} } = manifestOf(folderOf(name));
    expect(Object.keys(dependencies).sort()).toEqual(importedPackages(name));
    expect(devDependencies).toEqual({}); // tools are at the root only
  });

  it.each([...TOOL_FOLDERS, ...PACKAGES.map(sourceFolderOf)])(
    'of tests and tools in %s are in a package.json',
    (folder) => {
      const { dependencies = {}, devDependencies = {} } = manifestOf('.');
      expect(dependencies).toEqual({}); // the product's are those of its packages; tests may use them, too
      const ofPackages = PACKAGES.flatMap((name) => Object.keys(manifestOf(folderOf(name)).dependencies ?? {}));
      const known = [...Object.keys(devDependencies), ...ofPackages, ...PACKAGES.map(scoped)];
      const used = readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
        .filter((name) => (folder.startsWith('packages/') ? TEST_FILE : /\.([cm]?js|ts)$/).test(name))
        .flatMap((name) => importsOf(withoutComments(readFileSync(join(ROOT, folder, name), 'utf8'))))
        .filter(({ specifier }) => !/^(\.|node:)/.test(specifier))
        .map(({ specifier }) => packageNameOf(specifier));
      expect([...new Set(used)].filter((name) => !known.includes(name))).toEqual([]);
    },
  );

  // Both look for the binary that came with them, and compile one only where none fits the machine.
  const MAY_RUN_SCRIPTS = ['node_modules/lmdb', 'node_modules/msgpackr-extract'];

  it('run no script when they are installed, but for those of native code', () => {
    const { packages }: { packages: Record<string, { hasInstallScript?: boolean }> } = JSON.parse(
      readFileSync(join(ROOT, 'package-lock.json'), 'utf8'),
    );
    expect(Object.keys(packages).length).toBeGreaterThan(10);
    const scripts = Object.entries(packages).filter(([, { hasInstallScript }]) => hasInstallScript);
    expect(scripts.map(([name]) => name)).toEqual(MAY_RUN_SCRIPTS);
  });
});
