import { type ControlSocket, runningBrokers } from '@cauldron/broker/control';
import { type FlagTable, UsageError } from './command-line/arguments.js';
import { HELP_FLAG, runTool, type Tool } from './command-line/tool.js';
import { reloadText } from './reload.js';
import { askAndShow, reportingRefusals } from './running-brokers.js';

const FLAGS = {
  all: { short: '-a', kind: 'switch', doc: "All brokers of this user; root's are those of everybody." },
  pid: {
    short: '-p',
    kind: 'integer',
    value: 'PID',
    lowest: 1,
    highest: 2 ** 31 - 1,
    doc: 'The broker with this process id.',
  },
  ...HELP_FLAG,
} as const satisfies FlagTable;

/** What can be asked for, by the names that Mosquitto gives it. */
interface Action {
  readonly doc: string;
  /** Through the control socket; null: the signal does it. */
  readonly command: string | null;
  /** Where there is no control socket. */
  readonly signal: NodeJS.Signals;
}

const ACTIONS: Readonly<Record<string, Action>> = {
  'config-reload': { doc: 'read the configuration again', command: 'reload', signal: 'SIGHUP' },
  'log-rotate': { doc: 'open log files again', command: 'rotate-log', signal: 'SIGHUP' },
  shutdown: { doc: 'stop', command: null, signal: 'SIGTERM' },
  'tree-print': {
    doc: 'print subscriptions and retained messages here',
    command: 'tree',
    signal: 'SIGUSR2',
  },
};

const NOT_AVAILABLE: Readonly<Record<string, string>> = {
  xtreport:
    "xtreport shows the inner tables of Mosquitto, which this broker does not have. 'cauldron status' and the topics below $SYS show how it is.",
};

export const SIGNAL: Tool<typeof FLAGS> = {
  name: 'signal',
  summary: `Tells brokers that run to do something, in the way of mosquitto_signal:
${Object.entries(ACTIONS)
  .map(([name, { doc }]) => `  ${name.padEnd(14)} ${doc}`)
  .join('\n')}
Exit status: 0 done, 1 not by all of them.`,
  usage: '(-a | -p PID) ACTION',
  examples: ['-a log-rotate', '-p 4711 config-reload'],
  flags: FLAGS,
};

/** `cauldron signal`, and `mosquitto_signal`. @param program the name that it was called by, if another */
export function runSignal(argv: readonly string[], program?: string): Promise<number> {
  return runTool({ ...SIGNAL, ...(program !== undefined && { program }) }, argv, async ({ all, pid }, operands) => {
    if ((all === true) === (pid !== undefined)) throw new UsageError('One of -a and -p has to be given');
    const action = actionOf(operands);
    const brokers = runningBrokers();
    const targets = pid === undefined ? brokers : [brokers.find((broker) => broker.pid === pid) ?? { pid, path: null }];
    if (targets.length === 0) process.stderr.write('No broker runs here that this user may talk to.\n');
    const statuses = await Promise.all(targets.map((target) => reportingRefusals(() => act(action, target))));
    return targets.length === 0 || statuses.some((status) => status !== 0) ? 1 : 0;
  });
}

function actionOf(operands: readonly string[]): Action {
  if (operands.length !== 1) throw new UsageError(`What is to be done? ${Object.keys(ACTIONS).join(', ')}`);
  const [name] = operands;
  if (Object.hasOwn(NOT_AVAILABLE, name)) throw new UsageError(NOT_AVAILABLE[name]);
  if (Object.hasOwn(ACTIONS, name)) return ACTIONS[name];
  throw new UsageError(`'${name}' is none of ${Object.keys(ACTIONS).join(', ')}`);
}

async function act(action: Action, { pid, path }: ControlSocket | { pid: number; path: null }): Promise<number> {
  const { command, signal } = action;
  if (path === null || command === null) return send(pid, signal);
  const outcome = await askAndShow({ path }, { command });
  if (command === 'reload') process.stdout.write(reloadText(outcome));
  return 0;
}

function send(pid: number, signal: NodeJS.Signals): number {
  try {
    process.kill(pid, signal);
    return 0;
  } catch (error) {
    process.stderr.write(`Error: Process ${pid} does not get ${signal}: ${(error as Error).message}.\n`);
    return 1;
  }
}
