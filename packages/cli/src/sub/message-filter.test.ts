import { describe, expect, it } from 'vitest';
import type { PrintedMessage } from '../format/printed-message.js';
import { MessageFilter } from './message-filter.js';
import { sinceMs } from './since.js';

function message(topic: string, payload: string, retain = false): PrintedMessage {
  return { topic, payload: Buffer.from(payload), qos: 0, retain };
}

describe('MessageFilter', () => {
  it('excludes the topics of -T', () => {
    const filter = new MessageFilter({ filterOut: ['a/+', 'b/#'] });
    expect(['a/x', 'b', 'b/c/d', 'a', 'c'].map((topic) => filter.excludes(topic))).toEqual([
      true,
      true,
      true,
      false,
      false,
    ]);
  });

  it('leaves out what is retained with -R', () => {
    const filter = new MessageFilter({ noRetained: true });
    expect([filter.takes(message('a', 'x', true)), filter.takes(message('a', 'x'))]).toEqual([false, true]);
  });

  it('leaves out what says the same as the message before on its topic, with --changes', () => {
    const filter = new MessageFilter({ changes: true });
    const long = 'x'.repeat(100);
    const said: [string, string, boolean][] = [
      ['a', '1', true],
      ['b', '1', true],
      ['a', '1', false],
      ['a', '2', true],
      ['a', '1', true],
      ['a', '', true],
      ['a', '', false],
      ['a', long, true],
      ['a', long, false],
      ['a', `${long}x`, true],
      ['b', '1', false],
    ];
    expect(said.map(([topic, payload]) => filter.takes(message(topic, payload)))).toEqual(
      said.map(([, , expected]) => expected),
    );
  });

  it('does not see what changes in bytes that it was lent', () => {
    const filter = new MessageFilter({ changes: true });
    const lent = { ...message('a', ''), payload: Buffer.from('1') };
    expect(filter.takes(lent)).toBe(true);
    lent.payload[0] = 0x32;
    expect(filter.takes(lent)).toBe(true);
  });

  it('goes by the time in the payload with --since, else by the arrival, which says nothing of what is retained', () => {
    const hourAgo = Date.now() - 3_600e3;
    const filter = new MessageFilter({ sinceMs: hourAgo });
    const tst = (minutesAgo: number) => `{"tst":${Math.round(Date.now() / 1_000 - minutesAgo * 60)}}`;
    expect(filter.takes(message('a', tst(30), true))).toBe(true);
    expect(filter.takes(message('a', tst(90), true))).toBe(false);
    expect(filter.takes(message('a', tst(90)))).toBe(false);
    expect(filter.takes(message('a', 'x'))).toBe(true);
    expect(filter.takes(message('a', 'x', true))).toBe(false);
    expect(new MessageFilter({ sinceMs: Date.now() + 60e3 }).takes(message('a', 'x'))).toBe(false);
  });
});

describe('--since', () => {
  const now = Date.parse('2026-05-10T12:00:00Z');

  it.each([
    ['now', '2026-05-10T12:00:00Z'],
    ['90s', '2026-05-10T11:58:30Z'],
    ['10m', '2026-05-10T11:50:00Z'],
    ['1.5h', '2026-05-10T10:30:00Z'],
    ['3d', '2026-05-07T12:00:00Z'],
    ['1w', '2026-05-03T12:00:00Z'],
    ['2026-05-01T12:00Z', '2026-05-01T12:00:00Z'],
    ['2026-05-01 12:00:30.5+02:00', '2026-05-01T10:00:30.5Z'],
  ])('%s is %s', (text, expected) => {
    expect(new Date(sinceMs(text, now))).toEqual(new Date(expected));
  });

  it('takes a time without a zone as local time, a day from its beginning', () => {
    expect(sinceMs('2026-05-01T12:00', now)).toBe(new Date(2026, 4, 1, 12).getTime());
    expect(sinceMs('2026-05-01', now)).toBe(new Date(2026, 4, 1).getTime());
  });

  it.each(['', '10', 'm', '10 m', 'yesterday', '2026-13-01', '12:00', '-10m'])('%j is refused', (text) => {
    expect(() => sinceMs(text, now)).toThrow('--since is 10m, 2h, 3d, now, or a time');
  });
});
