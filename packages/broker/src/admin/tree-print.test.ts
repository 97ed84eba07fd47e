import { PassThrough, Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { setImmediate } from 'node:timers/promises';
import { PacketType } from '@cauldron/codec';
import { describe, expect, it } from 'vitest';
import { TestBroker } from '../../../../test/support/test-broker.js';
import { TreePrinter, type TreeSource, treeText } from './tree-print.js';

const allOf = (broker: TreeSource): string => [...treeText(broker)].join('');

/** A source that counts how far it was read. */
class LongTree implements TreeSource {
  read = 0;
  readonly #levels: number;

  constructor(levels: number) {
    this.#levels = levels;
  }

  *subscriptionLevels(): ReturnType<TreeSource['subscriptionLevels']> {
    for (; this.read < this.#levels; this.read++) {
      yield { depth: 0, level: `level-${this.read}`, values: [{ clientId: 'client', qos: 1, group: null }] };
    }
  }

  *retainedLevels(): ReturnType<TreeSource['retainedLevels']> {}
}

describe('the text of the trees', () => {
  it('has a line for each level, with who subscribed and what is retained', async () => {
    const test = new TestBroker();
    const ann = await test.connected('ann', 5);
    const bob = await test.connected('bob', 4, { clean: false });
    await ann.subscribe(
      ['#', '+/b', 'a/b', 'a/b/#', '/x'].map((filter) => ({ filter })),
      1,
    );
    await bob.subscribe('a/b', 2);
    await bob.subscribe('$share/team/a/b', 0);
    bob.disconnect();
    await bob.settle();
    test.broker.subscribe('$SYS/#', () => {});
    await test.broker.publish('a/b/c', '1234', { retain: true });
    await test.broker.publish('a', 'ü', { retain: true, qos: 1 });
    await test.broker.publish('$SYS/x', '', { retain: true });
    test.broker.publishStatus([['$SYS/x', '1']]);
    expect(allOf(test.broker).split('\n')).toEqual([
      'Subscriptions:',
      '    # (ann, 1)',
      '    +',
      '      b (ann, 1)',
      '    a',
      '      b (ann, 1) (bob, 2) $share/team (bob, 0)',
      '        # (ann, 1)',
      '    ',
      '      x (ann, 1)',
      '    $SYS',
      '      # (the broker itself)',
      'Retained messages:',
      '    a (2 bytes, QoS 1)',
      '      b',
      '        c (4 bytes, QoS 0)',
      '    $SYS',
      '      x (1 bytes, QoS 2)',
      '',
    ]);
  });

  it('shows control characters instead of sending them to the terminal', async () => {
    const test = new TestBroker();
    const client = await test.connected('\u001b[31mred', 5);
    await client.subscribe('a\u009bb', 0);
    await test.broker.publish('bell\u0007', 'x', { retain: true });
    const shown = allOf(test.broker);
    expect(shown).toContain('a\\u{9b}b (\\u{1b}[31mred, 0)\n');
    expect(shown).toContain('bell\\u{7} (1 bytes, QoS 0)\n');
    expect(shown.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
  });

  it('goes on when subscriptions and messages come and go while it is read', async () => {
    const test = new TestBroker();
    const client = await test.connected('c', 5);
    for (let i = 0; i < 50; i++) {
      await client.subscribe(`s/${i}/x`, 0);
      await test.broker.publish(`r/${i}/x`, 'x', { retain: true });
    }
    let read = '';
    let pieces = 0;
    for (const piece of treeText(test.broker)) {
      read += piece;
      pieces++;
      if (pieces === 30) {
        const filters = Array.from({ length: 45 }, (_, i) => `s/${i + 5}/x`);
        client.send({ type: PacketType.UNSUBSCRIBE, packetId: 1, filters });
        await client.settle();
      }
      if (read.endsWith('Retained messages:\n')) {
        for (let i = 5; i < 50; i++) await test.broker.publish(`r/${i}/x`, '', { retain: true });
      }
    }
    expect(read.match(/x \(c, 0\)/g)?.length).toBeLessThan(15);
    expect(read.match(/x \(1 bytes/g)).toHaveLength(5);
    expect(allOf(test.broker).split('\n')).toHaveLength(2 + 2 * (1 + 5 * 2) + 1);
  });
});

describe('TreePrinter', () => {
  it('writes in slices, between which others have their turn', async () => {
    const output = new PassThrough({ highWaterMark: 1024 ** 3 });
    const tree = new LongTree(20_000);
    const printing = new TreePrinter(tree, output).print();
    const readBySlice: number[] = [];
    while (tree.read < 20_000) {
      readBySlice.push(tree.read);
      await setImmediate();
    }
    await printing;
    output.end();
    expect(readBySlice.length).toBeGreaterThan(20);
    expect((await text(output)).split('\n')).toHaveLength(20_003);
  });

  it('makes no more than an output takes, and goes on when it takes more', async () => {
    const output = new PassThrough({ highWaterMark: 10 });
    const tree = new LongTree(20_000);
    const printing = new TreePrinter(tree, output).print();
    for (let turn = 0; turn < 10; turn++) await setImmediate();
    expect(tree.read).toBeLessThan(2000);
    const printed = text(output);
    await printing;
    output.end();
    expect((await printed).split('\n')).toHaveLength(20_003);
  });

  it('does nothing while it is at it, and prints again afterwards', async () => {
    let written = '';
    const output = new Writable({
      write(chunk, _encoding, done) {
        written += chunk;
        done();
      },
    });
    const printer = new TreePrinter(new LongTree(3), output);
    await Promise.all([printer.print(), printer.print()]);
    expect(written.match(/Subscriptions/g)).toHaveLength(1);
    await printer.print();
    expect(written.match(/Subscriptions/g)).toHaveLength(2);
  });

  it.each(['with', 'without'])('stops when nobody reads any more (%s an error)', async (how) => {
    const output = new PassThrough({ highWaterMark: 10 });
    output.on('error', () => {});
    const tree = new LongTree(20_000);
    const printing = new TreePrinter(tree, output).print();
    await setImmediate();
    output.destroy(how === 'with' ? new Error('EPIPE') : undefined);
    await printing;
    expect(tree.read).toBeLessThan(2000);
  });
});
