import { UsageError } from './command-line/arguments.js';
import { HELP_FLAG, runTool, type Tool } from './command-line/tool.js';
import { bashScript } from './completion/bash.js';
import { type CompletionEntry, entryOf } from './completion/entries.js';
import { fishScript } from './completion/fish.js';
import { zshScript } from './completion/zsh.js';

const SCRIPTS: Readonly<Record<string, (entries: readonly CompletionEntry[]) => string>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
};

export const COMPLETION: Tool<typeof HELP_FLAG> = {
  name: 'completion',
  summary: `Prints a script that lets a shell complete the commands, options and arguments of
cauldron. It is made from the tables that the commands read their options by.`,
  usage: 'bash|zsh|fish',
  examples: [
    'bash > ~/.local/share/bash-completion/completions/cauldron',
    'zsh > ~/.zfunc/_cauldron',
    'fish > ~/.config/fish/completions/cauldron.fish',
  ],
  flags: HELP_FLAG,
  notes: `bash reads that folder by itself where the package bash-completion is installed;
elsewhere put 'source <(cauldron completion bash)' into ~/.bashrc. For zsh,
~/.zshrc needs 'fpath+=~/.zfunc' before 'compinit'.`,
};

/** `cauldron completion SHELL`. */
export function runCompletion(argv: readonly string[]): Promise<number> {
  return runTool(COMPLETION, argv, async (_values, [shell, more]) => {
    const shells = Object.keys(SCRIPTS).join(', ');
    if (shell === undefined) throw new UsageError(`For which shell? One of ${shells}`);
    if (more !== undefined) throw new UsageError(`One shell at a time: what is '${more}'?`);
    if (!Object.hasOwn(SCRIPTS, shell))
      throw new UsageError(`There is no completion for '${shell}', but for ${shells}`);
    process.stdout.write(SCRIPTS[shell](await completionEntries()));
    return 0;
  });
}

/** All commands and actions, as a shell has to know them. */
export async function completionEntries(): Promise<CompletionEntry[]> {
  const [{ describeCommands }, { BROKER_COMMANDS, DYNSEC_COMMANDS }] = await Promise.all([
    import('./tools.js'),
    import('./ctrl/command-words.js'),
  ]);
  const followers = {
    dynsec: [...Object.keys(DYNSEC_COMMANDS), 'init', 'help'],
    broker: [...Object.keys(BROKER_COMMANDS), 'help'],
  };
  const described = await describeCommands();
  return described.map((one) => entryOf(one, one.name === 'ctrl' ? followers : {}));
}
