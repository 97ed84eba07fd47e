// The kinds of scenarios: what is started, loaded and read for one run of one target.
import { FORGOT, LoadError, LoadRun } from './generator.js';
import { RunningBroker } from './targets.js';

/**
 * What one run stands on.
 * @typedef {object} Ground
 * @property {import('./targets.js').Target} target
 * @property {string} directory empty, for the broker's files
 * @property {string[]} settings lines for the broker's configuration
 * @property {{ broker: number, generator: number } | undefined} cores undefined: nothing is pinned
 * @property {number} seconds measured, where the scenario does not end by itself
 */

/**
 * @typedef {import('./scenarios.js').Scenario} Scenario
 * @typedef {import('./report.js').Sample} Sample
 */

export const WARM_SECONDS = 1;
const IDLE_SECONDS = 600; // more than a measurement takes: the runner ends idle clients
const RUN_TIMEOUT_MS = 150_000; // what a run takes beyond its seconds: 120 s to connect, 5 s to drain
const COUNTED_TIMEOUT_MS = 900_000; // a million messages on a slow card
const STORING_TIMEOUT_MS = 120_000; // what is left to store at the end

/**
 * A figure of the generator's report that must be a number.
 * @param {import('./generator.js').LoadReport} report
 * @param {string} name
 */
function numberIn(report, name) {
  const value = report[name];
  if (typeof value !== 'number') throw new Error(`the generator reported no ${name}`);
  return value;
}

/**
 * Starts a broker, and ends it when it was used.
 * @template T
 * @param {Ground} ground
 * @param {(broker: RunningBroker) => Promise<T>} use may end the broker itself
 */
async function withBroker({ target, directory, settings, cores }, use) {
  const broker = await RunningBroker.start(target, cores?.broker, directory, settings);
  try {
    return await use(broker);
  } catch (error) {
    broker.assertRunning(error); // its end explains more than what the generator saw of it
    throw error;
  } finally {
    await broker.stop();
  }
}

/**
 * Resident memory once it has stopped moving: a collector works on for a while after its work has ended.
 * @param {RunningBroker} broker
 */
async function settledBytes(broker) {
  const stepMs = 250;
  const calmSteps = 4;
  let bytes = broker.residentBytes();
  for (let calm = 0, steps = 0; calm < calmSteps && steps < 40; steps++) {
    await new Promise((resolve) => setTimeout(resolve, stepMs));
    const now = broker.residentBytes();
    calm = Math.abs(now - bytes) < bytes * 0.01 ? calm + 1 : 0;
    bytes = now;
  }
  return bytes;
}

/**
 * @param {Scenario} scenario
 * @param {import('./generator.js').LoadReport} load
 */
function notesOn(scenario, load) {
  const notes = [];
  const ofGenerator = numberIn(load, 'load_cpu');
  const ofBroker = numberIn(load, 'broker_cpu');
  if (scenario.rate === undefined) {
    // A generator at a fixed rate is always busy, and its broker seldom.
    if (ofGenerator > 0.95 && ofBroker < 0.95) notes.push('g');
    if (ofGenerator < 0.85 && ofBroker < 0.85) notes.push('i');
  } else if (numberIn(load, 'received_per_s') < scenario.rate * 0.99) {
    notes.push('r');
  }
  if (numberIn(load, 'lost') > 0) notes.push('l');
  return notes;
}

/**
 * @param {Scenario} scenario
 * @param {Ground} ground
 * @returns {Promise<Sample>}
 */
function measureLoad(scenario, ground) {
  return withBroker(ground, async (broker) => {
    const { cores, seconds } = ground;
    const args = ['--port', String(broker.port), '--broker-pid', String(broker.pid), ...scenario.load];
    const times = ['--secs', String(seconds), '--warm', String(WARM_SECONDS)];
    const run = new LoadRun([...args, ...times], cores?.generator, (seconds + WARM_SECONDS) * 1000 + RUN_TIMEOUT_MS);
    try {
      const load = await run.report;
      const receivedPerSecond = numberIn(load, 'received_per_s');
      const busy = numberIn(load, 'broker_cpu');
      const figures = { receivedPerSecond, ...(busy > 0 ? { messagesPerCpuSecond: receivedPerSecond / busy } : {}) };
      return { figures, notes: notesOn(scenario, load), loads: [load] };
    } finally {
      await run.stop();
    }
  });
}

/**
 * @param {Scenario} scenario
 * @param {Ground} ground
 * @returns {Promise<Sample>}
 */
function measureIdle({ clients = 0, load: loadArgs }, ground) {
  return withBroker(ground, async (broker) => {
    const bytesAtRest = await settledBytes(broker);
    const args = ['--port', String(broker.port), '--secs', String(IDLE_SECONDS), ...loadArgs];
    const run = new LoadRun(args, ground.cores?.generator, IDLE_SECONDS * 1000 + RUN_TIMEOUT_MS);
    try {
      const load = await run.report;
      const bytesPerConnection = ((await settledBytes(broker)) - bytesAtRest) / clients;
      run.assertRunning();
      return { figures: { bytesPerConnection, bytesAtRest }, notes: [], loads: [load] };
    } finally {
      await run.stop();
    }
  });
}

/**
 * A run of the generator that ends by itself.
 * @param {RunningBroker} broker
 * @param {string[]} args
 * @param {Ground} ground
 */
async function counted(broker, args, { cores }) {
  const run = new LoadRun(
    ['--port', String(broker.port), '--broker-pid', String(broker.pid), ...args],
    cores?.generator,
    COUNTED_TIMEOUT_MS,
  );
  try {
    return await run.report;
  } finally {
    await run.stop();
  }
}

/**
 * Publishes what the broker has to keep.
 * @param {RunningBroker} broker
 * @param {Scenario} scenario
 * @param {Ground} ground
 */
async function fill(broker, { load: args }, ground) {
  const load = await counted(broker, args, ground);
  const unacked = numberIn(load, 'unacked');
  if (unacked > 0) throw new Error(`the broker left ${unacked} messages without an acknowledgement`);
  return load;
}

/**
 * The subscriber that was away returns. Undefined if the broker does not know its session any more.
 * @param {RunningBroker} broker
 * @param {Scenario} scenario
 * @param {Ground} ground
 */
async function drain(broker, { messages = 0 }, ground) {
  const args = ['--shape', 'fanin', '--pubs', '0', '--qos', '1', '--persistent', '--return'];
  try {
    return await counted(broker, [...args, '--count', String(messages)], ground);
  } catch (error) {
    if (error instanceof LoadError && error.exitCode === FORGOT) return undefined;
    throw error;
  }
}

/**
 * A queue for a subscriber that is away, then the subscriber returns.
 * @param {Scenario} scenario
 * @param {Ground} ground
 * @returns {Promise<Sample>}
 */
function measureQueue(scenario, ground) {
  return withBroker(ground, async (broker) => {
    const bytesAtRest = await settledBytes(broker);
    const anonymousAtRest = broker.residentBytes('RssAnon');
    const filled = await fill(broker, scenario, ground);
    const bytesQueued = (await settledBytes(broker)) - bytesAtRest;
    const anonymousQueued = broker.residentBytes('RssAnon') - anonymousAtRest;
    const drained = await drain(broker, scenario, ground);
    if (drained === undefined) throw new Error('the broker has no session of the subscriber that was away');
    const figures = {
      ackedPerSecond: numberIn(filled, 'acked_per_s'),
      bytesQueued,
      anonymousQueued,
      drainedPerSecond: numberIn(drained, 'received_per_s'),
    };
    return {
      figures,
      notes: [...new Set([...notesOn(scenario, filled), ...notesOn(scenario, drained)])],
      loads: [filled, drained],
    };
  });
}

/**
 * A queue for a subscriber that is away; the broker is killed and started again, then the subscriber returns.
 * @param {Scenario} scenario
 * @param {Ground} ground
 * @returns {Promise<Sample>}
 */
async function measureKilledQueue(scenario, ground) {
  const filled = await withBroker(ground, async (broker) => {
    const load = await fill(broker, scenario, ground);
    await broker.kill();
    return load;
  });
  return withBroker(ground, async (broker) => {
    const residentBytes = await settledBytes(broker);
    const drained = await drain(broker, scenario, ground);
    if (drained === undefined) return { figures: {}, notes: ['k'], loads: [filled] };
    const figures = {
      startSeconds: broker.startMs / 1000,
      residentBytes,
      drainedPerSecond: numberIn(drained, 'received_per_s'),
    };
    return { figures, notes: notesOn(scenario, drained), loads: [filled, drained] };
  });
}

/**
 * Retained messages, and a broker that is ended and started again. A subscriber counts what is still there.
 * @param {Scenario} scenario
 * @param {Ground} ground
 * @returns {Promise<Sample>}
 */
async function measureRetained(scenario, ground) {
  const { messages = 0, isKilled = false } = scenario;
  const filled = await withBroker(ground, async (broker) => {
    const load = await fill(broker, scenario, ground);
    await (isKilled ? broker.kill() : broker.stop(STORING_TIMEOUT_MS));
    return load;
  });
  return withBroker(ground, async (broker) => {
    const residentBytes = await settledBytes(broker);
    const args = ['--shape', 'fanin', '--pubs', '0', '--qos', '1', '--retain', '--count', String(messages)];
    const taken = await counted(broker, args, ground);
    const isWhole = numberIn(taken, 'received') === messages;
    const figures = isWhole ? { startSeconds: broker.startMs / 1000, residentBytes } : {};
    return { figures, notes: isWhole ? [] : ['k'], loads: [filled, taken] };
  });
}

/** @type {Record<Scenario['kind'], (scenario: Scenario, ground: Ground) => Promise<Sample>>} */
const kinds = {
  load: measureLoad,
  idle: measureIdle,
  queue: measureQueue,
  killedQueue: measureKilledQueue,
  retained: measureRetained,
};

/**
 * Runs a scenario once.
 * @param {Scenario} scenario
 * @param {Ground} ground
 */
export function measure(scenario, ground) {
  return kinds[scenario.kind](scenario, ground);
}
