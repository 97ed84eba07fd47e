import type { Action, ActionGroup } from './command-line/action-group.js';
import type { Flag, FlagTable } from './command-line/arguments.js';
import type { Tool } from './command-line/tool.js';
import { COMMANDS } from './commands.js';

/** What there is to know of a command, or of one of the actions of a family. */
export interface CommandDescription {
  /** As it is typed after `cauldron`: `pub`, `store backup`. */
  readonly name: string;
  /** One line for a list. */
  readonly summary: string;
  /** Null: it is a family, which does nothing without an action. */
  readonly tool: Tool<FlagTable> | null;
  /** Null: it is none. */
  readonly group: ActionGroup | null;
  /** Those of a family, and of commands that have some besides what they do without one. */
  readonly actions: readonly { readonly name: string; readonly summary: string }[];
}

type Table = Tool<FlagTable> | ActionGroup;

/** Where the table of each command is. Loaded when asked for: no command pays for the tables of all. */
const TABLES: Readonly<Record<string, () => Promise<Table>>> = {
  acl: async () => (await import('./acl.js')).GROUP,
  'acl check': async () => (await import('./acl/check.js')).CHECK,
  'acl explain': async () => (await import('./acl/explain.js')).EXPLAIN,
  'acl simulate': async () => (await import('./acl/simulate.js')).SIMULATE,
  ban: async () => (await import('./ban.js')).BAN,
  bench: async () => (await import('./bench.js')).BENCH,
  broker: brokerTool,
  completion: async () => (await import('./completion.js')).COMPLETION,
  config: async () => (await import('./config.js')).GROUP,
  'config check': async () => (await import('./config/check.js')).CHECK,
  'config diff': async () => (await import('./config/diff.js')).DIFF,
  'config explain': async () => (await import('./config/explain.js')).EXPLAIN,
  'config show': async () => (await import('./config/show.js')).SHOW,
  ctrl: async () => (await import('./ctrl.js')).CTRL,
  doctor: async () => (await import('./doctor/broker.js')).DOCTOR,
  'doctor conformance': async () => (await import('./conformance.js')).CONFORMANCE,
  lockouts: async () => (await import('./lockouts.js')).LOCKOUTS,
  man: async () => (await import('./man.js')).MAN,
  passwd: async () => (await import('./passwd.js')).PASSWD,
  pub: async () => (await import('./pub.js')).PUB,
  reload: async () => (await import('./reload.js')).RELOAD,
  replay: async () => (await import('./replay.js')).REPLAY,
  retained: async () => (await import('./retained.js')).GROUP,
  'retained clear': async () => (await import('./retained/clear.js')).RETAINED_CLEAR,
  'retained get': async () => (await import('./retained/get.js')).RETAINED_GET,
  'retained list': async () => (await import('./retained/list.js')).RETAINED_LIST,
  rr: async () => (await import('./rr.js')).RR,
  setup: async () => (await import('./setup/server.js')).SETUP,
  'setup client': async () => (await import('./setup/client.js')).CLIENT,
  'setup renew': async () => (await import('./setup/renew.js')).RENEW,
  'setup revoke': async () => (await import('./setup/revoke.js')).REVOKE,
  'setup show': async () => (await import('./setup/show.js')).SHOW,
  signal: async () => (await import('./signal.js')).SIGNAL,
  simulate: async () => (await import('./simulate.js')).SIMULATE,
  status: async () => (await import('./status.js')).STATUS,
  store: async () => (await import('./store.js')).GROUP,
  'store backup': async () => (await import('./store/keeping.js')).BACKUP,
  'store check': async () => (await import('./store/reading.js')).CHECK,
  'store compact': async () => (await import('./store/keeping.js')).COMPACT,
  'store dump': async () => (await import('./store/reading.js')).DUMP,
  'store export': async () => (await import('./store/moving.js')).EXPORT,
  'store import': async () => (await import('./store/moving.js')).IMPORT,
  'store stats': async () => (await import('./store/reading.js')).STATS,
  sub: async () => (await import('./sub.js')).SUB,
  torture: async () => (await import('./torture.js')).TORTURE,
};

/** Actions of commands that do something without one, too. */
const OTHER_ACTIONS: Readonly<Record<string, () => Promise<Readonly<Record<string, Pick<Action, 'summary'>>>>>> = {
  doctor: async () => ({
    conformance: { summary: 'Tests a broker against every normative statement of MQTT 3.1.1 and 5.0' },
  }),
  setup: async () => (await import('./setup.js')).ACTIONS,
};

/** The names of all commands and actions, in the order of the alphabet. */
export const COMMAND_NAMES: readonly string[] = Object.keys(TABLES);

/** The commands, without their actions, in the order of the alphabet. */
export function commandSummaries(): { readonly name: string; readonly summary: string }[] {
  const names = COMMAND_NAMES.filter((name) => !name.includes(' '));
  return names.map((name) => ({ name, summary: COMMANDS[name].summary }));
}

/** Everything that `cauldron` can do. */
export async function describeCommands(): Promise<CommandDescription[]> {
  return Promise.all(COMMAND_NAMES.map((name) => describeCommand(name)));
}

/** @param name one of COMMAND_NAMES */
export async function describeCommand(name: string): Promise<CommandDescription> {
  const table = await TABLES[name]();
  const group = 'actions' in table ? table : null;
  const actions = group === null ? await OTHER_ACTIONS[name]?.() : group.actions;
  return {
    name,
    summary: await summaryOf(name),
    tool: 'flags' in table ? table : null,
    group,
    actions: Object.entries(actions ?? {}).map(([action, { summary }]) => ({ name: action, summary })),
  };
}

async function summaryOf(name: string): Promise<string> {
  const [command, action] = name.split(' ');
  if (action === undefined) return COMMANDS[command].summary;
  const { actions } = await describeCommand(command);
  return actions.find((one) => one.name === action)?.summary ?? '';
}

/** The broker reads its command line by itself: it does not know the tools. */
async function brokerTool(): Promise<Tool<FlagTable>> {
  const { BROKER_FLAGS, CAULDRON } = await import('@cauldron/broker/main');
  const flags = Object.entries<BrokerFlag>(BROKER_FLAGS).map(([name, flag]): [string, Flag] => [
    name,
    flagOf(name, flag),
  ]);
  return {
    name: 'broker',
    summary: 'Runs the broker until it is told to stop.',
    usage: '[-c FILE] [options]',
    examples: CAULDRON.examples.map(([argv]) => argv.trim()),
    flags: Object.fromEntries(flags),
    notes: 'Exit status: 0 it was told to stop, 1 it could not run, 3 the command line or the configuration is wrong.',
  };
}

interface BrokerFlag {
  readonly type: 'string' | 'boolean';
  readonly short?: string;
  readonly multiple?: boolean;
  readonly value?: string;
  readonly doc: string;
}

function flagOf(name: string, { type, short, multiple = false, value = '', doc }: BrokerFlag): Flag {
  const names = { long: `--${name}`, ...(short !== undefined && { short: `-${short}` }), doc };
  return type === 'boolean' ? { ...names, kind: 'switch' } : { ...names, kind: multiple ? 'list' : 'text', value };
}
