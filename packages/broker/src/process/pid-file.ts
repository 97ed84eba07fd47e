import { closeSync, constants, openSync, readFileSync, rmSync, writeSync } from 'node:fs';

/** The file that says which process the broker is, for scripts that send it signals. */
export class PidFile {
  readonly #path: string;

  /** Writes it. @throws the system's error when that cannot be done */
  constructor(path: string) {
    this.#path = path;
    // A link that somebody put there could lead root to any file.
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW;
    const descriptor = openSync(path, flags, 0o644);
    writeSync(descriptor, `${process.pid}\n`);
    closeSync(descriptor);
  }

  /**
   * Removes it, if it still names this process. Where the folder is root's and the process no longer is, it stays; its
   * number is then that of no broker, which who reads it has to expect after a crash as well.
   */
  remove(): void {
    try {
      if (readFileSync(this.#path, 'utf8').trim() === String(process.pid)) rmSync(this.#path);
    } catch {
      // It is gone, or not ours to remove.
    }
  }
}

/** The process that a pid_file names; null: there is no such file, or no number in it. */
export function pidIn(path: string): number | null {
  try {
    const pid = Number.parseInt(readFileSync(path, 'utf8'), 10);
    return pid > 0 ? pid : null;
  } catch {
    return null;
  }
}
