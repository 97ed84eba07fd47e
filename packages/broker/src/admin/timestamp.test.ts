import { describe, expect, it } from 'vitest';
import { isTimestampFormat, strftime } from './timestamp.js';

describe('strftime', () => {
  const time = new Date(2026, 0, 5, 7, 8, 9);

  it.each([
    ['%Y-%m-%dT%H:%M:%S', '2026-01-05T07:08:09'],
    ['%F %T', '2026-01-05 07:08:09'],
    ['%a %e %b %y, %I %p %%', 'Mon  5 Jan 26, 07 AM %'],
    ['%A %B %j %R %D', 'Monday January 005 07:08 01/05/26'],
  ])('%s', (format, expected) => {
    expect(isTimestampFormat(format)).toBe(true);
    expect(strftime(format, time)).toBe(expected);
  });

  it.each(['', '%', '%Q', '%Y%'])('does not know %j', (format) => {
    expect(isTimestampFormat(format)).toBe(false);
  });

  it('writes the offset to UTC', () => {
    expect(strftime('%z', time)).toMatch(/^[+-]\d{4}$/);
  });
});
