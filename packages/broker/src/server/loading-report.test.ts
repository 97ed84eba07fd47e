import { describe, expect, it } from 'vitest';
import { LoadingReport } from './loading-report.js';

function begin() {
  const lines: string[] = [];
  const clock = { now: 5000, monotonicMs: () => clock.now };
  return { clock, lines, report: new LoadingReport(clock, (line) => lines.push(line)) };
}

describe('the report of a start', () => {
  it('has a line a second at most, and none in the first', () => {
    const { clock, lines, report } = begin();
    for (clock.now = 5000; clock.now < 7500; clock.now += 100) {
      report.progress({ retained: clock.now * 100, sessions: 0 });
    }
    expect(lines).toEqual([
      'Loading: 600,000 retained messages, 0 sessions ...',
      'Loading: 700,000 retained messages, 0 sessions ...',
    ]);
  });

  it('ends with what there was, and the time', () => {
    const { clock, lines, report } = begin();
    clock.now += 1234;
    report.done({ retained: 1, sessions: 20_000 });
    expect(lines).toEqual(['Loaded: 1 retained message, 20,000 sessions, in 1.2 s.']);
  });

  it('is empty when the store is', () => {
    const { lines, report } = begin();
    report.done({ retained: 0, sessions: 0 });
    expect(lines).toEqual([]);
  });
});
