import { readFileSync, statSync } from 'node:fs';
import { isAbsolute } from 'node:path';

const READABLE_BY_ALL = 0o004;

/** What is wrong with a file that an option names, and what to do about it. */
export class TlsFileError extends Error {
  readonly option: string;
  readonly path: string;
  /** Each a sentence that begins with option and path. */
  readonly problems: readonly string[];

  /** `problems`: what is to be said behind option and path: ` is not ...`, or `:3: ...` for a line. */
  constructor(option: string, path: string, problems: string | readonly string[], options?: ErrorOptions) {
    const sentences = [problems].flat().map((problem) => `${option} ${path}${problem}`);
    super(sentences.join('\n'), options);
    this.name = 'TlsFileError';
    this.option = option;
    this.path = path;
    this.problems = sentences;
  }
}

/** @throws TlsFileError */
export function readText(option: string, path: string): string {
  return reading(option, path, () => readFileSync(path, 'latin1'));
}

/** What `read` gives. @throws TlsFileError when it cannot read */
export function reading<T>(option: string, path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const hints: Readonly<Record<string, string>> = {
      EACCES: ' The user that the broker runs as needs the right to read it.',
      ...(!isAbsolute(path) && { ENOENT: ` The path counts from ${process.cwd()}, where the broker was started.` }),
    };
    throw new TlsFileError(option, path, ` cannot be read: ${message}.${hints[code ?? ''] ?? ''}`, { cause: error });
  }
}

/** A warning if everybody on the machine can read a file with a secret in it. */
export function secrecyWarnings(option: string, path: string): string[] {
  if ((statSync(path).mode & READABLE_BY_ALL) === 0) return [];
  return [`${option} ${path} can be read by every user of this machine: chmod o-r ${path}`];
}
