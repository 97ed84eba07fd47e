import { existsSync } from 'node:fs';
import { openLmdbStore, StoreError, VERSION, viewLmdbStore } from '@cauldron/broker';
import type { FlagTable, Values } from '../command-line/arguments.js';
import { ProgressLine } from '../command-line/progress-line.js';
import { HELP_FLAG, runTool, type Tool } from '../command-line/tool.js';
import { countText, sizeText } from '../command-line/units.js';
import { exportObjects } from './export.js';
import { operandOf, reportingFailures } from './failure.js';
import { type ImportCounts, importInto, openImport } from './import-source.js';
import { writeJsonLines } from './json-lines-file.js';

export const DIR_FLAG = {
  long: '--dir',
  kind: 'text',
  value: 'DIR',
  doc: 'The folder of the store, persistence_location. Default: the current one.',
} as const;

const EXPORT_FLAGS = { dir: DIR_FLAG, ...HELP_FLAG } as const satisfies FlagTable;

export const EXPORT: Tool<typeof EXPORT_FLAGS> = {
  name: 'store export',
  summary: `Writes all that is in a store into a new file of JSON lines, packed with gzip if its name ends in .gz.
The broker may run: the file has what the store had at the beginning.`,
  usage: 'FILE [--dir DIR]',
  examples: ['store.jsonl.gz --dir /var/lib/cauldron'],
  flags: EXPORT_FLAGS,
};

/** `cauldron store export`. */
export function runExport(argv: readonly string[]): Promise<number> {
  return runTool(EXPORT, argv, ({ dir = '.' }, operands) => {
    const file = operandOf(operands, 'FILE');
    return reportingFailures(() => exportTo(file, dir));
  });
}

async function exportTo(file: string, folder: string): Promise<number> {
  if (existsSync(file)) throw new StoreError(`${file} exists already: choose another name, or remove it first.`);
  const view = await viewLmdbStore(folder);
  try {
    const { sessions, messages, retained } = view.store.stats;
    const progress = new ProgressLine();
    const all = sessions + messages + retained;
    let written = 0;
    const objects = function* () {
      for (const object of exportObjects(view.store, { writtenBy: `cauldron ${VERSION}`, writtenAtMs: Date.now() })) {
        yield object;
        written++;
        progress.show(() => `${Math.min(100, Math.floor((100 * written) / all))} % written`);
      }
    };
    await writeJsonLines(file, objects());
    progress.clear();
    const counts = [countText(sessions, 'session'), countText(messages, 'message')];
    process.stdout.write(`Written: ${counts.join(', ')}, ${countText(retained, 'retained message')}.\n`);
    return 0;
  } finally {
    await view.close();
  }
}

const IMPORT_FLAGS = {
  dir: { ...DIR_FLAG, doc: `${DIR_FLAG.doc} It is made if it does not exist.` },
  merge: {
    long: '--merge',
    kind: 'switch',
    doc: 'The store may have something already. Sessions and retained messages of the file take the place of those with the same client id or topic.',
  },
  ...HELP_FLAG,
} as const satisfies FlagTable;

export const IMPORT: Tool<typeof IMPORT_FLAGS> = {
  name: 'store import',
  summary: `Brings a file into a store: one that \`cauldron store export\` wrote, or Mosquitto's mosquitto.db (of 1.6, 2.0 and 2.1).
The broker must not run. Run it as the user whom the broker runs as: the files have to be that user's.`,
  usage: 'FILE [options]',
  examples: [
    '/var/lib/mosquitto/mosquitto.db --dir /var/lib/cauldron',
    'store.jsonl.gz --dir /var/lib/cauldron --merge',
  ],
  flags: IMPORT_FLAGS,
};

/** `cauldron store import`. */
export function runImport(argv: readonly string[]): Promise<number> {
  return runTool(IMPORT, argv, (values, operands) => {
    const file = operandOf(operands, 'FILE');
    return reportingFailures(() => importFrom(file, values));
  });
}

async function importFrom(file: string, { dir = '.', merge }: Values<typeof IMPORT_FLAGS>): Promise<number> {
  const source = await openImport(file);
  const store = await openLmdbStore({
    folder: dir,
    // It bounds what waits for the disk; entries go in commits of thousands.
    sync: 'always',
    syncIntervalMs: 0,
    maxBytes: Number.POSITIVE_INFINITY,
    strict: true,
    onWarning: (message) => process.stderr.write(`Warning: ${message}\n`),
  });
  try {
    const { sessions, retained } = store.stats;
    if (merge !== true && sessions + retained > 0) {
      const found = `${countText(sessions, 'session')} and ${countText(retained, 'retained message')}`;
      throw new StoreError(`The store in ${dir} has ${found} already. With --merge the file is added to them.`);
    }
    process.stdout.write(`${file} is ${source.what}.\n`);
    const progress = new ProgressLine();
    const counts = await importInto(store, source, (soFar) => progress.show(() => `${countsText(soFar)} ...`));
    progress.clear();
    process.stdout.write(`Taken over: ${countsText(counts)}. The store has ${sizeText(store.stats.usedBytes)} now.\n`);
    return 0;
  } finally {
    await store.close();
  }
}

function countsText({ sessions, subscriptions, messages, retained }: ImportCounts): string {
  const parts = [
    countText(sessions, 'session'),
    countText(subscriptions, 'subscription'),
    countText(messages, 'message'),
  ];
  return `${parts.join(', ')}, ${countText(retained, 'retained message')}`;
}
