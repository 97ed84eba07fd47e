// How cost grows: subscriptions, retained messages, connections.
import { UNBOUNDED_QUEUES } from './settings.js';

/** @typedef {import('./scenarios.js').Scenario} Scenario */

const GROUP = 'Growth';

/**
 * @param {(count: number) => number} scaled
 * @returns {Scenario[]}
 */
export function growthScenarios(scaled) {
  const sites = scaled(1_000_000);
  const idle = scaled(15_000);
  const storm = scaled(10_000);
  return [
    {
      group: GROUP,
      name: 'Subscriptions: 1 M over 10 k connections',
      kind: 'spread',
      clients: scaled(10_000),
      filters: 100,
      load: '--shape spread --pubs 50'.split(' '),
      needs: ['wildcards'],
      measures: [
        {
          name: 'Subscriptions: 1 M over 10 k connections, messages to 1 k of them: share of the rate with 1 k in all',
          figure: 'shareOfFew',
          required: { least: 0.7 },
        },
        {
          name: 'Subscriptions: 1 M, messages to all of them in turn: share of the rate with 1 k in all',
          figure: 'shareOfFewEverywhere',
          required: null, // where each message goes to another connection, each is a write of its own
        },
        {
          name: 'Subscriptions: 1 M, messages to all of them in turn',
          figure: 'receivedPerSecond',
          required: null,
        },
        { name: 'Subscriptions: subscribed a second', figure: 'subscriptionsPerSecond', required: { least: 50_000 } },
        { name: 'Subscriptions: memory each', figure: 'bytesPerSubscription', required: { most: 500 } },
      ],
    },
    {
      group: GROUP,
      name: 'Retained: 1 M messages',
      kind: 'sites',
      messages: sites,
      settings: [UNBOUNDED_QUEUES],
      load: `--shape site --retain --qos 1 --pubs 100 --subs 0 --window 20 --count ${sites}`.split(' '),
      needs: ['retained', 'wildcards'],
      measures: [
        {
          name: 'Retained: 1 M, memory each beside the payload of 64 B',
          figure: 'bytesPerRetained',
          required: { most: 500 },
        },
        {
          name: 'Retained: 1 M, resident memory each, with the pages of the store that are mapped',
          figure: 'residentPerRetained',
          required: null, // these are the system's cache of a file, which it shrinks when it needs the memory
        },
        { name: 'Retained: 1 M, site/+/state answers 1,000', figure: 'answerMs', required: { most: 20 } },
        {
          name: 'Retained: 1 M, the same asked for the first time since the start',
          figure: 'firstAnswerMs',
          required: null, // while the code for it is not compiled
        },
        { name: 'Retained: 1 M, longest pause for others meanwhile', figure: 'answerPauseMs', required: null },
        { name: 'Retained: 1 M, # streams', figure: 'streamedPerSecond', required: null },
        {
          name: 'Retained: 1 M, longest pause for others meanwhile (#)',
          figure: 'streamPauseMs',
          required: { most: 50 },
        },
      ],
    },
    {
      group: GROUP,
      name: 'Connections: 15,000 idle',
      kind: 'idle',
      clients: idle,
      load: `--shape idle --subs ${idle}`.split(' '),
      needs: [],
      measures: [
        {
          name: 'Connections: 15,000 idle, resident bytes each',
          figure: 'bytesPerConnection',
          required: { most: 5 * 1024 },
        },
        { name: 'Connections: connects a second', figure: 'connectsPerSecond', required: { least: 5_000 } },
      ],
    },
    {
      group: GROUP,
      name: 'Connections: storm of 10,000 reconnects with take-over and wills',
      kind: 'storm',
      clients: storm,
      settings: [UNBOUNDED_QUEUES],
      load: `--shape storm --subs ${storm}`.split(' '),
      needs: ['wills'],
      measures: [
        {
          name: 'Storm of 10,000 reconnects with take-over and wills: all back, all wills there',
          figure: 'stormSeconds',
          required: null,
        },
        { name: 'Storm: longest pause for others', figure: 'stormPauseMs', required: { most: 100 } },
      ],
    },
  ];
}
