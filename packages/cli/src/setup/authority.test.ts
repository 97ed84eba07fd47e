import { execFileSync, spawnSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { areInstalled, programPath } from '../../../../test/support/programs.js';
import {
  Authority,
  DAY_MS,
  daysLeftOf,
  hostsOf,
  type Issued,
  type KeyKind,
  newAuthority,
  revocationsIn,
} from './authority.js';
import { pkcs12 } from './pkcs12.js';

const HOSTS = ['myhome.example.org', 'localhost', '127.0.0.1', '::1', 'fe80::1'];

describe.skipIf(!areInstalled('openssl')).each(['ecdsa', 'rsa'] as const)(
  'a CA with keys of the kind %s',
  (kind: KeyKind) => {
    let folder: string;
    let ca: Issued;
    let authority: Authority;

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), 'cauldron-authority-'));
      ca = await newAuthority('Test CA', kind, 100);
      authority = await Authority.open(ca);
      writeFileSync(path('ca.crt'), ca.certificate);
    });

    afterAll(() => rmSync(folder, { recursive: true }));

    function path(name: string): string {
      return join(folder, name);
    }

    function openssl(...argv: readonly string[]): string {
      return execFileSync(programPath('openssl'), argv, { encoding: 'utf8', stdio: 'pipe' });
    }

    it('issues certificates of servers that openssl verifies for every name and address', async () => {
      const issued = await authority.issue({ name: HOSTS[0], use: 'server', hosts: HOSTS, key: kind, days: 50 });
      writeFileSync(path('server.crt'), issued.certificate);
      for (const host of HOSTS) {
        const flag = /[\d:]+$/.test(host) && !/[g-z]/.test(host) ? '-verify_ip' : '-verify_hostname';
        const argv = ['verify', '-x509_strict', '-purpose', 'sslserver', flag, host, '-CAfile', path('ca.crt')];
        expect(openssl(...argv, path('server.crt'))).toContain('OK');
      }
      const wrong = ['verify', '-verify_hostname', 'elsewhere.example.org', '-CAfile', path('ca.crt')];
      expect(spawnSync(programPath('openssl'), [...wrong, path('server.crt')]).status).not.toBe(0);
      expect(hostsOf(new X509Certificate(issued.certificate))).toContain('myhome.example.org');
    });

    it('issues certificates of clients that are good for nothing else, and until the day that was asked for', async () => {
      const issued = await authority.issue({ name: 'fred', use: 'client', hosts: [], key: kind, days: 50 });
      writeFileSync(path('fred.crt'), issued.certificate);
      const verify = ['verify', '-CAfile', path('ca.crt'), '-purpose'];
      expect(openssl(...verify, 'sslclient', path('fred.crt'))).toContain('OK');
      expect(spawnSync(programPath('openssl'), [...verify, 'sslserver', path('fred.crt')]).status).not.toBe(0);
      const certificate = new X509Certificate(issued.certificate);
      expect(daysLeftOf(certificate, Date.now() + 1000)).toBe(49);
      expect(daysLeftOf(certificate, Date.now() + 51 * DAY_MS)).toBeLessThan(0);
    });

    it('issues nothing that is good for longer than itself', async () => {
      const issued = await authority.issue({ name: 'fred', use: 'client', hosts: [], key: kind, days: 500 });
      expect(new X509Certificate(issued.certificate).validTo).toBe(new X509Certificate(ca.certificate).validTo);
    });

    it('takes certificates back by a list that openssl heeds', async () => {
      const issued = await authority.issue({ name: 'gone', use: 'client', hosts: [], key: kind, days: 50 });
      const { serialNumber } = new X509Certificate(issued.certificate);
      const at = new Date(Math.floor(Date.now() / 1000) * 1000);
      const list = await authority.revocationList([{ serialNumber, at }]);
      writeFileSync(path('gone.crt'), issued.certificate);
      writeFileSync(path('empty.crl'), await authority.revocationList([]));
      writeFileSync(path('full.crl'), list);
      const verify = ['verify', '-crl_check', '-CAfile', path('ca.crt'), '-CRLfile'];
      expect(openssl(...verify, path('empty.crl'), path('gone.crt'))).toContain('OK');
      const refused = spawnSync(programPath('openssl'), [...verify, path('full.crl'), path('gone.crt')]);
      expect(refused.stderr.toString()).toContain('certificate revoked');
      expect(revocationsIn(list)).toEqual([{ serialNumber: serialNumber.toLowerCase(), at }]);
      expect(openssl('crl', '-noout', '-crlnumber', '-in', path('full.crl'))).toMatch(/crlNumber=0x[0-9A-F]+/);
    });

    it('has its certificates put into files that openssl opens with the password only', async () => {
      const issued = await authority.issue({ name: 'fred', use: 'client', hosts: [], key: kind, days: 50 });
      const certificate = new X509Certificate(issued.certificate);
      const key = execFileSync(programPath('openssl'), ['pkcs8', '-topk8', '-nocrypt', '-outform', 'DER'], {
        input: issued.privateKey,
      });
      const certificates = [certificate.raw, new X509Certificate(ca.certificate).raw];
      writeFileSync(path('fred.p12'), pkcs12({ name: 'fred ü', certificates, privateKey: key, password: 'geheim ü' }));
      const open = ['pkcs12', '-in', path('fred.p12'), '-nodes', '-passin'];
      const shown = openssl(...open, 'pass:geheim ü');
      expect(shown).toContain(issued.privateKey.trim());
      expect(shown).toContain(certificate.toString().trim());
      expect(shown).toContain(new X509Certificate(ca.certificate).toString().trim());
      expect(spawnSync(programPath('openssl'), [...open, 'pass:wrong']).status).not.toBe(0);
    });
  },
);
