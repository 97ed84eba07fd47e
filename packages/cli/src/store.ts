import { nearestName } from '@cauldron/broker/nearest-name';

/** Bad usage, as with the other tools. */
const USAGE_EXIT_CODE = 1;

interface Action {
  readonly summary: string;
  readonly run: (args: string[]) => Promise<number>;
}

const ACTIONS: Readonly<Record<string, Action>> = {
  stats: {
    summary: 'How much is in it',
    run: async (args) => (await import('./store-reading.js')).runStats(args),
  },
  check: {
    summary: 'Whether all of it can be read and fits together',
    run: async (args) => (await import('./store-reading.js')).runCheck(args),
  },
  dump: {
    summary: 'What is in it: sessions, queued and retained messages',
    run: async (args) => (await import('./store-reading.js')).runDump(args),
  },
  export: {
    summary: 'Writes all of it into a file of JSON lines',
    run: async (args) => (await import('./store-moving.js')).runExport(args),
  },
  import: {
    summary: "Takes over such a file, or Mosquitto's mosquitto.db",
    run: async (args) => (await import('./store-moving.js')).runImport(args),
  },
  backup: {
    summary: 'Makes a copy that a broker can start with, while the broker runs',
    run: async (args) => (await import('./store-keeping.js')).runBackup(args),
  },
  compact: {
    summary: 'Gives back the space of what is gone',
    run: async (args) => (await import('./store-keeping.js')).runCompact(args),
  },
};

/** `cauldron store ACTION`: looks after what a broker keeps on disk. Resolves with the exit status. */
export async function runStore([name, ...rest]: readonly string[]): Promise<number> {
  if (name === undefined || name === '--help' || name === '-h') {
    process.stdout.write(help());
    return name === undefined ? USAGE_EXIT_CODE : 0;
  }
  const action = ACTIONS[name];
  if (action !== undefined && Object.hasOwn(ACTIONS, name)) return action.run(rest);
  const near = nearestName(name, Object.keys(ACTIONS));
  const hint = near === undefined ? '`cauldron store --help` lists them.' : `Did you mean \`cauldron store ${near}\`?`;
  process.stderr.write(`cauldron store: there is no action '${name}'. ${hint}\n`);
  return USAGE_EXIT_CODE;
}

function help(): string {
  const list = Object.entries(ACTIONS).map(([name, { summary }]) => `  ${name.padEnd(8)} ${summary}`);
  return `Looks after what a broker with \`persistence true\` keeps on disk.

Examples:
  cauldron store stats /var/lib/cauldron
  cauldron store import /var/lib/mosquitto/mosquitto.db --dir /var/lib/cauldron
  cauldron store backup /mnt/backup/cauldron --dir /var/lib/cauldron

Usage: cauldron store ACTION [OPTIONS]

${list.join('\n')}

Only import and compact need the broker to be stopped. \`cauldron store ACTION --help\` tells the options of an action.
`;
}
