import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { PacketType } from './constants.js';
import { Framer } from './framer.js';
import { ProtocolError } from './protocol-error.js';
import { ReasonCode } from './reason-codes.js';

/** A frame with `remaining` bytes after its fixed header, all of them `fill`. */
function frame(header: number, remaining: number, fill: number): Uint8Array {
  const length: number[] = [];
  let rest = remaining;
  do {
    length.push((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
    rest >>= 7;
  } while (rest > 0);
  const bytes = new Uint8Array(1 + length.length + remaining).fill(fill);
  bytes[0] = header;
  bytes.set(length, 1);
  return bytes;
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function current(framer: Framer): Uint8Array {
  return Uint8Array.from(framer.bytes.subarray(framer.start, framer.end));
}

function allFrames(framer: Framer): Uint8Array[] {
  const found: Uint8Array[] = [];
  while (framer.next()) found.push(current(framer));
  return found;
}

function reasonOf(action: () => void): ReasonCode | undefined {
  try {
    action();
  } catch (error) {
    if (error instanceof ProtocolError) return error.reasonCode;
    throw error;
  }
  return undefined;
}

const frames = fc.array(
  fc
    .tuple(
      fc.integer({ min: 0, max: 255 }),
      fc.oneof({ weight: 8, arbitrary: fc.integer({ min: 0, max: 40 }) }, fc.integer({ min: 120, max: 17_000 })),
      fc.integer({ min: 0, max: 255 }),
    )
    .map(([header, remaining, fill]) => frame(header, remaining, fill)),
  { maxLength: 12 },
);

describe('Framer', () => {
  it('finds whole frames in the fed bytes themselves', () => {
    const framer = new Framer();
    const bytes = concat([frame(0x30, 3, 1), frame(0x32, 200, 2), frame(0xc0, 0, 0)]);
    framer.feed(bytes, bytes.length);
    const places: number[][] = [];
    while (framer.next()) {
      expect(framer.bytes).toBe(bytes);
      places.push([framer.start, framer.body, framer.end]);
    }
    expect(places).toEqual([
      [0, 2, 5],
      [5, 8, 208],
      [208, 210, 210],
    ]);
    framer.finish();
    expect(framer.held).toBe(0);
  });

  it('reads no further than the given length', () => {
    const framer = new Framer();
    const bytes = concat([frame(0x30, 3, 1), frame(0x30, 3, 2)]);
    framer.feed(bytes, 7);
    expect(allFrames(framer)).toEqual([frame(0x30, 3, 1)]);
    framer.finish();
    expect(framer.held).toBe(2);
  });

  it('goes on in place after a frame that was cut, and then holds nothing', () => {
    const framer = new Framer();
    framer.feed(frame(0x30, 10, 1), 6);
    expect(framer.next()).toBe(false);
    framer.finish();
    const second = concat([frame(0x30, 10, 1).subarray(6), frame(0x30, 4, 2)]);
    framer.feed(second, second.length);
    expect(framer.next()).toBe(true);
    expect(current(framer)).toEqual(frame(0x30, 10, 1));
    expect(framer.bytes).not.toBe(second);
    expect(framer.next()).toBe(true);
    expect(framer.bytes).toBe(second);
    expect(current(framer)).toEqual(frame(0x30, 4, 2));
    expect(framer.held).toBe(0);
    expect(framer.next()).toBe(false);
    framer.finish();
  });

  it('does not depend on the fed bytes after finish', () => {
    const framer = new Framer();
    const bytes = frame(0x30, 10, 7);
    framer.feed(bytes, 5);
    expect(framer.next()).toBe(false);
    framer.finish();
    const rest = bytes.slice(5);
    bytes.fill(0xff);
    framer.feed(rest, rest.length);
    expect(allFrames(framer)).toEqual([frame(0x30, 10, 7)]);
  });

  it('gives the frames that a reader left, without being fed again', () => {
    const framer = new Framer();
    const bytes = concat([frame(0x10, 1, 1), frame(0x20, 2, 2), frame(0x30, 300, 3)]);
    framer.feed(bytes, bytes.length);
    expect(framer.next()).toBe(true);
    framer.finish();
    bytes.fill(0);
    expect(allFrames(framer)).toEqual([frame(0x20, 2, 2), frame(0x30, 300, 3)]);
    expect(framer.held).toBe(0);
  });

  it('finds a frame again that was put back, also across finish', () => {
    const framer = new Framer();
    const bytes = concat([frame(0x10, 1, 1), frame(0x20, 2, 2)]);
    framer.feed(bytes, bytes.length);
    framer.next();
    framer.unread();
    expect(framer.next()).toBe(true);
    expect(current(framer)).toEqual(frame(0x10, 1, 1));
    framer.unread();
    framer.finish();
    expect(allFrames(framer)).toEqual([frame(0x10, 1, 1), frame(0x20, 2, 2)]);
  });

  it('puts nothing back when no frame was found', () => {
    const framer = new Framer();
    framer.feed(frame(0x10, 1, 1), 3);
    expect(framer.next()).toBe(true);
    expect(framer.next()).toBe(false);
    framer.unread();
    expect(framer.next()).toBe(false);
  });

  it('puts nothing back once the read is finished', () => {
    const framer = new Framer();
    const bytes = concat([frame(0x10, 1, 1), frame(0x20, 2, 2), frame(0x30, 3, 3)]);
    framer.feed(bytes, bytes.length);
    framer.next();
    framer.finish();
    framer.unread();
    framer.next();
    framer.finish();
    framer.unread();
    expect(allFrames(framer)).toEqual([frame(0x30, 3, 3)]);
  });

  it('refuses to be fed before the read in hand is finished', () => {
    const framer = new Framer();
    framer.feed(frame(0x10, 1, 1), 3);
    expect(() => framer.feed(frame(0x10, 1, 1), 3)).toThrow('comes before finish');
  });

  it('finds the same frames wherever the stream is cut', () => {
    fc.assert(
      fc.property(frames, fc.array(fc.nat(), { maxLength: 40 }), (sent, cuts) => {
        const stream = concat(sent);
        const borders = [...new Set(cuts.map((cut) => cut % (stream.length + 1)))].sort((a, b) => a - b);
        const framer = new Framer();
        const found: Uint8Array[] = [];
        let at = 0;
        for (const border of [...borders, stream.length]) {
          // The next read comes into the same memory, as it does from a socket.
          const chunk = stream.slice(at, border);
          framer.feed(chunk, chunk.length);
          found.push(...allFrames(framer));
          framer.finish();
          chunk.fill(0xee);
          at = border;
        }
        expect(found).toEqual(sent);
        expect(framer.held).toBe(0);
      }),
    );
  });

  it('finds the same frames when the reader stops early and puts frames back', () => {
    const steps = fc.array(fc.constantFrom('next', 'next', 'next', 'unread', 'finish', 'read'), { maxLength: 120 });
    fc.assert(
      fc.property(frames, steps, fc.integer({ min: 1, max: 60 }), (sent, actions, chunkSize) => {
        const stream = concat(sent);
        const framer = new Framer();
        const found: Uint8Array[] = [];
        let at = 0;
        let chunk: Uint8Array | undefined;
        const finish = () => {
          framer.finish();
          chunk?.fill(0xee);
          chunk = undefined;
        };
        const read = (size: number) => {
          finish();
          chunk = stream.slice(at, at + size);
          at += chunk.length;
          framer.feed(chunk, chunk.length);
        };
        let taken = false;
        for (const action of actions) {
          if (action === 'next') {
            taken = framer.next();
            if (taken) found.push(current(framer));
          } else if (action === 'unread') {
            framer.unread();
            if (taken) found.pop();
            taken = false;
          } else {
            if (action === 'read') read(chunkSize);
            else finish();
            taken = false;
          }
        }
        read(stream.length);
        found.push(...allFrames(framer));
        finish();
        expect(found).toEqual(sent);
      }),
    );
  });

  it('copies a large packet a bounded number of times, however small the reads', () => {
    const size = 10 * 1024 * 1024;
    const sent = frame(0x30, size, 5);
    const framer = new Framer();
    let bytesCopied = 0;
    const copied = vi.spyOn(Uint8Array.prototype, 'set');
    copied.mockImplementation(function (this: Uint8Array, source: ArrayLike<number>, offset = 0) {
      bytesCopied += source.length;
      for (let i = 0; i < source.length; i++) this[offset + i] = source[i];
    });
    let found = 0;
    try {
      for (let at = 0; at < sent.length; at += 4096) {
        const chunk = sent.subarray(at, at + 4096);
        framer.feed(chunk, chunk.length);
        while (framer.next()) found += framer.end - framer.start;
        framer.finish();
      }
    } finally {
      copied.mockRestore();
    }
    expect(found).toBe(sent.length);
    expect(bytesCopied).toBeLessThan(3 * size);
  });

  it('does not set memory aside for a packet that is only announced', () => {
    const framer = new Framer();
    framer.feed(Uint8Array.of(0x30, 0xff, 0xff, 0xff, 0x7f, 1, 2, 3), 8);
    expect(framer.next()).toBe(false);
    framer.finish();
    framer.feed(Uint8Array.of(4, 5), 2);
    expect(framer.next()).toBe(false);
    framer.finish();
    expect(framer.held).toBeLessThan(32);
  });

  it('refuses a packet that is too large as soon as its length is known', () => {
    const framer = new Framer(100);
    framer.feed(frame(0x30, 98, 1), 100);
    expect(framer.next()).toBe(true);
    framer.finish();
    framer.feed(Uint8Array.of(0x30, 99), 2);
    expect(reasonOf(() => framer.next())).toBe(ReasonCode.PACKET_TOO_LARGE);
    expect(reasonOf(() => framer.next())).toBe(ReasonCode.PACKET_TOO_LARGE);

    const cut = new Framer(100);
    cut.feed(Uint8Array.of(0x30, 0xff), 2);
    expect(cut.next()).toBe(false);
    cut.finish();
    cut.feed(Uint8Array.of(0x01), 1);
    expect(reasonOf(() => cut.next())).toBe(ReasonCode.PACKET_TOO_LARGE);
  });

  it('refuses a packet that is larger than its type allows, and lets others be as large as any', () => {
    const limits: number[] = [];
    limits[PacketType.SUBSCRIBE] = 50;
    const framer = new Framer(100);
    framer.limitTypes(limits);
    framer.feed(frame(0x82, 48, 1), 50);
    expect(framer.next()).toBe(true);
    framer.finish();
    framer.feed(frame(0x30, 98, 1), 100);
    expect(framer.next()).toBe(true);
    framer.finish();
    framer.feed(Uint8Array.of(0x82, 49), 2);
    expect(() => framer.next()).toThrow('The SUBSCRIBE has 51 bytes, the largest allowed one has 50');
    expect(reasonOf(() => framer.next())).toBe(ReasonCode.PACKET_TOO_LARGE);
  });

  it('lets no type have more than all may have', () => {
    const limits: number[] = [];
    limits[PacketType.SUBSCRIBE] = 200;
    const framer = new Framer(100);
    framer.limitTypes(limits);
    framer.feed(Uint8Array.of(0x82, 99), 2);
    expect(() => framer.next()).toThrow('The packet has 101 bytes, the largest allowed has 100');
  });

  it('refuses a remaining length of more than four bytes, in place and across a cut', () => {
    const bytes = Uint8Array.of(0x30, 0x80, 0x80, 0x80, 0x80, 0x01);
    for (const cut of [1, 2, 3, 4]) {
      const framer = new Framer();
      framer.feed(bytes.subarray(0, cut), cut);
      expect(framer.next()).toBe(false);
      framer.finish();
      framer.feed(bytes.subarray(cut), bytes.length - cut);
      expect(reasonOf(() => framer.next())).toBe(ReasonCode.MALFORMED_PACKET);
    }
  });

  it('[MQTT-1.5.5-1] refuses a remaining length that is not in its shortest form, where 5.0 demands it', () => {
    const bytes = Uint8Array.of(0xc0, 0x80, 0x00);
    const lenient = new Framer();
    lenient.feed(bytes, bytes.length);
    expect(lenient.next()).toBe(true);
    expect([lenient.body, lenient.end]).toEqual([3, 3]);
    const strict = new Framer();
    strict.strictLength = true;
    strict.feed(bytes, bytes.length);
    expect(reasonOf(() => strict.next())).toBe(ReasonCode.MALFORMED_PACKET);
  });
});
