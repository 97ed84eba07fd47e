import { createHmac, randomBytes } from 'node:crypto';
import { verifyPassword } from './hashing.js';
import type { HashingPool } from './hashing-pool.js';
import { encodePasswordHash, type PasswordHash } from './password-hash.js';

/** `busy`: so many wait to be checked that this one was not. */
export type Verdict = 'right' | 'wrong' | 'busy';

/**
 * Checks passwords off the event loop, few at once. A password that was right is known again without the work: of each
 * hash its last right password is remembered, as HMAC under a key that never leaves this object, for as long as the hash
 * itself is, which is until the file is read again. So devices that come back often, and fleets that share a user, cost
 * nothing; a wrong password always costs the whole work.
 */
export class PasswordChecker {
  readonly #pool: HashingPool;
  readonly #key = randomBytes(32);
  readonly #right = new WeakMap<PasswordHash, string>();
  /** By the same HMAC: many clients of one user that come at once are one piece of work. */
  readonly #underWay = new Map<string, Promise<Verdict>>();

  /** One pool for all checkers of a process, because the processors are the same. */
  constructor(pool: HashingPool) {
    this.#pool = pool;
  }

  /** The promise rejects only if a hash cannot be computed on this machine at all. */
  async check(hash: PasswordHash, password: Uint8Array): Promise<Verdict> {
    // Cheaper than remembering it.
    if (hash.kind === 'sha512') return this.#verify(hash, password);
    // The whole hash, as two may have the same salt. Nobody can choose or foresee what this gives, so comparing it may take
    // as long as it takes.
    const trace = createHmac('sha256', this.#key)
      .update(`${encodePasswordHash(hash)}\0`)
      .update(password)
      .digest('base64');
    if (this.#right.get(hash) === trace) return 'right';
    const earlier = this.#underWay.get(trace);
    if (earlier !== undefined) return earlier;
    const work = this.#pool.run(() => this.#verify(hash, password));
    if (work === null) return 'busy';
    this.#underWay.set(trace, work);
    try {
      const verdict = await work;
      if (verdict === 'right') this.#right.set(hash, trace);
      return verdict;
    } finally {
      this.#underWay.delete(trace);
    }
  }

  async #verify(hash: PasswordHash, password: Uint8Array): Promise<Verdict> {
    return (await verifyPassword(hash, password)) ? 'right' : 'wrong';
  }
}
