// What `npm run bench -- --durable` measures: a million messages that wait or are retained, on disk. Mosquitto beside it
// writes its file every half an hour and syncs nothing; the product acknowledges what the disk has.
import { UNBOUNDED_QUEUES } from './settings.js';

/**
 * @typedef {import('./scenarios.js').Scenario} Scenario
 * @typedef {import('./scenarios.js').Measure} Measure
 */

const MEGABYTE = 1024 * 1024;
const LEAST_ACKED_PER_SECOND = 50_000;
const LEAST_DRAINED_PER_SECOND = 100_000;
const MOST_BYTES_QUEUED = 200 * MEGABYTE;
const MOST_START_SECONDS = 5;

/**
 * Both sides of each pair have sessions that last.
 * @param {1 | 2} qos
 * @param {number} timesMosquitto
 * @param {number} goal
 * @returns {Scenario}
 */
function lastingPairs(qos, timesMosquitto, goal) {
  const name = `Durable: lasting sessions, QoS ${qos}, 50 pairs, 20 in flight`;
  return {
    group: 'Durable',
    isDurable: true,
    name,
    kind: 'load',
    needs: qos === 2 ? ['sessions', 'qos2'] : ['sessions'],
    load: `--persistent --qos ${qos} --shape pair --pubs 50 --window 20`.split(' '),
    measures: [
      { name, figure: 'receivedPerSecond', required: { timesMosquitto, goal } },
      { name: `${name}: messages per CPU second`, figure: 'messagesPerCpuSecond', required: null },
    ],
  };
}

/**
 * @param {string} name
 * @param {Partial<Record<import('./scenarios.js').Figure, [title: string, required: Measure['required']]>>} measures
 * @param {Omit<Scenario, 'group' | 'name' | 'measures'>} rest
 * @returns {Scenario}
 */
function kept(name, measures, rest) {
  return {
    group: 'Durable',
    isDurable: true,
    name,
    settings: [UNBOUNDED_QUEUES],
    measures: Object.entries(measures).map(([figure, [title, required]]) => ({
      name: `${name}: ${title}`,
      figure: /** @type {import('./scenarios.js').Figure} */ (figure),
      required,
    })),
    ...rest,
  };
}

/**
 * @param {(count: number) => number} scaled
 * @returns {Scenario[]}
 */
export function durableScenarios(scaled) {
  const messages = scaled(1_000_000);
  const rest = { messages, needs: /** @type {Scenario['needs']} */ (['sessions', 'retained']) };
  // Fifty publishers with 20 each have 1,000 in flight in total, all for one subscriber.
  const toQueue = `--persistent --away --qos 1 --shape fanin --pubs 50 --subs 1 --window 20 --count ${messages}`.split(
    ' ',
  );
  const topics = Math.max(1, messages / 100);
  const toRetain =
    `--retain --qos 1 --shape fanin --pubs 100 --subs 0 --topics ${topics} --window 20 --count ${messages}`.split(' ');

  /** @param {boolean} isKilled */
  const retainedStart = (isKilled) =>
    kept(
      `1 M retained, after ${isKilled ? 'SIGKILL' : 'SIGTERM'}`,
      {
        startSeconds: ['start', { most: MOST_START_SECONDS }],
        residentBytes: ['resident memory', null],
      },
      { ...rest, kind: 'retained', isKilled, load: toRetain },
    );

  return [
    lastingPairs(1, 1.5, 4),
    lastingPairs(2, 2, 3),
    kept(
      'Queue of 1 M',
      {
        ackedPerSecond: ['acknowledged, subscriber away', { least: LEAST_ACKED_PER_SECOND }],
        bytesQueued: ['memory above rest', { most: MOST_BYTES_QUEUED }],
        anonymousQueued: ['of it not a mapped file', null],
        drainedPerSecond: ['drained, 20 in flight', { least: LEAST_DRAINED_PER_SECOND }],
      },
      { ...rest, kind: 'queue', load: toQueue },
    ),
    kept(
      'Queue of 1 M, max_inflight_messages 1000',
      { drainedPerSecond: ['drained', { least: LEAST_DRAINED_PER_SECOND }] },
      { ...rest, kind: 'queue', settings: [UNBOUNDED_QUEUES, 'max_inflight_messages 1000'], load: toQueue },
    ),
    kept(
      'Queue of 1 M, after SIGKILL',
      {
        startSeconds: ['start', { most: MOST_START_SECONDS }],
        residentBytes: ['resident memory', null],
        drainedPerSecond: ['drained, 20 in flight', { least: LEAST_DRAINED_PER_SECOND }],
      },
      { ...rest, kind: 'killedQueue', load: toQueue },
    ),
    retainedStart(false),
    retainedStart(true),
  ];
}
