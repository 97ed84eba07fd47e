import { describe, expect, it } from 'vitest';
import { Reader } from './reader.js';
import { MAX_VARINT, varintSize, writeVarint } from './varint.js';

describe('variable byte integers', () => {
  // MQTT 5.0, table 1-1
  it.each([
    [0, [0x00]],
    [127, [0x7f]],
    [128, [0x80, 0x01]],
    [16_383, [0xff, 0x7f]],
    [16_384, [0x80, 0x80, 0x01]],
    [2_097_151, [0xff, 0xff, 0x7f]],
    [2_097_152, [0x80, 0x80, 0x80, 0x01]],
    [MAX_VARINT, [0xff, 0xff, 0xff, 0x7f]],
  ])('[MQTT-1.5.5-1] %i has its shortest form, and is read back', (value, bytes) => {
    const out = new Uint8Array(6);
    expect(varintSize(value)).toBe(bytes.length);
    expect(writeVarint(out, 1, value)).toBe(1 + bytes.length);
    expect([...out.subarray(1, 1 + bytes.length)]).toEqual(bytes);
    const reader = new Reader(out, 1, out.length, 'it');
    expect(reader.varint('it')).toBe(value);
    expect(reader.at).toBe(1 + bytes.length);
  });
});
