import { describe, expect, it } from 'vitest';
import { helpOf } from './command-line/tool.js';
import { COMMAND_NAMES, describeCommand } from './tools.js';

const SCREEN = { lines: 50, columns: 100 };

describe('--help', () => {
  it.each(COMMAND_NAMES)('of %s fits on a screen, and nothing is wider than that with --help-all', async (name) => {
    const { tool } = await describeCommand(name);
    if (tool === null) return;
    const lines = helpOf(tool, false).trimEnd().split('\n');
    // Those with few options may say more about each.
    if ('helpAll' in tool.flags) expect(lines.length).toBeLessThanOrEqual(SCREEN.lines);
    const all = [...lines, ...helpOf(tool, true).split('\n')];
    // What stands in columns, and a usage, is left as it was written.
    const tooWide = all.filter((line) => line.length > SCREEN.columns && !/^Usage: |\S {2}| {7}cauldron /.test(line));
    expect(tooWide).toEqual([]);
  });
});
