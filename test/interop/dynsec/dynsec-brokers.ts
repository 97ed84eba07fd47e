import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BrokerProcess } from '../../support/broker-process.js';
import { freePort } from '../../support/free-port.js';
import { programPath } from '../../support/programs.js';
import { RunningProgram } from '../../support/running-program.js';

/** Cauldron's own, under the name of Mosquitto's. */
export const OWN_CTRL = fileURLToPath(new URL('../../../bin/compat/mosquitto_ctrl', import.meta.url));

export const ADMIN = { username: 'admin', password: 'the password of admin' } as const;

/** What a program has said and how it ended. */
export interface Said {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number | null;
}

/** A broker with dynamic security, in a process of its own. */
export interface DynsecBroker {
  readonly name: string;
  readonly port: number;
  /** Ends it, and gives what is in its file then. */
  stop(): Promise<string>;
}

/** Debian's Mosquitto with this file. */
export async function startMosquitto(text: string): Promise<DynsecBroker> {
  const folder = mkdtempSync(join(tmpdir(), 'cauldron-dynsec-'));
  const file = join(folder, 'dynamic-security.json');
  writeFileSync(file, text);
  const port = await freePort();
  const lines = [
    `listener ${port} 127.0.0.1`,
    'allow_anonymous true',
    `plugin ${pluginPath()}`,
    `plugin_opt_config_file ${file}`,
    'user root',
  ];
  const config = join(folder, 'mosquitto.conf');
  writeFileSync(config, `${lines.join('\n')}\n`);
  const program = new RunningProgram(programPath('mosquitto'), ['-c', config]);
  await program.shows('running');
  return {
    name: 'Mosquitto',
    port,
    async stop() {
      await program.stop();
      const saved = readFileSync(file, 'utf8');
      rmSync(folder, { recursive: true });
      return saved;
    },
  };
}

/** This broker with this file, configured as if it were Mosquitto. */
export async function startCauldron(text: string): Promise<DynsecBroker> {
  const folder = mkdtempSync(join(tmpdir(), 'cauldron-dynsec-'));
  const file = join(folder, 'dynamic-security.json');
  writeFileSync(file, text);
  const broker = await BrokerProcess.start([
    'plugin /usr/lib/anywhere/mosquitto_dynamic_security.so',
    `plugin_opt_config_file ${file}`,
  ]);
  return {
    name: 'Cauldron',
    port: broker.port,
    async stop() {
      await broker.stop();
      const saved = readFileSync(file, 'utf8');
      rmSync(folder, { recursive: true });
      return saved;
    },
  };
}

/** A file with the client admin alone, made by Debian's `mosquitto_ctrl dynsec init`. */
export async function initialFile(ctrl = programPath('mosquitto_ctrl')): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'cauldron-dynsec-'));
  const file = join(folder, 'dynamic-security.json');
  const { exitCode, stderr } = await new RunningProgram(
    ctrl,
    ['dynsec', 'init', file, ADMIN.username, ADMIN.password],
    '',
  ).ended;
  if (exitCode !== 0) throw new Error(stderr);
  const text = readFileSync(file, 'utf8');
  rmSync(folder, { recursive: true });
  return text;
}

/** Debian's mosquitto_ctrl, as admin. */
export function debianCtrl(port: number, ...words: readonly string[]): Promise<Said> {
  return said(programPath('mosquitto_ctrl'), port, words);
}

/** Cauldron's under that name, as admin. */
export function ownCtrl(port: number, ...words: readonly string[]): Promise<Said> {
  return said(OWN_CTRL, port, words);
}

async function said(program: string, port: number, words: readonly string[]): Promise<Said> {
  const flags = ['-h', '127.0.0.1', '-p', String(port), '-u', ADMIN.username, '-P', ADMIN.password];
  const { stdout, stderr, exitCode } = await new RunningProgram(program, [...flags, 'dynsec', ...words], '').ended;
  return { stdout: stdout.toString(), stderr: stderr.replace(/^Warning: You are running[\s\S]*?\n\n/, ''), exitCode };
}

function pluginPath(): string {
  const found = readdirSync('/usr/lib')
    .map((folder) => join('/usr/lib', folder, 'mosquitto_dynamic_security.so'))
    .find((path) => existsSync(path));
  if (found === undefined) throw new Error("Mosquitto's plugin for dynamic security is not in /usr/lib/*/");
  return found;
}
