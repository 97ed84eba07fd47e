import { describe, expect, it } from 'vitest';
import { endOfLevel, KeptLevels, TopicNode } from './topic-node.js';

class Node extends TopicNode<Node> {}

describe('TopicNode', () => {
  it('finds its children, whether it has one or many', () => {
    const parent = new Node('');
    expect(parent.findChild('a')).toBeNull();
    const children = ['a', 'b', '', 'c'].map((level) => new Node(level));
    for (const [i, child] of children.entries()) {
      parent.addChild(child);
      for (const [k, each] of children.entries()) expect(parent.findChild(each.level)).toBe(k <= i ? each : null);
    }
    for (const [i, child] of children.entries()) {
      expect(parent.hasChildren).toBe(true);
      parent.removeChild(child);
      for (const [k, each] of children.entries()) expect(parent.findChild(each.level)).toBe(k > i ? each : null);
    }
    expect(parent.hasChildren).toBe(false);
  });

  it('holds a Map only while there are two children or more', () => {
    const parent = new Node('');
    const [a, b] = [new Node('a'), new Node('b')];
    parent.addChild(a);
    expect(parent.children).toBeNull();
    parent.addChild(b);
    expect([parent.onlyChild, parent.children?.size]).toEqual([null, 2]);
    parent.removeChild(a);
    expect([parent.onlyChild, parent.children]).toEqual([b, null]);
  });

  it('lets an iterator over the children come to the last one, when the Map was let go meanwhile', () => {
    const parent = new Node('');
    const [a, b] = [new Node('a'), new Node('b')];
    parent.addChild(a);
    parent.addChild(b);
    const iterator = parent.children?.values();
    parent.removeChild(a);
    expect(iterator?.next().value).toBe(b);
  });
});

describe('KeptLevels', () => {
  const levels = new KeptLevels();

  it('are one text for each level, however often and in however many topics it comes', () => {
    for (let i = 0; i < 10_000; i++) expect(levels.of(`a/${i}`, 2, 2 + `${i}`.length)).toBe(`${i}`);
  });

  it('are right for a short topic as for a very long one', () => {
    for (const rest of ['', 'x'.repeat(60_000)]) {
      const topic = `first/a level of some length/${rest}`;
      const start = 'first/'.length;
      expect(levels.of(topic, start, endOfLevel(topic, start))).toBe('a level of some length');
    }
  });
});
