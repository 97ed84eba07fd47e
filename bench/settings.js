// The configuration that brokers are measured with: users, 200 access rules, everything on disk, and how clients come in.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The generator's clients are these in turns. */
const USERS = 1_000;
const LINES = 200;
/** What the loads publish and subscribe to. */
const LOADS = ['pattern readwrite bench/#', 'pattern readwrite site/#', 'pattern readwrite +/+'];

/**
 * When the disk has what the product acknowledges; `none`: the product keeps nothing on disk.
 * @typedef {'always' | 'interval' | 'never' | 'none'} Sync
 */

/** @typedef {'tcp' | 'tls' | 'websocket'} Transport */

/** For the configuration of brokers that may not drop what waits. */
export const UNBOUNDED_QUEUES = 'max_queued_messages 0';

/** The user that anybody may be. */
export const USER = 'user0';

/**
 * Of the password file: the password is the name, in the kind that costs least to check.
 * @param {string} name
 */
function userLine(name) {
  const salt = Buffer.from('twelve bytes');
  const hash = createHash('sha512').update(name).update(salt).digest('base64');
  return `${name}:$6$${salt.toString('base64')}$${hash}\n`;
}

/**
 * Writes a file of users, and one of 200 lines with their rights: patterns for all, lines of some users.
 * @param {string} directory
 * @returns {string[]} lines for a broker's configuration
 */
function accessSettings(directory) {
  const passwords = join(directory, 'users');
  const acl = join(directory, 'acl');
  writeFileSync(passwords, Array.from({ length: USERS }, (_, i) => userLine(`user${i}`)).join(''), { mode: 0o600 });
  const lines = [...LOADS];
  for (let i = 0; lines.length < LINES / 4; i++) lines.push(`pattern read home/%u/room-${i}/+/state`);
  for (let i = 0; lines.length < LINES; i++) {
    lines.push(`user user${2 * i}`, `topic readwrite owntracks/user${2 * i}/#`, 'topic deny secret/#');
  }
  writeFileSync(acl, `${lines.slice(0, LINES).join('\n')}\n`, { mode: 0o600 });
  return [`password_file ${passwords}`, `acl_file ${acl}`];
}

/**
 * @param {string} directory
 * @returns {string[]} lines that belong to a listener
 */
function tlsSettings(directory) {
  const key = join(directory, 'key.pem');
  const certificate = join(directory, 'certificate.pem');
  const args = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost'.split(
    ' ',
  );
  const { status, stderr, error } = spawnSync('openssl', [...args, '-keyout', key, '-out', certificate]);
  if (error) throw new Error(`openssl cannot be started (apt install openssl): ${error.message}`);
  if (status !== 0) throw new Error(`openssl made no certificate: ${stderr}`);
  return [`certfile ${certificate}`, `keyfile ${key}`, 'tls_version tlsv1.3'];
}

/**
 * @param {string} directory
 * @returns {string[]}
 */
function storageSettings(directory) {
  const data = join(directory, 'data');
  mkdirSync(data, { recursive: true });
  return ['persistence true', `persistence_location ${data}/`];
}

/**
 * What stands in the configuration file of the product, and of Mosquitto, which reads the same. Everything that is not
 * named keeps its default: 1,000 queued messages for each client, 20 in flight, $SYS every 10 s, and in Mosquitto Nagle's
 * algorithm. The last is in its favour: measured in turns, `set_tcp_nodelay true` cost Mosquitto 2.0.11 a quarter of its
 * QoS 0 throughput and never helped at QoS 1, where its default wavers between one and two times the other's figure from
 * run to run.
 * @param {object} wishes
 * @param {string} wishes.directory
 * @param {Transport} wishes.transport
 * @param {boolean} wishes.isGuarded whether there are users and access rules
 * @param {boolean} wishes.isStored whether everything is kept on disk
 * @param {string[]} wishes.settings further lines
 * @param {number} port
 */
export function configurationLines({ directory, transport, isGuarded, isStored, settings }, port) {
  return [
    `listener ${port} 127.0.0.1`, // the load comes over loopback
    ...(transport === 'websocket' ? ['protocol websockets'] : []),
    ...(transport === 'tls' ? tlsSettings(directory) : []),
    // Mosquitto 2.0.11 does not start when all its listeners are of WebSocket: it gets another that nobody uses.
    ...(transport === 'websocket' ? [`listener 0 ${join(directory, 'socket')}`] : []),
    `allow_anonymous ${!isGuarded}`,
    'log_type error', // no line for each of 10,000 connections
    // Started by root, a broker would become another user, who cannot write into the folder of the benchmark.
    ...(process.getuid?.() === 0 ? ['user root'] : []),
    ...(isGuarded ? accessSettings(directory) : []),
    ...(isStored ? storageSettings(directory) : []),
    ...settings,
  ];
}

/** A broker without users, rules and persistence. */
export const AS_IT_IS = {
  transport: /** @type {Transport} */ ('tcp'),
  isGuarded: false,
  isStored: false,
  sync: /** @type {Sync} */ ('always'),
  settings: /** @type {string[]} */ ([]),
};
