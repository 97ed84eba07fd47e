import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { type ConnectionOptions, connect } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { shownCiphers } from './tls-cipher-names.js';
import { isWholeHello, readClientHello } from './tls-hello.js';

/** What Node's client says first. */
async function helloOf(options: ConnectionOptions): Promise<Buffer> {
  const wire = new PassThrough();
  const sent: Buffer[] = [];
  const stream = Object.assign(new PassThrough({ highWaterMark: 1_000_000 }), {
    write: (chunk: Buffer, ...rest: unknown[]) => {
      sent.push(Buffer.from(chunk));
      wire.write(chunk);
      const done = rest.findLast((part) => typeof part === 'function');
      if (typeof done === 'function') done();
      return true;
    },
  });
  const socket = connect({ ...options, socket: stream });
  socket.on('error', () => {});
  await once(wire, 'data');
  socket.destroy();
  return Buffer.concat(sent);
}

/** The same message in records of this many bytes. */
function inRecords(hello: Buffer, size: number): Buffer {
  const message = hello.subarray(5);
  const records: Buffer[] = [];
  for (let at = 0; at < message.length; at += size) {
    const part = message.subarray(at, at + size);
    records.push(Buffer.of(0x16, 3, 1, part.length >> 8, part.length & 0xff), part);
  }
  return Buffer.concat(records);
}

describe('what a client says first', () => {
  it('is read: name, versions, ciphers', async () => {
    const hello = await helloOf({
      servername: 'Broker.example.org',
      ciphers: 'ECDHE-RSA-AES128-GCM-SHA256',
      maxVersion: 'TLSv1.2',
    });
    const read = readClientHello(hello);
    expect(read).toMatchObject({ serverName: 'Broker.example.org', versions: [0x0303] });
    expect(shownCiphers(read?.ciphers ?? [])).toBe('ECDHE-RSA-AES128-GCM-SHA256');
  });

  it('may come without a name, and with several versions', async () => {
    expect(readClientHello(await helloOf({ minVersion: 'TLSv1.2' }))).toMatchObject({
      serverName: null,
      versions: [0x0304, 0x0303],
    });
  });

  it('may be spread over records', async () => {
    const hello = await helloOf({ servername: 'example.org' });
    for (const size of [10, 100, 300]) {
      const spread = inRecords(hello, size);
      expect(readClientHello(spread)).toEqual(readClientHello(hello));
      expect(isWholeHello(spread.subarray(0, -1))).toBe(false);
      expect(isWholeHello(spread)).toBe(true);
    }
  });

  it('is not read in records that are too many', async () => {
    const hello = await helloOf({ servername: 'example.org' });
    const spread = inRecords(hello, 1);
    expect(isWholeHello(spread.subarray(0, 64 * 6))).toBe(false);
    expect(isWholeHello(spread.subarray(0, 65 * 6))).toBe(true);
    expect(readClientHello(spread)).toBe(null);
  });

  it('is whole when its last byte is there, and not before', async () => {
    const hello = await helloOf({ servername: 'example.org' });
    for (let length = 0; length < hello.length; length++) {
      expect(isWholeHello(hello.subarray(0, length)), `${length} bytes`).toBe(false);
      expect(readClientHello(hello.subarray(0, length))).toBe(null);
    }
    expect(isWholeHello(hello)).toBe(true);
    expect(readClientHello(Buffer.concat([hello, hello]))).toEqual(readClientHello(hello));
  });

  it('may be anything: what cannot be read is nothing', async () => {
    const hello = await helloOf({ servername: 'example.org' });
    const names = new Set<string | null | undefined>();
    for (let i = 0; i < hello.length; i++) {
      for (const bits of [0x01, 0x80, 0xff]) {
        const changed = Buffer.from(hello);
        changed[i] ^= bits;
        names.add(readClientHello(changed)?.serverName);
      }
    }
    expect(names).toContain(undefined);
    expect(names).toContain('example.org');
  });

  it.each([
    ['another record', '1703010001'],
    ['another message', '160301000402000000'],
    ['an empty record', '1603010000'],
    ['a record that is too long', '160301ffff'],
    ['a message that is too long', '160301000401004001'],
  ])('is not waited for when it is %s', (_, hex) => {
    const bytes = Buffer.from(hex, 'hex');
    expect(isWholeHello(bytes)).toBe(true);
    expect(readClientHello(bytes)).toBe(null);
  });
});

describe('ciphers in a line of log', () => {
  it('are those that mean something, with their numbers where they have no name', () => {
    expect(shownCiphers([0x1301, 0x00ff, 0x5600, 0x3a3a, 0xfefe])).toBe('TLS_AES_128_GCM_SHA256, 0xfefe');
  });

  it('are a dozen at most', () => {
    expect(shownCiphers(Array.from({ length: 15 }, () => 0x1301))).toMatch(
      /^(TLS_AES_128_GCM_SHA256(, )?){12} and 3 more$/,
    );
  });
});
