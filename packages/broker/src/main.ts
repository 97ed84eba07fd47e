import { rmSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { ALL_LOG_TYPES } from './admin/log.js';
import { type BrokerConfig, ConfigError } from './config/config.js';
import { defaultConfig, loadConfig, withPorts, withStrictStore } from './config/read-config.js';
import { LogType } from './core/ports/log.js';
import { shownEndpoint } from './listen-addresses.js';
import { type Server, startServer } from './server.js';
import { StartError } from './start-error.js';
import { VERSION } from './version.js';

/** Exit codes, those of Mosquitto. */
const OK = 0;
const FAILED = 1;
const BAD_USAGE = 3;

const FLAGS = {
  'config-file': { type: 'string', short: 'c', value: 'FILE', doc: 'Read this file, in the format of mosquitto.conf.' },
  port: {
    type: 'string',
    short: 'p',
    multiple: true,
    value: 'PORT',
    doc: 'Listen on this port of this machine only. May be repeated. Does not count if the file has a listener.',
  },
  'strict-store': { type: 'boolean', doc: 'Do not start with a damaged store, instead of moving it aside.' },
  verbose: { type: 'boolean', short: 'v', doc: 'Log everything, whatever the file says.' },
  quiet: { type: 'boolean', short: 'q', doc: 'Log nothing, whatever the file says.' },
  'test-config': { type: 'boolean', doc: 'Check the configuration and end: 0 if it is good, 3 if not.' },
  help: { type: 'boolean', short: 'h', doc: 'Show this text.' },
  version: { type: 'boolean', doc: 'Show the version.' },
} as const;

type Flags = ReturnType<typeof readFlags>;

/**
 * `cauldron broker`: runs a broker until it is told to stop by SIGINT or SIGTERM. SIGHUP reads the configuration again.
 * @param argv without the name of the command. @returns the exit code: 0, 1 when it could not run, 3 when the command
 * line or the configuration is wrong
 */
export async function runBroker(argv: readonly string[]): Promise<number> {
  let flags: Flags;
  try {
    flags = readFlags(argv);
  } catch (error) {
    complain((error as Error).message);
    process.stderr.write("'cauldron broker --help' shows what can be given.\n");
    return BAD_USAGE;
  }
  if (flags.help) return say(help());
  if (flags.version) return say(`cauldron version ${VERSION}\n`);
  let config: BrokerConfig;
  try {
    config = configOf(flags);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    complain(...error.problems);
    return BAD_USAGE;
  }
  if (flags['test-config']) return say('The configuration is good.\n');
  try {
    return await serve(config, flags);
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    if (!showsErrors(config)) complain(error.message);
    return FAILED;
  }
}

function readFlags(argv: readonly string[]) {
  const { values } = parseArgs({ args: [...argv], options: FLAGS, strict: true, allowPositionals: false });
  const ports = (values.port ?? []).map((text) => {
    if (/^\d+$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535) return Number(text);
    throw new Error(`-p takes a port from 1 to 65535, not '${text}'.`);
  });
  if (values.verbose && values.quiet) throw new Error('-v and -q cannot be given together.');
  return { ...values, ports };
}

/** @throws ConfigError */
function configOf(flags: Flags): BrokerConfig {
  const file = flags['config-file'];
  const read = withPorts(file === undefined ? defaultConfig() : loadConfig(file), flags.ports);
  const config = flags['strict-store'] ? withStrictStore(read) : read;
  const { log } = config;
  if (flags.verbose) return { ...config, log: { ...log, types: ALL_LOG_TYPES } };
  if (flags.quiet) return { ...config, log: { ...log, types: 0 } };
  return config;
}

async function serve(config: BrokerConfig, flags: Flags): Promise<number> {
  const { pidFile } = config;
  const server = await startServer(config);
  const stopped = stopSignal(server, flags);
  try {
    // After the ports are open: then no other broker runs with this configuration, and the file is ours.
    if (pidFile !== null) writePidFile(pidFile, server);
    announce(server, config, flags);
    await stopped;
  } finally {
    await server.stop();
  }
  if (pidFile !== null) rmSync(pidFile, { force: true });
  return OK;
}

function writePidFile(path: string, { log }: Server): void {
  try {
    writeFileSync(path, `${process.pid}\n`);
  } catch (error) {
    const message = `The pid_file cannot be written: ${(error as Error).message}.`;
    log.write(LogType.ERROR, `Error: ${message}`);
    throw new StartError(message, { cause: error });
  }
}

/** Whether what is logged reaches the person who started the broker, so that nothing has to be said twice. */
function showsErrors({ log }: BrokerConfig): boolean {
  return (log.types & LogType.ERROR) !== 0 && log.destinations.some(({ kind }) => kind !== 'file');
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

/** Resolves at the first SIGINT or SIGTERM. A second one while the broker stops ends the process at once. */
function stopSignal(server: Server, flags: Flags): Promise<void> {
  let isStopping = false;
  return new Promise((resolve) => {
    process.on('SIGHUP', () => void reload(server, flags));
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.on(signal, () => {
        if (isStopping) process.exit(FAILED);
        isStopping = true;
        resolve();
      });
    }
  });
}

/** A configuration with a fault changes nothing: a broker that runs is worth more than a file that is half right. */
async function reload(server: Server, flags: Flags): Promise<void> {
  const { log } = server;
  try {
    const waiting = await server.reload(configOf(flags));
    log.write(LogType.INFORMATION, 'Configuration reloaded.');
    if (waiting.length > 0) log.write(LogType.NOTICE, `Takes effect at the next start: ${waiting.join(', ')}.`);
  } catch (error) {
    const isRefused = error instanceof ConfigError || error instanceof StartError;
    if (!isRefused) throw error;
    const problems = error instanceof ConfigError ? error.problems : [error.message];
    for (const problem of problems) log.write(LogType.ERROR, `Error: ${problem}`);
    log.write(LogType.ERROR, 'Error: the configuration was not reloaded; everything goes on as before.');
  }
}

function help(): string {
  const rows = Object.entries(FLAGS).map(([name, flag]) => {
    const short = 'short' in flag ? `-${flag.short}, ` : '    ';
    const value = 'value' in flag ? ` ${flag.value}` : '';
    return `  ${`${short}--${name}${value}`.padEnd(27)} ${flag.doc}`;
  });
  return `Runs an MQTT broker: 3.1, 3.1.1 and 5.0, plain and over WebSocket on the same port.

Examples:
  cauldron broker                       port 1883, for this machine only
  cauldron broker -p 1884 -v            another port, everything logged
  cauldron broker -c cauldron.conf      as the file says

Usage: cauldron broker [-c FILE] [-p PORT] [-v | -q]

${rows.join('\n')}

SIGINT and SIGTERM stop it, SIGHUP reads the configuration again.
Exit code: 0 stopped, 1 could not run, 3 the command line or the configuration is wrong.
`;
}

function say(text: string): number {
  process.stdout.write(text);
  return OK;
}

function complain(...lines: readonly string[]): void {
  for (const line of lines) process.stderr.write(`Error: ${line}\n`);
}
