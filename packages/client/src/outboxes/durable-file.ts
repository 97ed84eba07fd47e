import { type FileHandle, open, realpath, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

// What an outbox needs of the file system.

/** The path with no symbolic link in it. The file need not exist, its folder must. */
export async function realPathOf(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
    return join(await realpath(dirname(path)), basename(path));
  }
}

/** For reading and writing; null if there is no such file. @throws (rejects) also for a device, a pipe and the like */
export async function openExisting(path: string): Promise<FileHandle | null> {
  let handle: FileHandle;
  try {
    handle = await open(path, 'r+');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
    throw error;
  }
  if ((await handle.stat()).isFile()) return handle;
  await handle.close();
  throw new Error('it is not an ordinary file');
}

/** Writes all of the bytes, from `offset` on. */
export async function writeAt(handle: FileHandle, bytes: Uint8Array, offset: number): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    const { bytesWritten } = await handle.write(bytes, at, bytes.length - at, offset + at);
    at += bytesWritten;
  }
}

/** Bytes that are known to be there. */
export async function readAt(handle: FileHandle, offset: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; ) {
    const { bytesRead } = await handle.read(bytes, at, length - at, offset + at);
    if (bytesRead === 0) throw new Error(`The file has ended at byte ${offset + at}`);
    at += bytesRead;
  }
  return bytes;
}

/**
 * Puts a new file in the place of what is at `path`: after a crash there is the one or the other, and never a part. Which
 * of them a loss of power leaves is certain after `syncFolder` only.
 * @returns the new file, open for reading and writing
 */
export async function replaceFile(path: string, mode: number, pieces: readonly Uint8Array[]): Promise<FileHandle> {
  const draft = `${path}.new`;
  await rm(draft, { force: true }); // a crash may have left one, with another mode
  const handle = await open(draft, 'wx+', mode);
  try {
    let size = 0;
    for (const piece of pieces) {
      await writeAt(handle, piece, size);
      size += piece.length;
    }
    await handle.sync();
    await rename(draft, path);
    return handle;
  } catch (error) {
    await handle.close();
    await rm(draft, { force: true });
    throw error;
  }
}

/** From now on the name of the file leads to what it leads to now, even after a loss of power. */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return; // has no such call: names are in the journal
  const folder = await open(dirname(path), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'not permitted',
  EROFS: 'the file system is read-only',
  ENOENT: 'its folder does not exist',
  ENOTDIR: 'its folder is not a folder',
  EISDIR: 'it is a folder',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EFBIG: 'the file would be larger than allowed',
  EIO: 'the disk does not work',
  ENOTSUP: 'the file system has no sockets, which the lock needs',
  EMFILE: 'the process has too many open files',
};

/** Why the file system refused, in words. */
export function reasonOf(error: Error): string {
  return REASONS[codeOf(error) ?? ''] ?? error.message;
}

export function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}
