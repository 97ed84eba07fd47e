// What a message costs where a broker is far from its limit, how long it takes there, and what starting costs.

/** @typedef {import('./scenarios.js').Scenario} Scenario */

const CPU_SHARE = 0.95;
const LATENCY_RATE = 20_000;
const MOST_START_SECONDS = 0.25;
const MOST_BYTES_AT_REST = 60 * 1024 * 1024;
const MOST_OF_BARE_NODE = 1.7;

/**
 * A fixed rate, at which most messages come alone.
 * @param {string} name
 * @param {number} rate
 * @param {number} cppShare
 * @param {string} load
 * @returns {Scenario}
 */
function cost(name, rate, cppShare, load) {
  return {
    group: 'Cost at a fixed rate',
    name,
    kind: 'load',
    rate,
    needs: [],
    load: [...load.split(' '), '--rate', String(rate)],
    measures: [
      {
        name: `${name}: messages per CPU second`,
        figure: 'messagesPerCpuSecond',
        required: { share: CPU_SHARE },
        cppShare,
      },
    ],
  };
}

const LATENCY = 'Latency, 20 k msg/s, 100 pairs, QoS 0, open loop';

/** @type {Scenario[]} */
export const costScenarios = [
  cost('QoS 0, 100 pairs, 20 k msg/s', LATENCY_RATE, 1.087, '--shape pair --pubs 100'),
  cost('QoS 1, 100 pairs, 10 k msg/s', 10_000, 1.346, '--qos 1 --shape pair --pubs 100'),
  {
    group: 'Latency',
    name: LATENCY,
    kind: 'load',
    rate: LATENCY_RATE,
    needs: [],
    load: `--shape pair --pubs 100 --rate ${LATENCY_RATE}`.split(' '),
    measures: [
      { name: `${LATENCY}: p50`, figure: 'p50Us', required: { mostOfMosquitto: 1 } },
      { name: `${LATENCY}: p99`, figure: 'p99Us', required: { mostOfMosquitto: 1 } },
      { name: `${LATENCY}: p99.9`, figure: 'p999Us', required: { mostOfMosquitto: 1 } },
    ],
  },
  {
    group: 'Start',
    name: 'Start on an empty directory',
    kind: 'start',
    needs: [],
    load: [],
    measures: [
      {
        name: 'From process start to accepting, empty directory',
        figure: 'startSeconds',
        required: { most: MOST_START_SECONDS },
      },
      { name: 'At rest: resident memory', figure: 'bytesAtRest', required: { most: MOST_BYTES_AT_REST } },
    ],
  },
  {
    group: 'Start',
    name: 'cauldron pub',
    kind: 'command',
    needs: ['command'],
    load: [],
    measures: [
      { name: 'cauldron pub, start to exit', figure: 'commandSeconds', required: null },
      {
        name: 'cauldron pub, by node -e 0',
        figure: 'ofBareNode',
        required: { most: MOST_OF_BARE_NODE },
      },
    ],
  },
];
