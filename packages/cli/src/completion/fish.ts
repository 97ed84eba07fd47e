import type { Candidates, CompletedFlag, CompletionEntry } from './entries.js';

/** For a file `cauldron.fish` in ~/.config/fish/completions. */
export function fishScript(entries: readonly CompletionEntry[]): string {
  const commands = entries.filter(({ name }) => !name.includes(' '));
  const pairs = entries.filter(({ name }) => name.includes(' ')).map(({ name }) => quoted(name));
  return `# Completion of cauldron for fish, made by 'cauldron completion fish'.
function __cauldron_command
    set -l words (commandline -opc)
    if test (count $words) -gt 2; and contains -- "$words[2] $words[3]" ${pairs.join(' ')}
        echo "$words[2] $words[3]"
    else if test (count $words) -gt 1
        echo $words[2]
    end
end
function __cauldron_is
    set -l command (__cauldron_command)
    test "$command" = "$argv"
end
function __cauldron_has_none
    for word in (commandline -opc)
        contains -- $word $argv; and return 1
    end
    return 0
end
function __cauldron_begins
    test (count (commandline -opc)) -eq 1
end
function __cauldron_follows
    set -l words (commandline -opc)
    test "$words[-1]" = "$argv"
end
complete -c cauldron -f
${commands.map(({ name, summary }) => `complete -c cauldron -n __cauldron_begins -a ${name} -d ${quoted(summary)}\n`).join('')}${entries.map(entryLines).join('')}`;
}

function entryLines({ name, flags, operands, followers }: CompletionEntry): string {
  const condition = `__cauldron_is ${name}`;
  const start = `complete -c cauldron -n ${quoted(condition)}`;
  const lines = flags.map((flag) => `${start} ${flagWords(flag)}`);
  if (operands !== 'nothing') {
    const once =
      typeof operands === 'string' ? condition : `${condition}; and __cauldron_has_none ${operands.join(' ')}`;
    lines.push(`complete -c cauldron -n ${quoted(once)} ${candidateWords(operands)}`);
  }
  for (const [word, candidates] of Object.entries(followers)) {
    const after = `${condition}; and __cauldron_follows ${word}`;
    lines.push(`complete -c cauldron -n ${quoted(after)} ${candidateWords(candidates)}`);
  }
  return lines.map((line) => `${line}\n`).join('');
}

function flagWords({ names, doc, argument }: CompletedFlag): string {
  const words = names.map((name) => (name.startsWith('--') ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`));
  if (argument !== null) words.push('-r', candidateWords(argument.candidates));
  return [...words, '-d', quoted(doc)].join(' ');
}

function candidateWords(candidates: Candidates): string {
  if (typeof candidates !== 'string') return `-f -a ${quoted(candidates.join(' '))}`;
  return { files: '-F', folders: "-f -a '(__fish_complete_directories)'", nothing: '-f' }[candidates];
}

/** Within single quotes of fish a backslash keeps its meaning. */
function quoted(text: string): string {
  return `'${text.replace(/[\\']/g, '\\$&')}'`;
}
