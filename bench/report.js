// From samples to the table: medians, ratios and verdicts.

/**
 * One run of one scenario on one target.
 * @typedef {object} Sample
 * @property {Partial<Record<import('./scenarios.js').Figure, number>>} figures
 * @property {string[]} notes letters of `noteTexts`
 * @property {import('./generator.js').LoadReport[]} loads what the generator reported, run by run
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
 * @property {number | null} ofOpen the product's figure by its own without access rules
 * @property {boolean | null} reached null: nothing to judge by
 */

export const noteTexts = {
  g: 'the generator was at its limit, so the broker may be faster',
  i: 'neither side was busy: other programs had the cores, the load was too small for this broker, or it waited for its disk',
  k: 'acknowledged messages or sessions were not there any more after the start',
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
 * @param {import('./scenarios.js').Required | null} required
 * @param {number | undefined} figure
 * @param {number | null} ofYardstick
 * @param {number | null} ofMosquitto
 * @param {number | null} ofOpen
 */
function isReached(required, figure, ofYardstick, ofMosquitto, ofOpen) {
  if (required === null) return null;
  if ('share' in required) return ofYardstick === null ? null : ofYardstick >= required.share;
  if ('timesMosquitto' in required) return ofMosquitto === null ? null : ofMosquitto >= required.timesMosquitto;
  if ('shareOfOpen' in required) return ofOpen === null ? null : ofOpen >= required.shareOfOpen;
  if (figure === undefined) return null;
  return 'most' in required ? figure <= required.most : figure >= required.least;
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
    const ofOpen = pairedRatio(values.cauldron, values.open);
    const reached = isReached(measure.required, figures.cauldron, ofYardstick, ofMosquitto, ofOpen);
    return { name: measure.name, measure, figures, notes, ofYardstick, ofMosquitto, ofOpen, reached };
  });
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
      return `${Math.round(value).toLocaleString('en')} B`;
    case 'startSeconds':
      return `${value.toFixed(2)} s`;
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
  if (required === null) return '–';
  if ('share' in required) return `≥ ${required.share.toFixed(2)}`;
  if ('timesMosquitto' in required) return `≥ ${required.timesMosquitto.toFixed(2)} (goal ${required.goal})`;
  if ('shareOfOpen' in required) return `≥ ${required.shareOfOpen.toFixed(2)}`;
  return 'most' in required ? `≤ ${formatFigure(required.most, figure)}` : `≥ ${formatFigure(required.least, figure)}`;
}

/**
 * @param {Row[]} rows
 * @param {string[]} targetNames
 * @returns {string} Markdown
 */
export function formatTable(rows, targetNames) {
  const hasYardstick = targetNames.includes('yardstick');
  const hasOpen = targetNames.includes('open');
  const ratios = [...(hasOpen ? ['of open'] : []), ...(hasYardstick ? ['of yardstick'] : []), 'of mosquitto'];
  const header = ['Scenario', ...targetNames, ...ratios, 'required', ''];
  const lines = rows.map((row) => [
    row.name,
    ...targetNames.map((target) => {
      const figure = row.figures[target];
      const notes = row.notes[target].length > 0 ? ` (${row.notes[target].join(', ')})` : '';
      return (figure === undefined ? '–' : formatFigure(figure, row.measure.figure)) + notes;
    }),
    ...(hasOpen ? [formatRatio(row.ofOpen)] : []),
    ...(hasYardstick ? [formatRatio(row.ofYardstick)] : []),
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
