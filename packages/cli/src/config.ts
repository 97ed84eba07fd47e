import { nearestName } from '@cauldron/broker/nearest-name';
import { CONFIG_EXIT } from './config-files.js';

interface Action {
  readonly summary: string;
  readonly run: (args: string[]) => Promise<number>;
}

const ACTIONS: Readonly<Record<string, Action>> = {
  check: {
    summary: 'What is wrong with it, and with the certificates and keys that it names',
    run: async (args) => (await import('./config-check.js')).runConfigCheck(args),
  },
  show: {
    summary: 'What holds in the end, and which line says so',
    run: async (args) => (await import('./config-show.js')).runConfigShow(args),
  },
  diff: {
    summary: 'In what two files differ, whatever they look like',
    run: async (args) => (await import('./config-diff.js')).runConfigDiff(args),
  },
  explain: {
    summary: 'What an option means, takes and does without being said',
    run: async (args) => (await import('./config-explain.js')).runConfigExplain(args),
  },
};

/** `cauldron config ACTION`: looks into the configuration of a broker, without one. Resolves with the exit status. */
export async function runConfig([name, ...rest]: readonly string[]): Promise<number> {
  if (name === undefined || name === '--help' || name === '-h') {
    process.stdout.write(help());
    return name === undefined ? CONFIG_EXIT.WRONG : CONFIG_EXIT.GOOD;
  }
  const action = ACTIONS[name];
  if (action !== undefined && Object.hasOwn(ACTIONS, name)) return action.run(rest);
  const near = nearestName(name, Object.keys(ACTIONS));
  const hint =
    near === undefined ? '`cauldron config --help` lists them.' : `Did you mean \`cauldron config ${near}\`?`;
  process.stderr.write(`cauldron config: there is no action '${name}'. ${hint}\n`);
  return CONFIG_EXIT.WRONG;
}

function help(): string {
  const list = Object.entries(ACTIONS).map(([name, { summary }]) => `  ${name.padEnd(8)} ${summary}`);
  return `Looks into the configuration of a broker, in the format of mosquitto.conf. No broker is needed.

Examples:
  cauldron config check /etc/mosquitto/mosquitto.conf
  cauldron config show /etc/mosquitto/mosquitto.conf --changed
  cauldron config diff old.conf new.conf
  cauldron config explain max_queued_messages

Usage: cauldron config ACTION [OPTIONS]

${list.join('\n')}

\`cauldron config ACTION --help\` tells the options of an action.
Exit status: 0 all is well, 1 two files differ, 3 a configuration or the command line is wrong.
`;
}
