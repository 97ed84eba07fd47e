import {
  type Admission,
  type Authenticator,
  type Credentials,
  DEFAULT_LISTENER,
  type ListenerPolicy,
  type TlsIdentity,
  type TlsSession,
} from '@cauldron/broker';
import { ConnectReturnCode, PacketType, ReasonCode } from '@cauldron/codec';
import { describe, expect, it } from 'vitest';
import { TestBroker } from '../support/test-broker.js';

const BY_NAME: ListenerPolicy = { ...DEFAULT_LISTENER, allowAnonymous: false, usernameFrom: 'identity' };
const BY_SUBJECT: ListenerPolicy = { ...BY_NAME, usernameFrom: 'subject' };
const USERNAME_IS_ID: ListenerPolicy = { ...DEFAULT_LISTENER, usesUsernameAsClientId: true };

const CERTIFICATE: TlsIdentity = { proof: 'certificate', commonName: 'ann', subject: 'CN=ann,O=Cauldron' };
const PSK: TlsIdentity = { proof: 'psk', commonName: 'bob', subject: '' };

function tls(client: TlsIdentity | null): TlsSession {
  return { protocol: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384', serverName: null, client };
}

/** Lets nobody in but users that it knows, and notes what it was asked. */
class Door implements Authenticator {
  readonly asked: Credentials[] = [];
  readonly #users: readonly string[];

  constructor(...users: string[]) {
    this.#users = users;
  }

  authenticate(credentials: Credentials): Admission {
    this.asked.push(credentials);
    const { username } = credentials;
    return username !== undefined && this.#users.includes(username)
      ? { admitted: true, username, rule: 'users:1' }
      : { admitted: false, reasonCode: ReasonCode.NOT_AUTHORIZED, reason: 'not authorised', rule: 'users:2' };
  }
}

function usersOf(test: TestBroker): (string | undefined)[] {
  const users: (string | undefined)[] = [];
  test.broker.on('connect', ({ username }) => users.push(username));
  return users;
}

const CLAIM = { username: 'mallory', password: new TextEncoder().encode('secret') };

describe.each([3, 4, 5] as const)('a user name from TLS, for version %i', (version) => {
  it.each([
    ['the common name', BY_NAME, 'ann'],
    ['the subject', BY_SUBJECT, 'CN=ann,O=Cauldron'],
  ])('is %s of the certificate, whatever CONNECT says; nobody is asked', async (_, listener, username) => {
    const door = new Door();
    const test = new TestBroker({ authenticator: door });
    const users = usersOf(test);
    const { reasonCode } = await test.client(version, listener, tls(CERTIFICATE)).connect(CLAIM);
    expect(reasonCode).toBe(0);
    expect(users).toEqual([username]);
    expect(door.asked).toEqual([]);
  });

  it.each([
    ['no certificate', BY_NAME, tls(null), 'no certificate or TLS-PSK identity'],
    ['no TLS', BY_NAME, undefined, 'no certificate or TLS-PSK identity'],
    ['no common name', BY_NAME, tls({ ...CERTIFICATE, commonName: '' }), 'no identity that can be a user name'],
    ['a null character in it', BY_NAME, tls({ ...CERTIFICATE, commonName: 'ann\0' }), 'no identity that can be'],
    ['an empty subject', BY_SUBJECT, tls({ ...CERTIFICATE, subject: '' }), 'no subject that can be a user name'],
    ['a PSK, which has no subject', BY_SUBJECT, tls(PSK), 'no subject that can be a user name'],
  ])('is missing with %s: the client is refused, and told why', async (_, listener, session, reason) => {
    const test = new TestBroker({ authenticator: new Door('mallory', 'ann') });
    const client = test.client(version, listener, session);
    const { reasonCode, properties } = await client.connect(CLAIM);
    if (version === 5) {
      expect(reasonCode).toBe(ReasonCode.BAD_USER_NAME_OR_PASSWORD);
      expect(properties?.reasonString).toContain(reason);
    } else expect(reasonCode).toBe(ConnectReturnCode.BAD_USER_NAME_OR_PASSWORD);
    await client.expectClose();
    expect(test.log.lines.join('\n')).toContain(reason);
    expect(test.broker.gauges.sessions).toBe(0);
  });

  it('is the TLS-PSK identity, if the authenticator knows that user; it needs no password', async () => {
    const door = new Door('bob');
    const test = new TestBroker({ authenticator: door });
    const users = usersOf(test);
    expect((await test.client(version, BY_NAME, tls(PSK)).connect(CLAIM)).reasonCode).toBe(0);
    expect(users).toEqual(['bob']);
    expect(door.asked).toMatchObject([{ username: 'bob', password: undefined, provenBy: 'psk' }]);
    const eve = test.client(version, BY_NAME, tls({ ...PSK, commonName: 'eve' }));
    const { reasonCode } = await eve.connect(CLAIM);
    expect(reasonCode).toBe(version === 5 ? ReasonCode.NOT_AUTHORIZED : ConnectReturnCode.NOT_AUTHORIZED);
  });

  it('does not count where the listener asks CONNECT', async () => {
    const door = new Door('mallory');
    const test = new TestBroker({ authenticator: door });
    await test.client(version, DEFAULT_LISTENER, tls(CERTIFICATE)).connect(CLAIM);
    expect(door.asked).toMatchObject([{ username: 'mallory', provenBy: null, password: CLAIM.password }]);
  });
});

describe('a user name from TLS', () => {
  it('needs no users to be configured: with a PSK, too', async () => {
    const test = new TestBroker();
    for (const identity of [CERTIFICATE, PSK]) {
      expect((await test.client(5, BY_NAME, tls(identity)).connect()).reasonCode).toBe(0);
    }
    expect((await test.client(5, { ...DEFAULT_LISTENER, allowAnonymous: false }).connect()).reasonCode).toBe(
      ReasonCode.NOT_AUTHORIZED,
    );
  });

  it('is what an enhanced authentication sees', async () => {
    const seen: Credentials[] = [];
    const test = new TestBroker({
      enhancedAuthenticator: {
        begin(credentials) {
          seen.push(credentials);
          return { next: () => ({ admitted: true, username: credentials.username, rule: 'all' }) };
        },
      },
    });
    const client = test.client(5, BY_NAME, tls(CERTIFICATE));
    await client.connect({ ...CLAIM, properties: { authenticationMethod: 'X' } });
    expect(seen).toMatchObject([{ username: 'ann', password: undefined, provenBy: 'certificate' }]);
  });
});

describe.each([3, 4, 5] as const)('the user name as client id, for version %i', (version) => {
  it('takes the place of what CONNECT says: who comes with it again takes over', async () => {
    const test = new TestBroker();
    const ids: string[] = [];
    test.broker.on('connect', ({ clientId }) => ids.push(clientId));
    const first = test.client(version, USERNAME_IS_ID);
    await first.connect({ clientId: 'one', username: 'ann' });
    const { properties } = await test.client(version, USERNAME_IS_ID).connect({ clientId: 'two', username: 'ann' });
    expect(properties?.assignedClientIdentifier).toBeUndefined();
    if (version === 5)
      expect((await first.expect(PacketType.DISCONNECT)).reasonCode).toBe(ReasonCode.SESSION_TAKEN_OVER);
    await first.expectClose();
    expect(ids).toEqual(['ann', 'ann']);
    expect(test.broker.gauges).toMatchObject({ clientsConnected: 1, sessions: 1 });
  });

  it.each([undefined, ''])('is missing without a user name (%j): the client is refused', async (username) => {
    const test = new TestBroker();
    const client = test.client(version, USERNAME_IS_ID);
    const { reasonCode, properties } = await client.connect(username === undefined ? {} : { username });
    if (version === 5) {
      expect(reasonCode).toBe(ReasonCode.NOT_AUTHORIZED);
      expect(properties?.reasonString).toContain('use_username_as_clientid');
    } else expect(reasonCode).toBe(ConnectReturnCode.NOT_AUTHORIZED);
    await client.expectClose();
  });
});

describe('the user name as client id', () => {
  it('is told to a 5.0 client that left its id to the broker', async () => {
    const test = new TestBroker();
    const connack = await test.client(5, USERNAME_IS_ID).connect({ clientId: '', username: 'ann' });
    expect(connack.properties?.assignedClientIdentifier).toBe('ann');
  });

  it('can be that of a certificate', async () => {
    const test = new TestBroker();
    const listener = { ...BY_NAME, usesUsernameAsClientId: true };
    const connack = await test.client(5, listener, tls(CERTIFICATE)).connect({ clientId: '', ...CLAIM });
    expect(connack.properties?.assignedClientIdentifier).toBe('ann');
  });

  it('does not touch the session of a user whose password the client does not know', async () => {
    const test = new TestBroker({ authenticator: new Door('ann') });
    const ann = test.client(5, USERNAME_IS_ID);
    await ann.connect({ username: 'ann' });
    await test.client(5, USERNAME_IS_ID).connect({ clientId: 'ann', username: 'eve' });
    await ann.expectNothing();
  });

  it('is not for those who authenticate as another user than CONNECT names', async () => {
    const test = new TestBroker({
      enhancedAuthenticator: {
        begin: () => ({ next: () => ({ admitted: true, username: 'eve', rule: 'all' }) }),
      },
    });
    const ann = test.client(5, USERNAME_IS_ID);
    await ann.connect({ username: 'ann' });
    const eve = test.client(5, USERNAME_IS_ID);
    const { reasonCode } = await eve.connect({ username: 'ann', properties: { authenticationMethod: 'X' } });
    expect(reasonCode).toBe(ReasonCode.NOT_AUTHORIZED);
    await ann.expectNothing();
  });
});

describe('clientid_prefixes', () => {
  it.each([4, 5] as const)('lets in only ids that begin so (version %i)', async (version) => {
    const test = new TestBroker({ settings: { clientIdPrefix: 'dev-' } });
    expect((await test.client(version).connect({ clientId: 'dev-1' })).reasonCode).toBe(0);
    for (const clientId of ['dev', 'x-dev-1', '']) {
      const client = test.client(version);
      const { reasonCode, properties } = await client.connect({ clientId });
      expect(reasonCode).toBe(version === 5 ? ReasonCode.NOT_AUTHORIZED : ConnectReturnCode.NOT_AUTHORIZED);
      if (version === 5) expect(properties?.reasonString).toContain("begin with 'dev-' (clientid_prefixes)");
      await client.expectClose();
    }
  });

  it('lets in ids that the broker makes, if they begin so', async () => {
    const test = new TestBroker({ settings: { clientIdPrefix: 'dev-' } });
    const listener = { ...DEFAULT_LISTENER, assignedClientIdPrefix: 'dev-auto-' };
    expect((await test.client(5, listener).connect({ clientId: '' })).reasonCode).toBe(0);
  });

  it('means the user name where that is the client id', async () => {
    const test = new TestBroker({ settings: { clientIdPrefix: 'dev-' } });
    const connect = async (clientId: string, username: string) =>
      (await test.client(5, USERNAME_IS_ID).connect({ clientId, username })).reasonCode;
    expect(await connect('x', 'dev-1')).toBe(0);
    expect(await connect('dev-1', 'x')).toBe(ReasonCode.NOT_AUTHORIZED);
  });
});

describe('accept_protocol_versions', () => {
  it('is the first thing that a client is told, before its id counts', async () => {
    const test = new TestBroker();
    const client = test.client(3, { ...DEFAULT_LISTENER, acceptedVersions: [5] });
    expect((await client.connect({ clientId: '' })).reasonCode).toBe(ConnectReturnCode.UNACCEPTABLE_PROTOCOL_VERSION);
    expect(test.log.lines.join('\n')).toContain('accept_protocol_versions');
  });
});
