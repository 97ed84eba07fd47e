// The brokers that are measured side by side, and how each is started.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { configurationLines } from './settings.js';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/**
 * What a broker must be able to do for a scenario. Plain messages of MQTT 3.1.1 and 5 anybody can do who is here.
 * @typedef {'v5' | 'qos2' | 'properties' | 'tls' | 'websocket' | 'sessions' | 'retained' | 'wildcards' | 'wills' |
 *   'command'} Ability
 */

/**
 * What a broker should be like in one run.
 * @typedef {object} Wishes
 * @property {string} directory for its files, which stay there
 * @property {import('./settings.js').Transport} transport
 * @property {boolean} isGuarded whether there are users and access rules
 * @property {boolean} isStored whether everything is kept on disk
 * @property {import('./settings.js').Sync} sync
 * @property {string[]} settings further lines of its configuration
 */

/**
 * @typedef {object} Target
 * @property {string} name
 * @property {readonly Ability[]} abilities
 * @property {boolean} isConfigured whether it has users, access rules and persistence like the product, where those are
 *   measured; others are measured as they come
 * @property {string} [userDomain] of the names that it insists on, if it does without having users
 * @property {() => string | undefined} prepare builds what must be built; returns why the target cannot run, if so
 * @property {() => string} version
 * @property {(port: number, wishes: Wishes) => string[]} command
 * @property {(wishes: Wishes) => Record<string, string>} [environment]
 */

/** @type {readonly Ability[]} */
const EVERYTHING = ['v5', 'qos2', 'properties', 'tls', 'websocket', 'sessions', 'retained', 'wildcards', 'wills'];

/** @param {string[]} command */
function firstLine(command) {
  const [program, ...args] = command;
  return spawnSync(program, args, { encoding: 'utf8', timeout: 10_000 }).stdout?.split('\n')[0].trim() ?? '';
}

/**
 * @param {number} port
 * @param {Wishes} wishes
 * @param {string[]} further
 */
function writeConfiguration(port, wishes, further) {
  const file = join(wishes.directory, 'broker.conf');
  writeFileSync(file, [...configurationLines(wishes, port), ...further, ''].join('\n'));
  return file;
}

export const cauldronBin = join(root, 'bin', 'cauldron.js');

// As `npm start` does, and as the README says for a broker under load: fewer collections of what lives shortly.
const FOR_LOAD = '--max-semi-space-size=32';

/**
 * @param {string} name
 * @param {string} node the program
 * @param {boolean} isConfigured
 * @returns {Target}
 */
function cauldron(name, node, isConfigured) {
  return {
    name,
    abilities: [...EVERYTHING, 'command'],
    isConfigured,
    prepare() {
      if (!existsSync(cauldronBin)) return 'bin/cauldron.js is missing';
      const { status, error } = spawnSync('npm', ['run', '--silent', 'build'], { cwd: root, stdio: ['ignore', 2, 2] });
      if (error) return `the build could not be started: ${error.message}`;
      if (status !== 0) return 'the build failed (npm run build)';
      return undefined;
    },
    version: () => `${JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version}, ${nodeVersion(node)}`,
    command(port, wishes) {
      const sync = wishes.isStored ? [`persistence_sync ${wishes.sync}`] : [];
      return [node, FOR_LOAD, cauldronBin, 'broker', '-c', writeConfiguration(port, wishes, sync)];
    },
  };
}

/** @param {string} node */
function nodeVersion(node) {
  return `Node ${firstLine([node, '--version'])}`;
}

/**
 * The prototype that moves bytes and does nothing else.
 * @param {string} name
 * @param {string} node the program
 * @returns {Target}
 */
function yardstick(name, node) {
  return {
    name,
    abilities: ['v5', 'qos2'],
    isConfigured: false,
    prepare: () => undefined,
    version: () => nodeVersion(node),
    command: (port) => [node, join(root, 'bench', 'hot-path.mjs'), String(port)],
  };
}

// Debian installs it where the PATH of an ordinary user does not look.
const mosquittoBin =
  ['/usr/sbin/mosquitto', '/usr/local/sbin/mosquitto'].find((file) => existsSync(file)) ?? 'mosquitto';

/**
 * It writes its file every half an hour and when it ends, and syncs nothing.
 * @type {Target}
 */
const mosquitto = {
  name: 'mosquitto',
  abilities: EVERYTHING,
  isConfigured: true,
  prepare: () =>
    spawnSync(mosquittoBin, ['-h']).error ? 'mosquitto is not installed (apt install mosquitto)' : undefined,
  version: () => firstLine([mosquittoBin, '-h']).replace(/^mosquitto version /, ''),
  command: (port, wishes) => [mosquittoBin, '-c', writeConfiguration(port, wishes, [])],
};

/** Where Debian keeps the code of ejabberd: below the folder of the machine's architecture. */
function ejabberdLibraries() {
  return readdirSync('/usr/lib')
    .map((name) => join('/usr/lib', name))
    .find((path) => path.endsWith('-linux-gnu') && readdirSync(path).some((name) => name.startsWith('ejabberd-')));
}

/**
 * The MQTT module of ejabberd, without a name as an Erlang node, so that nothing is left running beside it.
 * @type {Target}
 */
const ejabberd = {
  name: 'ejabberd',
  abilities: ['v5', 'qos2', 'properties', 'retained', 'wildcards', 'wills'],
  isConfigured: false,
  userDomain: 'localhost',
  prepare() {
    if (ejabberdLibraries() === undefined) return 'ejabberd is not installed (apt install ejabberd)';
    return spawnSync('erl', ['-version']).error ? 'erl cannot be started' : undefined;
  },
  version: () =>
    readdirSync(ejabberdLibraries() ?? '/nowhere')
      .find((name) => name.startsWith('ejabberd-'))
      ?.replace('ejabberd-', '') ?? 'unknown',
  environment: ({ directory }) => ({
    ERL_LIBS: ejabberdLibraries() ?? '',
    ERL_CRASH_DUMP: join(directory, 'crash'),
    EJABBERD_CONFIG_PATH: join(directory, 'ejabberd.yml'),
    EJABBERD_LOG_PATH: join(directory, 'ejabberd.log'),
  }),
  command(port, { directory }) {
    const lines = [
      'hosts: [localhost]',
      'loglevel: error',
      'auth_method: anonymous',
      'anonymous_protocol: login_anon',
      'allow_multiple_connections: true',
      'listen:',
      `  - port: ${port}`,
      '    ip: "127.0.0.1"',
      '    module: mod_mqtt',
      '    max_fsm_queue: 1000000',
      'modules:',
      '  mod_mqtt: {}',
      '',
    ];
    writeFileSync(join(directory, 'ejabberd.yml'), lines.join('\n'));
    return ['erl', '-noinput', '-mnesia', 'dir', `"${join(directory, 'spool')}"`, '-s', 'ejabberd'];
  },
};

/**
 * It sends retained messages with the QoS that they were published with, whatever was granted: not what is measured here.
 * @type {Target}
 */
const aedes = {
  name: 'aedes',
  abilities: ['qos2', 'sessions', 'wildcards', 'wills'],
  isConfigured: false,
  prepare: () => (existsSync(join(root, 'node_modules', 'aedes')) ? undefined : 'node_modules has no aedes (npm ci)'),
  version: () =>
    `${JSON.parse(readFileSync(join(root, 'node_modules', 'aedes', 'package.json'), 'utf8')).version}, ${nodeVersion(process.execPath)}`,
  command: (port) => [process.execPath, FOR_LOAD, join(root, 'bench', 'aedes-broker.js'), String(port)],
};

/** @type {Target} */
const nats = {
  name: 'nats',
  abilities: ['qos2', 'retained', 'wildcards', 'wills'],
  isConfigured: false,
  prepare: () => (spawnSync('nats-server', ['-v']).error ? 'nats-server is not installed' : undefined),
  version: () => firstLine(['nats-server', '-v']).replace(/^nats-server: /, ''),
  command(port, { directory }) {
    const file = join(directory, 'nats.conf');
    const lines = [
      'server_name: bench',
      'listen: "127.0.0.1:-1"',
      `jetstream { store_dir: "${join(directory, 'jetstream')}" }`,
      `mqtt { host: "127.0.0.1", port: ${port}, max_ack_pending: 1000 }`,
      '',
    ];
    writeFileSync(file, lines.join('\n'));
    return ['nats-server', '-c', file];
  },
};

/** The targets that are measured unless others are named. */
export const DEFAULT_TARGETS = ['cauldron', 'yardstick', 'mosquitto'];

/** `open` is the product without users, access rules and persistence: what those cost. */
export const targets = [
  cauldron('cauldron', process.execPath, true),
  cauldron('open', process.execPath, false),
  yardstick('yardstick', process.execPath),
  mosquitto,
  ejabberd,
  aedes,
  nats,
];

/**
 * The product and its yardstick on another Node.
 * @param {string} node the program
 */
export function targetsOn(node) {
  if (firstLine([node, '--version']) === '') throw new Error(`--node takes a Node, and ${node} cannot be started`);
  return [cauldron('cauldron-node', node, true), yardstick('yardstick-node', node)];
}
