import {
  chownSync,
  closeSync,
  constants,
  existsSync,
  fchownSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Account } from './accounts.js';

/** What only root on a system with users has. */
interface Identity {
  geteuid(): number;
  setegid(id: number): void;
  seteuid(id: number): void;
  setgid(id: number): void;
  setuid(id: number): void;
  setgroups(groups: readonly number[]): void;
  initgroups(user: string, group: number): void;
}

/** Others may put files into it, so what lies there need not be what it looks like. */
const WRITABLE_BY_OTHERS = 0o022;

/** Whether this process may become somebody else. */
export function isRoot(): boolean {
  return process.geteuid?.() === 0;
}

/**
 * The rights of root, until they are given up. Ports, keys, log files and the pid file are root's business; what is stored
 * belongs to the account from the beginning, so that the next start may be its own.
 */
export class Privileges {
  readonly account: Account;
  readonly #identity: Identity;

  constructor(account: Account, identity: Identity = process as unknown as Identity) {
    this.account = account;
    this.#identity = identity;
  }

  /**
   * Makes the folder for the data the account's. One that is there is taken over only if it was root's and nobody else's
   * to write in, and has nothing in it or a store: anything else was not made for this, and whoever opens it will say so.
   */
  prepareFolder(folder: string, dataFile: string): void {
    const { uid, gid } = this.account;
    if (!existsSync(folder)) {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      chownSync(folder, uid, gid);
      return;
    }
    const { uid: owner, mode } = lstatSync(folder);
    if (owner !== 0 || (mode & WRITABLE_BY_OTHERS) !== 0) return;
    const entries = readdirSync(folder, { withFileTypes: true });
    if (entries.length > 0 && !entries.some(({ name }) => name === dataFile)) return;
    // The folder comes last: until then, nobody but root can exchange what is in it.
    for (const entry of entries) if (entry.isFile()) chownSync(join(folder, entry.name), uid, gid);
    chownSync(folder, uid, gid);
  }

  /** A log file that is to be begun belongs to the account, so that it can be opened again later. */
  prepareFile(path: string): void {
    if (existsSync(path)) return;
    let descriptor: number;
    try {
      // Fails if somebody was faster: then it is not ours to give away.
      descriptor = openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o640);
    } catch {
      return; // Whoever opens it will say why that cannot be done.
    }
    fchownSync(descriptor, this.account.uid, this.account.gid);
    closeSync(descriptor);
  }

  /** A Unix socket that root has opened belongs to the account, and can be removed by it where the folder lets it. */
  giveSocket(path: string): void {
    if (lstatSync(path).isSocket()) lchownSync(path, this.account.uid, this.account.gid);
  }

  /** For messages. */
  get shown(): string {
    const { name, uid, gid } = this.account;
    return name === null ? `user ${uid} and group ${gid}` : `user ${name}`;
  }

  /** Does something with the rights of the account, and takes those of root back. */
  async without<T>(act: () => Promise<T>): Promise<T> {
    const identity = this.#identity;
    this.#setGroups();
    identity.setegid(this.account.gid);
    identity.seteuid(this.account.uid);
    try {
      return await act();
    } finally {
      identity.seteuid(0);
      identity.setegid(0);
    }
  }

  /** Gives them up for good. @throws Error when the system does not let go of them */
  drop(): void {
    const identity = this.#identity;
    const { uid, gid } = this.account;
    this.#setGroups();
    identity.setgid(gid);
    identity.setuid(uid);
    if (identity.geteuid() !== uid || canReturn(identity)) throw new Error('The rights of root could not be given up');
  }

  #setGroups(): void {
    const { name, gid } = this.account;
    if (name === null) this.#identity.setgroups([gid]);
    else this.#identity.initgroups(name, gid);
  }
}

function canReturn(identity: Identity): boolean {
  try {
    identity.setuid(0);
    return true;
  } catch {
    return false;
  }
}
