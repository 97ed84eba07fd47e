import { describe, expect, it } from 'vitest';
import type { AuthenticationExchange } from './authentication.js';
import { type ScramOptions, scramSha256 } from './scram.js';

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (data: Uint8Array | undefined) => new TextDecoder().decode(data);

/** The example of RFC 7677, section 3. */
const NONCE = 'rOprNGfwEbeRWgbNEkqO';
const BOTH = `${NONCE}%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0`;
const SALT = 'W22ZaJ0SNY7soEsUEjb6gQ==';
const QUESTION = `r=${BOTH},s=${SALT},i=4096`;
const ANSWER = `c=biws,r=${BOTH},p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=`;
const SIGNATURE = 'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=';

async function begun(options: Partial<ScramOptions> = {}): Promise<AuthenticationExchange> {
  const scram = scramSha256({ username: 'user', password: 'pencil', makeNonce: () => NONCE, ...options });
  expect(scram.method).toBe('SCRAM-SHA-256');
  return await scram.begin();
}

describe('SCRAM-SHA-256', () => {
  it('goes as in the example of RFC 7677', async () => {
    const exchange = await begun();
    expect(text(exchange.data)).toBe(`n,,n=user,r=${NONCE}`);
    expect(text(await exchange.respond(bytes(QUESTION)))).toBe(ANSWER);
    expect(() => exchange.finish?.(bytes(SIGNATURE))).not.toThrow();
  });

  it('does not trust a server that has not proven to know the password', async () => {
    for (const last of [bytes(`${SIGNATURE.slice(0, -2)}A=`), bytes('e=other-error'), undefined]) {
      const exchange = await begun();
      await exchange.respond(bytes(QUESTION));
      expect(() => exchange.finish?.(last)).toThrow('The server has not proven that it knows the password');
    }
    const unasked = await begun();
    expect(() => unasked.finish?.(bytes(SIGNATURE))).toThrow('The server has not proven that it knows the password');
  });

  it.each([
    ['', 'What the server asks is not SCRAM'],
    ['m=x,r=a,s=AAAA,i=4096', 'What the server asks is not SCRAM'],
    [`r=${BOTH},s=${SALT},i=-1`, 'What the server asks is not SCRAM'],
    [`r=other${BOTH},s=${SALT},i=4096`, 'a nonce that is not made for this client'],
    [`r=${NONCE},s=${SALT},i=4096`, 'a nonce that is not made for this client'],
    [`r=${BOTH},s=AAAAA,i=4096`, 'The server sends a salt that is none'],
    [`r=${BOTH},s=${'AAAA'.repeat(400)},i=4096`, 'The server sends a salt that is none'],
    [`r=${BOTH},s=${SALT},i=4095`, 'The server asks for 4095 iterations; this client does 4096 to 1000000'],
    [`r=${BOTH},s=${SALT},i=1000001`, 'The server asks for 1000001 iterations'],
  ])('does not answer %j', async (question, problem) => {
    const exchange = await begun();
    await expect(exchange.respond(bytes(question))).rejects.toThrow(problem);
  });

  it('does as many iterations as it is allowed to', async () => {
    const few = await begun({ iterations: { least: 1, most: 2 } });
    expect(text(await few.respond(bytes(`r=${BOTH},s=${SALT},i=2`)))).toMatch(/^c=biws,/);
    await expect((await begun({ iterations: { least: 1, most: 2 } })).respond(bytes(QUESTION))).rejects.toThrow(
      'this client does 1 to 2',
    );
  });

  it('is asked once', async () => {
    const exchange = await begun();
    await exchange.respond(bytes(QUESTION));
    await expect(exchange.respond(bytes(QUESTION))).rejects.toThrow('The server asks a second time');
  });

  it('escapes a name, and sends it in the one form of RFC 4013', async () => {
    expect(text((await begun({ username: 'a=b,\u2168' })).data)).toBe(`n,,n=a=3Db=2CIX,r=${NONCE}`);
  });

  it.each([
    ['username', '', 'The user name is empty'],
    ['username', 'a\u0007\u00e9', 'The user name has characters that SCRAM does not take'],
    ['password', '\u0627a', 'The password has characters that SCRAM does not take'],
  ])('does not begin with the %s %j', async (what, value, problem) => {
    const failure = await begun({ [what]: value }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(TypeError);
    expect((failure as Error).message).toContain(problem);
  });

  it('begins each time with another nonce of 24 characters', async () => {
    const scram = scramSha256({ username: 'user', password: 'pencil' });
    const first = text((await scram.begin()).data);
    expect(first).toMatch(/^n,,n=user,r=[\w+/]{24}$/);
    expect(text((await scram.begin()).data)).not.toBe(first);
  });
});
