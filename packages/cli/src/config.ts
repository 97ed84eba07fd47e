import { type ActionGroup, runActionGroup } from './command-line/action-group.js';
import { CONFIG_EXIT } from './config/files.js';

export const GROUP: ActionGroup = {
  name: 'config',
  about: 'Looks into the configuration of a broker, in the format of mosquitto.conf. No broker is needed.',
  examples: [
    'config check /etc/mosquitto/mosquitto.conf',
    'config show /etc/mosquitto/mosquitto.conf --changed',
    'config diff old.conf new.conf',
    'config explain max_queued_messages',
  ],
  actions: {
    check: {
      summary: 'What is wrong with it, and with the certificates and keys that it names',
      run: async (args) => (await import('./config/check.js')).runConfigCheck(args),
    },
    show: {
      summary: 'What holds in the end, and which line says so',
      run: async (args) => (await import('./config/show.js')).runConfigShow(args),
    },
    diff: {
      summary: 'In what two files differ, whatever they look like',
      run: async (args) => (await import('./config/diff.js')).runConfigDiff(args),
    },
    explain: {
      summary: 'What an option means, takes and does without being said',
      run: async (args) => (await import('./config/explain.js')).runConfigExplain(args),
    },
  },
  notes: 'Exit status: 0 all is well, 1 two files differ, 3 a configuration or the command line is wrong.',
  usageExitCode: CONFIG_EXIT.WRONG,
};

/** `cauldron config ACTION`: looks into the configuration of a broker, without one. Resolves with the exit status. */
export function runConfig(argv: readonly string[]): Promise<number> {
  return runActionGroup(GROUP, argv);
}
