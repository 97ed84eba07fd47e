import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { manualPages } from '../../packages/cli/src/man.js';
import { runCauldron } from '../support/broker-process.js';
import { areInstalled, programPath } from '../support/programs.js';

const FOLDER = fileURLToPath(new URL('../../man', import.meta.url));

let pages: Map<string, string>;
beforeAll(async () => {
  pages = await manualPages();
});

describe('the manual pages', () => {
  it('in man/ are as the tables of the commands are: `npm run docs:man` writes them', () => {
    const kept = readdirSync(FOLDER).map((name): [string, string] => [name, readFileSync(`${FOLDER}/${name}`, 'utf8')]);
    expect(new Map(kept.sort())).toEqual(new Map([...pages].sort()));
  });

  it.skipIf(!areInstalled('man'))('are shown by man without a warning', () => {
    for (const [name, text] of pages) {
      const options = { input: text, encoding: 'utf8', env: { ...process.env, MANWIDTH: '80' } } as const;
      const { stdout, stderr, status } = spawnSync(programPath('man'), ['--warnings', '-l', '-'], options);
      expect([name, stderr, status]).toEqual([name, '', 0]);
      expect(stdout).toContain('NAME');
    }
  });
});

describe('cauldron man', () => {
  const outcomeOf = async (...argv: string[]) => {
    const { stdout, stderr, exitCode } = await runCauldron(['man', ...argv], '').ended;
    return { stdout: stdout.toString(), stderr, exitCode };
  };

  it('shows a page as plain text where there is no terminal, 80 columns wide', async () => {
    const { stdout, exitCode } = await outcomeOf('store', 'backup');
    expect(stdout).toMatch(/^NAME\n {4}cauldron-store-backup - makes a copy/);
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThan(80);
    expect(exitCode).toBe(0);
    expect((await outcomeOf()).stdout).toContain('COMMANDS\n    acl\n');
  });

  it('knows what was meant', async () => {
    const { stderr, exitCode } = await outcomeOf('store', 'bakup');
    expect(stderr).toContain("There is no page cauldron-store-bakup. Did you mean 'store backup'?");
    expect(exitCode).toBe(1);
  });

  it.skipIf(!areInstalled('man', 'python3'))('is shown by man at a terminal', () => {
    // Python's pty is a terminal for the program that it runs.
    const script = 'import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)';
    const command = fileURLToPath(new URL('../../bin/cauldron.js', import.meta.url));
    const env = { ...process.env, PAGER: 'cat', MANPAGER: 'cat', TERM: 'dumb' };
    const shown = execFileSync(programPath('python3'), ['-c', script, process.execPath, command, 'man', 'pub'], {
      env,
    });
    expect(shown.toString()).toMatch(/CAULDRON-PUB\(1\)/);
  });
});
