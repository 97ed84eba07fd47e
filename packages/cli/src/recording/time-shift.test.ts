import { describe, expect, it } from 'vitest';
import { withShiftedTimes } from './time-shift.js';

const HOUR_MS = 3_600_000;

function shifted(json: string, byMs = HOUR_MS): string {
  return new TextDecoder().decode(withShiftedTimes(new TextEncoder().encode(json), byMs));
}

describe('withShiftedTimes', () => {
  it.each([
    ['{"_type":"location","tst":1700000000,"lat":52.5}', '{"_type":"location","tst":1700003600,"lat":52.5}'],
    ['{ "tst" : 1700000000 , "tst":1 }', '{ "tst" : 1700003600 , "tst":1 }'],
    ['{"timestamp":1700000000000}', '{"timestamp":1700003600000}'],
    ['{"ts":1700000000.250}', '{"ts":1700003600.250}'],
    ['{"time":1700000000000000}', '{"time":1700003600000000}'],
    ['{"time":1700000000000000001}', '{"time":1700003600000000001}'],
    ['[{"a":{"created_at":1700000000}}]', '[{"a":{"created_at":1700003600}}]'],
    ['{"Time":"2023-11-14T22:13:20Z"}', '{"Time":"2023-11-14T23:13:20Z"}'],
    ['{"x":["2023-11-14T22:13:20.123456+01:00"]}', '{"x":["2023-11-14T23:13:20.123000+01:00"]}'],
    ['["2023-11-14 22:13-0530"]', '["2023-11-14 23:13-0530"]'],
    ['{"2023-11-14T22:13:20Z":1}', '{"2023-11-14T22:13:20Z":1}'],
    ['{"x":"2023-11-14T22:13:20Z","y":12345678901234567890}', '{"x":"2023-11-14T23:13:20Z","y":12345678901234567890}'],
  ])('moves by an hour: %s', (json, expected) => {
    expect(shifted(json)).toBe(expected);
  });

  it.each([
    '{"tst":12}',
    '{"lat":1700000000}',
    '{"tst":"1700000000"}',
    '{"tst":-1700000000}',
    '{"tst":1.7e9}',
    '{"tst":[1700000000]}',
    '{"time":"2023-11-14T22:13:20"}',
    '{"time":"0001-01-01T00:00:00Z"}',
    '{"tst":1700000000',
    'tst 1700000000',
    '1700000000',
    '',
  ])('leaves alone: %s', (json) => {
    const payload = new TextEncoder().encode(json);
    expect(withShiftedTimes(payload, HOUR_MS)).toBe(payload);
  });

  it('moves fractions of a second as exactly as they were written, and back', () => {
    expect(shifted('{"tst":1700000000}', 1_600)).toBe('{"tst":1700000002}');
    expect(shifted('{"tst":1700000000}', -1_600)).toBe('{"tst":1699999998}');
    expect(shifted('{"ts":1700000000.5}', 1_640)).toBe('{"ts":1700000002.1}');
    expect(shifted('["2023-11-14T22:13:20.50Z"]', 260)).toBe('["2023-11-14T22:13:20.76Z"]');
  });

  it('leaves bytes that are no text alone', () => {
    const payload = Buffer.concat([Buffer.from('{"tst":1700000000,"x":"'), Buffer.of(0xff), Buffer.from('"}')]);
    expect(withShiftedTimes(payload, HOUR_MS)).toBe(payload);
  });
});
