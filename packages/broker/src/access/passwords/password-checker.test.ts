import { beforeEach, describe, expect, it } from 'vitest';
import { hashPassword } from './hashing.js';
import { HashingPool } from './hashing-pool.js';
import { PasswordChecker } from './password-checker.js';
import type { PasswordHash } from './password-hash.js';

const RIGHT = Buffer.from('right');
const WRONG = Buffer.from('wrong');

/** Counts what is really computed. */
class CountingPool extends HashingPool {
  count = 0;

  override run<Result>(work: () => Promise<Result>): Promise<Result> | null {
    this.count++;
    return super.run(work);
  }
}

let pool: CountingPool;
let checker: PasswordChecker;
let hash: PasswordHash;

beforeEach(async () => {
  pool = new CountingPool({ threads: 1, maxWaiting: 1 });
  checker = new PasswordChecker(pool);
  hash = await hashPassword(RIGHT, { kind: 'sha512-pbkdf2', iterations: 2 });
});

describe('a password that is checked', () => {
  it('is right or wrong', async () => {
    expect(await checker.check(hash, RIGHT)).toBe('right');
    expect(await checker.check(hash, WRONG)).toBe('wrong');
  });

  it('costs nothing when it was right before; a wrong one costs the work each time', async () => {
    await checker.check(hash, RIGHT);
    await checker.check(hash, RIGHT);
    expect(pool.count).toBe(1);
    await checker.check(hash, WRONG);
    await checker.check(hash, WRONG);
    expect(pool.count).toBe(3);
    expect(await checker.check(hash, RIGHT)).toBe('right');
    expect(pool.count).toBe(3);
  });

  it('costs the work again when the file has been read again', async () => {
    await checker.check(hash, RIGHT);
    expect(await checker.check({ ...hash }, RIGHT)).toBe('right');
    expect(pool.count).toBe(2);
  });

  it('is right for its own hash only, even if another has the same salt, now or before', async () => {
    const { salt } = hash;
    const other = await hashPassword(WRONG, { kind: 'sha512-pbkdf2', iterations: 2 }, () => salt);
    const verdicts = [checker.check(hash, RIGHT), checker.check(other, RIGHT)];
    expect(await Promise.all(verdicts)).toEqual(['right', 'wrong']);
    expect(await checker.check(other, RIGHT)).toBe('wrong');
  });

  it('is one piece of work for all who come with it at once', async () => {
    const crowd = Array.from({ length: 50 }, () => checker.check(hash, RIGHT));
    expect(new Set(await Promise.all(crowd))).toEqual(new Set(['right']));
    expect(pool.count).toBe(1);
  });

  it('is not checked when too many wait', async () => {
    const passwords = ['a', 'b', 'c'].map((text) => Buffer.from(text));
    const verdicts = await Promise.all(passwords.map((password) => checker.check(hash, password)));
    expect(verdicts).toEqual(['wrong', 'wrong', 'busy']);
    expect(await checker.check(hash, RIGHT)).toBe('right');
  });

  it('is checked at once where that costs nothing', async () => {
    const cheap = await hashPassword(RIGHT, { kind: 'sha512' });
    expect(await checker.check(cheap, RIGHT)).toBe('right');
    expect(await checker.check(cheap, WRONG)).toBe('wrong');
    expect(pool.count).toBe(0);
  });
});
