import { nearestName } from '@cauldron/broker/nearest-name';

/** What a flag takes. The kind decides how its argument is read, what the help shows, and what an error says. */
type Kind =
  | { readonly kind: 'switch' }
  | { readonly kind: 'text'; readonly value: string }
  /** May be given several times. */
  | { readonly kind: 'list'; readonly value: string }
  | { readonly kind: 'choice'; readonly value: string; readonly choices: readonly string[] }
  | { readonly kind: 'integer'; readonly value: string; readonly lowest: number; readonly highest: number }
  | { readonly kind: 'decimal'; readonly value: string; readonly lowest: number }
  /** Takes several arguments, as many as `arity` says from what follows; may be given several times. */
  | { readonly kind: 'group'; readonly value: string; readonly arity: (following: readonly string[]) => number };

/** The headings of a help, of a man page and of a completion, in their order. */
export const FLAG_GROUPS = {
  /** What the tool is about. */
  tool: 'Options',
  output: 'Output',
  connection: 'Connection',
  session: 'Session',
  will: 'Will',
  tls: 'TLS',
  general: 'General',
} as const;

export type FlagGroup = keyof typeof FLAG_GROUPS;

export type Flag = Kind & {
  /** A dash and a letter. */
  readonly short?: string;
  /** Two dashes and a word. */
  readonly long?: string;
  /** For the help: what it does, and its default. */
  readonly doc: string;
  /** Without one: `tool`. */
  readonly group?: FlagGroup;
  /** Left to `--help-all`: `--help` has what is used every day, and fits a screen. */
  readonly rare?: true;
};

/** The flags of a tool under the names that the program uses, in the order of the help. */
export type FlagTable = Readonly<Record<string, Flag>>;

type ValueOf<K extends Flag['kind']> = K extends 'switch'
  ? true
  : K extends 'integer' | 'decimal'
    ? number
    : K extends 'list'
      ? string[]
      : K extends 'group'
        ? string[][]
        : string;

/** What was given; a flag that was not is absent. */
export type Values<T extends FlagTable> = { [Name in keyof T]?: ValueOf<T[Name]['kind']> };

/** The person who typed the command has to change it; the message says what. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/**
 * Reads a command line. As in Mosquitto's tools each flag and each argument stands for itself, and an argument may begin
 * with a dash; `--flag=argument` is taken too. What stands where a flag is expected and begins with no dash goes to
 * `operands`; without that list it is an error.
 * @throws UsageError
 */
export function parseArguments<T extends FlagTable>(table: T, argv: readonly string[], operands?: string[]): Values<T> {
  const flags = flagsByName(table);
  const values: Record<string, unknown> = {};
  for (let at = 0; at < argv.length; ) {
    if (operands !== undefined && (argv[at] === '-' || !argv[at].startsWith('-'))) {
      operands.push(argv[at++]);
      continue;
    }
    const { name, following } = splitArgument(argv.slice(at), flags);
    const found = flags.get(name);
    if (found === undefined) throw unknownFlag(argv[at], flags.keys());
    const [key, flag] = found;
    const taken = flag.kind === 'switch' ? 0 : flag.kind === 'group' ? flag.arity(following) : 1;
    if (following.length < taken) throw new UsageError(`${name} needs${argumentOf(flag)}`);
    values[key] = read(name, flag, following.slice(0, taken), values[key]);
    at = argv.length - following.length + taken;
  }
  return values as Values<T>;
}

/** What follows the name of a flag, for the help: a blank and the name of its argument; empty for a switch. */
export function argumentOf(flag: Flag): string {
  return flag.kind === 'switch' ? '' : ` ${flag.value}`;
}

/** The flags of a table under their headings; groups without flags are left out. */
export function groupFlags(table: FlagTable): { readonly heading: string; readonly flags: readonly Flag[] }[] {
  const all = Object.values(table);
  return Object.entries(FLAG_GROUPS)
    .map(([group, heading]) => ({ heading, flags: all.filter((flag) => (flag.group ?? 'tool') === group) }))
    .filter(({ flags }) => flags.length > 0);
}

/**
 * The help text for the flags: headings, and two columns.
 * @param isBrief of texts that take several lines, only their first sentence
 */
export function describeFlags(table: FlagTable, isBrief = false): string {
  const groups = groupFlags(table).map(({ heading, flags }) => ({ heading, rows: flags.map(rowOf) }));
  const widths = groups.flatMap(({ rows }) => rows.map(({ names }) => names.length));
  const column = Math.min(WIDEST_NAMES, Math.max(...widths)) + 2;
  const lineOf = ({ names, doc }: Row) => {
    const [sentence] = doc.split(/(?<=[^.]\.) /, 1);
    return inColumns(names, isBrief && column + doc.length > HELP_WIDTH ? sentence : doc, column);
  };
  return groups.map(({ heading, rows }) => `${heading}:\n${rows.map(lineOf).join('')}`).join('');
}

interface Row {
  readonly names: string;
  readonly doc: string;
}

function rowOf(flag: Flag): Row {
  const names = [flag.short ?? '   ', flag.long].filter((name) => name !== undefined);
  const separator = flag.short === undefined ? ' ' : ', ';
  return { names: `  ${names.join(separator)}${argumentOf(flag)}`, doc: flag.doc };
}

/** Longer ones have a line of their own. */
const WIDEST_NAMES = 26;
const HELP_WIDTH = 100;

/** A name, and a text that is wrapped in the column beside it; below a name that is too long. With a line end. */
export function inColumns(names: string, doc: string, column: number): string {
  const indent = ' '.repeat(column);
  if (names !== '' && names.length + 2 > column && names.length + 2 + doc.length <= HELP_WIDTH)
    return `${names}  ${doc}\n`;
  let line = names !== '' && names.length + 2 > column ? `${names}\n${indent}` : names.padEnd(column);
  let text = '';
  let used = column;
  for (const word of doc.split(' ')) {
    if (used > column && used + 1 + word.length > HELP_WIDTH) {
      text += `${line}\n`;
      line = indent;
      used = column;
    }
    const gap = used > column ? ' ' : '';
    line += gap + word;
    used += gap.length + word.length;
  }
  return `${text}${line}\n`;
}

/** Prose whose lines are wider than a help is, wrapped anew: paragraph by paragraph; lists and tables stay as they are. */
export function wrapProse(text: string): string {
  const blocks: { readonly isProse: boolean; readonly lines: string[] }[] = [];
  for (const line of text.split('\n')) {
    const isProse = /^\S/.test(line) && !/\S {2}/.test(line);
    const block = blocks.at(-1);
    if (isProse && block?.isProse) block.lines.push(line);
    else blocks.push({ isProse, lines: [line] });
  }
  return blocks
    .map(({ isProse, lines }) => {
      const isTooWide = isProse && lines.some(({ length }) => length > HELP_WIDTH);
      return isTooWide ? inColumns('', lines.join(' '), 0).trimEnd() : lines.join('\n');
    })
    .join('\n');
}

type FlagsByName = ReadonlyMap<string, readonly [key: string, flag: Flag]>;

function flagsByName(table: FlagTable): FlagsByName {
  const flags = new Map<string, readonly [string, Flag]>();
  for (const [key, flag] of Object.entries(table)) {
    if (flag.short !== undefined) flags.set(flag.short, [key, flag]);
    if (flag.long !== undefined) flags.set(flag.long, [key, flag]);
  }
  return flags;
}

/** The flag that the arguments begin with, and what follows it: the rest of the line, after a `=` if there is one. */
function splitArgument(rest: readonly string[], flags: FlagsByName): { name: string; following: readonly string[] } {
  const [first, ...following] = rest;
  const equals = first.startsWith('--') ? first.indexOf('=') : -1;
  if (equals < 0) return { name: first, following };
  const name = first.slice(0, equals);
  if (flags.get(name)?.[1].kind === 'switch') throw new UsageError(`${name} takes no argument`);
  return { name, following: [first.slice(equals + 1), ...following] };
}

function read(name: string, flag: Flag, taken: readonly string[], before: unknown): unknown {
  const [text] = taken;
  switch (flag.kind) {
    case 'switch':
      return true;
    case 'text':
      return text;
    case 'list':
      return [...((before as string[] | undefined) ?? []), text];
    case 'group':
      return [...((before as string[][] | undefined) ?? []), [...taken]];
    case 'choice':
      if (flag.choices.includes(text)) return text;
      throw new UsageError(`${name} is one of ${flag.choices.join(', ')}, not "${text}"`);
    case 'integer': {
      const { lowest, highest } = flag;
      const number = Number(text);
      if (/^[+-]?\d+$/.test(text) && number >= lowest && number <= highest) return number;
      throw new UsageError(`${name} is a whole number from ${lowest} to ${highest}, not "${text}"`);
    }
    case 'decimal': {
      const number = Number(text);
      if (/^[\d.]+$/.test(text) && number >= flag.lowest) return number;
      throw new UsageError(`${name} is a number of at least ${flag.lowest}, not "${text}"`);
    }
  }
}

function unknownFlag(typed: string, names: Iterable<string>): UsageError {
  const [name] = typed.split('=', 1);
  const all = [...names];
  // A long name after one dash is a slip that is worth a hint too.
  const nearest = name.startsWith('-') ? (nearestName(name, all) ?? nearestName(`-${name}`, all)) : undefined;
  return new UsageError(`Unknown option '${typed}'.${nearest === undefined ? '' : ` Did you mean ${nearest}?`}`);
}
