import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describeFlags, type FlagTable, parseArguments, UsageError, type Values, wrapProse } from './arguments.js';
import { version } from './version.js';

/** One command of `cauldron`. Its help, its man page and its completion are made from this. */
export interface Tool<T extends FlagTable> {
  readonly name: string;
  /** How it was called, if not as `cauldron NAME`: `mosquitto_pub`. */
  readonly program?: string;
  /** One line for the help. */
  readonly summary: string;
  /** What follows the name, without the flags that may be left out. */
  readonly usage: string;
  readonly examples: readonly string[];
  readonly flags: T;
  /** What the help says below the options. */
  readonly notes?: string;
  /** What only `--help-all` says below them. */
  readonly details?: string;
  /** Exit status for a command line that cannot be carried out; without it that of Mosquitto's tools, 1. */
  readonly usageExitCode?: number;
  /**
   * Name of a file in the user's folder of configurations, `~/.config`, with options that come before those of the command
   * line. The table has OPTIONS_FILE_FLAG then.
   */
  readonly optionsFile?: string;
}

/** The flag that every tool has. */
export const HELP_FLAG = {
  help: { long: '--help', kind: 'switch', group: 'general', doc: 'Shows this text.' },
} as const satisfies FlagTable;

/** Those of the tools that do not mean something else by `--version`. */
export const COMMON_FLAGS = {
  ...HELP_FLAG,
  helpAll: { long: '--help-all', kind: 'switch', group: 'general', rare: true, doc: 'Shows every option.' },
  version: { long: '--version', kind: 'switch', group: 'general', rare: true, doc: 'Shows the version.' },
} as const satisfies FlagTable;

/** For tools with an `optionsFile`. */
export const OPTIONS_FILE_FLAG = {
  optionsFile: {
    short: '-o',
    kind: 'text',
    value: 'FILE',
    group: 'general',
    rare: true,
    doc: 'Reads options from this file first, one in each line, instead of from the one in ~/.config.',
  },
} as const satisfies FlagTable;

const USAGE_EXIT_CODE = 1;

/**
 * Reads the command line and runs the tool, or shows its help. `run` gets what was given without a flag too; a tool that
 * takes nothing of that kind leaves the parameter out, and then it is an error.
 * @returns the exit status
 */
export async function runTool<T extends FlagTable>(
  tool: Tool<T & typeof HELP_FLAG>,
  argv: readonly string[],
  run: (values: Values<T & typeof HELP_FLAG>, operands: readonly string[]) => Promise<number>,
): Promise<number> {
  try {
    const operands: string[] = [];
    let values = parseArguments(tool.flags, argv, run.length > 1 ? operands : undefined);
    const file = optionsFileOf(tool, values);
    if (file !== null) {
      const { readOptionsFile } = await import('./options-file.js');
      // What may be given several times is first as the file has it, then as the command line does.
      values = parseArguments(tool.flags, [...readOptionsFile(tool.flags, file), ...argv], [...operands]);
    }
    if (values.help || isGiven(values, 'helpAll')) {
      process.stdout.write(helpOf(tool, isGiven(values, 'helpAll')));
      return 0;
    }
    if (isGiven(values, 'version')) {
      process.stdout.write(versionText(tool));
      return 0;
    }
    return await run(values, operands);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`Error: ${error.message}\n\nUse '${programOf(tool)} --help' to see usage.\n`);
    return tool.usageExitCode ?? USAGE_EXIT_CODE;
  }
}

function isGiven(values: object, name: string): boolean {
  return (values as Record<string, unknown>)[name] === true;
}

function programOf({ program, name }: Tool<FlagTable>): string {
  return program ?? `cauldron ${name}`;
}

/** The file to read options from: that of `-o`, else the one in the folder of configurations if it is there; null: none. */
function optionsFileOf({ optionsFile: name }: Tool<FlagTable>, values: object): string | null {
  if (name === undefined) return null;
  const { optionsFile: given } = values as Values<typeof OPTIONS_FILE_FLAG>;
  if (given !== undefined) return given;
  const { XDG_CONFIG_HOME, HOME } = process.env;
  const folder = XDG_CONFIG_HOME || (HOME ? join(HOME, '.config') : '');
  const path = join(folder, name);
  return folder !== '' && existsSync(path) ? path : null;
}

/** The version of Mosquitto that the tools of its names take the flags of: scripts ask for it. */
const MOSQUITTO_VERSION = '2.1.2';

function versionText({ program, name }: Tool<FlagTable>): string {
  if (program === undefined) return `cauldron ${name} version ${version()}\n`;
  return `${program} version ${MOSQUITTO_VERSION} running on cauldron ${version()}.\n`;
}

/** The help of a tool: examples first; options that are rare only if `isComplete`. */
export function helpOf(tool: Tool<FlagTable>, isComplete: boolean): string {
  const { name, summary, usage, examples, flags, notes, details } = tool;
  const program = programOf(tool);
  const shown = Object.fromEntries(Object.entries(flags).filter(([, flag]) => isComplete || flag.rare === undefined));
  const hidden = Object.keys(flags).length - Object.keys(shown).length;
  const parts = [
    wrapProse(summary),
    `Examples:\n${examples.map((example) => `  ${program} ${example}`).join('\n')}`,
    `Usage: ${program} ${usage.replaceAll(`cauldron ${name}`, program)}`,
    describeFlags(shown, !isComplete && hidden > 0).trimEnd(),
  ];
  if (notes !== undefined) parts.push(wrapProse(notes.trim()));
  if (isComplete && details !== undefined) parts.push(wrapProse(details.trim()));
  if (hidden > 0) parts.push(`'${program} --help-all' shows ${hidden} more options.`);
  return `${parts.join('\n\n')}\n`;
}
