import { describe, expect, it } from 'vitest';
import { InboundAliases, OutboundAliases } from './topic-aliases.js';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('InboundAliases', () => {
  it('knows an alias once it is set, and by its latest topic', () => {
    const aliases = new InboundAliases(10);
    expect(aliases.resolve(1)).toBeUndefined();
    aliases.set(1, bytes('a'));
    aliases.set(1, bytes('b'));
    expect(aliases.resolve(1)).toEqual(bytes('b'));
    expect(aliases.resolve(2)).toBeUndefined();
  });

  it('[MQTT-3.3.2-12] takes every alias from 1 to the maximum', () => {
    const aliases = new InboundAliases(65_535);
    for (let alias = 1; alias <= 65_535; alias++) aliases.set(alias, bytes(`${alias}`));
    expect([1, 300, 65_535].map((alias) => aliases.resolve(alias))).toEqual(['1', '300', '65535'].map(bytes));
  });
});

describe('OutboundAliases', () => {
  it('knows a topic only after it was given an alias, and gives each its own', () => {
    const aliases = new OutboundAliases(10);
    expect(aliases.known('a')).toBe(0);
    expect([aliases.assign('a'), aliases.assign('b')]).toEqual([1, 2]);
    expect([aliases.known('a'), aliases.known('b'), aliases.known('c')]).toEqual([1, 2, 0]);
  });

  it('[MQTT-3.3.2-11] gives no alias above the maximum, and the first topics keep theirs', () => {
    const aliases = new OutboundAliases(2);
    expect(['a', 'b', 'c'].map((topic) => aliases.assign(topic))).toEqual([1, 2, 0]);
    expect(['a', 'b', 'c'].map((topic) => aliases.known(topic))).toEqual([1, 2, 0]);
  });
});
