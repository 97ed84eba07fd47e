import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { FlagTable } from './arguments.js';
import { COMMON_FLAGS, helpOf, OPTIONS_FILE_FLAG, runTool, type Tool } from './tool.js';

const FLAGS = {
  topics: { short: '-t', kind: 'list', value: 'TOPIC', doc: 'What.' },
  host: { short: '-h', kind: 'text', value: 'HOST', group: 'connection', doc: 'Where.' },
  probe: { long: '--probe', kind: 'switch', group: 'connection', rare: true, doc: 'Whether.' },
  ...OPTIONS_FILE_FLAG,
  ...COMMON_FLAGS,
} as const satisfies FlagTable;

const TOOL: Tool<typeof FLAGS> = {
  name: 'try',
  summary: 'Tries.',
  usage: '-t TOPIC\n       cauldron try --probe',
  examples: ['-t a'],
  flags: FLAGS,
  notes: 'Below.',
  details: 'Far below.',
  optionsFile: 'mosquitto_try',
};

describe('the help', () => {
  it('has examples first, and what is rare not at all', () => {
    expect(helpOf(TOOL, false)).toBe(`Tries.

Examples:
  cauldron try -t a

Usage: cauldron try -t TOPIC
       cauldron try --probe

Options:
  -t TOPIC    What.
Connection:
  -h HOST     Where.
General:
      --help  Shows this text.

Below.

'cauldron try --help-all' shows 4 more options.
`);
  });

  it('has all of it when it is asked for', () => {
    const help = helpOf(TOOL, true);
    expect(help).toContain('Below.\n\nFar below.\n');
    for (const text of ['--probe', '-o FILE', '--version']) expect(help).toContain(text);
    expect(help).not.toContain('more options');
  });

  it('names the program as it was called', () => {
    expect(helpOf({ ...TOOL, program: 'mosquitto_try' }, false)).not.toContain('cauldron');
  });
});

describe('runTool', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'cauldron-tool-'));
    vi.stubEnv('XDG_CONFIG_HOME', folder);
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    vi.restoreAllMocks();
    rmSync(folder, { recursive: true });
  });

  const valuesOf = async (...argv: string[]) => {
    const seen: unknown[] = [];
    const status = await runTool(TOOL, argv, async (values) => {
      seen.push(values);
      return 7;
    });
    expect(status).toBe(7);
    return seen[0];
  };

  it('reads the options file of the user first', async () => {
    writeFileSync(join(folder, 'mosquitto_try'), '-h there\n-t a\n');
    expect(await valuesOf('-t', 'b')).toEqual({ host: 'there', topics: ['a', 'b'] });
    expect(await valuesOf('-h', 'here')).toEqual({ host: 'here', topics: ['a'] });
  });

  it('reads the one of -o instead', async () => {
    writeFileSync(join(folder, 'mosquitto_try'), '-h there\n');
    const file = join(folder, 'other');
    writeFileSync(file, '--probe\n');
    expect(await valuesOf('-o', file)).toEqual({ probe: true, optionsFile: file });
  });

  it('looks in ~/.config where nothing else is said', async () => {
    vi.stubEnv('XDG_CONFIG_HOME', '');
    vi.stubEnv('HOME', folder);
    expect(await valuesOf()).toEqual({});
    mkdirSync(join(folder, '.config'));
    writeFileSync(join(folder, '.config', 'mosquitto_try'), '-h there\n');
    expect(await valuesOf()).toEqual({ host: 'there' });
  });

  it('says how to go on after a mistake, with the name that it was called by', async () => {
    const written = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    const status = await runTool({ ...TOOL, program: 'mosquitto_try' }, ['--prob'], async () => 0);
    expect([status, written.mock.calls[0][0]]).toEqual([
      1,
      "Error: Unknown option '--prob'. Did you mean --probe?\n\nUse 'mosquitto_try --help' to see usage.\n",
    ]);
  });

  it('tells the version of Mosquitto that it stands in for', async () => {
    const written = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    await runTool({ ...TOOL, program: 'mosquitto_try' }, ['--version'], async () => 1);
    await runTool(TOOL, ['--version'], async () => 1);
    expect(written.mock.calls[0][0]).toMatch(/^mosquitto_try version 2\.\d+\.\d+ running on cauldron [\d.]+\.\n$/);
    expect(written.mock.calls[1][0]).toMatch(/^cauldron try version [\d.]+\n$/);
  });
});
