import { runTool, type Tool } from '../command-line/tool.js';
import { operandsFor } from '../config/files.js';
import { daysLeftOf } from './authority.js';
import { reloadBroker } from './broker.js';
import { FOLDER_FLAGS, reportingFailures, SetupFolder } from './folder.js';
import { textOf } from './kept-files.js';
import { SetupError } from './setup-error.js';
import { namesInPasswords } from './users.js';

export const REVOKE: Tool<typeof FOLDER_FLAGS> = {
  name: 'setup revoke',
  summary: `Takes back all certificates of a client: they come onto the list that the broker looks at (crlfile), and if the
broker runs, a client that is connected with one of them is disconnected at once.`,
  usage: 'NAME [--dir DIR]',
  examples: ['fred'],
  flags: FOLDER_FLAGS,
};

/** `cauldron setup revoke`. */
export function runSetupRevoke(argv: readonly string[]): Promise<number> {
  return runTool(REVOKE, argv, (values, operands) => {
    const [name] = operandsFor(['NAME'], operands);
    return reportingFailures(async () => {
      const folder = new SetupFolder(values.dir);
      const { certificates, configFile, passwordFile } = folder;
      const good = certificates.book.filter(
        (entry) =>
          entry.use === 'client' &&
          entry.name === name &&
          entry.revokedAt === null &&
          daysLeftOf(entry.certificate) >= 0,
      );
      const hasPassword = namesInPasswords(textOf(passwordFile) ?? '').has(name);
      const hint = `${name} has a password, which is good as before. To take it away: cauldron passwd -D ${passwordFile} ${name}`;
      if (good.length === 0) {
        throw new SetupError(`${name} has no certificate that is still good.${hasPassword ? ` ${hint}` : ''}`);
      }
      await certificates.revoke(good);
      process.stdout.write(
        `Revoked ${good.length === 1 ? 'the certificate' : `${good.length} certificates`} of ${name}.\n`,
      );
      const isTold = await reloadBroker(configFile);
      process.stdout.write(isTold ? 'The broker knows it.\n' : 'No broker runs; the next start will know it.\n');
      if (hasPassword) process.stdout.write(`${hint}\n`);
      return 0;
    });
  });
}
