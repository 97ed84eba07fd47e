import { type ActionGroup, runActionGroup } from './command-line/action-group.js';

/** Bad usage, as with the other tools. */
const USAGE_EXIT_CODE = 1;

export const GROUP: ActionGroup = {
  name: 'store',
  about: 'Looks after what a broker with `persistence true` keeps on disk.',
  examples: [
    'store stats /var/lib/cauldron',
    'store import /var/lib/mosquitto/mosquitto.db --dir /var/lib/cauldron',
    'store backup /mnt/backup/cauldron --dir /var/lib/cauldron',
  ],
  actions: {
    stats: {
      summary: 'How much is in it',
      run: async (args) => (await import('./store/reading.js')).runStats(args),
    },
    check: {
      summary: 'Whether all of it can be read and fits together',
      run: async (args) => (await import('./store/reading.js')).runCheck(args),
    },
    dump: {
      summary: 'What is in it: sessions, queued and retained messages',
      run: async (args) => (await import('./store/reading.js')).runDump(args),
    },
    export: {
      summary: 'Writes all of it into a file of JSON lines',
      run: async (args) => (await import('./store/moving.js')).runExport(args),
    },
    import: {
      summary: "Takes over such a file, or Mosquitto's mosquitto.db",
      run: async (args) => (await import('./store/moving.js')).runImport(args),
    },
    backup: {
      summary: 'Makes a copy that a broker can start with, while the broker runs',
      run: async (args) => (await import('./store/keeping.js')).runBackup(args),
    },
    compact: {
      summary: 'Gives back the space of what is gone',
      run: async (args) => (await import('./store/keeping.js')).runCompact(args),
    },
  },
  notes: 'Only import and compact need the broker to be stopped.',
  usageExitCode: USAGE_EXIT_CODE,
};

/** `cauldron store ACTION`: looks after what a broker keeps on disk. Resolves with the exit status. */
export function runStore(argv: readonly string[]): Promise<number> {
  return runActionGroup(GROUP, argv);
}
