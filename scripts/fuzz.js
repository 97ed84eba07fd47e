// @ts-check
// Feeds mutated packets to the codec for a bounded time: npm run fuzz -- [--seconds 20] [--seed N]
// Needs a build. Ends with 1 at the first failure, and prints the seed and the input that repeat it.
import { parseArgs } from 'node:util';
import { checkInput, makeInput } from '../fuzz/codec.js';

const { values } = parseArgs({ options: { seconds: { type: 'string' }, seed: { type: 'string' } } });
const seconds = wholeNumber('seconds', values.seconds, 20);
const seed = wholeNumber('seed', values.seed, Date.now() % 2 ** 32);
const random = randomFrom(seed);

console.log(`Fuzzing the codec for ${seconds} s, seed ${seed}`);
const startedAt = performance.now();
const endsAt = startedAt + seconds * 1000;
let inputs = 0;
let accepted = 0;
while (performance.now() < endsAt) {
  const input = makeInput(random);
  try {
    accepted += checkInput(input, random);
  } catch (error) {
    console.error(
      `Failed after ${inputs} inputs of seed ${seed}, with the input ${Buffer.from(input).toString('hex')}`,
    );
    console.error(error);
    process.exit(1);
  }
  inputs++;
}
const rate = Math.round(inputs / ((performance.now() - startedAt) / 1000));
console.log(`${inputs} inputs in three versions (${rate} a second), ${accepted} packets accepted, no failure`);

/**
 * @param {string} name
 * @param {string | undefined} text
 * @param {number} fallback
 */
function wholeNumber(name, text, fallback) {
  if (text === undefined) return fallback;
  if (/^\d+$/.test(text)) return Number(text);
  console.error(`--${name} takes a whole number, not ${text}`);
  process.exit(2);
}

/**
 * A generator of 32 bits (mulberry32): the same seed gives the same inputs on every machine.
 * @param {number} start
 * @returns {(below: number) => number}
 */
function randomFrom(start) {
  let state = start >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}
