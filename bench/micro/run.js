// `npm run bench -- --micro`: what the parts of the hot path cost on their own, and beside each other.
import { thisMachine, writeResults } from '../results.js';
import { Measurement } from './measure.js';
import { formatMicro } from './table.js';

const PASSES = 40;

/**
 * @param {{ only: RegExp, jsonFile?: string }} options
 * @returns {Promise<boolean>} true: nothing is judged here
 */
export async function runMicro({ only, jsonFile }) {
  const { makeWorks } = await import('./works.js').catch((error) => {
    throw new Error(`the parts are taken from the build: npm run build (${error.message})`);
  });
  const works = makeWorks().filter(({ name }) => only.test(name));
  if (works.length === 0) throw new Error(`no part matches ${only}`);
  const figures = works.map((work) => {
    const measurement = new Measurement(work);
    measurement.go(PASSES);
    const { nanoseconds, ratio } = measurement;
    return { name: work.name, nanoseconds, ratio };
  });
  console.log(formatMicro(figures));
  if (jsonFile !== undefined) {
    writeResults(jsonFile, { machine: thisMachine(), versions: {}, rows: [], micro: figures });
  }
  return true;
}
