import { describe, expect, it } from 'vitest';
import { argon2Fault, hashPassword, PasswordRefused, verifyPassword } from './hashing.js';
import { encodePasswordHash, HASH_KINDS, parsePasswordHash } from './password-hash.js';

const bytes = (text: string) => new TextEncoder().encode(text);
const verify = (text: string, password: string) => verifyPassword(parsePasswordHash(text), bytes(password));

/** Made by other programs; the last but one has the lengths that Mosquitto 2.1 writes. */
const KNOWN = [
  [
    'mosquitto_passwd 2.0 -H sha512',
    'z',
    '$6$sa7n0oTv/etnFJHS$IzhZCw4zaewxN4OrU6AL95SWSqkhZ+JO0N2HSP4J75+LVtqrRK+EX8ZiqJ8iH+SPz/MLFP1zZkxVIdSje69DMQ==',
  ],
  [
    'mosquitto_passwd 2.0 -H sha512, no password at all',
    '',
    '$6$7o9LH9maluryNJ8o$zUYMIrI5wuHtvATD69deGAwrEIglCKifREk8IirIE5BYFaTxXcguzpymbeWK8WGBcrAn00hD3G06RrvHyqwVpQ==',
  ],
  [
    'mosquitto_passwd 2.0',
    'p',
    '$7$101$p2q+LdsjbH5Xqhwk$UQP1OSjQQLFGZ8VMblN+QyyJhH82ptkqP1lf9Z2RioqM6Z8jKqIyPPiHzB89SemBZtHrIx5FNMM7EsiMh6ZITQ==',
  ],
  [
    'the documentation of Caddy',
    'hiccup',
    '$argon2id$v=19$m=47104,t=1,p=1$zJPvVe48N64JUa9MFlVhiw$b5Tznu0PxnA4TciY6qYe2BFPxncF1ePQaeNukHhH1cU',
  ],
  [
    'the tests of the reference implementation',
    'password',
    '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc',
  ],
] as const;

describe('a hash', () => {
  it.each(KNOWN)('of %s knows its password, and no other', async (_, password, text) => {
    expect(await verify(text, password)).toBe(true);
    expect(await verify(text, `${password} `)).toBe(false);
  });

  it.each(HASH_KINDS)('%s is made anew each time, and knows its password only', async (kind) => {
    const password = bytes('Tür zu');
    const choice = { kind, iterations: 4096 };
    const [first, second] = await Promise.all([hashPassword(password, choice), hashPassword(password, choice)]);
    const text = encodePasswordHash(first);
    expect(text).not.toBe(encodePasswordHash(second));
    expect(await verify(text, 'Tür zu')).toBe(true);
    expect(await verify(text, 'Tur zu')).toBe(false);
    expect(await verify(text, '')).toBe(false);
  });

  it.each([
    ['argon2id', /^\$argon2id\$v=19\$m=47104,t=1,p=1\$/],
    ['sha512-pbkdf2', /^\$7\$100000\$.{16}\$/],
    ['sha512', /^\$6\$.{16}\$/],
    ['scram-sha-256', /^\$scram-sha-256\$16384\$/],
  ] as const)('%s has costs and a salt that Mosquitto reads', async (kind, expected) => {
    expect(encodePasswordHash(await hashPassword(bytes('secret'), { kind }))).toMatch(expected);
  });

  it('of argon2id may have salt and hash of 64 bytes, as those of Mosquitto 2.1', async () => {
    const salt = Buffer.alloc(64, 9);
    const { hashRaw } = await import('@node-rs/argon2');
    const hash = await hashRaw('x', { memoryCost: 64, timeCost: 1, parallelism: 1, salt, outputLen: 64 });
    const costs = { kind: 'argon2id', memoryKiB: 64, passes: 1, lanes: 1 } as const;
    expect(await verify(encodePasswordHash({ ...costs, salt, hash }), 'x')).toBe(true);
  });

  it('can be of argon2id here', () => {
    expect(argon2Fault()).toBeNull();
  });
});

describe('SCRAM', () => {
  it('has the keys of the example in RFC 7677', async () => {
    const salt = Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64');
    const hash = await hashPassword(bytes('pencil'), { kind: 'scram-sha-256', iterations: 4096 }, () => salt);
    expect(encodePasswordHash(hash)).toBe(
      '$scram-sha-256$4096$W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=' +
        '$wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=',
    );
  });

  it('takes a password in each of the forms that look the same (RFC 4013)', async () => {
    const hash = await hashPassword(bytes('caf\u00e9 \u2168'), { kind: 'scram-sha-256', iterations: 4096 });
    expect(await verifyPassword(hash, bytes('cafe\u0301\u00a0IX'))).toBe(true);
    expect(await verifyPassword(hash, bytes('cafe IX'))).toBe(false);
  });

  it.each([
    ['nothing', ''],
    ['a control character', 'a\u0007'],
    ['both directions of writing', 'a\u0627'],
    ['a character of nobody', '\u{50000}'],
  ])('takes no password of %s', async (_, password) => {
    await expect(hashPassword(bytes(password), { kind: 'scram-sha-256' })).rejects.toThrow(PasswordRefused);
  });

  it('takes no password that is not UTF-8, neither to keep nor to let in', async () => {
    const broken = Uint8Array.of(0x70, 0xff);
    await expect(hashPassword(broken, { kind: 'scram-sha-256' })).rejects.toThrow(PasswordRefused);
    const hash = await hashPassword(bytes('p'), { kind: 'scram-sha-256', iterations: 4096 });
    expect(await verifyPassword(hash, broken)).toBe(false);
  });
});
