import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bashScript } from '../../packages/cli/src/completion/bash.js';
import type { CompletionEntry } from '../../packages/cli/src/completion/entries.js';
import { fishScript } from '../../packages/cli/src/completion/fish.js';
import { zshScript } from '../../packages/cli/src/completion/zsh.js';
import { completionEntries } from '../../packages/cli/src/completion.js';
import { areInstalled, programPath } from '../support/programs.js';

let folder: string;
let entries: CompletionEntry[];
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'cauldron-completion-'));
  mkdirSync(join(folder, 'here/a folder'), { recursive: true });
  for (const name of ['ca.crt', 'with blank.crt', '-odd']) writeFileSync(join(folder, 'here', name), '');
  entries = await completionEntries();
  writeFileSync(join(folder, 'bash'), bashScript(entries));
  writeFileSync(join(folder, 'zsh'), zshScript(entries));
  writeFileSync(join(folder, 'fish'), fishScript(entries));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs a program where files can be completed. @returns the lines that it prints, in the order of the alphabet */
function linesOf(program: string, argv: readonly string[], env: Readonly<Record<string, string>> = {}): string[] {
  const options = { cwd: join(folder, 'here'), encoding: 'utf8', env: { ...process.env, ...env } } as const;
  const printed = execFileSync(program, argv, options).split('\n');
  return [...new Set(printed.filter((line) => line !== ''))].sort();
}

/** What bash would offer for the last of these words. */
function bashOffers(...words: readonly string[]): string[] {
  const script = `source ../bash
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_cauldron cauldron "\${COMP_WORDS[COMP_CWORD]}" "\${COMP_WORDS[COMP_CWORD - 1]}"
((\${#COMPREPLY[@]} == 0)) || printf '%s\\n' "\${COMPREPLY[@]}"`;
  return linesOf('bash', ['--norc', '-c', script, 'bash', 'cauldron', ...words]);
}

const COMPLETED: [words: string[], offers: string[]][] = [
  [['re'], ['reload', 'replay', 'retained']],
  [
    ['store', ''],
    ['backup', 'check', 'compact', 'dump', 'export', 'import', 'stats'],
  ],
  [
    ['pub', '--will-'],
    ['--will-payload', '--will-qos', '--will-retain', '--will-topic'],
  ],
  [['store', 'backup', '--di'], ['--dir']],
  [
    ['sub', '--tls-version', 'tlsv1.'],
    ['tlsv1.2', 'tlsv1.3'],
  ],
  [
    ['completion', ''],
    ['bash', 'fish', 'zsh'],
  ],
  [['doctor', 'conf'], ['conformance']],
  [['ctrl', 'dynsec', 'createC'], ['createClient']],
  [['pub', '-t', ''], []],
  [['sub', '--cafile', 'ca'], ['ca.crt']],
];

describe.skipIf(!areInstalled('bash'))('completion in bash', () => {
  it.each(COMPLETED)('of %j', (words, offers) => {
    expect(bashOffers(...words)).toEqual(offers);
  });

  it('offers every flag of every command, and nothing twice', () => {
    for (const { name, flags } of entries) {
      const names = flags.flatMap((flag) => flag.names).sort();
      expect([name, ...bashOffers(...name.split(' '), '-')]).toEqual([name, ...names]);
    }
  });

  it('offers files and folders, whatever is in their names, also behind an equals sign', () => {
    expect(bashOffers('pub', '-f', '')).toEqual(['-odd', 'a folder', 'ca.crt', 'with blank.crt']);
    expect(bashOffers('config', 'check', 'w')).toEqual(['with blank.crt']);
    expect(bashOffers('pub', '--capath', '')).toEqual(['a folder']);
    // bash takes '=' for a word.
    expect(bashOffers('pub', '--cafile', '=')).toEqual(['-odd', 'a folder', 'ca.crt', 'with blank.crt']);
    expect(bashOffers('pub', '--cafile', '=', 'ca')).toEqual(['ca.crt']);
  });

  it('is what the command prints, and is registered', () => {
    expect(linesOf('bash', ['--norc', '-c', 'source ../bash; complete -p cauldron'])).toEqual([
      'complete -F _cauldron cauldron',
    ]);
  });
});

/** What zsh offers: a shell at a terminal of its own completes the line, writes down every match, and ends. */
function zshOffers(...words: readonly string[]): string[] {
  const script = `
zmodload zsh/zpty
export LINE=$1
zpty shell zsh -f -i
zpty -w shell 'autoload -Uz compinit; compinit -u -D; source ../zsh; : > ../offers
compadd() { local -a matches; builtin compadd -O matches "$@"; print -rl -- "\${matches[@]}" >> ../offers; builtin compadd "$@" }
capture() { BUFFER=$LINE; CURSOR=$#BUFFER; zle list-choices; BUFFER=exit; zle accept-line }
zle -N capture; bindkey "^T" capture'
zpty -w -n shell $'\\C-T'
while zpty -r shell line; do :; done
cat ../offers`;
  return linesOf(programPath('zsh'), ['-f', '-c', script, 'zsh', `cauldron ${words.join(' ')}`], { TERM: 'dumb' });
}

describe.skipIf(!areInstalled('zsh'))('completion in zsh', () => {
  it.each(COMPLETED)('of %j', (words, offers) => {
    // zsh writes the equals sign that an argument may follow.
    expect(zshOffers(...words).map((offer) => offer.replace(/=$/, ''))).toEqual(offers);
  });
});

function fishOffers(...words: readonly string[]): string[] {
  const script = 'source ../fish; complete -C "$argv"';
  const lines = linesOf(programPath('fish'), ['--no-config', '-c', script, '--', `cauldron ${words.join(' ')}`]);
  return lines.map((line) => line.split('\t')[0]);
}

describe.skipIf(!areInstalled('fish'))('completion in fish', () => {
  it.each(COMPLETED)('of %j', (words, offers) => {
    expect(fishOffers(...words)).toEqual(offers);
  });
});
