// As many messages as a broker takes.
import { UNBOUNDED_QUEUES } from './settings.js';

/**
 * @typedef {import('./scenarios.js').Scenario} Scenario
 * @typedef {import('./scenarios.js').Required} Required
 */

const SHARE = 0.75;
const SHARE_OF_KILOBYTES = 0.85;
const SHARE_OF_QOS_2 = 0.7;
const SHARE_OF_V5 = 0.7;

/**
 * The figure is what subscribers receive.
 * @param {string} group
 * @param {string} name
 * @param {Required} required
 * @param {string} load
 * @param {Partial<Scenario> & { cppShare?: number }} [rest]
 * @returns {Scenario}
 */
function throughput(group, name, required, load, { cppShare, ...rest } = {}) {
  const measure = /** @type {const} */ ({ name, figure: 'receivedPerSecond', required });
  return {
    group,
    name,
    kind: 'load',
    load: load.split(' '),
    needs: [],
    measures: [cppShare === undefined ? measure : { ...measure, cppShare }],
    ...rest,
  };
}

/**
 * Beside the yardstick.
 * @param {string} name
 * @param {number} share
 * @param {number} cppShare what FlashMQ 1.26 reached of the yardstick when both were measured once in the same run
 * @param {string} load
 */
function plain(name, share, cppShare, load) {
  const needs = /** @type {Scenario['needs']} */ (load.includes('--qos 2') ? ['qos2'] : []);
  return throughput('As many messages as it takes', name, { share }, load, { cppShare, needs });
}

/** @type {Scenario[]} */
const beside = [
  plain('QoS 0, 1 to 1', SHARE, 0.24, '--shape pair --pubs 1'),
  plain('QoS 0, 1 to 1, 1,000 topics', SHARE, 0.24, '--shape pair --pubs 1 --topics 1000'),
  plain('QoS 0, 50 pairs', SHARE, 0.163, '--shape pair --pubs 50'),
  plain('QoS 0, 50 pairs, 1,000 topics each', SHARE, 0.246, '--shape pair --pubs 50 --topics 1000'),
  plain('QoS 0, fan-in 50 to 1', SHARE, 0.151, '--shape fanin --pubs 50'),
  plain('QoS 0, fan-in 50 to 1, 1,000 topics each', SHARE, 0.151, '--shape fanin --pubs 50 --topics 1000'),
  plain('QoS 0, fan-out 1 to 100', SHARE, 0.464, '--shape fanout --subs 100'),
  plain('QoS 0, fan-out 1 to 100, 1,000 topics', SHARE, 0.194, '--shape fanout --subs 100 --topics 1000'),
  plain('QoS 0, 50 pairs, 1 KB', SHARE_OF_KILOBYTES, 0.568, '--shape pair --pubs 50 --size 1024'),
  plain('QoS 1, 50 pairs, 20 in flight', SHARE, 0.609, '--qos 1 --shape pair --pubs 50 --window 20'),
  plain(
    'QoS 1, 50 pairs, 20 in flight, 1,000 topics each',
    SHARE,
    0.609,
    '--qos 1 --shape pair --pubs 50 --window 20 --topics 1000',
  ),
  plain('QoS 1, fan-out 1 to 100, 20 in flight', SHARE, 0.641, '--qos 1 --shape fanout --subs 100 --window 20'),
  plain('QoS 2, 50 pairs, 20 in flight', SHARE_OF_QOS_2, 0.598, '--qos 2 --shape pair --pubs 50 --window 20'),
  throughput(
    'As many messages as it takes',
    'MQTT 5, QoS 0, 50 pairs',
    { share: SHARE_OF_V5 },
    '--v5 --shape pair --pubs 50',
    {
      needs: ['v5'],
    },
  ),
  throughput(
    'As many messages as it takes',
    'MQTT 5, QoS 1, 50 pairs, 20 in flight',
    { share: SHARE_OF_V5 },
    '--v5 --qos 1 --shape pair --pubs 50 --window 20',
    { needs: ['v5'] },
  ),
];

const BESIDE_MOSQUITTO = 'Beside Mosquitto alone';
const PROPERTIES = '--v5 --user-properties 2 --alias --shape pair --pubs 50';

/** Mixed: what does not travel in runs. 500 messages are under way at most, so that 1,000 publishers have one each. */
const MIXED = '--shape mixed --pubs 1000 --topics 20 --undelivered 1500';
const MIXED_RATE = 5_000;
/** At that rate each of the 20,000 topics has come once. */
const MIXED_WARM_SECONDS = 5;
const MIXED_NAME = '1,000 publishers, 20 topics each, mixed';
/** Nothing may be dropped: a broker would be faster for it. */
const MIXED_REST = /** @type {Pick<Scenario, 'needs' | 'settings'>} */ ({
  needs: ['v5', 'qos2', 'wildcards'],
  settings: [UNBOUNDED_QUEUES],
});

/** @type {Scenario[]} */
const besideMosquitto = [
  throughput(
    BESIDE_MOSQUITTO,
    'MQTT 5, 2 user properties and a topic alias, QoS 0, 50 pairs',
    { timesMosquitto: 10 },
    PROPERTIES,
    { needs: ['v5', 'properties'] },
  ),
  throughput(
    BESIDE_MOSQUITTO,
    'MQTT 5, 2 user properties and a topic alias, QoS 1, 50 pairs, 20 in flight',
    { timesMosquitto: 6 },
    `${PROPERTIES} --qos 1 --window 20`,
    { needs: ['v5', 'properties'] },
  ),
  throughput(BESIDE_MOSQUITTO, 'TLS 1.3, QoS 0, 50 pairs', { timesMosquitto: 3 }, '--tls --shape pair --pubs 50', {
    needs: ['tls'],
    transport: 'tls',
  }),
  throughput(
    BESIDE_MOSQUITTO,
    'WebSocket, QoS 0, 50 pairs',
    { timesMosquitto: 5 },
    '--websocket --shape pair --pubs 50',
    { needs: ['websocket'], transport: 'websocket' },
  ),
  throughput(
    BESIDE_MOSQUITTO,
    'Lasting sessions, QoS 1, 50 pairs, 20 in flight',
    { timesMosquitto: 1.5, goal: 4 },
    '--persistent --qos 1 --shape pair --pubs 50 --window 20',
    { needs: ['sessions'] },
  ),
];

/**
 * @param {(count: number) => number} scaled
 * @returns {Scenario[]}
 */
export function throughputScenarios(scaled) {
  const manyTopics = scaled(10_000);
  return [
    ...beside,
    ...besideMosquitto,
    throughput('Each message alone', MIXED_NAME, { timesMosquitto: 1 }, MIXED, MIXED_REST),
    {
      ...MIXED_REST,
      group: 'Each message alone',
      name: `${MIXED_NAME}, ${MIXED_RATE / 1000} k msg/s`,
      kind: 'load',
      load: [...MIXED.split(' '), '--rate', String(MIXED_RATE), '--warm', String(MIXED_WARM_SECONDS)],
      rate: MIXED_RATE,
      measures: [
        {
          name: `${MIXED_NAME}, ${MIXED_RATE / 1000} k msg/s: received per CPU second`,
          figure: 'messagesPerCpuSecond',
          required: { timesMosquitto: 1 },
        },
      ],
    },
    {
      group: 'Growth',
      name: `Topics: ${(manyTopics * 100).toLocaleString('en')} in turn, 100 pairs, QoS 0`,
      kind: 'load',
      load: `--shape pair --pubs 100 --topics ${manyTopics}`.split(' '),
      needs: ['wildcards'],
      measures: [
        { name: 'Topics: 1 M in turn, 100 pairs, QoS 0', figure: 'receivedPerSecond', required: { timesMosquitto: 4 } },
        {
          name: 'Topics: 1 M in turn: resident memory',
          figure: 'residentBytes',
          required: { most: 300 * 1024 * 1024 },
        },
      ],
    },
  ];
}
