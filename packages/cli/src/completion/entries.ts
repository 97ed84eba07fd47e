import type { Flag, FlagTable } from '../command-line/arguments.js';

/** What may stand at a place. `nothing`: only the person knows. */
export type Candidates = 'nothing' | 'files' | 'folders' | readonly string[];

export interface CompletedFlag {
  /** Short and long one. */
  readonly names: readonly string[];
  readonly doc: string;
  /** Null: it takes no argument. */
  readonly argument: { readonly name: string; readonly candidates: Candidates } | null;
  readonly isRepeatable: boolean;
}

/** All that a shell has to know of a command, or of an action. */
export interface CompletionEntry {
  /** As it is typed after `cauldron`. */
  readonly name: string;
  readonly summary: string;
  readonly flags: readonly CompletedFlag[];
  /** What may stand without a flag. */
  readonly operands: Candidates;
  /** What may follow a word that stands without a flag. */
  readonly followers: Readonly<Record<string, readonly string[]>>;
}

/** What entries are made from. */
export interface Described {
  readonly name: string;
  readonly summary: string;
  readonly tool: { readonly usage: string; readonly flags: FlagTable } | null;
  readonly actions: readonly { readonly name: string }[];
}

export function entryOf(
  { name, summary, tool, actions }: Described,
  followers: CompletionEntry['followers'] = {},
): CompletionEntry {
  const words = [...actions.map((action) => action.name), ...Object.keys(followers)];
  return {
    name,
    summary,
    flags: Object.values(tool?.flags ?? {}).map(flagOf),
    operands: words.length > 0 ? words : operandsOf(tool?.usage ?? ''),
    followers,
  };
}

function flagOf(flag: Flag): CompletedFlag {
  return {
    names: [flag.short, flag.long].filter((name) => name !== undefined),
    doc: flag.doc,
    argument: flag.kind === 'switch' ? null : { name: flag.value, candidates: candidatesOf(flag) },
    isRepeatable: flag.kind === 'list' || flag.kind === 'group',
  };
}

function candidatesOf(flag: Exclude<Flag, { kind: 'switch' }>): Candidates {
  return flag.kind === 'choice' ? flag.choices : placesOf(flag.value);
}

function placesOf(value: string): Candidates {
  if (/\bFILE\b/.test(value)) return 'files';
  return /\b(FOLDER|DIR)\b/.test(value) ? 'folders' : 'nothing';
}

/** By the first line of the usage, without its flags: `FILE`, `add|remove|list`, `[lift [ADDRESS]]`. */
export function operandsOf(usage: string): Candidates {
  const [first] = usage.split('\n', 1);
  const operands = first.replace(/\boptions\b/i, '').replace(/(?<![\w-])--?[\w-]+( [A-Z][A-Z-]*)?/g, '');
  const words = operands.match(/(?<![\w-/:])[a-z][a-z-]+(?![\w:/])/g);
  return words ?? placesOf(operands);
}
