import { type BrokerConfig, ConfigError } from './config/config.js';
import { LogType } from './core/ports/log.js';
import { AccountError } from './process/accounts.js';
import { Administration } from './process/administration.js';
import {
  CAULDRON,
  type Flags,
  type GivenConfig,
  helpOf,
  MOSQUITTO,
  type ProgramName,
  readFlags,
  readGivenConfig,
} from './process/command-line.js';
import { backgroundReport, startInBackground } from './process/daemon.js';
import { ProcessFrame } from './process/process-frame.js';
import { obeySignals } from './process/signals.js';
import { YoungGeneration } from './process/young-generation.js';
import { checkConfig } from './server/check-config.js';
import { shownEndpoint } from './server/listen-addresses.js';
import type { Server } from './server/server.js';
import { StartError } from './server/start-error.js';
import { growYoungGenerationBy, systemClock } from './system.js';
import { VERSION } from './version.js';

export { CAULDRON, FLAGS as BROKER_FLAGS } from './process/command-line.js';

/** Exit codes, those of Mosquitto. */
const OK = 0;
const FAILED = 1;
const BAD_USAGE = 3;

/**
 * `cauldron broker`: runs a broker until it is told to stop by SIGINT or SIGTERM.
 * @param argv without the name of the command. @returns the exit code: 0, 1 when it could not run, 3 when the command
 * line or the configuration is wrong
 */
export function runBroker(argv: readonly string[]): Promise<number> {
  return run(argv, CAULDRON);
}

/** The same under the name and with the habits of Mosquitto's program. */
export function runMosquitto(argv: readonly string[]): Promise<number> {
  return run(argv, MOSQUITTO);
}

async function run(argv: readonly string[], program: ProgramName): Promise<number> {
  const background = backgroundReport(process.env);
  let flags: Flags;
  try {
    flags = readFlags(argv);
  } catch (error) {
    complain((error as Error).message);
    process.stderr.write(`'${program.name} --help' shows what can be given.\n`);
    return BAD_USAGE;
  }
  if (flags.help) {
    process.stdout.write(helpOf(program));
    return program.helpExitCode;
  }
  if (flags.version) return say(`cauldron version ${VERSION}\n`);
  let given: GivenConfig;
  try {
    given = readGivenConfig(flags);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    complain(...error.problems);
    return BAD_USAGE;
  }
  const { config } = given;
  if (flags['test-config']) return test(config);
  if (flags.daemon && background === null) return detach(config);
  const forPlace = background === null ? (found: GivenConfig) => found : withoutTerminal;
  try {
    const readAgain = (): GivenConfig => forPlace(readGivenConfig(flags));
    return await serve(forPlace(given), readAgain, flags, () => background?.running());
  } catch (error) {
    if (!(error instanceof StartError) && !(error instanceof AccountError)) throw error;
    background?.failed(error.message);
    const problems = error instanceof StartError ? error.problems : [error.message];
    if (error instanceof AccountError || !showsErrors(config)) complain(...problems);
    return FAILED;
  }
}

async function test(config: BrokerConfig): Promise<number> {
  const { problems, warnings } = await checkConfig(config);
  for (const warning of warnings) process.stderr.write(`Warning: ${warning}\n`);
  if (problems.length === 0) return say('The configuration is good.\n');
  complain(...problems);
  return BAD_USAGE;
}

async function detach({ log }: BrokerConfig): Promise<number> {
  const unheard = log.destinations.filter(({ kind }) => kind === 'stdout' || kind === 'stderr');
  for (const { kind } of unheard) {
    process.stderr.write(
      `Warning: In the background, log_dest ${kind} goes nowhere. 'log_dest syslog' or 'log_dest file PATH' keeps the log.\n`,
    );
  }
  const why = await startInBackground();
  if (why === null) return OK;
  complain(why);
  return FAILED;
}

/** What a process in the background has nobody to show it to. */
function withoutTerminal({ config, blocks }: GivenConfig): GivenConfig {
  const { log } = config;
  const destinations = log.destinations.filter(({ kind }) => kind !== 'stdout' && kind !== 'stderr');
  return { config: { ...config, log: { ...log, destinations } }, blocks };
}

/** @throws StartError, AccountError */
async function serve(
  { config, blocks }: GivenConfig,
  readAgain: () => GivenConfig,
  flags: Flags,
  onRunning: () => void,
): Promise<number> {
  const youngGeneration = new YoungGeneration(growYoungGenerationBy);
  const frame = new ProcessFrame(config, process.env);
  const server = await frame.start();
  youngGeneration.follow(server.broker, systemClock);
  try {
    const administration = new Administration(server, blocks, readAgain, frame.manager);
    const stopped = obeySignals(administration);
    await frame.settle(administration);
    announce(server, config, flags);
    onRunning();
    await stopped;
  } finally {
    await frame.stop();
  }
  return OK;
}

/** Whether what is logged reaches the person who started the broker, so that nothing has to be said twice. */
function showsErrors({ log }: BrokerConfig): boolean {
  const shown = log.destinations.some(({ kind }) => kind === 'stdout' || kind === 'stderr');
  return shown && (log.types & LogType.ERROR) !== 0;
}

function announce({ log, endpoints }: Server, config: BrokerConfig, { ports }: Flags): void {
  if (ports.length > 0 && !config.localOnly) {
    log.write(
      LogType.WARNING,
      `Warning: -p ${ports.join(' -p ')} does not count, because ${config.file} has a listener.`,
    );
  }
  // Where a person looks, what to do next; not in the logs of a service.
  if (!process.stdout.isTTY && process.env.npm_lifecycle_event !== 'start') return;
  // Behind the lines of the log, which are written at the end of this turn.
  setImmediate(() => process.stdout.write(welcome(endpoints, config)));
}

function welcome(endpoints: Server['endpoints'], { localOnly }: BrokerConfig): string {
  const [{ port }] = endpoints;
  const shown = endpoints.map((end) => shownEndpoint(end));
  const flag = port === 1883 ? '' : ` -p ${port}`;
  return `
Cauldron takes MQTT and MQTT over WebSocket on ${shown.join(' and ')}.
${localOnly ? 'Only programs on this machine can connect; a listener in the configuration opens it to others.\n' : ''}
To try it, in two other terminals:
  node bin/cauldron.js sub${flag} -v -t 'owntracks/#'
  node bin/cauldron.js pub${flag} -t owntracks/test -m 'hello world'
Ctrl+C stops it.

`;
}

function say(text: string): number {
  process.stdout.write(text);
  return OK;
}

function complain(...lines: readonly string[]): void {
  for (const line of lines) process.stderr.write(`Error: ${line}\n`);
}
