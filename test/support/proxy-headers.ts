/** How PROXY headers of version 2 are made, after HAProxy's specification and without the broker's reader of them. */

export const Family = { UNSPECIFIED: 0x00, TCP4: 0x11, UDP4: 0x12, TCP6: 0x21, UNIX: 0x31 } as const;

/** Flags of the entry that tells of TLS. */
export const Client = { TLS: 0x01, CERTIFICATE_NOW: 0x02, CERTIFICATE_IN_SESSION: 0x04 } as const;

const SIGNATURE = Buffer.from('0d0a0d0a000d0a515549540a', 'hex');

interface Parts {
  /** Version and command. Default: a proxy that speaks for a client. */
  readonly command?: number;
  readonly family: number;
  /** Bytes of source, destination and their ports. */
  readonly ends: Uint8Array;
  /** What `addition` made, one after the other. */
  readonly additions?: readonly Uint8Array[];
}

export function proxyHeader2({ command = 0x21, family, ends, additions = [] }: Parts): Buffer {
  const block = Buffer.concat([ends, ...additions]);
  const head = Buffer.from([command, family, block.length >> 8, block.length & 0xff]);
  return Buffer.concat([SIGNATURE, head, block]);
}

/** From this port of 192.0.2.7 to port 1883 of 198.51.100.1. */
export function ipv4Ends(port = 40_000): Buffer {
  return Buffer.from([192, 0, 2, 7, 198, 51, 100, 1, port >> 8, port & 0xff, 0x07, 0x5b]);
}

/** From port 40000 of 2001:db8::7 to port 1883 of 2001:db8::1. */
export const IPV6_ENDS: Buffer = Buffer.from(
  '20010db800000000000000000000000720010db80000000000000000000000019c40075b',
  'hex',
);

export function unixEnds(source: string): Buffer {
  const ends = Buffer.alloc(216);
  ends.write(source, 0);
  ends.write('/run/broker.sock', 108);
  return ends;
}

/** A type-length-value entry. */
export function addition(type: number, value: string | Uint8Array): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.from([type, bytes.length >> 8, bytes.length & 0xff]), bytes]);
}

/** The entry that tells of TLS. `verified`: what OpenSSL said of the client's certificate, 0 if it was good. */
export function tlsAddition(flags: number, verified: number, entries: readonly Uint8Array[] = []): Buffer {
  const fixed = Buffer.from([flags, verified >>> 24, (verified >> 16) & 0xff, (verified >> 8) & 0xff, verified & 0xff]);
  return addition(0x20, Buffer.concat([fixed, ...entries]));
}
