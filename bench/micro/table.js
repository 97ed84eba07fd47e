// What was measured of the parts, as a table.

/**
 * @typedef {object} MicroFigure
 * @property {string} name
 * @property {number} nanoseconds of CPU time for one operation
 * @property {number} ratio by the plain loop over 4 KB
 */

/**
 * The dearest of an area is one; the others say how much less they are.
 * @param {MicroFigure[]} figures
 * @returns {string} a table in Markdown
 */
export function formatMicro(figures) {
  const areaOf = (/** @type {MicroFigure} */ { name }) => name.slice(0, name.indexOf(':'));
  const lines = figures.map((figure) => {
    const dearest = Math.max(
      ...figures.filter((other) => areaOf(other) === areaOf(figure)).map((other) => other.ratio),
    );
    const cells = [
      figure.name,
      `${figure.nanoseconds.toPrecision(3)} ns`,
      figure.ratio.toPrecision(3),
      (figure.ratio / dearest).toPrecision(2),
    ];
    return `| ${cells.join(' | ')} |`;
  });
  return [
    '| One operation | CPU time | by a plain loop over 4 KB | by the dearest of its part |',
    '| --- | ---: | ---: | ---: |',
    ...lines,
  ].join('\n');
}
