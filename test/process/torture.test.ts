import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runCauldron } from '../support/broker-process.js';
import { areInstalled } from '../support/programs.js';
import { killAll } from '../support/running-program.js';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cauldron-torture-test-'));
});

afterEach(async () => {
  await killAll();
  rmSync(folder, { recursive: true });
});

/** What the sheet for programs has, as far as tests look at it. */
interface Sheet {
  readonly passed: boolean;
  readonly mode: string;
  readonly seed: number;
  readonly kills: number;
  readonly acknowledged: { readonly qos1: number; readonly qos2: number };
  readonly violations: Readonly<Record<string, number>>;
  readonly first: readonly { readonly kind: string; readonly text: string; readonly history: readonly string[] }[];
  readonly powerCuts: { readonly cuts: number; readonly cutsWithLosses: number } | null;
}

async function torture(...argv: string[]): Promise<{ sheet: Sheet; exitCode: number | null }> {
  const all = ['torture', '--dir', folder, '--json', '--seed', '7', ...argv];
  const { stdout, exitCode } = await runCauldron(all, '').ended;
  return { sheet: JSON.parse(stdout.toString()) as Sheet, exitCode };
}

const TIMEOUT_MS = 180_000;
const hasPowerCuts = process.platform === 'linux' && areInstalled('gcc');

describe('cauldron torture', { timeout: TIMEOUT_MS }, () => {
  it('finds nothing wrong with this broker when it is killed, and leaves nothing behind', async () => {
    // As many as it takes, on a busy machine too, for the messages below.
    const { sheet, exitCode } = await torture('--kills', '12');
    expect(sheet.first).toEqual([]);
    expect([exitCode, sheet.passed, sheet.mode, sheet.seed]).toEqual([0, true, 'kill', 7]);
    expect(sheet.kills).toBeGreaterThanOrEqual(12);
    expect(Math.min(sheet.acknowledged.qos1, sheet.acknowledged.qos2)).toBeGreaterThan(100);
    expect(readdirSync(folder)).toEqual([]);
  });

  it.skipIf(!hasPowerCuts)('finds nothing wrong with it when the power is cut', async () => {
    const { sheet, exitCode } = await torture('--kills', '6', '--power-cut');
    expect(sheet.first).toEqual([]);
    expect([exitCode, sheet.passed, sheet.mode]).toEqual([0, true, 'power cut']);
    expect(sheet.powerCuts?.cuts).toBe(sheet.kills);
    expect(sheet.powerCuts?.cutsWithLosses).toBeGreaterThan(0);
  });

  it('finds what a broker without persistence loses, and keeps its log', async () => {
    const { sheet, exitCode } = await torture('--kills', '3', '--option', 'persistence false');
    expect([exitCode, sheet.passed]).toEqual([1, false]);
    expect(sheet.violations.session).toBeGreaterThan(0);
    expect(sheet.first.map(({ text }) => text)).toContain('publisher-1 has lost its session');
    const [name] = readdirSync(folder);
    expect(readdirSync(join(folder, name)).sort()).toEqual(['broker.conf', 'broker.log', 'data']);
  });

  it.skipIf(!hasPowerCuts)('finds what a broker that never syncs loses when the power is cut', async () => {
    const { sheet, exitCode } = await torture('--kills', '3', '--power-cut', '--option', 'persistence_sync never');
    expect([exitCode, sheet.passed]).toEqual([1, false]);
    expect(sheet.violations.session).toBeGreaterThan(0);
  });

  it('takes messages of one QoS alone', async () => {
    const { sheet, exitCode } = await torture('--kills', '3', '--qos', '2');
    expect(exitCode).toBe(0);
    expect(sheet.acknowledged.qos1).toBe(0);
    expect(sheet.acknowledged.qos2).toBeGreaterThan(0);
  });

  it.skipIf(process.platform === 'win32')('ends with its sheet on Ctrl-C', async () => {
    const program = runCauldron(['torture', '--dir', folder, '--minutes', '60', '--seed', '7'], '');
    await program.shows('Seed 7.');
    program.process.kill('SIGINT');
    const { stdout, stderr, exitCode } = await program.ended;
    expect(stdout.toString()).toMatch(/^(PASSED|It ended before the first kill)/);
    expect(stdout.toString()).toContain('  Messages acknowledged');
    expect([stderr.split('\n').length, stdout.toString().startsWith('PASSED') ? 0 : 2]).toEqual([2, exitCode]);
  });

  it('ends with status 2 when nothing can be found out', async () => {
    const file = join(folder, 'file');
    writeFileSync(file, '');
    const cases: [string[], RegExp][] = [
      [['--dir', file], /^Error: No folder can be made in .*file: /m],
      [['--dir', folder, '--option', 'no_such_option 1'], /^Error: the broker has ended by itself.*no_such_option/ms],
      [['--qos', '0'], /^Error: .*--qos/m],
      [['--kills'], /^Error: --kills needs N/m],
    ];
    for (const [argv, expected] of cases) {
      const { stdout, stderr, exitCode } = await runCauldron(['torture', ...argv], '').ended;
      expect([stdout.toString(), exitCode]).toEqual(['', 2]);
      expect(stderr).toMatch(expected);
    }
  });

  it('tells its options', async () => {
    const { stdout, exitCode } = await runCauldron(['torture', '--help'], '').ended;
    expect(exitCode).toBe(0);
    const flags = ['minutes', 'kills', 'dir', 'qos', 'seed', 'json', 'power-cut', 'option', 'help'];
    for (const flag of flags) expect(stdout.toString()).toMatch(new RegExp(`^ +--${flag}\\b`, 'm'));
  });
});
