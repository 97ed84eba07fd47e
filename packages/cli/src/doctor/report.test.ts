import { describe, expect, it } from 'vitest';
import { reportJson, TextReport, wrapped } from './report.js';

describe('wrapped', () => {
  it('breaks between words, and leaves a long one whole', () => {
    expect(wrapped('one two three', 8)).toEqual(['one two', 'three']);
    expect(wrapped('a incomprehensible b', 8)).toEqual(['a', 'incomprehensible', 'b']);
  });
});

describe('the report for people', () => {
  it('has headings, marks, times in a column, and fits the terminal', () => {
    let shown = '';
    const report = new TextReport((text) => {
      shown += text;
    }, 60);
    report.begin('mqtt://host');
    report.tell({ area: 'address', check: 'tcp', mark: 'ok', text: '192.0.2.1:1883 takes connections', timeMs: 12.3 });
    report.tell({
      area: 'access',
      check: 'anonymous',
      mark: 'warning',
      text: 'Anybody may connect, without a user name, and subscribe',
      timeMs: 1_500,
      advice: 'Give each client a user name and a password, and let nobody else in',
    });
    report.end({
      exitStatus: 1,
      text: 'Works, but:',
      reasons: ['Anybody may connect, without a user name, and subscribe'],
    });
    expect(shown).toBe(`mqtt://host

Address
ok    192.0.2.1:1883 takes connections                12 ms

Who gets in
WARN  Anybody may connect, without a user name,
      and subscribe                                   1.5 s
      > Give each client a user name and a password, and
        let nobody else in

Works, but:
- Anybody may connect, without a user name, and subscribe
`);
    for (const line of shown.split('\n')) expect(line.length).toBeLessThan(60);
  });
});

describe('the report for programs', () => {
  it('has the findings and the verdict', () => {
    const findings = [{ area: 'speed', check: 'ping', mark: 'ok', text: 'PING', data: { medianMs: 2 } }] as const;
    const verdict = { exitStatus: 0, text: 'Good.', reasons: [] } as const;
    expect(JSON.parse(reportJson('mqtt://host', findings, verdict))).toEqual({ url: 'mqtt://host', verdict, findings });
  });
});
