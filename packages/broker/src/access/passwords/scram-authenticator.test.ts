import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';
import { ReasonCode } from '@cauldron/codec';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AuthenticationStep, Credentials } from '../../core/ports/access.js';
import { DEFAULT_LISTENER } from '../../core/settings.js';
import { memoryLinkPair } from '../../transports/memory.js';
import { hashPassword } from './hashing.js';
import { PasswordFile, type PasswordUser } from './password-file.js';
import type { HashKind } from './password-hash.js';
import { saslPrepared } from './saslprep.js';
import { ScramAuthenticator } from './scram-authenticator.js';

/** The example of RFC 7677, section 3. */
const EXAMPLE = {
  salt: Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64'),
  clientFirst: 'n,,n=user,r=rOprNGfwEbeRWgbNEkqO',
  serverNonce: '%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0',
  serverFirst: 'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
  clientFinal:
    'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
  serverFinal: 'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=',
};

async function user(name: string, kind: HashKind, line: number, password = 'pencil'): Promise<PasswordUser> {
  const salt = name === 'user' ? () => EXAMPLE.salt : undefined;
  const hash = await hashPassword(Buffer.from(password), { kind, iterations: 4096 }, salt);
  return { name, hash, rule: `users:${line}` };
}

function fileOf(...users: readonly PasswordUser[]): PasswordFile {
  const scramUsers = users.filter(({ hash }) => hash.kind === 'scram-sha-256');
  return new PasswordFile(
    'users',
    new Map(users.map((one) => [one.name, one])),
    new Map(scramUsers.map((one) => [saslPrepared(one.name, true) ?? '', one])),
    [],
  );
}

const USER = await user('user', 'scram-sha-256', 1);
const FILE = fileOf(USER, await user('anna', 'sha512-pbkdf2', 2), await user('c=d,\u2168', 'scram-sha-256', 3));

function exchangeWith(
  file: PasswordFile | readonly PasswordFile[] = FILE,
  more: Partial<Credentials> = {},
  method = 'SCRAM-SHA-256',
) {
  const credentials: Credentials = {
    link: memoryLinkPair(() => ({ onRead() {}, onDrain() {}, onClose() {} })).link,
    listener: DEFAULT_LISTENER,
    protocolVersion: 5,
    clientId: 'client',
    username: undefined,
    provenBy: null,
    password: undefined,
    ...more,
  };
  // In Base64, `nonce` is the example's: it only has to be printable.
  const nonce = { toString: () => EXAMPLE.serverNonce } as Buffer;
  return new ScramAuthenticator([file].flat(), () => nonce).begin(credentials, method);
}

/** Says these things one after the other; gives the last answer. */
async function say(messages: readonly (string | Uint8Array)[], exchange = exchangeWith()): Promise<AuthenticationStep> {
  let step: AuthenticationStep | undefined;
  for (const message of messages) {
    step = await exchange?.next(typeof message === 'string' ? Buffer.from(message) : message);
  }
  if (step === undefined) throw new Error('Nothing was said');
  return step;
}

async function challengeFor(clientFirst: string, file = FILE): Promise<string> {
  const step = await say([clientFirst], exchangeWith(file));
  return 'challenge' in step ? Buffer.from(step.challenge ?? []).toString() : JSON.stringify(step);
}

const sha256 = (key: Uint8Array, text: string) => createHmac('sha256', key).update(text).digest();

/** A client's whole part, as RFC 5802 has it. */
async function prove(header: string, name: string, password: string, exchange = exchangeWith(), binding = header) {
  const bare = `n=${name},r=fyko+d2lbbFgONRv`;
  const asked = await say([header + bare], exchange);
  if (!('challenge' in asked)) return asked;
  const challenge = Buffer.from(asked.challenge ?? []).toString();
  const [, nonce, salt, iterations] = /^r=(.*),s=(.*),i=(.*)$/.exec(challenge) ?? [];
  const salted = pbkdf2Sync(password, Buffer.from(salt, 'base64'), Number(iterations), 32, 'sha256');
  const clientKey = sha256(salted, 'Client Key');
  const withoutProof = `c=${Buffer.from(binding).toString('base64')},r=${nonce}`;
  const signature = sha256(createHash('sha256').update(clientKey).digest(), `${bare},${challenge},${withoutProof}`);
  const proof = Buffer.from(clientKey.map((byte, at) => byte ^ signature[at])).toString('base64');
  return say([`${withoutProof},p=${proof}`], exchange);
}

const REFUSED = { admitted: false, reasonCode: ReasonCode.NOT_AUTHORIZED, reason: 'not authorised' };

describe('SCRAM-SHA-256', () => {
  it('goes as in the example of RFC 7677', async () => {
    expect(await challengeFor(EXAMPLE.clientFirst)).toBe(EXAMPLE.serverFirst);
    expect(await say([EXAMPLE.clientFirst, EXAMPLE.clientFinal])).toEqual({
      admitted: true,
      username: 'user',
      rule: 'users:1',
      data: Buffer.from(EXAMPLE.serverFinal),
    });
  });

  it('may begin with nothing, once', async () => {
    const nothing = new Uint8Array();
    expect(await say([nothing])).toEqual({ challenge: undefined });
    expect(await say([nothing, EXAMPLE.clientFirst, EXAMPLE.clientFinal])).toMatchObject({ admitted: true });
    expect(await say([nothing, nothing])).toMatchObject({ admitted: false });
  });

  it('is offered where there is a user for it, by its name', async () => {
    expect(exchangeWith(FILE, {}, 'SCRAM-SHA-1')).toBeNull();
    expect(exchangeWith(FILE, {}, 'scram-sha-256')).toBeNull();
    expect(exchangeWith(fileOf(await user('anna', 'argon2id', 1)))).toBeNull();
  });

  it.each([
    ['without channel binding', 'n,,'],
    ['by a client that could do channel binding', 'y,,'],
    ['for the user that it authenticates', 'n,a=user,'],
  ])('takes a proof %s', async (_, header) => {
    expect(await prove(header, 'user', 'pencil')).toMatchObject({ admitted: true, username: 'user' });
  });

  it('takes a name that is escaped and in another form than in the file, which says what the user is called', async () => {
    expect(await prove('n,,', 'c=3Dd=2CIX', 'pencil')).toMatchObject({ admitted: true, username: 'c=d,\u2168' });
  });

  it('knows the users of several files; the first that has a name decides', async () => {
    const first = fileOf(await user('anna', 'sha512', 1));
    const second = fileOf(await user('anna', 'scram-sha-256', 2), USER);
    expect(await prove('n,,', 'user', 'pencil', exchangeWith([first, second]))).toMatchObject({ admitted: true });
    expect(await prove('n,,', 'anna', 'pencil', exchangeWith([first, second]))).toMatchObject({ admitted: false });
    expect(await prove('n,,', 'anna', 'pencil', exchangeWith([second, first]))).toMatchObject({ admitted: true });
    expect(exchangeWith([first])).toBeNull();
    expect(exchangeWith([])).toBeNull();
  });

  it('refuses a wrong password', async () => {
    expect(await prove('n,,', 'user', 'pencils')).toEqual({ ...REFUSED, rule: 'users:1: wrong password' });
  });

  it('refuses names that are not there, and those with another kind of hash, in the same words', async () => {
    expect(await prove('n,,', 'eve', 'pencil')).toEqual({ ...REFUSED, rule: 'users: no user is called eve' });
    const hint = "'cauldron passwd -H scram-sha-256 users anna'";
    expect(await prove('n,,', 'anna', 'pencil')).toEqual({
      ...REFUSED,
      rule: `users:2: SCRAM needs a hash of its own: ${hint}`,
    });
  });

  it('asks those who are not there as it asks users, with a salt that stays when others come', async () => {
    const first = 'n,,n=eve,r=fyko+d2lbbFgONRv';
    const asked = await challengeFor(first);
    expect(asked).toMatch(/^r=fyko\+d2lbbFgONRv\S+,s=[\w+/]{22}==,i=4096$/);
    expect(await challengeFor(first)).toBe(asked);
    expect(await challengeFor(first, fileOf(USER, await user('new', 'scram-sha-256', 2)))).toBe(asked);
    expect(await challengeFor('n,,n=fred,r=fyko+d2lbbFgONRv')).not.toBe(asked);
    const others = fileOf(await user('user', 'scram-sha-256', 1, 'pen'));
    expect(await challengeFor(first, others)).not.toBe(asked);
  });

  it('refuses a proof for another beginning', async () => {
    expect(await prove('n,,', 'user', 'pencil', exchangeWith(), 'y,,')).toMatchObject({
      admitted: false,
      rule: 'SCRAM-SHA-256: the last message does not belong to the first one',
    });
    const replayed = EXAMPLE.clientFinal.replace('rOpr', 'rOpS');
    expect(await say([EXAMPLE.clientFirst, replayed])).toMatchObject({ admitted: false });
  });

  it('refuses to let somebody in under another name than CONNECT or a certificate has', async () => {
    expect(await prove('n,,', 'user', 'pencil', exchangeWith(FILE, { username: 'user' }))).toMatchObject({
      admitted: true,
    });
    for (const provenBy of [null, 'certificate'] as const) {
      const exchange = exchangeWith(FILE, { username: 'anna', provenBy });
      expect(await prove('n,,', 'user', 'pencil', exchange)).toEqual({
        admitted: false,
        reasonCode: ReasonCode.NOT_AUTHORIZED,
        reason: 'another user than in CONNECT',
        rule: 'users:1: the user name in CONNECT is anna',
      });
    }
  });

  it.each([
    ['hello', 'the first message does not begin as one of SCRAM'],
    ['p=tls-exporter,,n=user,r=fyko+d2lbbFg', 'channel binding is not offered'],
    ['n,a=root,n=user,r=fyko+d2lbbFg', 'nobody may act for another user'],
    ['n,,m=x,n=user,r=fyko+d2lbbFg', 'an extension that is not known is required'],
    ['n,,r=fyko+d2lbbFg,n=user', "a message lacks 'n='"],
    ['n,,n=user', "a message lacks 'r='"],
    ['n,,n=,r=fyko+d2lbbFg', 'the user name is empty, or not escaped'],
    ['n,,n=a=b,r=fyko+d2lbbFg', 'the user name is empty, or not escaped'],
    ['n,,n=user,r=short', 'the nonce has to be 8 to 512 printable characters'],
    ['n,,n=user,r=fyko d2lbbFg', 'the nonce has to be 8 to 512 printable characters'],
    ['n,,n=us\0er,r=fyko+d2lbbFg', 'a message is not text in UTF-8'],
    [Uint8Array.of(0x6e, 0x2c, 0x2c, 0xff), 'a message is not text in UTF-8'],
    [new Uint8Array(4097).fill(0x6e), 'a message has more than 4096 bytes'],
  ])('refuses to begin with %j', async (message, problem) => {
    expect(await say([message])).toEqual({
      admitted: false,
      reasonCode: ReasonCode.NOT_AUTHORIZED,
      reason: `SCRAM: ${problem}`,
      rule: `SCRAM-SHA-256: ${problem}`,
    });
  });

  it.each([
    ['', 'the last message has no proof'],
    ['c=biws,r=x', 'the last message has no proof'],
    ['c=biws,r=x,p=AAAA', 'the proof has to have 32 bytes'],
    [`r=x,p=${'A'.repeat(43)}=`, "a message lacks 'c='"],
  ])('refuses to end with %j', async (message, problem) => {
    expect(await say([EXAMPLE.clientFirst, message])).toMatchObject({ admitted: false, reason: `SCRAM: ${problem}` });
  });

  it('answers whatever is said, and lets nobody in for it', async () => {
    const attribute = fc.tuple(fc.constantFrom('n', 'r', 'c', 'p', 'm', 'a', ''), fc.string({ maxLength: 20 }));
    const message = fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc
        .tuple(fc.constantFrom('n,,', 'y,,', 'n,a=user,', ''), fc.array(attribute, { maxLength: 4 }))
        .map(([header, all]) => Buffer.from(header + all.map(([name, value]) => `${name}=${value}`).join(','))),
      fc.constantFrom(EXAMPLE.clientFirst, EXAMPLE.clientFinal.slice(0, -4)).map((text) => Buffer.from(text)),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(message, { minLength: 1, maxLength: 3 }), async (messages) => {
        const exchange = exchangeWith();
        for (const said of messages) {
          const step = await exchange?.next(said);
          expect(step).toBeDefined();
          if (step === undefined || !('challenge' in step)) {
            expect(step?.admitted).toBe(false);
            return;
          }
        }
      }),
      { numRuns: 1000 },
    );
  });
});
