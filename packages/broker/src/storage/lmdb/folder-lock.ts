import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { closeSync, lstatSync, openSync, realpathSync, renameSync, rmSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { dirname, join } from 'node:path';
import { codeOf } from './failures.js';

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
    const name = `${process.pid} ${randomUUID()}`;
    const server = createServer((socket) => {
      socket.on('error', () => {});
      socket.end(name, () => socket.destroy());
    });
    server.unref();
    try {
      const owner = (await isFree(server, path)) ? name : await takeOver(server, path, name);
      if (owner === name) return new FolderLock(server, path);
      throw new FolderInUseError(`${folder} is in use by another broker (process ${pidIn(owner)})`);
    } catch (error) {
      await new Promise((resolve) => server.close(resolve));
      closePath(path);
      throw error;
    }
  }

  release(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => {
        // One that was taken over has another name for the system.
        if (process.platform !== 'win32') rmSync(this.#path, { force: true });
        closePath(this.#path);
        resolve();
      });
    });
  }
}

/** Whether there was no socket yet; then the server listens on it. */
async function isFree(server: Server, path: string): Promise<boolean> {
  try {
    await listen(server, path);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EADDRINUSE') return false;
    throw error;
  }
}

/** Puts the server, whose answer is `name`, in the place of a socket that nobody answers. The answer of who has it then. */
async function takeOver(server: Server, path: string, name: string): Promise<string> {
  const ownPath = join(dirname(path), `data.${randomBytes(2).toString('hex')}`);
  await listen(server, ownPath);
  for (;;) {
    const socket = inodeOf(path);
    const owner = await askOwner(path);
    if (owner !== null) return owner;
    // Of several who come at once, one was first; the others ask again. There is a socket at any moment.
    if (inodeOf(path) !== socket) continue;
    renameSync(ownPath, path);
    return name;
  }
}

/** Undefined: there is none. */
function inodeOf(path: string): bigint | undefined {
  return lstatSync(path, { bigint: true, throwIfNoEntry: false })?.ino;
}

function pidIn(answer: string): string {
  return answer.split(' ')[0];
}

/** Whether a process works in the folder: its id; null for none. */
export async function ownerOf(folder: string): Promise<string | null> {
  const path = socketPath(folder);
  try {
    const answer = await askOwner(path);
    return answer === null ? null : pidIn(answer);
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
