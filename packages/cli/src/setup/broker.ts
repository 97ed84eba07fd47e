import { spawn } from 'node:child_process';
import { setTimeout as wait } from 'node:timers/promises';
import { ConfigError } from '@cauldron/broker';
import { askBroker, ControlRefused, ControlUnreachable, runningBrokers } from '@cauldron/broker/control';
import { SetupError } from './setup-error.js';

const STOP_TIMEOUT_MS = 30_000;
const POLL_MS = 20;

/** Program and first arguments of `cauldron`, as it was called. */
export function cauldronCommand(): string[] {
  return [process.execPath, process.argv[1]];
}

interface FoundBroker {
  readonly pid: number;
  readonly path: string;
}

/** The broker that was started with that configuration; null: none runs, or none that this user may talk to. */
export async function brokerWith(configFile: string): Promise<FoundBroker | null> {
  for (const { pid, path } of runningBrokers()) {
    try {
      const status = await askBroker(path, { command: 'status' });
      if (status.configFile === configFile) return { pid, path };
    } catch (error) {
      if (!(error instanceof ControlUnreachable)) throw error;
    }
  }
  return null;
}

/**
 * Has a broker that runs with that configuration read it again, with all files that it names.
 * @returns false: none runs
 * @throws (rejects) SetupError: it refuses
 */
export async function reloadBroker(configFile: string): Promise<boolean> {
  const broker = await brokerWith(configFile);
  if (broker === null) return false;
  try {
    await askBroker(broker.path, { command: 'reload' });
  } catch (error) {
    if (!(error instanceof ControlRefused || error instanceof ConfigError)) throw error;
    throw new SetupError(`The broker that runs refuses what has changed:\n${error.problems.join('\n')}`, {
      cause: error,
    });
  }
  return true;
}

/** Starts a broker in the background. Resolves when it takes connections. @throws (rejects) SetupError: it cannot start */
export async function startBroker(configFile: string): Promise<void> {
  const [program, ...args] = cauldronCommand();
  const child = spawn(program, [...args, 'broker', '-d', '-c', configFile], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (bytes: Buffer) => {
    said += bytes.toString();
  });
  const status = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  if (status !== 0) throw new SetupError(`The broker does not start with ${configFile}:\n${said.trim()}`);
}

/** Ends the broker with that configuration, if there is one. Resolves when it has ended. @throws (rejects) SetupError */
export async function stopBroker(configFile: string): Promise<void> {
  const broker = await brokerWith(configFile);
  if (broker === null) return;
  process.kill(broker.pid, 'SIGTERM');
  const isLate = AbortSignal.timeout(STOP_TIMEOUT_MS);
  while (isAlive(broker.pid)) {
    if (isLate.aborted) throw new SetupError(`The broker, process ${broker.pid}, does not end.`);
    await wait(POLL_MS);
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
