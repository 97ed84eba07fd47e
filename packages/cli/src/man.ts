import { spawn } from 'node:child_process';
import { nearestName } from '@cauldron/broker/nearest-name';
import { UsageError } from './command-line/arguments.js';
import { HELP_FLAG, runTool, type Tool } from './command-line/tool.js';
import { version } from './command-line/version.js';
import { overview, type Page, pageOf, titleOf } from './man/page.js';
import { plainTextOf } from './man/plain-text.js';
import { roffOf } from './man/roff.js';

export const MAN: Tool<typeof HELP_FLAG> = {
  name: 'man',
  summary: `Shows the manual page of a command: with man, where that is installed and the output is
a terminal, else as plain text.`,
  usage: '[COMMAND [ACTION]]',
  examples: ['pub', 'store backup'],
  flags: HELP_FLAG,
};

/** `cauldron man COMMAND`. */
export function runMan(argv: readonly string[]): Promise<number> {
  return runTool(MAN, argv, async (_values, operands) => {
    const page = await pageNamed(operands.join(' '));
    if (process.stdout.isTTY && (await isShownByMan(roffOf(page, version())))) return 0;
    process.stdout.write(plainTextOf(page));
    return 0;
  });
}

/** The pages of all commands and actions, and that of `cauldron`: roff, by the names of their files. */
export async function manualPages(): Promise<Map<string, string>> {
  const { commandSummaries, describeCommands } = await import('./tools.js');
  const pages = [overview(commandSummaries()), ...(await describeCommands()).map(pageOf)];
  return new Map(pages.map((page) => [`${page.title}.1`, roffOf(page, version())]));
}

/** @param name empty: the overview. @throws (rejects) UsageError */
async function pageNamed(name: string): Promise<Page> {
  const { COMMAND_NAMES, commandSummaries, describeCommand } = await import('./tools.js');
  if (name === '') return overview(commandSummaries());
  if (COMMAND_NAMES.includes(name)) return pageOf(await describeCommand(name));
  const near = nearestName(name, COMMAND_NAMES);
  throw new UsageError(`There is no page ${titleOf(name)}.${near === undefined ? '' : ` Did you mean '${near}'?`}`);
}

/** Whether `man` is there, and has shown it. */
function isShownByMan(roff: string): Promise<boolean> {
  return new Promise((resolve) => {
    const man = spawn('man', ['-l', '-'], { stdio: ['pipe', 'inherit', 'inherit'] });
    man.once('error', () => resolve(false));
    man.once('close', (status) => resolve(status === 0));
    man.stdin.on('error', () => {}); // `close` follows
    man.stdin.end(roff);
  });
}
