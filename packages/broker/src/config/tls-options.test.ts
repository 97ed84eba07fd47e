import { describe, expect, it } from 'vitest';
import { ConfigError } from './config.js';
import { readConfig } from './read-config.js';

const FILE = 'test.conf';
const [cert, key] = ['certfile /etc/a.crt', 'keyfile /etc/a.key'];

const read = (...lines: readonly string[]) => readConfig(lines.join('\n'), FILE);

function problems(...lines: readonly string[]): readonly string[] {
  try {
    read(...lines);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe('the options of TLS', () => {
  it('make a listener speak it by certfile and keyfile, and no other', () => {
    const { listeners } = read('listener 1883', 'listener 8883', cert, key);
    expect(listeners.map(({ tls }) => tls)).toEqual([
      null,
      {
        certificates: [{ certFile: '/etc/a.crt', keyFile: '/etc/a.key' }],
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
        origins: new Map([
          ['certfile', { file: FILE, line: 3 }],
          ['keyfile', { file: FILE, line: 4 }],
          ['certfile /etc/a.crt', { file: FILE, line: 3 }],
          ['keyfile /etc/a.key', { file: FILE, line: 4 }],
        ]),
      },
    ]);
  });

  it('make a listener speak it by psk_hint alone', () => {
    const [{ tls }] = read('psk_file /etc/psk', 'listener 8883', 'psk_hint hint', 'ciphers PSK').listeners;
    expect(tls).toMatchObject({ certificates: [], pskHint: 'hint', pskFile: '/etc/psk', ciphers: 'PSK' });
  });

  it('are all taken', () => {
    const lines = [
      'cafile /etc/ca.crt',
      'capath /etc/cas',
      'require_certificate true',
      'crlfile /etc/revoked.crl',
      'disable_client_cert_date_checks true',
      'tls_version tlsv1.3',
      'ciphers A:B',
      'ciphers_tls1.3 C',
      'dhparamfile /etc/dh.pem',
      'psk_hint hint',
      'psk_file /etc/psk',
      'tls_keyform pem',
    ];
    expect(read('listener 8883', cert, key, ...lines).listeners[0].tls).toMatchObject({
      caFile: '/etc/ca.crt',
      caPath: '/etc/cas',
      requireCertificate: true,
      crlFile: '/etc/revoked.crl',
      ignoresClientDates: true,
      minVersion: 'TLSv1.3',
      ciphers: 'A:B',
      ciphersOfTls13: 'C',
      dhParamFile: '/etc/dh.pem',
      pskHint: 'hint',
      pskFile: '/etc/psk',
    });
  });

  it('keep certificates and keys in pairs, in whichever order they come', () => {
    const [{ tls }] = read('listener 8883', cert, 'certfile /b.crt', key, 'keyfile /b.key').listeners;
    expect(tls?.certificates).toEqual([
      { certFile: '/etc/a.crt', keyFile: '/etc/a.key' },
      { certFile: '/b.crt', keyFile: '/b.key' },
    ]);
  });

  it('count certificates and keys', () => {
    expect(problems('listener 8883', cert, key, 'certfile /b.crt')).toEqual([
      "test.conf:4: certfile needs keyfile, its private key: 'keyfile /path/to/server.key'. The listener has 2 lines with certfile and 1 with keyfile.",
    ]);
  });

  it('take psk_file for all listeners, or with per_listener_settings for one', () => {
    const listeners = ['listener 1', 'psk_hint a', 'psk_file /one', 'listener 2', 'psk_hint a', 'psk_file /two'];
    const filesOf = (...lines: string[]) => read(...lines).listeners.map(({ tls }) => tls?.pskFile);
    expect(filesOf(...listeners)).toEqual(['/two', '/two']);
    expect(filesOf('per_listener_settings true', ...listeners)).toEqual(['/one', '/two']);
  });

  it.each([
    [[cert], "certfile needs keyfile, its private key: 'keyfile /path/to/server.key'."],
    [[key], "keyfile needs certfile, its certificate: 'certfile /path/to/server.crt'."],
    [['require_certificate true', cert, key], 'require_certificate needs cafile or capath'],
    ...[
      'cafile /x',
      'capath /x',
      'require_certificate true',
      'crlfile /x',
      'disable_client_cert_date_checks true',
      'tls_version tlsv1.2',
      'ciphers A',
      'ciphers_tls1.3 A',
      'dhparamfile /x',
    ].map((line): [string[], string] => [[line], `${line.split(' ')[0]} needs certfile and keyfile: without them`]),
    [['cafile /x', 'psk_hint a'], 'cafile needs certfile and keyfile: with psk_hint alone'],
    ...['tls_engine pkcs11', 'tls_engine_kpass_sha1 00', 'tls_keyform engine'].map((line): [string[], string] => [
      [line],
      `${line.split(' ')[0]} cannot be used: this broker reads keys from files only. Remove the line, and give the key by keyfile.`,
    ]),
  ])('%j: file, line and what to do are said', (lines, message) => {
    const found = problems('listener 1', 'listener 2', ...lines, 'listener 3');
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(`test.conf:3: ${message}`);
  });

  it('do not take versions that are broken', () => {
    expect(problems('listener 1', 'tls_version tlsv1.1')).toEqual([
      "test.conf:2: tls_version must be tlsv1.2 or tlsv1.3, not 'tlsv1.1'.",
    ]);
  });
});
