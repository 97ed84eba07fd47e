import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { topicFilter, topicName } from './packet-arbitraries.test-support.js';
import { ProtocolError } from './protocol-error.js';
import { ReasonCode } from './reason-codes.js';
import {
  assertTopicFilter,
  assertTopicName,
  countLevels,
  isValidTopicFilter,
  isValidTopicName,
  parseSharedFilter,
  topicMatches,
} from './topic.js';

function thrownBy(action: () => void): ProtocolError | undefined {
  try {
    action();
  } catch (error) {
    if (error instanceof ProtocolError) return error;
    throw error;
  }
  return undefined;
}

/** The rules of section 4.7, level by level. */
function matchesByLevels(filter: string, topic: string): boolean {
  const wanted = filter.split('/');
  const levels = topic.split('/');
  if (topic.startsWith('$') && (wanted[0] === '+' || wanted[0] === '#')) return false;
  if (wanted.at(-1) === '#') {
    wanted.pop();
    if (levels.length < wanted.length) return false;
    levels.length = wanted.length;
  }
  return levels.length === wanted.length && wanted.every((level, i) => level === '+' || level === levels[i]);
}

/** Few names, so that filters and topics meet. */
const fewLevels = (names: readonly string[]) =>
  fc.array(fc.constantFrom(...names), { minLength: 1, maxLength: 5 }).map((levels) => levels.join('/'));

describe('topic names', () => {
  it('[MQTT-4.7.0-1] [MQTT-4.7.3-1] [MQTT-4.7.3-2] are refused when empty, with a wildcard or a null character', () => {
    for (const topic of ['', '+', '#', 'a/+/b', 'a#', 'a\0', '\ud800']) {
      expect(isValidTopicName(topic)).toBe(false);
      expect(thrownBy(() => assertTopicName(topic))?.reasonCode).toBe(ReasonCode.TOPIC_NAME_INVALID);
    }
  });

  it('may have spaces, empty levels, a leading slash or dollar sign', () => {
    for (const topic of ['/', 'a', ' ', 'a//b', '/a', 'a/', '$SYS/x', '\u20ac']) {
      expect(isValidTopicName(topic)).toBe(true);
      assertTopicName(topic);
    }
  });

  it('[MQTT-4.7.3-3] have at most 65,535 bytes', () => {
    for (const valid of [isValidTopicName, isValidTopicFilter]) {
      expect(valid('x'.repeat(65535))).toBe(true);
      expect(valid('x'.repeat(65536))).toBe(false);
      expect(valid('\u20ac'.repeat(21845))).toBe(true);
      expect(valid('\u20ac'.repeat(21846))).toBe(false);
    }
  });

  it('are named in the error, shortened and without control characters', () => {
    expect(thrownBy(() => assertTopicName('a/+'))?.message).toBe('Topic name "a/+" contains a wildcard');
    expect(thrownBy(() => assertTopicName(`\n${'x'.repeat(1000)}#`))?.message).toMatch(/^Topic name "\\nx{99}\.\.\." /);
  });
});

describe('topic filters', () => {
  it('[MQTT-4.7.1-1] [MQTT-4.7.1-2] may have each wildcard alone in its level, and # in the last one only', () => {
    for (const filter of ['#', '+', '/', '+/+', '/+', '+/', 'a/#', '+/#', 'a/+/b', '/#', '$SYS/#']) {
      expect(isValidTopicFilter(filter)).toBe(true);
      assertTopicFilter(filter);
    }
    for (const filter of [
      '',
      'a#',
      '#a',
      '#/',
      '#/a',
      'a/#/b',
      'a/b#',
      '##',
      '+#',
      'a+',
      '+a',
      'a/+b',
      'b+/a',
      '++',
      'a\0',
    ]) {
      expect(isValidTopicFilter(filter)).toBe(false);
      expect(thrownBy(() => assertTopicFilter(filter))?.reasonCode).toBe(ReasonCode.TOPIC_FILTER_INVALID);
    }
  });
});

describe('parseSharedFilter', () => {
  it('takes a shared filter apart', () => {
    expect(parseSharedFilter('$share/g/a/#')).toEqual({ group: 'g', filter: 'a/#' });
    expect(parseSharedFilter('$share/a b//')).toEqual({ group: 'a b', filter: '/' });
  });

  it('leaves ordinary filters alone', () => {
    for (const filter of ['a', '#', '$share', '$shared/g/a', '$SHARE/g/a', '/$share/g/a', '$SYS/#']) {
      expect(parseSharedFilter(filter)).toBeNull();
    }
  });

  it('[MQTT-4.8.2-1] [MQTT-4.8.2-2] refuses one without a group name, without a filter, or with a wildcard as group', () => {
    for (const filter of [
      '$share/',
      '$share/g',
      '$share//a',
      '$share//',
      '$share/g/',
      '$share/+/a',
      '$share/g#/a',
      '$share/#',
    ]) {
      expect(thrownBy(() => parseSharedFilter(filter))?.reasonCode).toBe(ReasonCode.TOPIC_FILTER_INVALID);
    }
  });
});

describe('topicMatches', () => {
  it.each([
    ['sport/tennis/#', 'sport/tennis', true],
    ['sport/tennis/#', 'sport/tennis/ranking', true],
    ['sport/tennis/#', 'sport/tennisball', false],
    ['sport/tennis/+', 'sport/tennis', false],
    ['sport/+', 'sport/', true],
    ['sport/+', 'sport', false],
    ['+/+', '/finance', true],
    ['/+', '/finance', true],
    ['+', '/finance', false],
    ['#', 'a/b/c', true],
    ['#', '/', true],
    ['a/b', 'a/b', true],
    ['a/b', 'a/bc', false],
    ['a/bc', 'a/b', false],
    ['a', 'A', false],
    ['a/', 'a', false],
    ['a', 'a/', false],
    ['+/b/#', 'a/b', true],
    ['+/+/#', 'a', false],
  ])('%s and %s: %s', (filter, topic, expected) => {
    expect(topicMatches(filter, topic)).toBe(expected);
  });

  it('[MQTT-4.7.2-1] hides topics that begin with $ from a leading wildcard', () => {
    expect(topicMatches('#', '$SYS/x')).toBe(false);
    expect(topicMatches('+/x', '$SYS/x')).toBe(false);
    expect(topicMatches('$SYS/#', '$SYS/x')).toBe(true);
    expect(topicMatches('$SYS/+', '$SYS/x')).toBe(true);
    expect(topicMatches('a/+', 'a/$x')).toBe(true);
  });

  it('lets the filter behind the group name decide for a shared subscription', () => {
    expect(topicMatches('$share/g/a/+', 'a/b')).toBe(true);
    expect(topicMatches('$share/g/a/+', 'b/b')).toBe(false);
    expect(topicMatches('$share/g/#', '$SYS/x')).toBe(false);
    expect(topicMatches('$share/g/#', '$share/g/x')).toBe(false);
  });

  it('agrees with a comparison level by level', () => {
    const filters = fc
      .tuple(fewLevels(['a', 'b', '', '+', '$a']), fc.constantFrom('', '/#'))
      .map(([levels, tail]) => levels + tail || '#');
    const topics = fewLevels(['a', 'b', '', '$a']).map((topic) => topic || '/');
    fc.assert(
      fc.property(filters, topics, (filter, topic) => {
        expect(topicMatches(filter, topic)).toBe(matchesByLevels(filter, topic));
      }),
      { numRuns: 2000 },
    );
  });

  it('finds that every topic matches itself', () => {
    fc.assert(fc.property(topicName, (topic) => topic.startsWith('$share/') || topicMatches(topic, topic)));
  });
});

describe('countLevels', () => {
  it('counts what stands between the slashes, also where it is empty', () => {
    expect(['a', '', '/', 'a/b', '/a', 'a//b'].map(countLevels)).toEqual([1, 1, 2, 2, 2, 3]);
    fc.assert(fc.property(topicFilter, (filter) => countLevels(filter) === filter.split('/').length));
  });
});
