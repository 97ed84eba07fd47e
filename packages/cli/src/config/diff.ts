import { type EffectiveBlock, type EffectiveOption, effectiveBlocks, shownOrigin } from '@cauldron/broker';
import { HELP_FLAG, runTool, type Tool } from '../command-line/tool.js';
import { CONFIG_EXIT, inColour, operandsFor, readForLooking } from './files.js';
import { onlySaid, shownValues } from './show.js';

export const DIFF: Tool<typeof HELP_FLAG> = {
  name: 'config diff',
  summary: `Tells in what two configurations differ for a broker: comments, order, included files and defaults that are written
down make no difference. Listeners are told apart by port and address, bridges by name, plugins by path.
Exit status: 0 they come to the same, 1 they differ, 3 one of them is wrong.`,
  usage: 'OLD-FILE NEW-FILE',
  examples: ['/etc/mosquitto/mosquitto.conf new.conf'],
  flags: HELP_FLAG,
  usageExitCode: CONFIG_EXIT.WRONG,
};

/** `cauldron config diff`. */
export function runConfigDiff(argv: readonly string[]): Promise<number> {
  return runTool(DIFF, argv, async (_values, operands) => {
    const files = operandsFor(['OLD', 'NEW'], operands);
    const [before, after] = files.map(readForLooking);
    if (before === null || after === null) return CONFIG_EXIT.WRONG;
    const lines = differences(effectiveBlocks(before), effectiveBlocks(after));
    if (lines.length === 0) {
      process.stdout.write('They come to the same.\n');
      return CONFIG_EXIT.GOOD;
    }
    process.stdout.write(`--- ${files[0]}\n+++ ${files[1]}\n${lines.join('\n')}\n`);
    return CONFIG_EXIT.DIFFERENT;
  });
}

/** Lines that begin with -, + or, for the titles of blocks that both have, a space. */
function differences(before: readonly EffectiveBlock[], after: readonly EffectiveBlock[]): string[] {
  const old = byTitle(before);
  const fresh = byTitle(after);
  const lines: string[] = [];
  for (const [title, block] of old) {
    const other = fresh.get(title);
    if (other === undefined) lines.push(...wholeBlock('-', block));
    else {
      const changes = optionDifferences(block.options, other.options);
      if (changes.length > 0) lines.push(`  ${inColour('bold', block.title)}`, ...changes);
    }
  }
  for (const [title, block] of fresh) if (!old.has(title)) lines.push(...wholeBlock('+', block));
  return lines;
}

/** A title that is there again gets a number. */
function byTitle(blocks: readonly EffectiveBlock[]): Map<string, EffectiveBlock> {
  const found = new Map<string, EffectiveBlock>();
  for (const block of blocks) {
    let key = block.title;
    for (let number = 2; found.has(key); number++) key = `${block.title} (${number})`;
    found.set(key, block);
  }
  return found;
}

function wholeBlock(sign: '-' | '+', block: EffectiveBlock): string[] {
  return [marked(sign, block.title), ...onlySaid(block).options.flatMap((option) => optionLines(sign, option))];
}

/** An option that only one side has is one of a plugin, or about access where only one has per_listener_settings. */
function optionDifferences(before: readonly EffectiveOption[], after: readonly EffectiveOption[]): string[] {
  const others = new Map(after.map((option) => [option.name, option]));
  const lines: string[] = [];
  for (const option of before) {
    const other = others.get(option.name);
    others.delete(option.name);
    if (other !== undefined && areEqual(option.values, other.values)) continue;
    lines.push(...optionLines('-', option));
    if (other !== undefined) lines.push(...optionLines('+', other));
  }
  return [...lines, ...[...others.values()].flatMap((option) => optionLines('+', option))];
}

function areEqual(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((value, index) => value === other[index]);
}

function optionLines(sign: '-' | '+', option: EffectiveOption): string[] {
  return shownValues(option).map((value, index) => {
    const origin = option.origins[index];
    return marked(sign, `  ${option.name} ${value} (${origin === undefined ? 'default' : shownOrigin(origin)})`);
  });
}

function marked(sign: '-' | '+', text: string): string {
  return inColour(sign === '-' ? 'red' : 'green', `${sign} ${text}`);
}
