import { spawnSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  ftruncateSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type FileRestoration, planPowerCut } from './undo-log.js';

/** Power cuts cannot be imitated here; the message says why. */
export class PowerCutError extends Error {
  override readonly name = 'PowerCutError';
}

const SOURCE = fileURLToPath(new URL('../../src/torture/power-cut.c', import.meta.url));
const COMPILERS = ['cc', 'gcc', 'clang'];

/** How much longer it takes to sync, below 1,000: about as on an SD card. */
const SYNC_DELAY_MS = 8;

/** LMDB shares who reads what through this file, in memory; after a power cut it begins anew. */
const SHARED_ON_PURPOSE = /^mmap .*-lock$/;

/**
 * Imitates a power cut of the machine on which a program ran that was killed: what it wrote to the files of one folder
 * and did not make durable is taken away again. Linux only, because a small library in C stands between the program and
 * the C library; see power-cut.c for what it does not see.
 */
export class PowerCut {
  readonly #folder: string;
  readonly #library: string;
  readonly #log: string;

  /**
   * Builds the library.
   * @param workFolder gets what this needs for itself
   * @param folder whose files are to be as after a power cut; the other one must not lie in it
   * @throws PowerCutError
   */
  constructor(workFolder: string, folder: string) {
    if (process.platform !== 'linux') throw new PowerCutError('Power cuts can be imitated on Linux only.');
    this.#folder = folder;
    this.#log = join(workFolder, 'power-cut.log');
    this.#library = join(workFolder, 'power-cut.so');
    build(this.#library);
  }

  /** What the program's environment must have. */
  get environment(): Readonly<Record<string, string>> {
    const { LD_PRELOAD } = process.env;
    return {
      LD_PRELOAD: LD_PRELOAD === undefined ? this.#library : `${this.#library}:${LD_PRELOAD}`,
      CAULDRON_POWER_CUT_FOLDER: this.#folder,
      CAULDRON_POWER_CUT_LOG: this.#log,
      CAULDRON_POWER_CUT_SYNC_MS: String(SYNC_DELAY_MS),
      // That way to write would not be seen.
      UV_USE_IO_URING: '0',
    };
  }

  /**
   * The program was killed, and nothing of it runs any more: makes the files as they are when the power comes back.
   * @param survivors how much the disk has of what was not durable, see `planPowerCut`
   * @returns how many changes were not durable
   * @throws PowerCutError if files were changed in a way that cannot be taken back
   */
  strike(survivors: (count: number) => number): number {
    if (!existsSync(this.#log)) throw new PowerCutError('The program took no notice of LD_PRELOAD.');
    const { files, pending, unknown } = planPowerCut(readFileSync(this.#log), survivors);
    const [how] = unknown.filter((text) => !SHARED_ON_PURPOSE.test(text));
    if (how !== undefined) throw new PowerCutError(`A power cut cannot be imitated after ${how}.`);
    const paths = pathsIn(this.#folder);
    for (const file of files) {
      const path = paths.get(file.file);
      if (path !== undefined) restore(path, file);
    }
    rmSync(this.#log);
    return pending;
  }
}

function build(library: string): void {
  for (const compiler of COMPILERS) {
    const { error, status, stderr } = spawnSync(
      compiler,
      ['-shared', '-fPIC', '-O2', '-o', library, SOURCE, '-ldl', '-pthread'],
      { encoding: 'utf8' },
    );
    if (status === 0) return;
    if (error === undefined) throw new PowerCutError(`${compiler} cannot build what imitates a power cut:\n${stderr}`);
  }
  throw new PowerCutError('To imitate a power cut, a C compiler is needed; on Debian: apt-get install gcc libc6-dev');
}

/** By inode: a file that was renamed is found. */
function pathsIn(folder: string): Map<bigint, string> {
  const paths = new Map<bigint, string>();
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    paths.set(statSync(path, { bigint: true }).ino, path);
  }
  return paths;
}

function restore(path: string, { restorations, size }: FileRestoration): void {
  const descriptor = openSync(path, 'r+');
  try {
    for (const { offset, bytes, length } of restorations) {
      const whole = Buffer.alloc(length);
      whole.set(bytes);
      writeSync(descriptor, whole, 0, length, offset);
    }
    ftruncateSync(descriptor, size);
  } finally {
    closeSync(descriptor);
  }
}
