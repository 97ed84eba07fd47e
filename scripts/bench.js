// `npm run bench`: measures the broker beside its yardstick and Mosquitto.
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { runClientBench } from '../bench/client.js';
import { runMicro } from '../bench/micro/run.js';
import { runBench } from '../bench/run.js';
import { DEFAULT_TARGETS } from '../bench/targets.js';

const usage = `Usage: npm run bench -- [options]
  --only REGEX     scenarios whose name or group matches (all); see bench/*-scenarios.js
  --durable        a million messages that wait or are retained on disk, instead of the other scenarios
  --client         the client beside MQTT.js, instead of brokers: publishing and receiving
  --messages N     with --client, the memory that it needs over N messages, and no speed
  --micro          codec, topics, routes, windows and output on their own, instead of brokers; see also scripts/bench-guard.js
  --targets A,B    of cauldron, open, yardstick, mosquitto, ejabberd, aedes, nats (${DEFAULT_TARGETS.join(',')}); open is
                   cauldron without users, access rules and persistence
  --node PATH      measures cauldron and the yardstick on another Node as well
  --secs N         seconds measured in each run, after one to warm up (3)
  --rounds N       rounds; each runs all targets in turns (3)
  --scale N        multiplies connections, subscriptions and messages where there are very many (1)
  --dir DIR        where brokers keep their files, on the disk to measure (that of this repository)
  --sync HOW       persistence_sync of cauldron: always, interval or never; or none: nothing is kept (always)
  --json FILE      adds every figure of every run to a file, from which npm run docs:performance makes the document
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
 * @returns {import('../bench/settings.js').Sync}
 */
function syncNamed(name) {
  if (name === 'always' || name === 'interval' || name === 'never' || name === 'none') return name;
  throw new Error(`--sync takes always, interval, never or none, not '${name}'`);
}

/** @param {{ client: boolean, durable: boolean, micro: boolean, messages?: string | undefined }} values */
function messageCount({ client, durable, micro, messages }) {
  if (Number(client) + Number(durable) + Number(micro) > 1) {
    throw new Error('--client, --durable and --micro measure different things: give one of them');
  }
  if (messages === undefined) return 0;
  if (!client) throw new Error('--messages goes with --client');
  const count = Number(messages);
  if (!Number.isInteger(count) || count < 10_000) throw new Error(`--messages takes 10000 or more, not '${messages}'`);
  return count;
}

function readOptions() {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', default: '' },
      targets: { type: 'string', default: DEFAULT_TARGETS.join(',') },
      node: { type: 'string' },
      secs: { type: 'string', default: '3' },
      rounds: { type: 'string', default: '3' },
      scale: { type: 'string', default: '1' },
      durable: { type: 'boolean', default: false },
      client: { type: 'boolean', default: false },
      micro: { type: 'boolean', default: false },
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
    run: values.client ? runClientBench : values.micro ? runMicro : runBench,
    only: regularExpression(values.only),
    targetNames: values.targets.split(','),
    ...(values.node === undefined ? {} : { node: resolve(values.node) }),
    seconds: positiveNumber('secs', values.secs),
    rounds,
    scale: positiveNumber('scale', values.scale),
    messages: messageCount(values),
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
  else if (!(await options.run(options))) process.exitCode = 1;
} catch (error) {
  console.error(`bench: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
}
