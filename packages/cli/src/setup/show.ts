import { runTool, type Tool } from '../command-line/tool.js';
import { operandsFor } from '../config/files.js';
import { daysLeftOf } from './authority.js';
import type { BookEntry } from './certificate-folder.js';
import { FOLDER_FLAGS, reportingFailures, SetupFolder } from './folder.js';

export const SHOW: Tool<typeof FOLDER_FLAGS> = {
  name: 'setup show',
  summary: 'Lists the certificates of a setup: that of the CA, and what it has issued, with the days that are left.',
  usage: '[--dir DIR]',
  examples: ['', '--dir /etc/cauldron'],
  flags: FOLDER_FLAGS,
};

/** `cauldron setup show`. */
export function runSetupShow(argv: readonly string[]): Promise<number> {
  return runTool(SHOW, argv, (values, operands) => {
    operandsFor([], operands);
    return reportingFailures(async () => {
      const { certificates } = new SetupFolder(values.dir);
      const { ca, book } = certificates;
      const rows = book.map((entry) => [entry.use, entry.name, ...lifeOf(entry.certificate), stateOf(entry)]);
      const columns = ['kind', 'name', 'days left', 'good until', ''];
      process.stdout.write(table([columns, ['CA', 'ca.crt', ...lifeOf(ca), ''], ...rows]));
      return 0;
    });
  });
}

function lifeOf(certificate: BookEntry['certificate']): [days: string, until: string] {
  return [String(daysLeftOf(certificate)), new Date(certificate.validTo).toISOString().slice(0, 10)];
}

function stateOf({ certificate, isCurrent, revokedAt }: BookEntry): string {
  if (revokedAt !== null) return `revoked on ${revokedAt.toISOString().slice(0, 10)}`;
  if (daysLeftOf(certificate) < 0) return 'expired';
  return isCurrent ? '' : 'replaced by a newer one, but still good';
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, column) => cell.padEnd(widths[column]))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}
