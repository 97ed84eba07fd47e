import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ProtocolError } from './protocol-error.js';
import { decodeUtf8, encodedLength, isValidUtf8, utf8Length, writeUtf8 } from './utf8.js';

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The platform's opinion, with the one rule that MQTT adds. */
function platformDecodes(bytes: Uint8Array): string | undefined {
  if (bytes.includes(0)) return undefined;
  try {
    return strict.decode(bytes);
  } catch {
    return undefined;
  }
}

/** Bytes near the borders of what UTF-8 allows, which random bytes seldom hit. */
const borderBytes = fc.array(
  fc.constantFrom(
    0x00,
    0x41,
    0x7f,
    0x80,
    0x8f,
    0x90,
    0x9f,
    0xa0,
    0xbf,
    0xc0,
    0xc1,
    0xc2,
    0xdf,
    0xe0,
    0xe1,
    0xed,
    0xef,
    0xf0,
    0xf1,
    0xf4,
    0xf5,
    0xff,
  ),
  { maxLength: 60 },
);
const someText = fc.string({ unit: 'binary', maxLength: 80 }).map((text) => text.replaceAll('\0', ''));

describe('isValidUtf8', () => {
  it('[MQTT-1.5.4-1] agrees with the platform on every sequence of three bytes after each lead byte', () => {
    const bytes = new Uint8Array(4);
    for (let lead = 1; lead < 256; lead++) {
      for (const second of [0x01, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xff]) {
        for (const third of [0x41, 0x80, 0xbf, 0xc0]) {
          for (const fourth of [0x41, 0x80, 0xbf, 0xe0]) {
            bytes.set([lead, second, third, fourth]);
            for (let end = 1; end <= 4; end++) {
              expect(isValidUtf8(bytes, 0, end)).toBe(platformDecodes(bytes.subarray(0, end)) !== undefined);
            }
          }
        }
      }
    }
  });

  it('agrees with the platform on longer sequences', () => {
    fc.assert(
      fc.property(borderBytes, (list) => {
        const bytes = Uint8Array.from(list);
        expect(isValidUtf8(bytes, 0, bytes.length)).toBe(platformDecodes(bytes) !== undefined);
      }),
      { numRuns: 1000 },
    );
  });

  it('[MQTT-1.5.4-2] refuses the null character', () => {
    expect(isValidUtf8(Uint8Array.of(0x61, 0, 0x62), 0, 3)).toBe(false);
    expect(isValidUtf8(Uint8Array.of(0x61, 0, 0x62), 2, 3)).toBe(true);
  });

  it('does not look past the end for the rest of a character', () => {
    expect(isValidUtf8(Uint8Array.of(0xe2, 0x82, 0xac), 0, 2)).toBe(false);
    expect(isValidUtf8(Uint8Array.of(0xe2, 0x82, 0xac), 0, 3)).toBe(true);
  });
});

describe('decodeUtf8', () => {
  it('gives the string, whatever its length and its place', () => {
    fc.assert(
      fc.property(someText, fc.nat({ max: 5 }), (text, before) => {
        const encoded = new TextEncoder().encode(text);
        const bytes = new Uint8Array(before + encoded.length + 3).fill(0xff);
        bytes.set(encoded, before);
        expect(decodeUtf8(bytes, before, before + encoded.length)).toBe(text);
      }),
    );
  });

  it('[MQTT-1.5.4-3] keeps a byte order mark, in short strings and long ones', () => {
    for (const text of ['\ufeff', '\ufeffa', `\ufeff${'a'.repeat(100)}`]) {
      const bytes = new TextEncoder().encode(text);
      expect(decodeUtf8(bytes, 0, bytes.length)).toBe(text);
    }
  });

  it('refuses what is not valid, short or long, and names the field', () => {
    for (const length of [1, 20, 200]) {
      const bytes = new Uint8Array(length).fill(0x61);
      for (const bad of [0x00, 0x80, 0xff]) {
        bytes[length - 1] = bad;
        expect(() => decodeUtf8(bytes, 0, length, 'the user name')).toThrow(ProtocolError);
        expect(() => decodeUtf8(bytes, 0, length, 'the user name')).toThrow('the user name');
      }
    }
  });
});

describe('writeUtf8', () => {
  it('writes what the platform would, and no byte more', () => {
    fc.assert(
      fc.property(someText, (text) => {
        const expected = new TextEncoder().encode(text);
        const out = new Uint8Array(expected.length + 4).fill(0xee);
        expect(encodedLength(text, 'it')).toBe(expected.length);
        expect(writeUtf8(out, 2, text)).toBe(2 + expected.length);
        expect(out.subarray(2, -2)).toEqual(expected);
        expect([out[0], out[1], out.at(-2), out.at(-1)]).toEqual([0xee, 0xee, 0xee, 0xee]);
      }),
    );
  });
});

describe('utf8Length', () => {
  it('tells strings that MQTT cannot carry', () => {
    for (const text of ['\0', 'a\0', '\ud800', '\ud800a', '\udc00', 'a\udfff', '\ud800\ud800', '\udc00\ud800']) {
      expect(utf8Length(text)).toBe(-1);
    }
    expect(utf8Length('\ud800\udc00')).toBe(4);
  });
});
