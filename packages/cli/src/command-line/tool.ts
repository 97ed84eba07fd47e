import { readFileSync } from 'node:fs';
import { describeFlags, type FlagTable, parseArguments, UsageError, type Values } from './arguments.js';

/** One command of `cauldron`. */
export interface Tool<T extends FlagTable> {
  readonly name: string;
  /** One line for the help. */
  readonly summary: string;
  /** What follows the name, without the flags that may be left out. */
  readonly usage: string;
  readonly examples: readonly string[];
  readonly flags: T;
  /** What the help says below the options. */
  readonly notes?: string;
  /** Exit status for a command line that cannot be carried out; without it that of Mosquitto's tools, 1. */
  readonly usageExitCode?: number;
}

/** The flag that every tool has. */
export const HELP_FLAG = {
  help: { long: '--help', kind: 'switch', doc: 'Shows this text.' },
} as const satisfies FlagTable;

/** Those of the tools that do not mean something else by `--version`. */
export const COMMON_FLAGS = {
  ...HELP_FLAG,
  version: { long: '--version', kind: 'switch', doc: 'Shows the version.' },
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
    const values = parseArguments(tool.flags, argv, run.length > 1 ? operands : undefined);
    if (values.help) {
      process.stdout.write(helpOf(tool));
      return 0;
    }
    if ('version' in values && values.version === true) {
      process.stdout.write(`cauldron ${tool.name} version ${version()}\n`);
      return 0;
    }
    return await run(values, operands);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`Error: ${error.message}\n\nUse 'cauldron ${tool.name} --help' to see usage.\n`);
    return tool.usageExitCode ?? USAGE_EXIT_CODE;
  }
}

function helpOf({ name, summary, usage, examples, flags, notes }: Tool<FlagTable>): string {
  const shown = examples.map((example) => `  cauldron ${name} ${example}\n`).join('');
  const below = notes === undefined ? '' : `\n${notes}`;
  return `${summary}\n\nUsage: cauldron ${name} ${usage}\n\nExamples:\n${shown}\nOptions:\n${describeFlags(flags)}${below}`;
}

function version(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
