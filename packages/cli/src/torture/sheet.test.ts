import { describe, expect, it } from 'vitest';
import type { ArenaResult } from './arena.js';
import { Model } from './model.js';
import { type SheetContext, sheetJson, sheetText } from './sheet.js';

const TIMES = { count: 100, p50: 1.234, p99: 12.6, max: 345 };

function resultOf(more: Partial<ArenaResult> = {}): ArenaResult {
  return {
    model: new Model(() => 0),
    seconds: 61.23,
    kills: 12,
    killsAtStart: 2,
    acknowledged: new Map([
      [2, 1000],
      [1, 2345],
    ]),
    pubackMs: TIMES,
    startMs: null,
    ...more,
  };
}

const CONTEXT: SheetContext = { seed: 7, folder: '/disk/run', powerCuts: null, commitMs: TIMES };

describe('the sheet', () => {
  it('of a run that found nothing', () => {
    const result = resultOf();
    Object.assign(result.model.findings.checks, {
      deliveries: 9999,
      retained: 8,
      subscriptions: 7,
      sessions: 6,
      wills: 5,
    });
    expect(sheetText(result, CONTEXT)).toBe(`PASSED: nothing that was acknowledged is lost.

  Time                                          61.2 s
  Kills (SIGKILL)                               12, 2 during a start
  Messages acknowledged                         3,345 (QoS 1: 2,345, QoS 2: 1,000)
  Messages lost                                 0   of 9,999 deliveries
  Messages delivered twice                      0   of 9,999 deliveries
  Messages out of order                         0   of 9,999 deliveries
  Messages not as published                     0   of 9,999 deliveries
  Retained messages stale, lost or resurrected  0   of 8 looks at a topic
  Subscriptions lost or undead                  0   of 7 answers about one
  Sessions lost or undead                       0   of 6 answers to CONNECT
  Wills lost or undead                          0   of 5 that came or had to stay away
  Breakdowns of the broker                      0
  Disk: write and fsync of 4 KB                 p50 1.23 ms, p99 13 ms, max 345 ms
  PUBLISH to PUBACK                             p50 1.23 ms, p99 13 ms, max 345 ms
  Start after a kill                            not measured
`);
  });

  it('of power cuts tells what they met', () => {
    const powerCuts = { cuts: 12, cutsWithLosses: 9, writesPending: 1234 };
    const text = sheetText(resultOf(), { ...CONTEXT, powerCuts });
    expect(text).toMatch(
      /^ {2}Power cuts {2,}12, 2 during a start\n {2}Writes not yet on the disk {2,}1,234, at 9 of 12 cuts$/m,
    );
    expect(text).not.toContain('SIGKILL');
  });

  it('counts all violations, and shows the first three of each kind with their history', () => {
    const result = resultOf();
    const { findings } = result.model;
    for (let n = 1; n <= 1500; n++) findings.add('lost', `message ${n} is lost`, () => [`how ${n} went`]);
    findings.add('will', 'a will is lost', () => []);
    const text = sheetText(result, CONTEXT);
    expect(text).toMatch(/^FAILED: 1,501 violations\. .* the broker's log is in \/disk\/run\.\n/);
    expect(text).toMatch(/^ {2}Messages lost {2,}1,500 of 0 deliveries$/m);
    expect(text).toMatch(/^ {2}Wills lost or undead {2,}1 {3}of /m);
    const details = [1, 2, 3].map((n) => `\n- message ${n} is lost\n  how ${n} went\n`).join('');
    expect(text.endsWith(`${details}\n- a will is lost\n`)).toBe(true);
  });

  it('does not say that a run has passed in which nothing was killed', () => {
    const result = resultOf({ kills: 0, killsAtStart: 0, acknowledged: new Map(), pubackMs: null });
    const text = sheetText(result, CONTEXT);
    expect(text).toMatch(/^It ended before the first kill\.\n/);
    expect(text).toMatch(/^ {2}Messages acknowledged {2,}0$/m);
    expect(JSON.parse(sheetJson(result, CONTEXT))).toMatchObject({ passed: false, kills: 0 });
  });

  it('for programs has the same', () => {
    const result = resultOf();
    result.model.findings.add('duplicate', 'twice', () => ['once', 'again']);
    expect(JSON.parse(sheetJson(result, CONTEXT))).toEqual({
      passed: false,
      mode: 'kill',
      seed: 7,
      folder: '/disk/run',
      seconds: 61.23,
      kills: 12,
      killsAtStart: 2,
      powerCuts: null,
      acknowledged: { qos1: 2345, qos2: 1000 },
      violations: {
        lost: 0,
        duplicate: 1,
        disorder: 0,
        corrupt: 0,
        retained: 0,
        subscription: 0,
        session: 0,
        will: 0,
        broker: 0,
      },
      checks: { deliveries: 0, retained: 0, subscriptions: 0, sessions: 0, wills: 0 },
      first: [{ kind: 'duplicate', text: 'twice', history: ['once', 'again'] }],
      diskCommitMs: TIMES,
      pubackMs: TIMES,
      startMs: null,
    });
  });
});
