import { resolve } from 'node:path';
import { ConfigError, loadConfig } from '@cauldron/broker';
import {
  askBroker,
  ControlRefused,
  type ControlRequest,
  type ControlResult,
  ControlUnreachable,
  pidIn,
  runningBrokers,
} from '@cauldron/broker/control';

/** Words for the person who wants something of a broker that runs. */
export class NoSuchBroker extends Error {
  override readonly name = 'NoSuchBroker';
}

/** A broker that runs on this machine, and answers. */
export interface RunningBroker {
  readonly pid: number;
  readonly path: string;
  /** As it says itself. */
  readonly status: ControlResult;
}

/** What a person said about which broker is meant. */
export interface BrokerChoice {
  readonly pid?: number;
  /** The configuration that it was started with. */
  readonly config?: string;
}

/** All brokers that this user may talk to. Those that do not answer are left out. */
export async function allBrokers(): Promise<RunningBroker[]> {
  const found = await Promise.all(
    runningBrokers().map(async ({ pid, path }) => {
      try {
        return [{ pid, path, status: await askBroker(path, { command: 'status' }) }];
      } catch (error) {
        if (error instanceof ControlUnreachable) return [];
        throw error;
      }
    }),
  );
  return found.flat();
}

/** The broker that is meant; if nothing was said, the only one. @throws (rejects) NoSuchBroker, ConfigError */
export async function chosenBroker(choice: BrokerChoice): Promise<RunningBroker> {
  const brokers = await allBrokers();
  const fitting = brokers.filter(filterOf(choice));
  if (fitting.length === 1) return fitting[0];
  if (brokers.length === 0) {
    throw new NoSuchBroker(
      'No broker runs here that this user may talk to. Only the user that it runs as, and root, may do so.',
    );
  }
  const list = brokers.map((broker) => `  ${described(broker)}\n`).join('');
  if (fitting.length > 1) throw new NoSuchBroker(`Several brokers run: name one by --pid.\n${list}`);
  throw new NoSuchBroker(`No broker that runs is meant by that, only these could be:\n${list}`);
}

/** One line for a list. */
export function described({ pid, status }: RunningBroker): string {
  const { configFile, listeners } = status;
  const places = Array.isArray(listeners) ? listeners.join(', ') : '';
  const file = typeof configFile === 'string' ? `, configured by ${configFile}` : '';
  return `process ${pid} on ${places}${file}`;
}

/** By its pid_file, if the configuration names one; else by the configuration that it says it was started with. */
function filterOf({ pid, config }: BrokerChoice): (broker: RunningBroker) => boolean {
  if (pid !== undefined) return (broker) => broker.pid === pid;
  if (config === undefined) return () => true;
  const { pidFile } = loadConfig(config);
  const wanted = pidFile === null ? null : pidIn(pidFile);
  if (wanted !== null) return (broker) => broker.pid === wanted;
  const file = resolve(config);
  return ({ status }) => status.configFile === file;
}

/** Asks, and says in the tools' way why it was in vain. Resolves with the exit status. */
export async function reportingRefusals(act: () => Promise<number>): Promise<number> {
  try {
    return await act();
  } catch (error) {
    for (const line of linesOf(error)) process.stderr.write(`Error: ${line}\n`);
    return 1;
  }
}

/** @throws the error itself when it is none that can be expected */
function linesOf(error: unknown): readonly string[] {
  if (error instanceof ControlRefused || error instanceof ConfigError) return error.problems;
  if (error instanceof NoSuchBroker) return [error.message.trimEnd()];
  if (error instanceof ControlUnreachable) return [`The broker does not answer: ${error.message}.`];
  throw error;
}

/** `askBroker`, with what it says ahead of the outcome shown as it comes. */
export function askAndShow({ path }: Pick<RunningBroker, 'path'>, request: ControlRequest): Promise<ControlResult> {
  // Whoever reads only the beginning (`| head`) has what was wanted.
  process.stdout.once('error', () => process.exit(0));
  return askBroker(path, request, async (line) => {
    if (process.stdout.write(`${line}\n`)) return;
    await new Promise<void>((done) => process.stdout.once('drain', done));
  });
}
