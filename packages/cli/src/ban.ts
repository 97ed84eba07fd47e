import { type FlagTable, UsageError, type Values } from './command-line/arguments.js';
import { runTool, type Tool } from './command-line/tool.js';
import { CHOICE_FLAGS } from './reload.js';
import { askAndShow, chosenBroker, reportingRefusals } from './running-brokers.js';

const BAN_FLAGS = {
  client: { long: '--client', kind: 'text', value: 'ID', doc: 'The client id that may not connect.' },
  user: { long: '--user', kind: 'text', value: 'NAME', doc: 'The user who may not connect.' },
  address: {
    long: '--address',
    kind: 'text',
    value: 'ADDRESS',
    doc: 'The address or network, such as 192.0.2.0/24, from which nobody may connect.',
  },
  for: {
    long: '--for',
    kind: 'text',
    value: 'TIME',
    doc: 'For how long, such as 90s, 30m, 12h or 7d. Without it, for good.',
  },
  reason: { long: '--reason', kind: 'text', value: 'TEXT', doc: 'For the list and the log.' },
  ...CHOICE_FLAGS,
} as const satisfies FlagTable;

export const BAN: Tool<typeof BAN_FLAGS> = {
  name: 'ban',
  summary: `Keeps clients out of a broker that runs, and ends the connections of those who are there. Bans outlive the
broker where it has a bans_file. Exit status: 0 done, 1 refused, or there is no such broker.`,
  usage: 'add|remove|list --client ID | --user NAME | --address ADDRESS',
  examples: [
    'add --address 192.0.2.0/24 --for 12h --reason scanner',
    'add --client lost-phone',
    'remove --user eve',
    'list',
  ],
  flags: BAN_FLAGS,
};

const SECONDS_PER: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** `cauldron ban`. */
export function runBan(argv: readonly string[]): Promise<number> {
  return runTool(BAN, argv, (flags, [action, ...others]) => {
    if (others.length > 0) throw new UsageError(`'${others[0]}' is one word too many.`);
    if (action === 'list') return listBans(flags);
    if (action === 'add') return addBan(flags);
    if (action === 'remove') return removeBan(flags);
    throw new UsageError(
      action === undefined ? 'Say add, remove or list.' : `'${action}' is none of add, remove, list.`,
    );
  });
}

function listBans(flags: Values<typeof BAN_FLAGS>): Promise<number> {
  return reportingRefusals(async () => {
    const { bans } = await askAndShow(await chosenBroker(flags), { command: 'ban-list' });
    if (bans === 0) process.stdout.write('Nobody is banned.\n');
    return 0;
  });
}

function addBan(flags: Values<typeof BAN_FLAGS>): Promise<number> {
  const target = targetOf(flags);
  const forS = flags.for === undefined ? null : secondsOf(flags.for);
  return reportingRefusals(async () => {
    const request = { command: 'ban-add', ...target, forS, reason: flags.reason ?? '' };
    const { ended } = await askAndShow(await chosenBroker(flags), request);
    process.stdout.write(`Banned. Connections that were ended by it: ${ended}.\n`);
    return 0;
  });
}

function removeBan(flags: Values<typeof BAN_FLAGS>): Promise<number> {
  const target = targetOf(flags);
  return reportingRefusals(async () => {
    await askAndShow(await chosenBroker(flags), { command: 'ban-remove', ...target });
    process.stdout.write('No longer banned.\n');
    return 0;
  });
}

/** @throws UsageError */
function targetOf({ client, user, address }: Values<typeof BAN_FLAGS>): { kind: string; value: string } {
  const given = Object.entries({ client, user, address }).flatMap(([kind, value]) =>
    value === undefined ? [] : [{ kind, value }],
  );
  if (given.length === 1) return given[0];
  throw new UsageError('Say who is meant, by one of --client, --user and --address.');
}

/** @throws UsageError */
function secondsOf(text: string): number {
  const [, digits, unit] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  const seconds = digits === undefined ? 0 : Number(digits) * SECONDS_PER[unit];
  if (seconds > 0) return seconds;
  throw new UsageError(`--for takes a number and s, m, h or d, such as 12h; '${text}' is none.`);
}
