import { assertTopicFilter, isValidTopicName, ProtocolError, topicMatches } from '@cauldron/codec';
import { UsageError } from '../command-line/arguments.js';

/** Gives a topic another name; null: the name is none of its business. */
type Rewrite = (topic: string) => string | null;

/**
 * Makes other topics of topics, by `--map FROM=TO`. FROM is the begin of topics, by whole levels: `home=test/home` makes
 * `test/home/kitchen` of `home/kitchen`. In FROM `+` stands for any level, and at its end `#` for all that follow; in TO the
 * first `+` is what the first `+` of FROM was, and so on, and `#` is what `#` was. The first that fits decides.
 * @returns the new name; the same where none fits; null for one that is no topic
 * @throws UsageError for what is no FROM=TO
 */
export function topicMap(maps: readonly string[]): (topic: string) => string | null {
  const rewrites = maps.map(rewriteOf);
  return (topic) => {
    for (const rewrite of rewrites) {
      const mapped = rewrite(topic);
      if (mapped !== null) return isValidTopicName(mapped) ? mapped : null;
    }
    return topic;
  };
}

function rewriteOf(map: string): Rewrite {
  const equals = map.indexOf('=');
  const [from, to] = [map.slice(0, equals), map.slice(equals + 1)];
  if (equals < 1 || to === '') throw new UsageError(`--map is FROM=TO, such as home=test/home, not "${map}"`);
  assertFilter(from, map);
  assertFilter(to, map);
  const takesRest = isRest(from);
  const levels = from.split('/');
  const target = to.split('/');
  if (count(target, '+') > count(levels, '+')) throw new UsageError(`--map ${map}: TO has more + than FROM`);
  if (target.includes('#') && !takesRest) throw new UsageError(`--map ${map}: TO has a #, and FROM has none`);
  const pattern = takesRest ? from : `${from}/#`;
  const fixed = takesRest ? levels.slice(0, -1) : levels;
  return (topic) => {
    if (!topicMatches(pattern, topic)) return null;
    const parts = topic.split('/');
    const captured = parts.filter((_, i) => fixed[i] === '+');
    const rest = parts.slice(fixed.length);
    const mapped = target.flatMap((level) =>
      level === '+' ? [captured.shift() ?? ''] : level === '#' ? rest : [level],
    );
    return (takesRest ? mapped : [...mapped, ...rest]).join('/');
  };
}

function isRest(filter: string): boolean {
  return filter === '#' || filter.endsWith('/#');
}

function count(levels: readonly string[], wanted: string): number {
  return levels.filter((level) => level === wanted).length;
}

function assertFilter(filter: string, map: string): void {
  try {
    assertTopicFilter(filter);
  } catch (error) {
    if (error instanceof ProtocolError) throw new UsageError(`--map ${map}: ${error.message}`);
    throw error;
  }
}
