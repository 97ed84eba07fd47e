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

/**
 * For people: what failed with its packets, what was skipped and why, and the totals of each section. `showsAll`: the
 * tests that passed, too.
 */
export function reportText(results: readonly Result[], broker: string, showsAll: boolean): string {
  const sections = new Map<string, Result[]>();
  for (const result of results) {
    const { level, section, side } = result.instance;
    const heading = `${STANDARD[level]} · ${section}${side === 'client' ? ' · client' : ''}`;
    const found = sections.get(heading);
    if (found === undefined) sections.set(heading, [result]);
    else found.push(result);
  }
  const lines: string[] = [];
  for (const [heading, ofSection] of sections) {
    lines.push(`${heading}: ${countsText(summaryOf(ofSection))}`);
    const shown = showsAll ? ofSection : ofSection.filter(({ outcome }) => outcome.kind !== 'passed');
    lines.push(...shown.flatMap(linesOf));
  }
  lines.push('', `${broker}: ${countsText(summaryOf(results))}`);
  return `${lines.join('\n')}\n`;
}

function countsText(summary: Summary): string {
  const shown = Object.entries(summary).filter(([kind, count]) => count > 0 || kind === 'passed');
  return shown.map(([kind, count]) => `${count} ${kind}`).join(', ');
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
