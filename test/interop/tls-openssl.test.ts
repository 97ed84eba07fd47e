import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BrokerProcess } from '../support/broker-process.js';
import { CertificateAuthority, type CertificateFiles, certificates } from '../support/certificates.js';
import { areInstalled, programPath } from '../support/programs.js';
import { killAll, RunningProgram } from '../support/running-program.js';

const KEY = '000123456789abcdef0123456789abcd';
/** What openssl shows of it. */
const CONNACK = ' \x02\0\0';
/** What is shown of its first byte, which is no UTF-8. */
const PINGRESP = '\ufffd\0';
const CONNECT = Buffer.from('100d00044d51545404020000000161', 'hex');

describe.skipIf(!areInstalled('openssl'))("openssl's client", () => {
  let ca: CertificateAuthority;
  let folder: string;
  let first: CertificateFiles;
  let pair: CertificateFiles;
  let rsa: CertificateFiles;
  let config: string[];
  let broker: BrokerProcess;

  beforeAll(async () => {
    folder = join((await certificates()).folder, 'openssl');
    mkdirSync(folder);
    ca = new CertificateAuthority(folder, 'ca');
    const server = (name: string, hosts: string, key: 'ec' | 'rsa' = 'ec') =>
      ca.issue(name, { subject: `/CN=${name}`, use: 'server', hosts, key });
    first = server('first', 'DNS:localhost,IP:127.0.0.1');
    pair = server('pair-ec', 'DNS:pair.test,DNS:*.pair.test');
    rsa = server('pair-rsa', 'DNS:pair.test', 'rsa');
    writeFileSync(join(folder, 'keys'), `device-1:${KEY}\n`);
    const files = [first, pair, rsa].flatMap(({ certFile, keyFile }) => [`certfile ${certFile}`, `keyfile ${keyFile}`]);
    config = [...files, 'psk_hint a hint', `psk_file ${join(folder, 'keys')}`];
    broker = await BrokerProcess.start(config);
  });

  afterAll(async () => {
    await broker?.stop();
    await killAll();
  });

  /** What it shows of a connection that sends a CONNECT, until it has an answer or is told why not. */
  async function run(flags: readonly string[], on: BrokerProcess = broker): Promise<string> {
    const to = ['-connect', `127.0.0.1:${on.port}`, '-CAfile', ca.caFile, '-ign_eof'];
    const program = new RunningProgram(programPath('openssl'), ['s_client', ...to, ...flags]);
    program.process.stdin?.write(CONNECT);
    await program.shows(CONNACK).catch(() => program.ended);
    await program.stop();
    return program.shown;
  }

  it.each([
    ['-noservername', 'first'],
    ['-servername elsewhere.test', 'first'],
    ['-servername pair.test', 'pair-ec'],
    ['-servername x.pair.test', 'pair-ec'],
    ['-servername pair.test -tls1_2 -cipher ECDHE-RSA-AES128-GCM-SHA256', 'pair-rsa'],
    ['-servername pair.test -sigalgs RSA-PSS+SHA256', 'pair-rsa'],
  ])('with %s is shown the certificate %s', async (flags, name) => {
    const shown = await run(flags.split(' '));
    expect(/^subject=(?:CN = |CN=)(.*)$/m.exec(shown)?.[1]).toBe(name);
  });

  it.each([
    ['TLSv1.2', '-tls1_2'],
    ['TLSv1.3', '-tls1_3'],
  ])('verifies the server with %s, by name', async (version, flag) => {
    const shown = await run([
      flag,
      '-servername',
      'pair.test',
      '-verify_hostname',
      'pair.test',
      '-verify_return_error',
    ]);
    expect(shown).toMatch(new RegExp(`New, ${version}, Cipher is `));
    expect(shown).toContain('Verification: OK');
  });

  it('of TLS 1.1 is refused, and the log says which version it speaks', async () => {
    await run(['-tls1_1', '-cipher', 'DEFAULT@SECLEVEL=0']);
    await broker.program.shows(
      'the client speaks only older versions of TLS than this listener (tls_version), TLS 1.1 at most',
    );
  });

  it('whose ciphers the listener does not have is refused, and the log says which they are', async () => {
    await run(['-tls1_2', '-cipher', 'AES128-SHA256:CAMELLIA128-SHA256']);
    await broker.program.showsMatch(/no cipher in common .*\. The client offers AES128-SHA256, 0x00ba \(/);
  });

  it.each(['-tls1_2', '-tls1_3'])('with a pre-shared key and %s is known by its identity', async (version) => {
    const shown = await run([version, '-psk_identity', 'device-1', '-psk', KEY]);
    expect(shown).toContain(CONNACK);
    expect(shown).not.toContain('BEGIN CERTIFICATE');
  });

  it('with -crl_check takes the list that the broker takes, and sees that the broker is not on it', async () => {
    const list = ca.list('server');
    const shown = await run(['-crl_check', '-CRL', list, '-servername', 'pair.test', '-verify_return_error']);
    expect(shown).toContain('Verification: OK');
  });

  it('is shown the renewed certificate after a reload, while those who are connected stay', async () => {
    const own = ca.issue('renewed', { subject: '/CN=before', use: 'server', hosts: 'DNS:localhost' });
    const lines = [`certfile ${own.certFile}`, `keyfile ${own.keyFile}`];
    const other = await BrokerProcess.start(lines);
    const to = ['-connect', `127.0.0.1:${other.port}`, '-CAfile', ca.caFile, '-ign_eof'];
    const staying = new RunningProgram(programPath('openssl'), ['s_client', ...to]);
    staying.process.stdin?.write(CONNECT.with(-1, 'z'.charCodeAt(0)));
    await staying.shows(CONNACK);
    ca.issue('renewed', { subject: '/CN=after', use: 'server', hosts: 'DNS:localhost' });
    expect(await other.reload(lines)).toBe(true);
    expect(await run([], other)).toMatch(/^subject=CN ?= ?after$/m);
    const key = readFileSync(own.keyFile);
    writeFileSync(own.keyFile, 'no key');
    expect(await other.reload(lines)).toBe(false);
    await other.program.showsMatch(/test\.conf:\d+: keyfile \S+ has no private key in PEM/);
    writeFileSync(own.keyFile, key);
    expect(await run([], other)).toMatch(/^subject=CN ?= ?after$/m);
    staying.process.stdin?.write(Buffer.from('c000', 'hex'));
    await staying.shows(PINGRESP);
    await other.stop();
  });
});
