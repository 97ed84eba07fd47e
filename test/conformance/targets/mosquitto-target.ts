import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openTcp } from '../raw/channels.js';
import { ARRANGEMENTS, type ArrangementName } from '../suite/arrangements.js';
import { type StartedBroker, StartedTarget } from './started-target.js';

const HOST = '127.0.0.1';
/** How often, and for how long in all, a start is tried again: the port may have been taken meanwhile. */
const START_ATTEMPTS = 3;
const START_TIMEOUT_MS = 5000;

/** Mosquitto as installed here, each one in a process and folder of its own. @throws Error when it cannot be run */
export function mosquittoTarget(program = '/usr/sbin/mosquitto'): StartedTarget {
  const version = mosquittoVersion(program);
  if (version === undefined) throw new Error(`${program} cannot be run; on Debian: apt-get install mosquitto`);
  return new StartedTarget(`mosquitto ${version}`, { graceMs: 0, mustExplain: false }, (arrangement) =>
    startMosquitto(program, arrangement),
  );
}

/** The version of Mosquitto that is installed here, or undefined if none is. */
export function mosquittoVersion(program = '/usr/sbin/mosquitto'): string | undefined {
  return spawnSync(program, ['-h'], { encoding: 'utf8' }).stdout?.match(/version (\S+)/)?.[1];
}

async function startMosquitto(program: string, arrangement: ArrangementName): Promise<StartedBroker | null> {
  const folder = mkdtempSync(join(tmpdir(), 'conformance-mosquitto-'));
  const lines = settingsOf(arrangement, folder);
  if (lines === null) {
    rmSync(folder, { recursive: true });
    return null;
  }
  for (let attempt = 1; ; attempt++) {
    const [port, webSocketPort] = [await freePort(), await freePort()];
    const file = join(folder, 'mosquitto.conf');
    const webSocket = [`listener ${webSocketPort} ${HOST}`, 'protocol websockets'];
    writeFileSync(file, [`listener ${port} ${HOST}`, ...lines, ...webSocket].join('\n'));
    const child = spawn(program, ['-c', file], { stdio: 'ignore' });
    if ((await isListening(port, child)) && (await isListening(webSocketPort, child))) {
      const stop = async (): Promise<void> => {
        child.kill();
        await new Promise((resolve) => child.once('close', resolve));
        rmSync(folder, { recursive: true });
      };
      return { endpoint: { host: HOST, port, webSocketUrl: `ws://${HOST}:${webSocketPort}/mqtt` }, stop };
    }
    child.kill();
    if (attempt === START_ATTEMPTS) throw new Error(`${program} did not start with ${lines.join(', ')}`);
  }
}

/** Its configuration for an arrangement, or null if it has none. */
function settingsOf(arrangement: ArrangementName, folder: string): string[] | null {
  const anonymous = ['allow_anonymous true', 'user root', 'log_type none'];
  switch (arrangement) {
    case 'enhanced-authentication':
    case 'fault':
      return null;
    case 'passwords': {
      const file = join(folder, 'passwords');
      writeFileSync(file, '', { mode: 0o600 });
      execFileSync('mosquitto_passwd', ['-b', file, 'fry', 'slurm']);
      return ['allow_anonymous false', 'user root', 'log_type none', `password_file ${file}`];
    }
    case 'access': {
      const file = join(folder, 'access');
      writeFileSync(file, 'topic readwrite #\ntopic deny conformance/+/denied\n', { mode: 0o600 });
      return [...anonymous, `acl_file ${file}`];
    }
    default:
      return [...anonymous, ...ARRANGEMENTS[arrangement].lines];
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, HOST, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

/** Tries until it takes connections, has ended, or the time is over. */
async function isListening(port: number, child: ChildProcess): Promise<boolean> {
  const deadline = performance.now() + START_TIMEOUT_MS;
  while (child.exitCode === null && performance.now() < deadline) {
    try {
      const channel = await openTcp({ host: HOST, port }, { onBytes: () => {}, onEnd: () => {} });
      channel.destroy();
      return true;
    } catch {
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  return false;
}
