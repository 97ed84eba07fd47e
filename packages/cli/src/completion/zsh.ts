import type { Candidates, CompletedFlag, CompletionEntry } from './entries.js';

/** For a file `_cauldron` in a folder of zsh's `fpath`, or to be sourced. */
export function zshScript(entries: readonly CompletionEntry[]): string {
  const commands = entries.filter(({ name }) => !name.includes(' '));
  const pairs = entries.filter(({ name }) => name.includes(' ')).map(({ name }) => quoted(name));
  return `#compdef cauldron
# Completion of cauldron for zsh, made by 'cauldron completion zsh'.
_cauldron() {
  local command=$words[2]
  local -a commands
  if ((CURRENT == 2)); then
    commands=(
${commands.map(({ name, summary }) => `      ${quoted(`${name}:${summary}`)}\n`).join('')}    )
    _describe -t commands command commands
    return
  fi
  shift words
  ((CURRENT--))
  if ((CURRENT > 2)); then
    case "$command $words[2]" in
      (${pairs.join(' | ')})
        command="$command $words[2]"
        shift words
        ((CURRENT--))
        ;;
    esac
  fi
  case $command in
${entries.map(entryCase).join('')}  esac
}
if [[ $zsh_eval_context == *loadautofunc* ]]; then _cauldron "$@"; else compdef _cauldron cauldron; fi
`;
}

function entryCase({ name, flags, operands, followers }: CompletionEntry): string {
  const specs = flags.map(flagSpec);
  const words = Object.entries(followers);
  if (words.length === 0) {
    const rest = actionOf(operands);
    if (rest !== '') specs.push(quoted(typeof operands === 'string' ? `*:operand:${rest}` : `1:operand:${rest}`));
  } else {
    const cases = words.map(([word, candidates]) => `${word}) compadd -- ${candidates.join(' ')} ;;`);
    specs.push(quoted(`1:operand:(${words.map(([word]) => word).join(' ')})`));
    specs.push(quoted(`2:operand:{ case $line[1] in ${cases.join(' ')} esac }`));
  }
  return `    (${quoted(name)})
      _arguments -S${words.length === 0 ? '' : ' -C'} ${specs.map((spec) => `\\\n        ${spec}`).join(' ')}
      ;;
`;
}

function flagSpec({ names, doc, argument, isRepeatable }: CompletedFlag): string {
  const exclusions = isRepeatable ? '*' : names.length > 1 ? `(${names.join(' ')})` : '';
  const what =
    argument === null ? '' : `:${argument.name.replaceAll(':', '\\:')}:${actionOf(argument.candidates) || ' '}`;
  const text = `[${doc.replace(/[[\]:\\]/g, '\\$&')}]${what}`;
  const written = names.map((name) => (argument !== null && name.startsWith('--') ? `${name}=` : name));
  if (written.length === 1) return quoted(`${exclusions}${written[0]}${text}`);
  return `${quoted(exclusions)}{${written.join(',')}}${quoted(text)}`;
}

function actionOf(candidates: Candidates): string {
  if (typeof candidates !== 'string') return `(${candidates.join(' ')})`;
  return { files: '_files', folders: '_files -/', nothing: '' }[candidates];
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
