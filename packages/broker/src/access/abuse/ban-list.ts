import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Caller } from '../../core/ports/doorkeeper.js';
import { AccessFileError } from '../access-file-error.js';
import { canonicalNetwork, Networks } from './networks.js';

/** More would be for a firewall. */
const MAX_BANS = 10_000;
const MAX_FILE_BYTES = 16 * 1024 * 1024;
const MAX_TEXT = 1000;

export type BanKind = 'client' | 'user' | 'address';

/** Somebody who may not be here. */
export interface Ban {
  readonly kind: BanKind;
  /** A client id, a user name, or an address or network. */
  readonly value: string;
  /** For whoever looks at the list; empty: none. */
  readonly reason: string;
  /** In ms since 1970. */
  readonly sinceMs: number;
  /** The same; null: for good. */
  readonly untilMs: number | null;
}

/** Who is banned: in a file, which is replaced as a whole, so that it is never half written. */
export class BanList {
  readonly #file: string | null;
  readonly #nowMs: () => number;
  /** By kind and value. */
  readonly #bans: Map<string, Ban>;
  #networks: ReadonlyMap<Networks, Ban> = new Map();

  private constructor(file: string | null, bans: readonly Ban[], nowMs: () => number) {
    this.#file = file;
    this.#nowMs = nowMs;
    this.#bans = new Map(bans.map((ban) => [keyOf(ban), ban]));
    this.#index();
  }

  /** `file` null: bans end with the process. `nowMs`: since 1970. @throws AccessFileError */
  static open(file: string | null, nowMs: () => number): BanList {
    return new BanList(file, file === null ? [] : bansIn(file), nowMs);
  }

  /** Those that hold, in the order in which they were made. */
  list(): Ban[] {
    return [...this.#bans.values()].filter((ban) => this.#holds(ban));
  }

  /** The ban that keeps somebody out; null: there is none. Parts of the caller that are not known yet are left out. */
  banOf({ address, clientId, username }: Partial<Caller>): Ban | null {
    if (this.#bans.size === 0) return null;
    const byClient = clientId === undefined ? undefined : this.#bans.get(`client ${clientId}`);
    if (byClient !== undefined && this.#holds(byClient)) return byClient;
    const byUser = username === undefined ? undefined : this.#bans.get(`user ${username}`);
    if (byUser !== undefined && this.#holds(byUser)) return byUser;
    if (address === undefined) return null;
    for (const [networks, ban] of this.#networks) if (networks.has(address) && this.#holds(ban)) return ban;
    return null;
  }

  /** Takes the place of the ban of the same, if there is one. @throws AccessFileError, and nothing has changed */
  add(kind: BanKind, value: string, reason: string, untilMs: number | null): Ban {
    const checked = checkedValue(kind, value);
    if (checked === null) throw new AccessFileError([`'${value}' is no ${wordFor(kind)}.`]);
    if (reason.length > MAX_TEXT) throw new AccessFileError([`A reason has at most ${MAX_TEXT} characters.`]);
    const ban: Ban = { kind, value: checked, reason, sinceMs: this.#nowMs(), untilMs };
    const others = this.list().filter((other) => keyOf(other) !== keyOf(ban));
    if (others.length >= MAX_BANS) throw new AccessFileError([`There are ${MAX_BANS} bans, and no room for more.`]);
    this.#replace([...others, ban]);
    return ban;
  }

  /** Returns the ban that is no more; null: there was none. @throws AccessFileError, and nothing has changed */
  remove(kind: BanKind, value: string): Ban | null {
    const key = `${kind} ${checkedValue(kind, value) ?? value}`;
    const ban = this.#bans.get(key);
    if (ban === undefined) return null;
    this.#replace(this.list().filter((other) => keyOf(other) !== key));
    return ban;
  }

  #replace(bans: readonly Ban[]): void {
    if (this.#file !== null) write(this.#file, bans);
    this.#bans.clear();
    for (const ban of bans) this.#bans.set(keyOf(ban), ban);
    this.#index();
  }

  #index(): void {
    const ofAddresses = [...this.#bans.values()].filter(({ kind }) => kind === 'address');
    this.#networks = new Map(ofAddresses.map((ban) => [new Networks([ban.value]), ban]));
  }

  #holds({ untilMs }: Ban): boolean {
    return untilMs === null || this.#nowMs() < untilMs;
  }
}

function keyOf({ kind, value }: Ban): string {
  return `${kind} ${value}`;
}

function wordFor(kind: BanKind): string {
  return kind === 'address'
    ? 'address or network such as 192.0.2.1 or 192.0.2.0/24'
    : `${kind === 'client' ? 'client id' : 'user name'}`;
}

/** As it is compared; null: it cannot be one. */
function checkedValue(kind: BanKind, value: string): string | null {
  if (kind === 'address') return canonicalNetwork(value);
  return value === '' || Buffer.byteLength(value) > 65_535 ? null : value;
}

/** @throws AccessFileError */
function bansIn(file: string): Ban[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    // Neither is there a list in a folder that cannot be one; whoever needs the folder says so.
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return [];
    throw new AccessFileError([`${file}: the list of bans cannot be read: ${(error as Error).message}.`], {
      cause: error,
    });
  }
  if (text.length > MAX_FILE_BYTES) throw new AccessFileError([`${file}: it is too large for a list of bans.`]);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new AccessFileError([`${file}:1: it is not JSON. Move it away if bans are not needed.`]);
  }
  const list = typeof value === 'object' && value !== null && 'bans' in value ? value.bans : null;
  if (!Array.isArray(list) || list.length > MAX_BANS) {
    throw new AccessFileError([`${file}:1: a list of bans is an object with 'bans', a list of at most ${MAX_BANS}.`]);
  }
  const problems: string[] = [];
  const bans = list.flatMap((entry, index) => {
    const ban = banFrom(entry);
    if (ban !== null) return [ban];
    problems.push(
      `${file}: ban ${index + 1} is not like {"kind": "client", "user" or "address", "value": "...", "reason": "", "sinceMs": 0, "untilMs": null}.`,
    );
    return [];
  });
  if (problems.length > 0) throw new AccessFileError(problems.slice(0, 20));
  return bans;
}

function banFrom(entry: unknown): Ban | null {
  if (typeof entry !== 'object' || entry === null) return null;
  const { kind, value, reason = '', sinceMs = 0, untilMs = null } = entry as Readonly<Record<string, unknown>>;
  if (kind !== 'client' && kind !== 'user' && kind !== 'address') return null;
  if (typeof value !== 'string' || typeof reason !== 'string' || typeof sinceMs !== 'number') return null;
  if (untilMs !== null && typeof untilMs !== 'number') return null;
  const checked = checkedValue(kind, value);
  return checked === null ? null : { kind, value: checked, reason, sinceMs, untilMs };
}

/** The old file, or the new one, is there at any time, and the new one when this returns. @throws AccessFileError */
function write(file: string, bans: readonly Ban[]): void {
  const draft = `${file}.${process.pid}.new`;
  try {
    const fd = openSync(draft, 'w', 0o600);
    try {
      writeFileSync(fd, `${JSON.stringify({ bans }, null, 2)}\n`);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(draft, file);
    syncFolder(dirname(file));
  } catch (error) {
    rmSync(draft, { force: true });
    throw new AccessFileError([`The list of bans cannot be written: ${(error as Error).message}.`], { cause: error });
  }
}

/** So that the new name lasts. */
function syncFolder(folder: string): void {
  const fd = openSync(folder, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
