import { closeSync, constants, fstatSync, openSync, writeSync } from 'node:fs';

const OTHERS = 0o077;

/**
 * A file with the secrets of TLS connections, in the format that Wireshark reads (`SSLKEYLOGFILE`). Whoever has it can
 * read all that these connections carry: it is for looking into faults, and only its owner may read it.
 */
export class TlsKeyLog {
  readonly file: string;
  #descriptor: number | null;

  /** Lines are added to what is there. @throws Error that says what to do */
  constructor(file: string) {
    this.file = file;
    const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW;
    try {
      this.#descriptor = openSync(file, flags, 0o600);
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      const why = code === 'ELOOP' ? 'it is a symbolic link, behind which anything could be' : message;
      throw new Error(`The TLS key log ${file} cannot be opened: ${why}.`, { cause: error });
    }
    const { mode } = fstatSync(this.#descriptor);
    if ((mode & OTHERS) === 0) return;
    this.close();
    throw new Error(`The TLS key log ${file} can be read by others: chmod 600 ${file}`);
  }

  /** `line` ends with a line feed. */
  write(line: Buffer): void {
    if (this.#descriptor !== null) writeSync(this.#descriptor, line);
  }

  close(): void {
    if (this.#descriptor === null) return;
    closeSync(this.#descriptor);
    this.#descriptor = null;
  }
}
