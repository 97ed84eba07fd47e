import {
  changeWords,
  exampleLines,
  findOption,
  mosquittoWords,
  OPTION_NAMES,
  type Option,
  placeOf,
  statusWords,
  valueWords,
} from '@cauldron/broker';
import { nearestName } from '@cauldron/broker/nearest-name';
import { UsageError } from '../command-line/arguments.js';
import { HELP_FLAG, runTool, type Tool } from '../command-line/tool.js';
import { CONFIG_EXIT, inColour, operandsFor } from './files.js';

export const EXPLAIN: Tool<typeof HELP_FLAG> = {
  name: 'config explain',
  summary: 'Tells what an option of the configuration means, takes, and does without being said.',
  usage: 'OPTION',
  examples: ['max_queued_messages'],
  flags: HELP_FLAG,
  usageExitCode: CONFIG_EXIT.WRONG,
};

/** `cauldron config explain`. */
export function runConfigExplain(argv: readonly string[]): Promise<number> {
  return runTool(EXPLAIN, argv, async (_values, operands) => {
    const [name] = operandsFor(['OPTION'], operands);
    const option = findOption(name);
    if (option === undefined) throw unknownOption(name);
    process.stdout.write(pageOf(option, name));
    return CONFIG_EXIT.GOOD;
  });
}

function unknownOption(name: string): UsageError {
  const near = nearestName(name, OPTION_NAMES);
  const hint = near === undefined ? 'docs/configuration.md has all of them.' : `Did you mean '${near}'?`;
  return new UsageError(`'${name}' is not an option. ${hint}`);
}

/** `written`: the name that was asked for, which may be an older one. */
function pageOf(option: Option, written: string): string {
  const { aliases, doc, deprecated } = option;
  const names = [option.name, ...aliases];
  const name = option.name.endsWith('*') && !names.includes(written) ? written : option.name;
  const facts: [string, string | null][] = [
    ['Value', valueWords(option)],
    ['Default', option.default],
    ['Stands', placeOf(option)],
    ['Changes', changeWords(option)],
    ['Also', aliases.length === 0 ? null : aliases.join(', ')],
    ['Deprecated', deprecated],
    ['Status', statusWords(option)],
    ['Mosquitto', mosquittoWords(option)],
  ];
  const rows = facts.filter(([, text]) => text !== null).map(([fact, text]) => `  ${fact.padEnd(10)} ${text}\n`);
  const example = exampleLines(option, name.replace('*', 'db_file'));
  return `${inColour('bold', name)}
${doc}

${rows.join('')}
Example:
${example.map((line) => `  ${line}\n`).join('')}`;
}
