// What `npm run bench` measures, and what the product must reach. The scenarios themselves are in the files beside this
// one; a measure reads one figure from a run.
import { costScenarios } from './cost-scenarios.js';
import { durableScenarios } from './durable-scenarios.js';
import { growthScenarios } from './growth-scenarios.js';
import { throughputScenarios } from './throughput-scenarios.js';

/**
 * @typedef {'receivedPerSecond' | 'messagesPerCpuSecond' | 'p50Us' | 'p99Us' | 'p999Us' | 'connectsPerSecond' |
 *   'bytesPerConnection' | 'bytesAtRest' | 'ackedPerSecond' | 'drainedPerSecond' | 'bytesQueued' | 'anonymousQueued' |
 *   'startSeconds' | 'residentBytes' | 'shareOfFew' | 'shareOfFewEverywhere' | 'subscriptionsPerSecond' |
 *   'bytesPerSubscription' | 'bytesPerRetained' | 'residentPerRetained' | 'answerMs' | 'firstAnswerMs' |
 *   'answerPauseMs' | 'streamedPerSecond' | 'streamPauseMs' | 'stormSeconds' | 'stormPauseMs' | 'commandSeconds' | 'ofBareNode'} Figure
 */

/**
 * A share of the yardstick's figure in the same round; so many times Mosquitto's, at least or at most; or a bound for the
 * figure itself.
 * @typedef {{ share: number } | { timesMosquitto: number, goal?: number } | { mostOfMosquitto: number } |
 *   { most: number } | { least: number }} Required
 */

/**
 * @typedef {object} Measure
 * @property {string} name what the row of the table is called
 * @property {Figure} figure
 * @property {Required | null} required null: to know, not to judge
 * @property {number} [cppShare] what the fastest broker in C++ reached of the yardstick, where it was measured once
 */

/**
 * @typedef {object} Scenario
 * @property {string} group of rows in the document
 * @property {string} name
 * @property {'load' | 'idle' | 'queue' | 'killedQueue' | 'retained' | 'spread' | 'sites' | 'storm' | 'start' |
 *   'command'} kind see bench/measurements.js
 * @property {string[]} load arguments of the generator (bench/load/load.c)
 * @property {import('./targets.js').Ability[]} needs
 * @property {import('./settings.js').Transport} [transport]
 * @property {string[]} [settings] lines for the brokers' configuration
 * @property {number} [messages] that are kept
 * @property {boolean} [isKilled] whether the broker ends by SIGKILL before it starts again, instead of SIGTERM
 * @property {number} [clients]
 * @property {number} [filters] of each client
 * @property {number} [rate] messages a second, where the load is not as much as the broker takes
 * @property {boolean} [isDurable] what is told apart by --durable
 * @property {Measure[]} measures
 */

/**
 * All scenarios. Their order is that of the document.
 * @param {number} scale by which connections, subscriptions and messages are multiplied where there are very many; figures
 *   of a scale other than 1 only show that everything works
 * @returns {Scenario[]}
 */
export function allScenarios(scale) {
  /** @param {number} count */
  const scaled = (count) => Math.max(100, Math.round((count * scale) / 100) * 100);
  return [...throughputScenarios(scaled), ...costScenarios, ...growthScenarios(scaled), ...durableScenarios(scaled)];
}
