import { existsSync, mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { compactLmdbStore, DATA_FILE, StoreError, viewLmdbStore } from '@cauldron/broker';
import type { FlagTable } from '../command-line/arguments.js';
import { HELP_FLAG, runTool, type Tool } from '../command-line/tool.js';
import { sizeText } from '../command-line/units.js';
import { folderOf, operandOf, reportingFailures } from './failure.js';
import { DIR_FLAG } from './moving.js';

const BACKUP_FLAGS = { dir: DIR_FLAG, ...HELP_FLAG } as const satisfies FlagTable;

export const BACKUP: Tool<typeof BACKUP_FLAGS> = {
  name: 'store backup',
  summary: `Copies a store into a folder, which is made. The broker may run: the copy has what the store had at the beginning.
The copy is a store like any other: a broker starts with it when the folder is its persistence_location.`,
  usage: 'FOLDER [--dir DIR]',
  examples: ['/mnt/backup/cauldron --dir /var/lib/cauldron'],
  flags: BACKUP_FLAGS,
};

/** `cauldron store backup`. */
export function runBackup(argv: readonly string[]): Promise<number> {
  return runTool(BACKUP, argv, ({ dir = '.' }, operands) => {
    const folder = operandOf(operands, 'FOLDER');
    return reportingFailures(() => backUp(dir, folder));
  });
}

async function backUp(from: string, to: string): Promise<number> {
  const copy = join(to, DATA_FILE);
  if (existsSync(copy))
    throw new StoreError(`There is a store in ${to} already: choose another folder, or remove it first.`);
  const view = await viewLmdbStore(from);
  try {
    mkdirSync(to, { recursive: true, mode: 0o700 });
    await view.copyTo(copy);
    process.stdout.write(`${copy} has ${sizeText(statSync(copy).size)}, the store ${sizeText(view.fileBytes)}.\n`);
    return 0;
  } finally {
    await view.close();
  }
}

export const COMPACT: Tool<typeof HELP_FLAG> = {
  name: 'store compact',
  summary: `Writes the file of a store anew, without the space of what is gone. A broker that runs uses that space by itself: this
is for a file that was once much larger. The broker must not run, and there must be room for both files.`,
  usage: '[DIR]',
  examples: ['/var/lib/cauldron'],
  flags: HELP_FLAG,
};

/** `cauldron store compact`. */
export function runCompact(argv: readonly string[]): Promise<number> {
  return runTool(COMPACT, argv, (_values, operands) => {
    const folder = folderOf(operands);
    return reportingFailures(async () => {
      const { before, after } = await compactLmdbStore(folder);
      process.stdout.write(`${join(folder, DATA_FILE)} had ${sizeText(before)}, it has ${sizeText(after)} now.\n`);
      return 0;
    });
  });
}
