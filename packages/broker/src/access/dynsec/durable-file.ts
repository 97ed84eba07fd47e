import { constants } from 'node:fs';
import { type FileHandle, open, realpath, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/** What nobody but the owner may read: passwords are in it, if hashed ones. */
const PRIVATE = 0o600;

/**
 * Puts a text in the place of a file in one step: whoever looks sees the old one or the new one, also after a power cut.
 * Owner and permissions stay those of the file that was there; a new one is for its owner alone. A link stays a link.
 * @throws (rejects) the system's error; then the file is as it was
 */
export async function replaceFile(path: string, text: string): Promise<void> {
  const target = await realpath(path).catch(() => path);
  const before = await stat(target).catch(() => null);
  const temporary = `${target}.new`;
  await rm(temporary, { force: true });
  try {
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
    const file = await open(temporary, flags, PRIVATE);
    try {
      if (before !== null) await takeOwner(file, before.uid, before.gid, before.mode);
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncFolder(dirname(target));
}

async function takeOwner(file: FileHandle, uid: number, gid: number, mode: number): Promise<void> {
  const own = await file.stat();
  // Only root can give files away. Who cannot keep the owner must not widen who may read it.
  if (own.uid !== uid || own.gid !== gid) {
    const isGiven = await file.chown(uid, gid).then(
      () => true,
      () => false,
    );
    if (!isGiven) return;
  }
  await file.chmod(mode & 0o777);
}

/** The name in the folder has to last as well. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
