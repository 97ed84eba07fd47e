import { ProtocolError } from '@cauldron/codec';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { topicName } from '../../../codec/src/packet-arbitraries.test-support.js';
import { TopicCache } from './topic-cache.js';

const encoder = new TextEncoder();

/** What the cache makes of a topic that stands in the middle of other bytes. */
function asked(cache: TopicCache, topic: string): string {
  const bytes = encoder.encode(`xx${topic}yy`);
  return cache.topicOf(bytes, 2, bytes.length - 2);
}

describe('remembered topics', () => {
  it('are found by their bytes, in any order and as often as wanted', () => {
    const cache = new TopicCache();
    const many = fc.array(topicName, { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(many, (topics) => {
        for (const topic of [...topics, ...topics.toReversed()]) {
          expect(asked(cache, topic)).toBe(topic);
          expect(asked(cache, topic)).toBe(topic);
        }
      }),
    );
  });

  it('are right for more topics than there are places, and for long ones', () => {
    const cache = new TopicCache();
    const topics = Array.from({ length: 5_000 }, (_, i) => `plant/${i}/temperature`);
    topics.push('x'.repeat(256), 'x'.repeat(257), `${'x'.repeat(300)}y`);
    for (const topic of [...topics, ...topics]) expect(asked(cache, topic)).toBe(topic);
  });

  it('do not change with the bytes that they were found in', () => {
    const cache = new TopicCache();
    const bytes = encoder.encode('a/b');
    expect(cache.topicOf(bytes, 0, 3)).toBe('a/b');
    bytes[2] = 0x63;
    expect(cache.topicOf(bytes, 0, 3)).toBe('a/c');
    expect(asked(cache, 'a/b')).toBe('a/b');
  });

  it('are never those that are no topic names', () => {
    const cache = new TopicCache();
    for (const topic of ['', 'a/+', '#', '\0', '']) expect(() => asked(cache, topic)).toThrow(ProtocolError);
    expect(() => cache.topicOf(Uint8Array.of(0x61, 0xff), 0, 2)).toThrow(ProtocolError);
  });
});
