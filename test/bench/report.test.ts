import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { performanceDocument } from '../../bench/document.js';
import { judge } from '../../bench/micro/guard.js';
import { formatNodeTable, formatTable, isReached, ratioOf, rowsOf } from '../../bench/report.js';
import { combine, readResults } from '../../bench/results.js';

const EXTENT = { seconds: 3, scale: 1, isPinned: true };

function row(values: Record<string, (number | null)[]>, required: object | null) {
  const base = { group: 'Group', name: 'Row', figure: 'receivedPerSecond', notes: {} } as const;
  return { ...base, ...EXTENT, values, required } as Parameters<typeof isReached>[0];
}

describe('a row of the table', () => {
  test('compares round by round, so that a round in which everything was slow does not count twice', () => {
    const measured = row({ cauldron: [100, 10, 100], yardstick: [100, 10, 200] }, { share: 0.75 });
    expect(ratioOf(measured, 'cauldron', 'yardstick')).toBe(1);
    expect(isReached(measured)).toBe(true);
  });

  test('leaves rounds out in which one of the two has no figure', () => {
    expect(ratioOf(row({ cauldron: [null, 30], mosquitto: [10, 10] }, null), 'cauldron', 'mosquitto')).toBe(3);
  });

  test.each([
    [{ share: 0.75 }, { cauldron: [74], yardstick: [100] }, false],
    [{ timesMosquitto: 4 }, { cauldron: [41], mosquitto: [10] }, true],
    [{ timesMosquitto: 4 }, { cauldron: [39], mosquitto: [10] }, false],
    [{ mostOfMosquitto: 1 }, { cauldron: [9], mosquitto: [10] }, true],
    [{ mostOfMosquitto: 1 }, { cauldron: [11], mosquitto: [10] }, false],
    [{ most: 10 }, { cauldron: [11] }, false],
    [{ least: 10 }, { cauldron: [9, 11, 12] }, true],
    [{ share: 0.75 }, { cauldron: [74] }, null],
    [{ most: 10 }, { cauldron: [null] }, null],
    [null, { cauldron: [1] }, null],
  ])('is judged by %j: %j is %s', (required, values, verdict) => {
    expect(isReached(row(values, required))).toBe(verdict);
  });

  test('shows medians, spread, ratios, what C++ reached, and the verdict', () => {
    const measured = {
      ...row({ cauldron: [90, 100, 110], yardstick: [200, 200, 200] }, { share: 0.75 }),
      cppShare: 0.25,
    };
    expect(formatTable([measured])).toContain('| Row | 100 ±10 % | 200 ±0 % | 0.50 | 2.00 | ≥ 0.75 of yardstick | ✗ |');
  });

  test('keeps another Node out of the main table, and has a table for it', () => {
    const measured = row({ cauldron: [100], yardstick: [200], 'cauldron-node': [150], 'yardstick-node': [300] }, null);
    expect(formatTable([measured])).not.toContain('cauldron-node');
    expect(formatNodeTable([measured])).toContain('| Row | 100 | 150 | 1.50 | 0.50 | – |');
    expect(formatNodeTable([row({ cauldron: [1] }, null)])).toBeNull();
  });

  test('notes a run that gave no figure', () => {
    const scenario = {
      group: 'Group',
      name: 'Row',
      kind: 'load',
      load: [],
      needs: [],
      measures: [{ name: 'Row', figure: 'receivedPerSecond', required: null }],
    } as Parameters<typeof rowsOf>[0];
    const samples = [
      { figures: { receivedPerSecond: 5 }, notes: [], loads: [] },
      { figures: {}, notes: ['f'], loads: [] },
    ];
    expect(rowsOf(scenario, new Map([['cauldron', samples]]), EXTENT)).toMatchObject([
      { values: { cauldron: [5, null] }, notes: { cauldron: ['f'] } },
    ]);
  });
});

describe('results', () => {
  const machine = { cpu: 'cpu', cores: 2, linux: '6' };
  const old = { machine, versions: { cauldron: '1' }, rows: [row({ cauldron: [1] }, null)], micro: [] };

  test('of a later run take the place of what an earlier one said of the same', () => {
    const news = { ...old, versions: { mosquitto: '2' }, rows: [row({ cauldron: [2] }, null)] };
    const both = combine(old, news);
    expect(both.versions).toEqual({ cauldron: '1', mosquitto: '2' });
    expect(both.rows.map(({ values }) => values)).toEqual([{ cauldron: [2] }]);
  });

  test('of another machine or version are not mixed with them', () => {
    expect(() => combine(old, { ...old, machine: { ...machine, cpu: 'other' } })).toThrow('another machine');
    expect(() => combine(old, { ...old, versions: { cauldron: '2' } })).toThrow('cauldron 1, and this is 2');
  });

  test('become a document with the machine, the versions, a table for each group, and what is to be doubted', () => {
    const text = performanceDocument({ ...old, rows: [{ ...row({ cauldron: [1] }, null), scale: 0.5 }] });
    for (const part of ['- cpu, 2 cores, Linux 6', '- cauldron: 1', '## Group', '| Row | 1 |', 'only show that']) {
      expect(text).toContain(part);
    }
    expect(performanceDocument(old)).not.toContain('only show that');
  });
});

describe('the guard of the hot path', () => {
  const machine = { cpu: 'cpu', node: 'v20' };
  const recorded = { ...machine, ratios: { work: 1 } };

  test('lets pass what costs up to 15 % more', () => {
    expect(judge(recorded, () => ({ work: 1.14 }), machine)).toEqual([]);
  });

  test('tells the name and both figures of what costs more', () => {
    expect(judge(recorded, () => ({ work: 1.2 }), machine)).toEqual([
      'work: 1.20 of the plain loop instead of 1.00, 20 % more',
    ]);
  });

  test('believes it only when every process says the same', () => {
    const costs = [1.3, 1.3, 1.1];
    expect(judge(recorded, () => ({ work: costs.shift() ?? 0 }), machine)).toEqual([]);
    expect(costs).toEqual([]);
  });

  test('is patient on another processor, not endlessly', () => {
    const elsewhere = { ...machine, cpu: 'other' };
    expect(judge(recorded, () => ({ work: 1.5 }), elsewhere)).toEqual([]);
    expect(judge(recorded, () => ({ work: 1.7 }), elsewhere)).toHaveLength(1);
  });

  test('complains of what is not recorded, and of what is recorded and gone', () => {
    expect(judge(recorded, () => ({ other: 1 }), machine)).toEqual([
      'other: not in bench/guard.json',
      'work: in bench/guard.json, but not measured any more',
    ]);
  });
});

const RESULTS = new URL('../../bench/results.json', import.meta.url);

test.skipIf(!existsSync(RESULTS))('docs/performance.md is what bench/results.json says', () => {
  const document = readFileSync(new URL('../../docs/performance.md', import.meta.url), 'utf8');
  expect(document).toBe(performanceDocument(readResults(RESULTS.pathname)));
});
