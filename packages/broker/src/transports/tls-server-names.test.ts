import type { SecureContext } from 'node:tls';
import { connect, type TLSSocket } from 'node:tls';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  openListener,
  SocketPeer,
  serverCertificate,
  type TestListener,
  tlsSides,
} from '../../../../test/contract/link-peers.js';
import { CertificateAuthority, certificates } from '../../../../test/support/certificates.js';
import { areInstalled } from '../../../../test/support/programs.js';
import { type ServerCertificate, ServerContexts } from './tls-server-names.js';

/** What would be in the context that a client gets. */
function choose(name: string | null, ...certificates: readonly [names: string, keyType?: string][]): string {
  const all = certificates.map(([names, keyType = 'ec']): ServerCertificate => {
    return { chain: `${names} ${keyType}`, privateKey: '', names: names.split(' '), keyType };
  });
  const built = new Map<SecureContext, string>();
  const contexts = new ServerContexts(all, (chosen) => {
    const context: SecureContext = { context: null };
    built.set(context, chosen.map(({ chain }) => chain).join(' + '));
    return context;
  });
  return built.get(contexts.contextFor(name)) ?? '';
}

describe('a client is shown', () => {
  it('the certificate with the name that it asks for', () => {
    expect(choose('b.org', ['a.org'], ['b.org'])).toBe('b.org ec');
    expect(choose('B.ORG.', ['a.org'], ['c.org b.org'])).toBe('c.org b.org ec');
  });

  it('the first one when it asks for no name, or for one that nobody has', () => {
    expect(choose(null, ['a.org'], ['b.org'])).toBe('a.org ec');
    expect(choose('c.org', ['a.org'], ['b.org'])).toBe('a.org ec');
    expect(choose('', [''], ['b.org'])).toBe(' ec');
  });

  it('one with a star, which stands for one label', () => {
    expect(choose('x.b.org', ['a.org'], ['*.b.org'])).toBe('*.b.org ec');
    expect(choose('y.x.b.org', ['a.org'], ['*.b.org'])).toBe('a.org ec');
    expect(choose('b.org', ['a.org'], ['*.b.org'])).toBe('a.org ec');
    expect(choose('.b.org', ['a.org'], ['*.b.org'])).toBe('a.org ec');
  });

  it('rather the very name than a star, and the first of equals', () => {
    expect(choose('x.b.org', ['a.org'], ['*.b.org'], ['x.b.org'])).toBe('x.b.org ec');
    expect(choose('b.org', ['a.org'], ['b.org c.org'], ['b.org'])).toBe('b.org c.org ec');
  });

  it('both, where there is one for each kind of key', () => {
    expect(choose('b.org', ['a.org'], ['b.org', 'rsa'], ['b.org'])).toBe('b.org rsa + b.org ec');
    expect(choose(null, ['a.org', 'rsa'], ['b.org'], ['a.org'])).toBe('a.org rsa + a.org ec');
    expect(choose('x.b.org', ['a.org'], ['*.b.org', 'rsa'], ['x.b.org'])).toBe('*.b.org rsa + x.b.org ec');
  });
});

describe.skipIf(!areInstalled('openssl'))('a listener with several certificates', () => {
  let made: ServerCertificate[];
  let ca: CertificateAuthority;
  let opened: TestListener[] = [];

  beforeAll(async () => {
    const { folder } = await certificates();
    ca = new CertificateAuthority(folder, 'names-ca');
    const issue = (name: string, hosts: string, key: 'ec' | 'rsa') =>
      serverCertificate(ca.issue(name, { subject: `/CN=${name}`, use: 'server', hosts, key }));
    made = [
      issue('first', 'DNS:a.example.org', 'ec'),
      issue('stars', 'DNS:*.example.com,DNS:example.com', 'ec'),
      issue('rsa', 'DNS:example.com', 'rsa'),
    ];
  });

  afterEach(async () => {
    for (const { listener, handlers, watch } of opened) {
      listener.close();
      for (const handler of handlers) if (handler.closes === 0) handler.with((link) => link.destroy());
      await watch.until(() => handlers.every(({ closes }) => closes > 0));
    }
    opened = [];
  });

  async function open(): Promise<TestListener> {
    const { server } = await tlsSides({ certificates: made, clients: null });
    const listener = await openListener({ tls: server });
    opened.push(listener);
    return listener;
  }

  async function shown(port: number, servername: string, sigalgs?: string): Promise<string> {
    const options = { port, host: '127.0.0.1', servername, rejectUnauthorized: false };
    const socket: TLSSocket = connect(sigalgs === undefined ? options : { ...options, sigalgs, maxVersion: 'TLSv1.2' });
    await new Promise((resolve, reject) => socket.on('secureConnect', resolve).on('error', reject));
    const { CN } = socket.getPeerCertificate().subject;
    socket.destroy();
    return String(CN);
  }

  it('shows each client the one that it asks for, and the one that it can verify', async () => {
    const { listener } = await open();
    const port = listener.localPort;
    expect(await shown(port, 'a.example.org')).toBe('first');
    expect(await shown(port, 'x.example.com')).toBe('stars');
    expect(await shown(port, 'example.com')).toBe('stars');
    expect(await shown(port, 'example.com', 'rsa_pss_rsae_sha256')).toBe('rsa');
    expect(await shown(port, '')).toBe('first');
    expect(await shown(port, 'elsewhere.net')).toBe('first');
  });

  it('never shows one of another name because its key suits the client', async () => {
    const { watch, handlers, listener } = await open();
    await expect(shown(listener.localPort, 'a.example.org', 'rsa_pss_rsae_sha256')).rejects.toThrow('alert');
    await watch.until(() => handlers[0].closes === 1);
    expect(handlers[0].error?.message).toMatch(/no cipher in common .* The client offers ECDHE-/);
  });

  it('waits for a first message that comes in pieces', async () => {
    const { watch, handlers, listener } = await open();
    const peer = new SocketPeer(watch, listener.localPort);
    const hello = Buffer.concat([Buffer.from('1603010030', 'hex'), Buffer.from('0100002c0303', 'hex')]);
    for (const byte of hello) peer.write(Buffer.of(byte));
    while (listener.handshakes.pending === 0) await new Promise(setImmediate);
    peer.close();
    await watch.until(() => handlers[0]?.closes === 1);
    expect(handlers[0].error?.message).toMatch(/^TLS: the client ended the connection during the handshake/);
    expect(listener.handshakes.pending).toBe(0);
  });

  it('takes a first message of several records', async () => {
    const { watch, handlers, listener } = await open();
    const peer = new SocketPeer(watch, listener.localPort);
    peer.write(Buffer.from('16030100020100' + '160301000400100303', 'hex'));
    peer.write(Buffer.concat([Buffer.from('160301000e', 'hex'), Buffer.alloc(14)]));
    await watch.until(() => handlers[0]?.closes === 1);
    expect(handlers[0].error?.message).toMatch(/^TLS: /);
  });
});
