import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { ConnectionOptions } from 'node:tls';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  clientsOf,
  openListener,
  SocketPeer,
  type TestListener,
  type TlsSides,
  tlsSides,
} from '../../../../test/contract/link-peers.js';
import {
  type AuthorityRequest,
  CertificateAuthority,
  type CertificateFiles,
  type CertificateRequest,
  certificates,
} from '../../../../test/support/certificates.js';
import { areInstalled } from '../../../../test/support/programs.js';
import { RevocationList } from './tls-crl.js';
import type { ListenerTlsOptions } from './tls-socket.js';

const DAY_MS = 86_400_000;
const PING = Buffer.of(0xc0, 0);
const daysFromNow = (days: number) => new Date(Date.now() + days * DAY_MS);
const EXPIRED = { validFrom: daysFromNow(-3), validTo: daysFromNow(-2) };

/** The lists in files. */
const listsOf = (...files: readonly string[]) =>
  files.map((file) => new RevocationList(Buffer.from(readFileSync(file, 'latin1').split('-----')[2], 'base64')));

describe.skipIf(!areInstalled('openssl'))('the certificate of a client', () => {
  let folder: string;
  let sides: TlsSides;
  let count = 0;
  let opened: TestListener[] = [];

  beforeAll(async () => {
    ({ folder } = await certificates());
    sides = await tlsSides();
  });

  afterEach(async () => {
    for (const { listener, handlers, watch } of opened) {
      listener.close();
      for (const handler of handlers) if (handler.closes === 0) handler.with((link) => link.destroy());
      await watch.until(() => handlers.every(({ closes }) => closes > 0));
    }
    opened = [];
  });

  const authority = (request: AuthorityRequest = {}) => new CertificateAuthority(folder, `ca-${++count}`, request);
  const issue = (by: CertificateAuthority, request: Partial<CertificateRequest> = {}) =>
    by.issue(`client-${++count}`, { subject: '/CN=device', use: 'client', ...request });
  const list = (by: CertificateAuthority, options: Parameters<CertificateAuthority['list']>[1] = {}) =>
    by.list(`list-${++count}`, options);

  function clientWith({ certFile, keyFile }: CertificateFiles, ...above: CertificateAuthority[]): ConnectionOptions {
    const chain = [certFile, ...above.map(({ caFile }) => caFile)].map((file) => readFileSync(file, 'utf8'));
    return { ...sides.client, cert: chain.join(''), key: readFileSync(keyFile) };
  }

  async function open(options: Partial<ListenerTlsOptions>): Promise<TestListener> {
    const listener = await openListener({ tls: (await tlsSides(options)).server });
    opened.push(listener);
    return listener;
  }

  /** What it is refused with; null: it is not. */
  async function refusal(options: Partial<ListenerTlsOptions>, client: ConnectionOptions): Promise<string | null> {
    const { watch, handlers, listener } = await open(options);
    const peer = new SocketPeer(watch, listener.localPort, client);
    peer.write(PING);
    await watch.until(() => handlers[0]?.closes === 1 || handlers[0]?.readBytes === 2);
    return handlers[0].error?.message ?? null;
  }

  describe('and crlfile:', () => {
    it('one that is not on the list of its CA is accepted', async () => {
      const ca = authority();
      const clients = clientsOf(ca.caFile, { lists: listsOf(list(ca)) });
      expect(await refusal({ clients }, clientWith(issue(ca)))).toBe(null);
    });

    it.each(['TLSv1.2', 'TLSv1.3'] as const)(
      'one that is on it is refused with %s, and when it was revoked is said',
      async (maxVersion) => {
        const ca = authority();
        const [kept, lost] = [issue(ca), issue(ca)];
        ca.revoke(lost);
        const clients = clientsOf(ca.caFile, { lists: listsOf(list(ca)) });
        const message = await refusal({ clients }, { ...clientWith(lost), maxVersion });
        const [, when] =
          /^TLS: the client's certificate \(CN=device\) was revoked by CN=ca-\d+,O=Cauldron on (.*) \(crlfile\)$/.exec(
            message ?? '',
          ) ?? [];
        expect(Math.abs(Date.parse(when) - Date.now())).toBeLessThan(60_000);
        expect(await refusal({ clients }, { ...clientWith(kept), maxVersion })).toBe(null);
      },
    );

    it('without a list of its CA it cannot be accepted', async () => {
      const [ca, other] = [authority(), authority()];
      const clients = clientsOf(ca.caFile, { lists: listsOf(list(other)) });
      expect(await refusal({ clients }, clientWith(issue(ca)))).toMatch(
        /^TLS: the client's certificate \(CN=device\) cannot be checked: crlfile has no list of its CA, CN=ca-\d+,O=Cauldron$/,
      );
    });

    it('a list that another CA of the same name has made does not count', async () => {
      const ca = authority();
      const forger = ca.impostor();
      const clients = clientsOf(ca.caFile, { lists: listsOf(list(forger)) });
      expect(await refusal({ clients }, clientWith(issue(ca)))).toContain('crlfile has no list of its CA');
    });

    it('an expired list does not say that a certificate is good, but that it is not', async () => {
      const ca = authority();
      const [kept, lost] = [issue(ca), issue(ca)];
      ca.revoke(lost);
      const clients = clientsOf(ca.caFile, { lists: listsOf(list(ca, { nextUpdate: daysFromNow(-1) })) });
      expect(await refusal({ clients }, clientWith(kept))).toMatch(
        /cannot be checked: the list of its CA in crlfile, CN=ca-\d+,O=Cauldron, should have been renewed on .* GMT$/,
      );
      expect(await refusal({ clients }, clientWith(lost))).toContain('was revoked by');
    });

    it('of several lists, each counts', async () => {
      const [ca, other] = [authority(), authority()];
      const lost = issue(ca);
      const before = list(ca);
      ca.revoke(lost);
      const clients = clientsOf(ca.caFile, { lists: listsOf(list(other), before, list(ca), before) });
      expect(await refusal({ clients }, clientWith(lost))).toContain('was revoked by');
    });

    it('the list of the intermediate CA that issued it is enough', async () => {
      const root = authority();
      const middle = authority({ issuer: root });
      const [kept, lost] = [issue(middle), issue(middle)];
      middle.revoke(lost);
      const clients = clientsOf(root.caFile, { lists: listsOf(list(middle)) });
      expect(await refusal({ clients }, clientWith(kept, middle))).toBe(null);
      expect(await refusal({ clients }, clientWith(lost, middle))).toContain('was revoked by');
    });

    it('an intermediate CA that was revoked takes those below it along', async () => {
      const root = authority();
      const middle = authority({ issuer: root });
      root.revoke({ certFile: middle.caFile });
      const clients = clientsOf(root.caFile, { lists: listsOf(list(middle), list(root)) });
      expect(await refusal({ clients }, clientWith(issue(middle), middle))).toMatch(
        /is not accepted: the CA above it, CN=ca-\d+,O=Cauldron, was revoked by CN=ca-\d+,O=Cauldron on /,
      );
    });

    it('a CA that may not sign lists has none', async () => {
      const ca = authority({ extensions: ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign'] });
      const clients = clientsOf(ca.caFile, { lists: listsOf(list(ca)) });
      expect(await refusal({ clients }, clientWith(issue(ca)))).toContain('crlfile has no list of its CA');
    });

    it('lists that speak of some certificates only are taken for those', async () => {
      const ca = authority();
      const lists = (scope: string) =>
        listsOf(list(ca, { extensions: [`issuingDistributionPoint=critical,${scope}:TRUE`] }));
      const client = clientWith(issue(ca));
      expect(await refusal({ clients: clientsOf(ca.caFile, { lists: lists('onlyuser') }) }, client)).toBe(null);
      expect(await refusal({ clients: clientsOf(ca.caFile, { lists: lists('onlyCA') }) }, client)).toContain(
        'has no list',
      );
    });

    it.each([
      ['a delta list', 'deltaCRL=critical,DER:02:01:01', /delta/],
      [
        'a list of several CAs',
        'issuingDistributionPoint=critical,indirectCRL:TRUE',
        /a part of what its CA has revoked/,
      ],
      ['a critical extension of another kind', '1.2.3.4=critical,DER:05:00', /critical extension .* 1\.2\.3\.4/],
    ])('%s is not misunderstood', (_, extension, message) => {
      const file = list(authority(), { extensions: [extension] });
      expect(() => listsOf(file)).toThrow(message);
    });

    it('bytes that are no list are not taken for one', () => {
      const bytes = Buffer.from(readFileSync(list(authority()), 'latin1').split('-----')[2], 'base64');
      for (let length = 0; length < bytes.length; length++) {
        expect(() => new RevocationList(bytes.subarray(0, length))).toThrow('too early');
      }
      expect(() => new RevocationList(Buffer.concat([bytes, Buffer.of(0)]))).toThrow('something follows its end');
    });

    it('a list in which anything was changed is from nobody', () => {
      const ca = authority();
      const lost = issue(ca);
      ca.revoke(lost);
      const bytes = Buffer.from(readFileSync(list(ca), 'latin1').split('-----')[2], 'base64');
      const root = new X509Certificate(readFileSync(ca.caFile));
      expect(new RevocationList(bytes).isFrom(root)).toBe(true);
      let read = 0;
      for (let i = 0; i < bytes.length; i++) {
        const changed = Buffer.from(bytes);
        changed[i] ^= 1;
        try {
          expect(new RevocationList(changed).isFrom(root), `byte ${i}`).toBe(false);
          read++;
        } catch (error) {
          expect((error as Error).name).toBe('DerError');
        }
      }
      expect(read).toBeGreaterThan(50);
    });
  });

  describe('out of its time, with disable_client_cert_date_checks:', () => {
    const outOfTime = (ca: CertificateAuthority, rules = {}) => ({
      clients: clientsOf(ca.caFile, { ignoresDates: true, ...rules }),
    });

    it.each([
      ['has expired', EXPIRED],
      ['is not valid yet', { validFrom: daysFromNow(1), validTo: daysFromNow(2) }],
    ])('one that %s is accepted', async (_, dates) => {
      const ca = authority();
      expect(await refusal(outOfTime(ca), clientWith(issue(ca, dates)))).toBe(null);
      const rsa = clientWith(issue(ca, { ...dates, key: 'rsa' }));
      expect(await refusal(outOfTime(ca), rsa)).toBe(null);
    });

    it('one below an intermediate CA is accepted', async () => {
      const root = authority();
      const middle = authority({ issuer: root });
      expect(await refusal(outOfTime(root), clientWith(issue(middle, EXPIRED), middle))).toBe(null);
    });

    it.each<[string, () => [CertificateAuthority, ConnectionOptions, object?], string]>([
      [
        'of another CA',
        () => [authority(), clientWith(issue(authority(), EXPIRED))],
        'was not issued by a CA in cafile or capath',
      ],
      [
        'for servers',
        () => {
          const ca = authority();
          return [ca, clientWith(issue(ca, { ...EXPIRED, use: 'server' }))];
        },
        'is not for clients, says its extendedKeyUsage',
      ],
      [
        'whose key may not sign',
        () => {
          const ca = authority();
          return [ca, clientWith(issue(ca, { ...EXPIRED, extensions: ['keyUsage=critical,keyEncipherment'] }))];
        },
        'may not sign, says its keyUsage',
      ],
      [
        'with a critical extension that nobody here knows',
        () => {
          const ca = authority();
          return [ca, clientWith(issue(ca, { ...EXPIRED, extensions: ['1.2.3.4=critical,DER:05:00'] }))];
        },
        'has the critical extension 1.2.3.4',
      ],
      [
        'with a small key',
        () => {
          const ca = authority();
          return [ca, { ...clientWith(issue(ca, { ...EXPIRED, key: 'small-rsa' })), ciphers: 'DEFAULT@SECLEVEL=0' }];
        },
        'has an RSA key below 2048 bits',
      ],
      [
        'below something that is no CA',
        () => {
          const root = authority();
          const notCa = authority({ issuer: root, extensions: ['basicConstraints=critical,CA:FALSE'] });
          return [root, clientWith(issue(notCa, EXPIRED), notCa)];
        },
        'is not one of a CA',
      ],
      [
        'below more CAs than one of them allows',
        () => {
          const root = authority();
          const high = authority({
            issuer: root,
            extensions: ['basicConstraints=critical,CA:TRUE,pathlen:0', 'keyUsage=keyCertSign'],
          });
          const low = authority({ issuer: high });
          return [root, clientWith(issue(low, EXPIRED), low, high)];
        },
        'allows fewer CAs below it',
      ],
      [
        'below a CA that has expired',
        () => {
          const root = authority();
          const middle = authority({ issuer: root, ...EXPIRED });
          return [root, clientWith(issue(middle, EXPIRED), middle)];
        },
        'has expired',
      ],
      [
        'that was revoked',
        () => {
          const ca = authority();
          const lost = issue(ca, EXPIRED);
          ca.revoke(lost);
          return [ca, clientWith(lost), { lists: listsOf(list(ca)) }];
        },
        'was revoked by',
      ],
      [
        'that restricts names where it has another',
        () => {
          const root = authority();
          const extensions = [
            'basicConstraints=critical,CA:TRUE',
            'nameConstraints=critical,permitted;DNS:example.org',
          ];
          const middle = authority({ issuer: root, extensions });
          return [root, clientWith(issue(middle, { ...EXPIRED, hosts: 'DNS:example.com' }), middle)];
        },
        '',
      ],
    ])('one %s is refused all the same', async (_, arrange, message) => {
      const [ca, client, rules] = arrange();
      expect(await refusal(outOfTime(ca, rules), client)).toContain(`TLS: the client's certificate (`);
      expect(await refusal(outOfTime(ca, rules), client)).toContain(message);
    });

    it('one in time is accepted, too', async () => {
      const ca = authority();
      expect(await refusal(outOfTime(ca), clientWith(issue(ca)))).toBe(null);
    });
  });

  it('keeps its right when the files say the same, and when its CA is renewed', async () => {
    const ca = authority();
    const { watch, handlers, listener } = await open({ clients: clientsOf(ca.caFile) });
    new SocketPeer(watch, listener.localPort, clientWith(issue(ca))).write(PING);
    await watch.until(() => handlers[0]?.readBytes === 2);
    const session = handlers[0].link?.tls ?? null;
    const objection = async (options: Partial<ListenerTlsOptions>) =>
      (await tlsSides(options)).server.objectionTo(session);
    expect(await objection({ clients: clientsOf(ca.caFile) })).toBe(null);
    expect(await objection({ clients: clientsOf(ca.caFile, { lists: listsOf(list(ca)) }) })).toBe(null);
    expect(await objection({ clients: clientsOf(ca.renewed()) })).toBe(null);
    expect(await objection({ clients: null })).toBe(null);
  });

  it('loses its right with its CA, and with a new list that it is on', async () => {
    const ca = authority();
    const lost = issue(ca);
    const { watch, handlers, listener } = await open({ clients: clientsOf(ca.caFile) });
    new SocketPeer(watch, listener.localPort, clientWith(lost)).write(PING);
    await watch.until(() => handlers[0]?.readBytes === 2);
    const session = handlers[0].link?.tls ?? null;
    const objection = async (options: Partial<ListenerTlsOptions>) =>
      (await tlsSides(options)).server.objectionTo(session);
    expect(await objection({ clients: clientsOf(authority().caFile) })).toBe(
      "the CA of the client's certificate is no longer in cafile or capath",
    );
    ca.revoke(lost);
    expect(await objection({ clients: clientsOf(ca.caFile, { lists: listsOf(list(ca)) }) })).toMatch(
      /^the client's certificate was revoked by CN=ca-\d+,O=Cauldron on .* \(crlfile\)$/,
    );
  });

  it('is needed by those who came without, when the listener begins to ask for it', async () => {
    const { watch, handlers, listener } = await open({ clients: null });
    new SocketPeer(watch, listener.localPort, sides.client).write(PING);
    await watch.until(() => handlers[0]?.readBytes === 2);
    expect(sides.server.objectionTo(handlers[0].link?.tls ?? null)).toContain('(require_certificate)');
    expect(sides.server.objectionTo(null)).toBe('the listener speaks TLS only now');
  });

  it('is not resumed when the settings of its listener have changed', async () => {
    const ca = authority();
    const files = issue(ca);
    const { watch, handlers, listener } = await open({ clients: clientsOf(ca.caFile) });
    const first = new SocketPeer(watch, listener.localPort, clientWith(files));
    const session = await new Promise<Buffer>((resolve) => {
      first.socket.on('session', resolve);
      first.write(PING);
    });
    ca.revoke(files);
    const { server } = await tlsSides({ clients: clientsOf(ca.caFile, { lists: listsOf(list(ca)) }) });
    listener.reconfigure({ tls: server });
    new SocketPeer(watch, listener.localPort, { ...clientWith(files), session }).write(PING);
    await watch.until(() => handlers[1]?.closes === 1);
    expect(handlers[1].error?.message).toContain('was revoked by');
    expect(handlers[0].closes).toBe(0);
  });

  it('counts by the settings that there are when the handshake is done', async () => {
    const ca = authority();
    const files = issue(ca);
    const { watch, handlers, listener } = await open({ clients: clientsOf(ca.caFile) });
    ca.revoke(files);
    const { server } = await tlsSides({ clients: clientsOf(ca.caFile, { lists: listsOf(list(ca)) }) });
    new SocketPeer(watch, listener.localPort, clientWith(files)).write(PING);
    while (listener.handshakes.pending === 0) await new Promise(setImmediate);
    listener.reconfigure({ tls: server });
    await watch.until(() => handlers[0]?.closes === 1);
    expect(handlers[0].error?.message).toMatch(/^TLS: the client's certificate was revoked by /);
    expect(handlers[0].reads).toEqual([]);
  });

  it('that a resumed session began with has to be in time still', async () => {
    const ca = authority();
    const files = issue(ca);
    const { watch, handlers, listener } = await open({ clients: clientsOf(ca.caFile) });
    const first = new SocketPeer(watch, listener.localPort, clientWith(files));
    const session = await new Promise<Buffer>((resolve) => {
      first.socket.on('session', resolve);
      first.write(PING);
    });
    vi.useFakeTimers({ toFake: ['Date'], now: daysFromNow(2) });
    try {
      new SocketPeer(watch, listener.localPort, { ...clientWith(files), session }).write(PING);
      await watch.until(() => handlers[1]?.closes === 1);
    } finally {
      vi.useRealTimers();
    }
    expect(handlers[1].error?.message).toMatch(/^TLS: the client's certificate \(CN=device\) expired on /);
  });
});
