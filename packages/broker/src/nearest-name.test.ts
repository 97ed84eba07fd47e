import { describe, expect, it } from 'vitest';
import { nearestName } from './nearest-name.js';

describe('nearestName', () => {
  const names = ['--topic', '--host', '--will-topic'];

  it.each([
    ['--topc', '--topic'],
    ['--tpoic', '--topic'],
    ['--hosts', '--host'],
    ['--wil-topik', '--will-topic'],
  ])('finds for %s what was meant', (typed, name) => {
    expect(nearestName(typed, names)).toBe(name);
  });

  it('finds nothing for what is like none of the names', () => {
    expect(nearestName('--retain', names)).toBeUndefined();
    expect(nearestName('x', [])).toBeUndefined();
  });
});
