import { readFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import {
  clientsOf,
  openListener,
  SocketPeer,
  serverCertificate,
  type TestListener,
  TLS_SESSIONS,
  type TlsSides,
  tlsSides,
  WebSocketPeer,
} from '../../../../test/contract/link-peers.js';
import { CertificateAuthority, type CertificateRequest, certificates } from '../../../../test/support/certificates.js';
import { areInstalled, programPath } from '../../../../test/support/programs.js';
import { killAll, RunningProgram } from '../../../../test/support/running-program.js';
import type { ListenerOptions } from './listener.js';
import type { ListenerTlsOptions } from './tls-socket.js';

const DAY_MS = 86_400_000;
const PING = Buffer.of(0xc0, 0);
/** The header of a record that goes on for 256 bytes. */
const HALF_A_HELLO = Buffer.from('160301010001', 'hex');

describe.skipIf(!areInstalled('openssl'))('a listener with TLS', () => {
  let sides: TlsSides;
  let opened: TestListener[] = [];

  beforeAll(async () => {
    sides = await tlsSides();
  });

  afterEach(async () => {
    await killAll();
    for (const { listener, handlers, watch } of opened) {
      listener.close();
      for (const handler of handlers) if (handler.closes === 0) handler.with((link) => link.destroy());
      await watch.until(() => handlers.every(({ closes }) => closes > 0));
      for (const { violations } of handlers) expect(violations).toEqual([]);
      expect(listener.handshakes.pending).toBe(0);
    }
    opened = [];
  });

  async function open(options: Partial<ListenerOptions> = {}): Promise<TestListener> {
    const listener = await openListener({ tls: sides.server, ...options });
    opened.push(listener);
    return listener;
  }

  /** What the link of such a client is closed with, after it has tried to say something. */
  async function failureOf(client: ConnectionOptions, listener?: TestListener) {
    const { watch, handlers, listener: on } = listener ?? (await open());
    const peer = new SocketPeer(watch, on.localPort, client);
    peer.write(PING);
    await watch.until(() => peer.isClosed && handlers.at(-1)?.closes === 1);
    const handler = handlers[handlers.length - 1];
    expect(handler.reads).toEqual([]);
    return { message: handler.error?.message, peer };
  }

  /** A client certificate, by a CA of its own unless one is given, and what a listener needs to accept it. */
  async function issued(name: string, request: Partial<CertificateRequest>) {
    const { folder } = await certificates();
    const authority = new CertificateAuthority(folder, `${name}-ca`);
    const subject = `/O=Cauldron/CN=${name}`;
    const { certFile, keyFile } = authority.issue(name, { subject, use: 'client', ...request });
    const client = { ...sides.client, cert: readFileSync(certFile), key: readFileSync(keyFile) };
    const { server } = await tlsSides({ clients: clientsOf(authority.caFile) });
    return { client, server };
  }

  const daysFromNow = (days: number) => new Date(Date.now() + days * DAY_MS);

  describe.each(['TLSv1.2', 'TLSv1.3'] as const)('with %s', (version) => {
    it('refuses a client without a certificate, and the client is told', async () => {
      const { ca, servername } = sides.client;
      const { message, peer } = await failureOf({ ca, servername, maxVersion: version });
      expect(message).toMatch(/^TLS: the client showed no certificate, and require_certificate is true/);
      expect(String(peer.error)).toMatch(/alert (handshake failure|certificate required)/);
    });

    it('refuses a client whose certificate has expired, and says when', async () => {
      const { client, server } = await issued(`late-${version}`, {
        validFrom: daysFromNow(-3),
        validTo: daysFromNow(-2),
      });
      const { message } = await failureOf({ ...client, maxVersion: version }, await open({ tls: server }));
      const [, when] =
        /^TLS: the client's certificate \(CN=late-\S+,O=Cauldron\) expired on (.*)$/.exec(message ?? '') ?? [];
      expect(Math.abs(Date.parse(when) - daysFromNow(-2).getTime())).toBeLessThan(60_000);
    });

    it('refuses a client whose certificate is of another CA', async () => {
      const { client } = await issued(`foreign-${version}`, {});
      const { message } = await failureOf({ ...client, maxVersion: version });
      expect(message).toBe(
        `TLS: the client's certificate (CN=foreign-${version},O=Cauldron) was not issued by a CA in cafile or capath, but by CN=foreign-${version}-ca,O=Cauldron`,
      );
    });

    it('takes clients that resume their session, and knows who they are', async () => {
      const { watch, listener, handlers } = await open();
      const first = new SocketPeer(watch, listener.localPort, { ...sides.client, maxVersion: version });
      const session = await new Promise<Buffer>((resolve) => {
        first.socket.on('session', resolve);
        first.write(PING);
      });
      const second = new SocketPeer(watch, listener.localPort, { ...sides.client, maxVersion: version, session });
      second.write(PING);
      await watch.until(() => handlers[1]?.readBytes === 2);
      expect((second.socket as TLSSocket).isSessionReused()).toBe(true);
      expect(handlers[1].link?.tls).toMatchObject({ protocol: version, client: TLS_SESSIONS[version].client });
    });

    it('gives a client that it refuses no session that it could resume', async () => {
      const { client } = await issued(`stubborn-${version}`, {});
      const { watch, listener, handlers } = await open();
      const peer = new SocketPeer(watch, listener.localPort, { ...client, maxVersion: version });
      const sessions: Buffer[] = [];
      peer.socket.on('session', (session: Buffer) => sessions.push(session));
      await watch.until(() => peer.isClosed && handlers[0]?.closes === 1);
      expect(handlers[0].error?.message).toContain('was not issued by a CA');
      expect(sessions).toEqual([]);
    });
  });

  it('refuses a certificate that is not valid yet', async () => {
    const { client, server } = await issued('early', { validFrom: daysFromNow(1), validTo: daysFromNow(2) });
    const { message } = await failureOf(client, await open({ tls: server }));
    expect(message).toMatch(/\(CN=early,O=Cauldron\) is valid from .* only; is this machine's clock right\?$/);
  });

  it('refuses a certificate that is for servers', async () => {
    const { client, server } = await issued('usher', { use: 'server' });
    const { message } = await failureOf(client, await open({ tls: server }));
    expect(message).toMatch(/\(CN=usher,O=Cauldron\) is not for clients, says its extendedKeyUsage or keyUsage$/);
  });

  it('keeps its lines of log whole, whatever a certificate calls itself', async () => {
    const { client } = await issued('liar', { subject: `/O=${'x'.repeat(60)}/OU=${'y'.repeat(60)}/CN=a\nb\u001b[2J` });
    const { message = '' } = await failureOf(client);
    expect(message).toMatch(/^TLS: the client's certificate \(CN=a\S*b\S*\[2J,OU=y+,O=x+\) was not issued/);
    expect(message).not.toMatch(/\p{Cc}/u);
  });

  it('takes a name with commas and several units apart as RFC 2253 does', async () => {
    const { client, server } = await issued('parts', { subject: '/C=DE/O=Sun, Moon/OU=a/OU=b/CN=x\\/y=z' });
    const { watch, listener, handlers } = await open({ tls: server });
    new SocketPeer(watch, listener.localPort, client).write(PING);
    await watch.until(() => handlers[0]?.readBytes === 2);
    expect(handlers[0].link?.tls?.client).toMatchObject({
      proof: 'certificate',
      commonName: 'x/y=z',
      subject: 'CN=x/y=z,OU=b,OU=a,O=Sun\\, Moon,C=DE',
    });
  });

  it('asks nobody for a certificate unless it has to', async () => {
    const { server } = await tlsSides({ clients: null });
    const { watch, listener, handlers } = await open({ tls: server });
    new SocketPeer(watch, listener.localPort, sides.client).write(PING);
    new SocketPeer(watch, listener.localPort, { ca: sides.client.ca, host: '127.0.0.1' }).write(PING);
    await watch.until(() => handlers.length === 2 && handlers.every(({ readBytes }) => readBytes === 2));
    expect(handlers.map(({ link }) => link?.tls?.client)).toEqual([null, null]);
    expect(handlers.map(({ link }) => link?.tls?.serverName)).toEqual(expect.arrayContaining(['localhost', null]));
    expect(handlers.map(({ link }) => link?.transport)).toEqual(['tls', 'tls']);
  });

  describe('says why it and a client do not come together:', () => {
    it.each<[string, Partial<ListenerTlsOptions>, ConnectionOptions, RegExp]>([
      [
        'an old version',
        {},
        { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' },
        /only older versions of TLS than this listener \(tls_version\)/,
      ],
      [
        'a version below tls_version',
        { minVersion: 'TLSv1.3' },
        { maxVersion: 'TLSv1.2' },
        /only older versions of TLS than this listener \(tls_version\)/,
      ],
      [
        'ciphers of TLS 1.2',
        { ciphers: 'ECDHE-ECDSA-AES256-GCM-SHA384' },
        { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' },
        /no cipher in common/,
      ],
      [
        'ciphers of TLS 1.3',
        { ciphersOfTls13: 'TLS_CHACHA20_POLY1305_SHA256' },
        { minVersion: 'TLSv1.3', ciphers: 'TLS_AES_128_GCM_SHA256' },
        /no cipher in common/,
      ],
      ['the kind of key', {}, { sigalgs: 'rsa_pss_rsae_sha256' }, /the kind of key that is in keyfile/],
    ])('%s', async (_, context, client, message) => {
      const { server } = await tlsSides(context);
      const failure = await failureOf({ ...sides.client, ...client }, await open({ tls: server }));
      expect(failure.message).toMatch(message);
      expect(String(failure.peer.error)).toContain('alert');
    });

    it.each<[string, string[]]>([
      ['the client does not know the CA', ['-no-CAfile', '-no-CApath', '-no-CAstore']],
      ['the client wants another name', ['-verify_hostname', 'example.org']],
    ])('%s', async (_, flags) => {
      expect(await failureOfOpenssl(flags)).toMatch(
        /^TLS: the client does not trust the server's certificate: it needs/,
      );
    });

    it("the server's certificate has expired", async () => {
      const { folder, caFile } = await certificates();
      const authority = new CertificateAuthority(folder, 'rusty-ca');
      const dates = { validFrom: daysFromNow(-3), validTo: daysFromNow(-2) };
      const { certFile, keyFile } = authority.issue('rusty', { subject: '/CN=localhost', use: 'server', ...dates });
      const certificate = serverCertificate({ certFile, keyFile });
      const { server } = await tlsSides({ certificates: [certificate], clients: clientsOf(caFile) });
      const failure = await failureOfOpenssl(['-CAfile', authority.caFile], server);
      expect(failure).toMatch(/^TLS: to the client the server's certificate has expired: renew certfile/);
    });

    /** That of openssl's client, which unlike Node's says what it objects to. */
    async function failureOfOpenssl(flags: readonly string[], tls = sides.server): Promise<string | undefined> {
      const { watch, listener, handlers } = await open({ tls });
      const { caFile } = await certificates();
      const trusted = flags.includes('-no-CAfile') || flags.includes('-CAfile') ? [] : ['-CAfile', caFile];
      const to = ['-connect', `127.0.0.1:${listener.localPort}`, '-verify_return_error'];
      const client = new RunningProgram(programPath('openssl'), ['s_client', ...to, ...trusted, ...flags], '');
      await watch.until(() => handlers[0]?.closes === 1);
      await client.ended;
      return handlers[0].error?.message;
    }
  });

  describe('says what it got instead of TLS:', () => {
    it.each<[string, string, RegExp]>([
      ['MQTT', '100c00044d5154540402000000', /^the client speaks MQTT without TLS, this listener only with it/],
      ['HTTP', Buffer.from('GET / HTTP/1.1\r\n').toString('hex'), /^the client speaks HTTP without TLS.* wss:\/\//],
      ['something else', '5353482d', /^the first byte, 0x53, is not that of TLS/],
      ['something like TLS', '16ffffffffffffffff', /^TLS: what the client sent is not TLS/],
    ])('%s', async (_, hex, message) => {
      const { watch, listener, handlers } = await open();
      const peer = new SocketPeer(watch, listener.localPort);
      peer.write(Buffer.from(hex, 'hex'));
      await watch.until(() => handlers[0]?.closes === 1 && peer.isClosed);
      expect(handlers[0].error?.message).toMatch(message);
      expect(handlers[0].reads).toEqual([]);
    });

    it('nothing, from a client that goes again: that is no error', async () => {
      const { watch, listener, handlers } = await open();
      new SocketPeer(watch, listener.localPort).close();
      await watch.until(() => handlers[0]?.closes === 1);
      expect(handlers[0].error).toBe(null);
    });

    it('half a handshake', async () => {
      const { watch, listener, handlers } = await open();
      const peer = new SocketPeer(watch, listener.localPort);
      peer.write(HALF_A_HELLO);
      peer.close();
      await watch.until(() => handlers[0]?.closes === 1);
      expect(handlers[0].error?.message).toMatch(/^TLS: the client ended the connection during the handshake/);
    });

    it('garbage after the handshake', async () => {
      const { watch, listener, handlers } = await open();
      const peer = new SocketPeer(watch, listener.localPort, sides.client);
      peer.write(PING);
      await watch.until(() => handlers[0]?.readBytes === 2);
      peer.plainWrite(Buffer.from('this is no record of TLS'));
      await watch.until(() => handlers[0].closes === 1);
      expect(handlers[0].error?.message).toMatch(/^TLS: what the client sent is not TLS/);
    });
  });

  it('has a link before the handshake, which ends a client that does not finish it', async () => {
    const { watch, listener, handlers } = await open();
    const peer = new SocketPeer(watch, listener.localPort);
    await watch.until(() => handlers.length === 1);
    expect(listener.connections).toBe(1);
    expect(listener.handshakes.pending).toBe(0);
    peer.write(HALF_A_HELLO);
    while (listener.handshakes.pending === 0) await new Promise(setImmediate);
    expect(handlers[0].with((link) => link.write(PING))).toBe(true);
    handlers[0].with((link) => link.end());
    await watch.until(() => handlers[0].closes === 1 && peer.isClosed);
    expect(peer.receivedBytes).toBe(0);
    expect(listener.connections).toBe(0);
  });

  it('ends a connection that has said nothing yet', async () => {
    const { watch, listener, handlers } = await open();
    const peer = new SocketPeer(watch, listener.localPort);
    await watch.until(() => handlers.length === 1);
    handlers[0].with((link) => link.end());
    await watch.until(() => handlers[0].closes === 1 && peer.isClosed);
    expect(handlers[0].error).toBe(null);
  });

  it('takes a handshake that comes byte by byte', async () => {
    const { watch, listener, handlers } = await open();
    const relay = createServer((from) => {
      const to = connect({ port: listener.localPort, host: '127.0.0.1', noDelay: true });
      to.pipe(from).on('error', () => {});
      to.on('error', () => {});
      from.on('data', async (chunk: Buffer) => {
        from.pause();
        for (const byte of chunk) await new Promise<void>((resolve) => to.write(Buffer.of(byte), () => resolve()));
        from.resume();
      });
      from.on('close', () => to.destroy());
    });
    await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve));
    const peer = new SocketPeer(watch, (relay.address() as AddressInfo).port, sides.client);
    peer.write(PING);
    await watch.until(() => handlers[0]?.readBytes === 2);
    peer.reset();
    relay.close();
  });

  it('does not let a client repeat the handshake', async () => {
    const { watch, listener, handlers } = await open();
    const peer = new SocketPeer(watch, listener.localPort, { ...sides.client, maxVersion: 'TLSv1.2' });
    peer.write(PING);
    await watch.until(() => handlers[0]?.readBytes === 2);
    const refusal = await new Promise((resolve) => {
      peer.socket.on('error', resolve);
      (peer.socket as TLSSocket).renegotiate({}, resolve);
    });
    expect(refusal).toMatchObject({ code: 'ERR_SSL_NO_RENEGOTIATION' });
  });

  it('speaks WebSocket, too, on the same port', async () => {
    const { watch, listener, handlers } = await open();
    const peer = new WebSocketPeer(watch, listener.localPort, ['mqtt'], sides.client);
    await watch.until(() => peer.webSocket.readyState === WebSocket.OPEN);
    new SocketPeer(watch, listener.localPort, sides.client).write(PING);
    await watch.until(() => handlers[1]?.readBytes === 2);
    expect(handlers.map(({ link }) => link?.transport)).toEqual(['websocket', 'tls']);
    expect(handlers[0].link?.tls).toEqual(TLS_SESSIONS['TLSv1.3']);
  });

  it('reads MQTT that comes in one piece with the end of the handshake', async () => {
    const { watch, listener, handlers } = await open();
    const peer = new SocketPeer(watch, listener.localPort, sides.client);
    peer.socket.once('secureConnect', () => peer.write(PING));
    await watch.until(() => handlers[0]?.readBytes === 2);
    expect(Buffer.concat(handlers[0].reads)).toEqual(PING);
  });
});
