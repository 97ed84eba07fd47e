// What `npm run bench` measures, and which share of the yardstick the product must reach.
//
// `load` holds the arguments of the generator (bench/load.c). A measure reads one figure from a run.

/**
 * @typedef {'receivedPerSecond' | 'messagesPerCpuSecond' | 'bytesPerConnection' | 'bytesAtRest' | 'ackedPerSecond' |
 *   'drainedPerSecond' | 'bytesQueued' | 'anonymousQueued' | 'startSeconds' | 'residentBytes'} Figure
 */

/**
 * A share of the yardstick's figure in the same round, or of the product's own without access rules, so many times
 * Mosquitto's, or a bound for the figure itself.
 * @typedef {{ share: number } | { shareOfOpen: number } | { timesMosquitto: number, goal: number } | { most: number } |
 *   { least: number }} Required
 */

/**
 * @typedef {object} Measure
 * @property {string} name what the row of the table is called
 * @property {Figure} figure
 * @property {Required | null} required null: to know, not to judge
 */

/**
 * @typedef {object} Scenario
 * @property {string} name
 * @property {'load' | 'idle' | 'queue' | 'killedQueue' | 'retained'} kind see bench/measurements.js
 * @property {string[]} load
 * @property {string[]} [settings] lines for the brokers' configuration
 * @property {number} [messages] that are kept
 * @property {boolean} [isKilled] whether the broker ends by SIGKILL before it starts again, instead of SIGTERM
 * @property {number} [clients] connections of the idle scenario; the others publish
 * @property {number} [rate] messages a second, where the load is not as much as the broker takes
 * @property {Measure[]} measures
 */

const QOS_0_SHARE = 0.55;
const ACKNOWLEDGED_SHARE = 0.5;
const CPU_SHARE = 0.75;
const MOST_BYTES_PER_CONNECTION = 8 * 1024;
const MOST_BYTES_AT_REST = 70 * 1024 * 1024;
const IDLE_CLIENTS = 10_000;

/**
 * As many messages as the broker takes; the figure is what subscribers receive.
 * @param {string} name
 * @param {number} share
 * @param {string} load
 * @returns {Scenario}
 */
function throughput(name, share, load) {
  return {
    name,
    kind: 'load',
    load: load.split(' '),
    measures: [{ name, figure: 'receivedPerSecond', required: { share } }],
  };
}

/**
 * A fixed rate, at which most messages come alone; the figure is what they cost.
 * @param {string} name
 * @param {number} rate
 * @param {string} load
 * @returns {Scenario}
 */
function cost(name, rate, load) {
  return {
    name,
    kind: 'load',
    rate,
    load: [...load.split(' '), '--rate', String(rate)],
    measures: [
      { name: `${name}: messages per CPU second`, figure: 'messagesPerCpuSecond', required: { share: CPU_SHARE } },
    ],
  };
}

/** @type {Scenario[]} */
export const scenarios = [
  throughput('QoS 0, 1 to 1', QOS_0_SHARE, '--shape pair --pubs 1'),
  throughput('QoS 0, 50 pairs', QOS_0_SHARE, '--shape pair --pubs 50'),
  throughput('QoS 0, 50 pairs, 1,000 topics each', QOS_0_SHARE, '--shape pair --pubs 50 --topics 1000'),
  throughput('QoS 0, fan-out 1 to 100', QOS_0_SHARE, '--shape fanout --subs 100'),
  throughput('QoS 0, fan-out 1 to 100, 1,000 topics', QOS_0_SHARE, '--shape fanout --subs 100 --topics 1000'),
  throughput('QoS 0, fan-in 50 to 1', QOS_0_SHARE, '--shape fanin --pubs 50'),
  throughput('QoS 0, 50 pairs, 1 KB', QOS_0_SHARE, '--shape pair --pubs 50 --size 1024'),
  throughput('MQTT 5, QoS 0, 50 pairs', QOS_0_SHARE, '--v5 --shape pair --pubs 50'),
  throughput('QoS 1, 50 pairs, 20 in flight', ACKNOWLEDGED_SHARE, '--qos 1 --shape pair --pubs 50 --window 20'),
  throughput(
    'QoS 1, 50 pairs, 20 in flight, 1,000 topics each',
    ACKNOWLEDGED_SHARE,
    '--qos 1 --shape pair --pubs 50 --window 20 --topics 1000',
  ),
  throughput(
    'QoS 1, fan-out 1 to 100, 20 in flight',
    ACKNOWLEDGED_SHARE,
    '--qos 1 --shape fanout --subs 100 --window 20',
  ),
  throughput('QoS 2, 50 pairs, 20 in flight', ACKNOWLEDGED_SHARE, '--qos 2 --shape pair --pubs 50 --window 20'),
  cost('QoS 0, 100 pairs, 20 k msg/s', 20_000, '--shape pair --pubs 100'),
  cost('QoS 1, 100 pairs, 10 k msg/s', 10_000, '--qos 1 --shape pair --pubs 100'),
  {
    name: 'Idle, 10,000 connections',
    kind: 'idle',
    clients: IDLE_CLIENTS,
    load: ['--shape', 'idle', '--subs', String(IDLE_CLIENTS)],
    measures: [
      {
        name: 'Idle, 10,000 connections: resident bytes each',
        figure: 'bytesPerConnection',
        required: { most: MOST_BYTES_PER_CONNECTION },
      },
      { name: 'At rest: resident memory', figure: 'bytesAtRest', required: { most: MOST_BYTES_AT_REST } },
    ],
  },
];
