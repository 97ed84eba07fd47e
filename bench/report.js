// From what was measured to tables: medians, spread, ratios and verdicts.
import { median } from './median.js';

/**
 * One run of one scenario on one target.
 * @typedef {object} Sample
 * @property {Partial<Record<import('./scenarios.js').Figure, number>>} figures
 * @property {string[]} notes letters of `noteTexts`
 * @property {import('./generator.js').LoadReport[]} loads what the generator reported, run by run
 */

/**
 * One measure on all targets: a line of the table, as it stands in a file of results.
 * @typedef {object} Row
 * @property {string} group
 * @property {string} name
 * @property {import('./scenarios.js').Figure} figure
 * @property {import('./scenarios.js').Required | null} required
 * @property {number} [cppShare]
 * @property {Record<string, (number | null)[]>} values of each target, round by round; null: there was no figure
 * @property {Record<string, string[]>} notes of each target
 * @property {number} seconds of each run
 * @property {number} scale
 * @property {boolean} isPinned whether broker and generator had a core each
 */

export const noteTexts = {
  f: 'the run failed',
  g: 'the generator was at its limit, so the broker may be faster',
  i: 'neither side was busy: other programs had the cores, the load was too small for this broker, or it waited for its disk',
  k: 'acknowledged messages or sessions were not there any more after the start',
  l: 'messages were lost',
  r: 'the rate was not reached',
  w: 'connections stayed open, or wills were not sent',
};

const PRODUCT = 'cauldron';
const YARDSTICK = 'yardstick';
const MOSQUITTO = 'mosquitto';
/** What --node adds. */
const ON_OTHER_NODE = ['cauldron-node', 'yardstick-node'];
/** The columns that come first. */
const FIRST = [PRODUCT, 'open', YARDSTICK, MOSQUITTO];

/**
 * @param {import('./scenarios.js').Scenario} scenario
 * @param {Map<string, Sample[]>} samplesByTarget every target has a sample for each round
 * @param {{ seconds: number, scale: number, isPinned: boolean }} extent
 * @returns {Row[]}
 */
export function rowsOf({ group, measures }, samplesByTarget, extent) {
  return measures.map(({ name, figure, required, cppShare }) => {
    /** @type {Row['values']} */
    const values = {};
    /** @type {Row['notes']} */
    const notes = {};
    for (const [target, samples] of samplesByTarget) {
      values[target] = samples.map((sample) => sample.figures[figure] ?? null);
      notes[target] = [...new Set(samples.flatMap((sample) => sample.notes))].sort();
    }
    return { group, name, figure, required, ...(cppShare === undefined ? {} : { cppShare }), values, notes, ...extent };
  });
}

/**
 * @param {Row} row
 * @param {string} target
 */
function figuresOf(row, target) {
  return (row.values[target] ?? []).filter((value) => value !== null);
}

/**
 * The median of the ratios of each round, not the ratio of the medians: what disturbed the machine in one round
 * disturbed both. Null if there is nothing to compare.
 * @param {Row} row
 * @param {string} ours
 * @param {string} theirs
 */
export function ratioOf(row, ours, theirs) {
  const ratios = (row.values[ours] ?? []).flatMap((value, round) => {
    const other = row.values[theirs]?.[round] ?? 0;
    return value !== null && other > 0 ? value / other : [];
  });
  return ratios.length > 0 ? median(ratios) : null;
}

/**
 * Whether what is required was reached; null if there is nothing to judge by, or nothing is required.
 * @param {Row} row
 */
export function isReached(row) {
  const { required } = row;
  if (required === null) return null;
  if ('most' in required || 'least' in required) {
    const figures = figuresOf(row, PRODUCT);
    if (figures.length === 0) return null;
    const figure = median(figures);
    return 'most' in required ? figure <= required.most : figure >= required.least;
  }
  const ratio = ratioOf(row, PRODUCT, 'share' in required ? YARDSTICK : MOSQUITTO);
  if (ratio === null) return null;
  if ('share' in required) return ratio >= required.share;
  return 'timesMosquitto' in required ? ratio >= required.timesMosquitto : ratio <= required.mostOfMosquitto;
}

/**
 * @param {number} value
 * @param {import('./scenarios.js').Figure} figure
 */
export function formatFigure(value, figure) {
  switch (figure) {
    case 'bytesAtRest':
    case 'bytesQueued':
    case 'anonymousQueued':
    case 'residentBytes':
      return `${(value / 1024 / 1024).toFixed(1)} MB`;
    case 'bytesPerConnection':
    case 'bytesPerSubscription':
    case 'bytesPerRetained':
    case 'residentPerRetained':
      return `${Math.round(value).toLocaleString('en')} B`;
    case 'startSeconds':
    case 'stormSeconds':
      return `${value.toFixed(2)} s`;
    case 'commandSeconds':
      return `${(value * 1000).toFixed(0)} ms`;
    case 'answerMs':
    case 'firstAnswerMs':
    case 'answerPauseMs':
    case 'streamPauseMs':
    case 'stormPauseMs':
      return `${value.toFixed(1)} ms`;
    case 'p50Us':
    case 'p99Us':
    case 'p999Us':
      return value >= 1e4 ? `${(value / 1e3).toFixed(1)} ms` : `${value.toFixed(0)} µs`;
    case 'shareOfFew':
    case 'shareOfFewEverywhere':
    case 'ofBareNode':
      return value.toFixed(2);
    default:
      if (value >= 1e6) return `${(value / 1e6).toPrecision(3)} M`;
      return value >= 1e3 ? `${(value / 1e3).toPrecision(3)} k` : value.toFixed(0);
  }
}

/**
 * A median, and how far the rounds were apart: half of the way from the least to the most.
 * @param {Row} row
 * @param {string} target
 */
function formatCell(row, target) {
  const figures = figuresOf(row, target);
  const letters = row.notes[target] ?? [];
  const notes = letters.length > 0 ? ` (${letters.join(', ')})` : '';
  if (figures.length === 0) return `–${notes}`;
  const middle = median(figures);
  const spread = (Math.max(...figures) - Math.min(...figures)) / 2;
  const percent = middle > 0 ? Math.round((spread / middle) * 100) : 0;
  return `${formatFigure(middle, row.figure)}${figures.length > 1 ? ` ±${percent} %` : ''}${notes}`;
}

/** @param {number | null} ratio */
function formatRatio(ratio) {
  if (ratio === null) return '–';
  return ratio < 10 ? ratio.toFixed(2) : ratio.toFixed(0);
}

/** @param {Row} row */
function formatRequired({ required, figure }) {
  if (required === null) return '–';
  if ('share' in required) return `≥ ${required.share.toFixed(2)} of yardstick`;
  if ('mostOfMosquitto' in required) return `≤ ${required.mostOfMosquitto.toFixed(2)} of mosquitto`;
  if ('timesMosquitto' in required) {
    const goal = required.goal === undefined ? '' : ` (goal ${required.goal})`;
    return `≥ ${required.timesMosquitto.toFixed(2)} of mosquitto${goal}`;
  }
  return 'most' in required ? `≤ ${formatFigure(required.most, figure)}` : `≥ ${formatFigure(required.least, figure)}`;
}

/** @param {string[][]} lines the first is the header */
function markdown([header, ...lines]) {
  const alignment = header.map((_, i) => (i === 0 ? '---' : '---:'));
  return [header, alignment, ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

const VERDICTS = new Map([
  [true, '✓'],
  [false, '✗'],
  [null, '–'],
]);

/**
 * @param {Row[]} rows
 * @returns {string[]} the targets that have a figure, in the order of the columns
 */
function targetsIn(rows) {
  const named = [...new Set([...FIRST, ...rows.flatMap(({ values }) => Object.keys(values))])];
  return named.filter((target) => rows.some((row) => figuresOf(row, target).length > 0));
}

/**
 * @param {Row[]} rows
 * @returns {string} a table in Markdown
 */
export function formatTable(rows) {
  const targets = targetsIn(rows).filter((target) => !ON_OTHER_NODE.includes(target));
  const others = [YARDSTICK, MOSQUITTO].filter((target) => targets.includes(target));
  const hasCpp = rows.some((row) => row.cppShare !== undefined && ratioOf(row, PRODUCT, YARDSTICK) !== null);
  const header = [
    'Scenario',
    ...targets,
    ...others.map((other) => `of ${other}`),
    ...(hasCpp ? ['of C++ (c)'] : []),
    'required',
    '',
  ];
  const lines = rows.map((row) => {
    const ofYardstick = ratioOf(row, PRODUCT, YARDSTICK);
    const ofCpp = ofYardstick !== null && row.cppShare !== undefined ? ofYardstick / row.cppShare : null;
    return [
      row.name,
      ...targets.map((target) => formatCell(row, target)),
      ...others.map((other) => formatRatio(ratioOf(row, PRODUCT, other))),
      ...(hasCpp ? [formatRatio(ofCpp)] : []),
      formatRequired(row),
      VERDICTS.get(isReached(row)) ?? '',
    ];
  });
  return markdown([header, ...lines]);
}

/**
 * The product on another Node, beside what it is on the first.
 * @param {Row[]} rows
 * @returns {string | null} a table in Markdown; null if there was no other Node
 */
export function formatNodeTable(rows) {
  const [ours, yardstick] = ON_OTHER_NODE;
  const measured = rows.filter((row) => figuresOf(row, ours).length > 0);
  if (measured.length === 0) return null;
  const header = ['Scenario', PRODUCT, 'on the other Node', 'ratio', 'of the yardstick there', `of ${MOSQUITTO}`];
  const lines = measured.map((row) => [
    row.name,
    formatCell(row, PRODUCT),
    formatCell(row, ours),
    formatRatio(ratioOf(row, ours, PRODUCT)),
    formatRatio(ratioOf(row, ours, yardstick)),
    formatRatio(ratioOf(row, ours, MOSQUITTO)),
  ]);
  return markdown([header, ...lines]);
}

/**
 * What the letters in tables mean, as far as they occur.
 * @param {Row[]} rows
 */
export function formatLegend(rows) {
  const used = new Set(rows.flatMap(({ notes }) => Object.values(notes).flat()));
  const reckoned = rows.some(({ cppShare }) => cppShare !== undefined)
    ? ['(c) reckoned: FlashMQ 1.26, the fastest broker known, was measured once beside the same yardstick']
    : [];
  const letters = Object.entries(noteTexts).flatMap(([letter, text]) =>
    used.has(letter) ? `(${letter}) ${text}` : [],
  );
  return [...reckoned, ...letters];
}

export const READING = `Received messages a second where nothing else is said, 64 bytes each. Figures are medians of all rounds, ± half of the
way from the least to the most; a ratio is the median of the ratios of each round, the product's figure by the other's.`;
