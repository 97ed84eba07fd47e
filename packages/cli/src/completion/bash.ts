import type { Candidates, CompletionEntry } from './entries.js';

/** For a script of bash, 3.2 and later: macOS has no newer one. */
export function bashScript(entries: readonly CompletionEntry[]): string {
  const commands = entries.filter(({ name }) => !name.includes(' ')).map(({ name }) => name);
  const pairs = entries.filter(({ name }) => name.includes(' ')).map(({ name }) => quoted(name));
  return `# Completion of cauldron for bash, made by 'cauldron completion bash'.
_cauldron() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD - 1]}
  local command=\${COMP_WORDS[1]} flags='' operands='' takes='' words='' newline=$'\\n'
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    COMPREPLY=($(compgen -W ${quoted([...commands, '--help', '--version'].join(' '))} -- "$current"))
    return
  fi
  if ((COMP_CWORD > 2)); then
    case "$command \${COMP_WORDS[2]}" in
      ${pairs.join(' | ')}) command="$command \${COMP_WORDS[2]}" ;;
    esac
  fi
  # '=' is a word of its own for bash.
  if [[ $current == '=' ]]; then
    current=''
  elif [[ $previous == '=' ]]; then
    previous=\${COMP_WORDS[COMP_CWORD - 2]}
  fi
  case $command in
${entries.map(entryCase).join('')}    *) return ;;
  esac
  if [[ -z $takes ]]; then
    takes=$operands
    if [[ $current == -* || -z $takes ]]; then
      takes=words words=$flags
    fi
  fi
  case $takes in
    words) COMPREPLY=($(compgen -W "$words" -- "$current")) ;;
    files | folders)
      local IFS=$newline
      if [[ $takes == files ]]; then COMPREPLY=($(compgen -f -- "$current")); else COMPREPLY=($(compgen -d -- "$current")); fi
      compopt -o filenames 2>/dev/null
      ;;
  esac
  return 0
}
complete -F _cauldron cauldron
`;
}

function entryCase({ name, flags, operands, followers }: CompletionEntry): string {
  const names = flags.flatMap((flag) => flag.names);
  const places = flags.flatMap((flag) =>
    flag.argument === null ? [] : [{ after: flag.names, candidates: flag.argument.candidates }],
  );
  // Behind a word come the flags, unless it has words of its own.
  const behind = typeof operands === 'string' ? [] : operands;
  const all = [
    ...places.map(({ after, candidates }) => ({ after, takes: assignmentOf('takes', candidates) })),
    ...behind.map((word) => ({
      after: [word],
      takes: followers[word] === undefined ? 'takes=words words=$flags' : assignmentOf('takes', followers[word]),
    })),
  ];
  // One line for all that have the same candidates.
  const byAssignment = new Map<string, string[]>();
  for (const { after, takes } of all) byAssignment.set(takes, [...(byAssignment.get(takes) ?? []), ...after]);
  const cases = Array.from(byAssignment, ([assignment, after]) => `        ${after.join(' | ')}) ${assignment} ;;\n`);
  return `    ${quoted(name)})
      flags=${quoted(names.join(' '))}
      ${assignmentOf('operands', operands)}
${cases.length === 0 ? '' : `      case $previous in\n${cases.join('')}      esac\n`}      ;;
`;
}

/** A place that only the person knows is complete as it is: `nothing` is no case of the script. */
function assignmentOf(variable: 'takes' | 'operands', candidates: Candidates): string {
  if (typeof candidates !== 'string') return `${variable}=words words=${quoted(candidates.join(' '))}`;
  return variable === 'operands' && candidates === 'nothing' ? "operands=''" : `${variable}=${candidates}`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
