import { STANDARD } from '../statements/index.js';
import { nameOf, type Result } from './runner.js';

const MARKS = { passed: '✓', failed: '✗', skipped: '-' } as const;

export interface Summary {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export function summaryOf(results: readonly Result[]): Summary {
  const count = (kind: keyof typeof MARKS): number => results.filter(({ outcome }) => outcome.kind === kind).length;
  return { passed: count('passed'), failed: count('failed'), skipped: count('skipped') };
}

/** For people: a line for each test under its section, the packets of what failed, and the totals. */
export function reportText(results: readonly Result[], broker: string): string {
  const lines: string[] = [];
  let heading = '';
  for (const result of results) {
    const { instance } = result;
    const next = `${STANDARD[instance.level]} · ${instance.section}${instance.side === 'client' ? ' · client' : ''}`;
    if (next !== heading) lines.push('', next);
    heading = next;
    lines.push(...linesOf(result));
  }
  const { passed, failed, skipped } = summaryOf(results);
  lines.push('', `${broker}: ${passed} passed, ${failed} failed, ${skipped} skipped`);
  return `${lines.join('\n').trimStart()}\n`;
}

/** For programs; the same facts. */
export function reportJson(results: readonly Result[], broker: string): string {
  const tests = results.map(({ instance, outcome }) => ({
    standard: STANDARD[instance.level],
    section: instance.section,
    side: instance.side,
    statements: instance.statements,
    title: instance.title,
    result: outcome.kind,
    durationMs: Math.round(outcome.durationMs),
    ...(outcome.kind === 'passed' ? {} : { reason: outcome.reason }),
    ...(outcome.kind === 'failed' ? { trace: outcome.trace.split('\n') } : {}),
  }));
  return `${JSON.stringify({ broker, ...summaryOf(results), tests }, null, 2)}\n`;
}

function linesOf({ instance, outcome }: Result): string[] {
  const line = `  ${MARKS[outcome.kind]} ${nameOf(instance)}`;
  switch (outcome.kind) {
    case 'passed':
      return [line];
    case 'skipped':
      return [`${line} (${outcome.reason})`];
    case 'failed':
      return [line, `      ${outcome.reason}`, ...outcome.trace.split('\n').map((one) => `      ${one}`)];
  }
}
