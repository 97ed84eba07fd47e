import { describe, expect, it } from 'vitest';
import { COMMANDS } from './commands.js';
import { COMMAND_NAMES, describeCommands } from './tools.js';

describe('the tables of all commands', () => {
  it('has every command, and every action of the families', async () => {
    const described = await describeCommands();
    const expected = described.flatMap(({ name, actions }) =>
      name.includes(' ') ? [] : [name, ...actions.map((action) => `${name} ${action.name}`)],
    );
    expect(COMMAND_NAMES.filter((name) => !name.includes(' '))).toEqual(Object.keys(COMMANDS).sort());
    expect([...COMMAND_NAMES].sort()).toEqual(expected.sort());
  });

  it('calls each tool as it is called on the command line, with one line for a list', async () => {
    for (const { name, tool, group, summary } of await describeCommands()) {
      expect(tool?.name ?? group?.name).toBe(name);
      expect(summary).toMatch(/^[^\n]{10,100}$/);
    }
  });

  it('has no two flags of one name', async () => {
    for (const { name, tool } of await describeCommands()) {
      const names = Object.values(tool?.flags ?? {}).flatMap(({ short, long }) => [short, long]);
      const given = names.filter((flag) => flag !== undefined);
      expect([name, ...given]).toEqual([name, ...new Set(given)]);
    }
  });
});
