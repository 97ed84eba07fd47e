import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodePasswordHash, looksHashed, PasswordHashError, parsePasswordHash } from './password-hash.js';

const base64 = (length: number) => Buffer.alloc(length, 7).toString('base64');
const bare = (length: number) => base64(length).replace(/=+$/, '');

describe('the text of a hash', () => {
  it.each([
    ['sha512', `$6$${base64(12)}$${base64(64)}`],
    ['sha512', `$6$${base64(64)}$${base64(64)}`],
    ['sha512-pbkdf2', `$7$101$${base64(12)}$${base64(64)}`],
    ['sha512-pbkdf2', `$7$5000000$${base64(1)}$${base64(64)}`],
    ['argon2id', `$argon2id$v=19$m=47104,t=1,p=1$${bare(64)}$${bare(64)}`],
    ['argon2id', `$argon2id$v=19$m=32,t=3,p=4$${bare(8)}$${bare(32)}`],
    ['scram-sha-256', `$scram-sha-256$16384$${base64(16)}$${base64(32)}$${base64(32)}`],
  ])('of %s is read and written back the same: %s', (kind, text) => {
    const hash = parsePasswordHash(text);
    expect(hash.kind).toBe(kind);
    expect(encodePasswordHash(hash)).toBe(text);
    expect(looksHashed(text)).toBe(true);
  });

  it.each([
    ['', 'it begins with none of'],
    ['secret', 'it begins with none of'],
    ['$constructor$a$b', 'it begins with none of'],
    ['$1$secret$secret', 'it begins with none of'],
    ['$argon2i$v=19$m=64,t=1,p=1$AAAA$AAAA', 'of Argon2, only argon2id is known'],
    ['$6$secret', 'behind $6$ come 2 parts'],
    [`$6$${base64(12)}$${base64(64)}$secret`, 'behind $6$ come 2 parts'],
    [`$6$sec*ret$${base64(64)}`, 'its salt is not Base64'],
    [`$6$secre$${base64(64)}`, 'its salt is not Base64'],
    [`$6$$${base64(64)}`, 'its salt is not Base64'],
    [`$6$${base64(12)}$${base64(63)}`, 'its hash has 63 bytes, not 64'],
    [`$7$0$${base64(12)}$${base64(64)}`, 'its number of iterations has to be from 1 to 5000000'],
    [`$7$1e3$${base64(12)}$${base64(64)}`, 'its number of iterations has to be'],
    [`$7$5000001$${base64(12)}$${base64(64)}`, 'its number of iterations has to be'],
    [`$7$101$${base64(513)}$${base64(64)}`, 'its salt has 513 bytes, not 1 to 512'],
    [`$argon2id$v=16$m=64,t=1,p=1$${bare(16)}$${bare(32)}`, 'behind $argon2id$ comes v=19'],
    [`$argon2id$v=19$m=64,t=1$${bare(16)}$${bare(32)}`, 'behind $argon2id$ comes v=19'],
    [`$argon2id$v=19$m=4294967295,t=1,p=1$${bare(16)}$${bare(32)}`, 'its memory in KiB has to be from 8 to 1048576'],
    [`$argon2id$v=19$m=15,t=1,p=2$${bare(16)}$${bare(32)}`, 'its memory in KiB has to be from 16'],
    [`$argon2id$v=19$m=64,t=65,p=1$${bare(16)}$${bare(32)}`, 'its number of passes has to be from 1 to 64'],
    [`$argon2id$v=19$m=64,t=1,p=0$${bare(16)}$${bare(32)}`, 'its number of lanes has to be from 1 to 16'],
    [`$argon2id$v=19$m=64,t=1,p=1$${bare(7)}$${bare(32)}`, 'its salt has 7 bytes, not 8 to 512'],
    [`$argon2id$v=19$m=64,t=1,p=1$${bare(16)}$${bare(15)}`, 'its hash has 15 bytes, not 16 to 512'],
    [`$scram-sha-256$4095$${base64(16)}$${base64(32)}$${base64(32)}`, 'from 4096 to 1000000'],
    [`$scram-sha-256$4096$${base64(16)}$${base64(31)}$${base64(32)}`, 'its stored key has 31 bytes, not 32'],
  ])('%s is refused with what is wrong, and is not shown', (text, problem) => {
    const read = () => parsePasswordHash(text);
    expect(read).toThrow(PasswordHashError);
    expect(read).toThrow(problem);
    expect(read).not.toThrow(/secret|BwcH/);
  });

  it.each(['secret', '$ecret', '$5$a$b', '6$a$b'])('%s is taken for a password', (text) => {
    expect(looksHashed(text)).toBe(false);
  });

  it('may be anything: it is read, or refused with a PasswordHashError', () => {
    const part = fc.oneof(
      fc.constantFrom('', '6', '7', 'argon2id', 'scram-sha-256', 'v=19', 'm=64,t=1,p=1', '4096', '__proto__'),
      fc.base64String({ maxLength: 100 }),
      fc.string({ maxLength: 20 }),
    );
    const text = fc.array(part, { maxLength: 7 }).map((parts) => parts.join('$'));
    fc.assert(
      fc.property(text, (candidate) => {
        try {
          expect(parsePasswordHash(encodePasswordHash(parsePasswordHash(candidate)))).toEqual(
            parsePasswordHash(candidate),
          );
        } catch (error) {
          expect(error).toBeInstanceOf(PasswordHashError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
