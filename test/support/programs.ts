import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, extname, join } from 'node:path';

/** Programs of others that tests run, what they build programs with, and the Debian package of each. */
const PACKAGES = {
  bash: 'bash',
  chromium: 'chromium',
  curl: 'curl',
  ejabberdctl: 'ejabberd',
  fish: 'fish',
  'g++': 'g++',
  gcc: 'gcc',
  haproxy: 'haproxy',
  'hawtbuf.jar': 'libhawtbuf-java',
  'hawtdispatch-transport.jar': 'libhawtdispatch-java',
  'hawtdispatch.jar': 'libhawtdispatch-java',
  java: 'default-jdk-headless',
  javac: 'default-jdk-headless',
  man: 'man-db',
  mosquitto: 'mosquitto',
  'mosquitto.h': 'libmosquitto-dev',
  mosquitto_ctrl: 'mosquitto',
  mosquitto_passwd: 'mosquitto',
  mosquitto_pub: 'mosquitto-clients',
  mosquitto_rr: 'mosquitto-clients',
  mosquitto_sub: 'mosquitto-clients',
  'mqtt-client.jar': 'libmqtt-client-java',
  'mqtt/async_client.h': 'libpaho-mqttpp-dev',
  'MQTTClient.h': 'libpaho-mqtt-dev',
  nginx: 'nginx',
  'ngx_stream_module.so': 'libnginx-mod-stream',
  openssl: 'openssl',
  perl: 'perl',
  php: 'php-cli',
  python3: 'python3-paho-mqtt',
  rexx: 'regina-rexx',
  ruby: 'ruby',
  zsh: 'zsh',
} as const;

export type ProgramName = keyof typeof PACKAGES;

/** Debian keeps brokers outside of a user's path, and a Python of the user's own may stand before Debian's. */
const PROGRAM_FOLDERS = ['/usr/bin', ...(process.env.PATH ?? '').split(delimiter), '/usr/sbin'];

/** Where Debian has what programs are built with, by the ending of its name. */
const FOLDERS_BY_ENDING: Readonly<Record<string, string>> = {
  '.h': '/usr/include',
  '.jar': '/usr/share/java',
  '.so': '/usr/lib/nginx/modules',
};

const found = new Map<ProgramName, string | null>();

/**
 * Whether all these programs are there: `describe.skipIf(!areInstalled('mosquitto_pub'))`. If not, a note names their
 * Debian packages, or, with CI=true, an error does: there, no test may be skipped.
 */
export function areInstalled(...names: readonly ProgramName[]): boolean {
  const missing = names.filter((name) => find(name) === null);
  if (missing.length === 0) return true;
  const packages = new Set(missing.map((name) => PACKAGES[name]));
  const note = `${missing.join(', ')} cannot be found; on Debian: apt-get install ${[...packages].join(' ')}`;
  if (process.env.CI === 'true') throw new Error(note);
  console.warn(`Skipped: ${note}`);
  return false;
}

/** The path of a program; of `python3`, one that has paho-mqtt. @throws Error when it is not there */
export function programPath(name: ProgramName): string {
  const path = find(name);
  if (path === null) throw new Error(`${name} is not installed; on Debian: apt-get install ${PACKAGES[name]}`);
  return path;
}

function find(name: ProgramName): string | null {
  let path = found.get(name);
  if (path === undefined) {
    const folder = FOLDERS_BY_ENDING[extname(name)];
    const folders = folder === undefined ? PROGRAM_FOLDERS : [folder];
    path = folders.map((folder) => join(folder, name)).find((candidate) => isUsable(name, candidate)) ?? null;
    found.set(name, path);
  }
  return path;
}

function isUsable(name: ProgramName, path: string): boolean {
  try {
    accessSync(path, extname(name) === '' ? constants.X_OK : constants.R_OK);
  } catch {
    return false;
  }
  return name !== 'python3' || spawnSync(path, ['-c', 'import paho.mqtt.client']).status === 0;
}
