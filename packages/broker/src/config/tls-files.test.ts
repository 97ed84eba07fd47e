import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { CertificateAuthority, type Certificates, certificates } from '../../../../test/support/certificates.js';
import { areInstalled, programPath } from '../../../../test/support/programs.js';
import type { CertificatePair, TlsConfig } from './config.js';
import { TlsFileError } from './tls-file-error.js';
import { readTlsFiles } from './tls-files.js';

const DAY_MS = 86_400_000;

type Changes = Partial<TlsConfig & CertificatePair>;

describe.skipIf(!areInstalled('openssl'))('the files of a listener with TLS', () => {
  let made: Certificates;
  let config: TlsConfig;

  beforeAll(async () => {
    made = await certificates();
    config = {
      certificates: [made],
      caFile: null,
      caPath: null,
      requireCertificate: false,
      crlFile: null,
      ignoresClientDates: false,
      minVersion: null,
      ciphers: null,
      ciphersOfTls13: null,
      dhParamFile: null,
      pskHint: null,
      pskFile: null,
      origins: new Map(),
    };
  });

  /** `certFile` and `keyFile` stand in for those of the first pair. */
  const read = ({ certFile, keyFile, ...changed }: Changes = {}) => {
    const pair = { certFile: certFile ?? made.certFile, keyFile: keyFile ?? made.keyFile };
    return readTlsFiles({ ...config, certificates: [pair], ...changed });
  };
  const text = (path: string) => readFileSync(path, 'latin1');

  function file(name: string, ...parts: readonly string[]): string {
    const path = join(made.folder, name);
    writeFileSync(path, parts.join('\n'));
    return path;
  }

  function problemOf(changed: Changes): string {
    try {
      read(changed);
    } catch (error) {
      if (error instanceof TlsFileError) return error.message;
      throw error;
    }
    return '';
  }

  it('are read, with the certificates of intermediate CAs and what is written around them', () => {
    const certFile = file('chain.crt', 'Subject: the server', text(made.certFile), 'its CA:', text(made.caFile));
    const { pairs, authorities, warnings } = read({ certFile, caFile: made.caFile });
    const privateKey = text(made.keyFile);
    expect(pairs).toMatchObject([{ chain: text(made.certFile) + text(made.caFile), privateKey, keyType: 'ec' }]);
    expect(authorities.map(String)).toEqual([text(made.caFile)]);
    expect(warnings.map(({ text }) => text)).toEqual([expect.stringContaining(' expires soon, on ')]);
  });

  it('in capath count once, whatever names they have, and keys beside them do not matter', () => {
    const caPath = join(made.folder, 'cas');
    mkdirSync(caPath);
    copyFileSync(made.caFile, join(caPath, 'one.pem'));
    symlinkSync('one.pem', join(caPath, '0123abcd.0'));
    copyFileSync(made.keyFile, join(caPath, 'key.pem'));
    writeFileSync(join(caPath, 'README'), text(new CertificateAuthority(made.folder, 'unseen').caFile));
    const other = new CertificateAuthority(made.folder, 'other').caFile;
    copyFileSync(other, join(caPath, 'two.crt'));
    expect(read({ caPath }).authorities.map(String).sort()).toEqual([text(made.caFile), text(other)].sort());
    expect(read({ caPath, caFile: made.clientCertFile }).authorities).toHaveLength(3);
  });

  it.each([
    ['certFile', 'certfile'],
    ['keyFile', 'keyfile'],
    ['caFile', 'cafile'],
    ['caPath', 'capath'],
  ])('that are not there are named: %s', (name, option) => {
    expect(problemOf({ [name]: '/nowhere/x' })).toMatch(
      new RegExp(`^${option} /nowhere/x cannot be read: ENOENT: .*'/nowhere/x'\\.$`),
    );
    expect(problemOf({ [name]: 'nowhere/x' })).toContain(`The path counts from ${process.cwd()}`);
  });

  it('are told apart when they are the wrong way round', () => {
    const { certFile, keyFile } = made;
    expect(problemOf({ certFile: keyFile })).toBe(
      `certfile ${keyFile} has no certificate in PEM. It has a private key: are certfile and keyfile the wrong way round?`,
    );
    expect(problemOf({ keyFile: certFile })).toBe(
      `keyfile ${certFile} has no private key in PEM. It has a certificate: are certfile and keyfile the wrong way round?`,
    );
  });

  it('have to belong together', () => {
    expect(problemOf({ keyFile: made.clientKeyFile })).toBe(
      `keyfile ${made.clientKeyFile} is not the private key of certfile ${made.certFile}. Give the two that were made together.`,
    );
  });

  it('begin with the certificate of the server', () => {
    const certFile = file('backwards.crt', text(made.caFile), text(made.certFile));
    expect(problemOf({ certFile })).toContain(`certfile ${certFile} has its certificates in the wrong order`);
  });

  it('are not unlocked: a key with a password is refused with the way to unlock it', () => {
    const keyFile = join(made.folder, 'locked.key');
    const unlocked = ['-in', made.keyFile, '-out', keyFile];
    execFileSync(programPath('openssl'), ['pkey', ...unlocked, '-aes256', '-passout', 'pass:secret']);
    expect(problemOf({ keyFile })).toContain(`To unlock it: openssl pkey -in ${keyFile} -out unlocked.key`);
  });

  it('of other kinds are recognised', () => {
    const der = join(made.folder, 'server.der');
    execFileSync(programPath('openssl'), ['x509', '-in', made.certFile, '-outform', 'DER', '-out', der]);
    expect(problemOf({ certFile: der })).toContain(`openssl x509 -inform DER -in ${der} -out ${der}.pem`);
    const request = file('server.csr', '-----BEGIN CERTIFICATE REQUEST-----', 'AAAA');
    expect(problemOf({ certFile: request })).toContain('It has a request for one, which a CA has yet to sign.');
    expect(problemOf({ caFile: file('notes.txt', 'hello') })).toMatch(/^cafile .* Is it the right file\?$/);
  });

  it('that are damaged are named, with the number of the certificate', () => {
    const damaged = text(made.certFile).replace(/^[A-Za-z0-9+/]{64}\n/m, '');
    expect(problemOf({ caFile: file('damaged.crt', damaged) })).toMatch(/^cafile .*: the certificate is damaged: /);
    const caFile = file('damaged-second.crt', text(made.caFile), damaged);
    expect(problemOf({ caFile })).toMatch(/^cafile .*: the certificate number 2 is damaged: /);
  });

  it('in capath: at least one is needed', () => {
    const caPath = join(made.folder, 'empty');
    mkdirSync(caPath);
    expect(problemOf({ caPath })).toBe(
      `capath ${caPath} has no certificates, in files that end in .pem, .crt or .cer.`,
    );
  });

  it.each([
    ['expired', -3, /^certfile \S+ expired on .* GMT; clients will refuse it\.$/],
    [
      'is not valid yet',
      2,
      /^certfile \S+ is valid from .* GMT only; clients will refuse it\. Is this machine's clock/,
    ],
  ])('are used even if the certificate %s, with a warning', (name, days, warning) => {
    const at = (offset: number) => new Date(Date.now() + (days + offset) * DAY_MS);
    const authority = new CertificateAuthority(made.folder, `ca-${days}`);
    const dates = { validFrom: at(0), validTo: at(1) };
    const issued = authority.issue(`server-${days}`, {
      subject: '/CN=localhost',
      use: 'server',
      hosts: 'DNS:localhost',
      ...dates,
    });
    expect(
      read(issued).warnings.map(({ text }) => text),
      name,
    ).toContainEqual(expect.stringMatching(warning));
  });
});
