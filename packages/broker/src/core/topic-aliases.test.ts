import { describe, expect, it } from 'vitest';
import { InboundAliases, OutboundAliases } from './topic-aliases.js';

describe('InboundAliases', () => {
  it('knows an alias once it is set, and by its latest value', () => {
    const aliases = new InboundAliases<string>(10);
    expect(aliases.resolve(1)).toBeUndefined();
    expect(aliases.set(1, 'a')).toBe(true);
    expect(aliases.set(1, 'b')).toBe(true);
    expect(aliases.resolve(1)).toBe('b');
    expect(aliases.resolve(2)).toBeUndefined();
  });

  it('[MQTT-3.3.2-12] accepts every alias from 1 to the maximum, and no other', () => {
    const aliases = new InboundAliases<number>(65_535);
    for (let alias = 1; alias <= 65_535; alias++) {
      if (!aliases.set(alias, alias)) throw new Error(`alias ${alias} was refused`);
    }
    expect([1, 65_535].map((alias) => aliases.resolve(alias))).toEqual([1, 65_535]);
    const few = new InboundAliases<number>(2);
    expect([0, 1, 2, 3].map((alias) => few.set(alias, 0))).toEqual([false, true, true, false]);
    expect(few.resolve(3)).toBeUndefined();
  });

  it('accepts none with a maximum of 0', () => {
    expect(new InboundAliases<string>(0).set(1, 'a')).toBe(false);
  });
});

describe('OutboundAliases', () => {
  it('gives each topic an alias of its own, new the first time and known after that', () => {
    const aliases = new OutboundAliases(10);
    expect(['a', 'b', 'a', 'b', 'c'].map((topic) => aliases.aliasFor(topic))).toEqual([-1, -2, 1, 2, -3]);
  });

  it('[MQTT-3.3.2-11] gives no alias above the maximum, and the first topics keep theirs', () => {
    const aliases = new OutboundAliases(2);
    expect(['a', 'b', 'c', 'a', 'c'].map((topic) => aliases.aliasFor(topic))).toEqual([-1, -2, 0, 1, 0]);
    expect(new OutboundAliases(0).aliasFor('a')).toBe(0);
  });
});
