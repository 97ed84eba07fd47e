import { ReasonCode } from '@cauldron/codec';
import { describe, expect, it } from 'vitest';
import type { Credentials } from '../../core/ports/access.js';
import { DEFAULT_LISTENER } from '../../core/settings.js';
import { memoryLinkPair } from '../../transports/memory.js';
import { hashPassword } from './hashing.js';
import { HashingPool } from './hashing-pool.js';
import { PasswordChecker } from './password-checker.js';
import { PasswordFile, type PasswordUser } from './password-file.js';
import { PasswordGate } from './password-gate.js';
import type { HashKind, PasswordHash } from './password-hash.js';

const REFUSED = { admitted: false, reasonCode: ReasonCode.NOT_AUTHORIZED, reason: 'not authorised' };

async function fileOf(users: Readonly<Record<string, HashKind>>): Promise<PasswordFile> {
  const made = Object.entries(users).map(async ([name, kind], index): Promise<[string, PasswordUser]> => {
    const hash = await hashPassword(Buffer.from(`${name}'s`), { kind, iterations: 4096 });
    return [name, { name, hash, rule: `users:${index + 1}` }];
  });
  return new PasswordFile('users', new Map(await Promise.all(made)), new Map(), []);
}

function credentials(username?: string, password?: string, provenBy: Credentials['provenBy'] = null): Credentials {
  return {
    link: memoryLinkPair(() => ({ onRead() {}, onDrain() {}, onClose() {} })).link,
    listener: DEFAULT_LISTENER,
    protocolVersion: 5,
    clientId: 'client',
    username,
    provenBy,
    password: password === undefined ? undefined : Buffer.from(password),
  };
}

/** Remembers which hashes were computed. */
class Watched extends PasswordChecker {
  readonly hashes: PasswordHash[] = [];

  override check(hash: PasswordHash, password: Uint8Array) {
    this.hashes.push(hash);
    return super.check(hash, password);
  }
}

async function gate(users: Readonly<Record<string, HashKind>>, pool = new HashingPool()) {
  const checker = new Watched(pool);
  return { checker, gate: new PasswordGate(await fileOf(users), checker) };
}

describe('the gate of a password file', () => {
  it('lets in who has the right password, and says by which line', async () => {
    const { gate: made } = await gate({ anna: 'sha512-pbkdf2', bob: 'scram-sha-256' });
    expect(made.name).toBe('password_file users');
    expect(await made.authenticate(credentials('bob', "bob's"))).toEqual({
      admitted: true,
      username: 'bob',
      rule: 'users:2',
    });
  });

  it('refuses a wrong password and a missing one, in the same words', async () => {
    const { gate: made } = await gate({ anna: 'sha512-pbkdf2' });
    expect(await made.authenticate(credentials('anna', "bob's"))).toEqual({
      ...REFUSED,
      rule: 'users:1: wrong password',
    });
    expect(await made.authenticate(credentials('anna'))).toEqual({
      ...REFUSED,
      rule: 'users:1: no password was given',
    });
  });

  it('has nothing to say about names that it does not know, and clients without a name', async () => {
    const { gate: made, checker } = await gate({ anna: 'sha512' });
    expect(await made.authenticate(credentials('carl', 'x'))).toBeNull();
    expect(await made.authenticate(credentials())).toBeNull();
    expect(checker.hashes).toHaveLength(1);
  });

  it('does the work that most users take for a name that it does not know, with another hash for each', async () => {
    const { gate: made, checker } = await gate({
      anna: 'sha512',
      bob: 'sha512-pbkdf2',
      carl: 'argon2id',
      dora: 'sha512-pbkdf2',
    });
    for (const name of ['eve', 'fred', 'eve']) expect(await made.authenticate(credentials(name, 'x'))).toBeNull();
    const [eve, fred, again] = checker.hashes;
    expect(eve).toMatchObject({ kind: 'sha512-pbkdf2', iterations: 4096 });
    expect(eve.salt).toHaveLength(12);
    expect(fred.salt).not.toEqual(eve.salt);
    expect(again.salt).toEqual(eve.salt);
  });

  it('does no work for a name without a password, known or not', async () => {
    const { gate: made, checker } = await gate({ anna: 'sha512-pbkdf2' });
    await made.authenticate(credentials('anna'));
    expect(await made.authenticate(credentials('eve'))).toBeNull();
    expect(checker.hashes).toEqual([]);
  });

  it('takes a name that a key has proven, if it is that of a user', async () => {
    const { gate: made, checker } = await gate({ anna: 'sha512-pbkdf2' });
    expect(made.authenticate(credentials('anna', undefined, 'psk'))).toMatchObject({ admitted: true, rule: 'users:1' });
    expect(made.authenticate(credentials('eve', undefined, 'psk'))).toBeNull();
    expect(checker.hashes).toEqual([]);
  });

  it('of a file without users does no work', async () => {
    const { gate: made, checker } = await gate({});
    expect(await made.authenticate(credentials('eve', 'x'))).toBeNull();
    expect(checker.hashes).toEqual([]);
  });

  it('says that it is busy, to everybody alike, when too many wait', async () => {
    const { gate: made } = await gate({ anna: 'sha512-pbkdf2' }, new HashingPool({ threads: 1, maxWaiting: 0 }));
    const answers = ['anna', 'anna', 'eve'].map((name, index) => made.authenticate(credentials(name, `${index}`)));
    const busy = {
      admitted: false,
      reasonCode: ReasonCode.SERVER_BUSY,
      reason: 'passwords cannot be checked just now: try again later',
      rule: 'users: too many passwords wait to be checked',
    };
    expect(await Promise.all(answers)).toEqual([{ ...REFUSED, rule: 'users:1: wrong password' }, busy, busy]);
  });

  it('refuses when a password cannot be checked at all', async () => {
    const pool = new HashingPool();
    pool.run = () => Promise.reject(new Error('no memory'));
    const { gate: made } = await gate({ anna: 'sha512-pbkdf2' }, pool);
    expect(await made.authenticate(credentials('anna', "anna's"))).toMatchObject({
      admitted: false,
      reasonCode: ReasonCode.SERVER_UNAVAILABLE,
      rule: 'users: a password could not be checked: no memory',
    });
  });
});
