import { topicMatches } from '@cauldron/codec';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SubscriptionChanges } from './subscription-changes.js';

const level = fc.constantFrom('', 'a', 'b', '$x');
const topics = fc.array(level, { minLength: 1, maxLength: 4 }).map((levels) => levels.join('/'));
const filters = fc
  .tuple(fc.array(fc.oneof(level, fc.constant('+')), { minLength: 1, maxLength: 4 }), fc.boolean())
  .map(([levels, isSubtree]) => [...levels, ...(isSubtree ? ['#'] : [])].join('/'));

describe('SubscriptionChanges', () => {
  it('spares a topic exactly when no filter since its version matches it', () => {
    fc.assert(
      fc.property(topics, fc.array(filters, { maxLength: 40 }), fc.nat(40), (topic, list, at) => {
        const changes = new SubscriptionChanges(7);
        list.forEach((filter, i) => {
          changes.add(filter, 8 + i);
        });
        const version = 7 + Math.min(at, list.length);
        const later = list.slice(version - 7);
        expect(changes.spared(topic, version)).toBe(later.every((filter) => !topicMatches(filter, topic)));
      }),
      { numRuns: 2_000 },
    );
  });

  it('spares nothing that is older than what it remembers, or than what concerned every topic', () => {
    const changes = new SubscriptionChanges(1);
    expect(changes.spared('topic', 0)).toBe(false);
    for (let version = 2; version <= 130; version++) changes.add('other', version);
    expect(changes.spared('topic', 1)).toBe(false);
    expect(changes.spared('topic', 2)).toBe(true);
    changes.forget(131);
    expect(changes.spared('topic', 130)).toBe(false);
    expect(changes.spared('topic', 131)).toBe(true);
  });
});
