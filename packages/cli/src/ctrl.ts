import { isIP } from 'node:net';
import { PasswordRefused } from '@cauldron/broker/passwords';
import { type Flag, type FlagTable, UsageError, type Values } from './command-line/arguments.js';
import { PasswordPrompt, PromptCancelled } from './command-line/password-prompt.js';
import { COMMON_FLAGS, OPTIONS_FILE_FLAG, runTool, type Tool } from './command-line/tool.js';
import {
  CLIENT_TOOL_DETAILS,
  CONNECTION_FLAGS,
  type ConnectionTarget,
  connectionTarget,
  qosOf,
} from './connection/connection-flags.js';
import { DebugLog } from './connection/debug-log.js';
import { describeFailure } from './connection/failure.js';
import { QOS_FLAG } from './connection/qos-flag.js';
import { answerText, printable } from './ctrl/answer-text.js';
import {
  BROKER_COMMANDS,
  type CommandFields,
  commandNamed,
  DYNSEC_COMMANDS,
  type WordCommand,
} from './ctrl/command-words.js';
import {
  ControlClient,
  ControlFailure,
  type ControlModule,
  type ControlReply,
  MODULES,
} from './ctrl/control-client.js';
import { makeDynsecFile, OfflineFailure, setPasswordInFile } from './ctrl/offline.js';
import { type Identity, Shell } from './ctrl/shell.js';

const FLAGS = {
  file: {
    short: '-f',
    long: '--file',
    kind: 'text',
    value: 'FILE',
    doc: 'Works on this file, which no broker may be using: for dynsec setClientPassword.',
  },
  qos: { ...QOS_FLAG, doc: 'QoS of commands and answers. Default 1.' },
  ...CONNECTION_FLAGS,
  protocolVersion: { ...CONNECTION_FLAGS.protocolVersion, doc: 'MQTT version: 31, 311 or 5. Default 5.' },
  ...OPTIONS_FILE_FLAG,
  ...COMMON_FLAGS,
} as const satisfies FlagTable;

type Options = Values<typeof FLAGS>;

const TABLES = { dynsec: DYNSEC_COMMANDS, broker: BROKER_COMMANDS } as const;

/** All that there is to know of the command line. */
export const CTRL: Tool<typeof FLAGS> = {
  name: 'ctrl',
  summary: 'Administers a running broker: its clients, groups and roles, and what it consists of.',
  usage: `[options] dynsec COMMAND [ARGUMENTS]
       cauldron ctrl [options] broker COMMAND
       cauldron ctrl dynsec init FILE USERNAME [PASSWORD]
       cauldron ctrl [options]      (a shell for many commands)`,
  examples: [
    '-u admin -P secret dynsec createClient anna',
    '-u admin -P secret dynsec addRoleACL readers subscribePattern garden/# allow',
    '-h broker.example -u admin --cafile ca.crt broker listListeners',
  ],
  flags: FLAGS,
  optionsFile: 'mosquitto_ctrl',
  notes: `'cauldron ctrl dynsec help' and 'cauldron ctrl broker help' list the commands.
Exit status: 0 done; 1 the broker has refused the command; 3 the arguments of a command make no
sense; otherwise as for pub. As mosquitto_ctrl, 0 also where the broker has refused.`,
  details: `Commands of dynsec:
${describe(DYNSEC_COMMANDS)}
Commands of broker:
${describe(BROKER_COMMANDS)}
${CLIENT_TOOL_DETAILS}`,
};

/** The arguments of a command make no sense, as Mosquitto's program puts it. */
const INVALID_ARGUMENTS_STATUS = 3;
const UNKNOWN_COMMAND_STATUS = 13;
const UNKNOWN_MODULE_STATUS = 10;
const REFUSED_STATUS = 1;
const CANCELLED_STATUS = 130;

/** `cauldron ctrl`. @param argv without the name of the command. @returns the exit status */
export function runCtrl(argv: readonly string[]): Promise<number> {
  return start(argv, REFUSED_STATUS);
}

/** `mosquitto_ctrl`, which ends with 0 if the broker could be asked, whatever it said. */
export function runMosquittoCtrl(argv: readonly string[]): Promise<number> {
  return start(argv, 0, 'mosquitto_ctrl');
}

function start(argv: readonly string[], refusedStatus: number, program?: string): Promise<number> {
  const end = endOfFlags(FLAGS, argv);
  return runTool({ ...CTRL, ...(program !== undefined && { program }) }, argv.slice(0, end), (options) =>
    ctrl(options, argv.slice(end), refusedStatus),
  );
}

/** Where the module begins: what comes behind it is the command's, dashes or not. */
function endOfFlags(table: FlagTable, argv: readonly string[]): number {
  let at = 0;
  while (at < argv.length && argv[at].startsWith('-')) {
    const flag = Object.values(table).find(({ short, long }: Flag) => short === argv[at] || long === argv[at]);
    const following = argv.slice(at + 1);
    at += 1 + (flag === undefined || flag.kind === 'switch' ? 0 : flag.kind === 'group' ? flag.arity(following) : 1);
  }
  return Math.min(at, argv.length);
}

async function ctrl(options: Options, words: readonly string[], refusedStatus: number): Promise<number> {
  const [moduleName, typed, ...args] = words;
  if (moduleName === undefined) return runShell(options);
  const module = moduleName === 'dynsec' || moduleName === 'broker' ? MODULES[moduleName] : null;
  if (module === null) return complain(`Module '${printable(moduleName)}' not supported.`, UNKNOWN_MODULE_STATUS);
  const table = TABLES[module.name];
  if (typed === undefined || typed === 'help') {
    process.stdout.write(describe(table));
    return typed === undefined ? 1 : 0;
  }
  try {
    if (module.name === 'dynsec' && typed === 'init') return await init(args);
    const found = commandNamed(table, typed);
    if (found === null) {
      process.stderr.write(`Command '${printable(typed)}' not recognised.\n`);
      return UNKNOWN_COMMAND_STATUS;
    }
    const { name, command } = found;
    const fields = await fieldsOf(command, args);
    if (fields === null) {
      const usage = `${module.name} ${name} ${command.usage}`.trim();
      return complain(`Invalid function arguments provided. Usage: ${usage}`, INVALID_ARGUMENTS_STATUS);
    }
    if (options.file !== undefined) return await workOnFile(options.file, name, fields);
    return await send(options, module, name, fields, refusedStatus);
  } catch (error) {
    if (error instanceof PromptCancelled) return CANCELLED_STATUS;
    if (error instanceof PasswordRefused) return complain(`The password cannot be used: ${error.message}.`, 1);
    if (error instanceof OfflineFailure) return complain(error.message, 1);
    throw error;
  }
}

async function init(args: readonly string[]): Promise<number> {
  const [path, username, given] = args;
  if (username === undefined || args.length > 3) {
    const why = args.length > 3 ? 'Too many arguments' : 'Not enough arguments - filename, or admin-user missing';
    return complain(`dynsec init: ${why}.`, INVALID_ARGUMENTS_STATUS);
  }
  const password = given ?? (await askPassword());
  if (password === null) return 1;
  await makeDynsecFile(path, username, password);
  process.stdout.write(`The client '${printable(username)}' has been created in the file '${path}'.
It may administer dynamic security, and watch; it may not publish to ordinary topics. Make clients for that:
   cauldron ctrl -u ${printable(username)} dynsec createClient USERNAME
   cauldron ctrl -u ${printable(username)} dynsec createRole ROLENAME
   cauldron ctrl -u ${printable(username)} dynsec addRoleACL ROLENAME publishClientSend my/topic allow
   cauldron ctrl -u ${printable(username)} dynsec addClientRole USERNAME ROLENAME
`);
  return 0;
}

/** Null: the arguments make no sense. */
async function fieldsOf(command: WordCommand, args: readonly string[]): Promise<CommandFields | null> {
  const fields = command.read(args, false);
  if (fields === null || command.asksFor === undefined || fields[command.asksFor]) return fields;
  try {
    const password = await askPassword();
    return password === null ? null : { ...fields, [command.asksFor]: password };
  } catch (error) {
    if (!(error instanceof PasswordRefused) || command.isFineWithout !== true) throw error;
    process.stderr.write('No password: nobody gets in by that name.\n');
    return fields;
  }
}

/** Null: both were not the same, which was said. */
async function askPassword(): Promise<string | null> {
  const prompt = new PasswordPrompt(process.stdin, (text) => process.stderr.write(text));
  const password = await prompt.askTwice();
  if (password === null) process.stderr.write('Error: Passwords do not match.\n');
  return password?.toString() ?? null;
}

async function workOnFile(path: string, name: string, { username, password }: CommandFields): Promise<number> {
  if (name !== 'setClientPassword') throw new UsageError(`-f goes with dynsec setClientPassword, not with ${name}`);
  await setPasswordInFile(path, String(username), String(password));
  return 0;
}

async function send(
  options: Options,
  module: ControlModule,
  name: string,
  fields: CommandFields,
  refusedStatus: number,
): Promise<number> {
  const target = targetOf(options, {});
  warnOfPlainText(target, options);
  const log = options.debug ? new DebugLog((line) => process.stdout.write(line)) : null;
  let client: ControlClient | null = null;
  let reply: ControlReply;
  try {
    client = await ControlClient.open(target, qosOf(options.qos ?? 1), log === null ? null : log.trace.bind(log));
    reply = await client.send(module, name, fields);
  } catch (error) {
    if (error instanceof ControlFailure) return complain(error.message, 1);
    const { text, exitCode } = describeFailure(error, target.url);
    process.stderr.write(text);
    return exitCode;
  } finally {
    await client?.close();
  }
  if (reply.error !== null) {
    process.stderr.write(`${name}: Error: ${printable(reply.error)}\n`);
    return refusedStatus;
  }
  process.stdout.write(reply.data === undefined ? '' : answerText(name, reply.data));
  return 0;
}

/** With 5.0 if nothing else is said: it tells why something is refused. */
function targetOf(options: Options, { username, password }: Identity): ConnectionTarget {
  return connectionTarget({
    ...options,
    protocolVersion: options.protocolVersion ?? '5',
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
  });
}

async function runShell(options: Options): Promise<number> {
  const isTerminal = process.stdin.isTTY === true && process.stdout.isTTY === true;
  const shell = new Shell({
    input: process.stdin,
    output: process.stdout,
    isTerminal,
    target: (url, identity) => targetOf({ ...options, ...(url !== undefined && { url }) }, identity),
  });
  await shell.run();
  return 0;
}

function warnOfPlainText({ url }: ConnectionTarget, { quiet }: Options): void {
  const isPlain = url.protocol === 'mqtt:' || url.protocol === 'ws:';
  if (!isPlain || isLoopback(url.hostname) || quiet) return;
  process.stderr.write(
    'Warning: The connection is not encrypted: passwords can be read on the network. Use --cafile or --tls-use-os-certs.\n\n',
  );
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || (isIP(host) === 4 && host.startsWith('127.'));
}

function complain(text: string, status: number): number {
  process.stderr.write(`Error: ${text}\n`);
  return status;
}

function describe(table: Readonly<Record<string, WordCommand>>): string {
  return Object.entries(table)
    .map(([name, { usage, doc }]) => `  ${`${name} ${usage}`.trim()}\n      ${doc}\n`)
    .join('');
}
