import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { LiveTree, type LiveTreeOptions } from './live-tree.js';
import { widthOf } from './text-width.js';

/** A tree without colours, and a clock that is moved. */
class Drawn {
  nowMs = 1_000;
  readonly tree: LiveTree;

  constructor(options: Partial<LiveTreeOptions> = {}) {
    this.tree = new LiveTree({ title: 'test', hasColors: false, ...options });
  }

  message(topic: string, payload: string | Uint8Array = 'x', { retain = false, qos = 0 as 0 | 1 | 2 } = {}): void {
    const bytes = typeof payload === 'string' ? new TextEncoder().encode(payload) : payload;
    this.tree.message({ topic, payload: bytes, qos, retain }, this.nowMs, 1_700_000_000_000);
  }

  lines(columns = 80, rows = 20): string[] {
    return this.tree.render(columns, rows, this.nowMs);
  }

  /** The rows of the tree, without the spaces between columns. */
  rows(columns = 80, rows = 20): string[] {
    return this.lines(columns, rows)
      .slice(1, -2)
      .filter((line) => line !== '')
      .map((line) => line.replace(/\s+/g, ' ').trim());
  }
}

describe('LiveTree', () => {
  it('shows topics in an order that stays, levels without choice on one row, values, rates and counts', () => {
    const drawn = new Drawn();
    drawn.message('home/room 10/light', 'on', { retain: true });
    drawn.message('home/room 9/light', '21.5');
    drawn.message('home', 'alive');
    drawn.message('attic/fan/speed', new Uint8Array([0xff, 1]));
    drawn.message('home/room 9/light', '21.6');
    expect(drawn.rows()).toEqual([
      'attic/fan/speed 0xff01 0.2/s 1',
      '▾ home alive 0.6/s 4',
      'room 9/light 21.6 0.4/s 2',
      'room 10/light R on 1',
    ]);
    expect(drawn.lines()[0]).toMatch(/^test +4 topics {3}0\.8\/s {3}5 messages {3}17 bytes$/);
  });

  it('lets rates go down while nothing comes', () => {
    const drawn = new Drawn();
    for (let i = 0; i < 50; i++) drawn.message('t');
    const rates = [0, 5_000, 60_000].map((ms) => {
      drawn.nowMs = 1_000 + ms;
      return drawn.rows()[0];
    });
    expect(rates).toEqual(['t x 10.0/s 50', 't x 3.7/s 50', 't x 50']);
  });

  it('measures the rate that messages come at', () => {
    const drawn = new Drawn();
    for (let i = 0; i < 1_000; i++) {
      drawn.nowMs += 50;
      drawn.message('t');
    }
    expect(drawn.rows()[0]).toMatch(/ (19\.\d|20\.\d)\/s /);
  });

  it('never draws wider or longer than the terminal, whatever the topics are', () => {
    const drawn = new Drawn();
    const names = ['a', '居間'.repeat(30), 'x'.repeat(300), '\u001b[31m', 'e\u0301'.repeat(50), '🌡'.repeat(20), ''];
    for (const name of names) drawn.message(`begin/${name}/${name}`, `${name} and a long value`.repeat(20));
    for (const [columns, rows] of [
      [80, 24],
      [200, 10],
      [30, 5],
      [10, 3],
    ]) {
      const lines = drawn.lines(columns, rows);
      expect(lines.length).toBeLessThanOrEqual(rows);
      for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(columns);
      expect(lines.join('')).not.toContain('\u001b');
    }
  });

  it('does not let what a payload says reach the terminal as a command', () => {
    const drawn = new Drawn({ hasColors: true });
    drawn.message('t', '\u001b]0;title\u0007\u009b2J');
    drawn.nowMs += 10_000;
    expect(drawn.lines()[1]).toContain('\\u001b]0;title\\u0007\\u009b2J');
  });

  it('keeps as many levels as there is room for, and counts the messages of the others', () => {
    const drawn = new Drawn({ maximumNodes: 3 });
    for (const topic of ['a', 'b/c', 'd', 'e', 'a']) drawn.message(topic);
    expect(drawn.rows()).toEqual(['a x 0.4/s 2', 'b/c x 0.2/s 1']);
    expect(drawn.lines().at(-1)).toContain('No room for more topics: 2 messages of others are not shown.');
    expect(drawn.lines()[0]).toContain('5 messages');
  });

  it('takes a topic of 30,000 levels', () => {
    const drawn = new Drawn();
    drawn.message('a/'.repeat(30_000));
    expect(drawn.rows(20)[0]).toMatch(/^a\/a/);
  });

  it('shows payloads as a decoder reads them, those that are too large to keep, too', () => {
    const decoder = { text: (topic: string, payload: Uint8Array) => `<${topic}: ${payload.length}>` };
    const drawn = new Drawn({ decoder });
    drawn.message('a', 'abc');
    drawn.message('b', new Uint8Array(100_000));
    drawn.message('c', '');
    expect(drawn.rows()).toEqual(['a <a: 3> 0.2/s 1', 'b <b: 100000> 0.2/s 1', 'c (empty) 0.2/s 1']);
  });

  it('shows the begin of a large text that is cut within a character', () => {
    const drawn = new Drawn();
    drawn.message('a', `x${'ü'.repeat(5_000)}`);
    drawn.message('b', 'on');
    expect(drawn.rows()).toEqual([expect.stringMatching(/^a xüüü/), 'b on 0.2/s 1']);
  });

  it('folds, unfolds and moves, and tells more about the marked topic', () => {
    const drawn = new Drawn();
    for (const topic of ['a/1', 'a/2', 'b']) drawn.message(topic, 'x', { qos: 1 });
    const { tree } = drawn;
    tree.move(1);
    tree.fold();
    expect(drawn.rows().map((row) => stripVTControlCharacters(row))).toEqual(['▸ a 2 below 0.4/s 2', 'b x 0.2/s 1']);
    tree.unfold();
    tree.unfold();
    expect(drawn.lines().at(-2)).toMatch(/^a\/1 {3}QoS 1 {3}1 byte {3}\d\d:\d\d:\d\d *$/);
    tree.fold();
    expect(drawn.lines().at(-2)).toMatch(/^a *$/);
    tree.toggle();
    tree.move(Number.POSITIVE_INFINITY);
    expect(drawn.lines().at(-2)).toMatch(/^b /);
  });

  it('scrolls with the mark, and stays where it is when topics come above', () => {
    const drawn = new Drawn();
    for (let i = 10; i < 60; i++) drawn.message(`t${i}`);
    drawn.tree.move(Number.POSITIVE_INFINITY);
    const before = drawn.lines(80, 13).slice(1, 11);
    expect(before.at(-1)).toContain('t59');
    expect(drawn.lines(80, 13).at(-1)).toContain('41-50 of 50');
    for (let i = 0; i < 10; i++) drawn.message(`a${i}`);
    expect(drawn.lines(80, 13).slice(1, 11)).toEqual(before);
  });
});
