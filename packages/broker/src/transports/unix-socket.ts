import { chmodSync, existsSync, lstatSync, type Stats, unlinkSync } from 'node:fs';
import { connect, type Server } from 'node:net';
import { dirname } from 'node:path';
import { isMainThread } from 'node:worker_threads';

/** What Linux has room for; other systems have some less. */
const MAX_PATH_BYTES = 107;
const PERMISSION_BITS = 0o777;
const ANSWER_TIMEOUT_MS = 1000;

/** Why no socket can be opened at a path, in words for the person who chose it. */
export class SocketPathError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'SocketPathError';
  }
}

/**
 * Makes `server` listen at `path`, with these permissions; so many connections may wait there. A socket that a broker left behind is replaced; one that
 * somebody answers at, and what is no socket, stay as they are. The file goes when the server is closed.
 * @throws SocketPathError
 */
export async function listenAtPath(server: Server, path: string, mode: number, backlog: number): Promise<void> {
  const length = Buffer.byteLength(path);
  if (length > MAX_PATH_BYTES) {
    throw new SocketPathError(
      `The path of the socket ${path} has ${length} bytes, and a system takes ${MAX_PATH_BYTES} at most. Choose a shorter one.`,
    );
  }
  await makeRoom(path);
  try {
    await listen(server, path, mode, backlog);
  } catch (error) {
    throw new SocketPathError(bindProblem(path, error as NodeJS.ErrnoException), { cause: error });
  }
}

async function makeRoom(path: string): Promise<void> {
  let stats: Stats;
  try {
    stats = lstatSync(path);
  } catch {
    // Nothing is there, or what is wrong with the folder shows when the socket is made.
    return;
  }
  if (!stats.isSocket()) {
    throw new SocketPathError(
      `${path} is there already and is no socket, so it is not replaced. Choose another path for the listener, or move that away.`,
    );
  }
  const answer = await answerAt(path);
  if (answer === 'yes') {
    throw new SocketPathError(
      `Somebody answers at the socket ${path} already, perhaps another broker. Stop that one, or choose another path.`,
    );
  }
  if (answer === 'unknown') {
    throw new SocketPathError(
      `Whether somebody listens at the socket ${path} cannot be found out, so it is not replaced. If nobody does, delete it.`,
    );
  }
  try {
    unlinkSync(path);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return;
    throw new SocketPathError(`The old socket ${path} cannot be replaced: ${message}.`, { cause: error });
  }
}

function answerAt(path: string): Promise<'yes' | 'no' | 'unknown'> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const settle = (answer: 'yes' | 'no' | 'unknown'): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(ANSWER_TIMEOUT_MS, () => settle('unknown'));
    socket.on('connect', () => settle('yes'));
    socket.on('error', ({ code }: NodeJS.ErrnoException) => {
      settle(code === 'ECONNREFUSED' || code === 'ENOENT' ? 'no' : code === 'EAGAIN' ? 'yes' : 'unknown');
    });
  });
}

function listen(server: Server, path: string, mode: number, backlog: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => reject(error);
    server.once('error', fail);
    // The socket is made within the call, and never has more rights than it ends up with.
    const mask = isMainThread ? process.umask(PERMISSION_BITS & ~mode) : null;
    try {
      server.listen({ path, backlog }, () => {
        server.removeListener('error', fail);
        try {
          chmodSync(path, mode);
          resolve();
        } catch (error) {
          server.close();
          reject(error);
        }
      });
    } finally {
      if (mask !== null) process.umask(mask);
    }
  });
}

function bindProblem(path: string, { code, message }: NodeJS.ErrnoException): string {
  // Asked of the disk: for a folder that is missing, too, Node says that rights are.
  if (!existsSync(dirname(path))) {
    return `The socket ${path} cannot be made: its folder is not there. Make the folder, or choose another path.`;
  }
  switch (code) {
    case 'EACCES':
    case 'EPERM':
      return `The socket ${path} cannot be made: the user that the broker runs as may not write to that folder.`;
    case 'EADDRINUSE':
      return `The socket ${path} cannot be made: somebody else was faster. Perhaps another broker is being started.`;
    default:
      return `The socket ${path} cannot be made: ${message}.`;
  }
}
