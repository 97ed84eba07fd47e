import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { COMMANDS } from '../../packages/cli/src/commands.js';
import { runCauldron } from '../support/broker-process.js';

const { version }: { version: string } = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
);

const outcomeOf = async (...argv: string[]) => {
  const { stdout, stderr, exitCode } = await runCauldron(argv, '').ended;
  return { stdout: stdout.toString(), stderr, exitCode };
};

describe('cauldron', () => {
  it.each([['--help'], ['-h'], ['help']])('%s shows examples and the commands', async (flag) => {
    const { stdout, stderr, exitCode } = await outcomeOf(flag);
    expect([stderr, exitCode]).toEqual(['', 0]);
    expect(stdout).toMatch(/^Examples:\n {2}cauldron broker/);
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
    const listed = [...stdout.matchAll(/^ {2}([a-z]+) +[A-Z]/gm)].map(([, command]) => command);
    expect(listed.sort()).toEqual(Object.keys(COMMANDS).sort());
  });

  it('without a command shows the same and ends with 2', async () => {
    expect(await outcomeOf()).toEqual({ ...(await outcomeOf('--help')), exitCode: 2 });
  });

  it.each(['--version', 'broker --version', 'pub --version', 'sub --version'])(
    '%s tells the version of the package',
    async (command) => {
      const { stdout, stderr, exitCode } = await outcomeOf(...command.split(' '));
      expect([stderr, exitCode]).toEqual(['', 0]);
      expect(stdout).toMatch(new RegExp(`^cauldron( \\w+)? version ${version.replaceAll('.', '\\.')}\n$`));
    },
  );

  it.each(['broker', 'pub', 'sub'])('%s --help shows examples and options', async (command) => {
    const { stdout, stderr, exitCode } = await outcomeOf(command, '--help');
    expect([stderr, exitCode]).toEqual(['', 0]);
    expect(stdout).toMatch(new RegExp(`Examples:\n {2}cauldron ${command}`));
    expect(stdout).toMatch(/^ +(-h, )?--help/m);
  });

  it.each([
    ['broeker', 'Did you mean `cauldron broker`?'],
    ['constructor', '`cauldron --help` lists the commands.'],
    ['--bogus', '`cauldron --help` lists the commands.'],
  ])('%s is no command, and one line says what to do', async (command, hint) => {
    expect(await outcomeOf(command)).toEqual({
      stdout: '',
      stderr: `cauldron: there is no command '${command}'. ${hint}\n`,
      exitCode: 2,
    });
  });
});
