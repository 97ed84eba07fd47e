// The kinds of scenarios: what is started, loaded and read for one run of one target.
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { RunningBroker } from './broker-process.js';
import { pinned } from './cores.js';
import { FORGOT, LoadError, LoadRun, Pinger } from './generator.js';
import { median } from './median.js';
import { USER } from './settings.js';
import { cauldronBin } from './targets.js';

/**
 * What one run stands on.
 * @typedef {object} Ground
 * @property {import('./targets.js').Target} target
 * @property {import('./targets.js').Wishes} wishes with an empty directory
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
const STARTS = 5;
const COMMANDS = 11;
/** Subscriptions, and connections for them, that are called few. */
const FEW = 1_000;
/** How often the same retained messages are asked for. */
const ASKED = 15;
const PAYLOAD_BYTES = 64;

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
async function withBroker({ target, wishes, cores }, use) {
  const broker = await RunningBroker.start(target, cores?.broker, wishes);
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
 * Runs the generator, and ends it when it was used.
 * @template T
 * @param {RunningBroker} broker
 * @param {Ground} ground
 * @param {string[]} args
 * @param {number} timeoutMs
 * @param {(run: LoadRun) => Promise<T>} use
 */
async function withLoad(broker, { target, wishes, cores }, args, timeoutMs, use) {
  const about = ['--port', String(broker.port), '--broker-pid', String(broker.pid)];
  const { userDomain } = target;
  const users = wishes.isGuarded ? ['--users'] : userDomain === undefined ? [] : ['--users-of', userDomain];
  const run = new LoadRun([...about, ...users, ...args], cores?.generator, timeoutMs);
  try {
    return await use(run);
  } finally {
    await run.stop();
  }
}

/**
 * Has a client ping meanwhile.
 * @template T
 * @param {RunningBroker} broker
 * @param {Ground} ground
 * @param {(pinger: Pinger) => Promise<T>} use
 */
async function withPinger(broker, { target, wishes, cores }, use) {
  const { userDomain } = target;
  const user = wishes.isGuarded ? USER : userDomain === undefined ? '-' : `${USER}@${userDomain}`;
  const pinger = await Pinger.start(broker.port, user, cores?.generator, COUNTED_TIMEOUT_MS);
  try {
    return await use(pinger);
  } finally {
    await pinger.stop();
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
  } else if (numberIn(load, 'sent_per_s') < scenario.rate * 0.99) {
    notes.push('r');
  }
  if (numberIn(load, 'lost') > 0) notes.push('l');
  return notes;
}

/** @param {number} seconds */
function timesOf(seconds) {
  return ['--secs', String(seconds), '--warm', String(WARM_SECONDS)];
}

/**
 * @param {Scenario} scenario
 * @param {Ground} ground
 * @returns {Promise<Sample>}
 */
function measureLoad(scenario, ground) {
  const { seconds } = ground;
  const timeoutMs = (seconds + WARM_SECONDS) * 1000 + RUN_TIMEOUT_MS;
  return withBroker(ground, (broker) =>
    withLoad(broker, ground, [...timesOf(seconds), ...scenario.load], timeoutMs, async (run) => {
      const load = await run.next();
      const receivedPerSecond = numberIn(load, 'received_per_s');
      const busy = numberIn(load, 'broker_cpu');
      /** @type {Sample['figures']} */
      const figures = { receivedPerSecond, residentBytes: broker.residentBytes() };
      if (busy > 0) figures.messagesPerCpuSecond = receivedPerSecond / busy;
      if (load.p50_us !== null) {
        figures.p50Us = numberIn(load, 'p50_us');
        figures.p99Us = numberIn(load, 'p99_us');
        figures.p999Us = numberIn(load, 'p999_us');
      }
      return { figures, notes: notesOn(scenario, load), loads: [load] };
    }),
  );
}

/**
 * @param {Scenario} scenario
 * @param {Ground} ground
 * @returns {Promise<Sample>}
 */
function measureIdle({ clients = 0, load: loadArgs }, ground) {
  return withBroker(ground, async (broker) => {
    const bytesAtRest = await settledBytes(broker);
    const args = ['--secs', String(IDLE_SECONDS), ...loadArgs];
    return withLoad(broker, ground, args, IDLE_SECONDS * 1000 + RUN_TIMEOUT_MS, async (run) => {
      const load = await run.next();
      const bytesPerConnection = ((await settledBytes(broker)) - bytesAtRest) / clients;
      run.assertRunning();
      return {
        figures: { bytesPerConnection, connectsPerSecond: numberIn(load, 'connects_per_s') },
        notes: [],
        loads: [load],
      };
    });
  });
}

/**
 * Subscriptions: few of them, then very many, with messages to as many of them as the few were, then to all.
 * @param {Scenario} scenario
 * @param {Ground} ground
 * @returns {Promise<Sample>}
 */
async function measureSpread({ clients = 0, filters = 0, load: loadArgs }, ground) {
  const few = Math.min(FEW, clients);
  const args = [...loadArgs, ...timesOf(ground.seconds), '--steps'];
  const timeoutMs = ground.seconds * 2000 + COUNTED_TIMEOUT_MS;
  const [ofFew] = await withBroker(ground, (broker) =>
    withLoad(broker, ground, [...args, '--subs', String(few)], timeoutMs, async (run) => {
      await run.next();
      run.go();
      await run.next();
      run.go();
      return [await run.next()];
    }),
  );
  emptyData(ground);
  return withBroker(ground, (broker) => {
    const all = clients * filters;
    const many = ['--subs', String(clients), '--filters', String(filters), '--active', `${few},${all}`];
    return withLoad(broker, ground, [...args, ...many], timeoutMs, async (run) => {
      await run.next();
      const bytesBefore = await settledBytes(broker);
      run.go();
      const subscribed = await run.next();
      const bytesPerSubscription = ((await settledBytes(broker)) - bytesBefore) / all;
      run.go();
      const toFew = await run.next();
      const toAll = await run.next();
      const rate = numberIn(ofFew, 'received_per_s');
      const receivedPerSecond = numberIn(toAll, 'received_per_s');
      return {
        figures: {
          shareOfFew: numberIn(toFew, 'received_per_s') / rate,
          shareOfFewEverywhere: receivedPerSecond / rate,
          receivedPerSecond,
          subscriptionsPerSecond: numberIn(subscribed, 'subscriptions_per_s'),
          bytesPerSubscription,
        },
        notes: [ofFew, toFew, toAll].some((load) => numberIn(load, 'lost') > 0) ? ['l'] : [],
        loads: [ofFew, subscribed, toFew, toAll],
      };
    });
  });
}

/**
 * What a broker stored goes, so that the next one in the same directory begins anew.
 * @param {Ground} ground
 */
function emptyData({ wishes }) {
  rmSync(`${wishes.directory}/data`, { recursive: true, force: true });
}

/**
 * Retained messages: what each takes, and how a subscription to some and to all of them is answered.
 * @param {Scenario} scenario
 * @param {Ground} ground
 * @returns {Promise<Sample>}
 */
function measureSites(scenario, ground) {
  const { messages = 0 } = scenario;
  const matching = Math.min(FEW, messages);
  return withBroker(ground, async (broker) => {
    const bytesAtRest = await settledBytes(broker);
    const anonymousAtRest = broker.residentBytes('RssAnon');
    const filled = await fill(broker, scenario, ground);
    const residentPerRetained = ((await settledBytes(broker)) - bytesAtRest) / messages - PAYLOAD_BYTES;
    const bytesPerRetained = (broker.residentBytes('RssAnon') - anonymousAtRest) / messages - PAYLOAD_BYTES;
    return withPinger(broker, ground, async (pinger) => {
      /**
       * @param {string} filter
       * @param {number} count
       */
      const ask = async (filter, count) => {
        await pinger.longestMs();
        const args = ['--shape', 'site', '--retain', '--pubs', '0', '--count', String(count), '--filter', filter];
        const load = await counted(broker, args, ground);
        return { load, pauseMs: await pinger.longestMs() };
      };
      const some = [];
      while (some.length < ASKED) some.push(await ask('site/+/state', matching));
      const all = await ask('#', messages);
      const loads = [filled, ...some.map(({ load }) => load), all.load];
      const isWhole = [...some, all].every(({ load }) => numberIn(load, 'lost') === 0);
      if (!isWhole) return { figures: { bytesPerRetained, residentPerRetained }, notes: ['l'], loads };
      const answersMs = some.map(({ load }) => numberIn(load, 'answer_ms'));
      return {
        figures: {
          bytesPerRetained,
          residentPerRetained,
          firstAnswerMs: answersMs[0],
          answerMs: median(answersMs),
          answerPauseMs: median(some.map(({ pauseMs }) => pauseMs)),
          streamedPerSecond: (messages * 1000) / numberIn(all.load, 'answer_ms'),
          streamPauseMs: all.pauseMs,
        },
        notes: [],
        loads,
      };
    });
  });
}

/**
 * Everybody connects again while they are connected.
 * @param {Scenario} scenario
 * @param {Ground} ground
 * @returns {Promise<Sample>}
 */
function measureStorm({ load: loadArgs }, ground) {
  return withBroker(ground, (broker) =>
    withPinger(broker, ground, (pinger) =>
      withLoad(broker, ground, [...loadArgs, '--steps'], RUN_TIMEOUT_MS * 2, async (run) => {
        await run.next();
        await pinger.longestMs();
        run.go();
        const load = await run.next();
        const stormPauseMs = await pinger.longestMs(); // before all leave
        run.go();
        const isWhole = numberIn(load, 'lost') === 0 && numberIn(load, 'left_open') === 0;
        if (!isWhole) return { figures: { stormPauseMs }, notes: ['w'], loads: [load] };
        return { figures: { stormSeconds: numberIn(load, 'seconds'), stormPauseMs }, notes: [], loads: [load] };
      }),
    ),
  );
}

/**
 * @param {Scenario} _scenario
 * @param {Ground} ground
 * @returns {Promise<Sample>}
 */
async function measureStart(_scenario, ground) {
  /** @type {number[]} */
  const starts = [];
  let bytesAtRest = 0;
  for (let start = 1; start <= STARTS; start++) {
    emptyData(ground);
    await withBroker(ground, async (broker) => {
      starts.push(broker.startMs / 1000);
      if (start === STARTS) bytesAtRest = await settledBytes(broker);
    });
  }
  return { figures: { startSeconds: median(starts), bytesAtRest }, notes: [], loads: [] };
}

/**
 * How long a command takes, in seconds.
 * @param {string[]} command
 * @param {number | undefined} core
 */
function secondsOf(command, core) {
  const [program, ...args] = pinned(core, command);
  const startMs = performance.now();
  const { status, stderr } = spawnSync(program, args, { encoding: 'utf8', timeout: RUN_TIMEOUT_MS });
  if (status !== 0) throw new Error(`${command.join(' ')} failed: ${stderr}`);
  return (performance.now() - startMs) / 1000;
}

/**
 * The tool that publishes, beside a program that does nothing, in turns.
 * @param {Scenario} _scenario
 * @param {Ground} ground
 * @returns {Promise<Sample>}
 */
function measureCommand(_scenario, ground) {
  return withBroker(ground, async (broker) => {
    const [node] = ground.target.command(broker.port, ground.wishes);
    const user = ground.wishes.isGuarded ? ['-u', USER, '-P', USER] : [];
    const publish = [node, cauldronBin, 'pub', '-p', String(broker.port), ...user, '-t', 'bench/command', '-m', 'on'];
    const ours = [];
    const bare = [];
    for (let i = 0; i < COMMANDS; i++) {
      bare.push(secondsOf([node, '-e', '0'], ground.cores?.generator));
      ours.push(secondsOf(publish, ground.cores?.generator));
    }
    const commandSeconds = median(ours);
    return { figures: { commandSeconds, ofBareNode: commandSeconds / median(bare) }, notes: [], loads: [] };
  });
}

/**
 * A run of the generator that ends by itself.
 * @param {RunningBroker} broker
 * @param {string[]} args
 * @param {Ground} ground
 */
function counted(broker, args, ground) {
  return withLoad(broker, ground, args, COUNTED_TIMEOUT_MS, (run) => run.next());
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
  spread: measureSpread,
  sites: measureSites,
  storm: measureStorm,
  start: measureStart,
  command: measureCommand,
};

/**
 * Runs a scenario once.
 * @param {Scenario} scenario
 * @param {Ground} ground
 */
export function measure(scenario, ground) {
  return kinds[scenario.kind](scenario, ground);
}
