import { nearestName } from '@cauldron/broker/nearest-name';

/** One of the things that a command does: `cauldron store backup`. */
export interface Action {
  /** One line for the list of actions. */
  readonly summary: string;
  /** Takes the arguments behind the action's name. Loaded when called: an action does not pay for the others. */
  readonly run: (args: string[]) => Promise<number>;
}

/** A command that is a family of actions, and does nothing without one. */
export interface ActionGroup {
  /** As it is typed after `cauldron`. */
  readonly name: string;
  /** The first paragraph of the help. */
  readonly about: string;
  /** Command lines without `cauldron`. */
  readonly examples: readonly string[];
  readonly actions: Readonly<Record<string, Action>>;
  /** What the help says below the list. */
  readonly notes?: string;
  /** Exit status for a command line that names no action. */
  readonly usageExitCode: number;
}

/** Runs `cauldron NAME ACTION ARGUMENTS`, or shows the help. @returns the exit status */
export async function runActionGroup(group: ActionGroup, [name, ...rest]: readonly string[]): Promise<number> {
  if (name === undefined || name === '--help' || name === '-h') {
    process.stdout.write(help(group));
    return name === undefined ? group.usageExitCode : 0;
  }
  if (Object.hasOwn(group.actions, name)) return group.actions[name].run(rest);
  const command = `cauldron ${group.name}`;
  const near = nearestName(name, Object.keys(group.actions));
  const hint = near === undefined ? `\`${command} --help\` lists them.` : `Did you mean \`${command} ${near}\`?`;
  process.stderr.write(`${command}: there is no action '${name}'. ${hint}\n`);
  return group.usageExitCode;
}

function help({ name, about, examples, actions, notes }: ActionGroup): string {
  const shown = examples.map((example) => `  cauldron ${example}\n`).join('');
  const list = Object.entries(actions).map(([action, { summary }]) => `  ${action.padEnd(8)} ${summary}\n`);
  const below = notes === undefined ? '' : `${notes}\n`;
  return `${about}

Examples:
${shown}
Usage: cauldron ${name} ACTION [OPTIONS]

${list.join('')}
\`cauldron ${name} ACTION --help\` tells the options of an action.
${below}`;
}
