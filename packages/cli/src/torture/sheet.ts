import type { ArenaResult } from './arena.js';
import { VIOLATIONS, type ViolationKind } from './findings.js';
import type { Percentiles } from './latencies.js';

/** What a sheet tells besides what the run has found. */
export interface SheetContext {
  readonly seed: number;
  /** Where the broker's files and its log are. */
  readonly folder: string;
  /** What was thrown away at each kill: nothing (the process died), or what was not on the disk (the power went). */
  readonly mode: 'kill' | 'power cut';
  /** Of the disk under `folder`, measured before the run. */
  readonly commitMs: Percentiles | null;
}

const KINDS = Object.keys(VIOLATIONS) as ViolationKind[];

/** The sheet for people. */
export function sheetText(result: ArenaResult, context: SheetContext): string {
  const { model, acknowledged, pubackMs, seconds, kills } = result;
  const { findings } = model;
  const byQos = [...acknowledged].sort().map(([qos, count]) => `QoS ${qos}: ${shown(count)}`);
  const total = [...acknowledged.values()].reduce((sum, count) => sum + count, 0);
  const rows: [string, string][] = [
    ['Time', `${seconds.toFixed(1)} s`],
    [context.mode === 'kill' ? 'Kills (SIGKILL)' : 'Power cuts', shown(kills)],
    ['Messages acknowledged', total === 0 ? '0' : `${shown(total)} (${byQos.join(', ')})`],
    ...KINDS.map((kind): [string, string] => [VIOLATIONS[kind], shown(findings.count(kind))]),
    ['Disk: write and fsync of 4 KB', percentilesText(context.commitMs)],
    ['PUBLISH to PUBACK', percentilesText(pubackMs)],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  const table = rows.map(([name, value]) => `  ${name.padEnd(width)}  ${value}\n`).join('');
  const details = findings.first.map(
    ({ text, history }) => `\n- ${text}\n${history.map((line) => `  ${line}\n`).join('')}`,
  );
  const verdict =
    findings.total === 0
      ? 'PASSED: nothing that was acknowledged is lost.'
      : `FAILED: ${shown(findings.total)} violations. The first of each kind stand below, the broker's log is in ${context.folder}.`;
  return `${verdict}\n\n${table}${details.join('')}`;
}

/** The same for programs. */
export function sheetJson(result: ArenaResult, context: SheetContext): string {
  const { model, acknowledged, pubackMs, seconds, kills } = result;
  const { findings } = model;
  const sheet = {
    passed: findings.total === 0,
    mode: context.mode,
    seed: context.seed,
    folder: context.folder,
    seconds,
    kills,
    acknowledged: { qos1: acknowledged.get(1) ?? 0, qos2: acknowledged.get(2) ?? 0 },
    violations: Object.fromEntries(KINDS.map((kind) => [kind, findings.count(kind)])),
    first: findings.first,
    diskCommitMs: context.commitMs,
    pubackMs,
  };
  return `${JSON.stringify(sheet, null, 2)}\n`;
}

function percentilesText(times: Percentiles | null): string {
  if (times === null) return 'not measured';
  const [p50, p99, max] = [times.p50, times.p99, times.max].map((ms) => `${ms.toFixed(ms < 10 ? 2 : 0)} ms`);
  return `p50 ${p50}, p99 ${p99}, max ${max}`;
}

function shown(count: number): string {
  return count.toLocaleString('en');
}
