import { describe, expect, it } from 'vitest';
import { ConnectionState, transition } from './connection-state.js';

const { AWAITING_CONNECT, AUTHENTICATING, OPEN, CLOSING, CLOSED } = ConnectionState;

const ALLOWED = [
  [AWAITING_CONNECT, AUTHENTICATING],
  [AWAITING_CONNECT, CLOSING],
  [AWAITING_CONNECT, CLOSED],
  [AUTHENTICATING, OPEN],
  [AUTHENTICATING, CLOSING],
  [AUTHENTICATING, CLOSED],
  [OPEN, CLOSING],
  [OPEN, CLOSED],
  [CLOSING, CLOSED],
];

describe('the state of a connection', () => {
  const states = [AWAITING_CONNECT, AUTHENTICATING, OPEN, CLOSING, CLOSED];
  const pairs = states.flatMap((from) => states.map((to) => [from, to] as const));
  const isAllowed = ([from, to]: readonly [number, number]): boolean =>
    ALLOWED.some((pair) => pair[0] === from && pair[1] === to);

  it.each(pairs.filter(isAllowed))('may go from %i to %i', (from, to) => {
    expect(transition(from, to)).toBe(to);
  });

  it.each(pairs.filter((pair) => !isAllowed(pair)))('may not go from %i to %i', (from, to) => {
    expect(() => transition(from, to)).toThrow(/^A connection that is .+ cannot become .+$/);
  });
});
