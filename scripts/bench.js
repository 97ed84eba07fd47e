// `npm run bench`: measures the broker beside its yardstick and Mosquitto.
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { runClientBench } from '../bench/client.js';
import { runBench } from '../bench/run.js';

const usage = `Usage: npm run bench -- [options]
  --only REGEX     scenarios whose name matches (all); see bench/scenarios.js and bench/durable-scenarios.js
  --access         the brokers have 10,000 users and 1,000 lines of access rules; 'open' is cauldron without
  --client         the client beside MQTT.js, instead of brokers: publishing and receiving
  --messages N     with --client, the memory that it needs over N messages, and no speed
  --durable        the brokers keep everything on disk: lasting sessions, a million messages that wait or are retained
  --dir DIR        with --durable, the disk to measure (that of this repository)
  --sync HOW       with --durable, persistence_sync of cauldron: always, interval or never; or none: nothing is kept
                   (always)
  --targets A,B    of cauldron, open, yardstick, mosquitto (all that have to do with what is measured)
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

/**
 * @param {string} name
 * @returns {import('../bench/targets.js').Sync}
 */
function syncNamed(name) {
  if (name === 'always' || name === 'interval' || name === 'never' || name === 'none') return name;
  throw new Error(`--sync takes always, interval, never or none, not '${name}'`);
}

/** @param {{ client: boolean, access: boolean, durable: boolean, messages?: string | undefined }} values */
function messageCount({ client, access, durable, messages }) {
  if (client && (access || durable)) throw new Error('--client measures the client, on a broker as it is');
  if (messages === undefined) return 0;
  if (!client) throw new Error('--messages goes with --client');
  const count = Number(messages);
  if (!Number.isInteger(count) || count < 10_000) throw new Error(`--messages takes 10000 or more, not '${messages}'`);
  return count;
}

/** @param {{ access: boolean, durable: boolean }} values */
function targetsFor({ access, durable }) {
  if (access && durable) throw new Error('--access and --durable measure different things: give one of them');
  if (access) return 'cauldron,open,mosquitto';
  return durable ? 'cauldron,mosquitto' : 'cauldron,yardstick,mosquitto';
}

function readOptions() {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', default: '' },
      targets: { type: 'string' },
      secs: { type: 'string', default: '3' },
      rounds: { type: 'string', default: '3' },
      access: { type: 'boolean', default: false },
      durable: { type: 'boolean', default: false },
      client: { type: 'boolean', default: false },
      messages: { type: 'string' },
      dir: { type: 'string' },
      sync: { type: 'string', default: 'always' },
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
    targetNames: (values.targets ?? targetsFor(values)).split(','),
    seconds: positiveNumber('secs', values.secs),
    rounds,
    isClient: values.client,
    messages: messageCount(values),
    isGuarded: values.access,
    isDurable: values.durable,
    ...(values.dir === undefined ? {} : { directory: resolve(values.dir) }),
    sync: syncNamed(values.sync),
    ...(values.json === undefined ? {} : { jsonFile: values.json }),
    check: values.check,
  };
}

try {
  const options = readOptions();
  if (options === undefined) process.stdout.write(usage);
  else if (!(await (options.isClient ? runClientBench : runBench)(options))) process.exitCode = 1;
} catch (error) {
  console.error(`bench: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
}
