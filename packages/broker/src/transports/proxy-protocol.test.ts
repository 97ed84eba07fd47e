import { describe, expect, it } from 'vitest';
import {
  addition,
  Client,
  Family,
  IPV6_ENDS,
  ipv4Ends,
  proxyHeader2,
  tlsAddition,
  unixEnds,
} from '../../../../test/support/proxy-headers.js';
import { crc32c } from './crc32c.js';
import { type ProxyHeader, ProxyHeaderError, readProxyHeader } from './proxy-protocol.js';

const CLIENT = { address: '192.0.2.7', port: 40_000 };
const CONNECT = Buffer.from('100d00044d51545404020000000161', 'hex');
const V2 = proxyHeader2({ family: Family.TCP4, ends: ipv4Ends() });

const line = (text: string): Buffer => Buffer.from(text, 'latin1');

/** Why the bytes are refused. */
function problem(version: 1 | 2, bytes: Uint8Array): string {
  try {
    readProxyHeader(version, bytes);
  } catch (error) {
    expect(error).toBeInstanceOf(ProxyHeaderError);
    return (error as Error).message;
  }
  throw new Error('they are taken');
}

describe('a header of version 1', () => {
  it.each([
    ['TCP4 192.0.2.7 198.51.100.1 40000 1883', CLIENT],
    ['TCP6 2001:db8::7 2001:db8::1 40000 1883', { address: '2001:db8::7', port: 40_000 }],
    ['TCP6 2001:0DB8:0:0:0:0:0:7 ::1 1 65535', { address: '2001:db8::7', port: 1 }],
    ['TCP4 0.0.0.0 255.255.255.255 0 65535', { address: '0.0.0.0', port: 0 }],
    ['UNKNOWN', null],
    ['UNKNOWN ffff::1 anything at all', null],
  ])('says where %s comes from', (text, source) => {
    const bytes = line(`PROXY ${text}\r\n`);
    expect(readProxyHeader(1, Buffer.concat([bytes, CONNECT]))).toEqual({
      length: bytes.length,
      isLocal: false,
      source,
      tls: null,
      hasCertificate: false,
    });
  });

  it('is awaited until its last byte is there', () => {
    const bytes = line('PROXY TCP4 192.0.2.7 198.51.100.1 40000 1883\r\n');
    for (let length = 0; length < bytes.length; length++) {
      expect(readProxyHeader(1, bytes.subarray(0, length))).toBe(null);
    }
  });

  it('takes 107 bytes, which is the longest there can be, and no more', () => {
    const longest = line(`PROXY UNKNOWN ${'x'.repeat(91)}\r\n`);
    expect(longest).toHaveLength(107);
    expect(readProxyHeader(1, longest)?.length).toBe(107);
    const longer = line(`PROXY UNKNOWN ${'x'.repeat(92)}\r\n`);
    expect(readProxyHeader(1, longer.subarray(0, 106))).toBe(null);
    expect(problem(1, longer.subarray(0, 107))).toContain('no end within 107 bytes');
  });

  it.each([
    'TCP4 192.0.2.7 198.51.100.1 40000',
    'TCP4 192.0.2.7 198.51.100.1 40000 1883 1',
    'TCP4 192.0.2.7 198.51.100.1 40000 1883 ',
    'TCP4  192.0.2.7 198.51.100.1 40000 1883',
    'TCP4 192.0.2.7 198.51.100.1 65536 1883',
    'TCP4 192.0.2.7 198.51.100.1 040000 1883',
    'TCP4 192.0.2.7 198.51.100.1 -1 1883',
    'TCP4 192.0.2.7 198.51.100.1 4e4 1883',
    'TCP4 192.0.2 198.51.100.1 40000 1883',
    'TCP4 2001:db8::7 2001:db8::1 40000 1883',
    'TCP6 192.0.2.7 198.51.100.1 40000 1883',
    'TCP6 fe80::7%eth0 fe80::1 40000 1883',
    'TCP5 192.0.2.7 198.51.100.1 40000 1883',
    'UDP4 192.0.2.7 198.51.100.1 40000 1883',
    'tcp4 192.0.2.7 198.51.100.1 40000 1883',
    '',
  ])('is refused when it says "%s"', (text) => {
    expect(problem(1, line(`PROXY ${text}\r\n`))).toContain(`malformed: "PROXY ${text}"`);
  });

  it('shows no control character of a line that it refuses', () => {
    expect(problem(1, line('PROXY \u0007\n\u001b[31m\r\n'))).not.toMatch(/\p{Cc}/u);
  });
});

describe('what comes instead of a header of version 1', () => {
  it.each([
    ['an MQTT CONNECT', CONNECT],
    ['a TLS handshake', Buffer.from('16030100', 'hex')],
    ['an HTTP request', line('GET / HTTP/1.1')],
    ['the bytes 00ff', Buffer.from('00ff', 'hex')],
  ])('is called %s, from its first byte on', (name, bytes) => {
    expect(problem(1, bytes)).toContain(`enable_proxy_protocol), but ${name}; connect through the proxy`);
    expect(() => readProxyHeader(1, bytes.subarray(0, 1))).toThrow(ProxyHeaderError);
  });

  it('is told from a header of version 2, with what to set', () => {
    expect(problem(1, V2)).toContain("'enable_proxy_protocol 2'");
  });
});

describe('a header of version 2', () => {
  const plain = { isLocal: false, tls: null, hasCertificate: false };

  it.each<[string, Buffer, Partial<ProxyHeader>]>([
    ['TCP over IPv4', V2, { source: CLIENT }],
    [
      'TCP over IPv6',
      proxyHeader2({ family: Family.TCP6, ends: IPV6_ENDS }),
      { source: { address: '2001:db8::7', port: 40_000 } },
    ],
    [
      'a Unix socket',
      proxyHeader2({ family: Family.UNIX, ends: unixEnds('/run/client.sock') }),
      { source: { address: '/run/client.sock', port: 0 } },
    ],
    [
      'a Unix socket whose path fills its place',
      proxyHeader2({ family: Family.UNIX, ends: unixEnds('/'.repeat(108)) }),
      { source: { address: '/'.repeat(108), port: 0 } },
    ],
    [
      'a client of a Unix socket, which has no name',
      proxyHeader2({ family: Family.UNIX, ends: unixEnds('') }),
      { source: null },
    ],
    ['nowhere', proxyHeader2({ family: Family.UNSPECIFIED, ends: new Uint8Array(0) }), { source: null }],
    [
      'nowhere, with something behind it',
      proxyHeader2({ family: Family.UNSPECIFIED, ends: Buffer.from('what') }),
      { source: null },
    ],
  ])('says that a connection comes from %s', (_, bytes, expected) => {
    const read = readProxyHeader(2, Buffer.concat([bytes, CONNECT]));
    expect(read).toEqual({ length: bytes.length, ...plain, ...expected });
  });

  it('is the proxy for itself with the command LOCAL, whatever else it says', () => {
    const local = { length: 28, isLocal: true, source: null, tls: null, hasCertificate: false };
    expect(readProxyHeader(2, proxyHeader2({ command: 0x20, family: Family.TCP4, ends: ipv4Ends() }))).toEqual(local);
    const empty = proxyHeader2({ command: 0x20, family: Family.UNSPECIFIED, ends: new Uint8Array(0) });
    expect(readProxyHeader(2, empty)).toEqual({ ...local, length: 16 });
    const garbage = proxyHeader2({ command: 0x20, family: 0xff, ends: Buffer.from([0x20, 0xff, 0xff]) });
    expect(readProxyHeader(2, garbage)).toEqual({ ...local, length: 19 });
  });

  it('is awaited until its last byte is there', () => {
    const bytes = proxyHeader2({ family: Family.TCP4, ends: ipv4Ends(), additions: [addition(0x04, 'padding')] });
    for (let length = 0; length < bytes.length; length++) {
      expect(readProxyHeader(2, bytes.subarray(0, length))).toBe(null);
    }
  });

  it('makes a path of control characters harmless for the log', () => {
    const bytes = proxyHeader2({ family: Family.UNIX, ends: unixEnds('/a\nb\u001b[0m') });
    expect(readProxyHeader(2, bytes)?.source?.address).toBe('/a?b?[0m');
  });

  it('takes 4096 bytes behind its fixed part, and refuses more as soon as it announces them', () => {
    const padding = (length: number) => [addition(0x04, new Uint8Array(length))];
    const largest = proxyHeader2({ family: Family.TCP4, ends: ipv4Ends(), additions: padding(4096 - 12 - 3) });
    expect(readProxyHeader(2, largest)?.length).toBe(16 + 4096);
    const larger = proxyHeader2({ family: Family.TCP4, ends: ipv4Ends(), additions: padding(4096 - 12 - 2) });
    expect(problem(2, larger.subarray(0, 16))).toContain('it announces 4097 bytes');
  });

  it.each<[string, Buffer, string]>([
    ['another version', proxyHeader2({ command: 0x11, family: Family.TCP4, ends: ipv4Ends() }), 'version 1'],
    ['an unknown command', proxyHeader2({ command: 0x22, family: Family.TCP4, ends: ipv4Ends() }), 'command 2'],
    ['an unknown family', proxyHeader2({ family: 0x41, ends: ipv4Ends() }), 'address family 4'],
    ['datagrams', proxyHeader2({ family: Family.UDP4, ends: ipv4Ends() }), 'datagrams'],
    [
      'too few bytes for IPv4',
      proxyHeader2({ family: Family.TCP4, ends: ipv4Ends().subarray(1) }),
      '11 bytes are too few',
    ],
    ['too few bytes for IPv6', proxyHeader2({ family: Family.TCP6, ends: ipv4Ends() }), '12 bytes are too few'],
    ['too few bytes for paths', proxyHeader2({ family: Family.UNIX, ends: IPV6_ENDS }), '36 bytes are too few'],
  ])('is refused with %s', (_, bytes, reason) => {
    expect(problem(2, bytes)).toContain(`malformed: it`);
    expect(problem(2, bytes)).toContain(reason);
  });

  it('is told from one of version 1, with what to set', () => {
    expect(problem(2, line('PROXY TCP4 '))).toContain("'enable_proxy_protocol 1'");
  });

  it('is missed where MQTT comes at once', () => {
    expect(problem(2, CONNECT)).toContain('but an MQTT CONNECT; connect through the proxy');
  });
});

describe('what a header of version 2 says of TLS', () => {
  const read = (...additions: readonly Uint8Array[]) =>
    readProxyHeader(2, proxyHeader2({ family: Family.TCP4, ends: ipv4Ends(), additions }));
  const refusal = (...additions: readonly Uint8Array[]) =>
    problem(2, proxyHeader2({ family: Family.TCP4, ends: ipv4Ends(), additions }));

  it('is its version, its cipher, the host that was asked for, and who the client is', () => {
    const entries = [addition(0x21, 'TLSv1.3'), addition(0x23, 'TLS_AES_256_GCM_SHA384'), addition(0x22, 'jane')];
    const found = read(addition(0x02, 'broker.example'), tlsAddition(Client.TLS | Client.CERTIFICATE_NOW, 0, entries));
    expect(found?.hasCertificate).toBe(true);
    expect(found?.tls).toEqual({
      protocol: 'TLSv1.3',
      cipher: 'TLS_AES_256_GCM_SHA384',
      serverName: 'broker.example',
      client: { proof: 'certificate', commonName: 'jane', subject: 'CN=jane' },
    });
  });

  it('knows a certificate that was shown on an earlier connection of the session', () => {
    const found = read(tlsAddition(Client.TLS | Client.CERTIFICATE_IN_SESSION, 0, [addition(0x22, 'jane')]));
    expect(found?.tls?.client?.commonName).toBe('jane');
  });

  it.each([
    ['it was not verified', tlsAddition(Client.TLS | Client.CERTIFICATE_NOW, 10, [addition(0x22, 'jane')])],
    [
      'its verification ended with the largest number there is',
      tlsAddition(Client.TLS | Client.CERTIFICATE_NOW, 0xffffffff, [addition(0x22, 'jane')]),
    ],
    ['the client showed none', tlsAddition(Client.TLS, 0, [addition(0x22, 'jane')])],
  ])('believes no name in a certificate when %s', (_, entry) => {
    const found = read(entry);
    expect(found?.hasCertificate).toBe(false);
    expect(found?.tls?.client).toBe(null);
  });

  it('has a client without a name when the proxy does not tell it', () => {
    const found = read(tlsAddition(Client.TLS | Client.CERTIFICATE_NOW, 0));
    expect(found?.hasCertificate).toBe(true);
    expect(found?.tls?.client).toEqual({ proof: 'certificate', commonName: '', subject: '' });
  });

  it('is nothing when the entry says that the client speaks without it', () => {
    expect(read(tlsAddition(0, 0, [addition(0x21, 'TLSv1.3')]))?.tls).toBe(null);
    expect(read(tlsAddition(Client.CERTIFICATE_NOW, 0))?.hasCertificate).toBe(false);
  });

  it('is nothing when only a host name is given', () => {
    expect(read(addition(0x02, 'broker.example'))?.tls).toBe(null);
  });

  it('escapes the name as part of a subject', () => {
    const names = ['a,b+c"d\\e<f>g;h', '#x', ' x ', 'x#'];
    const subjects = names.map(
      (name) => read(tlsAddition(Client.TLS | Client.CERTIFICATE_NOW, 0, [addition(0x22, name)]))?.tls?.client?.subject,
    );
    expect(subjects).toEqual(['CN=a\\,b\\+c\\"d\\\\e\\<f\\>g\\;h', 'CN=\\#x', 'CN=\\ x\\ ', 'CN=x#']);
  });

  it('is refused when it cannot be understood', () => {
    expect(refusal(tlsAddition(Client.TLS, 0, [addition(0x22, Buffer.from('c328', 'hex'))]))).toContain(
      'common name is not UTF-8',
    );
    expect(refusal(addition(0x20, 'four'))).toContain('too short');
    expect(refusal(tlsAddition(Client.TLS, 0, [Buffer.from('220002', 'hex')]))).toContain('goes beyond its end');
    expect(refusal(tlsAddition(Client.TLS, 0, [Buffer.from('2200', 'hex')]))).toContain('goes beyond its end');
    expect(refusal(Buffer.from('04000100'.slice(0, 6), 'hex'))).toContain('goes beyond its end');
  });

  it('never reads an entry of TLS beyond its end, where the next one begins', () => {
    const short = tlsAddition(Client.TLS | Client.CERTIFICATE_NOW, 0, [Buffer.from('220005', 'hex')]);
    expect(refusal(short, addition(0x04, 'admin'))).toContain('goes beyond its end');
  });

  it('skips entries that it does not know', () => {
    expect(
      read(addition(0x01, 'h2'), addition(0x04, ''), addition(0xee, 'x'), tlsAddition(Client.TLS, 0))?.tls,
    ).not.toBe(null);
  });
});

describe('the checksum of a header of version 2', () => {
  function summed(change = 0): Buffer {
    const bytes = proxyHeader2({
      family: Family.TCP4,
      ends: ipv4Ends(),
      additions: [addition(0x03, new Uint8Array(4)), addition(0x04, 'x')],
    });
    bytes.writeUInt32BE((crc32c(bytes) ^ change) >>> 0, 16 + 12 + 3);
    return bytes;
  }

  it('is taken when it is right', () => {
    expect(readProxyHeader(2, Buffer.concat([summed(), CONNECT]))?.source).toEqual(CLIENT);
  });

  it.each([1, 0x80000000])('is refused when a bit of it is wrong (%i)', (change) => {
    expect(problem(2, summed(change))).toContain('checksum (CRC32c) is wrong');
  });

  it('has 4 bytes', () => {
    const bytes = proxyHeader2({ family: Family.TCP4, ends: ipv4Ends(), additions: [addition(0x03, 'abc')] });
    expect(problem(2, bytes)).toContain('does not have 4 bytes');
  });
});
