import { chmodSync, chownSync, lstatSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** Where programs that run keep their sockets. */
const RUN_FOLDER = '/run/cauldron';
const USERS_FOLDER = '/run/user';
const NAME = 'cauldron';
const TEMPORARY_FOLDER = /^cauldron-\d+$/;
const SOCKET = /^(\d+)\.sock$/;

const ANY_BUT_OWNER = 0o077;
const WRITABLE_BY_OTHERS = 0o022;

/** Whose a folder is to be. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** A control socket that some broker has left or listens on. */
export interface ControlSocket {
  readonly pid: number;
  readonly path: string;
}

/**
 * The folder for the control socket of a broker that runs as `owner`, made if it is not there. Nobody but the owner and root
 * can look into it, so nobody else can reach the socket. Root may make it for somebody else.
 * @throws Error with a reason for each place that was tried
 */
export function makeControlFolder(owner: Owner, environment: NodeJS.ProcessEnv): string {
  const reasons: string[] = [];
  for (const folder of foldersOf(owner.uid, environment)) {
    try {
      if (dirname(folder) === RUN_FOLDER) makeRunFolder(owner);
      makePrivate(folder, owner);
      return folder;
    } catch (error) {
      reasons.push(`${folder}: ${(error as Error).message}`);
    }
  }
  throw new Error(reasons.join('; '));
}

/** The sockets that this user may reach, root those of everybody. Some may be of processes that are gone. */
export function findControlSockets(uid: number, environment: NodeJS.ProcessEnv): ControlSocket[] {
  const folders = new Set(foldersOf(uid, environment));
  if (uid === 0) {
    for (const name of namesIn(RUN_FOLDER)) folders.add(join(RUN_FOLDER, name));
    for (const name of namesIn(USERS_FOLDER)) folders.add(join(USERS_FOLDER, name, NAME));
    for (const name of namesIn(tmpdir())) if (TEMPORARY_FOLDER.test(name)) folders.add(join(tmpdir(), name));
  }
  return [...folders].flatMap(socketsIn);
}

/** Removes what processes that are gone have left in the folder, and what an earlier process of the same number has. */
export function removeStaleSockets(folder: string): void {
  for (const { pid, path } of socketsIn(folder))
    if (pid === process.pid || !isAlive(pid)) rmSync(path, { force: true });
}

export function controlSocketPath(folder: string): string {
  return join(folder, `${process.pid}.sock`);
}

/** Whether there is such a process, be it somebody else's. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Best first. */
function foldersOf(uid: number, { XDG_RUNTIME_DIR }: NodeJS.ProcessEnv): string[] {
  const common = [join(RUN_FOLDER, String(uid)), join(tmpdir(), `${NAME}-${uid}`)];
  // Whoever becomes another user may carry this variable along.
  return XDG_RUNTIME_DIR !== undefined && ownerOf(XDG_RUNTIME_DIR) === uid
    ? [join(XDG_RUNTIME_DIR, NAME), ...common]
    : common;
}

/** Holds a folder for each user, and can be changed by root, or by the broker's own user if its unit made it. */
function makeRunFolder({ uid }: Owner): void {
  try {
    mkdirSync(RUN_FOLDER, { mode: 0o755 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  const found = lstatSync(RUN_FOLDER);
  if (!found.isDirectory() || (found.uid !== 0 && found.uid !== uid) || (found.mode & WRITABLE_BY_OTHERS) !== 0) {
    throw new Error(`${RUN_FOLDER} is not a folder that only root can change`);
  }
}

function makePrivate(folder: string, { uid, gid }: Owner): void {
  try {
    mkdirSync(folder, { mode: 0o700 });
    if (process.geteuid?.() !== uid) chownSync(folder, uid, gid);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  const found = lstatSync(folder);
  if (!found.isDirectory()) throw new Error('it is not a folder');
  if (found.uid !== uid) throw new Error(`it belongs to another user (${found.uid})`);
  if ((found.mode & ANY_BUT_OWNER) !== 0) chmodSync(folder, 0o700);
}

function socketsIn(folder: string): ControlSocket[] {
  return namesIn(folder).flatMap((name) => {
    const [, pid] = SOCKET.exec(name) ?? [];
    return pid === undefined ? [] : [{ pid: Number(pid), path: join(folder, name) }];
  });
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function ownerOf(folder: string): number | undefined {
  try {
    return statSync(folder).uid;
  } catch {
    return undefined;
  }
}
