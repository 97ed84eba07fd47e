// What `npm run bench -- --durable` measures: brokers that keep everything on disk. Mosquitto beside it writes its file
// every half an hour and syncs nothing; the product acknowledges what the disk has.

/**
 * @typedef {import('./scenarios.js').Scenario} Scenario
 * @typedef {import('./scenarios.js').Measure} Measure
 */

const MESSAGES = 1_000_000;
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
  const name = `Lasting sessions, QoS ${qos}, 50 pairs, 20 in flight`;
  return {
    name,
    kind: 'load',
    load: `--persistent --qos ${qos} --shape pair --pubs 50 --window 20`.split(' '),
    measures: [
      { name, figure: 'receivedPerSecond', required: { timesMosquitto, goal } },
      { name: `${name}: messages per CPU second`, figure: 'messagesPerCpuSecond', required: null },
    ],
  };
}

// Fifty publishers with 20 each have 1,000 in flight in total, all for one subscriber.
const TO_QUEUE = `--persistent --away --qos 1 --shape fanin --pubs 50 --subs 1 --window 20 --count ${MESSAGES}`.split(
  ' ',
);
const UNBOUNDED = 'max_queued_messages 0';

/**
 * @param {string} name
 * @param {Partial<Record<import('./scenarios.js').Figure, [title: string, required: Measure['required']]>>} measures
 * @param {Omit<Scenario, 'name' | 'load' | 'measures' | 'messages'> & { load: string[] }} rest
 * @returns {Scenario}
 */
function kept(name, measures, rest) {
  return {
    name,
    messages: MESSAGES,
    measures: Object.entries(measures).map(([figure, [title, required]]) => ({
      name: `${name}: ${title}`,
      figure: /** @type {import('./scenarios.js').Figure} */ (figure),
      required,
    })),
    ...rest,
  };
}

const TO_RETAIN =
  `--retain --qos 1 --shape fanin --pubs 100 --subs 0 --topics 10000 --window 20 --count ${MESSAGES}`.split(' ');

/** @param {boolean} isKilled */
function retainedStart(isKilled) {
  return kept(
    `1 M retained, after ${isKilled ? 'SIGKILL' : 'SIGTERM'}`,
    {
      startSeconds: ['start', { most: MOST_START_SECONDS }],
      residentBytes: ['resident memory', null],
    },
    { kind: 'retained', isKilled, settings: [UNBOUNDED], load: TO_RETAIN },
  );
}

/** @type {Scenario[]} */
export const durableScenarios = [
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
    { kind: 'queue', settings: [UNBOUNDED], load: TO_QUEUE },
  ),
  kept(
    'Queue of 1 M, max_inflight_messages 1000',
    { drainedPerSecond: ['drained', { least: LEAST_DRAINED_PER_SECOND }] },
    { kind: 'queue', settings: [UNBOUNDED, 'max_inflight_messages 1000'], load: TO_QUEUE },
  ),
  kept(
    'Queue of 1 M, after SIGKILL',
    {
      startSeconds: ['start', { most: MOST_START_SECONDS }],
      residentBytes: ['resident memory', null],
      drainedPerSecond: ['drained, 20 in flight', { least: LEAST_DRAINED_PER_SECOND }],
    },
    { kind: 'killedQueue', settings: [UNBOUNDED], load: TO_QUEUE },
  ),
  retainedStart(false),
  retainedStart(true),
];
