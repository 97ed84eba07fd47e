import { createHmac, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type JWTPayload, SignJWT } from 'jose';
import { afterAll, describe, expect, it } from 'vitest';
import { newJwtDraft } from '../../config/jwt-options.js';
import type { Admission, Credentials } from '../../core/ports/access.js';
import { DEFAULT_LISTENER } from '../../core/settings.js';
import { memoryLinkPair } from '../../transports/memory.js';
import { AccessFileError } from '../access-file-error.js';
import { JwtGate } from './jwt-gate.js';
import { JwtGrants } from './jwt-grants.js';
import { readJwtKeys } from './jwt-keys.js';
import { JwtRules } from './jwt-rules.js';

const NOW_S = 1_700_000_000;
const folder = mkdtempSync(join(tmpdir(), 'cauldron-jwt-'));
afterAll(() => rmSync(folder, { recursive: true }));

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' });
const ed = generateKeyPairSync('ed25519');
const secret = Buffer.from(randomBytes(16).toString('hex'));

let files = 0;
function file(content: string | Buffer): string {
  const path = join(folder, String(++files));
  writeFileSync(path, content);
  return path;
}

function pem(key: KeyObject): string {
  return key.export({ type: 'spki', format: 'pem' }).toString();
}

type Changes = Partial<ReturnType<typeof newJwtDraft>>;

function gateOf(changes: Changes): JwtGate {
  const config = { ...newJwtDraft(), ...changes };
  return new JwtGate(config, readJwtKeys(config), () => NOW_S * 1000);
}

function credentials(password: string | undefined, more: Partial<Credentials> = {}): Credentials {
  const { link } = memoryLinkPair(() => ({ onRead() {}, onDrain() {}, onClose() {} }));
  return {
    link,
    listener: DEFAULT_LISTENER,
    protocolVersion: 5,
    clientId: 'phone',
    username: undefined,
    provenBy: null,
    password: password === undefined ? undefined : new TextEncoder().encode(password),
    ...more,
  };
}

const CLAIMS: JWTPayload = { sub: 'jjolie', exp: NOW_S + 60 };

function tokenOf(key: KeyObject | Uint8Array, alg: string, claims: JWTPayload = CLAIMS, kid?: string): Promise<string> {
  return new SignJWT(claims).setProtectedHeader({ alg, ...(kid !== undefined && { kid }) }).sign(key);
}

async function answer(gate: JwtGate, token: string, more: Partial<Credentials> = {}): Promise<Admission | null> {
  return gate.authenticate(credentials(token, more));
}

async function ruleOf(gate: JwtGate, token: string, more: Partial<Credentials> = {}): Promise<string> {
  const admission = await answer(gate, token, more);
  return admission === null ? 'nothing' : `${admission.admitted ? 'yes' : 'no'}: ${admission.rule}`;
}

const encoded = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

describe('a token as a password', () => {
  it.each([
    ['RS256', rsa],
    ['RS512', rsa],
    ['PS256', rsa],
    ['ES256', p256],
    ['ES384', p384],
    ['EdDSA', ed],
  ])('lets in whom it names, by a public key: %s', async (alg, { publicKey, privateKey }) => {
    const gate = gateOf({ keyFiles: [file(pem(publicKey))] });
    expect(await answer(gate, await tokenOf(privateKey, alg))).toMatchObject({
      admitted: true,
      username: 'jjolie',
      untilMs: (NOW_S + 60) * 1000,
    });
  });

  it.each(['HS256', 'HS384', 'HS512'])('lets in whom it names, by a secret: %s', async (alg) => {
    const gate = gateOf({ secretFile: file(Buffer.concat([secret, Buffer.from('\n')])) });
    expect(await answer(gate, await tokenOf(secret, alg))).toMatchObject({ admitted: true, username: 'jjolie' });
  });

  it('has nothing to say about passwords that are no tokens, and about names that are proven', async () => {
    const gate = gateOf({ secretFile: file('x'.repeat(32)) });
    expect(gate.authenticate(credentials('secret'))).toBe(null);
    expect(gate.authenticate(credentials('a.b.c'))).toBe(null);
    expect(gate.authenticate(credentials(undefined))).toBe(null);
    const token = await tokenOf(Buffer.alloc(32, 'x'), 'HS256');
    expect(gate.authenticate(credentials(token, { provenBy: 'psk', username: 'jjolie' }))).toBe(null);
  });

  it('is not good without a signature', async () => {
    const gate = gateOf({ keyFiles: [file(pem(rsa.publicKey))] });
    const token = `${encoded({ alg: 'none' })}.${encoded(CLAIMS)}.`;
    expect(await ruleOf(gate, token)).toBe('no: jwt: no key is there for tokens with the algorithm "none"');
  });

  it('is not good if a public key was taken for a secret', async () => {
    const key = pem(rsa.publicKey);
    const gate = gateOf({ keyFiles: [file(key)] });
    const text = `${encoded({ alg: 'HS256' })}.${encoded(CLAIMS)}`;
    const token = `${text}.${createHmac('sha256', key).update(text).digest('base64url')}`;
    expect(await ruleOf(gate, token)).toBe('no: jwt: no key is there for tokens with the algorithm "HS256"');
  });

  it('is not good if somebody else signed it, or changed it', async () => {
    const gate = gateOf({ keyFiles: [file(pem(p256.publicKey))] });
    const other = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const why = 'no: jwt: no key proves the signature of the token';
    expect(await ruleOf(gate, await tokenOf(other.privateKey, 'ES256'))).toBe(why);
    const [header, , signature] = (await tokenOf(p256.privateKey, 'ES256')).split('.');
    expect(await ruleOf(gate, `${header}.${encoded({ ...CLAIMS, sub: 'root' })}.${signature}`)).toBe(why);
  });

  it.each<[JWTPayload, string]>([
    [{ sub: 'a', exp: NOW_S - 5 }, 'the token has expired (exp, 5 s ago)'],
    [{ sub: 'a' }, 'the token has no claim "exp"'],
    [{ ...CLAIMS, nbf: NOW_S + 10 }, 'the token does not hold yet (nbf)'],
    [{ exp: NOW_S + 5 }, 'the token has no user name (claim sub)'],
    [{ ...CLAIMS, publ: 'a' }, 'the token is good, but its claim publ is not a list of topic filters'],
    [{ ...CLAIMS, subs: ['a/#/b'] }, 'the token is good, but filter 1 of its claim subs is not valid'],
    [{ ...CLAIMS, acl: [] }, 'the token is good, but its claim acl is not an object with pub, sub and all'],
  ])('with the claims %j is refused: %s', async (claims, why) => {
    const gate = gateOf({ keyFiles: [file(pem(p256.publicKey))] });
    expect(await ruleOf(gate, await tokenOf(p256.privateKey, 'ES256', claims))).toBe(`no: jwt: ${why}`);
  });

  it('has to come from the issuer and to be for the audience that the configuration names', async () => {
    const gate = gateOf({ keyFiles: [file(pem(p256.publicKey))], issuer: 'https://id', audiences: ['mqtt', 'all'] });
    const rule = async (claims: JWTPayload) => ruleOf(gate, await tokenOf(p256.privateKey, 'ES256', claims));
    expect(await rule({ ...CLAIMS, iss: 'https://id', aud: ['web', 'mqtt'] })).toMatch(/^yes/);
    expect(await rule({ ...CLAIMS, iss: 'https://id', aud: 'web' })).toBe(
      'no: jwt: the claim "aud" of the token is not what it has to be',
    );
    expect(await rule({ ...CLAIMS, iss: 'https://other', aud: 'all' })).toContain('the claim "iss"');
    expect(await rule(CLAIMS)).toMatch(/^no/);
  });

  it('may be late by as much as the configuration says, and may have no end if it says so', async () => {
    const keyFiles = [file(pem(p256.publicKey))];
    const late = await tokenOf(p256.privateKey, 'ES256', { sub: 'a', exp: NOW_S - 5 });
    expect(await answer(gateOf({ keyFiles, toleranceS: 10 }), late)).toMatchObject({ untilMs: (NOW_S + 5) * 1000 });
    const endless = await answer(
      gateOf({ keyFiles, requiresExpiry: false }),
      await tokenOf(p256.privateKey, 'ES256', { sub: 'a' }),
    );
    expect(endless).toMatchObject({ admitted: true });
    expect(endless).not.toHaveProperty('untilMs');
  });

  it('goes with no user name, and with its own', async () => {
    const gate = gateOf({ keyFiles: [file(pem(ed.publicKey))], usernameClaim: 'name' });
    const token = await tokenOf(ed.privateKey, 'EdDSA', { ...CLAIMS, name: 'Jane' });
    for (const username of [undefined, '', 'Jane'])
      expect(await answer(gate, token, { username })).toMatchObject({ username: 'Jane' });
    expect(await ruleOf(gate, token, { username: 'jjolie' })).toBe(
      'no: jwt: the user name is not that of the token (claim name)',
    );
  });

  it('is proven by the key of a set that it names, or by any that names none', async () => {
    const jwk = (key: KeyObject, more: object) => ({ ...key.export({ format: 'jwk' }), ...more });
    const others = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const jwksFile = file(
      JSON.stringify({
        keys: [
          jwk(others.publicKey, { kid: 'old' }),
          jwk(p256.publicKey, { kid: 'new', use: 'sig' }),
          jwk(rsa.publicKey, { kid: 'enc', use: 'enc' }),
          { kty: 'oct', k: secret.toString('base64url'), alg: 'HS256' },
          { kty: 'unheard-of' },
        ],
      }),
    );
    const gate = gateOf({ jwksFile });
    expect(await ruleOf(gate, await tokenOf(p256.privateKey, 'ES256', CLAIMS, 'new'))).toBe(
      `yes: a token that ${jwksFile}: key 2 proves`,
    );
    expect(await ruleOf(gate, await tokenOf(p256.privateKey, 'ES256', CLAIMS, 'old'))).toMatch(/^no/);
    expect(await ruleOf(gate, await tokenOf(p256.privateKey, 'ES256'))).toMatch(/^yes/);
    expect(await ruleOf(gate, await tokenOf(p256.privateKey, 'ES256', CLAIMS, 'x"\n'))).toBe(
      'no: jwt: there is no key with the id "x\\"\\n" (kid)',
    );
    expect(await ruleOf(gate, await tokenOf(secret, 'HS256'))).toMatch(/^yes/);
    expect(await ruleOf(gate, await tokenOf(secret, 'HS512'))).toMatch(/^no/);
    expect(await ruleOf(gate, await tokenOf(rsa.privateKey, 'RS256'))).toMatch(/^no/);
  });

  it.each([
    ['eyJ', 'a.b'],
    ['too long', `eyJ${'x'.repeat(40_000)}.e30.e30`],
    ['no JSON', 'eyJ.e30.e30'],
    ['an unknown extension', `${encoded({ alg: 'ES256', crit: ['x'], x: 1 })}.${encoded(CLAIMS)}.AAAA`],
  ])('that is no token, or none that can be read (%s), lets nobody in', async (_what, token) => {
    const gate = gateOf({ keyFiles: [file(pem(p256.publicKey))] });
    expect((await answer(gate, token))?.admitted ?? false).toBe(false);
  });
});

describe('the claims about topics', () => {
  const gate = gateOf({ secretFile: file('y'.repeat(32)) });
  const rules = new JwtRules(false);

  async function principalOf(claims: JWTPayload, clientId = 'phone') {
    const token = await tokenOf(Buffer.alloc(32, 'y'), 'HS256', { ...CLAIMS, ...claims });
    const admission = await answer(gate, token, { clientId });
    if (!admission?.admitted) throw new Error(JSON.stringify(admission));
    const { username, grants } = admission;
    return { clientId, username, address: '', access: '', ...(grants !== undefined && { grants }) };
  }

  it('publ and subs are what a client may publish and subscribe to', async () => {
    const client = await principalOf({ publ: ['owntracks/%u/%c'], subs: ['owntracks/%u/#', 'cmd/+'] });
    expect(client.grants).toEqual(new JwtGrants(['owntracks/jjolie/phone'], ['owntracks/jjolie/#', 'cmd/+']));
    expect(rules.mayPublish(client, 'owntracks/jjolie/phone')).toMatchObject({ allowed: true });
    expect(rules.mayPublish(client, 'owntracks/jjolie/other')).toEqual({
      allowed: false,
      rule: 'the token does not allow the client to publish to it',
    });
    for (const [filter, allowed] of [
      ['owntracks/jjolie/#', true],
      ['owntracks/jjolie/+', true],
      ['$share/g/owntracks/jjolie/a', true],
      ['owntracks/+/a', false],
      ['#', false],
      ['cmd/+', true],
      ['cmd/#', false],
      ['$share/g/#', false],
    ] as const)
      expect([filter, rules.maySubscribe(client, filter)?.allowed]).toEqual([filter, allowed]);
    expect(rules.mayReceive(client, 'owntracks/jjolie/a/b')?.allowed).toBe(true);
    expect(rules.mayReceive(client, 'owntracks/fred/a')?.allowed).toBe(false);
  });

  it('acl does the same in one claim', async () => {
    const client = await principalOf({ acl: { pub: ['p'], sub: ['s'], all: ['b'] } });
    expect(client.grants).toEqual(new JwtGrants(['p', 'b'], ['s', 'b']));
  });

  it('a name with a wildcard or a slash widens nothing', async () => {
    const publ = ['a/%c', 'b/%u', 'c'];
    for (const [clientId, sub] of [
      ['+', 'x'],
      ['#', 'x'],
      ['x/y', 'x'],
    ])
      expect((await principalOf({ publ, sub }, clientId)).grants).toEqual(new JwtGrants(['b/x', 'c'], []));
    expect((await principalOf({ publ, sub: '#' })).grants).toEqual(new JwtGrants(['a/phone', 'c'], []));
  });

  it('empty lists allow nothing', async () => {
    const client = await principalOf({ publ: [] });
    expect(rules.mayPublish(client, 'a')?.allowed).toBe(false);
    expect(rules.maySubscribe(client, 'a')?.allowed).toBe(false);
  });

  it('a token without them leaves the decision to others, or to nobody where there are none', async () => {
    const client = await principalOf({});
    expect(rules.mayPublish(client, 'a')).toBe(null);
    expect(new JwtRules(true).mayPublish(client, 'a')?.allowed).toBe(true);
  });

  it('are the same object for the same rights, so that a client who comes again has not changed', async () => {
    const once = await principalOf({ publ: ['a/%c'] });
    expect((await principalOf({ publ: ['a/%c'] })).grants).toBe(once.grants);
    expect((await principalOf({ publ: ['a/%c'] }, 'other')).grants).not.toBe(once.grants);
  });

  it('of a client who is away since before the broker started are not known: what it published stays', () => {
    const away = { clientId: 'a', username: 'a', address: '' };
    expect(new JwtRules(true).mayPublish(away, 't')?.allowed).toBe(true);
    expect(rules.mayPublish(away, 't')).toBe(null);
  });

  it('keep messages for a client who is away since before the broker started, until it shows its token', () => {
    expect(rules.mayReceive({ clientId: 'a', username: 'a', address: '' }, 't')?.allowed).toBe(true);
  });
});

describe('files of keys', () => {
  function problemsOf(changes: Changes): string[] {
    try {
      readJwtKeys({ ...newJwtDraft(), ...changes });
      return [];
    } catch (error) {
      if (!(error instanceof AccessFileError)) throw error;
      return error.problems.map((problem) => problem.replaceAll(folder, ''));
    }
  }

  it('may hold several keys, and say where each stands', () => {
    const path = file(`# two\n${pem(rsa.publicKey)}\n${pem(ed.publicKey)}`);
    const [one, two] = readJwtKeys({ ...newJwtDraft(), keyFiles: [path] });
    expect(one.origin).toBe(`${path}:2`);
    expect(two.algorithms).toEqual(['EdDSA', 'Ed25519']);
  });

  it('are refused with all that is wrong with them', () => {
    const weak = generateKeyPairSync('rsa', { modulusLength: 1024 });
    const private_ = ed.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    const problems = problemsOf({
      keyFiles: [join(folder, 'missing'), file('nothing'), file(pem(weak.publicKey)), file(`\n${private_}`)],
      secretFile: file('short\n'),
      jwksFile: file('{"keys": [{"kty": "EC", "d": "x"}, {"kty": "EC"}]}'),
    });
    expect(problems[0]).toBe('/missing: there is no such file.');
    expect(problems[1]).toMatch(/^\/\d+:1: there is no public key or certificate in PEM form/);
    expect(problems[2]).toMatch(/:1: an RSA key of 1024 bits can be broken/);
    expect(problems[3]).toMatch(/:2: it is a private key/);
    expect(problems[4]).toMatch(/:1: the secret has 5 bytes/);
    expect(problems[5]).toMatch(/: key 1: it has its private part/);
    expect(problems[6]).toMatch(/: key 2: /);
    expect(problems).toHaveLength(7);
    expect(problems.join('')).not.toContain('short');
  });

  it.each(['no JSON', '[]', '{"keys": 1}', '{"keys": []}'])('a set of keys that says %s is refused', (text) => {
    expect(problemsOf({ jwksFile: file(text) })).toHaveLength(1);
  });

  it('a certificate that cannot be read is refused', () => {
    expect(
      problemsOf({ keyFiles: [file('-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n')] }),
    ).toHaveLength(1);
  });
});
