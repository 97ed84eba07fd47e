// Started by guard.js: `node guard-process.js LIMITS`. Prints the ratio of each work as JSON.
import { Measurement } from './measure.js';
import { makeWorks } from './works.js';

const ROUNDS = 10;
const PASSES_A_ROUND = 2;
/** CPU time after which works that are too dear are not tried again. */
const PATIENCE_MS = 2_000;

/** @type {Record<string, number>} */
const limits = JSON.parse(process.argv[2]);
const measurements = makeWorks().map((work) => new Measurement(work));
const isWell = (/** @type {Measurement} */ { work, ratio }) => ratio <= (limits[work.name] ?? 0);

// In turns, so that what disturbs the machine for a while does not meet all passes of one work.
for (let round = 0; round < ROUNDS; round++) for (const measurement of measurements) measurement.go(PASSES_A_ROUND);
const endMs = process.cpuUsage().user / 1000 + PATIENCE_MS;
const isTold = Object.keys(limits).length > 0;
while (!measurements.every(isWell) && process.cpuUsage().user / 1000 < endMs) {
  for (const measurement of measurements) if (!isTold || !isWell(measurement)) measurement.go(PASSES_A_ROUND);
}
console.log(JSON.stringify(Object.fromEntries(measurements.map(({ work, ratio }) => [work.name, ratio]))));
