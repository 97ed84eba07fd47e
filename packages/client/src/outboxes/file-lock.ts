import { createHash, randomBytes } from 'node:crypto';
import { closeSync, lstatSync, openSync, renameSync, rmSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { OutboxError } from './outbox-error.js';

/** Longer paths do not fit into a socket's address. */
const LONGEST_SOCKET_PATH = 100;

const ANSWER_LIMIT_MS = 2_000;

/**
 * Makes sure that a file is used by one process at a time, and once in it: its owner listens on a socket beside the file,
 * and tells its process id to whoever comes later. The system closes the socket with the process, however that ends; what
 * is then left of it answers nobody and is taken over.
 */
export class FileLock {
  readonly #server: Server;
  readonly #address: SocketAddress;

  private constructor(server: Server, address: SocketAddress) {
    this.#server = server;
    this.#address = address;
  }

  /**
   * @param path of the file, with no symbolic link in it; the file itself need not exist
   * @throws (rejects) OutboxError: another owner has it; the system's error where there can be no socket
   */
  static async take(path: string): Promise<FileLock> {
    const address = new SocketAddress(`${path}.lock`);
    const server = createServer((socket) => {
      socket.on('error', () => {});
      socket.end(String(process.pid), () => socket.destroy());
    });
    server.unref();
    try {
      const owner = (await isFree(server, address)) ? null : await takeOver(server, address);
      if (owner === null) return new FileLock(server, address);
      throw new OutboxError(`The outbox ${path} is in use by process ${owner}`);
    } catch (error) {
      await closed(server);
      address.release();
      throw error;
    }
  }

  async release(): Promise<void> {
    await closed(this.#server);
    // One that was taken over has another name for the system.
    if (process.platform !== 'win32') rmSync(this.#address.path, { force: true });
    this.#address.release();
  }
}

/** Where the socket is: beside the file, or on Windows among the pipes, in a form that is short enough. */
class SocketAddress {
  readonly path: string;
  /** Another one in the same folder, for the time of a takeover. */
  readonly otherPath: string;
  /** The folder's, which stands for it in a path that would be too long. */
  readonly #descriptor: number | null = null;

  constructor(path: string) {
    const random = randomBytes(3).toString('hex');
    if (process.platform === 'win32') {
      this.path = `\\\\.\\pipe\\cauldron-outbox-${createHash('sha256').update(path).digest('hex')}`;
      this.otherPath = `${this.path}-${random}`;
      return;
    }
    let folder = dirname(path);
    if (process.platform === 'linux' && Buffer.byteLength(path) > LONGEST_SOCKET_PATH) {
      this.#descriptor = openSync(folder, 'r');
      folder = `/proc/self/fd/${this.#descriptor}`;
    }
    this.path = join(folder, basename(path));
    this.otherPath = join(folder, `.${random}.lock`);
  }

  /** The path means nothing from now on. */
  release(): void {
    if (this.#descriptor !== null) closeSync(this.#descriptor);
  }
}

/** Whether there was no socket yet; then the server listens on it. */
async function isFree(server: Server, address: SocketAddress): Promise<boolean> {
  try {
    await listen(server, address.path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return false;
    throw error;
  }
}

/** Puts the server in the place of a socket that nobody answers. Null if that succeeded, else the owner's process id. */
async function takeOver(server: Server, { path, otherPath }: SocketAddress): Promise<string | null> {
  await listen(server, otherPath);
  for (;;) {
    const before = inodeOf(path);
    const owner = await askOwner(path);
    if (owner !== null) return owner;
    // Of several who come at once, one was first; the others ask again.
    if (inodeOf(path) !== before) continue;
    renameSync(otherPath, path);
    return null;
  }
}

/** Undefined: there is no such file. */
function inodeOf(path: string): bigint | undefined {
  return lstatSync(path, { bigint: true, throwIfNoEntry: false })?.ino;
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

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
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
