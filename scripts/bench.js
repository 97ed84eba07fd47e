// `npm run bench`: measures the broker beside its yardstick and Mosquitto.
import { parseArgs } from 'node:util';
import { runBench } from '../bench/run.js';

const usage = `Usage: npm run bench -- [options]
  --only REGEX     scenarios whose name matches (all); see bench/scenarios.js
  --targets A,B    of cauldron, yardstick, mosquitto (all)
  --secs N         seconds measured in each run, after one to warm up (3)
  --rounds N       rounds; each runs all targets in turns (3)
  --json FILE      writes every figure of every run
  --check          exits with 1 if a required share is missed or could not be judged
`;

/**
 * @param {string} name
 * @param {string} text
 */
function positiveNumber(name, text) {
  const value = Number(text);
  if (!(value > 0 && value <= 3600)) throw new Error(`--${name} takes a number above 0, up to 3600, not '${text}'`);
  return value;
}

/** @param {string} text */
function regularExpression(text) {
  try {
    return new RegExp(text, 'i');
  } catch (error) {
    throw new Error(`--only takes a regular expression, not '${text}'`, { cause: error });
  }
}

function readOptions() {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', default: '' },
      targets: { type: 'string', default: 'cauldron,yardstick,mosquitto' },
      secs: { type: 'string', default: '3' },
      rounds: { type: 'string', default: '3' },
      json: { type: 'string' },
      check: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;
  const rounds = positiveNumber('rounds', values.rounds);
  if (!Number.isInteger(rounds)) throw new Error(`--rounds takes a whole number, not '${values.rounds}'`);
  return {
    only: regularExpression(values.only),
    targetNames: values.targets.split(','),
    seconds: positiveNumber('secs', values.secs),
    rounds,
    ...(values.json === undefined ? {} : { jsonFile: values.json }),
    check: values.check,
  };
}

try {
  const options = readOptions();
  if (options === undefined) process.stdout.write(usage);
  else if (!(await runBench(options))) process.exitCode = 1;
} catch (error) {
  console.error(`bench: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
}
