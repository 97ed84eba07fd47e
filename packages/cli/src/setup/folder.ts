import { join, resolve } from 'node:path';
import { ConfigError, type ListenerConfig, loadConfig } from '@cauldron/broker';
import type { FlagTable } from '../command-line/arguments.js';
import { HELP_FLAG } from '../command-line/tool.js';
import { PasswordFileFailure } from '../passwd/password-file-editor.js';
import { NoSuchBroker } from '../running-brokers.js';
import { CertificateFolder } from './certificate-folder.js';
import { textOf } from './kept-files.js';
import { SetupError } from './setup-error.js';

/** The flags of all that works on what a setup has made. */
export const FOLDER_FLAGS = {
  dir: {
    long: '--dir',
    kind: 'text',
    value: 'DIR',
    doc: 'The folder with the configuration and all that belongs to it. Default: the current one.',
  },
  ...HELP_FLAG,
} as const satisfies FlagTable;

/** Where a setup keeps what it makes. */
export class SetupFolder {
  readonly path: string;
  readonly configFile: string;
  readonly passwordFile: string;
  readonly aclFile: string;
  readonly dataFolder: string;
  readonly logFile: string;
  /** Of files for OwnTracks. */
  readonly clientFolder: string;
  readonly certificates: CertificateFolder;

  constructor(dir: string | undefined) {
    this.path = resolve(dir ?? '.');
    this.configFile = join(this.path, 'mosquitto.conf');
    this.passwordFile = join(this.path, 'passwd');
    this.aclFile = join(this.path, 'acl');
    this.dataFolder = join(this.path, 'data');
    this.logFile = join(this.path, 'log', 'cauldron.log');
    this.clientFolder = join(this.path, 'clients');
    this.certificates = new CertificateFolder(join(this.path, 'certs'));
  }
}

/** The ports of a configuration; null: there is no such one. */
export interface SetupPorts {
  /** Without TLS. */
  readonly plain: number | null;
  /** With TLS, where a password will do. */
  readonly tls: number | null;
  /** With TLS, where a client needs a certificate. */
  readonly certificate: number | null;
}

/** @throws SetupError: there is no configuration, or something is wrong with it */
export function portsIn(configFile: string): SetupPorts {
  if (textOf(configFile) === null) {
    throw new SetupError(
      `${configFile} is not there. \`cauldron setup\` makes it; --dir names the folder where it did.`,
    );
  }
  try {
    const { listeners } = loadConfig(configFile);
    const portOf = (isWanted: (tls: ListenerConfig['tls']) => boolean): number | null =>
      listeners.find(({ path, tls }) => path === null && isWanted(tls))?.port ?? null;
    return {
      plain: portOf((tls) => tls === null),
      tls: portOf((tls) => tls?.requireCertificate === false),
      certificate: portOf((tls) => tls?.requireCertificate === true),
    };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new SetupError(error.problems.join('\n'), { cause: error });
  }
}

/** Does it, and says in the tools' way why it could not. Resolves with the exit status. */
export async function reportingFailures(act: () => Promise<number>): Promise<number> {
  try {
    return await act();
  } catch (error) {
    const isExpected =
      error instanceof SetupError || error instanceof PasswordFileFailure || error instanceof NoSuchBroker;
    if (!isExpected) throw error;
    process.stderr.write(`Error: ${error.message.trimEnd()}\n`);
    return 1;
  }
}
