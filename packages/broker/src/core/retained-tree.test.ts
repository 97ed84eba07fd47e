import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RetainedTree } from './retained-tree.js';

interface Message {
  readonly topic: string;
  readonly version: number;
}

function treeOf(...topics: string[]): RetainedTree<Message> {
  const tree = new RetainedTree<Message>();
  for (const topic of topics) tree.set(topic, { topic, version: 0 });
  return tree;
}

/** The topics of all that `levels` shows. */
function listed(tree: RetainedTree<Message>): string[] {
  const found: string[] = [];
  const path: string[] = [];
  for (const { depth, level, value } of tree.levels()) {
    expect(depth).toBeLessThanOrEqual(path.length);
    path.length = depth;
    path.push(level);
    if (value === null) continue;
    expect(value.topic).toBe(path.join('/'));
    found.push(value.topic);
  }
  return found.sort();
}

const topicsOf = (found: Iterable<Message>): string[] => [...found].map((message) => message.topic).sort();

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

describe('RetainedTree', () => {
  it('finds all topics by its searches, those below $ too, and says what that costs', () => {
    const tree = treeOf('a', 'a/b', '', '/', '$SYS/x', '$own', 'c/d/e');
    const searches = tree.searches();
    expect(searches.flatMap(topicsOf).sort()).toEqual(['', '$SYS/x', '$own', '/', 'a', 'a/b', 'c/d/e']);
    const visited = searches.map((search) => search.visited);
    expect(visited[0]).toBeGreaterThanOrEqual(5);
    expect(visited[1]).toBeGreaterThanOrEqual(2);
    const [bounded] = tree.searches();
    bounded.step(2);
    expect(bounded.visited).toBeLessThanOrEqual(2);
  });

  it('keeps one value for each topic', () => {
    const tree = treeOf('a', 'a/b', 'a');
    const newer = { topic: 'a', version: 1 };
    tree.set('a', newer);
    expect(tree.get('a')).toBe(newer);
    expect(tree.get('a/b')?.topic).toBe('a/b');
    expect(tree.size).toBe(2);
  });

  it('has no value for a topic that is only the beginning of another', () => {
    const tree = treeOf('a/b/c');
    expect(tree.get('a/b')).toBeUndefined();
    expect(tree.delete('a/b')).toBe(false);
    expect(tree.delete('a/b/c/d')).toBe(false);
    expect(topicsOf(tree.match('a/+'))).toEqual([]);
  });

  it('leaves the others when one topic is deleted', () => {
    const tree = treeOf('a', 'a/b', 'a/c', 'a/b/c');
    expect(tree.delete('a/b')).toBe(true);
    expect(tree.delete('a/b')).toBe(false);
    expect(topicsOf(tree.match('#'))).toEqual(['a', 'a/b/c', 'a/c']);
    expect(tree.size).toBe(3);
  });

  it('finds by #, +, and exact levels', () => {
    const tree = treeOf('a', 'a/', 'a/b', '/a', 'a/b/c', 'b/b');
    expect(topicsOf(tree.match('a/#'))).toEqual(['a', 'a/', 'a/b', 'a/b/c']);
    expect(topicsOf(tree.match('a/+'))).toEqual(['a/', 'a/b']);
    expect(topicsOf(tree.match('+/b'))).toEqual(['a/b', 'b/b']);
    expect(topicsOf(tree.match('a/b'))).toEqual(['a/b']);
    expect(topicsOf(tree.match('x/#'))).toEqual([]);
  });

  it('[MQTT-4.7.2-1] hides $-topics from filters that begin with a wildcard', () => {
    const tree = treeOf('$SYS/up', 'a/$b', 'a');
    expect(topicsOf(tree.match('#'))).toEqual(['a', 'a/$b']);
    expect(topicsOf(tree.match('+/+'))).toEqual(['a/$b']);
    expect(topicsOf(tree.match('$SYS/#'))).toEqual(['$SYS/up']);
    expect(tree.size).toBe(3);
  });

  it('ends a step at its limit and goes on from there', () => {
    const tree = treeOf('a/1', 'b/1', 'c/1', 'd/x');
    const search = tree.match('+/x');
    let steps = 0;
    let found: Message | null = null;
    while (found === null && !search.done) {
      found = search.step(1);
      steps++;
    }
    expect(found?.topic).toBe('d/x');
    expect(steps).toBeGreaterThan(4);
    expect(search.step(100)).toBeNull();
    expect(search.done).toBe(true);
  });

  it('has no branches left to search when all topics are deleted', () => {
    const topics = ['a/b/c', 'a/b/d', 'a', 'e/f'];
    const tree = treeOf(...topics);
    for (const topic of topics) tree.delete(topic);
    const search = tree.match('#');
    expect(search.step(1)).toBeNull();
    expect(search.done).toBe(true);
  });

  it('goes down many thousand levels', () => {
    const topic = Array(30_000).fill('a').join('/');
    const tree = treeOf(topic);
    expect(topicsOf(tree.match('#'))).toEqual([topic]);
    expect(tree.delete(topic)).toBe(true);
    expect(topicsOf(tree.match('#'))).toEqual([]);
  });

  it('does not find a topic twice that is deleted and set again while the search goes on', () => {
    const tree = treeOf('a', 'b', 'c');
    const search = tree.match('+');
    const first = search.next().value;
    if (first === undefined) throw new Error('nothing found');
    tree.delete(first.topic);
    tree.set(first.topic, first);
    expect([first.topic, ...topicsOf(search)].sort()).toEqual(['a', 'b', 'c']);
  });

  it('finds what a comparison with every topic finds, and stands any change while it searches', () => {
    const level = fc.constantFrom('', 'a', 'b', 'c', '$x');
    const filterLevel = fc.oneof({ weight: 2, arbitrary: level }, { weight: 2, arbitrary: fc.constant('+') });
    const topic = fc
      .array(level, { minLength: 1, maxLength: 4 })
      .map((levels) => levels.join('/'))
      .filter((text) => text !== '');
    const filter = fc
      .tuple(fc.array(filterLevel, { maxLength: 3 }), fc.boolean())
      .map(([levels, subtree]) => (subtree ? [...levels, '#'] : levels).join('/'))
      .filter((text) => text !== '');
    const change = fc.record({ remove: fc.boolean(), topic });
    // After the search has begun, some changes are made before each of its steps.
    const plan = fc.record({
      before: fc.array(change, { maxLength: 40 }),
      filter,
      between: fc.array(fc.array(change, { maxLength: 6 }), { maxLength: 12 }),
    });
    fc.assert(
      fc.property(plan, ({ before, filter: wanted, between }) => {
        const tree = new RetainedTree<Message>();
        const there = new Map<string, Message>();
        let version = 0;
        const apply = (step: { remove: boolean; topic: string }): void => {
          if (step.remove) {
            expect(tree.delete(step.topic)).toBe(there.delete(step.topic));
          } else {
            const message = { topic: step.topic, version: ++version };
            expect(tree.set(step.topic, message)).toBe(there.get(step.topic) ?? null);
            there.set(step.topic, message);
          }
          expect(tree.size).toBe(there.size);
        };
        for (const step of before) apply(step);

        const search = tree.match(wanted);
        const lasting = new Set([...there.keys()].filter((name) => matchesByTheBook(wanted, name)));
        const found = new Set<string>();
        const take = (message: Message): void => {
          expect(lasting.has(message.topic)).toBe(true);
          expect(there.get(message.topic)).toBe(message);
          expect(found.has(message.topic)).toBe(false);
          found.add(message.topic);
        };
        for (const steps of between) {
          for (const step of steps) {
            apply(step);
            if (step.remove && !found.has(step.topic)) lasting.delete(step.topic);
          }
          const message = search.step(2);
          if (message !== null) take(message);
        }
        for (const message of search) take(message);
        expect([...found].sort()).toEqual([...lasting].sort());
        for (const [name, message] of there) expect(tree.get(name)).toBe(message);
        expect(listed(tree)).toEqual([...there.keys()].sort());
      }),
      { numRuns: 1000 },
    );
  });
});
