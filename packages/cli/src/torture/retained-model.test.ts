import { beforeEach, describe, expect, it } from 'vitest';
import { Findings } from './findings.js';
import { RetainedModel } from './retained-model.js';
import { Timeline } from './timeline.js';

let ms: number;
let timeline: Timeline;
let findings: Findings;
let retained: RetainedModel;

beforeEach(() => {
  ms = 0;
  timeline = new Timeline(() => ms++);
  findings = new Findings();
  retained = new RetainedModel('r/1', timeline, findings);
});

/** Acknowledged at once. @returns its number */
function write(clears = false): number {
  const number = retained.writing(clears);
  retained.written(number);
  return number;
}

/** Asks now, and sees this at once. @returns what is found wrong */
function read(seen: number | null): string | undefined {
  const before = findings.count('retained');
  retained.read(seen, timeline.now());
  return findings.count('retained') > before ? findings.first.at(-1)?.text : undefined;
}

describe('a retained message', () => {
  it('is what was acknowledged last', () => {
    expect(read(null)).toBeUndefined();
    expect(read(write())).toBeUndefined();
    expect(read(write())).toBeUndefined();
    write(true);
    expect(read(null)).toBeUndefined();
    expect(findings.checks.retained).toBe(4);
  });

  it('is found lost', () => {
    write();
    expect(read(null)).toBe('the retained message of r/1 is gone: nothing is seen, not 1');
  });

  it('is found stale', () => {
    const first = write();
    write();
    expect(read(first)).toBe('the retained message of r/1 is stale: 1 is seen, not 2');
  });

  it('is found resurrected', () => {
    const first = write();
    write(true);
    expect(read(first)).toBe('the retained message of r/1 was cleared: 1 is seen, not nothing');
  });

  it('is found when nobody has written it, or its contents are wrong', () => {
    expect(read(1)).toBeDefined();
    write();
    expect(read(Number.NaN)).toBeDefined();
  });

  it('may be there or not while it is not acknowledged', () => {
    const first = write();
    const second = retained.writing(false);
    expect(read(first)).toBeUndefined();
    expect(read(second)).toBeUndefined();
    expect(read(null)).toBeDefined();
  });

  it('may be there or gone while it is being cleared', () => {
    const first = write();
    retained.writing(true);
    expect(read(first)).toBeUndefined();
    expect(read(null)).toBeUndefined();
  });

  it('may be one that was replaced while it was looked for', () => {
    const first = write();
    const since = timeline.now();
    const second = write();
    retained.read(first, since);
    retained.read(second, since);
    expect(findings.count('retained')).toBe(0);
    retained.read(null, since);
    expect(findings.count('retained')).toBe(1);
  });

  it('is known after very many writes', () => {
    let last = 0;
    for (let i = 0; i < 500; i++) last = write();
    expect(read(last)).toBeUndefined();
    expect(read(last - 1)).toBeDefined();
  });
});
