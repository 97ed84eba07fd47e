import { afterEach, describe, expect, it } from 'vitest';
import { clientsOf, openListener, serverCertificate, type TestListener } from '../../../../test/contract/link-peers.js';
import { certificates } from '../../../../test/support/certificates.js';
import { areInstalled, programPath } from '../../../../test/support/programs.js';
import { killAll, RunningProgram } from '../../../../test/support/running-program.js';
import { ListenerTls, type ListenerTlsOptions } from './tls-socket.js';

const KEY = '0123456789abcdef0123456789abcdef';
const VERSIONS = ['tls1_2', 'tls1_3'] as const;

const keys = (entries: Record<string, string> = { alice: KEY, größe: 'ff00' }) => ({
  hint: 'hint',
  byIdentity: new Map(Object.entries(entries).map(([identity, key]) => [identity, Buffer.from(key, 'hex')])),
});

describe.skipIf(!areInstalled('openssl'))('a listener with pre-shared keys', () => {
  let opened: TestListener[] = [];

  afterEach(async () => {
    for (const { listener, handlers, watch } of opened) {
      listener.close();
      for (const handler of handlers) if (handler.closes === 0) handler.with((link) => link.destroy());
      await watch.until(() => handlers.every(({ closes }) => closes > 0));
    }
    opened = [];
    await killAll();
  });

  function tls(options: Partial<ListenerTlsOptions> = {}): ListenerTls {
    return new ListenerTls({
      certificates: [],
      clients: null,
      psk: keys(),
      keyLog: null,
      minVersion: 'TLSv1.2',
      ciphers: null,
      ciphersOfTls13: null,
      dhParameters: null,
      ...options,
    });
  }

  async function open(options: Partial<ListenerTlsOptions> = {}): Promise<TestListener> {
    const listener = await openListener({ tls: tls(options) });
    opened.push(listener);
    return listener;
  }

  /** openssl's client, which says one byte if it gets that far. */
  function client({ listener }: TestListener, ...flags: readonly string[]): RunningProgram {
    const to = ['-connect', `127.0.0.1:${listener.localPort}`, '-quiet', '-no_ign_eof'];
    return new RunningProgram(programPath('openssl'), ['s_client', ...to, ...flags], 'x');
  }

  const offering = (identity: string, key: string = KEY) => ['-psk_identity', identity, '-psk', key];

  async function resultOf(test: TestListener, ...flags: readonly string[]) {
    const { watch, handlers } = test;
    const index = handlers.length;
    const program = client(test, ...flags);
    await watch.until(() => handlers[index]?.closes === 1 || handlers[index]?.readBytes === 1);
    await program.stop();
    const handler = handlers[index];
    return { message: handler.error?.message ?? null, tls: handler.link?.tls ?? null };
  }

  describe.each(VERSIONS)('and %s', (version) => {
    it('knows a client by its identity', async () => {
      const { message, tls: session } = await resultOf(await open(), `-${version}`, ...offering('alice'));
      expect(message).toBe(null);
      expect(session).toMatchObject({
        protocol: version === 'tls1_2' ? 'TLSv1.2' : 'TLSv1.3',
        client: { proof: 'psk', commonName: 'alice', subject: '' },
      });
    });

    it('takes identities that are not of ASCII, and short keys', async () => {
      const { tls: session } = await resultOf(await open(), `-${version}`, ...offering('größe', 'ff00'));
      expect(session?.client?.commonName).toBe('größe');
    });

    it('names an identity that it does not know', async () => {
      const { message } = await resultOf(await open(), `-${version}`, ...offering('bob'));
      expect(message).toMatch(/^TLS: the client's PSK identity 'bob' is not in psk_file \(/);
    });

    it('names the identity of a client with another key', async () => {
      const { message } = await resultOf(await open(), `-${version}`, ...offering('alice', '00'));
      expect(message).toMatch(/^TLS: the client's key for the PSK identity 'alice' is not the one in psk_file \(/);
    });

    it('tells a client without a key what is missing', async () => {
      const { message } = await resultOf(await open(), `-${version}`);
      expect(message).toMatch(/^TLS: the client offers no pre-shared key, which this listener wants \(psk_hint\)/);
    });

    it('serves clients without a key by its certificate, if it has one, and does not take them for somebody', async () => {
      const test = await open({ certificates: [serverCertificate(await certificates())] });
      expect((await resultOf(test, `-${version}`)).tls?.client).toBe(null);
      expect((await resultOf(test, `-${version}`, ...offering('alice'))).tls?.client?.commonName).toBe('alice');
    });
  });

  it.each(VERSIONS)(
    'with require_certificate and %s, a key stands in for a certificate, and nothing for both',
    async (version) => {
      const made = await certificates();
      const test = await open({ certificates: [serverCertificate(made)], clients: clientsOf(made.caFile) });
      const { tls: byKey } = await resultOf(test, `-${version}`, ...offering('alice'));
      expect(byKey?.client).toMatchObject({ proof: 'psk', commonName: 'alice' });
      const { message, tls: byNothing } = await resultOf(test, `-${version}`);
      expect(message).toContain('the client showed no certificate, and require_certificate is true');
      expect(byNothing).toBe(null);
      const files = ['-cert', made.clientCertFile, '-key', made.clientKeyFile];
      const { tls: byCertificate } = await resultOf(test, `-${version}`, ...files);
      expect(byCertificate?.client).toMatchObject({ proof: 'certificate', commonName: 'client' });
    },
  );

  it('takes all ciphers of their kind by one word', async () => {
    const test = await open({ ciphers: 'PSK' });
    expect((await resultOf(test, '-tls1_2', ...offering('alice'))).tls?.client?.commonName).toBe('alice');
  });

  it('does not take an identity for proven whose key was not used', async () => {
    // The key of a client of TLS 1.3 goes with ciphers of SHA-256 only.
    const test = await open({
      certificates: [serverCertificate(await certificates())],
      ciphersOfTls13: 'TLS_AES_256_GCM_SHA384',
    });
    const { message, tls: session } = await resultOf(test, '-tls1_3', ...offering('alice', '00'));
    expect(message).toBe(null);
    expect(session?.client).toBe(null);
  });

  it.each(['ECDHE-PSK-CHACHA20-POLY1305', 'DHE-PSK-AES256-GCM-SHA384', 'PSK-AES128-CCM', 'PSK-AES128-CBC-SHA'])(
    'speaks %s',
    async (cipher) => {
      const { message } = await resultOf(await open(), '-tls1_2', '-cipher', cipher, ...offering('alice'));
      expect(message).toBe(null);
    },
  );

  it('takes the ciphers that it is given', async () => {
    const test = await open({ ciphers: 'PSK-AES256-CBC-SHA384' });
    const { tls: session } = await resultOf(test, '-tls1_2', ...offering('alice'));
    expect(session?.cipher).toBe('TLS_PSK_WITH_AES_256_CBC_SHA384');
  });

  it('tells clients of TLS 1.2 its hint', async () => {
    const test = await open();
    const to = ['-connect', `127.0.0.1:${test.listener.localPort}`, '-tls1_2', ...offering('alice')];
    const program = new RunningProgram(programPath('openssl'), ['s_client', ...to]);
    await program.shows('PSK identity hint: hint');
  });

  it.each([
    ['stays', keys(), null],
    ['is gone', keys({ bob: KEY }), 'its identity is no longer in psk_file'],
    ['has another key', keys({ alice: '00' }), 'the key of its identity in psk_file has changed'],
    ['is not asked for any more', null, 'the listener no longer takes pre-shared keys (psk_hint)'],
  ])('says of a connection whose identity %s in the new file what follows', async (_, psk, objection) => {
    const { tls: session } = await resultOf(await open(), '-tls1_3', ...offering('alice'));
    const certificate = serverCertificate(await certificates());
    expect(tls({ psk, certificates: [certificate] }).objectionTo(session)).toBe(objection);
  });
});
