import { generatePrimeSync } from 'node:crypto';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { CertificateAuthority, type Certificates, certificates } from '../../../../test/support/certificates.js';
import { areInstalled } from '../../../../test/support/programs.js';
import { readConfig } from '../config/read-config.js';
import { checkTls } from './listener-tls.js';

const DAY_MS = 86_400_000;

/** In PEM, with a prime of this many bits. */
function dhParameters(bits: number): string {
  const prime = Buffer.from(generatePrimeSync(bits));
  const lengthOf = (size: number) => (size < 128 ? [size] : [0x81, size]);
  const numbers = Buffer.concat([Buffer.of(0x02, ...lengthOf(prime.length + 1), 0), prime, Buffer.of(0x02, 1, 2)]);
  const der = Buffer.concat([Buffer.of(0x30, ...lengthOf(numbers.length)), numbers]);
  return `-----BEGIN DH PARAMETERS-----\n${der.toString('base64')}\n-----END DH PARAMETERS-----\n`;
}

describe.skipIf(!areInstalled('openssl'))('what listeners need for TLS', () => {
  let made: Certificates;
  let ca: CertificateAuthority;
  let good: readonly string[];

  beforeAll(async () => {
    made = await certificates();
    ca = new CertificateAuthority(made.folder, 'check-ca');
    const longer = { validTo: new Date(Date.now() + 100 * DAY_MS) };
    const server = { subject: '/CN=localhost', use: 'server', hosts: 'DNS:localhost', ...longer } as const;
    const { certFile, keyFile } = ca.issue('check', server);
    good = [`certfile ${certFile}`, `keyfile ${keyFile}`];
  });

  function file(name: string, text: string, mode = 0o600): string {
    const path = join(made.folder, name);
    writeFileSync(path, text);
    chmodSync(path, mode);
    return path;
  }

  const check = (...lines: readonly string[]) => checkTls(readConfig(lines.join('\n'), 'test.conf').listeners);
  const problems = (...lines: readonly string[]) => check(...lines).problems;
  const warnings = (...lines: readonly string[]) => {
    const checked = check(...lines);
    expect(checked.problems).toEqual([]);
    return checked.warnings;
  };

  it('is nothing for those who do not speak it, and may be all good', () => {
    expect(check('listener 1883')).toEqual({ problems: [], warnings: [] });
    expect(check('listener 8883', ...good)).toEqual({ problems: [], warnings: [] });
    const keys = file('keys', 'a:00');
    expect(check(`psk_file ${keys}`, 'listener 8883', 'psk_hint x')).toEqual({ problems: [], warnings: [] });
    expect(check('listener 8883', ...good, ...good)).toEqual({ problems: [], warnings: [] });
  });

  it('is checked for all listeners, and what is wrong has its place in the configuration', () => {
    const keys = file('bad-keys', 'a\nb:xx');
    const lines = ['listener 1', ...good, 'certfile /x', 'keyfile /y', 'listener 2', `certfile ${made.certFile}`];
    expect(problems(...lines, `keyfile ${made.clientKeyFile}`, `psk_file ${keys}`, 'listener 3', 'psk_hint x')).toEqual(
      [
        expect.stringMatching(/^test\.conf:4: certfile \/x cannot be read: ENOENT/),
        expect.stringMatching(/^test\.conf:8: keyfile \S+ is not the private key of certfile \S+\./),
        expect.stringMatching(/^psk_file \S+bad-keys:1: a line has to be/),
        expect.stringMatching(/^psk_file \S+bad-keys:2: the key has to be hexadecimal/),
      ],
    );
  });

  it('includes psk_file with psk_hint', () => {
    expect(problems('listener 8883', 'psk_hint x')).toEqual([
      "test.conf:2: psk_hint x needs psk_file, the keys of the clients: 'psk_file /path/to/keys'.",
    ]);
  });

  it.each([
    ['ciphers NONSENSE', /^test\.conf:4: ciphers NONSENSE has no name that OpenSSL knows\./],
    [
      'ciphers_tls1.3 TLS_AES_128_GCM_SHA256:NULL',
      /^test\.conf:4: ciphers_tls1\.3 \S+ has a name .*: NULL\. Those are TLS_\S+, /,
    ],
    [
      'ciphers_tls1.3 NONSENSE',
      /^test\.conf:4: ciphers_tls1\.3 NONSENSE has a name that is none of TLS 1\.3: NONSENSE\. /,
    ],
  ])('has to make sense: %s', (line, message) => {
    expect(problems('listener 8883', ...good, line)).toEqual([expect.stringMatching(message)]);
  });

  it('includes lists of what was revoked', () => {
    const list = ca.list('check-list');
    const client = [`cafile ${ca.caFile}`, 'require_certificate true'];
    expect(warnings('listener 8883', ...good, ...client, `crlfile ${list}`)).toEqual([]);
    expect(warnings('listener 8883', ...good, `crlfile ${list}`)).toEqual([
      expect.stringMatching(/^test\.conf:4: crlfile \S+ has no effect: clients are asked for certificates with/),
    ]);
    const none = [`crlfile ${made.caFile}`, `crlfile ${file('empty.crl', '')}`];
    const found = none.flatMap((line) => problems('listener 8883', ...good, ...client, line));
    expect(found).toEqual([
      expect.stringMatching(
        /^test\.conf:6: crlfile \S+ has no revocation list in PEM\. It has a certificate\. openssl ca -gencrl/,
      ),
      expect.stringMatching(/^test\.conf:6: crlfile \S+ has no revocation list in PEM\. Is it the right file\?/),
    ]);
    const text = readFileSync(list, 'latin1');
    const damaged = file('damaged.crl', `${text}${text.replace(/\n[^\n]{20}/, '\n')}`);
    expect(problems('listener 8883', ...good, ...client, `crlfile ${damaged}`)).toEqual([
      expect.stringMatching(/^test\.conf:6: crlfile \S+: the list number 2 cannot be used: /),
    ]);
  });

  it('is warned of, where a CA or a list has expired, as clients are refused then', () => {
    const yesterday = new Date(Date.now() - DAY_MS);
    const lists = file(
      'lists.crl',
      ['old', 'new']
        .map((name, index) => {
          return readFileSync(ca.list(name, index === 0 ? { nextUpdate: yesterday } : {}), 'latin1');
        })
        .join(''),
    );
    const late = new CertificateAuthority(made.folder, 'late-ca', { issuer: ca, validTo: yesterday });
    const cas = file('cas.pem', readFileSync(ca.caFile, 'latin1') + readFileSync(late.caFile, 'latin1'));
    expect(warnings('listener 8883', ...good, `cafile ${cas}`, 'require_certificate true', `crlfile ${lists}`)).toEqual(
      [
        expect.stringMatching(
          /^test\.conf:4: cafile \S+: the CA O=Cauldron,CN=late-ca expired on .* GMT; its clients are refused\.$/,
        ),
        expect.stringMatching(
          /^test\.conf:6: crlfile \S+: the list number 1 should have been renewed on .* GMT; without/,
        ),
      ],
    );
  });

  it('includes parameters for DHE', () => {
    const [small, enough] = [512, 1024].map((bits) => `dhparamfile ${file(`dh-${bits}`, dhParameters(bits))}`);
    expect(problems('listener 8883', ...good, enough)).toEqual([]);
    expect(problems('listener 8883', ...good, small)).toEqual([
      expect.stringMatching(/^test\.conf:4: dhparamfile \S+ cannot be used: .*1024/),
    ]);
    expect(problems('listener 8883', ...good, `dhparamfile ${made.caFile}`)).toEqual([
      expect.stringMatching(/^test\.conf:4: dhparamfile \S+ has no DH parameters in PEM\. Remove the line/),
    ]);
  });

  it('is warned of, where clients will object, and where others can read a secret', () => {
    const soon = ca.issue('soon', {
      subject: '/CN=localhost',
      use: 'server',
      validTo: new Date(Date.now() + 10.5 * DAY_MS),
    });
    chmodSync(soon.keyFile, 0o644);
    const keys = file('open-keys', 'a:00', 0o644);
    const lines = ['listener 8883', `certfile ${soon.certFile}`, `keyfile ${soon.keyFile}`];
    expect(warnings(...lines, 'psk_hint x', `psk_file ${keys}`)).toEqual([
      expect.stringMatching(/^test\.conf:2: certfile \S+ expires in 10 days, on .* GMT\. Renew it, and reload\.$/),
      expect.stringMatching(
        /^test\.conf:2: certfile \S+ lists no names \(subjectAltName\); most clients will refuse it\.$/,
      ),
      expect.stringMatching(/^test\.conf:3: keyfile (\S+) can be read by every user of this machine: chmod o-r \1$/),
      expect.stringMatching(/^psk_file (\S+) can be read by every user of this machine: chmod o-r \1$/),
    ]);
  });
});
