import { isValidTopicFilter, isValidTopicName } from '@cauldron/codec';
import type { BridgeDirection, BridgeTopic } from './bridge-config.js';

const DIRECTIONS: readonly BridgeDirection[] = ['out', 'in', 'both'];

/**
 * Reads what follows `topic`: `PATTERN [out|in|both [QOS [LOCAL-PREFIX [REMOTE-PREFIX]]]]`. What has spaces in it stands
 * in quotes, `""` is nothing, and a word that begins with # begins a comment, except for the pattern.
 * @returns a text that says, behind the option's name, what is wrong
 */
export function readBridgeTopic(value: string): BridgeTopic | string {
  const words = wordsOf(value);
  if (words === null) return `must be closed with a quote: '${value}'`;
  const [pattern = '', direction = 'out', qosText = '0', localPrefix = '', remotePrefix = '', ...rest] = words;
  const way = DIRECTIONS.find((name) => name === direction.toLowerCase());
  if (way === undefined) return `has the direction out, in or both behind the pattern, not '${direction}'`;
  const qos = ([0, 1, 2] as const).find((level) => String(level) === qosText);
  if (qos === undefined) return `has a QoS of 0, 1 or 2 behind the direction, not '${qosText}'`;
  if (rest.length > 0) return `ends with two prefixes, so '${rest[0]}' is too much; text with spaces stands in quotes`;
  for (const prefix of [localPrefix, remotePrefix]) {
    if (prefix !== '' && !isValidTopicName(prefix)) return `takes no + or # in a prefix: '${prefix}'`;
  }
  if (pattern === '' && (localPrefix === '' || remotePrefix === '')) {
    return 'with the pattern "" maps one topic to another, and needs both: \'topic "" out 0 here/a there/b\'';
  }
  const filters = { localFilter: `${localPrefix}${pattern}`, remoteFilter: `${remotePrefix}${pattern}` };
  for (const filter of Object.values(filters)) {
    if (!isValidTopicFilter(filter))
      return `makes '${filter}', which is no topic filter; a prefix may have to end in /`;
  }
  return { pattern, direction: way, qos, localPrefix, remotePrefix, ...filters };
}

/** Null: a quote is open at the end. */
function wordsOf(value: string): string[] | null {
  const words: string[] = [];
  let rest = value.trimStart();
  while (rest !== '' && (words.length === 0 || !rest.startsWith('#'))) {
    const end = rest.startsWith('"') ? rest.indexOf('"', 1) : rest.search(/\s|$/);
    if (end < 0) return null;
    words.push(rest.startsWith('"') ? rest.slice(1, end) : rest.slice(0, end));
    rest = rest.slice(rest.startsWith('"') ? end + 1 : end).trimStart();
  }
  return words;
}
