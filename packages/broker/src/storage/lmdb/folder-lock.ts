import { createHash } from 'node:crypto';
import { closeSync, openSync, realpathSync, rmSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';

/** The socket in the folder; on Windows the name is a pipe's. */
const SOCKET = 'data.lock';

/** Longer paths do not fit into a socket's address. */
const LONGEST_SOCKET_PATH = 100;

const ANSWER_LIMIT_MS = 2000;

/** The folder belongs to another process. */
export class FolderInUseError extends Error {
  override readonly name = 'FolderInUseError';
}

/**
 * Makes sure that one process at a time works in a folder: it listens on a socket there, and whoever comes later is told
 * its process id. A socket that nobody answers was left behind by a process that was killed.
 */
export class FolderLock {
  readonly #server: Server;
  readonly #path: string;

  private constructor(server: Server, path: string) {
    this.#server = server;
    this.#path = path;
  }

  /** @throws (rejects) FolderInUseError; another Error where the file system has no sockets, which the caller may accept. */
  static async take(folder: string): Promise<FolderLock> {
    const path = socketPath(folder);
    const server = createServer((socket) => {
      socket.on('error', () => {});
      socket.end(String(process.pid));
    });
    server.unref();
    try {
      await listen(server, path);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')) throw error;
      const owner = await askOwner(path);
      if (owner !== null) throw new FolderInUseError(`${folder} is in use by another broker (process ${owner})`);
      rmSync(path, { force: true });
      await listen(server, path);
    }
    return new FolderLock(server, path);
  }

  release(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => {
        closePath(this.#path);
        resolve();
      });
    });
  }
}

/** Whether a process works in the folder: its id; null for none. */
export async function ownerOf(folder: string): Promise<string | null> {
  const path = socketPath(folder);
  try {
    return await askOwner(path);
  } finally {
    closePath(path);
  }
}

const DESCRIPTOR_PATH = /^\/proc\/self\/fd\/(\d+)\//;

function socketPath(folder: string): string {
  if (process.platform === 'win32') {
    return `\\\\.\\pipe\\cauldron-${createHash('sha256').update(realpathSync(folder)).digest('hex')}`;
  }
  const path = join(folder, SOCKET);
  if (Buffer.byteLength(path) <= LONGEST_SOCKET_PATH || process.platform !== 'linux') return path;
  return `/proc/self/fd/${openSync(folder, 'r')}/${SOCKET}`;
}

/** A path through a descriptor needs it for as long as it is used. */
function closePath(path: string): void {
  const descriptor = DESCRIPTOR_PATH.exec(path)?.[1];
  if (descriptor !== undefined) closeSync(Number(descriptor));
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** Null: nobody answers. */
function askOwner(path: string): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = connect(path);
    let answer = '';
    socket.setEncoding('utf8');
    socket.setTimeout(ANSWER_LIMIT_MS, () => {
      // Somebody is there, though too busy to say who.
      socket.destroy();
      resolve('unknown');
    });
    socket.on('data', (text) => {
      answer += text;
    });
    socket.on('end', () => resolve(answer));
    socket.on('error', () => resolve(null));
  });
}
