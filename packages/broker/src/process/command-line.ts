import { parseArgs } from 'node:util';
import { ALL_LOG_TYPES } from '../admin/log.js';
import type { BrokerConfig } from '../config/config.js';
import { readConfigFile } from '../config/config-files.js';
import { type EffectiveBlock, effectiveBlocks } from '../config/effective-options.js';
import { defaultConfig, readConfigFrom, withPorts, withStrictStore } from '../config/read-config.js';
import { nearestName } from '../nearest-name.js';

/** As many as Mosquitto takes. */
const MOST_PORTS = 10;

export const FLAGS = {
  'config-file': { type: 'string', short: 'c', value: 'FILE', doc: 'Read this file, in the format of mosquitto.conf.' },
  port: {
    type: 'string',
    short: 'p',
    multiple: true,
    value: 'PORT',
    doc: `Listen on this port of this machine only. Up to ${MOST_PORTS} times. Does not count if the file has a listener.`,
  },
  daemon: { type: 'boolean', short: 'd', doc: 'Go on in the background once the broker runs.' },
  verbose: { type: 'boolean', short: 'v', doc: 'Log everything, whatever the file says.' },
  quiet: { type: 'boolean', short: 'q', doc: 'Log nothing, whatever the file says.' },
  'test-config': {
    type: 'boolean',
    doc: 'Check the configuration and the files that it names, and end: 0 if all is good, 3 if not.',
  },
  'tls-keylog': {
    type: 'string',
    value: 'FILE',
    doc: 'Append the secrets of TLS connections to this file, for Wireshark. Whoever has it can read everything.',
  },
  'strict-store': { type: 'boolean', doc: 'Do not start with a damaged store, instead of moving it aside.' },
  help: { type: 'boolean', short: 'h', doc: 'Show this text.' },
  version: { type: 'boolean', doc: 'Show the version.' },
} as const;

/** Under which name the broker was called. */
export interface ProgramName {
  readonly name: string;
  /** Lines for the help, without the name. */
  readonly examples: readonly (readonly [argv: string, doc: string])[];
  /** What `--help` exits with. */
  readonly helpExitCode: number;
}

export const CAULDRON: ProgramName = {
  name: 'cauldron broker',
  examples: [
    ['', 'port 1883, for this machine only'],
    [' -p 1884 -v', 'another port, everything logged'],
    [' -c cauldron.conf', 'as the file says'],
  ],
  helpExitCode: 0,
};

/** For those who have scripts that start Mosquitto. */
export const MOSQUITTO: ProgramName = {
  name: 'mosquitto',
  examples: [
    [' -c /etc/mosquitto/mosquitto.conf', 'as the file says'],
    [' -c /etc/mosquitto/mosquitto.conf -d', 'the same, in the background'],
  ],
  helpExitCode: 3,
};

export type Flags = ReturnType<typeof readFlags>;

/** @throws Error with words for the person who typed the command */
export function readFlags(argv: readonly string[]) {
  const { values } = parse(argv);
  const ports = (values.port ?? []).map((text) => {
    if (/^\d+$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535) return Number(text);
    throw new Error(`-p takes a port from 1 to 65535, not '${text}'.`);
  });
  if (ports.length > MOST_PORTS) throw new Error(`-p can be given ${MOST_PORTS} times; use a configuration file.`);
  if (values.verbose && values.quiet) throw new Error('-v and -q cannot be given together.');
  if (values['test-config'] && values['config-file'] === undefined) {
    throw new Error('--test-config needs the file that is to be checked: -c FILE.');
  }
  return { ...values, ports };
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({ args: [...argv], options: FLAGS, strict: true, allowPositionals: false });
  } catch (error) {
    throw new Error(problemOf(error as Error), { cause: error });
  }
}

function problemOf(error: Error): string {
  const [, flag, operand] = /^Unknown option '(-[^']*)'|^Unexpected argument '([^']*)'/.exec(error.message) ?? [];
  if (operand !== undefined) return `'${operand}' belongs to no option. A configuration file needs -c before it.`;
  if (flag === undefined) return error.message;
  const near = nearestName(flag.replace(/^-+/, ''), Object.keys(FLAGS));
  return `Unknown option '${flag}'.${near === undefined ? '' : ` Did you mean --${near}?`}`;
}

/** What a broker is started with. */
export interface GivenConfig {
  readonly config: BrokerConfig;
  /** What its file says, option by option; empty: there is none. */
  readonly blocks: readonly EffectiveBlock[];
}

/** The configuration that the command line asks for. @throws ConfigError */
export function readGivenConfig(flags: Flags): GivenConfig {
  const file = flags['config-file'];
  if (file === undefined) return { config: withFlags(defaultConfig(), flags), blocks: [] };
  const reading = readConfigFrom(readConfigFile(file));
  return { config: withFlags(reading.config, flags), blocks: effectiveBlocks(reading) };
}

function withFlags(read: BrokerConfig, flags: Flags): BrokerConfig {
  const listening = withPorts(read, flags.ports);
  const stored = flags['strict-store'] ? withStrictStore(listening) : listening;
  const config = { ...stored, tlsKeyLogFile: flags['tls-keylog'] ?? null };
  const { log } = config;
  if (flags.verbose) return { ...config, log: { ...log, types: ALL_LOG_TYPES } };
  if (flags.quiet) return { ...config, log: { ...log, types: 0 } };
  return config;
}

export function helpOf({ name, examples }: ProgramName): string {
  const width = Math.max(...examples.map(([argv]) => argv.length)) + 2;
  const shown = examples.map(([argv, doc]) => `  ${name}${argv.padEnd(width)}${doc}`);
  const rows = Object.entries(FLAGS).map(([flag, row]) => {
    const short = 'short' in row ? `-${row.short}, ` : '    ';
    const value = 'value' in row ? ` ${row.value}` : '';
    return `  ${`${short}--${flag}${value}`.padEnd(27)} ${row.doc}`;
  });
  return `Runs an MQTT broker: 3.1, 3.1.1 and 5.0, plain and over WebSocket on the same port.

Examples:
${shown.join('\n')}

Usage: ${name} [-c FILE] [-p PORT] [-d] [-v | -q] [--test-config] [--tls-keylog FILE]

${rows.join('\n')}

Signals: SIGINT and SIGTERM stop it, SIGHUP reads the configuration again, SIGUSR1 saves what is stored, SIGUSR2 prints
subscriptions and retained messages.
Exit code: 0 stopped, 1 could not run, 3 the command line or the configuration is wrong.
`;
}
