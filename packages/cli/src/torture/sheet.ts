import type { ArenaResult } from './arena.js';
import { type Checks, type Findings, VIOLATIONS, type ViolationKind } from './findings.js';
import type { Percentiles } from './latencies.js';

/** What power cuts have met. */
export interface PowerCutTally {
  readonly cuts: number;
  /** Those at which something was not durable. */
  readonly cutsWithLosses: number;
  /** Changes of files that were not durable, at all of them. */
  readonly writesPending: number;
}

/** What a sheet tells besides what the run has found. */
export interface SheetContext {
  readonly seed: number;
  /** Where the broker's files and its log are. */
  readonly folder: string;
  /** Null: at a kill, only the process died. */
  readonly powerCuts: PowerCutTally | null;
  /** Of the disk under `folder`, measured before the run. */
  readonly commitMs: Percentiles | null;
}

const KINDS = Object.keys(VIOLATIONS) as ViolationKind[];

/** Of what a kind of violation was looked for, and what the sheet calls that. */
const CHECKED: { readonly [Kind in ViolationKind]?: readonly [keyof Checks, string] } = {
  lost: ['deliveries', 'deliveries'],
  duplicate: ['deliveries', 'deliveries'],
  disorder: ['deliveries', 'deliveries'],
  corrupt: ['deliveries', 'deliveries'],
  retained: ['retained', 'looks at a topic'],
  subscription: ['subscriptions', 'answers about one'],
  session: ['sessions', 'answers to CONNECT'],
  will: ['wills', 'that came or had to stay away'],
};

/** The sheet for people. */
export function sheetText(result: ArenaResult, context: SheetContext): string {
  const { model, acknowledged, pubackMs, startMs, seconds, kills, killsAtStart } = result;
  const { powerCuts, commitMs, folder } = context;
  const { findings } = model;
  const byQos = [...acknowledged].sort().map(([qos, count]) => `QoS ${qos}: ${shown(count)}`);
  const total = [...acknowledged.values()].reduce((sum, count) => sum + count, 0);
  const rows: [string, string][] = [
    ['Time', `${seconds.toFixed(1)} s`],
    [powerCuts === null ? 'Kills (SIGKILL)' : 'Power cuts', `${shown(kills)}, ${shown(killsAtStart)} during a start`],
    ...(powerCuts === null ? [] : [lossesRow(powerCuts)]),
    ['Messages acknowledged', total === 0 ? '0' : `${shown(total)} (${byQos.join(', ')})`],
    ...KINDS.map((kind): [string, string] => [VIOLATIONS[kind], countText(kind, findings)]),
    ['Disk: write and fsync of 4 KB', percentilesText(commitMs)],
    ['PUBLISH to PUBACK', percentilesText(pubackMs)],
    ['Start after a kill', percentilesText(startMs)],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  const table = rows.map(([name, value]) => `  ${name.padEnd(width)}  ${value}\n`).join('');
  const details = findings.first.map(
    ({ text, history }) => `\n- ${text}\n${history.map((line) => `  ${line}\n`).join('')}`,
  );
  return `${verdictText(findings.total, kills, folder)}\n\n${table}${details.join('')}`;
}

function verdictText(violations: number, kills: number, folder: string): string {
  if (violations > 0) {
    return `FAILED: ${shown(violations)} violations. The first of each kind stand below, the broker's log is in ${folder}.`;
  }
  return kills === 0 ? 'It ended before the first kill.' : 'PASSED: nothing that was acknowledged is lost.';
}

function lossesRow({ cuts, cutsWithLosses, writesPending }: PowerCutTally): [string, string] {
  return ['Writes not yet on the disk', `${shown(writesPending)}, at ${shown(cutsWithLosses)} of ${shown(cuts)} cuts`];
}

function countText(kind: ViolationKind, findings: Findings): string {
  const count = shown(findings.count(kind));
  const checked = CHECKED[kind];
  if (checked === undefined) return count;
  const [check, name] = checked;
  return `${count.padEnd(COUNT_WIDTH)} of ${shown(findings.checks[check])} ${name}`;
}

/** The same for programs. */
export function sheetJson(result: ArenaResult, context: SheetContext): string {
  const { model, acknowledged, pubackMs, startMs, seconds, kills, killsAtStart } = result;
  const { powerCuts, seed, folder } = context;
  const { findings } = model;
  const sheet = {
    passed: findings.total === 0 && kills > 0,
    mode: powerCuts === null ? 'kill' : 'power cut',
    seed,
    folder,
    seconds,
    kills,
    killsAtStart,
    powerCuts,
    acknowledged: { qos1: acknowledged.get(1) ?? 0, qos2: acknowledged.get(2) ?? 0 },
    violations: Object.fromEntries(KINDS.map((kind) => [kind, findings.count(kind)])),
    checks: findings.checks,
    first: findings.first,
    diskCommitMs: context.commitMs,
    pubackMs,
    startMs,
  };
  return `${JSON.stringify(sheet, null, 2)}\n`;
}

const COUNT_WIDTH = 3;

function percentilesText(times: Percentiles | null): string {
  if (times === null) return 'not measured';
  const [p50, p99, max] = [times.p50, times.p99, times.max].map((ms) => `${ms.toFixed(ms < 10 ? 2 : 0)} ms`);
  return `p50 ${p50}, p99 ${p99}, max ${max}`;
}

function shown(count: number): string {
  return count.toLocaleString('en');
}
