import type { AbuseConfig } from '../../config/abuse-options.js';
import type { Caller } from '../../core/ports/doorkeeper.js';
import { originOf } from './networks.js';

/** Of addresses, of user names, and of pairs of both: beyond that, the oldest are forgotten. */
const MAX_ENTRIES = 50_000;

/** No user has a longer name; what a stranger claims may be 64 KB. */
const MAX_NAME = 256;

/** The failures of one address, or of one user name. */
interface Failures {
  count: number;
  lastMs: number;
  lockedUntilMs: number;
  /** The user name of all of them; null: there were several, or none. */
  username: string | null;
}

/** Somebody who has to wait. */
export interface Lockout {
  readonly kind: 'address' | 'user';
  readonly value: string;
  readonly failures: number;
  readonly leftMs: number;
}

type Limits = Pick<AbuseConfig, 'addressFailures' | 'userFailures' | 'lockoutMs' | 'maxLockoutMs'>;

/**
 * Makes those wait who fail again and again: the address from which they come, and the user name that they try. After so many
 * failures the first wait follows, and each further failure doubles it.
 *
 * A user name is tried from many addresses by who guesses, but by its owner from a few: it waits only at those from which it
 * was never admitted, so that nobody can keep a user out by guessing his password. A success takes back what its address
 * failed with the same user name; failures with several names are not taken back, or one good account would do to guess the
 * others.
 */
export class Lockouts {
  limits: Limits;
  readonly #nowMs: () => number;
  readonly #addresses = new Map<string, Failures>();
  readonly #users = new Map<string, Failures>();
  /** `ORIGIN USER`: pairs that were good. */
  readonly #known = new Set<string>();

  constructor(limits: Limits, nowMs: () => number) {
    this.limits = limits;
    this.#nowMs = nowMs;
  }

  /** For how long this client has to wait, and for what; null: it may try. */
  lockOf({ address, username }: Caller): Lockout | null {
    const origin = originOf(address);
    if (origin === null) return null;
    const byAddress = this.#lockIn(this.#addresses, 'address', origin);
    if (byAddress !== null || username === undefined || this.#known.has(pairOf(origin, username))) return byAddress;
    return this.#lockIn(this.#users, 'user', username);
  }

  /** Returns the waits that begin with this failure. */
  failed({ address, username }: Caller): Lockout[] {
    const origin = originOf(address);
    if (origin === null) return [];
    const { addressFailures, userFailures } = this.limits;
    const name = username === undefined || username.length > MAX_NAME ? null : username;
    const begun = [this.#count('address', origin, name, addressFailures)];
    if (name !== null && !this.#known.has(pairOf(origin, name))) {
      begun.push(this.#count('user', name, name, userFailures));
    }
    return begun.filter((lockout) => lockout !== null);
  }

  succeeded({ address, username }: Caller): void {
    const origin = originOf(address);
    if (origin === null || username === undefined || username.length > MAX_NAME) return;
    if (this.#addresses.get(origin)?.username === username) this.#addresses.delete(origin);
    const pair = pairOf(origin, username);
    this.#known.delete(pair);
    this.#known.add(pair);
    if (this.#known.size > MAX_ENTRIES) dropOldest(this.#known);
  }

  /** Those who have to wait now, whoever waits longest first. */
  list(): Lockout[] {
    const all = [
      ...[...this.#addresses.keys()].map((value) => this.#lockIn(this.#addresses, 'address', value)),
      ...[...this.#users.keys()].map((value) => this.#lockIn(this.#users, 'user', value)),
    ];
    return all.filter((lockout) => lockout !== null).sort((a, b) => b.leftMs - a.leftMs);
  }

  /** Forgets the failures of an address (or its network) or a user name; null: all. Returns how many had to wait. */
  lift(value: string | null): number {
    const lifted = this.list().filter(
      (lockout) => value === null || lockout.value === value || lockout.value === originOf(value),
    );
    for (const { kind, value: key } of lifted) (kind === 'address' ? this.#addresses : this.#users).delete(key);
    return lifted.length;
  }

  #count(kind: Lockout['kind'], value: string, username: string | null, limit: number): Lockout | null {
    if (limit === Number.POSITIVE_INFINITY) return null;
    const all = kind === 'address' ? this.#addresses : this.#users;
    const { lockoutMs, maxLockoutMs } = this.limits;
    const nowMs = this.#nowMs();
    let failures = all.get(value);
    // Who was locked out may try again, and is remembered for as long after that.
    if (failures === undefined || nowMs - Math.max(failures.lastMs, failures.lockedUntilMs) > maxLockoutMs) {
      failures = { count: 0, lastMs: nowMs, lockedUntilMs: 0, username };
    }
    failures.count++;
    failures.lastMs = nowMs;
    if (failures.username !== username) failures.username = null;
    // Whatever changed last is at the end.
    all.delete(value);
    all.set(value, failures);
    if (all.size > MAX_ENTRIES) dropOldest(all);
    if (failures.count < limit) return null;
    const leftMs = Math.min(maxLockoutMs, lockoutMs * 2 ** Math.min(failures.count - limit, 40));
    failures.lockedUntilMs = nowMs + leftMs;
    return { kind, value, failures: failures.count, leftMs };
  }

  #lockIn(all: ReadonlyMap<string, Failures>, kind: Lockout['kind'], value: string): Lockout | null {
    const failures = all.get(value);
    const leftMs = failures === undefined ? 0 : failures.lockedUntilMs - this.#nowMs();
    return failures === undefined || leftMs <= 0 ? null : { kind, value, failures: failures.count, leftMs };
  }
}

function pairOf(origin: string, username: string): string {
  return `${origin} ${username}`;
}

function dropOldest(all: Map<string, unknown> | Set<string>): void {
  for (const oldest of all.keys()) {
    all.delete(oldest);
    return;
  }
}
