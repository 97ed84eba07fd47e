import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ConnectionOptions, connect } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectPacket } from '../conformance/raw/packet-writer.js';
import { CertificateAuthority, type CertificateFiles } from '../support/certificates.js';
import { areInstalled, programPath } from '../support/programs.js';
import { ConfiguredBroker } from './configured-broker.js';

const HOSTS = 'DNS:localhost,IP:127.0.0.1';
const DAY_MS = 86_400_000;

/** What a client finds: how the connection is secured, and whether its CONNECT is accepted. */
interface Meeting {
  readonly protocol: string | null;
  readonly cipher: string;
  /** The common name of the certificate that the broker shows. */
  readonly shown: string;
  readonly isAccepted: boolean;
}

describe.skipIf(!areInstalled('openssl'))('the effect of the options of TLS (needs openssl)', () => {
  let folder: string;
  let authority: CertificateAuthority;
  let server: CertificateFiles;
  let client: CertificateFiles;
  let secured: string[];
  let asking: string[];

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'cauldron-effects-tls-'));
    authority = new CertificateAuthority(folder, 'ca');
    server = authority.issue('server', { subject: '/O=Cauldron/CN=localhost', use: 'server', hosts: HOSTS });
    client = authority.issue('client', { subject: '/O=Cauldron/OU=tests/CN=client', use: 'client' });
    secured = ['listener 0 127.0.0.1', `certfile ${server.certFile}`, `keyfile ${server.keyFile}`];
    asking = [...secured, `cafile ${authority.caFile}`, 'require_certificate true'];
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  function withCertificate({ certFile, keyFile }: CertificateFiles): ConnectionOptions {
    return { cert: readFileSync(certFile), key: readFileSync(keyFile) };
  }

  /** Resolves when the broker has answered CONNECT or ended the connection. */
  function meet(broker: ConfiguredBroker, options: ConnectionOptions = {}): Promise<Meeting | null> {
    const { port } = broker.server.endpoints[0];
    return new Promise((resolve) => {
      let met: Meeting | null = null;
      const socket = connect({ host: '127.0.0.1', port, ca: readFileSync(authority.caFile), ...options });
      socket.on('error', () => {}); // its end follows
      socket.on('close', () => resolve(met));
      socket.on('secureConnect', () => {
        const shown = String(socket.getPeerCertificate().subject?.CN);
        met = { protocol: socket.getProtocol(), cipher: socket.getCipher().name, shown, isAccepted: false };
        socket.write(connectPacket(4, { clientId: 'a' }));
      });
      socket.on('data', (bytes: Buffer) => {
        if (met !== null) met = { ...met, isAccepted: bytes.toString('hex') === '20020000' };
        socket.destroy();
      });
    });
  }

  it('certfile and keyfile: a listener speaks TLS, and shows that certificate', async () => {
    const broker = await ConfiguredBroker.start(...secured);
    expect(await meet(broker)).toMatchObject({ shown: 'localhost', isAccepted: true });
  });

  it.each(['cafile', 'capath'])('require_certificate with %s: a client has to have one of that CA', async (option) => {
    const cas = join(folder, option);
    mkdirSync(cas);
    writeFileSync(join(cas, 'ca.pem'), readFileSync(authority.caFile));
    const trusted = option === 'cafile' ? `cafile ${authority.caFile}` : `capath ${cas}`;
    const broker = await ConfiguredBroker.start(...secured, trusted, 'require_certificate true');
    expect(await meet(broker, withCertificate(client))).toMatchObject({ isAccepted: true });
    expect((await meet(broker))?.isAccepted ?? false).toBe(false);
  });

  it('crlfile: a certificate that was revoked is of no use', async () => {
    const revoked = authority.issue('revoked', { subject: '/CN=revoked', use: 'client' });
    authority.revoke(revoked);
    const broker = await ConfiguredBroker.start(...asking, `crlfile ${authority.list('revoked')}`);
    expect(await meet(broker, withCertificate(client))).toMatchObject({ isAccepted: true });
    expect((await meet(broker, withCertificate(revoked)))?.isAccepted ?? false).toBe(false);
  });

  it.each([
    ['false', false],
    ['true', true],
  ])('disable_client_cert_date_checks %s: whether one that has expired is taken: %s', async (value, isTaken) => {
    const validTo = new Date(Date.now() - DAY_MS / 2);
    const expired = authority.issue(`expired-${value}`, { subject: '/CN=expired', use: 'client', validTo });
    const broker = await ConfiguredBroker.start(...asking, `disable_client_cert_date_checks ${value}`);
    expect((await meet(broker, withCertificate(expired)))?.isAccepted ?? false).toBe(isTaken);
  });

  it.each([
    ['use_identity_as_username', "u'client'"],
    ['use_subject_as_username', "u'CN=client,OU=tests,O=Cauldron'"],
  ])('%s true: the user is %s', async (option, user) => {
    const broker = await ConfiguredBroker.start(...asking, `${option} true`);
    expect(await meet(broker, withCertificate(client))).toMatchObject({ isAccepted: true });
    expect(await broker.written()).toContain(user);
  });

  it('tls_version tlsv1.3: nothing older', async () => {
    const broker = await ConfiguredBroker.start(...secured, 'tls_version tlsv1.3');
    expect(await meet(broker)).toMatchObject({ protocol: 'TLSv1.3' });
    expect(await meet(broker, { maxVersion: 'TLSv1.2' })).toBeNull();
  });

  it('ciphers: of TLS 1.2, and no others', async () => {
    const broker = await ConfiguredBroker.start(...secured, 'ciphers ECDHE-ECDSA-AES256-GCM-SHA384');
    const older: ConnectionOptions = { maxVersion: 'TLSv1.2' };
    expect(await meet(broker, older)).toMatchObject({ cipher: 'ECDHE-ECDSA-AES256-GCM-SHA384' });
    expect(await meet(broker, { ...older, ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' })).toBeNull();
  });

  it('ciphers_tls1.3: of TLS 1.3, and no others', async () => {
    const broker = await ConfiguredBroker.start(...secured, 'ciphers_tls1.3 TLS_CHACHA20_POLY1305_SHA256');
    expect(await meet(broker)).toMatchObject({ protocol: 'TLSv1.3', cipher: 'TLS_CHACHA20_POLY1305_SHA256' });
  });

  it('dhparamfile: the group of DHE ciphers', async () => {
    const file = join(folder, 'dh.pem');

    execFileSync(programPath('openssl'), [
      'genpkey',
      '-genparam',
      '-algorithm',
      'DH',
      '-pkeyopt',
      'group:ffdhe2048',
      '-out',
      file,
    ]);
    const rsa = authority.issue('rsa', { subject: '/CN=localhost', use: 'server', hosts: HOSTS, key: 'rsa' });
    const files = ['listener 0 127.0.0.1', `certfile ${rsa.certFile}`, `keyfile ${rsa.keyFile}`];
    const broker = await ConfiguredBroker.start(...files, `dhparamfile ${file}`, 'ciphers DHE-RSA-AES128-GCM-SHA256');
    const met = await meet(broker, { maxVersion: 'TLSv1.2', ciphers: 'DHE-RSA-AES128-GCM-SHA256' });
    expect(met).toMatchObject({ cipher: 'DHE-RSA-AES128-GCM-SHA256', isAccepted: true });
  });

  it('tls_keyform pem: keys in files, as without it', async () => {
    const broker = await ConfiguredBroker.start(...secured, 'tls_keyform pem');
    expect(await meet(broker)).toMatchObject({ isAccepted: true });
  });

  it('psk_hint and psk_file: a client with an identity and its key needs no certificate', async () => {
    const file = join(folder, 'psk');
    writeFileSync(file, 'device:00112233445566778899aabbccddeeff\n', { mode: 0o600 });
    const lines = ['psk_hint hint', `psk_file ${file}`, 'use_identity_as_username true'];
    const broker = await ConfiguredBroker.start('listener 0 127.0.0.1', ...lines);
    const offering = (identity: string): ConnectionOptions => ({
      ciphers: 'PSK',
      maxVersion: 'TLSv1.2',
      checkServerIdentity: () => undefined,
      pskCallback: () => ({ identity, psk: Buffer.from('00112233445566778899aabbccddeeff', 'hex') }),
    });
    expect(await meet(broker, offering('device'))).toMatchObject({ isAccepted: true });
    expect(await meet(broker, offering('stranger'))).toBeNull();
    expect(await broker.written()).toContain("u'device'");
  });
});
