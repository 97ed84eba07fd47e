// From samples to the table: medians, ratios and verdicts.

/**
 * One run of one scenario on one target.
 * @typedef {object} Sample
 * @property {Partial<Record<import('./scenarios.js').Measure['figure'], number>>} figures
 * @property {string[]} notes letters of `noteTexts`
 * @property {import('./generator.js').LoadReport} load what the generator reported
 */

/**
 * A line of the table: one measure on all targets.
 * @typedef {object} Row
 * @property {string} name
 * @property {import('./scenarios.js').Measure} measure
 * @property {Record<string, number>} figures the median of each target
 * @property {Record<string, string[]>} notes
 * @property {number | null} ofYardstick the product's figure by the yardstick's
 * @property {number | null} ofMosquitto the product's figure by Mosquitto's
 * @property {boolean | null} reached null: nothing to judge by
 */

export const noteTexts = {
  g: 'the generator was at its limit, so the broker may be faster',
  i: 'neither side was busy: other programs had the cores, or the load was too small for this broker',
  l: 'messages were lost',
  r: 'the rate was not reached',
};

/** @param {number[]} values */
export function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/**
 * The median of the ratios of each round, not the ratio of the medians: what disturbed the machine in one round
 * disturbed both.
 * @param {number[] | undefined} ours
 * @param {number[] | undefined} theirs
 */
function pairedRatio(ours, theirs) {
  if (!ours || !theirs) return null;
  const rounds = Math.min(ours.length, theirs.length);
  const ratios = [];
  for (let i = 0; i < rounds; i++) if (theirs[i] > 0) ratios.push(ours[i] / theirs[i]);
  return ratios.length > 0 ? median(ratios) : null;
}

/**
 * @param {import('./scenarios.js').Scenario} scenario
 * @param {Map<string, Sample[]>} samplesByTarget every target has a sample for each round
 * @returns {Row[]}
 */
export function summarize(scenario, samplesByTarget) {
  return scenario.measures.map((measure) => {
    /** @type {Record<string, number[]>} */
    const values = {};
    /** @type {Record<string, string[]>} */
    const notes = {};
    for (const [target, samples] of samplesByTarget) {
      values[target] = samples.flatMap((sample) => sample.figures[measure.figure] ?? []);
      notes[target] = [...new Set(samples.flatMap((sample) => sample.notes))].sort();
    }
    const figures = Object.fromEntries(
      Object.entries(values)
        .filter(([, list]) => list.length > 0)
        .map(([target, list]) => [target, median(list)]),
    );
    const ofYardstick = pairedRatio(values.cauldron, values.yardstick);
    const ofMosquitto = pairedRatio(values.cauldron, values.mosquitto);
    let reached = null;
    if ('share' in measure.required) {
      if (ofYardstick !== null) reached = ofYardstick >= measure.required.share;
    } else if (figures.cauldron !== undefined) {
      reached = figures.cauldron <= measure.required.most;
    }
    return { name: measure.name, measure, figures, notes, ofYardstick, ofMosquitto, reached };
  });
}

/**
 * @param {number} value
 * @param {import('./scenarios.js').Measure['figure']} figure
 */
export function formatFigure(value, figure) {
  switch (figure) {
    case 'bytesAtRest':
      return `${(value / 1024 / 1024).toFixed(1)} MB`;
    case 'bytesPerConnection':
      return `${Math.round(value).toLocaleString('en')} B`;
    default:
      if (value >= 1e6) return `${(value / 1e6).toPrecision(3)} M`;
      return value >= 1e3 ? `${(value / 1e3).toPrecision(3)} k` : value.toFixed(0);
  }
}

/** @param {number | null} ratio */
function formatRatio(ratio) {
  if (ratio === null) return '–';
  return ratio < 10 ? ratio.toFixed(2) : ratio.toFixed(0);
}

/** @param {import('./scenarios.js').Measure} measure */
function formatRequired({ required, figure }) {
  return 'share' in required ? `≥ ${required.share.toFixed(2)}` : `≤ ${formatFigure(required.most, figure)}`;
}

/**
 * @param {Row[]} rows
 * @param {string[]} targetNames
 * @returns {string} Markdown
 */
export function formatTable(rows, targetNames) {
  const header = ['Scenario', ...targetNames, 'of yardstick', 'of mosquitto', 'required', ''];
  const lines = rows.map((row) => [
    row.name,
    ...targetNames.map((target) => {
      const figure = row.figures[target];
      if (figure === undefined) return '–';
      const notes = row.notes[target].length > 0 ? ` (${row.notes[target].join(', ')})` : '';
      return formatFigure(figure, row.measure.figure) + notes;
    }),
    formatRatio(row.ofYardstick),
    formatRatio(row.ofMosquitto),
    formatRequired(row.measure),
    row.reached === null ? '–' : row.reached ? '✓' : '✗',
  ]);
  const alignment = header.map((_, i) => (i === 0 ? '---' : '---:'));
  const used = new Set(rows.flatMap((row) => Object.values(row.notes).flat()));
  const legend = Object.entries(noteTexts)
    .filter(([letter]) => used.has(letter))
    .map(([letter, text]) => `(${letter}) ${text}`);
  return [
    ...[header, alignment, ...lines].map((cells) => `| ${cells.join(' | ')} |`),
    '',
    'Received messages a second where nothing else is said. Figures are medians; a ratio is the median of the ratios of',
    "each round, the product's figure by the other's.",
    ...(legend.length > 0 ? ['', ...legend] : []),
  ].join('\n');
}
