import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TopicTree } from './topic-tree.js';

interface Subscription {
  readonly name: string;
}

const subscription = (name: string): Subscription => ({ name });

function treeOf(...filters: string[]): TopicTree<Subscription> {
  const tree = new TopicTree<Subscription>();
  for (const filter of filters) tree.add(filter, subscription(filter));
  return tree;
}

function matchNames(tree: TopicTree<Subscription>, topic: string): string[] {
  const out: Subscription[] = [];
  tree.match(topic, out);
  return out.map((found) => found.name).sort();
}

/** Value and filter of all that `levels` shows. */
function listed(tree: TopicTree<Subscription>): string[] {
  const found: string[] = [];
  const path: string[] = [];
  for (const { depth, level, values } of tree.levels()) {
    expect(depth).toBeLessThanOrEqual(path.length);
    path.length = depth;
    path.push(level);
    for (const { name } of values) found.push(name + path.join('/'));
  }
  return found.sort();
}

/** Section 4.7 of the standard, word for word and slow. */
function matchesByTheBook(filter: string, topic: string): boolean {
  if (topic.startsWith('$') && /^[+#]/.test(filter)) return false;
  const wanted = filter.split('/');
  const levels = topic.split('/');
  for (const [i, level] of wanted.entries()) {
    if (level === '#') return true;
    if (i >= levels.length || (level !== '+' && level !== levels[i])) return false;
  }
  return wanted.length === levels.length;
}

describe('TopicTree', () => {
  it('finds a filter without wildcards by the same topic only', () => {
    const tree = treeOf('a/b', 'a', 'a/b/c');
    expect(matchNames(tree, 'a/b')).toEqual(['a/b']);
    expect(matchNames(tree, 'a/x')).toEqual([]);
    expect(matchNames(tree, 'A/b')).toEqual([]);
  });

  it('[MQTT-4.7.1-2] lets + stand for exactly one level, which may be empty', () => {
    const tree = treeOf('+/b', 'a/+', '+', '/+', '+/+');
    expect(matchNames(tree, 'a/b')).toEqual(['+/+', '+/b', 'a/+']);
    expect(matchNames(tree, 'a')).toEqual(['+']);
    expect(matchNames(tree, 'a/')).toEqual(['+/+', 'a/+']);
    expect(matchNames(tree, '/a')).toEqual(['+/+', '/+']);
  });

  it('[MQTT-4.7.1-1] lets # stand for the level above it and everything below', () => {
    const tree = treeOf('sport/tennis/#', '#', 'sport/#', '/#', '+/#');
    expect(matchNames(tree, 'sport')).toEqual(['#', '+/#', 'sport/#']);
    expect(matchNames(tree, 'sport/tennis/a/b')).toEqual(['#', '+/#', 'sport/#', 'sport/tennis/#']);
    expect(matchNames(tree, '/')).toEqual(['#', '+/#', '/#']);
  });

  it('[MQTT-4.7.2-1] hides $-topics from filters that begin with a wildcard, and from no others', () => {
    const tree = treeOf('#', '+/broker', '+/#', '$SYS/#', '$SYS/+', 'a/+');
    expect(matchNames(tree, '$SYS/broker')).toEqual(['$SYS/#', '$SYS/+']);
    expect(matchNames(tree, 'a/$b')).toEqual(['#', '+/#', 'a/+']);
  });

  it('[MQTT-4.7.3-4] keeps empty levels apart', () => {
    const tree = treeOf('a//b', 'a/b', '/a/b', 'a/b/');
    for (const topic of ['a//b', 'a/b', '/a/b', 'a/b/']) expect(matchNames(tree, topic)).toEqual([topic]);
  });

  it('finds every value of a filter that has several', () => {
    const tree = new TopicTree<Subscription>();
    const values = ['1', '2', '3'].map(subscription);
    for (const value of values) tree.add('a/b', value);
    for (const value of values) tree.add('a/#', value);
    expect(matchNames(tree, 'a/b')).toEqual(['1', '1', '2', '2', '3', '3']);
    for (const value of values.slice(1)) tree.remove('a/#', value);
    expect(matchNames(tree, 'a/c')).toEqual(['1']);
  });

  it('takes an array or a set as a value, not as several', () => {
    const tree = new TopicTree<object>();
    const values = [[1, 2], new Set([3])];
    for (const value of values) tree.add('a', value);
    const out: object[] = [];
    tree.match('a', out);
    expect(out).toEqual(values);
  });

  it('appends to what the array holds already', () => {
    const first = subscription('first');
    const out = [first];
    treeOf('a').match('a', out);
    expect(out.map((found) => found.name)).toEqual(['first', 'a']);
  });

  it('raises its version with every change and with nothing else', () => {
    const tree = new TopicTree<Subscription>();
    const value = subscription('a');
    const versions = [tree.version];
    const note = () => versions.push(tree.version);
    tree.add('a/+', value);
    note();
    tree.add('a/+', value);
    note();
    tree.remove('a/b', value);
    note();
    tree.match('a/b', []);
    note();
    tree.remove('a/+', value);
    note();
    const [empty, added, again, missed, matched, removed] = versions;
    expect(added).toBeGreaterThan(empty);
    expect([again, missed, matched]).toEqual([added, added, added]);
    expect(removed).toBeGreaterThan(added);
  });

  it('says whether there was something to remove', () => {
    const tree = treeOf('a', 'a/b/#');
    const other = subscription('other');
    for (const filter of ['a', 'a/b/#', 'a/b', 'x/+', '+', '#']) expect(tree.remove(filter, other)).toBe(false);
    tree.add('a', other);
    expect(tree.remove('a', other)).toBe(true);
    expect(tree.remove('a', other)).toBe(false);
    expect(tree.size).toBe(2);
  });

  it('matches a topic of many thousand levels', () => {
    const topic = Array(30_000).fill('a').join('/');
    const tree = treeOf(topic, `${topic}/#`, topic.replaceAll('a', '+'), 'a/a/#');
    expect(matchNames(tree, topic)).toHaveLength(4);
    expect(tree.remove(topic, subscription('other'))).toBe(false);
  });

  it('finds what a comparison with every filter finds, after any adding and removing', () => {
    const level = fc.constantFrom('', 'a', 'b', 'c', '$x');
    const filterLevel = fc.oneof({ weight: 2, arbitrary: level }, { weight: 1, arbitrary: fc.constant('+') });
    const topic = fc
      .array(level, { minLength: 1, maxLength: 4 })
      .map((levels) => levels.join('/'))
      .filter((text) => text !== '');
    const filter = fc
      .tuple(fc.array(filterLevel, { maxLength: 4 }), fc.boolean())
      .map(([levels, subtree]) => (subtree ? [...levels, '#'] : levels).join('/'))
      .filter((text) => text !== '');
    const change = fc.record({ remove: fc.boolean(), filter, value: fc.nat(2) });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 40 }), fc.array(topic, { maxLength: 8 }), (changes, topics) => {
        const tree = new TopicTree<Subscription>();
        const values = ['0', '1', '2'].map(subscription);
        const there = new Set<string>(); // value and filter, the value being one digit
        for (const step of changes) {
          const key = step.value + step.filter;
          const value = values[step.value];
          if (step.remove) expect(tree.remove(step.filter, value)).toBe(there.delete(key));
          else {
            tree.add(step.filter, value);
            there.add(key);
          }
          expect(tree.size).toBe(there.size);
        }
        for (const name of topics) {
          const expected = [...there].filter((key) => matchesByTheBook(key.slice(1), name)).map((key) => key[0]);
          expect(matchNames(tree, name)).toEqual(expected.sort());
        }
        expect(listed(tree)).toEqual([...there].sort());
      }),
      { numRuns: 500 },
    );
  });
});
