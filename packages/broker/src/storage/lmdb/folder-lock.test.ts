import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { newFolder } from '../lmdb-store.test-support.js';
import { FolderInUseError, FolderLock, ownerOf } from './folder-lock.js';

/** A path that does not fit into a socket's address. */
function longFolder(): string {
  const folder = join(newFolder(), 'x'.repeat(120));
  mkdirSync(folder);
  return folder;
}

/** Listens in the folder, and is killed: what it leaves behind answers nobody. */
async function leaveSocket(folder: string): Promise<void> {
  const program = `require('node:net').createServer().listen('data.lock', () => process.stdout.write('listening'))`;
  const child = spawn(process.execPath, ['-e', program], { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  child.kill('SIGKILL');
  await once(child, 'close');
}

describe.each([
  ['a folder', newFolder],
  ['a folder with a long path', longFolder],
])('the lock of %s', (_, makeFolder) => {
  it('belongs to one at a time, who is told to others', async () => {
    const folder = makeFolder();
    expect(await ownerOf(folder)).toBeNull();
    const lock = await FolderLock.take(folder);
    await expect(FolderLock.take(folder)).rejects.toThrow(
      new FolderInUseError(`${folder} is in use by another broker (process ${process.pid})`),
    );
    expect(await ownerOf(folder)).toBe(String(process.pid));
    await lock.release();
    expect(await ownerOf(folder)).toBeNull();
    const next = await FolderLock.take(folder);
    await next.release();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('is taken over from a process that was killed', async () => {
    const folder = makeFolder();
    await leaveSocket(folder);
    expect(existsSync(join(folder, 'data.lock'))).toBe(true);
    const lock = await FolderLock.take(folder);
    expect(await ownerOf(folder)).toBe(String(process.pid));
    await lock.release();
  });

  it('is given to one of several that find what a killed process left', async () => {
    const folder = makeFolder();
    await leaveSocket(folder);
    const taken = await Promise.allSettled(Array.from({ length: 8 }, () => FolderLock.take(folder)));
    const locks = taken.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    expect(locks).toHaveLength(1);
    for (const result of taken)
      if (result.status === 'rejected') expect(result.reason).toBeInstanceOf(FolderInUseError);
    await locks[0].release();
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe('the release of a lock', () => {
  it('does not wait for somebody who is connected and says nothing', async () => {
    const folder = newFolder();
    const lock = await FolderLock.take(folder);
    const socket = connect({ path: join(folder, 'data.lock'), allowHalfOpen: true });
    await once(socket, 'connect');
    await lock.release();
    socket.destroy();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('leaves no descriptors open, neither does an attempt', async () => {
    const folder = longFolder();
    const count = (): number => readdirSync('/proc/self/fd').length;
    const before = count();
    const lock = await FolderLock.take(folder);
    await expect(FolderLock.take(folder)).rejects.toThrow(FolderInUseError);
    await ownerOf(folder);
    await lock.release();
    // Connections end a little later.
    await vi.waitFor(() => expect(count()).toBe(before));
  });
});
