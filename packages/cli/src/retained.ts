import { type ActionGroup, runActionGroup } from './command-line/action-group.js';

/** Bad usage, as with the other tools. */
const USAGE_EXIT_CODE = 1;

export const GROUP: ActionGroup = {
  name: 'retained',
  about: 'Looks after the retained messages of a broker: those that it keeps, the last of each topic.',
  examples: [
    'retained list',
    'retained get home/kitchen/light',
    "retained clear 'homeassistant/#' --older-than 30d --dry-run",
  ],
  actions: {
    list: {
      summary: 'Topics with sizes and ages',
      run: async (args) => (await import('./retained/list.js')).runList(args),
    },
    get: {
      summary: 'The payloads',
      run: async (args) => (await import('./retained/get.js')).runGet(args),
    },
    clear: {
      summary: 'Lets the broker forget them',
      run: async (args) => (await import('./retained/clear.js')).runClear(args),
    },
  },
  usageExitCode: USAGE_EXIT_CODE,
};

/** `cauldron retained ACTION`: looks after retained messages. Resolves with the exit status. */
export function runRetained(argv: readonly string[]): Promise<number> {
  return runActionGroup(GROUP, argv);
}
